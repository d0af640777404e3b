/** Memory of a running VM, by its balloon. */
import type { Action } from './action.ts';
import { freeMemory, readDomains, runningDomain } from './domains.ts';
import { mib, type Operation } from './operation.ts';
import { refused } from './site.ts';

type SetMemory = Extract<Operation, { type: 'setMemory' }>;

/** The balloon works in pages. */
const pageBytes = 4096;
const pagesOf = (bytes: number): number => Math.round(bytes / pageBytes) * pageBytes;

export const setMemory: Action<SetMemory> = {
  steps: ({ vm, host, bytes }, site) => [
    {
      host,
      commands: site.virsh(
        ...['setmem', '--domain', vm, '--live'],
        ...['--size', String(pagesOf(bytes) / 1024)],
      ),
    },
  ],
  async look({ vm, host, bytes }, site, limits) {
    const reading = await readDomains(site, host, limits, vm);
    const { currentBytes, maximumBytes, usableBytes } = runningDomain(reading, vm);
    const wanted = pagesOf(bytes);
    if (!(wanted > 0 && wanted <= maximumBytes)) {
      throw refused(
        host,
        `its memory is at most ${mib(maximumBytes)}, and it was to get ${mib(bytes)}`,
      );
    }
    const used = usableBytes === undefined ? 0 : currentBytes - usableBytes;
    if (wanted < currentBytes && wanted < used) {
      throw refused(host, `its guest uses ${mib(used)}, and it was to keep ${mib(bytes)}`);
    }
    const free = freeMemory(site, reading);
    if (free !== undefined && wanted - currentBytes > free) {
      throw refused(host, `it has ${mib(free)} left for VMs, not ${mib(wanted - currentBytes)}`);
    }
    return {
      isDone: currentBytes === wanted,
      undo: [{ type: 'setMemory', vm, host, bytes: currentBytes }],
      now: `it has ${mib(currentBytes)}`,
    };
  },
  settleMs: ({ memoryMs }) => memoryMs,
};
