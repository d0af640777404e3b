/** `wattwin restore` and `wattwin journal` on hosts that are folders, after controllers of every end. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Decision,
  Journal,
  type Operation,
  systemClock,
  takeControl,
} from '../../deploy/index.ts';
import { createFakeCluster, type FakeCluster } from '../deploy/actions/fake-cluster.ts';
import { startScript, wattwin } from './command-line.ts';

interface Place {
  readonly cluster: FakeCluster;
  /** The cluster file; its journal lies beside it. */
  readonly file: string;
  readonly journal: string;
}

function newPlace(hosts = ['h1', 'h2', 'h3']): Place {
  const cluster = createFakeCluster({
    hosts: hosts.map((name) => ({ name })),
    vms: [
      { name: 'web', host: 'h1' },
      { name: 'db', host: 'h1' },
      { name: 'spare', host: 'h2', isRunning: false },
    ],
  });
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-restore-'));
  const stateBefore = process.env['XDG_STATE_HOME'];
  process.env['XDG_STATE_HOME'] = join(directory, 'state');
  onTestFinished(() => {
    if (stateBefore === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = stateBefore;
    rmSync(directory, { recursive: true, force: true });
  });
  const file = join(directory, 'cluster.yaml');
  const wake = join(cluster.directory, 'wake');
  const entries = hosts.map((name) => ({ name, wakeTime: '1 s', wake: [wake, name] }));
  writeFileSync(file, JSON.stringify({ hosts: entries }));
  return { cluster, file, journal: join(directory, 'journal') };
}

const migrateWeb: Operation = {
  type: 'migrate',
  vm: 'web',
  from: 'h1',
  to: 'h2',
  storage: 'shared',
};
const deeds: readonly Operation[] = [
  { type: 'setGovernor', host: 'h1', governor: 'powersave' },
  { type: 'setFrequency', host: 'h1', khz: 1_200_000 },
  { type: 'setQuota', vm: 'web', host: 'h1', coresPerVcpu: 0.5 },
  { type: 'setQuota', vm: 'web', host: 'h1', coresPerVcpu: 0.25 },
  migrateWeb,
  { type: 'setShares', vm: 'web', host: 'h2', shares: 300 },
  { type: 'sleepHost', host: 'h3', to: 'S5' },
];

/** The controller does it all and ends. */
async function act({ file, journal }: Place, operations: readonly Operation[]): Promise<void> {
  const { done } = startScript(
    '../test/scripts/acting-controller.ts',
    ...[file, journal, JSON.stringify(operations)],
  );
  expect(await done).toMatchObject({ code: 0, stderr: '' });
}

describe('wattwin restore', () => {
  it('says what it would do, does it, and then finds nothing to do', async () => {
    const place = newPlace();
    const { cluster, file } = place;
    const before = cluster.state();
    await act(place, deeds);
    const acted = cluster.state();
    expect(acted).not.toEqual(before);

    const dry = await wattwin('restore', '--cluster', file);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(cluster.state()).toEqual(acted);
    expect(dry.stdout.split('\n').filter((line) => line.startsWith('would'))).toEqual([
      'would   wake h3',
      'would   web runs on h1',
      'would   lift the CPU quota of web',
      'would   give web 1024 CPU shares',
      expect.stringMatching(/^would {3}put back cpufreq settings of h/),
      expect.stringMatching(/^would {3}put back cpufreq settings of h/),
    ]);
    expect(dry.stdout).toContain('h2: virsh -c qemu:///system migrate --live');
    expect(dry.stdout).toContain('6 of 6 would be brought back; nothing was changed.');

    const real = await wattwin('restore', '--cluster', file, '--execute');
    expect(real.stdout).toContain('All is back; 7 changes undone.');
    expect(real.code).toBe(0);
    expect(cluster.state()).toEqual(before);
    const again = await wattwin('restore', '--cluster', file, '--execute');
    expect(again).toMatchObject({ code: 0, stdout: 'Nothing is to be undone.\n', stderr: '' });
  });

  it('finishes what kill -9 left in the middle of a migration that goes on', async () => {
    const place = newPlace();
    const { cluster, file, journal } = place;
    const before = cluster.state();
    cluster.migrations('web', 'normal', 8000);
    const operations = [deeds[0]!, migrateWeb];
    const { child, done } = startScript(
      '../test/scripts/acting-controller.ts',
      ...[file, journal, JSON.stringify(operations)],
    );
    const isMoving = () => cluster.calls().some((call) => call.includes('migrate'));
    await expect.poll(isMoving, { timeout: 20_000 }).toBe(true);
    child.kill('SIGKILL');
    await done;
    // libvirt goes on with it; a restore must not take the VM for one that has not moved.
    expect(cluster.placesOf('web')).toEqual(['h1']);
    expect(Journal.openReadOnly(journal).openIntents()).toHaveLength(1);
    const real = await wattwin('restore', '--cluster', file, '--execute');
    expect(real.stdout).toContain('All is back; 2 changes undone.');
    expect(cluster.state()).toEqual(before);
  });

  it('leaves the rest to go on when a host cannot be reached, and finishes later', async () => {
    const place = newPlace();
    const { cluster, file } = place;
    const before = cluster.state();
    await act(place, [
      ...deeds.slice(0, 4),
      { type: 'setGovernor', host: 'h2', governor: 'powersave' },
    ]);
    cluster.cut('h2');
    const first = await wattwin('restore', '--cluster', file, '--execute');
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/FAILED {2}put back cpufreq settings of h2: ERR_UNREACHABLE/);
    expect(first.stdout).toContain('4 changes undone, 1 left (1 of 3 failed; run the same again).');
    expect(cluster.state()['h1']).toEqual(before['h1']);
    cluster.join('h2');
    expect(await wattwin('restore', '--cluster', file, '--execute')).toMatchObject({ code: 0 });
    expect(cluster.state()).toEqual(before);
  });

  it('can leave VMs where they are, and bring them back later', async () => {
    const place = newPlace();
    const { cluster, file } = place;
    const before = cluster.state();
    await act(place, deeds);
    const kept = await wattwin(
      'restore',
      '--cluster',
      file,
      '--execute',
      '--keep-placement',
      '--json',
    );
    expect(kept.code).toBe(0);
    expect(cluster.placesOf('web')).toEqual(['h2']);
    expect(cluster.state()['h2']!.vms['web']).toEqual(before['h1']!.vms['web']);
    expect(cluster.state()['h1']!.cpufreq).toEqual(before['h1']!.cpufreq);
    const report = JSON.parse(kept.stdout) as { left: number[]; undone: number[] };
    expect([report.undone.length, report.left.length]).toEqual([6, 1]);
    expect((await wattwin('restore', '--cluster', file, '--execute')).code).toBe(0);
    expect(cluster.state()).toEqual(before);
  });

  it('notes a VM that is gone, and lets nothing wait for it', async () => {
    const place = newPlace();
    const { cluster, file } = place;
    await act(place, deeds.slice(0, 6));
    rmSync(cluster.path('h2', '/domains'), { recursive: true });
    mkdirSync(cluster.path('h2', '/domains'));
    const real = await wattwin('restore', '--cluster', file, '--execute');
    expect(real.code).toBe(0);
    expect(real.stdout).toMatch(/gone {4}web runs on h1: web is on no host any more/);
    expect(real.stdout).toContain('All is back but what is gone; 6 changes undone.');
  });

  it('is refused while a controller lives, but for looking', async () => {
    const place = newPlace();
    const { file, journal } = place;
    await act(place, deeds.slice(0, 1));
    const lease = takeControl({ directory: journal, hosts: ['h1'] }, systemClock);
    const refused = await wattwin('restore', '--cluster', file, '--execute');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`held by process ${process.pid}`);
    expect((await wattwin('restore', '--cluster', file)).stdout).toContain('1 of 1 would be');
    lease.release();
    // Another journal, but a host that is held.
    const other = takeControl(
      { directory: join(journal, '..', 'other'), hosts: ['h2'] },
      systemClock,
    );
    expect((await wattwin('restore', '--cluster', file, '--execute')).stderr).toContain(
      'host h2 is held',
    );
    other.release();
    expect((await wattwin('restore', '--cluster', file, '--execute')).code).toBe(0);
  });

  it('brings back what can be read of a damaged journal, if told to', async () => {
    const place = newPlace();
    const { cluster, file, journal } = place;
    const before = cluster.state();
    await act(place, deeds.slice(0, 2));
    const path = join(journal, 'journal-000001.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    // The end of the first change is lost, and all of the second.
    lines[3] = lines[3]!.replace('done', 'gone');
    writeFileSync(path, lines.join('\n'));
    const refused = await wattwin('restore', '--cluster', file, '--execute');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(`${path}:4: the journal is damaged`);
    const real = await wattwin('restore', '--cluster', file, '--execute', '--damaged');
    expect(real.code).toBe(0);
    expect(real.stderr).toContain(`${path}:4: the journal is damaged`);
    expect(cluster.state()).toEqual(before);
    expect(readFileSync(path, 'utf8')).toBe(lines.join('\n'));
  });

  it('names what is wrong with its input', async () => {
    const { file, journal } = newPlace();
    expect(await wattwin('restore', '--cluster', `${file}x`)).toMatchObject({ code: 2 });
    expect((await wattwin('restore', '--cluster', file)).stderr).toContain(
      `${journal}: expected a journal, which a controller makes`,
    );
    Journal.open(journal, systemClock).close();
    expect(await wattwin('restore', '--cluster', file)).toMatchObject({
      code: 0,
      stdout: 'Nothing is to be undone.\n',
    });
    const path = join(journal, 'journal-000001.jsonl');
    writeFileSync(path, 'x\n');
    const damaged = await wattwin('restore', '--cluster', file, '--execute');
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toContain(`ERR_JOURNAL ${path}:1: the journal is damaged`);
  });
});

describe('wattwin journal', () => {
  function written(): Place {
    const place = newPlace();
    const journal = Journal.open(place.journal, systemClock);
    const prediction = {
      ...{ horizonS: 360, energyJ: 90_000, meanW: 250, powerW: [], lostVcpuS: 0, cost: 1 },
      hosts: [],
    };
    const decision: Omit<Decision, 'items' | 'state'> = {
      id: 'd1',
      atMs: Date.UTC(2026, 0, 2, 3, 4, 5),
      mode: 'act',
      policy: 'x',
      before: prediction,
      after: { ...prediction, meanW: 200 },
    };
    const forecast = { energyJ: -18_000, lostVcpuS: 0, durationS: 12 };
    const items = [{ operation: migrateWeb, state: 'planned', forecast } as const];
    journal.append({ kind: 'decision', decision: { ...decision, items, state: 'running' } });
    const undo: Operation[] = [{ ...migrateWeb, from: 'h2', to: 'h1' } as Operation];
    const intent = journal.append({
      ...{ kind: 'intent', decision: 'd1', item: 0, operation: migrateWeb, undo },
    });
    const effect = { elapsedMs: 11_500, didChange: true, downtimeMs: 180 };
    journal.append({ kind: 'done', intent, effect });
    const comparison = { decision: 'd1', atMs: 0, predictedW: 200, observedW: 203.4 };
    journal.append({ kind: 'comparison', comparison });
    journal.close();
    return place;
  }

  it('is a table of decisions and of what is to be undone', async () => {
    const { file } = written();
    const { stdout, code } = await wattwin('journal', '--cluster', file);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toContain('4 records; no controller runs');
    expect(lines[3]).toMatch(
      /^d1 +2026-01-02 03:04:05 +act +running +-20\.0 % to 200\.0 W, seen 203\.4 W +1 done$/,
    );
    expect(lines[7]).toMatch(/^2 .* done +migrate web from h1 to h2 +migrate web from h2 to h1$/);
  });

  it('shows one decision, with what was foretold and what came', async () => {
    const { file } = written();
    const { stdout } = await wattwin('journal', '--cluster', file, '--decision', 'd1');
    expect(stdout).toMatch(
      /0 +done +migrate web from h1 to h2 +-5\.0 Wh, 12\.0 s +11\.5 s, 180 ms still +2/,
    );
    const none = await wattwin('journal', '--cluster', file, '--decision', 'd2');
    expect(none.stderr).toContain('--decision: expected a decision of');
    const json = await wattwin('journal', '--cluster', file, '--decision', 'd1', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      decision: { id: 'd1' },
      records: [{ kind: 'intent' }, { kind: 'done' }],
    });
  });

  it('says that it is damaged, and shows what lies before', async () => {
    const { file, journal } = written();
    const path = join(journal, 'journal-000001.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    lines[3] = lines[3]!.replace('11500', '11501');
    writeFileSync(path, lines.join('\n'));
    const { stdout, stderr, code } = await wattwin('journal', '--cluster', file);
    expect([code, stdout.split('\n')[0]]).toEqual([1, `${journal}: 2 records; no controller runs`]);
    expect(stderr).toContain(`${path}:4: the journal is damaged`);
  });
});
