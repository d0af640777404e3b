/**
 * Azure Trace for Packing 2020: VM requests with a type, a start and an end, exported from its
 * sqlite file as two CSV files with headers, `vm` (vmId, vmTypeId, starttime, endtime; tenantId and
 * priority may be there) and `vmType` (vmTypeId, core, memory as fractions of a machine; machineId).
 *
 * Times are days; a negative start is a VM that ran before observation began, an empty or NULL end
 * one that outlived it. A type has a size per machine it fits on: one machine is chosen, and VMs
 * whose type does not fit on it are left out. What a fraction of a machine is in vCPUs and bytes was
 * never published (`machineVcpus`, `machineMemoryBytes`), and CPU demand is entirely synthetic
 * (`demand-model.ts`), VMs of a tenant being one application.
 *
 * @see O. Hadary et al., "Protean: VM Allocation Service at Scale", OSDI 2020; AzurePublicDataset,
 *   AzureTracesForPacking2020.md (CC-BY).
 */
import {
  createWorkload,
  inputError,
  RandomStream,
  sharedUint16,
  type VmSpec,
  type Workload,
} from '../sim/index.ts';
import { type ApplicationLoad, createDemandModel } from './demand-model.ts';
import { type DemandProfileName, profileOf } from './demand-profiles.ts';
import { checkWhole, IssueList } from './issues.ts';
import { demandCellsMax, unitMips, unitsOf } from './quantize.ts';
import type { Trace } from './report.ts';
import { firstLineOf, tableFiles, tableName } from './table-files.ts';
import { readRows, type TableRow } from './table-rows.ts';

export interface AzurePackingOptions {
  /** Machine whose sizes are taken; default the one that most types fit on. */
  readonly machine?: string;
  /** Share of the VMs to keep, chosen by the seed, in (0, 1]; default 0.005. */
  readonly share?: number;
  /** Rows kept from the start; default up to the one in which the last VM starts. */
  readonly steps?: number;
  /** Step of the grid, ms; default 300,000. */
  readonly intervalMs?: number;
  /** Seed of the choice of VMs and of demand; default 1. */
  readonly seed?: number;
  /** Demand profile; default `office`. */
  readonly profile?: DemandProfileName;
  /** vCPUs of a whole machine; default 64, an assumption. */
  readonly machineVcpus?: number;
  /** Memory of a whole machine, bytes; default 512 GiB, an assumption. */
  readonly machineMemoryBytes?: number;
  /** Speed of a vCPU, MIPS; default 2400, an assumption. */
  readonly vcpuMips?: number;
}

const gib = 1024 * 1024 * 1024;
const mib = 1024 * 1024;
const dayMs = 86_400_000;
const issuesMax = 20;

const vmColumns = ['vmTypeId', 'starttime', 'endtime'] as const;
const typeColumns = ['vmTypeId', 'core', 'memory'] as const;

/** A type's size on one machine, fractions of it. */
interface TypeSize {
  readonly core: number;
  readonly memory: number;
}

interface Arrival {
  readonly name: string;
  /** Number of the VM in the whole trace, so that other shares keep its demand. */
  readonly vm: number;
  /** Number of its tenant, likewise; VMs without one are each their own. */
  readonly tenant: number;
  readonly size: TypeSize;
  readonly startMs: number;
  /** Infinity when it outlives the trace. */
  readonly endMs: number;
}

/** The two tables at a path; undefined when it is something else. */
export function azurePackingFiles(
  path: string,
): { readonly vms: string; readonly types: string } | undefined {
  const files = tableFiles(path, /\.csv(?:\.gz)?$/i);
  const headed = files.map((file) => ({ file, names: new Set(namesIn(firstLineOf(file))) }));
  const vms = headed.find(({ names }) => vmColumns.every((name) => names.has(name)));
  const types = headed.find(({ names }) => typeColumns.every((name) => names.has(name)));
  return vms && types && { vms: vms.file, types: types.file };
}

const namesIn = (header: string): string[] =>
  header.split(',').map((name) => name.trim().replaceAll('"', ''));

/**
 * Reads a directory with the two tables, plain or gzip.
 *
 * @throws InputError naming up to 20 rows that cannot be used: a wrong number of columns, a time or
 *   fraction that is no number, an end before its start, an unknown type.
 */
export function readAzurePacking(path: string, options: AzurePackingOptions = {}): Trace {
  const { share = 0.005, intervalMs = 300_000, seed = 1, machineVcpus = 64 } = options;
  const { machineMemoryBytes = 512 * gib, vcpuMips = 2400 } = options;
  checkWhole([
    ['intervalMs', intervalMs, 1000, dayMs],
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['seed', seed, 0, Number.MAX_SAFE_INTEGER],
    ['machineVcpus', machineVcpus, 1, 65_535],
    ['machineMemoryBytes', machineMemoryBytes, 1, Number.MAX_SAFE_INTEGER],
    ['vcpuMips', vcpuMips, 1, 1_000_000],
  ]);
  if (!(share > 0 && share <= 1)) throw inputError('share', 'above 0, up to 1', String(share));
  const files = azurePackingFiles(path);
  if (files === undefined) {
    const expected = `CSV files with columns ${vmColumns.join(', ')} and ${typeColumns.join(', ')}`;
    throw inputError(path, expected, 'no such pair');
  }
  const issues = new IssueList(path);
  const types = readTypes(files.types, options.machine, issues);
  issues.throwIfAny();
  const read = readVms(files.vms, types, share, seed, issues);
  issues.throwIfAny();
  const lastMs = read.vms.reduce((last, { startMs }) => Math.max(last, startMs), 0);
  const most = Math.floor(lastMs / intervalMs) + 1;
  const steps = Math.min(most, options.steps ?? most);
  const vms = read.vms.filter(({ startMs, endMs }) => startMs < steps * intervalMs && endMs > 0);
  if (vms.length === 0) throw inputError(path, 'a VM kept; raise `share`', 'none');
  if (steps * vms.length > demandCellsMax) {
    const expected = `at most ${demandCellsMax} cells; lower \`share\` or \`steps\``;
    throw inputError(path, expected, `${vms.length} VMs × ${steps} rows`);
  }
  const name = `azure-packing:${tableName(path)}:machine=${types.machine}:share=${share}:seed=${seed}`;
  const { profile = 'office' } = options;
  const machine = { vcpus: machineVcpus, memoryBytes: machineMemoryBytes, vcpuMips };
  const workload = fillDemand(name, vms, { machine, seed, profile, steps, intervalMs });
  const repairs = {
    'VMs not kept by the share': read.seen - read.vms.length - read.unfit,
    'VMs that do not fit on the machine, left out': read.unfit,
    'VMs from before the start, there from the start': vms.filter(({ startMs }) => startMs < 0)
      .length,
    'VMs outside the steps, left out': read.vms.length - vms.length,
  };
  return { workload, report: { format: 'azure-packing', files: 2, rows: read.seen, repairs } };
}

/** Sizes of the types that fit on the chosen machine, and all types there are. */
interface Types {
  readonly machine: string;
  readonly sizes: ReadonlyMap<string, TypeSize>;
  readonly all: ReadonlySet<string>;
}

function readTypes(file: string, wanted: string | undefined, issues: IssueList): Types {
  const machines = new Map<string, Map<string, TypeSize>>();
  const all = new Set<string>();
  readNamed(file, typeColumns, issues, (row, at) => {
    const type = row.text(at('vmTypeId'));
    const machine = row.text(at('machineId'));
    const size = { core: row.number(at('core')), memory: row.number(at('memory')) };
    if (!(size.core > 0 && size.core <= 1) || !(size.memory >= 0 && size.memory <= 1)) {
      const got = `${row.text(at('core'))}, ${row.text(at('memory'))}`;
      issues.add(row.place, 'core and memory as fractions of a machine', got);
    }
    all.add(type);
    const sizes = machines.get(machine) ?? new Map<string, TypeSize>();
    machines.set(machine, sizes.set(type, size));
  });
  const names = [...machines.keys()].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
  if (wanted !== undefined && !machines.has(wanted)) {
    throw inputError(file, `types of machine ${wanted}`, `machines ${names.join(', ')}`);
  }
  const machine =
    wanted ??
    names.reduce(
      (best, name) => (machines.get(name)!.size > machines.get(best)!.size ? name : best),
      names[0] ?? '',
    );
  return { machine, sizes: machines.get(machine) ?? new Map(), all };
}

function readVms(
  file: string,
  { sizes, all }: Types,
  share: number,
  seed: number,
  issues: IssueList,
): { readonly vms: readonly Arrival[]; readonly seen: number; readonly unfit: number } {
  const chooser = new RandomStream(seed, 'azure-packing/vms');
  const vms: Arrival[] = [];
  /** Number of the first VM of each tenant. */
  const tenants = new Map<string, number>();
  let seen = 0;
  let unfit = 0;
  readNamed(file, vmColumns, issues, (row, at) => {
    seen++;
    const startDays = row.number(at('starttime'));
    const end = row.text(at('endtime'));
    const isOpen = end === '' || /^(?:null|none)$/i.test(end);
    const endDays = isOpen ? Number.POSITIVE_INFINITY : row.number(at('endtime'));
    if (Number.isNaN(startDays)) {
      issues.add(row.place, 'a start in days', row.text(at('starttime')));
    } else if (!(endDays >= startDays)) {
      issues.add(row.place, `an end from ${startDays} days up, or none`, end);
    }
    const type = row.text(at('vmTypeId'));
    if (!all.has(type)) issues.add(row.place, 'a known vmTypeId', type);
    const tenantId = row.text(at('tenantId'));
    const tenant = tenantId === '' ? seen : (tenants.get(tenantId) ?? seen);
    if (tenantId !== '') tenants.set(tenantId, tenant);
    if (chooser.float() >= share) return;
    const size = sizes.get(type);
    if (size === undefined) {
      unfit++;
      return;
    }
    const name = `vm-${row.text(at('vmId')) || seen}`;
    const life = { startMs: startDays * dayMs, endMs: endDays * dayMs };
    vms.push({ name, vm: seen, tenant, size, ...life });
  });
  return { vms, seen, unfit };
}

/** Rows of a table with a header; `at` gives a column's position, one that is not there reads empty. */
function readNamed(
  file: string,
  needed: readonly string[],
  issues: IssueList,
  onRow: (row: TableRow, at: (name: string) => number) => void,
): void {
  let positions: Map<string, number> | undefined;
  let width = 0;
  const at = (name: string): number => positions?.get(name) ?? Number.MAX_SAFE_INTEGER;
  readRows(file, ',', (row) => {
    if (issues.count >= issuesMax) issues.throwIfAny();
    if (positions === undefined) {
      width = row.count;
      positions = new Map(Array.from({ length: width }, (_, column) => [row.text(column), column]));
      const missing = needed.filter((name) => !positions?.has(name));
      if (missing.length > 0) throw inputError(row.place, `columns ${missing}`, row.summary);
    } else if (row.count !== width) issues.add(row.place, `${width} columns`, row.summary);
    else onRow(row, at);
  });
}

function fillDemand(
  name: string,
  vms: readonly Arrival[],
  options: {
    readonly machine: {
      readonly vcpus: number;
      readonly vcpuMips: number;
      readonly memoryBytes: number;
    };
    readonly seed: number;
    readonly profile: DemandProfileName;
    readonly steps: number;
    readonly intervalMs: number;
  },
): Workload {
  const { machine, seed, profile, steps, intervalMs } = options;
  const model = createDemandModel(profileOf(profile), seed, steps, intervalMs);
  const demandUnits = sharedUint16(steps * vms.length);
  const specs = vms.map((vm): VmSpec => {
    const { vcpuMips } = machine;
    const vcpus = Math.max(1, Math.round(vm.size.core * machine.vcpus));
    return {
      name: vm.name,
      vcpus,
      vcpuMips,
      memoryBytes: Math.max(mib, Math.round(vm.size.memory * machine.memoryBytes)),
      arrivalMs: Math.max(0, vm.startMs),
      departureMs: vm.endMs < steps * intervalMs ? vm.endMs : Number.POSITIVE_INFINITY,
      mipsPerUnit: unitMips(vcpus * vcpuMips),
    };
  });
  // Tenant by tenant: what one does is drawn once, over all rows, for all of its VMs.
  const columns = Uint32Array.from(vms, (_, column) => column);
  columns.sort((a, b) => vms[a]!.tenant - vms[b]!.tenant || a - b);
  let load: ApplicationLoad | undefined;
  let tenant = -1;
  for (const column of columns) {
    const vm = vms[column]!;
    const { arrivalMs, departureMs, vcpus, vcpuMips, mipsPerUnit } = specs[column]!;
    if (load === undefined || vm.tenant !== tenant) load = model.application(vm.tenant, 0, steps);
    tenant = vm.tenant;
    const fromStep = Math.floor(arrivalMs / intervalMs);
    const toStep = Math.min(steps, Math.ceil(departureMs / intervalMs));
    const utilization = model.vm(vm.vm, load, fromStep, toStep);
    for (let step = fromStep; step < toStep; step++) {
      const demandMips = utilization[step - fromStep]! * vcpus * vcpuMips;
      const units = unitsOf(demandMips, vcpus * vcpuMips, mipsPerUnit);
      demandUnits[step * vms.length + column] = units;
    }
  }
  return createWorkload(name, intervalMs, specs, demandUnits);
}
