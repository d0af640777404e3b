/** Pressure stall information (`/proc/pressure/*`): time in which work waited for a resource. */
import { count, readListing } from './listing.ts';

export type PressureResource = 'cpu' | 'memory' | 'io';

/** Stall time since boot, µs. */
export interface PressureReading {
  readonly resource: PressureResource;
  /** Some task waited. */
  readonly someUs: number;
  /** All tasks waited; the kernel has none for the CPU of a host. */
  readonly fullUs?: number;
}

/** Reads the listing of `/proc/pressure/*`. */
export function readPressure(text: string): PressureReading[] {
  const listing = readListing(text, ['cpu', 'memory', 'io']);
  return [...listing].flatMap(([path, lines]) => {
    const total = (kind: string): number | undefined =>
      count(
        lines
          .find((line) => line.startsWith(`${kind} `))
          ?.match(/ total=(\d+)/)
          ?.at(1),
      );
    const someUs = total('some');
    const fullUs = total('full');
    const resource = path.slice(path.lastIndexOf('/') + 1) as PressureResource;
    if (someUs === undefined) return [];
    return [{ resource, someUs, ...(fullUs === undefined ? {} : { fullUs }) }];
  });
}
