/** Frequency governors of a testbed's hosts, set through their own files. */
import { InvalidArgumentError } from 'commander';
import type { Programs } from '../../deploy/testbed/index.ts';
import type { TestbedPlan } from '../../deploy/testbed/plan.ts';

/** A governor, and for `userspace` its frequency. */
export interface GovernorSetting {
  /** As on the command line: `performance`, `userspace:1600`. */
  readonly text: string;
  readonly governor: string;
  readonly mhz?: number;
}

const governors = ['performance', 'powersave', 'schedutil', 'ondemand', 'conservative'];

/** `performance,userspace:1600` → settings. */
export function governorList(text: string): GovernorSetting[] {
  const settings = text.split(',').map((one): GovernorSetting => {
    const fixed = /^userspace:([1-9]\d{1,4})$/.exec(one);
    if (fixed !== null) return { text: one, governor: 'userspace', mhz: Number(fixed[1]) };
    if (governors.includes(one)) return { text: one, governor: one };
    throw new InvalidArgumentError(`expected ${governors.join(', ')} or userspace:MHZ.`);
  });
  if (new Set(settings.map((one) => one.text)).size === settings.length) return settings;
  throw new InvalidArgumentError('expected each once.');
}

/** Sets it on every CPU of every host. @throws TestbedError when a host refuses. */
export async function setGovernor(
  { hosts, layout }: TestbedPlan,
  { governor, mhz }: GovernorSetting,
  programs: Programs,
  signal: AbortSignal,
): Promise<void> {
  const script = [
    'set -e',
    'for policy in /sys/devices/system/cpu/cpufreq/policy*; do',
    `echo ${governor} > "$policy/scaling_governor"`,
    ...(mhz === undefined ? [] : [`echo ${mhz * 1000} > "$policy/scaling_setspeed"`]),
    'done',
  ].join('\n');
  for (const { name } of hosts) {
    await programs.run(['ssh', '-F', layout.sshConfig, name, 'sh', '-s'], {
      input: script,
      signal,
    });
  }
}
