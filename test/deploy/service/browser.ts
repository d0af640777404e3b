/**
 * A browser for tests: Chromium over its DevTools protocol on a pipe, if one is installed. Set
 * `WATTWIN_BROWSER` to the path of another one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { describe } from 'vitest';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

function find(): string | undefined {
  const { WATTWIN_BROWSER, PATH = '' } = process.env;
  if (WATTWIN_BROWSER !== undefined) return WATTWIN_BROWSER;
  const paths = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const browserPath = find();

/** A `describe` that needs a browser; without one it is skipped, and says so. */
export function describeWithBrowser(title: string, tests: () => void): void {
  if (browserPath !== undefined) {
    describe(title, tests);
    return;
  }
  process.stderr.write(
    `\nSKIPPED: ${title}: no browser (looked for ${names.join(', ')} in PATH; \`apt-get install chromium\`, or set WATTWIN_BROWSER)\n`,
  );
  describe.skip(`${title} (no browser found)`, tests);
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

type Listener = (method: string, params: Readonly<Record<string, unknown>>) => void;

/** A running browser without a window. */
export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  /** Why it runs no more. */
  #end: string | undefined;
  readonly #listeners = new Map<string, Listener>();
  readonly #contexts: string[] = [];
  #lastId = 0;

  constructor(path: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'wattwin-browser-'));
    // Chromium's sandbox needs a user other than root; these pages are our own.
    const isRoot = process.getuid?.() === 0;
    this.#process = spawn(
      path,
      [
        '--headless=new',
        '--remote-debugging-pipe',
        `--user-data-dir=${this.#profile}`,
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--no-first-run',
        '--hide-scrollbars',
        '--force-color-profile=srgb',
        ...(isRoot ? ['--no-sandbox'] : []),
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const onEnd = (why: string): void => {
      this.#end = `the browser ${path} ${why}`;
      for (const [id, answer] of this.#waiting) answer({ id, error: { message: this.#end } });
      this.#waiting.clear();
    };
    this.#process.once('error', ({ message }) => onEnd(message));
    this.#process.once('exit', (code, signal) => onEnd(`has ended (${code ?? signal})`));
    // A pipe that breaks is told by the end of the process.
    (this.#process.stdio[3] as Writable).on('error', () => undefined);
    let rest = '';
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (piece: string) => {
      const messages = (rest + piece).split('\0');
      rest = messages.pop()!;
      for (const message of messages) this.#take(JSON.parse(message) as Answer);
    });
  }

  #take(answer: Answer): void {
    if (answer.id !== undefined) {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    } else if (answer.sessionId !== undefined) {
      this.#listeners.get(answer.sessionId)?.(answer.method!, answer.params ?? {});
    }
  }

  send(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    sessionId?: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    if (this.#end !== undefined) return Promise.reject(new Error(this.#end));
    const id = ++this.#lastId;
    (this.#process.stdio[3] as Writable).write(
      `${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
    );
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`${method}: ${error.message}`));
      });
    });
  }

  async open(url: string, options: PageOptions = {}): Promise<Page> {
    const context = await this.send('Target.createBrowserContext');
    const { targetId } = await this.send('Target.createTarget', {
      url: 'about:blank',
      browserContextId: context['browserContextId'],
    });
    const attached = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const sessionId = attached['sessionId'] as string;
    this.#contexts.push(context['browserContextId'] as string);
    const page = new Page((method, params) => this.send(method, params, sessionId));
    this.#listeners.set(sessionId, (method, params) => page.take(method, params));
    await page.start(url, options);
    return page;
  }

  /** Ends all pages; each had storage of its own. */
  async closePages(): Promise<void> {
    for (const browserContextId of this.#contexts.splice(0)) {
      await this.send('Target.disposeBrowserContext', { browserContextId });
    }
    this.#listeners.clear();
  }

  async close(): Promise<void> {
    if (this.#end === undefined) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGTERM');
      await ended;
    }
    await removeWhenLeft(this.#profile);
  }
}

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  /** Like a phone: touch, no pointer that hovers. */
  readonly isPhone?: boolean;
}

/** How long a test waits for something to become true, ms. */
const patienceMs = 30_000;

/** One page, and what it complained about. */
export class Page {
  readonly #send: (
    method: string,
    params?: Readonly<Record<string, unknown>>,
  ) => Promise<Readonly<Record<string, unknown>>>;
  /** Errors of scripts, of the console, of loading, and breaches of the content security policy. */
  readonly complaints: string[] = [];

  constructor(
    send: (
      method: string,
      params?: Readonly<Record<string, unknown>>,
    ) => Promise<Readonly<Record<string, unknown>>>,
  ) {
    this.#send = send;
  }

  take(method: string, params: Readonly<Record<string, unknown>>): void {
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params));
    if (method === 'Log.entryAdded') {
      const entry = params['entry'] as { level: string; text: string; url?: string };
      if (entry.level === 'error' || entry.level === 'warning') {
        this.complaints.push(`${entry.text} (${entry.url ?? ''})`);
      }
    }
    if (method === 'Runtime.consoleAPICalled' && /error|warning|assert/.test(`${params['type']}`)) {
      this.complaints.push(JSON.stringify(params['args']));
    }
  }

  async start(url: string, options: PageOptions): Promise<void> {
    const { width = 1280, height = 900, scheme = 'light', isPhone = false } = options;
    await Promise.all([
      this.#send('Page.enable'),
      this.#send('Runtime.enable'),
      this.#send('Log.enable'),
      this.#send('Emulation.setDeviceMetricsOverride', {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: isPhone,
      }),
      this.#send('Emulation.setTouchEmulationEnabled', { enabled: isPhone }),
      this.#send('Emulation.setEmulatedMedia', {
        features: [
          { name: 'prefers-color-scheme', value: scheme },
          { name: 'prefers-reduced-motion', value: 'reduce' },
        ],
      }),
    ]);
    await this.#send('Page.navigate', { url });
    await this.until(`document.readyState === 'complete'`);
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.#send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as { result: { value: T }; exceptionDetails?: { exception?: { description?: string } } };
    if (exceptionDetails !== undefined) {
      throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    }
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression: string): Promise<void> {
    const endMs = Date.now() + patienceMs;
    for (;;) {
      if (await this.value<boolean>(`Boolean(${expression})`)) return;
      if (Date.now() > endMs) {
        const text = await this.value<string>('document.body.innerText');
        throw new Error(`never true: ${expression}\n${this.complaints.join('\n')}\n${text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  text(selector: string): Promise<string> {
    return this.value(`document.querySelector(${JSON.stringify(selector)}).innerText`);
  }

  /** A real click in the middle of the element, where it can be hit. */
  async click(selector: string): Promise<void> {
    const place = await this.value<{ x: number; y: number }>(
      `(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView({ block: 'center' });
        const { x, y, width, height } = e.getBoundingClientRect(); return { x: x + width / 2, y: y + height / 2 }; })()`,
    );
    for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased']) {
      await this.#send('Input.dispatchMouseEvent', {
        type,
        ...place,
        button: 'left',
        clickCount: 1,
      });
    }
  }

  async type(text: string): Promise<void> {
    await this.#send('Input.insertText', { text });
  }

  async press(key: string, code = 0): Promise<void> {
    const text = key === 'Enter' ? { text: '\r' } : {};
    for (const type of ['keyDown', 'keyUp']) {
      await this.#send('Input.dispatchKeyEvent', {
        type,
        key,
        code: key,
        windowsVirtualKeyCode: code,
        ...(type === 'keyDown' ? text : {}),
      });
    }
  }

  /** PNG of the window, or of the whole page. */
  async screenshot(isWhole = false): Promise<Buffer> {
    const { data } = await this.#send('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: isWhole,
      ...(isWhole
        ? {
            clip: {
              x: 0,
              y: 0,
              scale: 1,
              ...(await this.value<object>(
                '({ width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight })',
              )),
            },
          }
        : {}),
    });
    return Buffer.from(data as string, 'base64');
  }
}

/** Helpers of the browser go on writing for a moment after it has ended. */
async function removeWhenLeft(directory: string): Promise<void> {
  for (let attempts = 50; ; attempts--) {
    try {
      rmSync(directory, { recursive: true, force: true });
      return;
    } catch (error) {
      if (attempts === 0 || (error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
