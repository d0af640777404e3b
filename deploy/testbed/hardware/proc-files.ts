/** The files of procfs that tell of the emulated CPUs, as proc(5) describes them. */

/** What a CPU did since boot, s. */
export interface CpuTime {
  readonly guestS: number;
  readonly idleS: number;
}

const ticksPerS = 100;
const ticks = (seconds: number): number => Math.floor(seconds * ticksPerS + 1e-6);

/** `/proc/stat`. VMs are all that runs here: their time is both user and guest. */
export function statText(cpus: readonly CpuTime[], bootS: number): string {
  const line = (name: string, busy: number, idle: number): string =>
    `${name} ${busy} 0 0 ${idle} 0 0 0 0 ${busy} 0\n`;
  const rows = cpus.map(({ guestS, idleS }) => ({ busy: ticks(guestS), idle: ticks(idleS) }));
  const sum = (pick: 'busy' | 'idle'): number => rows.reduce((total, row) => total + row[pick], 0);
  return [
    line('cpu ', sum('busy'), sum('idle')),
    ...rows.map(({ busy, idle }, cpu) => line(`cpu${cpu}`, busy, idle)),
    'intr 0\nctxt 0\n',
    `btime ${Math.floor(bootS)}\n`,
    'processes 0\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n',
  ].join('');
}

/** `/proc/uptime`: since boot, and idle time of all CPUs, s. */
export function uptimeText(uptimeS: number, cpus: readonly CpuTime[]): string {
  const idleS = cpus.reduce((sum, cpu) => sum + cpu.idleS, 0);
  return `${uptimeS.toFixed(2)} ${idleS.toFixed(2)}\n`;
}

/** What stands in for a machine whose `/proc/cpuinfo` cannot be read. */
const plainBlock = 'processor\t: 0\nmodel name\t: emulated\ncpu MHz\t\t: 0\n';

/**
 * `/proc/cpuinfo` of CPUs like the machine's first, each at its own frequency.
 *
 * @param template The machine's own file.
 */
export function cpuinfoText(template: string, khz: readonly number[]): string {
  const [first] = template.trim().split(/\n\s*\n/);
  const block = first?.startsWith('processor') ? `${first}\n` : plainBlock;
  return khz
    .map((frequency, cpu) => {
      const values: Readonly<Record<string, string>> = {
        processor: String(cpu),
        'cpu MHz': (frequency / 1000).toFixed(3),
        'physical id': '0',
        siblings: String(khz.length),
        'core id': String(cpu),
        'cpu cores': String(khz.length),
        apicid: String(cpu),
        'initial apicid': String(cpu),
      };
      return block.replace(/^([^\t\n]+)(\t*): .*$/gm, (line, name: string, tabs: string) =>
        values[name] === undefined ? line : `${name}${tabs}: ${values[name]}`,
      );
    })
    .map((text) => `${text}\n`)
    .join('');
}
