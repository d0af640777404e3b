/** Where VMs are, as the libvirt of every host tells. */
import { type Domain, readDomains } from '../actions/domains.ts';
import { type ExecutorOptions, Site } from '../actions/site.ts';
import { OperationError } from '../operation-error.ts';
import type { VmFinder, VmPlace } from './vm-places.ts';

/** Looks on all hosts of a cluster file, one round trip each, all at once. */
export function createVmFinder(options: ExecutorOptions): VmFinder {
  const site = new Site(options);
  return {
    async find(limits) {
      const places = new Map<string, VmPlace[]>();
      const unanswered: string[] = [];
      const answers = await Promise.all(
        site.cluster.hosts.map(({ name }) => readDomains(site, name, limits).catch(orUnanswered)),
      );
      for (const [index, answer] of answers.entries()) {
        const host = site.cluster.hosts[index]!.name;
        if (answer === undefined) unanswered.push(host);
        for (const domain of answer?.domains ?? []) {
          const place = { host, state: stateOf(domain) };
          places.set(domain.name, [...(places.get(domain.name) ?? []), place]);
        }
      }
      return { places, unanswered };
    },
  };
}

const stateOf = ({ isRunning, isActive }: Domain): VmPlace['state'] =>
  isRunning ? 'running' : isActive ? 'paused' : 'off';

function orUnanswered(error: unknown): undefined {
  if (error instanceof OperationError && error.code !== 'ERR_INTERRUPTED') return undefined;
  throw error;
}
