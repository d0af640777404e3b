/** Threats that no one part answers alone; each has its row in docs/security.md. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { disksInXml, sizeInXml } from '../../deploy/actions/domain-xml.ts';
import { readJobInfo } from '../../deploy/actions/job-info.ts';
import { readTuning } from '../../deploy/actions/tuning.ts';
import {
  Approvals,
  clusterSchema,
  commandsOf,
  createExecutor,
  Journal,
  killSwitch,
  OperationError,
  parseClusterFile,
  printable,
  shellWord,
  systemClock,
  type Transport,
  takeControl,
} from '../../deploy/index.ts';
import { encodeLine } from '../../deploy/journal/line.ts';
import { readCgroups } from '../../deploy/telemetry/cgroup.ts';
import { readCpufreq } from '../../deploy/telemetry/cpufreq.ts';
import { readDomstats } from '../../deploy/telemetry/domstats.ts';
import { cpuList } from '../../deploy/telemetry/listing.ts';
import { readMeminfo } from '../../deploy/telemetry/meminfo.ts';
import { readPowercap } from '../../deploy/telemetry/powercap.ts';
import { readPressure } from '../../deploy/telemetry/pressure.ts';
import { readProcStat } from '../../deploy/telemetry/proc-stat.ts';
import { readTemperatures, readThrottleCounts } from '../../deploy/telemetry/thermal.ts';
import { jsonText } from '../../scripts/cli.ts';
import { wattwin } from '../scripts/command-line.ts';
import { stoppedClock } from './journal/stopped-clock.ts';

const clock = stoppedClock(1_700_000_000_000);

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-security-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

describe('what a host prints', () => {
  const bytes = 60_000;
  const patterns = [
    ...['<', '<a', '<a ', '<a "x', '<!--', '<![CDATA[', '<?', '</', '<a>', '<a a=', "<a a='", '&'],
    ...['a', ' ', '0', ':', '/', '\n', '\t', '-', "'", '"', '=', '\\x', '.', ' 0 0-3\n'],
    ...["Domain: '", "Domain: 'a'\n", '  vcpu.0.time=1\n', '/sys/x/name:', 'cpu0 1 1 1 1\n'],
    ...['0-', '0,', '0-100000,', '0-99999,', 'vcpu_quota : 1\n'],
  ];
  const tuningOf = (text: string): void => {
    const section = { text, status: 0 };
    readTuning(
      'h',
      new Map([
        ['schedinfo-live', section],
        ['vcpupin-live', section],
      ]),
      'live',
    );
  };
  const readers: Readonly<Record<string, (text: string) => unknown>> = {
    ...{ disksInXml, sizeInXml, readJobInfo, cpuList, tuningOf },
    ...{ readCgroups, readCpufreq, readDomstats, readMeminfo, readPowercap, readPressure },
    ...{ readProcStat, readTemperatures, readThrottleCounts, printable },
  };

  it.each(Object.entries(readers))(
    'takes no time beyond its length, however odd: %s',
    (_, read) => {
      for (const pattern of patterns) {
        for (const [before, after] of [
          ['', ''],
          ['<a ', '>'],
        ] as const) {
          const text = before + pattern.repeat(bytes / pattern.length) + after;
          const startMs = performance.now();
          read(text);
          // Some ms as a rule; what grows with the square of the length takes half a minute.
          expect(performance.now() - startMs, JSON.stringify(pattern)).toBeLessThan(5000);
        }
      }
    },
    120_000,
  );

  it('fills no memory with CPUs that there cannot be', () => {
    expect(cpuList('0-99999')).toHaveLength(100_000);
    expect(cpuList('0-99999,0')).toBeUndefined();
    expect(cpuList('0-50000,0-50000')).toBeUndefined();
  });

  it('controls no terminal, as JSON neither', () => {
    const name = '\u001b]0;x\u0007\u009b2J\u202etxt.exe\u2028\u061c\ufeff\u200b"\\';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    const harmful = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\ufeff]/;
    expect(printable(name)).not.toMatch(harmful);
    expect(jsonText({ [name]: name })).not.toMatch(harmful);
    expect(JSON.parse(jsonText({ [name]: name }, 2))).toEqual({ [name]: name });
  });
});

describe('the kill switch', () => {
  it('stops as a file, a directory, and a link that leads nowhere', () => {
    const directory = scratch();
    const path = join(directory, 'STOP');
    expect(killSwitch(path)).toBeUndefined();
    for (const make of [
      () => writeFileSync(path, ''),
      () => mkdirSync(path),
      () => symlinkSync(join(directory, 'nothing'), path),
      () => symlinkSync(path, path),
    ]) {
      make();
      expect(killSwitch(path)).toBe(`the file ${path} exists`);
      rmSync(path, { recursive: true });
      expect(killSwitch(path)).toBeUndefined();
    }
  });

  it('stops when nobody can say whether it is there', () => {
    const directory = scratch();
    writeFileSync(join(directory, 'file'), '');
    expect(killSwitch(join(directory, 'file', 'STOP'))).toContain('cannot be seen (ENOTDIR)');
    expect(killSwitch(join(directory, 'x'.repeat(300)))).toContain('cannot be seen (ENAMETOOLONG)');
  });
});

describe('a journal that others could have written', () => {
  it.each([0o777, 0o770, 0o722, 0o1777, 0o720, 0o702])('is not acted on: mode %o', (mode) => {
    const directory = join(scratch(), 'journal');
    mkdirSync(directory);
    chmodSync(directory, mode);
    const control = { directory, hosts: ['h1'], leases: join(directory, '..', 'leases') };
    expect(() => takeControl(control, clock)).toThrow('others can write into it');
    expect(readdirSync(directory)).toEqual([]);
    chmodSync(directory, mode & 0o755);
    takeControl(control, clock).release();
  });

  it.runIf(process.getuid?.() === 0)('is not acted on: another user’s', async () => {
    const { chownSync } = await import('node:fs');
    const directory = scratch();
    chownSync(directory, 12_345, 12_345);
    const control = { directory, hosts: [], leases: join(directory, 'leases') };
    expect(() => takeControl(control, clock)).toThrow('belongs to user 12345');
  });

  it('by restore neither', async () => {
    const directory = scratch();
    const cluster = join(directory, 'cluster.yaml');
    writeFileSync(cluster, 'hosts: [{ name: h1 }]\n');
    mkdirSync(join(directory, 'journal'));
    chmodSync(join(directory, 'journal'), 0o777);
    for (const more of [[], ['--damaged']]) {
      const ended = await wattwin('restore', '--cluster', cluster, '--execute', ...more);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain('ERR_JOURNAL');
    }
  });

  it('is made for its owner alone, whoever makes it first', () => {
    const directory = scratch();
    const journal = join(directory, 'journal');
    new Approvals(join(journal, 'approvals'));
    for (const path of [journal, join(journal, 'approvals')]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
    const control = { directory: join(directory, 'other'), hosts: [], leases: directory };
    takeControl(control, clock).release();
    expect(statSync(control.directory).mode & 0o777).toBe(0o700);
    const made = Journal.open(control.directory, clock);
    made.append({ kind: 'event', code: 'TEST', message: 'x' });
    made.close();
    expect(statSync(join(control.directory, 'journal-000001.jsonl')).mode & 0o777).toBe(0o600);
  });
});

describe('a line of a journal with a right checksum', () => {
  const wake = { type: 'wakeHost', host: 'a' };
  const intent = { kind: 'intent', decision: 'd', item: 0, operation: wake, undo: [wake] };
  const decision = { id: 'd', state: 'open', before: {}, after: {}, items: [] };

  /** A journal whose third line is this. */
  function journalWith(record: object): string {
    const directory = scratch();
    const journal = Journal.open(directory, clock);
    journal.append({ kind: 'event', code: 'TEST', message: 'before' });
    journal.close();
    const path = join(directory, 'journal-000001.jsonl');
    writeFileSync(path, encodeLine({ seq: 2, atMs: 1, ...record }), { flag: 'a' });
    return directory;
  }

  it.each([
    ['no kind', {}],
    ['an unknown kind', { kind: 'toString' }],
    ['no time', { ...intent, atMs: 'x' }],
    ['an intent without what undoes it', { ...intent, undo: undefined }],
    ['an undo that is no list', { ...intent, undo: wake }],
    ['an undo of nothing', { ...intent, undo: [null] }],
    ['an operation that there is not', { ...intent, operation: { type: 'format', host: 'a' } }],
    ['an operation called by an inherited name', { ...intent, undo: [{ type: 'constructor' }] }],
    ['an operation on no host', { ...intent, undo: [{ type: 'wakeHost' }] }],
    ['a host that is no text', { ...intent, undo: [{ type: 'wakeHost', host: ['a'] }] }],
    ['the end of nothing', { kind: 'done', intent: 'x', effect: {} }],
    ['an undone that says not what', { kind: 'undone' }],
    ['a decision that is none', { kind: 'decision', decision: 'd' }],
    ['a decision without items', { kind: 'decision', decision: { ...decision, items: 7 } }],
    ['an item of nothing', { kind: 'decision', decision: { ...decision, items: [{}] } }],
  ])('is damage when it is %s', (_, record) => {
    const directory = journalWith(record);
    const view = Journal.openReadOnly(directory);
    expect(view.damage).toMatchObject({
      line: 3,
      reason: expect.stringMatching(/^it is (?:no|of no)/),
    });
    expect([...view.records()]).toHaveLength(1);
    expect(() => Journal.open(directory, clock)).toThrow('the journal is damaged');
  });

  it('is taken when it is a record', () => {
    expect(Journal.openReadOnly(journalWith(intent)).toUndo()).toHaveLength(1);
    const view = Journal.openReadOnly(journalWith({ kind: 'decision', decision }));
    expect(view.damage).toBeUndefined();
  });

  it('cannot control the terminal that shows it', async () => {
    const bad = '\u001b[2J\u009b31m';
    const items = [
      { operation: { ...wake, host: bad }, state: bad, error: { code: bad, message: bad } },
    ];
    const numbers = { meanW: 1, horizonS: 1, lostVcpuS: 1, powerW: [] };
    const made = { ...decision, state: bad, mode: bad, policy: bad, atMs: 1, items };
    const directory = journalWith({
      kind: 'decision',
      decision: { ...made, before: numbers, after: numbers },
    });
    for (const args of [[], ['--decision', 'd'], ['--json']]) {
      const { code, stdout, stderr } = await wattwin('journal', '--journal', directory, ...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
      expect(stdout).not.toMatch(/[\u001b\u009b]/);
    }
  });
});

describe('a word on a decision', () => {
  it.each(['', '{', '"approved"', '{"verdict":"approved"}', '[]'])(
    'that is none is not taken for one: %j',
    (text) => {
      const directory = scratch();
      const approvals = new Approvals(directory);
      writeFileSync(join(directory, 'd.json'), text);
      expect(() => approvals.of('d')).toThrow('is no word on d');
    },
  );

  it('counts for the decision that it names, and for no other', () => {
    const directory = scratch();
    const approvals = new Approvals(directory);
    approvals.say({ decision: 'd1', verdict: 'approved', atMs: 1, by: 'x' });
    writeFileSync(join(directory, 'd2.json'), readFileSync(join(directory, 'd1.json')));
    expect(approvals.of('d1')).toMatchObject({ verdict: 'approved' });
    expect(() => approvals.of('d2')).toThrow('is no word on d2');
  });

  it.each(['../d', 'a/b', '', '.', '-x', 'd.json', 'd\0', 'x'.repeat(65)])(
    'has no file for a decision called %j',
    (id) => {
      const approvals = new Approvals(join(scratch(), 'approvals'));
      expect(() => approvals.of(id)).toThrow('expected the id of a decision');
      const word = { decision: id, verdict: 'approved', atMs: 1, by: 'x' } as const;
      expect(() => approvals.say(word)).toThrow('expected the id of a decision');
    },
  );
});

describe('a word on a decision by the command line', () => {
  it('is taken for one that waits, once, and for no other', async () => {
    const directory = join(scratch(), 'journal');
    const journal = Journal.open(directory, clock);
    const numbers = { horizonS: 1, energyJ: 1, meanW: 1, powerW: [], lostVcpuS: 0, cost: 1 };
    for (const [id, state] of [
      ['waits', 'open'],
      ['over', 'done'],
      ['late', 'expired'],
    ] as const) {
      const forecast = { ...numbers, hosts: [] };
      const made = { id, atMs: 1, mode: 'recommend', policy: 'p', items: [], state } as const;
      journal.append({
        kind: 'decision',
        decision: { ...made, before: forecast, after: forecast },
      });
    }
    journal.close();
    const say = (verb: string, id: string) => wattwin(verb, id, '--journal', directory);
    for (const id of ['nothing', '../waits', 'over', 'late']) {
      expect((await say('approve', id)).code, id).toBe(2);
    }
    expect(existsSync(join(directory, 'approvals'))).toBe(false);
    expect(await say('approve', 'waits')).toMatchObject({ code: 0 });
    const late = await say('reject', 'waits');
    expect(late).toMatchObject({ code: 1, stdout: expect.stringMatching(/^waits: approved by /) });
  });
});

describe('commands that a plan shows', () => {
  const commands = commandsOf(undefined);
  const move = { type: 'migrate', from: 'h1', to: 'h2', storage: 'none' } as const;

  it('hold a hostile name as one word', () => {
    for (const vm of ["x'; touch pwned; '", '$(id)', '`id`', '-c', 'a b', '--unsafe']) {
      const [line] = commands({ ...move, vm });
      // Words with nothing special in them stand as they are.
      const word = /^[\w-]+$/.test(vm) ? vm : shellWord(vm);
      expect(line).toContain(` --domain ${word} --desturi `);
    }
  });

  it('have no line of their own for a name with a line end', () => {
    const lines = commands({ ...move, vm: "x'\ntouch pwned\n'" });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^# h1: VM .*no VM of libvirt is called so$/);
  });
});

it('a command that wakes a host gets its words as they are: no shell sees them', async () => {
  const path = join(scratch(), 'woken');
  const words = ['$(touch pwned)', '; touch pwned', '`id`', '*', "it's", '-x', 'a b', '$HOME'];
  const write =
    'require("fs").writeFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)))';
  const wake = [process.execPath, '-e', write, '--', path, ...words];
  const cluster = clusterSchema.parse({ hosts: [{ name: 'h1', wake }] });
  const transport: Transport = {
    run: async (host) => {
      if (!existsSync(path)) throw new OperationError('ERR_UNREACHABLE', host, 'asleep');
      const sections = new Map([['vms', { text: '', status: 0 }]]);
      return { sections, isComplete: true, sentAtMs: 0, receivedAtMs: 0, receivedMonotonicMs: 0 };
    },
    close: async () => undefined,
  };
  const executor = createExecutor({ cluster, transport, clock: systemClock });
  const { didChange } = await executor.apply(
    await executor.prepare({ type: 'wakeHost', host: 'h1' }),
  );
  expect(didChange).toBe(true);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(words);
});

describe('libvirt over TCP, where nobody is asked who they are,', () => {
  it('is used by the testbed alone; others go through ssh', () => {
    const { libvirt } = parseClusterFile('hosts: [{ name: a }, { name: b }]', 'cluster.yaml');
    expect(libvirt.migration.uri).toBe('qemu+ssh://{address}/system');
    const root = join(import.meta.dirname, '../..');
    const sources = ['deploy', 'scripts'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(folder, name)),
    );
    const found = sources.filter((path) =>
      /qemu\+tcp|auth_tcp|listen_tcp|libvirtd .*--listen/.test(
        readFileSync(join(root, path), 'utf8'),
      ),
    );
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((path) => !path.startsWith('deploy/testbed/'))).toEqual([]);
  });
});
