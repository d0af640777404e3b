/**
 * Azure 2017 VM arrivals in their processed form: a directory with `flav_map.txt`, an interval map
 * (`*.interval_map.txt`) and pairs of arrivals (`v1.dev.txt`) and lifetimes (`v1.dev.c2100000.txt`,
 * censored at second 2,100,000).
 *
 * What the files do not say is filled in, reproducibly from the seed: a finished VM's lifetime is
 * drawn evenly from those of its bin that end before the censoring time (bin 0, less than one
 * interval, counts as half an interval); a censored VM outlives the trace. CPU demand is entirely
 * synthetic (`demand-model.ts`), a batch being one application. The trace starts with no VM
 * running, so its first hours are a filling cluster.
 *
 * @see E. Cortez et al., "Resource Central", SOSP 2017, for the data (CC-BY-4.0); S. Bergsma et al.,
 *   "Generating complex, realistic cloud workloads using recurrent neural networks", SOSP 2021,
 *   for the processed form.
 */
import { basename, join } from 'node:path';
import {
  createWorkload,
  inputError,
  RandomStream,
  sharedUint16,
  type VmSpec,
} from '../sim/index.ts';
import {
  type BinLine,
  type Flavour,
  parseBins,
  parseFlavours,
  parseLifetimeBins,
} from './azure-file.ts';
import { createDemandModel } from './demand-model.ts';
import { type DemandProfileName, demandProfiles } from './demand-profiles.ts';
import { listTraceFiles, readText } from './files.ts';
import { checkWhole, IssueList } from './issues.ts';
import { unitMips, unitsOf } from './quantize.ts';
import type { Trace } from './report.ts';

export interface AzureOptions {
  /** Which pair of files, e.g. `v1.dev`; default the only one there is. */
  readonly split?: string;
  /** Share of the batches to keep, chosen by the seed, in (0, 1]; default 0.05. */
  readonly share?: number;
  /** Rows kept from the start; default all. */
  readonly steps?: number;
  /** Seed of the choice of batches, lifetimes within bins and demand; default 1. */
  readonly seed?: number;
  /** Demand profile; default `office`. */
  readonly profile?: DemandProfileName;
  /** Speed of every vCPU, which the trace does not tell, MIPS; default 2400. */
  readonly vcpuMips?: number;
}

const gib = 1024 * 1024 * 1024;
/** Cells of the largest demand matrix built here, 512 MiB. */
const cellsMax = 0x10000000;

/** One VM as the files tell of it. */
interface Arrival {
  /** Number of the VM in the whole trace, so that other shares keep its name and demand. */
  readonly vm: number;
  readonly batch: number;
  readonly flavour: Flavour;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** @throws InputError naming every line that cannot be used, and pairs that do not match. */
export function readAzure(directory: string, options: AzureOptions = {}): Trace {
  const { seed = 1, share = 0.05, profile = 'office', vcpuMips = 2400 } = options;
  checkWhole([
    ['seed', seed, 0, Number.MAX_SAFE_INTEGER],
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vcpuMips', vcpuMips, 1, 1_000_000],
  ]);
  if (!(share > 0 && share <= 1)) throw inputError('share', 'above 0, up to 1', String(share));
  const issues = new IssueList(directory);
  const files = findFiles(directory, options.split);
  const read = (name: string): string => readText(directory, name);
  const flavours = parseFlavours(read(files.flavours), join(directory, files.flavours), issues);
  const lifetimes = parseLifetimeBins(
    read(files.intervals),
    join(directory, files.intervals),
    issues,
  );
  const arrivalsPath = join(directory, files.arrivals);
  const flavourToken = { pattern: /^\S$/, expected: 'a flavour letter' };
  const arrivalBins = parseBins(read(files.arrivals), arrivalsPath, flavourToken, issues);
  const durationPath = join(directory, files.durations);
  const durationToken = { pattern: /^[UC]\d{1,4}$/, expected: 'U or C and a lifetime bin' };
  const durationBins = parseBins(read(files.durations), durationPath, durationToken, issues);
  checkFlavours(arrivalBins, flavours, arrivalsPath, issues);
  checkPairs(arrivalBins, durationBins, durationPath, lifetimes.length, issues);
  issues.throwIfAny();

  const startS = arrivalBins[0]!.timeS;
  const intervalMs = binWidthMs(arrivalBins, arrivalsPath);
  const all =
    Math.round(((arrivalBins[arrivalBins.length - 1]!.timeS - startS) * 1000) / intervalMs) + 1;
  const steps = Math.min(all, options.steps ?? all);
  const draw = { seed, share, startS, intervalMs, steps, censoredS: files.censoredS };
  const { vms, seen, below } = drawArrivals(arrivalBins, durationBins, flavours, lifetimes, draw);
  if (vms.length === 0) throw inputError(directory, 'a batch kept; raise `share`', 'none');
  if (steps * vms.length > cellsMax) {
    const size = `${vms.length} VMs × ${steps} steps`;
    throw inputError(directory, `at most ${cellsMax} cells; lower \`share\` or \`steps\``, size);
  }
  const name = `azure:${basename(directory)}/${files.split}:share=${share}:seed=${seed}`;
  const workload = fillDemand(name, vms, { seed, profile, vcpuMips, steps, intervalMs });
  const repairs = {
    'VMs of batches not kept, left out': seen - vms.length,
    'lifetimes below one interval, half of it taken': below,
  };
  return { workload, report: { format: 'azure', files: 4, rows: seen, repairs } };
}

/** Finds the files of one split. @throws InputError when one is missing or the choice is unclear. */
function findFiles(
  directory: string,
  wanted: string | undefined,
): {
  readonly split: string;
  readonly flavours: string;
  readonly intervals: string;
  readonly arrivals: string;
  readonly durations: string;
  readonly censoredS: number;
} {
  const names = listTraceFiles(directory);
  const intervals = names.filter((name) => name.endsWith('.interval_map.txt'));
  const found = names.flatMap((durations) => {
    const [, split, censored] = /^(.+)\.c(\d+)\.txt$/.exec(durations) ?? [];
    if (split === undefined || !names.includes(`${split}.txt`)) return [];
    return [{ split, arrivals: `${split}.txt`, durations, censoredS: Number(censored) }];
  });
  const pairs = wanted === undefined ? found : found.filter(({ split }) => split === wanted);
  const issues = new IssueList(directory);
  if (!names.includes('flav_map.txt')) issues.add(directory, 'flav_map.txt', 'none');
  if (intervals.length !== 1) {
    issues.add(directory, 'one file *.interval_map.txt', String(intervals.length));
  }
  if (pairs.length !== 1) {
    const splits = found.map(({ split }) => split).join(', ');
    const expected = `one pair ${wanted ?? '<split>'}.txt and ${wanted ?? '<split>'}.c<seconds>.txt`;
    issues.add(directory, expected, splits === '' ? 'none' : splits);
  }
  issues.throwIfAny();
  return { ...pairs[0]!, flavours: 'flav_map.txt', intervals: intervals[0]! };
}

function checkFlavours(
  bins: readonly BinLine[],
  flavours: ReadonlyMap<string, Flavour>,
  file: string,
  issues: IssueList,
): void {
  bins.forEach((bin, index) => {
    const unknown = bin.batches.flat().find((letter) => !flavours.has(letter));
    if (unknown !== undefined) issues.add(`${file}:${index + 1}`, 'a known flavour', unknown);
  });
}

/** Lifetimes must have the arrivals' times and batch sizes, and known bins. */
function checkPairs(
  arrivals: readonly BinLine[],
  durations: readonly BinLine[],
  file: string,
  lifetimeBins: number,
  issues: IssueList,
): void {
  const shape = (bin: BinLine | undefined): string =>
    bin === undefined ? 'no line' : `${bin.timeS} s: ${bin.batches.map((batch) => batch.length)}`;
  for (let index = 0; index < Math.max(arrivals.length, durations.length); index++) {
    const expected = shape(arrivals[index]);
    const got = shape(durations[index]);
    if (expected !== got)
      issues.add(`${file}:${index + 1}`, `batches as arrived, ${expected}`, got);
    const unknown = durations[index]?.batches
      .flat()
      .find((token) => Number(token.slice(1)) >= lifetimeBins);
    if (unknown === undefined) continue;
    issues.add(`${file}:${index + 1}`, `a lifetime bin below ${lifetimeBins}`, unknown);
  }
}

/** Smallest distance of two bins, ms; the bins' times must be multiples of it from the first. */
function binWidthMs(bins: readonly BinLine[], file: string): number {
  const widths = bins.slice(1).map((bin, index) => bin.timeS - bins[index]!.timeS);
  const widthS = widths.reduce((least, width) => Math.min(least, width), 300);
  const wrong = widths.findIndex((width) => width % widthS !== 0);
  if (wrong >= 0) {
    const got = `${widths[wrong]} s later`;
    throw inputError(
      `${file}:${wrong + 2}`,
      `a multiple of ${widthS} s after the line before`,
      got,
    );
  }
  return widthS * 1000;
}

/** Chooses batches and draws lifetimes. A batch's draws do not depend on the share. */
function drawArrivals(
  arrivals: readonly BinLine[],
  durations: readonly BinLine[],
  flavours: ReadonlyMap<string, Flavour>,
  lifetimes: readonly (readonly number[])[],
  draw: {
    readonly seed: number;
    readonly share: number;
    readonly startS: number;
    readonly intervalMs: number;
    readonly steps: number;
    readonly censoredS: number;
  },
): { readonly vms: readonly Arrival[]; readonly seen: number; readonly below: number } {
  const chooser = new RandomStream(draw.seed, 'azure/batches');
  const vms: Arrival[] = [];
  const endMs = draw.steps * draw.intervalMs;
  let seen = 0;
  let below = 0;
  let batch = 0;
  arrivals.forEach((bin, index) => {
    const fromMs = (bin.timeS - draw.startS) * 1000;
    if (fromMs >= endMs) return;
    bin.batches.forEach((letters, position) => {
      const firstVm = seen;
      seen += letters.length;
      batch++;
      if (chooser.float() >= draw.share) return;
      const stream = new RandomStream(draw.seed, `azure/lifetimes/${batch}`);
      letters.forEach((letter, vm) => {
        const token = durations[index]!.batches[position]![vm]!;
        const flavour = flavours.get(letter)!;
        let untilMs = Number.POSITIVE_INFINITY;
        if (token.startsWith('U')) {
          const leftS = draw.censoredS - bin.timeS;
          const lifetimeS = drawLifetime(lifetimes[Number(token.slice(1))]!, leftS, stream);
          if (lifetimeS === 0) below++;
          untilMs = fromMs + (lifetimeS > 0 ? lifetimeS * 1000 : draw.intervalMs / 2);
          if (untilMs >= endMs) untilMs = Number.POSITIVE_INFINITY;
        }
        vms.push({ vm: firstVm + vm, batch, flavour, fromMs, untilMs });
      });
    });
  });
  return { vms, seen, below };
}

/** One of the bin's lifetimes up to `leftS`, all as likely; the shortest when none is. */
function drawLifetime(bin: readonly number[], leftS: number, stream: RandomStream): number {
  const possible = bin.filter((seconds) => seconds <= leftS).length;
  return bin[stream.integer(Math.max(1, possible))]!;
}

function fillDemand(
  name: string,
  vms: readonly Arrival[],
  options: {
    readonly seed: number;
    readonly profile: DemandProfileName;
    readonly vcpuMips: number;
    readonly steps: number;
    readonly intervalMs: number;
  },
): ReturnType<typeof createWorkload> {
  const { seed, profile, vcpuMips, steps, intervalMs } = options;
  const model = createDemandModel(demandProfiles[profile], seed, steps, intervalMs);
  const demandUnits = sharedUint16(steps * vms.length);
  let load: ReturnType<typeof model.application> | undefined;
  let batch = -1;
  const specs = vms.map((vm, index): VmSpec => {
    const fromStep = vm.fromMs / intervalMs;
    const toStep = Math.min(steps, Math.ceil(vm.untilMs / intervalMs));
    if (load === undefined || vm.batch !== batch)
      load = model.application(vm.batch, fromStep, steps);
    batch = vm.batch;
    const capacityMips = vm.flavour.vcpus * vcpuMips;
    const mipsPerUnit = unitMips(capacityMips);
    const utilization = model.vm(vm.vm, load, fromStep, toStep);
    for (let step = fromStep; step < toStep; step++) {
      const demandMips = utilization[step - fromStep]! * capacityMips;
      demandUnits[step * vms.length + index] = unitsOf(demandMips, capacityMips, mipsPerUnit);
    }
    return {
      name: `vm-${String(vm.vm).padStart(6, '0')}`,
      vcpus: vm.flavour.vcpus,
      vcpuMips,
      memoryBytes: vm.flavour.memoryGib * gib,
      arrivalMs: vm.fromMs,
      departureMs: vm.untilMs,
      mipsPerUnit,
    };
  });
  return createWorkload(name, intervalMs, specs, demandUnits);
}
