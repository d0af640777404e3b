/** The dashboard under the service itself: its gate, its stream, its answers. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../deploy/clock.ts';
import type { Approval } from '../../../deploy/control/approvals.ts';
import { ActionMemory } from '../../../deploy/control/past.ts';
import type { ClusterSource } from '../../../deploy/service/cluster-source.ts';
import type { ServiceOptions } from '../../../deploy/service/service.ts';
import { Browser, browserPath, describeWithBrowser, type Page } from './browser.ts';
import { type Answers, answersOf, decisionOf, startMs } from './dashboard-states.ts';
import { serviceOfTests } from './small-cluster.ts';

/** A cluster whose controller is this test. */
class ClusterOfTests implements ClusterSource {
  answers: Answers = answersOf();
  readonly said: Approval[] = [];
  readonly past = new ActionMemory();
  readonly journalBytes = 0;
  #isNew = false;

  change(answers: Answers): void {
    this.answers = answers;
    this.#isNew = true;
  }

  refresh(): boolean {
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
  }

  state(): Answers['state'] {
    return this.answers.state;
  }

  decisions(limit: number): Answers['decisions'] {
    return this.answers.decisions.slice(0, limit);
  }

  decision(id: string): Answers['decisions'][number] | undefined {
    return this.answers.decisions.find((decision) => decision.id === id);
  }

  say(approval: Approval): Approval {
    this.said.push(approval);
    return approval;
  }

  saidOf(id: string): Approval | undefined {
    return this.said.find(({ decision }) => decision === id);
  }
}

describeWithBrowser('the dashboard of a running service', () => {
  let browser: Browser;

  beforeAll(() => {
    browser = new Browser(browserPath!);
  });
  afterAll(() => browser.close());

  async function withService(
    options: Partial<ServiceOptions>,
    use: (page: Page, cluster: ClusterOfTests, address: string) => Promise<void>,
  ): Promise<void> {
    const cluster = new ClusterOfTests();
    const service = await serviceOfTests({
      ...options,
      cluster,
      clock: { ...systemClock, wallMs: () => startMs },
      dashboard: true,
    });
    try {
      const address = await service.listen({ host: '127.0.0.1', port: 0 });
      await use(await browser.open(`${address}/`), cluster, address);
    } finally {
      await browser.closePages();
      await service.close();
    }
  }

  const isOpenForWord = `!document.querySelector('#approve').disabled`;

  it('is found, shows the state, follows it, and takes a word', () =>
    withService({}, async (page, cluster, address) => {
      await page.until(`document.body.dataset.stream === 'live'`);
      expect(await page.value('location.href')).toBe(`${address}/dashboard/`);
      await page.until(`document.querySelectorAll('.host').length === 6`);
      await page.until(`document.querySelectorAll('#history tbody tr').length === 40`);
      await page.until(isOpenForWord);
      await page.click('#approve');
      await page.until(`document.querySelector('#plan-answer').textContent.startsWith('Approved')`);
      expect(cluster.said).toMatchObject([{ decision: decisionOf().id, verdict: 'approved' }]);
      cluster.change(answersOf({ decision: decisionOf({ state: 'done' }), hosts: 7 }));
      await page.until(`document.querySelectorAll('.host').length === 7`);
      expect(await page.value(`document.querySelector('#plan-word').hidden`)).toBe(true);
      expect(page.complaints).toEqual([]);
    }));

  it('asks for the token once, for looking and for a word', () =>
    withService({ token: 'a-token-of-this-test' }, async (page, cluster) => {
      await page.until(`document.querySelector('#token').open`);
      await page.type('a-token-of-this-test');
      await page.press('Enter', 13);
      await page.until(`document.body.dataset.stream === 'live'`);
      await page.until(isOpenForWord);
      await page.click('#reject');
      await page.until(`document.querySelector('#plan-answer').textContent === 'Rejected.'`);
      expect(cluster.said).toMatchObject([{ verdict: 'rejected' }]);
    }));

  it('passes on why a word came too late', () =>
    withService({}, async (page, cluster) => {
      await page.until(isOpenForWord);
      const expired = decisionOf({ state: 'expired' });
      cluster.answers = { ...cluster.answers, decisions: [{ ...expired }] };
      await page.click('#approve');
      await page.until(
        `document.querySelector('#plan-answer').textContent === 'the decision is expired; nobody waits for a word'`,
      );
      expect(cluster.said).toEqual([]);
    }));
});
