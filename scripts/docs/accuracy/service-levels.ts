/** Energy, lost work, SLATAH and PDM against plain sums over the spans between changes. */
import {
  advance,
  energyNowJ,
  migrateVm,
  RandomStream,
  setDemand,
  settleAll,
  summarize,
} from '../../../sim/index.ts';
import { shares } from '../referees/fluid-shares.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';
import { smallTwin } from './small-twin.ts';

const clusters = 100;
const hostCount = 4;
const vmCount = 12;
const overhead = 0.1;
const secondsMax = 3600;

interface Change {
  readonly atS: number;
  readonly vm: number;
  /** A demand, MIPS, or a host to go to. */
  readonly demandMips?: number;
  readonly target?: number;
}

/** What plain sums give. */
interface Sums {
  readonly energyJ: number;
  readonly slatah: number;
  readonly pdm: number;
  readonly unserved: number;
}

export const serviceLevels: AccuracyGroup = {
  name: 'service-levels',
  kind: 'exact',
  measure() {
    const random = new RandomStream(1, 'service levels');
    const energy = new Worst();
    const levels = new Worst();
    for (let index = 0; index < clusters; index++) {
      const demands = Array.from({ length: vmCount }, () => random.integer(2001));
      const changes = randomChanges(random);
      const twin = smallTwin({
        hosts: Array.from({ length: hostCount }, () => ({})),
        vms: demands.map((demandMips, vm) => ({
          host: vm % hostCount,
          vcpus: 2,
          demandMips,
          memoryMib: 2000,
        })),
        migrationOverheadFraction: overhead,
      });
      for (const { atS, vm, demandMips, target } of changes) {
        advance(twin, atS * 1000);
        if (demandMips !== undefined) setDemand(twin, vm, demandMips);
        if (target !== undefined) migrateVm(twin, vm, target);
      }
      advance(twin, secondsMax * 1000);
      settleAll(twin);
      const { summary: ours } = summarize(twin);
      const plain = sumPlainly(demands, changes);
      energy.addRelative(energyNowJ(twin), plain.energyJ);
      levels.add(ours.slatah - plain.slatah);
      levels.add(ours.pdm - plain.pdm);
      levels.add(ours.unservedFraction - plain.unserved);
    }
    return [
      {
        model: 'Energy, SLATAH, PDM, unserved fraction',
        page: 'metrics',
        referee: `plain sums over the spans between changes, ${clusters} random hours of ${vmCount} VMs on ${hostCount} hosts with migrations`,
        error: `energy ${apart(energy.value)}; fractions ${apart(levels.value, 'apart')}`,
      },
    ];
  },
};

/** At whole seconds, none twice; each of the first three VMs moves once, to the next host. */
function randomChanges(random: RandomStream): Change[] {
  const times = new Set<number>();
  while (times.size < 40) times.add(1 + random.integer(secondsMax - 200));
  return [...times]
    .sort((a, b) => a - b)
    .map((atS, at): Change => {
      if (at % 10 === 5 && at < 30) {
        const vm = (at - 5) / 10;
        return { atS, vm, target: (vm + 1) % hostCount };
      }
      return { atS, vm: random.integer(vmCount), demandMips: random.integer(2001) };
    });
}

/** A copy of 2000 MiB at 100 MiB/s takes 20 s; the VM runs at the source and loses a tenth of its CPU. */
const copyS = 20;

function sumPlainly(first: readonly number[], changes: readonly Change[]): Sums {
  const demands = [...first];
  const hostOf = demands.map((_, vm) => vm % hostCount);
  const copiedUntil = demands.map(() => 0);
  const overloadS = new Array<number>(hostCount).fill(0);
  const activeS = new Array<number>(hostCount).fill(0);
  const asked = demands.map(() => 0);
  const degraded = demands.map(() => 0);
  let energyJ = 0;
  let short = 0;
  const ends = changes.flatMap(({ atS, target }) => (target === undefined ? [] : [atS + copyS]));
  const dates = [...new Set([0, ...changes.map(({ atS }) => atS), ...ends, secondsMax])].sort(
    (a, b) => a - b,
  );
  dates.slice(0, -1).forEach((fromS, at) => {
    for (const { vm, target, atS } of changes) {
      if (target !== undefined && atS + copyS === fromS) hostOf[vm] = target;
    }
    for (const { vm, demandMips, target } of changes.filter(({ atS }) => atS === fromS)) {
      if (demandMips !== undefined) demands[vm] = demandMips;
      if (target !== undefined) copiedUntil[vm] = fromS + copyS;
    }
    const seconds = dates[at + 1]! - fromS;
    for (let host = 0; host < hostCount; host++) {
      const guests = [...demands.keys()].filter((vm) => hostOf[vm] === host);
      const got = shares(
        guests.map((vm) => ({ cap: demands[vm]!, weight: 2 })),
        4000,
      );
      const used = got.reduce((sum, mips) => sum + mips, 0);
      const wanted = guests.reduce((sum, vm) => sum + demands[vm]!, 0);
      energyJ += (100 + (used / 4000) * 100) * seconds;
      if (guests.length > 0) activeS[host]! += seconds;
      if (wanted > 4000) overloadS[host]! += seconds;
      guests.forEach((vm, guest) => {
        asked[vm]! += demands[vm]! * seconds;
        short += (demands[vm]! - got[guest]!) * seconds;
        if (fromS < copiedUntil[vm]!) degraded[vm]! += overhead * got[guest]! * seconds;
      });
    }
  });
  const asking = [...asked.keys()].filter((vm) => asked[vm]! > 0);
  const total = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0);
  return {
    energyJ,
    slatah: total(overloadS.map((seconds, host) => seconds / activeS[host]!)) / hostCount,
    pdm: total(asking.map((vm) => degraded[vm]! / asked[vm]!)) / asking.length,
    unserved: (short + total(degraded)) / total(asked),
  };
}
