/** `wattwin probe` and `wattwin observe` as a user meets them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMetricsFile } from '../../deploy/index.ts';
import { readHostMetrics } from '../../scripts/calibrate/host-metrics.ts';
import { liveLines } from '../../scripts/observe/live.ts';
import { type FakeHosts, fakeHosts } from '../deploy/fake-ssh.ts';
import { firstMoment, hostTree, secondMoment } from '../deploy/host-tree.ts';
import { directoryWith } from '../traces/temporary-directory.ts';
import { startWattwin, wattwin } from './command-line.ts';

/** A host whose time goes on by itself: every reading is one second after the one before. */
function runningHost(fake: FakeHosts, host: string): void {
  fake.put(host, hostTree(firstMoment));
  fake.misbehave(
    host,
    `const { readFileSync, writeFileSync } = require('node:fs');
    const root = require('node:path').join(__dirname, '..', 'hosts', ${JSON.stringify(host)});
    const change = (name, edit) => writeFileSync(root + name, edit(readFileSync(root + name, 'utf8')));
    change('/proc/uptime', (text) => (Number(text.split(' ')[0]) + 1).toFixed(2) + ' 1.00\\n');
    change('/proc/stat', (text) => text.replace(/^(cpu\\d) (\\d+) 0 5 (\\d+)/gm,
      (_, cpu, user, idle) => cpu + ' ' + (Number(user) + 30) + ' 0 5 ' + (Number(idle) + 70)));
    for (const zone of ['intel-rapl:0', 'intel-rapl:0:1', 'intel-rapl:1:1']) {
      change('/sys/class/powercap/' + zone + '/energy_uj', (text) => String(Number(text) + 10000000) + '\\n');
    }
    change('/sys/class/powercap/intel-rapl:1/energy_uj', (text) => String((Number(text) + 7000000) % 262143328850) + '\\n');
    run();`,
  );
}

describe('wattwin observe', () => {
  it('writes one host to the file, and says how it did', async () => {
    const fake = fakeHosts();
    runningHost(fake, 'node1');
    const out = join(directoryWith(), 'deep', 'metrics.jsonl');
    const { code, stdout, stderr } = await wattwin(
      ...[
        'observe',
        'node1',
        '--every',
        '100ms',
        '--samples',
        '3',
        '--out',
        out,
        '--json',
        '--quiet',
      ],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual([{ host: 'node1', samples: 3, failures: 0, file: out }]);
    const { entries, brokenLines } = await readMetricsFile(out);
    expect(brokenLines).toEqual([]);
    expect(entries.map(({ line }) => line.percpu.map((cpu) => cpu.usage_percent))).toEqual(
      Array(3).fill([30, 30, 30, 30]),
    );
    // The first line alone: this machine's clock, which dates them, does not run at the tree's pace.
    const [first, second] = entries.map(({ line }) => line.rapl_energy);
    expect(first?.['package-1']?.delta_uj).toBe(7_000_000);
    expect(second).toEqual({});
  });

  it('gives several hosts a file each; one that fails has one line, and the others go on', async () => {
    const fake = fakeHosts();
    runningHost(fake, 'node1');
    runningHost(fake, 'me@node2');
    fake.misbehave(
      'bad',
      'process.stderr.write("REMOTE HOST IDENTIFICATION HAS CHANGED!\\nHost key verification failed.\\n"); process.exitCode = 255;',
    );
    const directory = directoryWith();
    const { code, stderr } = await wattwin(
      ...['observe', 'node1', 'bad', 'me@node2', '--every', '100ms', '--samples', '2', '--quiet'],
      ...['--out', join(directory, 'metrics.jsonl')],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERR_HOST_KEY_CHANGED bad: [^\n]+; given up\n$/);
    for (const host of ['node1', 'me@node2']) {
      const { entries } = await readMetricsFile(join(directory, host, 'metrics.jsonl'));
      expect(entries.map(({ line }) => line.wattwin?.host)).toEqual([host, host]);
    }
    expect(existsSync(join(directory, 'bad', 'metrics.jsonl'))).toBe(false);
  });

  it('ends with Ctrl-C: whole lines, exit code 0, no connection left', async () => {
    const fake = fakeHosts();
    runningHost(fake, 'node1');
    const out = join(directoryWith(), 'metrics.jsonl');
    const { child, done } = startWattwin('observe', 'node1', '--every', '100ms', '--out', out);
    const lines = (): number =>
      existsSync(out) ? readFileSync(out, 'utf8').split('\n').length - 1 : 0;
    while (lines() < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGINT');
    const { code, stderr } = await done;
    expect({ code, said: stderr.includes('node1  ') }).toEqual({ code: 0, said: true });
    const { entries, brokenLines } = await readMetricsFile(out);
    expect(entries.length).toBeGreaterThanOrEqual(2);
    expect(brokenLines).toEqual([]);
    expect(readFileSync(fake.log, 'utf8').trimEnd().split('\n').at(-1)).toContain('["-O","exit"');
  }, 30_000);

  it.each([
    [['observe', '-x;id'], 'unknown option'],
    [['observe', '--', '-oProxyCommand=id'], 'host 1: expected [USER@]HOST as ssh knows it'],
    [['observe', 'a', 'a'], 'host 2: expected a host not named before'],
    [['observe', 'a', '--every', '10'], 'expected a duration from 100 ms up'],
    [['observe', 'a', '--every', '10ms'], 'expected a duration from 100 ms up'],
    [['observe', 'a', '--rotate', '3'], 'expected a size from 1 KiB up'],
    [['observe', 'a', '--out', '/dev/null/x'], 'expected a file that can be written'],
    [['observe', 'a', '--ssh-config', '/nonexistent/config'], 'expected a file that exists'],
    [['probe'], "missing required argument 'host'"],
  ])('%j is bad input', async (args, message) => {
    const fake = fakeHosts();
    const inside = directoryWith();
    const out =
      args.includes('--out') || args[0] === 'probe' ? [] : ['--out', join(inside, 'm.jsonl')];
    const { code, stderr } = await wattwin(args[0]!, ...out, ...args.slice(1));
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
    expect(existsSync(fake.log)).toBe(false);
    expect(existsSync(join(inside, 'm.jsonl'))).toBe(false);
  });
});

describe('wattwin calibrate', () => {
  it('reads what was observed: the load and power of each second', async () => {
    const fake = fakeHosts();
    runningHost(fake, 'node1');
    // A wall clock that goes with the tree's uptime.
    const uptime = join(fake.directory, 'hosts/node1/proc/uptime');
    fake.program('node1', 'date', `#!/bin/sh\nread -r U _ <'${uptime}'; echo "17000$\{U%.*}.25"\n`);
    const directory = directoryWith();
    const observed = await wattwin(
      ...['observe', 'node1', '--every', '100ms', '--samples', '6', '--quiet'],
      ...['--out', join(directory, 'metrics.jsonl')],
    );
    expect(observed).toEqual({ code: 0, stdout: '', stderr: '' });
    // 10 + 7 W in packages, 2 × 10 W in DRAM, at 30 % load all along.
    const { entries } = await readMetricsFile(join(directory, 'metrics.jsonl'));
    for (const { line } of entries) {
      expect(line.wattwin).toMatchObject({ doubts: [], power: { value: { socketW: 37 } } });
      expect(Object.keys(line.rapl_energy)).toHaveLength(4);
    }
    const { powerW, utilization } = readHostMetrics(join(directory, 'metrics.jsonl'));
    expect([...powerW]).toEqual(Array(5).fill(expect.closeTo(37, 6)));
    expect([...utilization]).toEqual(Array(5).fill(expect.closeTo(0.3, 9)));
  });
});

describe('wattwin probe', () => {
  it('answers for each host in order; one that fails has one line', async () => {
    const fake = fakeHosts();
    for (const host of ['b', 'a']) fake.put(host, hostTree(secondMoment));
    const { code, stdout, stderr } = await wattwin('probe', 'b', 'gone', 'a');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^b\n[\s\S]*\na\n/);
    expect(stdout).toContain(
      'acpi-cpufreq, 2 policies, 1200 to 2600 MHz, 2 steps, governor schedutil',
    );
    expect(stderr).toMatch(/^ERR_UNREACHABLE gone: it cannot be reached \([^\n]+\)\n$/);
    const json = await wattwin('probe', 'a', 'gone', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      hosts: [{ host: 'a', cpufreq: { policies: [{ policy: 0 }, { policy: 2 }] } }],
      failures: [{ host: 'gone', code: 'ERR_UNREACHABLE' }],
    });
  });
});

describe('live lines', () => {
  const screen = (isTTY: boolean) => {
    const written: string[] = [];
    return { written, isTTY, columns: 30, write: (text: string) => written.push(text) };
  };

  it('are drawn over the old ones, no wider than the terminal', () => {
    const terminal = screen(true);
    let now = 0;
    const live = liveLines(['a', 'bb'], false, terminal, () => now);
    live.update('a', 'one');
    now = 50;
    live.update('a', 'too soon');
    now = 200;
    live.update('bb', 'x'.repeat(99));
    live.say('said');
    expect(terminal.written).toEqual([
      '\x1b[2Ka   one\n\x1b[2Kbb  waiting\n',
      `\x1b[2A\x1b[2Ka   too soon\n\x1b[2Kbb  ${'x'.repeat(25)}\n`,
      '\x1b[2A\x1b[0Jsaid\n',
      `\x1b[2Ka   too soon\n\x1b[2Kbb  ${'x'.repeat(25)}\n`,
    ]);
  });

  it('are few in a log', () => {
    const log = screen(false);
    let now = 0;
    const live = liveLines(['a'], false, log, () => now);
    for (; now < 25_000; now += 1000) live.update('a', `at ${now}`);
    expect(log.written).toEqual(['a  at 0\n', 'a  at 10000\n', 'a  at 20000\n']);
  });
});
