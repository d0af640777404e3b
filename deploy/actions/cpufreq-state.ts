/** What can be set on a host's cpufreq policies, and how it is set. All frequencies in kHz. */
import { OperationError } from '../operation-error.ts';
import type { ScriptSection, SectionOutput } from '../ssh/frames.ts';
import {
  countOf,
  type Folder,
  foldersOf,
  lineOf,
  listFiles,
  readListing,
} from '../telemetry/listing.ts';
import type { OperationLimits } from './executor.ts';
import type { CpufreqSetting } from './operation.ts';
import { textOf } from './said.ts';
import { refused, type Site } from './site.ts';

export const cpufreqDirectory = '/sys/devices/system/cpu/cpufreq';

const leaves = [
  'affected_cpus',
  'cpuinfo_min_freq',
  'cpuinfo_max_freq',
  'scaling_available_frequencies',
  'scaling_available_governors',
  'scaling_governor',
  'scaling_min_freq',
  'scaling_max_freq',
  'scaling_setspeed',
] as const;

export interface PolicyState extends CpufreqSetting {
  readonly governors: readonly string[];
  /** Limits of the hardware. */
  readonly lowestKhz: number;
  readonly highestKhz: number;
  /** Empty where the driver has no table. */
  readonly tableKhz: readonly number[];
}

export const cpufreqSection: ScriptSection = {
  name: 'cpufreq',
  commands: listFiles(...leaves.map((leaf) => `${cpufreqDirectory}/policy*/${leaf}`)),
};

/** Policies with CPUs on-line, by number; those whose files are incomplete are left out. */
export function readPolicies(sections: ReadonlyMap<string, SectionOutput>): PolicyState[] {
  return foldersOf(readListing(sections.get('cpufreq')?.text ?? '', leaves))
    .flatMap((folder) => policyOf(folder) ?? [])
    .sort((a, b) => a.policy - b.policy);
}

function policyOf(folder: Folder): PolicyState | undefined {
  const policy = /^policy(\d{1,6})$/.exec(folder.name)?.[1];
  const governor = lineOf(folder, 'scaling_governor');
  const minKhz = countOf(folder, 'scaling_min_freq');
  const maxKhz = countOf(folder, 'scaling_max_freq');
  if (policy === undefined || governor === undefined || minKhz === undefined) return undefined;
  if (maxKhz === undefined || lineOf(folder, 'affected_cpus') === undefined) return undefined;
  const setKhz = countOf(folder, 'scaling_setspeed');
  const wordsOf = (file: string): string[] => lineOf(folder, file)?.split(/\s+/) ?? [];
  return {
    policy: Number(policy),
    governor,
    minKhz,
    maxKhz,
    ...(governor === 'userspace' && setKhz !== undefined ? { setKhz } : {}),
    governors: wordsOf('scaling_available_governors'),
    lowestKhz: countOf(folder, 'cpuinfo_min_freq') ?? minKhz,
    highestKhz: countOf(folder, 'cpuinfo_max_freq') ?? maxKhz,
    tableKhz: wordsOf('scaling_available_frequencies').map(Number).filter(Number.isFinite),
  };
}

/** The part of it that can be brought back. */
export function settingOf({
  policy,
  governor,
  minKhz,
  maxKhz,
  setKhz,
}: PolicyState): CpufreqSetting {
  return { policy, governor, minKhz, maxKhz, ...(setKhz === undefined ? {} : { setKhz }) };
}

/** Whether the files may be written: as this user, or with sudo where the cluster file says so. */
const accessSection = (site: Site): ScriptSection => ({
  name: 'access',
  commands: site.cluster.ssh.sudo
    ? 'exec 2>&1; sudo -n true'
    : `for F in ${cpufreqDirectory}/policy*/scaling_max_freq; do [ -w "$F" ] || exit 1; done`,
});

/**
 * The policies that an operation is about.
 *
 * @param wanted Their numbers; default: all.
 * @throws OperationError `ERR_REFUSED` when there are none, or they cannot be set.
 */
export async function askPolicies(
  site: Site,
  host: string,
  wanted: readonly number[] | undefined,
  limits: OperationLimits,
): Promise<PolicyState[]> {
  const { sections } = await site.ask(host, [cpufreqSection, accessSection(site)], limits);
  const policies = readPolicies(sections);
  if (policies.length === 0) {
    throw refused(host, 'its frequency cannot be set: no cpufreq policy (a guest, or no driver)');
  }
  const missing = wanted?.find((number) => !policies.some(({ policy }) => policy === number));
  if (missing !== undefined) throw refused(host, `it has no cpufreq policy ${missing} on-line`);
  const access = sections.get('access');
  if (access?.status !== 0) {
    if (site.cluster.ssh.sudo) textOf(host, sections, 'access', 'sudo');
    throw refused(
      host,
      'this user may not set frequencies; say `sudo: true` under `ssh`, or be root',
    );
  }
  return wanted === undefined ? policies : policies.filter(({ policy }) => wanted.includes(policy));
}

/** The frequency that a policy takes for one that is asked for: the next of its table, upward. */
export function reachableKhz(
  { lowestKhz, highestKhz, tableKhz }: PolicyState,
  khz: number,
): number {
  const clamped = Math.min(Math.max(khz, lowestKhz), highestKhz);
  const above = tableKhz.filter((one) => one >= clamped);
  return above.length === 0 ? clamped : Math.min(...above);
}

/** @throws OperationError `ERR_REFUSED` for what no policy could be called. */
export function checkPolicyNumbers(host: string, policies: readonly number[]): void {
  if (!policies.every((policy) => Number.isInteger(policy) && policy >= 0 && policy < 1e6)) {
    throw new OperationError('ERR_REFUSED', host, `${host}: policies are numbers from 0 up`);
  }
}
