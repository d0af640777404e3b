/**
 * Pages that are made from code say what the code says; links in the documentation lead somewhere; each
 * model's page opens with what a reader must know before trusting the model.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseClusterFile } from '../deploy/index.ts';
import { accuracyGroups } from '../scripts/docs/accuracy/index.ts';
import { apart, interval } from '../scripts/docs/accuracy/row.ts';
import { cellsOf, simGridSection } from '../scripts/docs/accuracy-page.ts';
import { clusterPage } from '../scripts/docs/cluster-page.ts';
import { scenarioPage } from '../scripts/docs/scenario-page.ts';
import { describeWithReference, referencePath } from './reference-data.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = (name: string): string => readFileSync(join(root, name), 'utf8');

it('docs/scenario.md is what `npm run docs` writes', () => {
  expect(page('docs/scenario.md')).toBe(scenarioPage());
});

it('docs/cluster-file.md is what `npm run docs` writes, and its example can be read', () => {
  const text = page('docs/cluster-file.md');
  expect(text).toBe(clusterPage());
  const example = /```yaml\n(.*?)```/s.exec(text)![1]!;
  expect(parseClusterFile(example, 'cluster.yaml').hosts).toHaveLength(3);
});

describe('docs/accuracy.md', () => {
  const lines = page('docs/accuracy.md').split('\n');
  /** Slow groups are held to their errors by tests of their own; `npm run docs` measures them. */
  const groups = accuracyGroups.filter(({ isSlow }) => !isSlow);

  async function expectMeasured({ measure, ...group }: (typeof groups)[number]): Promise<void> {
    const rows = await measure(referencePath());
    const expected = cellsOf({ ...group, measure }, rows).map(
      (cells) => `| ${cells.join(' | ')} |`,
    );
    expect(expected.length).toBeGreaterThan(0);
    for (const line of expected) expect(lines).toContain(line);
  }

  it.each(
    groups.filter(({ needsData }) => !needsData).map((group) => [group.name, group] as const),
  )('%s: its rows are what is measured', (_, group) => expectMeasured(group), 60_000);

  it('has rows of every group, slow ones too, and no others', () => {
    const found = lines.flatMap((line) => /npm run docs -- ([a-z-]+)`/.exec(line)?.[1] ?? []);
    expect([...new Set(found)].sort()).toEqual(accuracyGroups.map(({ name }) => name).sort());
  });

  describeWithReference('against stored results and traces', () => {
    it.each(
      groups.filter(({ needsData }) => needsData).map((group) => [group.name, group] as const),
    )('%s: its rows are what is measured', (_, group) => expectMeasured(group), 60_000);

    it('SimGrid, scenario by scenario', () => {
      expect(lines.join('\n')).toContain(simGridSection(referencePath()));
    }, 60_000);
  });

  it('gives errors of rounding as the next power of ten, and refuses larger ones', () => {
    expect([3.1e-14, 9.9e-10, 0].map((error) => apart(error))).toEqual([
      'below 1e-13 relative',
      'below 1e-9 relative',
      'equal',
    ]);
    expect(apart(2e-7, 's')).toBe('below 1e-6 s');
    for (const error of [1, Number.NaN, Infinity]) expect(() => apart(error)).toThrow(RangeError);
  });

  it('gives confidence by Student’s t', () => {
    // Ten values 1 … 10: mean 5.5, variance 55 / 6; t = 2.262 with 9 degrees of freedom.
    const { mean, halfWidth } = interval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(mean).toBe(5.5);
    expect(halfWidth).toBeCloseTo(2.262 * Math.sqrt(55 / 6 / 10), 12);
  });
});

/** Whether a path, whose last part may hold a `*`, is there. */
function exists(path: string): boolean {
  const [before, after] = path.split('*');
  if (after === undefined) return existsSync(join(root, path));
  const folder = dirname(before!.endsWith('/') ? `${before}x` : before!);
  return readdirSync(join(root, folder)).some((entry) => {
    const found = `${folder}/${entry}`;
    return found.startsWith(before!) && found.endsWith(after);
  });
}

/** What every model's page says, in this order; each begins a paragraph. */
const openings = ['Idea', 'Formula', 'Units', 'Valid for', 'Not in it', 'Known error', 'Source'];

describe.each(readdirSync(join(root, 'docs', 'models')))('docs/models/%s', (name) => {
  const text = page(join('docs', 'models', name));

  it('opens with its title, its code and its tests', () => {
    const [title, empty, files] = text.split('\n');
    expect(title).toMatch(/^# \S/);
    expect(empty).toBe('');
    expect(files).toMatch(/^\*Code\*: `/);
    expect(text.split('\n\n')[1]).toMatch(/\*Tests\*:\s`/);
  });

  it('names files that exist', () => {
    const named = [...text.split('\n\n')[1]!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!);
    const paths = named.filter((path) => path.includes('/'));
    expect(paths.length).toBeGreaterThan(1);
    const missing = paths.filter((path) => !exists(path));
    expect(missing).toEqual([]);
  });

  it(`has, in order: ${openings.join(', ')}`, () => {
    const found = openings.map((opening) => text.search(new RegExp(`^\\*\\*${opening}\\b`, 'm')));
    expect(found).not.toContain(-1);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  it('stands in the README', () => {
    expect(page('README.md').includes(`(docs/models/${name})`)).toBe(true);
  });
});

describe.each(['docs/security.md', 'docs/control.md'])('%s', (name) => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });

  /** `file.test.ts: title` of each test that a table names; a title may be a part of the real one. */
  function testsNamed(text: string): [file: string, title: string][] {
    return text.split('\n').flatMap((line) => {
      const named: [string, string][] = [];
      let file: string | undefined;
      for (const [, path, title] of line.matchAll(/`([\w.-]+\.test\.ts)`|(?<=[:,] )\*([^*]+)\*/g)) {
        if (path !== undefined) file = path;
        else if (file !== undefined) named.push([file, title!]);
      }
      return named;
    });
  }

  it('names tests that exist', () => {
    const named = testsNamed(page(name));
    expect(named.length).toBeGreaterThan(10);
    const missing = named.filter(([file, title]) => {
      const paths = files.filter((path) => path === file || path.endsWith(`/${file}`));
      return !paths.some((path) => page(join('test', path)).includes(title));
    });
    expect(missing).toEqual([]);
  });
});

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

it.each(pages)('%s links only to files that exist', (name) => {
  const targets = [...page(name).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => target!);
  const missing = targets.filter(
    (target) => !/^https?:/.test(target) && !existsSync(join(root, dirname(name), target)),
  );
  expect(missing).toEqual([]);
});
