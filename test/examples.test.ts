/** Every example runs and prints exactly what lies beside it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { expectGolden } from './golden-file.ts';
import { wattwin } from './scripts/command-line.ts';
import { directoryWith } from './traces/temporary-directory.ts';

const directory = join(import.meta.dirname, '../examples');
const names = readdirSync(directory).sort();
const scenarios = names.filter((name) => name.endsWith('.yaml'));
const programs = names.filter((name) => name.endsWith('.ts'));
const outputOf = (name: string): string => join(directory, name.replace(/\.(yaml|ts)$/, '.out'));

describe('scenarios', () => {
  it.each(scenarios)('%s prints its output', async (name) => {
    const { code, stdout, stderr } = await wattwin('simulate', join(directory, name));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expectGolden(outputOf(name), stdout);
  });

  it.each(scenarios)('%s says in three lines what it shows', (name) => {
    const lines = readFileSync(join(directory, name), 'utf8').split('\n');
    expect(lines.findIndex((line) => !line.startsWith('#'))).toBe(3);
  });

  it('01-one-host takes the energy that its comment derives: (100 + 0.25 × 100) W × 1 h', async () => {
    const { stdout } = await wattwin('simulate', join(directory, '01-one-host.yaml'), '--json');
    const { summary } = JSON.parse(stdout) as { summary: { energyKwh: number } };
    expect(summary.energyKwh).toBeCloseTo((0.1 + 0.25 * 0.1) * 1, 12);
  });

  it('02-governor saves what its comment says: at full speed it would take 6 % more', async () => {
    const text = readFileSync(join(directory, '02-governor.yaml'), 'utf8');
    const energyKwh = async (rule: string): Promise<number> => {
      const files = { 's.yaml': text.replace('rule: ondemand', `rule: ${rule}`) };
      const { stdout } = await wattwin('simulate', join(directoryWith(files), 's.yaml'), '--json');
      return (JSON.parse(stdout) as { summary: { energyKwh: number } }).summary.energyKwh;
    };
    const ratio = (await energyKwh('performance')) / (await energyKwh('ondemand'));
    expect(Math.round(100 * (ratio - 1))).toBe(6);
  });
});

describe('programs', () => {
  it.each(programs)('%s prints its output', async (name) => {
    const printed: string[] = [];
    const spy = vi.spyOn(console, 'log').mockImplementation((...parts: unknown[]) => {
      printed.push(`${parts.join(' ')}\n`);
    });
    try {
      await import(join(directory, name));
    } finally {
      spy.mockRestore();
    }
    expectGolden(outputOf(name), printed.join(''));
  });

  it.each(programs)('%s is at most 40 lines and says how to run it', (name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(40);
    expect(text).toContain(`npx tsx examples/${name}`);
  });
});

it('nothing lies in examples/ that no example uses', () => {
  const known = [...scenarios, ...programs].flatMap((name) => [
    name,
    name.replace(/\.(yaml|ts)$/, '.out'),
  ]);
  expect(names.filter((name) => !known.includes(name))).toEqual(['constant', 'tsconfig.json']);
});
