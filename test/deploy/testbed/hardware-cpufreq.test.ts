/** cpufreq of an emulated host: governors by the kernel's rules, files by its ABI. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { governorNames, readConfig } from '../../../deploy/testbed/hardware/config.ts';
import { Policy, policyDirectory } from '../../../deploy/testbed/hardware/cpufreq.ts';
import { FileError } from '../../../deploy/testbed/hardware/errno.ts';
import {
  conservativeStep,
  ondemandKhz,
  resolveKhz,
  schedutilKhz,
  trackUtilization,
} from '../../../deploy/testbed/hardware/governors.ts';
import {
  leadingNumber,
  leadingWord,
  strictNumber,
} from '../../../deploy/testbed/hardware/kernel-numbers.ts';
import { fileAt, textAt } from './hardware-fakes.ts';

/** 1200 … 2600 MHz in steps of 100 MHz. */
const table = Array.from({ length: 15 }, (_, index) => 1_200_000 + index * 100_000);
const all = { minKhz: 1_200_000, maxKhz: 2_600_000 };

describe('governors', () => {
  it.each([
    [100, 1_200_000],
    [400, 1_300_000],
    [512, 1_700_000],
    [600, 2_000_000],
    [700, 2_300_000],
    [819, 2_600_000],
    [1024, 2_600_000],
  ])('schedutil: %i of 1024 takes %i kHz', (util, khz) => {
    // 1.25 · 2600000 · 400 / 1024 = 1269531.25
    const wanted = schedutilKhz(2_600_000, util / 1024);
    expect(resolveKhz(table, wanted, all, 'L')).toBe(khz);
  });

  it.each([
    [5, 1_300_000],
    [10, 1_300_000],
    [50, 1_900_000],
    [80, 2_300_000],
    [94, 2_500_000],
    [95, 2_500_000],
    [96, 2_600_000],
  ])('ondemand: a load of %i %% takes %i kHz', (load, khz) => {
    expect(ondemandKhz(table, load / 100, all)).toBe(khz);
  });

  it('ondemand: between two equally near it takes the higher, as from a table that runs down', () => {
    expect(ondemandKhz(table, 0.25, all)).toBe(1_600_000);
  });

  it('conservative: 11 steps of 130 MHz from 1.2 to 2.6 GHz, and down again by as many', () => {
    let state = { requestedKhz: 1_200_000, khz: 1_200_000 };
    const walk = (load: number): number[] =>
      Array.from({ length: 11 }, () => {
        state = conservativeStep(table, load, state.requestedKhz, state.khz, all);
        return state.khz / 1000;
      });
    expect(walk(0.9)).toEqual([1300, 1400, 1500, 1700, 1800, 1900, 2100, 2200, 2300, 2500, 2600]);
    expect(walk(0.5)).toEqual(new Array(11).fill(2600));
    expect(walk(0.1).at(-1)).toBe(1200);
  });

  it('track utilization as PELT does: 50, 80, 90 % after 32, 74.3, 106.3 ms of work', () => {
    expect(trackUtilization(0, 1, 0.032)).toBeCloseTo(0.5, 12);
    expect(trackUtilization(0, 1, 0.0743)).toBeCloseTo(0.8, 3);
    expect(trackUtilization(0, 1, 0.1063)).toBeCloseTo(0.9, 3);
    expect(trackUtilization(1, 0, 0.064)).toBeCloseTo(0.25, 12);
  });

  it('tracked in one stretch or in two is the same', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, unit, (before, now, first, second) => {
        const whole = trackUtilization(before, now, first + second);
        const parts = trackUtilization(trackUtilization(before, now, first), now, second);
        expect(parts).toBeCloseTo(whole, 9);
      }),
      { seed: 3 },
    );
  });

  it('resolve to the table, within limits, on the side that was asked for', () => {
    const khz = fc.integer({ min: 0, max: 4_000_000 });
    const index = fc.nat(table.length - 1);
    fc.assert(
      fc.property(khz, index, index, (wanted, a, b) => {
        const limits = { minKhz: table[Math.min(a, b)]!, maxKhz: table[Math.max(a, b)]! };
        const allowed = table.filter((one) => one >= limits.minKhz && one <= limits.maxKhz);
        const [low, high, near] = (['H', 'L', 'C'] as const).map((relation) =>
          resolveKhz(table, wanted, limits, relation),
        );
        expect(allowed).toContain(low);
        expect(allowed).toContain(high);
        const clamped = Math.min(Math.max(wanted, limits.minKhz), limits.maxKhz);
        expect(low).toBe(Math.max(...allowed.filter((one) => one <= clamped)));
        expect(high).toBe(Math.min(...allowed.filter((one) => one >= clamped)));
        const distances = allowed.map((one) => Math.abs(one - clamped));
        expect(Math.abs(near! - clamped)).toBe(Math.min(...distances));
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});

/** A policy of CPUs 0 and 1 and its files; `faults` may be turned on. */
function policyFiles(over: object = {}) {
  const config = readConfig({ governor: 'performance', ...over });
  const policy = new Policy(0, [0, 1], config);
  const faults = { ignored: false, readOnly: false };
  const calls: string[] = [];
  const root = policyDirectory(policy, config, {
    settle: () => calls.push('settle'),
    apply: () => calls.push('apply'),
    ignoresGovernors: () => faults.ignored,
    isReadOnly: () => faults.readOnly,
  });
  const read = (name: string): string => textAt(root, name);
  const write = (name: string, text: string): string | undefined => {
    try {
      const file = fileAt(root, name);
      file.openForWriting?.();
      file.write!(text);
      return undefined;
    } catch (error) {
      if (error instanceof FileError) return error.code;
      throw error;
    }
  };
  return { policy, root, read, write, faults, calls };
}

describe('files of a policy', () => {
  it('say what the policy is', () => {
    const { read } = policyFiles();
    expect(read('affected_cpus')).toBe('0 1');
    expect(read('related_cpus')).toBe('0 1');
    expect(read('cpuinfo_min_freq')).toBe('800000');
    expect(read('cpuinfo_max_freq')).toBe('3200000');
    expect(read('cpuinfo_transition_latency')).toBe('10000');
    expect(read('scaling_available_frequencies')).toBe(
      '3200000 2800000 2400000 2000000 1600000 1200000 800000 ',
    );
    expect(read('scaling_available_governors')).toBe(`${governorNames.join(' ')} `);
    expect(read('scaling_driver')).toHaveLength(15);
    expect(read('scaling_cur_freq')).toBe('3200000');
    expect(read('cpuinfo_cur_freq')).toBe('3200000');
  });

  it('take governors in any case, and no others', () => {
    const { read, write } = policyFiles();
    expect(write('scaling_governor', 'PowerSave\n')).toBeUndefined();
    expect(read('scaling_governor')).toBe('powersave');
    expect(read('scaling_cur_freq')).toBe('800000');
    for (const wrong of ['', '\n', 'power', 'powersave2', '1']) {
      expect(write('scaling_governor', wrong)).toBe('EINVAL');
    }
    expect(read('scaling_governor')).toBe('powersave');
  });

  it('take a speed only from userspace: at or above it, within the limits', () => {
    const { read, write } = policyFiles();
    expect(read('scaling_setspeed')).toBe('<unsupported>');
    expect(write('scaling_setspeed', '1600000')).toBe('EINVAL');
    write('scaling_governor', 'userspace');
    // It begins where the policy is.
    expect(read('scaling_setspeed')).toBe('3200000');
    write('scaling_setspeed', '1600001\n');
    expect(read('scaling_setspeed')).toBe('2000000');
    write('scaling_setspeed', '1');
    expect(read('scaling_cur_freq')).toBe('800000');
    expect(write('scaling_setspeed', 'fast')).toBe('EINVAL');
    write('scaling_max_freq', '1600000');
    write('scaling_setspeed', '3200000');
    expect(read('scaling_cur_freq')).toBe('1600000');
    // What was asked for comes back with the limit.
    write('scaling_max_freq', '2800000');
    expect(read('scaling_cur_freq')).toBe('2800000');
  });

  it('clamp limits, and remember what was asked for', () => {
    const { read, write } = policyFiles();
    const limits = (): string => `${read('scaling_min_freq')} ${read('scaling_max_freq')}`;
    write('scaling_max_freq', '99999999');
    write('scaling_min_freq', '0');
    expect(limits()).toBe('800000 3200000');
    write('scaling_max_freq', '1700000');
    expect(limits()).toBe('800000 1600000');
    // A minimum above the maximum gives way until the maximum rises.
    write('scaling_max_freq', '1600000');
    write('scaling_min_freq', '2400000');
    expect(limits()).toBe('1600000 1600000');
    write('scaling_max_freq', '3200000');
    expect(limits()).toBe('2400000 3200000');
    write('scaling_min_freq', '1300000');
    expect(limits()).toBe('1600000 3200000');
    // No frequency lies between 1.3 and 1.5 GHz: the next above.
    write('scaling_max_freq', '1500000');
    expect(limits()).toBe('1600000 1600000');
    expect(write('scaling_min_freq', '-1')).toBe('EINVAL');
    expect(write('scaling_min_freq', '1.5')).toBe('EINVAL');
    expect(write('scaling_min_freq', '1600000 kHz')).toBe('EINVAL');
    expect(write('scaling_min_freq', '0x186a00\n')).toBeUndefined();
  });

  it('refuse crossed limits where the kernel is an old one', () => {
    const { read, write } = policyFiles({ refusesCrossedLimits: true });
    expect(write('scaling_max_freq', '1600000')).toBeUndefined();
    expect(write('scaling_min_freq', '2000000')).toBe('EINVAL');
    expect(write('scaling_min_freq', '1600000')).toBeUndefined();
    expect(write('scaling_max_freq', '1200000')).toBe('EINVAL');
    expect(`${read('scaling_min_freq')} ${read('scaling_max_freq')}`).toBe('1600000 1600000');
  });

  it('count time and moves, and start again', () => {
    const { policy, read, write } = policyFiles();
    policy.advance(1.255);
    write('scaling_governor', 'powersave');
    policy.advance(0.5);
    expect(read('stats/time_in_state').split('\n')).toEqual([
      '3200000 125',
      ...[2_800_000, 2_400_000, 2_000_000, 1_600_000, 1_200_000].map((khz) => `${khz} 0`),
      '800000 50',
    ]);
    expect(read('stats/total_trans')).toBe('1');
    const [, head, first] = read('stats/trans_table').split('\n');
    expect(head!.trim().split(/\s+/).slice(1)).toHaveLength(7);
    expect(first!.trim().split(/\s+/)).toEqual(['3200000:', '0', '0', '0', '0', '0', '0', '1']);
    write('stats/reset', '1');
    expect(read('stats/total_trans')).toBe('0');
    expect(read('stats/time_in_state')).not.toMatch(/ [1-9]/);
  });

  it('settle before a change and let it work afterwards', () => {
    const { write, calls } = policyFiles();
    write('scaling_max_freq', '1600000');
    expect(calls).toEqual(['settle', 'apply']);
    calls.length = 0;
    write('scaling_governor', 'nonsense');
    expect(calls).toEqual(['settle']);
  });

  it('show no more than a power limit lets the CPUs run at, and what was asked for stays', () => {
    const { policy, read } = policyFiles();
    policy.limitTo(1_600_000);
    expect(read('scaling_cur_freq')).toBe('1600000');
    expect(policy.requestedKhz).toBe(3_200_000);
    policy.limitTo(0);
    expect(policy.currentKhz).toBe(800_000);
  });

  it('can be broken: ignored governors, nothing to write', () => {
    const { read, write, faults, root } = policyFiles();
    faults.ignored = true;
    expect(write('scaling_governor', 'powersave')).toBeUndefined();
    expect(write('scaling_governor', 'nonsense')).toBeUndefined();
    expect(read('scaling_governor')).toBe('performance');
    faults.ignored = false;
    faults.readOnly = true;
    expect(write('scaling_max_freq', '1600000')).toBe('EACCES');
    // Opened before it broke.
    expect(() => fileAt(root, 'scaling_max_freq').write!('1600000')).toThrow('EPERM');
    expect(read('scaling_max_freq')).toBe('3200000');
  });

  it('hold whatever is written to them, in any order', () => {
    const writes = fc.array(
      fc.tuple(
        fc.constantFrom(
          'scaling_min_freq',
          'scaling_max_freq',
          'scaling_setspeed',
          'scaling_governor',
        ),
        fc.oneof(
          fc.constantFrom(...governorNames),
          fc.integer({ min: 0, max: 5_000_000 }).map(String),
        ),
      ),
      { maxLength: 20 },
    );
    const loads = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(writes, loads, (list, load) => {
        const { policy, read, write } = policyFiles();
        for (const [name, text] of list) {
          write(name, text);
          policy.sample({ utilization: load, load });
          const [min, max, now] = ['min', 'max', 'cur'].map((one) =>
            Number(read(`scaling_${one}_freq`)),
          );
          expect(min).toBeLessThanOrEqual(max!);
          expect(now).toBeGreaterThanOrEqual(min!);
          expect(now).toBeLessThanOrEqual(max!);
          const frequencies = read('scaling_available_frequencies').trim().split(' ').map(Number);
          for (const one of [min, max, now]) expect(frequencies).toContain(one);
          const fixed = { performance: max, powersave: min }[read('scaling_governor')];
          expect(now).toBe(fixed ?? now);
        }
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});

describe('numbers as the kernel reads them', () => {
  it('strictly', () => {
    const good = [
      ['1600000', 1_600_000],
      ['+7\n', 7],
      ['0x10', 16],
      ['010', 8],
      ['0', 0],
    ] as const;
    for (const [text, value] of good) expect(strictNumber(text)).toBe(value);
    for (const text of ['', ' 1', '1 ', '1\n\n', '-1', '1.0', 'x', '08', '99999999999999999999']) {
      expect(() => strictNumber(text), text).toThrow('EINVAL');
    }
  });

  it('at the start of whatever is there', () => {
    expect(leadingNumber(' 12abc')).toBe(12);
    expect(() => leadingNumber('abc')).toThrow('EINVAL');
    expect(() => leadingNumber('4294967296')).toThrow('EINVAL');
    expect(leadingWord('  performance now')).toBe('performance');
    expect(leadingWord('a'.repeat(20))).toHaveLength(15);
    expect(() => leadingWord(' \n')).toThrow('EINVAL');
  });
});
