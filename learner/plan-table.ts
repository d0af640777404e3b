/**
 * Plans as numbers. A plan changes some hosts; what it is worth against doing nothing is the sum
 * over those hosts of (host as it would be) − (host as it is). Equal host cases of different plans
 * share a row, so the table grows with what differs, not with plans × hosts.
 */
import { type Action, type ClusterView, countMigrations, isLegalPlan } from '../sim/index.ts';
import { FeatureExtractor, type HostCase, hostFeatures, vmFeatures } from './features.ts';

/** The network's input for one decision. */
export interface PlanTable {
  readonly plans: number;
  readonly rows: number;
  readonly vmRows: number;
  readonly terms: number;
  /** [rows, hostFeatures] row-major. */
  readonly host: Float32Array;
  /** [vmRows, vmFeatures] row-major. */
  readonly vm: Float32Array;
  /** [vmRows] Host row that the VM is on. */
  readonly vmOwner: Int32Array;
  /** [terms] Row, plan and sign (+1 after, −1 before) of each term of each plan's sum. */
  readonly termRow: Int32Array;
  readonly termPlan: Int32Array;
  readonly termSign: Float32Array;
  /** [plans] Migrations of each plan. */
  readonly migrations: Float32Array;
  /** [plans] 1 where the plan can be carried out. */
  readonly legal: Float32Array;
}

/** What a plan does to one host. */
interface Change {
  on: boolean;
  pstate: number;
  readonly arriving: number[];
  readonly leaving: number[];
}

/** The network's input for these plans, from what can be seen of the cluster now. */
export function describePlans(
  cluster: ClusterView,
  plans: readonly (readonly Action[])[],
): PlanTable {
  const residents = residentsOf(cluster);
  const cases: HostCase[] = [];
  const rowOf = new Map<string, number>();
  const termRow: number[] = [];
  const termPlan: number[] = [];
  const termSign: number[] = [];
  const row = (hostCase: HostCase): number => {
    const key = `${hostCase.host} ${hostCase.on} ${hostCase.pstate} ${hostCase.residents.join()}`;
    const known = rowOf.get(key);
    if (known !== undefined) return known;
    rowOf.set(key, cases.length);
    cases.push(hostCase);
    return cases.length - 1;
  };
  plans.forEach((actions, plan) => {
    const changes = changesOf(cluster, actions);
    for (const [host, change] of changes) {
      const now = residents[host]!;
      termRow.push(row(caseAfter(host, now, change)), row(caseNow(cluster, host, now)));
      termPlan.push(plan, plan);
      termSign.push(1, -1);
    }
  });
  return {
    plans: plans.length,
    ...extract(cluster, cases),
    terms: termRow.length,
    termRow: Int32Array.from(termRow),
    termPlan: Int32Array.from(termPlan),
    termSign: Float32Array.from(termSign),
    migrations: Float32Array.from(plans, (actions) => countMigrations(actions)),
    legal: legality(cluster, plans),
  };
}

/** [plans] 1 where the plan can be carried out. */
export function legality(
  cluster: ClusterView,
  plans: readonly (readonly Action[])[],
): Float32Array {
  return Float32Array.from(plans, (actions) => (isLegalPlan(cluster, actions) ? 1 : 0));
}

/** VMs that are on each host or on their way to it, by id. */
function residentsOf(cluster: ClusterView): number[][] {
  const residents: number[][] = Array.from({ length: cluster.hosts }, () => []);
  for (let vm = 0; vm < cluster.vms; vm++) {
    const host = cluster.hostOf(vm);
    if (host >= 0) residents[host]!.push(vm);
  }
  return residents;
}

function changesOf(cluster: ClusterView, actions: readonly Action[]): Map<number, Change> {
  const changes = new Map<number, Change>();
  const at = (host: number): Change => {
    let change = changes.get(host);
    if (change === undefined) {
      change = {
        on: cluster.isAvailable(host),
        pstate: cluster.pstate(host),
        arriving: [],
        leaving: [],
      };
      changes.set(host, change);
    }
    return change;
  };
  for (const action of actions) {
    switch (action.type) {
      case 'place':
      case 'migrate': {
        const from = cluster.hostOf(action.vm);
        if (from >= 0) at(from).leaving.push(action.vm);
        at(action.host).arriving.push(action.vm);
        break;
      }
      case 'powerOn':
        at(action.host).on = true;
        break;
      case 'powerOff':
        at(action.host).on = false;
        break;
      case 'setPstate':
        at(action.host).pstate = action.pstate;
        break;
      case 'abortMigration': {
        const migration = cluster.migration(action.vm);
        if (migration === undefined) break;
        at(migration.target).leaving.push(action.vm);
        at(migration.source).arriving.push(action.vm);
        break;
      }
      case 'switchMigration':
      case 'setQuota':
      case 'limitVmPower':
      case 'limitHostPower':
        break;
    }
  }
  return changes;
}

function caseNow(cluster: ClusterView, host: number, residents: readonly number[]): HostCase {
  const on = cluster.isAvailable(host);
  return { host, on, pstate: cluster.pstate(host), residents, arriving: [], leaving: [] };
}

function caseAfter(host: number, now: readonly number[], change: Change): HostCase {
  const left = new Set(change.leaving);
  const residents = [...now.filter((vm) => !left.has(vm)), ...change.arriving];
  residents.sort((a, b) => a - b);
  const { on, pstate, arriving, leaving } = change;
  return { host, on, pstate, residents, arriving, leaving };
}

type Extracted = Pick<PlanTable, 'rows' | 'vmRows' | 'host' | 'vm' | 'vmOwner'>;

function extract(cluster: ClusterView, cases: readonly HostCase[]): Extracted {
  const extractor = new FeatureExtractor(cluster);
  let vmRows = 0;
  for (const hostCase of cases) vmRows += hostCase.residents.length;
  const host = new Float32Array(cases.length * hostFeatures.length);
  const vm = new Float32Array(vmRows * vmFeatures.length);
  const vmOwner = new Int32Array(vmRows);
  let vmRow = 0;
  cases.forEach((hostCase, row) => {
    extractor.writeHost(hostCase, host, row * hostFeatures.length);
    for (const resident of hostCase.residents) {
      extractor.writeVm(resident, hostCase, vm, vmRow * vmFeatures.length);
      vmOwner[vmRow] = row;
      vmRow++;
    }
  });
  return { rows: cases.length, vmRows, host, vm, vmOwner };
}
