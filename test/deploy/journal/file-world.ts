/** A host whose settings are files, and an executor on them: what a process does there outlives its kill. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Executor } from '../../../deploy/actions/executor.ts';
import type { CpufreqSetting, Operation } from '../../../deploy/actions/operation.ts';
import type { VmFinder } from '../../../deploy/journal/vm-places.ts';
import { OperationError } from '../../../deploy/operation-error.ts';

/** Four cpufreq policies and three VMs. */
export function layFiles(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (let policy = 0; policy < 4; policy++) {
    writeFileSync(join(directory, `governor-${policy}`), policy === 1 ? 'powersave' : 'schedutil');
  }
  for (const vm of ['v', 'w', 'x']) writeFileSync(join(directory, `quota-${vm}`), 'null');
}

export const filesOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  );

/** Knows `setGovernor`, `setCpufreq` (its governors) and `setQuota`. */
export function fileExecutor(directory: string): Executor {
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const changesOf = (operation: Operation): Map<string, string> => {
    switch (operation.type) {
      case 'setGovernor':
        return new Map([0, 1, 2, 3].map((policy) => [`governor-${policy}`, operation.governor]));
      case 'setCpufreq':
        return new Map(
          operation.settings.map(({ policy, governor }) => [`governor-${policy}`, governor]),
        );
      case 'setQuota':
        return new Map([[`quota-${operation.vm}`, JSON.stringify(operation.coresPerVcpu)]]);
      default:
        throw new OperationError('ERR_REFUSED', 'here', operation.type);
    }
  };
  const undoOf = (operation: Operation): Operation => {
    if (operation.type === 'setQuota') {
      const coresPerVcpu = JSON.parse(read(`quota-${operation.vm}`)) as number | null;
      return { ...operation, coresPerVcpu };
    }
    const settings = [0, 1, 2, 3].map(
      (policy): CpufreqSetting => ({
        ...{ policy, governor: read(`governor-${policy}`), minKhz: 1, maxKhz: 2 },
      }),
    );
    return { type: 'setCpufreq', host: 'here', settings };
  };
  return {
    commands: () => [],
    prepare: async (operation) => {
      const isDone = [...changesOf(operation)].every(([name, value]) => read(name) === value);
      return { operation, isDone, undo: isDone ? [] : [undoOf(operation)] };
    },
    apply: async ({ operation }) => {
      for (const [name, value] of changesOf(operation)) {
        // As one write into a file of the kernel: a kill leaves the old value or the new one.
        writeFileSync(`${directory}.new`, value);
        renameSync(`${directory}.new`, join(directory, name));
        // A chance to be killed between two files.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return { elapsedMs: 4, didChange: true };
    },
  };
}

export const fileFinder: VmFinder = {
  find: async () => ({
    places: new Map(['v', 'w', 'x'].map((vm) => [vm, [{ host: 'here', state: 'running' }]])),
    unanswered: [],
  }),
};
