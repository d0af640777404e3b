/** The exact commands of operations, for plans that nobody carries out yet. */
import { createExecutor } from '../../actions/create-executor.ts';
import type { Executor } from '../../actions/executor.ts';
import { hostsOf, type Operation } from '../../actions/operation.ts';
import { checkVmName } from '../../actions/vm-name.ts';
import { systemClock } from '../../clock.ts';
import { type ClusterFile, clusterSchema } from '../../cluster/cluster-file.ts';
import { OperationError } from '../../operation-error.ts';

/**
 * @param cluster Without one, commands are those of a cluster file that says nothing but names.
 * @returns One command a line; a comment says why where there is none.
 */
export function commandsOf(
  cluster: ClusterFile | undefined,
): (operation: Operation) => readonly string[] {
  const known = cluster === undefined ? undefined : executorOf(cluster);
  return (operation) => {
    const names = hostsOf(operation);
    const [place] = names;
    const executor =
      known ?? executorOf(clusterSchema.parse({ hosts: names.map((name) => ({ name })) }));
    try {
      // One with a line end in it would make two commands of one, for whoever copies lines.
      if ('vm' in operation) checkVmName(place!, operation.vm);
      return executor.commands(operation);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      return [`# ${error.message}`];
    }
  };
}

/** It is never asked to reach a host. */
function executorOf(cluster: ClusterFile): Executor {
  return createExecutor({
    cluster,
    clock: systemClock,
    transport: {
      run: async (host) => {
        throw new OperationError('ERR_REFUSED', host, `${host}: plans only show commands`);
      },
      close: async () => undefined,
    },
  });
}
