/** CPU settings of a VM as `virsh schedinfo` and `virsh vcpupin` print them. */
import type { ScriptSection, SectionOutput } from '../ssh/frames.ts';
import { cpuList, integer } from '../telemetry/listing.ts';
import type { Operation } from './operation.ts';
import { textOf } from './said.ts';
import type { Site } from './site.ts';

/** Of the running VM, or as its next start will have it. */
export type Tense = 'live' | 'config';

export interface Tuning {
  /** Absent where the host has no CPU controller for VMs. */
  readonly shares?: number;
  readonly periodUs?: number;
  /** µs in each period for each vCPU; `null`: no limit. */
  readonly quotaUs?: number | null;
  /** CPUs of each vCPU, as printed: `0-3,8`. */
  readonly cpus: readonly string[];
}

/** What libvirt and the kernel use when nothing is said, µs. */
export const defaultPeriodUs = 100_000;
/** From libvirt's greatest quota on, µs, there is none: cgroup v2 says `max`, which reads as more. */
const quotaMaxUs = 17_592_186_044_415;

/** Sections `schedinfo-TENSE` and `vcpupin-TENSE`. */
export function tuningSections(site: Site, vm: string, tense: Tense): ScriptSection[] {
  return (['schedinfo', 'vcpupin'] as const).map((verb) => ({
    name: `${verb}-${tense}`,
    commands: site.virshRead(verb, '--domain', vm, `--${tense}`),
  }));
}

/** @throws OperationError when libvirt did not tell. */
export function readTuning(
  host: string,
  sections: ReadonlyMap<string, SectionOutput>,
  tense: Tense,
): Tuning {
  const values = new Map<string, number>();
  for (const line of textOf(host, sections, `schedinfo-${tense}`, 'reading its CPU shares').split(
    '\n',
  )) {
    const [, key, digits] = /^(\w+)\s*:\s*(-?\d+)\s*$/.exec(line) ?? [];
    const value = integer(digits);
    if (key !== undefined && value !== undefined) values.set(key, value);
  }
  const shares = values.get('cpu_shares');
  const periodUs = values.get('vcpu_period');
  const quota = values.get('vcpu_quota');
  return {
    ...(shares === undefined ? {} : { shares }),
    ...(periodUs === undefined || periodUs === 0 ? {} : { periodUs }),
    ...(quota === undefined ? {} : { quotaUs: quota <= 0 || quota >= quotaMaxUs ? null : quota }),
    cpus: readPins(textOf(host, sections, `vcpupin-${tense}`, 'reading its pinning')),
  };
}

/** ` 0      0-3,8`, one line per vCPU. */
function readPins(text: string): string[] {
  const cpus: string[] = [];
  for (const line of text.split('\n')) {
    const [, vcpu, list] = /^\s*(\d+)\s*:?\s+([\d,-]+)\s*$/.exec(line) ?? [];
    if (vcpu !== undefined) cpus[Number(vcpu)] = list!;
  }
  return cpus;
}

/** Whether two lists name the same CPUs. */
export function isSameCpus(a: string | undefined, b: string | undefined): boolean {
  const [one, other] = [a, b].map((list) =>
    cpuList(list)
      ?.sort((x, y) => x - y)
      .join(),
  );
  return one !== undefined && one === other;
}

/** Cores that each vCPU may use; `null`: no limit. */
export function quotaCores({ quotaUs, periodUs = defaultPeriodUs }: Tuning): number | null {
  return quotaUs === undefined || quotaUs === null ? null : quotaUs / periodUs;
}

/** What makes the running VM so again. */
export function tuningOperations(vm: string, host: string, tuning: Tuning): Operation[] {
  const { shares, periodUs, cpus } = tuning;
  return [
    {
      type: 'setQuota',
      vm,
      host,
      coresPerVcpu: quotaCores(tuning),
      ...(periodUs === undefined ? {} : { periodUs }),
    },
    ...(shares === undefined ? [] : [{ type: 'setShares', vm, host, shares } as const]),
    ...(cpus.length === 0 ? [] : [{ type: 'pinVcpus', vm, host, cpus } as const]),
  ];
}
