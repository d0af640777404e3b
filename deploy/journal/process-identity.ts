/** Which process it is, so that another process later can tell whether it still runs. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';

export interface ProcessIdentity {
  readonly pid: number;
  /** Name of the machine. */
  readonly host: string;
  /** Numbers of processes begin anew with each boot; absent where the kernel does not tell. */
  readonly bootId?: string;
  /** In which numbers of processes are counted: a container may have its own. */
  readonly pidNamespace?: string;
  /** Clock ticks from boot to the start of the process: numbers are used again. */
  readonly startTicks?: number;
}

export function thisProcess(): ProcessIdentity {
  const bootId = readOr('/proc/sys/kernel/random/boot_id');
  const pidNamespace = linkOr('/proc/self/ns/pid');
  const startTicks = statOf(process.pid)?.startTicks;
  return {
    pid: process.pid,
    host: hostname(),
    ...(bootId === undefined ? {} : { bootId: bootId.trim() }),
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
    ...(startTicks === undefined ? {} : { startTicks }),
  };
}

/** Whether `isAlive` can tell: the process is of this machine, and counted as ours are. */
export function inThisWorld(other: ProcessIdentity): boolean {
  const own = thisProcess();
  if (other.host !== own.host) return false;
  // An earlier boot of this machine: nothing of it runs, whatever its namespaces were.
  if (other.bootId !== own.bootId) return true;
  return other.pidNamespace === own.pidNamespace;
}

/** Whether a process of this machine still runs. */
export function isAlive(other: ProcessIdentity): boolean {
  const own = thisProcess();
  if (other.bootId !== own.bootId) return false;
  if (own.startTicks === undefined) return answersSignals(other.pid);
  const found = statOf(other.pid);
  // A zombie runs no more; it waits for its parent to take notice.
  if (found === undefined || found.state === 'Z' || found.state === 'X') return false;
  return other.startTicks === undefined || found.startTicks === other.startTicks;
}

/** Fields 3 and 22 of `/proc/PID/stat` (proc(5)); `undefined` where there is no such process. */
function statOf(pid: number): { readonly state: string; readonly startTicks: number } | undefined {
  const text = readOr(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name before may hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, startTicks: Number(fields[19]) };
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const absent: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'ENOTDIR']);

function readOr(path: string): string | undefined {
  return unlessAbsent(() => readFileSync(path, 'utf8'));
}

function linkOr(path: string): string | undefined {
  return unlessAbsent(() => readlinkSync(path));
}

function unlessAbsent(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (absent.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}
