/** States of clusters for tests of the dashboard, put together by the service's own fold of a journal. */
import { type ClusterSnapshot, snapshotSchema } from '../../../deploy/cluster/snapshot.ts';
import type { Comparison, Decision, Mode, PlanItem } from '../../../deploy/decision.ts';
import type { Entry } from '../../../deploy/journal/record.ts';
import type { State } from '../../../deploy/service/dashboard/page/state.ts';
import { type DecisionView, JournalFold } from '../../../deploy/service/state-view.ts';

const gib = 2 ** 30;
const minuteMs = 60_000;

/** A Sunday in November, 06:00 UTC. */
export const startMs = Date.UTC(2026, 10, 22, 6);

/** What `GET /v1/state` and `GET /v1/decisions` answer. */
export interface Answers {
  readonly state: State;
  readonly decisions: readonly DecisionView[];
}

export interface StateOptions {
  readonly hosts?: number;
  readonly vms?: number;
  readonly mode?: Mode;
  /** The last entries of the journal. */
  readonly last?: readonly Entry[];
  readonly snapshot?: ClusterSnapshot | null;
  /** Decisions before the last one, each compared with what was seen. */
  readonly past?: number;
  readonly decision?: Decision | null;
  readonly cluster?: string;
  readonly isStopped?: boolean;
  readonly snapshotAgeMs?: number;
}

/** Between 0 and 1, the same for the same number: a spread, not chance. */
const spread = (index: number): number => (index * 0.618_033_988_749_895) % 1;

/** Hosts with VMs; of six and more hosts one is off, one wakes, and one VM is on its way. */
export function clusterOf(hosts: number, vms: number): ClusterSnapshot {
  const isMixed = hosts >= 6;
  const width = `${hosts}`.length;
  const host = (index: number) => `node${`${index + 1}`.padStart(width, '0')}`;
  const open = isMixed ? hosts - 2 : hosts;
  return snapshotSchema.parse({
    atMs: startMs - 4000,
    intervalS: 60,
    hosts: Array.from({ length: hosts }, (_, index) => {
      const isOff = isMixed && index === hosts - 1;
      const isWaking = isMixed && index === hosts - 2;
      const busy = index === 1 ? 0.94 : 0.12 + 0.62 * spread(index + 3);
      return {
        name: host(index),
        state: isOff ? 'off' : isWaking ? 'waking' : 'on',
        cores: 16,
        memoryBytes: 64 * gib,
        frequenciesMhz: [2600, 2000, 1200],
        power: [
          { mhz: 2600, idleW: 93.7, fullW: 135 },
          { mhz: 1200, idleW: 82, fullW: 104 },
        ],
        offW: 6,
        canSleep: true,
        rack: `r${1 + (index % 3)}`,
        measuredW: isOff ? 6 : isWaking ? 88 : 93.7 + 41.3 * busy,
        ...(isOff || isWaking ? {} : { currentMhz: busy > 0.5 ? 2600 : 2000, utilization: busy }),
      };
    }),
    vms: Array.from({ length: vms }, (_, index) => {
      const vcpus = [1, 2, 2, 4, 8][index % 5]!;
      return {
        name: `${['web', 'db', 'batch', 'cache', 'mail'][(index * 7) % 5]}-${index + 1}`,
        host: host(Math.floor(spread(index) * open)),
        vcpus,
        memoryBytes: [1, 2, 4, 4, 8][(index * 3) % 5]! * gib,
        demandMhz: index % 11 === 10 ? [] : [vcpus * 2600 * spread(index * index * 7 + 1)],
        ...(isMixed && index === 3 ? { movingTo: host(2) } : {}),
      };
    }),
  });
}

/** Power of all hosts, W. */
const wattsOf = ({ hosts }: ClusterSnapshot): number =>
  hosts.reduce((total, { measuredW = 0 }) => total + measuredW, 0);

/** A forecast of some intervals of a minute. */
function prediction(watts: number, lostVcpuS: number, intervals = 6): Decision['before'] {
  const powerW = Array.from({ length: intervals }, (_, index) => watts + 4 * Math.sin(index));
  const meanW = powerW.reduce((total, value) => total + value, 0) / intervals;
  const horizonS = intervals * 60;
  const energyJ = meanW * horizonS;
  const cost = energyJ / 3.6e6 + (2 * lostVcpuS) / 3600;
  return { horizonS, energyJ, meanW, powerW, lostVcpuS, cost, hosts: [] };
}

export const plannedItems: readonly PlanItem[] = [
  {
    operation: { type: 'migrate', vm: 'web-6', from: 'node4', to: 'node1', storage: 'shared' },
    forecast: { energyJ: 310, lostVcpuS: 0.8, durationS: 38, downtimeS: 0.06 },
    state: 'planned',
  },
  {
    operation: { type: 'migrate', vm: 'db-9', from: 'node4', to: 'node3', storage: 'shared' },
    forecast: { energyJ: 420, lostVcpuS: 1.1, durationS: 71, downtimeS: 0.11 },
    state: 'planned',
  },
  {
    operation: { type: 'sleepHost', host: 'node4', to: 'S5' },
    forecast: { energyJ: -31_900, lostVcpuS: 0 },
    state: 'planned',
  },
  {
    operation: { type: 'migrate', vm: 'batch-2', from: 'node2', to: 'node1', storage: 'shared' },
    forecast: { energyJ: 120, lostVcpuS: -14, durationS: 44, downtimeS: 0.07 },
    state: 'refused',
    refusal: {
      rule: 'vm-cooldown',
      reason: 'batch-2 was moved 84 s ago; it stays 300 s',
    },
  },
];

/** A decision made now. */
export function decisionOf(
  changes: Partial<Decision> = {},
  watts = wattsOf(clusterOf(6, 16)),
): Decision {
  return {
    id: '20261122T060000-0042',
    atMs: startMs - 2000,
    mode: 'recommend',
    policy: 'pabfd',
    before: prediction(watts, 31),
    after: prediction(watts - 81, 12),
    items: plannedItems,
    state: 'open',
    ...changes,
  };
}

/** A decision that found nothing to do, in a cluster of so many hosts and VMs. */
export function nothingToDo(mode: Mode = 'act', [hosts, vms] = [6, 16]): Decision {
  const nothing =
    'No plan of 14 costs less than doing nothing: the best would save 0.4 W and lose 3 vCPU·s.';
  const decision = decisionOf(
    { mode, items: [], state: 'done', nothing },
    wattsOf(clusterOf(hosts!, vms!)),
  );
  return { ...decision, after: decision.before };
}

/** A cluster at `startMs`, after some decisions and with one more. */
export function answersOf(options: StateOptions = {}): Answers {
  const { hosts = 6, vms = 16, mode = 'recommend', past = 45, last = [] } = options;
  const fold = new JournalFold();
  let seq = 0;
  const take = (atMs: number, entry: Entry): void => fold.take({ seq: ++seq, atMs, ...entry });
  const snapshot = options.snapshot === undefined ? clusterOf(hosts, vms) : options.snapshot;
  const watts = snapshot === null ? 500 : wattsOf(snapshot);
  const bootMs = startMs - past * minuteMs - 5000;
  take(bootMs, { kind: 'start', mode, policy: 'pabfd', pid: 4711 });
  for (let index = 0; index < past; index++) {
    const atMs = startMs - (past - index) * minuteMs - 2000;
    const wattsSeen = watts * (1 - 0.15 * Math.sin((past - 1 - index) / 9)) + 14 * spread(index);
    const id = `20261122T05${`${index}`.padStart(4, '0')}-${`${index}`.padStart(4, '0')}`;
    const isIdle = index % 3 !== 0;
    const comparison: Comparison = {
      decision: id,
      atMs: atMs + minuteMs,
      predictedW: wattsSeen * (1 + 0.08 * (spread(index + 17) - 0.5)),
      observedW: wattsSeen,
    };
    const decision = decisionOf({
      id,
      atMs,
      mode,
      before: prediction(comparison.predictedW, 20),
      ...(isIdle
        ? { items: [], nothing: 'No plan costs less than doing nothing.', state: 'done' as const }
        : {
            items: plannedItems.map((item) =>
              item.state === 'planned' ? { ...item, state: 'done' as const } : item,
            ),
            state: index % 4 === 0 ? 'expired' : 'done',
          }),
    });
    take(atMs, { kind: 'decision', decision });
    take(atMs + minuteMs, { kind: 'comparison', comparison });
  }
  const decision = options.decision === undefined ? decisionOf({ mode }, watts) : options.decision;
  if (decision !== null) take(decision.atMs, { kind: 'decision', decision });
  for (const entry of last) take(startMs - 500, entry);
  const lease = { holder: 'ctl-1:4711', untilMs: startMs + 25_000 };
  const view = fold.view(snapshot, lease, startMs);
  const { cluster = 'lab', isStopped = false, snapshotAgeMs } = options;
  return {
    state: {
      ...view,
      ...(snapshotAgeMs === undefined ? {} : { snapshotAgeMs }),
      cluster,
      killSwitch: { isOn: isStopped, path: '/etc/wattwin/STOP' },
    },
    decisions: fold.decisions(50),
  };
}

/** Names that try to be markup, to hide, to turn the direction of text, or to have no end. */
export const hostileNames = [
  '<img src=x onerror=alert(1)>',
  '"><script>document.title="owned"</script>',
  `${'long-'.repeat(39)}name`,
  '\u202Egnp.exe\u202C',
  'a\u200Bb\u0000c\u001B[31md',
  'مضيف-١',
  '{{7*7}} &lt;b&gt; %3Cb%3E',
  '__proto__',
  '🐘🐘🐘-ꙮ',
] as const;

/** A cluster all of whose names are hostile, in every place where a name or a message can stand. */
export function hostileAnswers(): Answers {
  const snapshot = clusterOf(hostileNames.length, hostileNames.length * 2);
  const rename = new Map(snapshot.hosts.map(({ name }, index) => [name, hostileNames[index]!]));
  const named: ClusterSnapshot = {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => ({
      ...host,
      name: rename.get(host.name)!,
      rack: hostileNames[0],
    })),
    vms: snapshot.vms.map((vm, index) => ({
      ...vm,
      name: `${hostileNames[index % hostileNames.length]}${index < hostileNames.length ? '' : ' 2'}`,
      host: rename.get(vm.host!)!,
      ...(vm.movingTo === undefined ? {} : { movingTo: rename.get(vm.movingTo)! }),
    })),
  };
  const items = hostileNames.map(
    (name, index): PlanItem => ({
      operation: {
        type: 'migrate',
        vm: name,
        from: name,
        to: hostileNames[(index + 1) % hostileNames.length]!,
        storage: 'shared',
      },
      state: index % 2 === 0 ? 'failed' : 'refused',
      ...(index % 2 === 0
        ? { error: { code: name, message: name } }
        : { refusal: { rule: name, reason: name } }),
    }),
  );
  const policy = hostileNames[1];
  return answersOf({
    snapshot: named,
    cluster: hostileNames[0],
    decision: { ...decisionOf({ items, policy, state: 'failed' }), nothing: hostileNames[0] },
    last: hostileNames.map((name) => ({ kind: 'event', host: name, code: name, message: name })),
  });
}
