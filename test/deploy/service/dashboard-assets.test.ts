/** The files of the dashboard: all there, up to date, under a strict policy, and never made of markup. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import fastify from 'fastify';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { dashboardAssets, dashboardHeaders } from '../../../deploy/service/dashboard/assets.ts';
import { addDashboard } from '../../../deploy/service/dashboard/routes.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const page = join(root, 'deploy', 'service', 'dashboard', 'page');
const assets = dashboardAssets();
const text = (address: string): string => assets.get(address)!.body.toString();
const modules = [...assets.keys()].filter((address) => address.endsWith('.js'));
const sources = readdirSync(page).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));

describe('the files', () => {
  it('are those that the page and its modules name, and no others', () => {
    const named = new Set(['']);
    const html = text('');
    for (const [, address] of html.matchAll(/(?:src|href)="(?!#)([^"]+)"/g)) named.add(address!);
    for (const module of modules) {
      if (module.endsWith('/uplot.js')) continue;
      for (const [, path] of text(module).matchAll(
        /^(?:import|export) [^;]*?from ['"]([^'"]+)['"]/gm,
      )) {
        named.add(posix.join(posix.dirname(module), path!));
      }
    }
    expect([...named].sort()).toEqual([...assets.keys()].sort());
  });

  it.each(sources)('%s has been compiled as it is now; otherwise run `npm run build`', (name) => {
    const { outputText } = ts.transpileModule(readFileSync(join(page, name), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const address = `code/service/dashboard/page/${name.replace(/\.ts$/, '.js')}`;
    expect(text(address)).toBe(outputText);
  });

  it('load nothing from elsewhere', () => {
    for (const address of assets.keys()) {
      const code = text(address).replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g, '');
      const foreign = [...code.matchAll(/\bhttps?:\/\/[^\s"'`]+/g)].map(([found]) => found);
      // The name of the language SVG, which is no address.
      expect(foreign.filter((found) => found !== 'http://www.w3.org/2000/svg')).toEqual([]);
      expect(code, address).not.toMatch(/["'(]\/\/\w/);
    }
  });

  it('are small: all together less than 300 kB', () => {
    const bytes = [...assets.values()].reduce((total, { body }) => total + body.length, 0);
    expect(bytes).toBeLessThan(300_000);
  });
});

describe('the policy', () => {
  const policy = dashboardHeaders['content-security-policy'];

  it('allows scripts, styles and data from here only', () => {
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|\*|data:|http/);
  });

  it('has nothing to forbid in the page', () => {
    expect(text('')).not.toMatch(/<script(?![^>]* src=)|\son\w+=|\sstyle=|javascript:/i);
  });

  it.each(sources)('%s makes no markup of text', (name) => {
    expect(readFileSync(join(page, name), 'utf8')).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|createContextualFragment|setHTML|cssText|'style'/,
    );
  });
});

describe('the routes', () => {
  const service = fastify();
  addDashboard(service);

  it.each([...assets.keys()])('/dashboard/%s', async (address) => {
    const response = await service.inject(`/dashboard/${address}`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe(assets.get(address)!.type);
    expect(response.headers).toMatchObject(dashboardHeaders);
    expect(response.rawPayload.equals(assets.get(address)!.body)).toBe(true);
    const again = await service.inject({
      url: `/dashboard/${address}`,
      headers: { 'if-none-match': `${response.headers['etag']}` },
    });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('send on who forgets the last slash, also behind a path of a proxy', async () => {
    const response = await service.inject('/dashboard');
    expect([response.statusCode, response.headers.location]).toEqual([308, 'dashboard/']);
  });

  it('serve nothing else', async () => {
    for (const path of ['tsconfig.json', 'main.ts', 'code/../index.html', '%2e%2e/package.json']) {
      expect((await service.inject(`/dashboard/${path}`)).statusCode, path).toBe(404);
    }
  });
});
