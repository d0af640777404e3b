/** The client before other programs of its machine: what it waits for a CPU would show as latency. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Nine times the weight of what runs at the usual priority. */
const niceness = -10;

/**
 * Raises the priority of this process. Where the kernel groups processes by session (autogroup), niceness
 * counts only within the group; a process with a session of its own raises that too.
 *
 * @returns Whether it was allowed; only root may.
 */
export function goFirst(): boolean {
  try {
    setPriority(niceness);
    const group = '/proc/self/autogroup';
    if (existsSync(group) && leadsSession()) writeFileSync(group, String(niceness));
    return true;
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    if (code === undefined && name !== 'SystemError') throw error;
    return false;
  }
}

/** Whether the session is this process's own. */
function leadsSession(): boolean {
  const status = readFileSync('/proc/self/stat', 'utf8');
  // After the name, which may hold anything: state, parent, process group, session.
  const session = status.slice(status.lastIndexOf(')') + 2).split(' ')[3];
  return session === String(process.pid);
}
