/** `wattwin testbed load`: options, and YCSB against a Redis without a testbed. */
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Programs } from '../../../deploy/testbed/index.ts';
import { planTestbed } from '../../../deploy/testbed/plan.ts';
import { governorList, setGovernor } from '../../../scripts/testbed/governor.ts';
import { loadCommand } from '../../../scripts/testbed/load-command.ts';
import { tinyRedis } from './tiny-redis.ts';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** Runs `load …`; what it printed, and how it ended. */
async function load(...words: string[]): Promise<{ out: string; err: string; code: unknown }> {
  let out = '';
  let err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text);
    return true;
  });
  const command = loadCommand();
  for (const one of [command, ...command.commands]) one.exitOverride();
  let code: unknown;
  try {
    await new Command().addCommand(command).parseAsync(['load', ...words], { from: 'user' });
    code = process.exitCode ?? 0;
  } catch (error) {
    code = (error as { code?: unknown }).code;
  }
  vi.restoreAllMocks();
  return { out, err, code };
}

describe('ycsb', () => {
  it('runs a workload against any Redis, from a process of its own', async () => {
    const server = await tinyRedis();
    const address = `127.0.0.1:${server.port}`;
    const common = ['ycsb', '--address', address, '--records', '20', '--duration', '1 s'];
    const json = await load(...common, '--rate', '50', '--format', 'json', '--quiet');
    expect(json).toMatchObject({ code: 0, err: '' });
    const report = JSON.parse(json.out);
    expect(report).toMatchObject({ errors: {}, unfinished: 0, askedPerS: expect.closeTo(50, 6) });
    expect(report.done).toBe(report.issued);
    expect(report.client.cpuFraction).toBeGreaterThan(0);
    expect(server.hashes.size).toBe(20);
    const lines = await load(...common, '--format', 'ycsb', '--phases', 'run', '--quiet');
    expect(lines.out).toMatch(/^\[OVERALL\], RunTime\(ms\), \d+\n\[OVERALL\], Throughput/);
    const table = await load(...common, '--phases', 'run', '--quiet');
    expect(table.out).toContain('update');
    expect(table.out).toMatch(/of 100 ops\/s over [\d.]+ s,/);
    await server.close();
  });

  it('says in one line what it cannot reach', async () => {
    const server = await tinyRedis();
    await server.close();
    const address = `127.0.0.1:${server.port}`;
    const { err, out, code } = await load(
      'ycsb',
      '--address',
      address,
      '--timeout',
      '300 ms',
      '--quiet',
    );
    expect(err).toBe(`${address}: no Redis answers at ${address}\n`);
    expect({ out, code }).toEqual({ out: '', code: 1 });
  });
});

describe('bad input', () => {
  it.each([
    [['ycsb', '--address', 'nowhere'], 2, '--address: expected HOST:PORT, got nowhere'],
    [['ycsb', '--name', 'No Such'], 2, '--name: expected'],
    [['ycsb', '--name', 'none-here'], 1, 'There is no testbed "none-here"'],
    [['run', '--name', 'none-here', '--out', '/tmp/x'], 1, 'There is no testbed "none-here"'],
    [['compare', '/no/such', '/no/such'], 2, '/no/such: expected the directory of a load run'],
  ])('%j ends with %i', async (words, code, text) => {
    const found = await load(...words);
    expect(found.err).toContain(text);
    expect(found.code).toBe(code);
  });

  it.each([
    ['run', '--out', 'x', '--mean', '1'],
    ['run', '--out', 'x', '--mean', ''],
    ['run', '--out', 'x', '--job', '0 ms'],
    ['run', '--out', 'x', '--kind', 'else'],
    ['run'],
    ['ycsb', '--rate', '0'],
    ['ycsb', '--workload', 'e'],
    ['ycsb', '--phases', 'load,walk'],
    ['ycsb', '--records', '1.5'],
  ])('%j %j %j %j is refused', async (...words) => {
    const { code } = await load(...words.filter((word) => word !== undefined));
    expect(String(code)).toMatch(/^commander\./);
  });
});

describe('governors', () => {
  it('are read from a list', () => {
    expect(governorList('performance,userspace:1600')).toEqual([
      { text: 'performance', governor: 'performance' },
      { text: 'userspace:1600', governor: 'userspace', mhz: 1600 },
    ]);
    for (const wrong of [
      '',
      'fast',
      'userspace',
      'userspace:0',
      'performance,performance',
      'a;b',
    ]) {
      expect(() => governorList(wrong)).toThrow('expected');
    }
  });

  it('are set on every policy of every host, the frequency after the governor', async () => {
    const calls: { argv: readonly string[]; input: string | undefined }[] = [];
    const programs: Programs = {
      run: async (argv, options) => {
        calls.push({ argv, input: options?.input });
        return '';
      },
    };
    const spec = { name: 'test', hosts: 2, vms: 0, redis: 0, disk: 'none' as const, hardware: {} };
    const [setting] = governorList('userspace:1600');
    await setGovernor(planTestbed(spec), setting!, programs, new AbortController().signal);
    expect(calls.map(({ argv }) => argv)).toEqual(
      ['h1', 'h2'].map((host) => [
        'ssh',
        '-F',
        '/run/wattwin/testbed/test/ssh_config',
        host,
        'sh',
        '-s',
      ]),
    );
    const script = calls[0]!.input!;
    expect(script.indexOf('echo userspace > "$policy/scaling_governor"')).toBeGreaterThan(0);
    expect(script.indexOf('echo 1600000 > "$policy/scaling_setspeed"')).toBeGreaterThan(
      script.indexOf('scaling_governor'),
    );
    // On a machine without cpufreq the shell would do nothing, or fail; it must not do half.
    expect(script.startsWith('set -e\n')).toBe(true);
  });
});
