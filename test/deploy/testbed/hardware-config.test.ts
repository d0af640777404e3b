/** Configuration, faults and the files of procfs of an emulated host. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readProcStat } from '../../../deploy/telemetry/proc-stat.ts';
import { parseConfig, readConfig } from '../../../deploy/testbed/hardware/config.ts';
import { FaultsFile, noFaults } from '../../../deploy/testbed/hardware/faults.ts';
import { cpuinfoText, statText, uptimeText } from '../../../deploy/testbed/hardware/proc-files.ts';

describe('a configuration', () => {
  it('may say nothing', () => {
    expect(readConfig({})).toMatchObject({
      cpus: 2,
      share: 0.4,
      governor: 'schedutil',
      maxEnergyRangeUj: 262_143_328_850,
      energyStartUj: 0,
      tickMs: 100,
      cgroupRoot: '/sys/fs/cgroup',
    });
  });

  it.each([
    [[], 'config: expected an object, got []'],
    [{ cpus: 0 }, 'cpus: expected an integer from 1 to 1024, got 0'],
    [{ cpus: 1.5 }, 'cpus: expected an integer from 1 to 1024, got 1.5'],
    [{ cpus: '2' }, 'cpus: expected an integer from 1 to 1024, got "2"'],
    [{ share: 2 }, 'share: expected a number from 0.01 to 1, got 2'],
    [{ share: Number.NaN }, 'share: expected a number from 0.01 to 1, got null'],
    [{ governor: 'fast' }, 'governor: expected one of conservative, ondemand'],
    [
      { power: { packageIdleW: -1 } },
      'power.packageIdleW: expected a number from 0 to 10000, got -1',
    ],
    [{ power: { coreIdleW: 20 } }, 'power.coreIdleW: expected a number from 0 to 14, got 20'],
    [{ power: { idle: 1 } }, 'power.idle: expected one of packageIdleW'],
    [{ watts: 1 }, 'watts: expected one of governor'],
    [{ operatingPoints: [] }, 'operatingPoints: expected a list of 1 to 64'],
    [{ operatingPoints: [{ khz: 1 }] }, 'operatingPoints[0].volt: expected a number'],
    [
      { operatingPoints: [2, 1].map((khz) => ({ khz, volt: 1 })) },
      'operatingPoints[1].khz: expected more than 2, got 1',
    ],
    [
      { maxEnergyRangeUj: 1_000_000, energyStartUj: 1_000_000 },
      'energyStartUj: expected an integer from 0 to 999999, got 1000000',
    ],
    [{ meterFile: '' }, 'meterFile: expected text, got ""'],
    [{ refusesCrossedLimits: 1 }, 'refusesCrossedLimits: expected true or false, got 1'],
  ])('%j is refused: %s', (value, message) => {
    expect(() => readConfig(value)).toThrow(message);
  });

  it('must be JSON', () => {
    expect(() => parseConfig('{')).toThrow(/^config: expected JSON, got/);
    expect(parseConfig('{"cpus": 3}').cpus).toBe(3);
  });
});

it('faults are read when their file changes; a bad one changes nothing and is reported once', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-faults-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'faults.json');
  const reports: string[] = [];
  const faults = new FaultsFile(path, (message) => reports.push(message));
  const after = (text: string | undefined) => {
    if (text === undefined) rmSync(path);
    else writeFileSync(path, text);
    faults.look();
    faults.look();
    return faults.current;
  };
  faults.look();
  expect(faults.current).toEqual(noFaults);
  expect(after('{"frozenCounters":true}')).toEqual({ ...noFaults, frozenCounters: true });
  expect(after('{"frozenCounters":1}').frozenCounters).toBe(true);
  expect(after('{"frozen":true}').frozenCounters).toBe(true);
  expect(after('nonsense').frozenCounters).toBe(true);
  expect(after('[]').frozenCounters).toBe(true);
  expect(reports).toHaveLength(4);
  expect(reports[0]).toBe(`${path}: frozenCounters: expected true or false`);
  expect(reports[1]).toContain('got frozen');
  expect(after('{ "ignoreGovernorWrites": true }')).toEqual({
    ...noFaults,
    ignoreGovernorWrites: true,
  });
  expect(after(undefined)).toEqual(noFaults);
  expect(reports).toHaveLength(4);
});

describe('procfs', () => {
  it('shows time of VMs as user and guest, in ticks of 10 ms', () => {
    const text = statText(
      [
        { guestS: 1.999, idleS: 3 },
        { guestS: 0, idleS: 4.995 },
      ],
      1_700_000_000.7,
    );
    const { cpus, bootS } = readProcStat(text);
    expect(bootS).toBe(1_700_000_000);
    expect(cpus.get(0)).toMatchObject({ user: 199, guest: 199, idle: 300, system: 0, steal: 0 });
    expect(cpus.get(1)).toMatchObject({ user: 0, guest: 0, idle: 499 });
    expect(text.split('\n')[0]).toBe('cpu  199 0 0 799 0 0 0 0 199 0');
    expect(uptimeText(5.004, [{ guestS: 1, idleS: 4 }])).toBe('5.00 4.00\n');
  });

  it('shows CPUs like the machine’s first, each at its own frequency', () => {
    const template =
      'processor\t: 0\nmodel name\t: Some CPU: 2 GHz\ncpu MHz\t\t: 2000.000\nsiblings\t: 8\ncore id\t\t: 5\nflags\t\t: fpu vmx\npower management:\n\nprocessor\t: 1\nmodel name\t: other\n\n';
    const text = cpuinfoText(template, [800_000, 3_200_000]);
    expect(text).toBe(
      [800, 3200]
        .map(
          (mhz, cpu) =>
            `processor\t: ${cpu}\nmodel name\t: Some CPU: 2 GHz\ncpu MHz\t\t: ${mhz}.000\nsiblings\t: 2\ncore id\t\t: ${cpu}\nflags\t\t: fpu vmx\npower management:\n\n`,
        )
        .join(''),
    );
    expect(cpuinfoText('', [800_000])).toContain('cpu MHz\t\t: 800.000');
  });
});
