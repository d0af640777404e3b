/**
 * The files of the dashboard and the policy under which a browser may use them. The page is written in
 * `page/`: TypeScript is compiled to `dist` like everything else, HTML and CSS are served as they are.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

export interface DashboardAsset {
  readonly type: string;
  readonly body: Buffer;
  /** Changes with the body; for `ETag`. */
  readonly tag: string;
}

/**
 * Sent with every file. Scripts, styles and data come from here only; nothing in the page's text is
 * run; and no code of the page can make markup out of text (`require-trusted-types-for`).
 */
export const dashboardHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Asked for again each time, answered 304 where it is the same.
  'cache-control': 'no-cache',
} as const;

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  js: 'text/javascript; charset=utf-8',
} as const;

/** From `dist/deploy/service/dashboard/` where it runs compiled, from the source where it does not. */
const isCompiled = import.meta.url.endsWith('.js');
const packageRoot = resolve(import.meta.dirname, isCompiled ? '../../../..' : '../../..');

/**
 * All files by address, relative to the address of the page; '' is the page itself. Read once.
 *
 * @throws Error where the page has not been compiled (`npm run build`).
 */
export function dashboardAssets(): ReadonlyMap<string, DashboardAsset> {
  const written = join(packageRoot, 'deploy', 'service', 'dashboard', 'page');
  const compiled = join(packageRoot, 'dist', 'deploy');
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  // Modules lie as in `dist/deploy`, so that the imports between them lead somewhere.
  const modules = 'service/dashboard/page';
  const files: readonly (readonly [address: string, path: string])[] = [
    ['', join(written, 'index.html')],
    ...['dashboard.css', 'hosts.css', 'icon.svg'].map(
      (name) => [name, join(written, name)] as const,
    ),
    ['uplot.css', join(uplot, 'dist', 'uPlot.min.css')],
    [`code/${modules}/uplot.js`, join(uplot, 'dist', 'uPlot.esm.js')],
    ['code/actions/operation.js', join(compiled, 'actions', 'operation.js')],
    ...compiledModules(join(compiled, modules)).map(
      (name) => [`code/${modules}/${name}`, join(compiled, modules, name)] as const,
    ),
  ];
  return new Map(files.map(([address, path]) => [address, asset(path)]));
}

function compiledModules(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.js'));
  } catch (error) {
    throw new Error(`the dashboard is not compiled: run \`npm run build\` (${directory})`, {
      cause: error,
    });
  }
}

function asset(path: string): DashboardAsset {
  const body = readFileSync(path);
  const ending = path.slice(path.lastIndexOf('.') + 1) as keyof typeof types;
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { type: types[ending], body, tag: `"${hash}"` };
}
