/**
 * Traces on disk → episodes to train on and others to test on. Several traces (a folder per day):
 * the first trains, the rest test. One trace: its first half trains, the two quarters after test.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { inputError, type Workload } from '../sim/index.ts';
import { detectFormat, readWorkload } from '../traces/index.ts';
import type { EpisodeSpec } from './episode.ts';

export interface TraceEpisodes {
  readonly train: readonly EpisodeSpec[];
  /** The training part again, for the round in which the trained policy decides. */
  readonly retrain: readonly EpisodeSpec[];
  readonly test: readonly EpisodeSpec[];
  readonly description: string;
}

/** A folder, its name and the rows of its trace that one episode uses. */
interface Part {
  readonly name: string;
  readonly path: string;
  readonly window?: { readonly from: number; readonly to: number };
}

const gib = 1024 * 1024 * 1024;

/** @param passes Times that each training part is labelled, each with another exploration. */
export function traceEpisodes(directory: string, passes: number, seed: number): TraceEpisodes {
  const { train, test } = splitParts(directory);
  const workload = readWorkload(train[0]!.path);
  const hosts = hostsFor(workload);
  const episode = (part: Part, at: number): EpisodeSpec => ({
    text: stringify({
      name: part.name,
      hosts,
      workload: {
        type: detectFormat(part.path),
        path: resolve(part.path),
        ...(part.window === undefined ? {} : { window: part.window }),
      },
    }),
    file: `${part.path} (generated scenario)`,
    directory: resolve(directory),
    seed: at,
  });
  return {
    train: train.flatMap((part) =>
      Array.from({ length: passes }, (_, pass) => episode(part, seed + pass)),
    ),
    retrain: train.map((part) => episode(part, seed + 500)),
    test: test.map((part) => episode(part, seed + 1000)),
    description: `train ${train.map((part) => part.name).join(', ')}; test ${test.map((part) => part.name).join(', ')}`,
  };
}

function splitParts(directory: string): { train: Part[]; test: Part[] } {
  if (!existsSync(directory)) throw inputError(directory, 'a directory of traces', 'nothing there');
  const days = readdirSync(directory)
    .sort()
    .map((name) => ({ name, path: join(directory, name) }))
    .filter(({ path }) => statSync(path).isDirectory());
  if (days.length >= 2) return { train: [days[0]!], test: days.slice(1) };
  const only = days[0] ?? { name: directory.split('/').filter(Boolean).at(-1)!, path: directory };
  const steps = liveSteps(readWorkload(only.path));
  if (steps < 8) throw inputError(only.path, 'at least 8 rows to split', `${steps}`);
  const at = (share: number): number => Math.floor(steps * share);
  const part = (from: number, to: number): Part => ({
    name: `${only.name}[${at(from)}, ${at(to)})`,
    path: only.path,
    window: { from: at(from), to: at(to) },
  });
  return { train: [part(0, 0.5)], test: [part(0.5, 0.75), part(0.75, 1)] };
}

/** Rows up to the last one in which half of all VMs are still there. */
function liveSteps(workload: Workload): number {
  const ends = Array.from(workload.departureMs, (ms) =>
    Math.min(workload.steps, Math.ceil(ms / workload.intervalMs)),
  ).sort((a, b) => a - b);
  return ends[Math.floor(ends.length / 2)] ?? workload.steps;
}

/**
 * A cluster on which the workload is a fair problem. VMs like CloudSim's get CloudSim's hosts (800
 * for 1,052 VMs, two kinds in turn) but with 32 GiB instead of 4: CloudSim does not enforce memory,
 * we do, and with 4 or 16 GiB it is memory alone that says how many hosts are needed. Others get 12-core servers enough for their memory and for
 * one and a half times their peak demand.
 */
export function hostsFor(workload: Workload): object[] {
  const vms = workload.vmNames.length;
  const smallVms =
    workload.vcpus.every((vcpus) => vcpus === 1) &&
    workload.vcpuMips.every((mips) => mips <= 2660) &&
    workload.memoryBytes.every((bytes) => bytes <= 2 * gib);
  if (smallVms) {
    return Array.from({ length: 2 * Math.ceil((0.5 * vms * 800) / 1052) }, (_, index) => ({
      model: index % 2 === 0 ? 'hp-ml110-g4' : 'hp-ml110-g5',
      memory: '32 GiB',
    }));
  }
  const largest = Math.max(...workload.memoryBytes);
  const perHost = Math.max(96 * gib, 2 ** Math.ceil(Math.log2(largest * 2)));
  const memory = workload.memoryBytes.reduce((sum, bytes) => sum + bytes, 0);
  const forMemory = (1.3 * memory) / perHost;
  const forDemand = (1.5 * peakDemandMips(workload)) / (12 * 2933);
  const count = Math.max(4, Math.ceil(Math.max(forMemory, forDemand)));
  const size = `${Math.round(perHost / gib)} GiB`;
  return [
    { model: 'ibm-x3550-m3-x5675', count: Math.ceil(count / 2), memory: size },
    { model: 'ibm-x3550-m3-x5670', count: Math.floor(count / 2), memory: size },
  ];
}

function peakDemandMips(workload: Workload): number {
  const vms = workload.vmNames.length;
  let peak = 0;
  for (let step = 0; step < workload.steps; step++) {
    let sum = 0;
    for (let vm = 0; vm < vms; vm++) {
      sum += workload.demandUnits[step * vms + vm]! * workload.mipsPerUnit[vm]!;
    }
    peak = Math.max(peak, sum);
  }
  return peak;
}
