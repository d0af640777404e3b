/** Labels as text: what is written comes back, and what is damaged is named by line. */
import { describe, expect, it } from 'vitest';
import {
  type Demonstration,
  decodeEpisode,
  type EpisodeHeader,
  encodeDemonstration,
} from '../../oracle/index.ts';
import { InputError } from '../../sim/index.ts';
import { labelHere, smallEpisode } from '../small-episodes.ts';

const header: EpisodeHeader = {
  format: 'wattwin-demonstrations',
  version: 1,
  model: '0123456789abcdef',
  workload: 'test',
  seed: 1,
  decisions: 2,
  options: { any: 'thing' },
};

const demonstration = (decision: number): Demonstration => ({
  decision,
  decidedAtMs: decision * 300_000,
  observedAtMs: decision * 300_000,
  executed: 1,
  plans: [
    {
      source: 'best-fit 0.6 + headroom 0.8 − host 2',
      objective: 0.1 + 0.2,
      cost: { energyKwh: 1 / 3, lostVcpuHours: 5e-324, migrations: 2 },
      actions: [
        { type: 'powerOn', host: 3 },
        { type: 'place', vm: 4, host: 3 },
        { type: 'migrate', vm: 0, host: 1 },
        { type: 'powerOff', host: 2 },
        { type: 'setPstate', host: 1, pstate: 4 },
        { type: 'setQuota', vm: 2, cores: 1.25 },
        { type: 'setQuota', vm: 2, cores: Infinity },
        { type: 'limitVmPower', vm: 2, watts: 7.5 },
        { type: 'limitVmPower', vm: 2, watts: Infinity },
        { type: 'limitVmPower', vm: 2, watts: 1, of: 'disk' },
        { type: 'limitVmPower', vm: 2, watts: Infinity, of: 'disk' },
        { type: 'limitHostPower', host: 0, watts: 250 },
        { type: 'limitHostPower', host: 0, watts: Infinity },
      ],
    },
    {
      source: 'all-on',
      objective: 7,
      cost: { energyKwh: 7, lostVcpuHours: 0, migrations: 0 },
      actions: [],
    },
  ],
});

const bytesOf = (...lines: readonly string[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));

const good = encodeDemonstration(demonstration(0));

function complaint(...lines: readonly string[]): string {
  try {
    decodeEpisode(bytesOf(...lines), 'labels/a.jsonl');
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  throw new Error('nothing was wrong');
}

describe('a shard', () => {
  it('comes back as it was written, to the last bit', () => {
    const second = demonstration(1);
    const bytes = bytesOf(JSON.stringify(header), good, encodeDemonstration(second));
    expect(decodeEpisode(bytes, 'x')).toEqual({
      header,
      demonstrations: [demonstration(0), second],
      wholeBytes: bytes.length,
    });
  });

  it('comes back from a whole labelled episode', async () => {
    const labelled = await labelHere(smallEpisode(2));
    expect(labelled).toHaveLength(6);
    const bytes = bytesOf(JSON.stringify(header), ...labelled.map(encodeDemonstration));
    expect(decodeEpisode(bytes, 'x')?.demonstrations).toEqual(labelled);
  });

  it('is worth its whole lines wherever it was cut off', () => {
    const bytes = bytesOf(JSON.stringify(header), good);
    const first = JSON.stringify(header).length + 1;
    for (let length = 0; length < bytes.length; length++) {
      const episode = decodeEpisode(bytes.subarray(0, length), 'x');
      if (length < first) expect(episode).toBeUndefined();
      else expect(episode).toEqual({ header, demonstrations: [], wholeBytes: first });
    }
  });

  it('says file and line of what is damaged', () => {
    const head = JSON.stringify(header);
    const line = (change: (value: Record<string, unknown>) => void): string => {
      const value = JSON.parse(good) as Record<string, unknown>;
      change(value);
      return JSON.stringify(value);
    };
    const cases: readonly (readonly [lines: readonly string[], message: string])[] = [
      [['{"format":'], 'labels/a.jsonl:1: expected a JSON object'],
      [['null'], 'labels/a.jsonl:1: expected a JSON object, got null'],
      [['{"format":"other"}'], 'labels/a.jsonl:1: expected a header of format'],
      [[head.replace('"version":1', '"version":2')], 'expected format version 1, got version 2'],
      [[head, good.slice(0, 40)], 'labels/a.jsonl:2: expected a JSON object'],
      [[head, good, good], 'labels/a.jsonl:3: expected decision 1, got 0'],
      [[head, '7'], 'labels/a.jsonl:2: expected a JSON object, got 7'],
      [[head, '{}'], 'labels/a.jsonl:2: expected a demonstration'],
      [[head, line((value) => delete value['decidedAtMs'])], 'labels/a.jsonl:2: expected times'],
      [
        [head, line((value) => (value['executed'] = 2))],
        'expected an executed plan that is listed',
      ],
      [[head, line((value) => (value['plans'] = [null, null]))], 'expected plans of four parts'],
      [[head, good.replace('5e-324', '"x"')], 'labels/a.jsonl:2: expected plans with three costs'],
      [[head, good.replace(',5e-324', '')], 'labels/a.jsonl:2: expected plans with three costs'],
      [[head, good.replace('["n",3]', '["z",3]')], 'expected actions p, m, n, f, s'],
      [[head, good.replace('["p",4,3]', '["p",4]')], 'expected actions p, m, n, f, s'],
      [[head, good.replace('["n",3]', '3')], 'expected actions p, m, n, f, s'],
    ];
    for (const [lines, message] of cases) expect(complaint(...lines)).toContain(message);
  });
});
