/** The command line as a user meets it: help, results, bad input, interruptions. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../scripts/program.ts';
import { smallScenario } from '../small-episodes.ts';
import { directoryWith } from '../traces/temporary-directory.ts';
import { startWattwin, wattwin } from './command-line.ts';

const exit = (code: number): never => {
  throw new Error(`exit ${code}`);
};

/** Contents of a label directory's shards; its lock is none. */
const shardsIn = (labels: string): Buffer[] =>
  readdirSync(labels)
    .filter((name) => !name.startsWith('.'))
    .map((name) => readFileSync(join(labels, name)));

describe('help', () => {
  it.each(createProgram(exit).commands.map((command) => ({ name: command.name(), command })))(
    'of $name explains every argument and option',
    async ({ name, command }) => {
      const { code, stdout, stderr } = await wattwin(name, '--help');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`Usage: wattwin ${name}`);
      for (const { long, description } of command.options) {
        expect(stdout).toContain(long);
        expect(description, `${name} ${long}`).not.toBe('');
      }
      for (const argument of command.registeredArguments) {
        expect(stdout).toContain(argument.name());
      }
      for (const part of command.commands) {
        expect(stdout).toContain(part.name());
        expect((await wattwin(name, part.name(), '--help')).code).toBe(0);
      }
    },
  );

  it('of wattwin leads from a scenario to a report', async () => {
    const { stdout } = await wattwin('--help');
    for (const step of ['simulate', 'label', 'train', 'evaluate', 'report']) {
      expect(stdout).toMatch(new RegExp(`^  wattwin ${step} `, 'm'));
    }
  });
});

describe('simulate', () => {
  it('prints the same bytes twice, as processes of their own and in this one', async () => {
    const directory = directoryWith({ 'small.yaml': smallScenario() });
    const args = ['simulate', join(directory, 'small.yaml'), '--policy', 'pabfd', '--json'];
    const [once, twice] = await Promise.all([
      startWattwin(...args).done,
      startWattwin(...args).done,
    ]);
    expect(once).toMatchObject({ code: 0, stderr: '' });
    expect(twice).toEqual(once);
    expect(await wattwin(...args)).toEqual(once);
    const result = JSON.parse(once.stdout) as {
      policy: string;
      seed: number;
      objectiveKwh: number;
    };
    expect(result).toMatchObject({ policy: 'pabfd', seed: 1, refusedActions: 0 });
    expect(result.objectiveKwh).toBeGreaterThan(0);
  });

  it('writes summary.json, as printed, and a series with units in its header', async () => {
    const directory = directoryWith({ 'small.yaml': smallScenario() });
    const out = join(directory, 'out');
    const { stdout } = await wattwin(
      ...['simulate', join(directory, 'small.yaml'), '--json', '--out', out, '--seed', '7'],
    );
    expect(readFileSync(join(out, 'summary.json'), 'utf8')).toBe(stdout);
    const series = readFileSync(join(out, 'series.csv'), 'utf8').split('\n');
    expect(series[0]).toBe('time_ms,power_w,hosts_on,migrations');
    expect(series).toHaveLength(1 + 6 + 1);
    expect(readdirSync(out).sort()).toEqual(['series.csv', 'summary.json']);
  });

  it('prints the scenario with every default filled in', async () => {
    const directory = directoryWith({ 'small.yaml': smallScenario() });
    const { stdout } = await wattwin('simulate', join(directory, 'small.yaml'), '--print-scenario');
    expect(JSON.parse(stdout)).toMatchObject({
      seed: 1,
      decisionEvery: 300_000,
      policy: 'all-on',
      network: { port: 125e6 },
    });
  });
});

const planetlab = (path: string): string => `name: x
hosts: [{ model: hp-ml110-g5, count: 2 }]
workload: { type: planetlab, path: ${path} }
`;

const small = smallScenario();
const bitbrainsHeader =
  'Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tCPU usage [%];\t' +
  'Memory capacity provisioned [KB];\tMemory usage [KB];\tDisk read throughput [KB/s];\t' +
  'Disk write throughput [KB/s];\tNetwork received throughput [KB/s];\t' +
  'Network transmitted throughput [KB/s]\n';

/** A scenario that cannot be, other files beside it, and the complaint to expect. */
const badScenarios: readonly {
  readonly title: string;
  readonly text: string;
  readonly says: readonly string[];
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: readonly string[];
}[] = [
  { title: 'an empty file', text: '', says: ['s.yaml: expected object, got null'] },
  {
    title: 'YAML that ends too early',
    text: small.slice(0, 60),
    says: ['s.yaml:3: expected valid YAML, got '],
  },
  {
    title: 'unknown keys, all of them',
    text: small.replace('churn', 'chrun').replace('name: small', 'nmae: small'),
    says: ['s.yaml: nmae: expected no such key, got "small"', 's.yaml: name: expected string'],
  },
  {
    title: 'an unknown key of the workload',
    text: small.replace('churn', 'chrun'),
    says: ['s.yaml: workload.chrun: expected no such key, got 0.25'],
  },
  {
    title: 'memory without a unit',
    text: small.replace('24 GiB', '24'),
    says: ['s.yaml: hosts[0].memory: expected a size such as "64 GiB", got 24'],
  },
  {
    title: 'negative memory',
    text: small.replace('24 GiB', '-24 GiB'),
    says: ['s.yaml: hosts[0].memory: expected a size such as "64 GiB", got "-24 GiB"'],
  },
  {
    title: 'no hosts',
    text: small.replace(/hosts:[\s\S]*workload/, 'hosts: []\nworkload'),
    says: ['s.yaml: hosts: expected at least 1 item(s), got []'],
  },
  {
    title: 'no VMs',
    text: small.replace('vms: 8', 'vms: 0'),
    says: ['s.yaml: workload.vms: expected a number of at least 1, got 0'],
  },
  {
    title: 'a host named twice',
    text: small.replace('{ model: ibm', '{ name: a, model: ibm').replace('count: 3', 'name: a'),
    says: ['s.yaml: hosts[1].name: expected a name used once, got "a" again'],
  },
  {
    title: 'a VM on two hosts',
    text: small.replace('count: 3,', 'vms: [vm-0],').replace('count: 1,', 'vms: [vm-0, nobody],'),
    says: ['expected each VM on one host, got "vm-0" is also on ', 'got "nobody"'],
  },
  {
    title: 'a host that is half described',
    text: small.replace('model: ibm-x3550-m3-x5670, ', ''),
    says: ['s.yaml: hosts[1]: expected a model, or cores, memory and pstates, got no pstates'],
  },
  {
    title: 'an unknown policy',
    text: `${small}policy: best-fitt\n`,
    says: ['s.yaml: policy.name: expected one of ', 'got best-fitt'],
  },
  {
    title: 'an unknown option of a policy',
    text: `${small}policy: { name: pabfd, maxUtilisation: 0.5 }\n`,
    says: ['s.yaml: policy.maxUtilisation: expected one of the options '],
  },
  {
    title: 'an unknown policy on the command line',
    text: small,
    args: ['--policy', 'nothing'],
    says: ['s.yaml: policy.name: expected one of ', 'got nothing'],
  },
  {
    title: 'an unknown kind of workload',
    text: small.replace('type: synthetic', 'type: syntetic'),
    says: [
      "s.yaml: workload.type: expected 'none' | 'synthetic' | 'planetlab' | ",
      'got "syntetic"',
    ],
  },
  {
    title: 'a trace that is not there',
    text: planetlab('nowhere'),
    says: ['nowhere: expected ', 'got ENOENT'],
  },
  {
    title: 'a trace directory without files',
    text: planetlab('.'),
    files: { 'sub/x': '' },
    args: ['--seed', '1'],
    says: [': expected '],
  },
  {
    title: 'a binary trace file',
    text: planetlab('day'),
    files: { 'day/a': '1\n2\n', 'day/b': Uint8Array.from({ length: 64 }, (_, byte) => byte * 7) },
    says: ['day/b:1: expected '],
  },
  {
    title: 'a trace that was cut off',
    text: planetlab('day'),
    files: { 'day/a': '1\n2\n3\n', 'day/b': '1\n2\n' },
    says: ['day/b: expected 3 '],
  },
  {
    title: 'NaN in a trace',
    text: planetlab('day'),
    files: { 'day/a': '1\n2\n3\n', 'day/b': '1\nNaN\n3\n' },
    says: ['day/b:2: expected a whole percent from 0 to 100, got "NaN"'],
  },
  {
    title: 'NaN in a Bitbrains trace',
    text: planetlab('day').replace('planetlab', 'bitbrains'),
    files: {
      'day/1.csv': `${bitbrainsHeader}1376314846;\t4;\t11703;\tNaN;\t93.2;\t67108864;\t6129274;\t0;\t0;\t0;\t0\n`,
    },
    says: ['day/1.csv:2', 'NaN'],
  },
  {
    title: 'a window beyond the trace',
    text: small.replace('type: synthetic', 'type: synthetic\n  window: { from: 2, to: 7 }'),
    says: ['s.yaml: workload.window: expected from < to ≤ 6, got 2 to 7'],
  },
  {
    title: 'a checkpoint that is none',
    text: small,
    files: { 'policy.ckpt': 'not a checkpoint' },
    args: ['--checkpoint', 'policy.ckpt'],
    says: ['policy.ckpt: expected a Wattwin checkpoint, got 16 bytes starting "not a ch"'],
  },
  {
    title: 'a checkpoint that is not there',
    text: small,
    args: ['--checkpoint', 'absent.ckpt'],
    says: ['absent.ckpt: expected a readable checkpoint, got ENOENT'],
  },
];

/** One line per problem, each saying where, what was expected and what was there. */
const complaint = /^\S.*: expected .+, got .+$/;

describe('bad input ends with code 2, says what and where, and leaves nothing behind', () => {
  it.each(badScenarios)('simulate: $title', async ({ text, says, files = {}, args = [] }) => {
    const directory = directoryWith({ 's.yaml': text, ...files });
    const before = readdirSync(directory);
    const given = args.map((arg) => (arg.endsWith('.ckpt') ? join(directory, arg) : arg));
    const out = join(directory, 'out');
    const outcome = await wattwin(
      ...['simulate', join(directory, 's.yaml'), '--out', out, '--json', ...given],
    );
    expect(outcome.stderr).not.toBe('');
    for (const line of outcome.stderr.trimEnd().split('\n')) expect(line).toMatch(complaint);
    for (const part of says) expect(outcome.stderr).toContain(part);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(readdirSync(directory)).toEqual(before);
  });

  it('as a process of its own, too', async () => {
    const directory = directoryWith({ 's.yaml': small.replace('24 GiB', '24') });
    const path = join(directory, 's.yaml');
    expect(await startWattwin('simulate', path).done).toEqual({
      code: 2,
      stdout: '',
      stderr: `${path}: hosts[0].memory: expected a size such as "64 GiB", got 24\n`,
    });
  });

  const bad = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await wattwin(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    return stderr;
  };

  it('scenarios that are not there, or are directories', async () => {
    const directory = directoryWith();
    const absent = join(directory, 'x.yaml');
    expect(await bad('simulate', absent)).toBe(
      `${absent}: expected a readable scenario, got ENOENT\n`,
    );
    expect(await bad('simulate', directory)).toContain('expected a readable scenario, got EISDIR');
    expect(await bad('traces', 'inspect', absent)).toContain('got ENOENT');
  });

  it('options that cannot be', async () => {
    expect(await bad('simulate')).toContain("missing required argument 'scenario'");
    expect(await bad('simulate', 'x', '--seed', '-1')).toContain('a whole number from 0 up');
    expect(await bad('simulate', 'x', '--sed', '1')).toContain("unknown option '--sed'");
    expect(await bad('label', 'x')).toContain("required option '--out <dir>' not specified");
    expect(await bad('label', 'x', '--out', 'y', '--seeds', '4..1')).toContain('a rising range');
    expect(await bad('label', 'x', '--out', 'y', '--exploration', '2')).toContain('from 0 to 1');
    expect(await bad('train', 'x', '--out', 'y', '--backend', 'z')).toContain('Allowed choices');
    expect(await bad('evaluate', 'x', '--workers', 'many')).toContain('a whole number from 1 up');
    expect(await bad('simulation')).toContain("unknown command 'simulation'");
    expect(await bad('traces', 'fetch', 'nothing')).toContain('expected ');
  });

  it('evaluate: a bad scenario, an unknown policy, a missing checkpoint', async () => {
    const directory = directoryWith({
      's.yaml': small,
      'bad.yaml': small.replace('vms: 8', 'vms: 0'),
    });
    const [good, wrong] = [join(directory, 's.yaml'), join(directory, 'bad.yaml')];
    const evaluate = (...args: readonly string[]): Promise<string> =>
      bad('evaluate', '--quiet', '--workers', '1', '--out', join(directory, 'out'), ...args);
    expect(await evaluate(good, wrong)).toContain(`${wrong}: workload.vms: expected`);
    expect(await evaluate(good, '--policies', 'all-on,nothing')).toContain('got nothing');
    expect(await evaluate(good, '--policies', 'learned')).toContain('got learned');
    const absent = join(directory, 'absent.ckpt');
    expect(await evaluate(good, '--checkpoint', absent)).toContain(
      `${absent}: expected a readable`,
    );
    expect(existsSync(join(directory, 'out'))).toBe(false);
  });

  it('train: no labels, labels damaged in the middle, labels of something else', async () => {
    const directory = directoryWith({ 'labels/readme.txt': '' });
    const labels = join(directory, 'labels');
    const train = (path: string): Promise<string> =>
      bad('train', path, '--out', join(directory, 'policy.ckpt'), '--quiet');
    expect(await train(join(directory, 'nowhere'))).toContain('a directory of labels, got ENOENT');
    expect(await train(labels)).toContain('expected label shards (episode-*.jsonl), got 1 other');
    const shard = join(labels, 'episode-000-seed-1.jsonl');
    writeFileSync(shard, 'PK\u0003\u0004\n');
    expect(await train(labels)).toContain(`${shard}:1: expected a JSON object`);
    writeFileSync(
      shard,
      '{"format":"wattwin-demonstrations","version":1}\n{"decision":0,"pl\n{}\n',
    );
    expect(await train(labels)).toContain(`${shard}:2: expected a JSON object`);
    writeFileSync(shard, '');
    expect(await train(labels)).toContain('finish `wattwin label` first');
    expect(existsSync(join(directory, 'policy.ckpt'))).toBe(false);
  });

  it('report: no evaluation, half of one, something else', async () => {
    const directory = directoryWith();
    const file = join(directory, 'evaluation.json');
    expect(await bad('report', directory)).toBe(`${file}: expected a readable file, got ENOENT\n`);
    writeFileSync(file, '{"format":"wattwin-eval');
    expect(await bad('report', directory)).toContain(
      `${file}: expected an evaluation in JSON, whole`,
    );
    writeFileSync(file, '{"format":"wattwin-evaluation","version":2,"records":[]}');
    const problems = await bad('report', directory);
    expect(problems).toContain(`${file}: version: expected 1, got 2`);
    expect(problems).toContain(`${file}: records: expected at least 1 item(s), got []`);
    expect(readdirSync(directory)).toEqual(['evaluation.json']);
  });
});

describe('from a scenario to a report', () => {
  it('label, train, simulate, evaluate and report work on each other', async () => {
    const directory = directoryWith({ 'small.yaml': smallScenario(4) });
    const scenario = join(directory, 'small.yaml');
    const at = (name: string): string => join(directory, name);
    const good = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await wattwin(...args);
      expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
      return stdout;
    };
    const label = ['label', scenario, '--out', at('labels'), '--horizon', '3', '--workers', '1'];
    expect(await good(...label, '--seeds', '1..3', '--quiet')).toContain('3 runs labelled');
    const shards = shardsIn(at('labels'));
    // Labelled already: nothing changes.
    await good(...label, '--seeds', '1..3', '--quiet');
    expect(shardsIn(at('labels'))).toEqual(shards);

    const train = ['train', at('labels'), '--epochs', '2', '--quiet', '--json', '--out'];
    const learned = JSON.parse(await good(...train, at('policy.ckpt'))) as { curve: unknown[] };
    expect(learned).toMatchObject({ trainDecisions: 8, heldOutDecisions: 4 });
    expect(learned.curve).toHaveLength(2);
    await good(...train, at('again.ckpt'));
    expect(readFileSync(at('again.ckpt')).equals(readFileSync(at('policy.ckpt')))).toBe(true);

    const simulated = await good('simulate', scenario, '--checkpoint', at('policy.ckpt'), '--json');
    expect(JSON.parse(simulated)).toMatchObject({ policy: 'learned', refusedActions: 0 });

    const evaluate = ['evaluate', scenario, '--seeds', '1,9', '--checkpoint', at('policy.ckpt')];
    const printed = await good(
      ...[...evaluate, '--policies', 'oracle,learned,pabfd', '--workers', '1', '--quiet'],
      ...['--no-png', '--out', at('evaluation'), '--json'],
    );
    const { records } = JSON.parse(printed) as {
      records: { policy: string; seed: number; objective: number }[];
    };
    expect(records.map(({ policy, seed }) => `${policy} ${seed}`)).toEqual([
      ...['oracle 1', 'learned 1', 'pabfd 1', 'oracle 9', 'learned 9', 'pabfd 9'],
    ]);
    // The same run as `simulate` made: scenario seed 1, the same network.
    const { objectiveKwh } = JSON.parse(simulated) as { objectiveKwh: number };
    expect(records[1]!.objective).toBe(objectiveKwh);

    const page = readFileSync(join(at('evaluation'), 'report.html'), 'utf8');
    const stored = readFileSync(join(at('evaluation'), 'evaluation.json'), 'utf8');
    expect(await good('report', at('evaluation'), '--no-png')).toContain('report.html');
    expect(readFileSync(join(at('evaluation'), 'report.html'), 'utf8')).toBe(page);
    expect(readFileSync(join(at('evaluation'), 'evaluation.json'), 'utf8')).toBe(stored);
  });
});

describe('label, interrupted', () => {
  it('by SIGKILL and by SIGINT, ends with the shards of a run never interrupted', async () => {
    const directory = directoryWith({ 'small.yaml': smallScenario(24) });
    const label = (out: string): string[] => [
      ...['label', join(directory, 'small.yaml'), '--out', join(directory, out), '--seeds', '1,2'],
      ...['--horizon', '2', '--workers', '1', '--quiet'],
    ];
    const shard = join(directory, 'stopped', 'episode-000-seed-1.jsonl');
    const lines = (): number =>
      existsSync(shard) ? readFileSync(shard).filter((byte) => byte === 10).length : 0;
    /** Starts labelling and sends `signal` once the first shard has `count` more lines. */
    const interrupt = async (signal: NodeJS.Signals, count: number) => {
      const enough = lines() + count;
      const { child, done } = startWattwin(...label('stopped'));
      const ended = done.then(() => true);
      while (lines() < enough && !(await Promise.race([ended, sleep(5, false)])));
      child.kill(signal);
      return done;
    };
    expect(await interrupt('SIGKILL', 4)).toMatchObject({ code: null, stdout: '' });
    const kept = lines();
    expect(kept).toBeGreaterThanOrEqual(4);
    const stopped = await interrupt('SIGINT', 4);
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(stopped.stderr).toContain('what was finished is kept');
    expect(lines()).toBeGreaterThanOrEqual(kept + 3);

    expect((await wattwin(...label('stopped'))).code).toBe(0);
    expect((await wattwin(...label('straight'))).code).toBe(0);
    const shards = (out: string): Buffer[] => shardsIn(join(directory, out));
    expect(shards('stopped')).toHaveLength(2);
    expect(shards('stopped')).toEqual(shards('straight'));
  });
});
