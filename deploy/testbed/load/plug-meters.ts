/**
 * The meters at the plugs of a testbed's hosts, read from this machine's side: what the hosts really took,
 * whatever their own counters say.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hardwareFiles } from '../hosts/hardware-files.ts';
import type { HostLayout } from '../layout.ts';
import type { EnergyInterval } from './energy.ts';
import { parsedJson } from './parsed-json.ts';

const reading = z.looseObject({ energyJ: z.number().min(0), powerW: z.number().min(0) });

/** One line of `meters.jsonl`: a host's meter as it was last written (twice a second). */
const plugLine = z.looseObject({
  timestamp: z.iso.datetime(),
  host: z.string(),
  /** Since the host was started; absent while it is off. */
  energyJ: z.number().min(0).optional(),
  powerW: z.number().min(0),
});

export type PlugLine = z.output<typeof plugLine>;

/** @param nowMs Wall clock, for hosts that are off and write nothing. */
export function readPlugMeters(
  hosts: readonly HostLayout[],
  isOn: (host: HostLayout) => boolean,
  nowMs: number,
): PlugLine[] {
  return hosts.map((layout) => {
    const { name: host, hardware } = layout;
    const path = join(hardware, hardwareFiles.meter);
    if (!isOn(layout) || !existsSync(path)) {
      return { timestamp: new Date(nowMs).toISOString(), host, powerW: 0 };
    }
    const { energyJ, powerW } = reading.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { timestamp: new Date(statSync(path).mtimeMs).toISOString(), host, energyJ, powerW };
  });
}

/** Energy between readings, host by host. A host that is off takes none; one that was started counts from 0. */
export function plugIntervals(text: string): EnergyInterval[][] {
  const before = new Map<string, { readonly ms: number; readonly energyJ: number }>();
  const intervals = new Map<string, EnergyInterval[]>();
  for (const one of text.split('\n')) {
    const line = parsedJson(plugLine, one);
    if (line === undefined) continue;
    const { host } = line;
    const ms = Date.parse(line.timestamp);
    const last = before.get(host);
    // The meter was not written since.
    if (last !== undefined && ms <= last.ms) continue;
    const own = intervals.get(host) ?? [];
    intervals.set(host, own);
    const energyJ = line.energyJ ?? last?.energyJ ?? 0;
    if (last !== undefined) {
      const tookJ = energyJ >= last.energyJ ? energyJ - last.energyJ : energyJ;
      own.push({ fromMs: last.ms, toMs: ms, energyJ: tookJ });
    }
    before.set(host, { ms, energyJ });
  }
  return [...intervals.values()];
}
