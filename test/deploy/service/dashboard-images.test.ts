/**
 * Pictures of the dashboard for docs/dashboard.md. They are only looked at here, and written where
 * `WATTWIN_IMAGES` names a directory:
 *
 *     WATTWIN_IMAGES=docs/images npx vitest run test/deploy/service/dashboard-images.test.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Browser, browserPath, describeWithBrowser, type PageOptions } from './browser.ts';
import { DashboardServer } from './dashboard-server.ts';
import { type Answers, answersOf, nothingToDo } from './dashboard-states.ts';

const { WATTWIN_IMAGES } = process.env;

const images: readonly (readonly [name: string, answers: () => Answers, options: PageOptions])[] = [
  ['plan', () => answersOf(), { width: 1280, height: 900 }],
  ['phone', () => answersOf(), { width: 360, height: 900, isPhone: true }],
  [
    'large',
    () =>
      answersOf({ hosts: 100, vms: 1000, mode: 'act', decision: nothingToDo('act', [100, 1000]) }),
    { width: 1280, height: 1100, scheme: 'dark' },
  ],
];

describeWithBrowser('pictures of the dashboard', () => {
  it.each(images)('%s', async (name, answers, options) => {
    const server = new DashboardServer(answers());
    const browser = new Browser(browserPath!);
    try {
      const page = await browser.open(await server.listen(), options);
      await page.until(`document.querySelectorAll('#history tbody tr').length > 0`);
      await page.until(
        `document.querySelector('#plan-word').hidden || !document.querySelector('#approve').disabled`,
      );
      let image: Buffer = Buffer.alloc(0);
      // The size of the window (PNG, IHDR), once the browser has painted it.
      await expect
        .poll(
          async () => {
            image = await page.screenshot();
            const isBlank = image.length <= 20_000;
            return [image.readUInt32BE(16), image.readUInt32BE(20), isBlank];
          },
          { timeout: 20_000, interval: 200 },
        )
        .toEqual([options.width, options.height, false]);
      // What a page may weigh in a repository.
      expect(image.length).toBeLessThan(200_000);
      if (WATTWIN_IMAGES !== undefined) {
        writeFileSync(join(WATTWIN_IMAGES, `dashboard-${name}.png`), image);
      }
    } finally {
      await browser.close();
      await server.close();
    }
  });
});
