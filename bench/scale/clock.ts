/** CPU time of this process, user and system. */

/** Since `process.cpuUsage()` gave `before`, s. */
export function cpuSince(before: NodeJS.CpuUsage): number {
  const { system, user } = process.cpuUsage(before);
  return (system + user) / 1e6;
}
