/** `virsh domstats --raw`: what libvirt knows of each VM. */
import { count, integer } from './listing.ts';
import { present } from './meminfo.ts';

const states = [
  'no-state',
  'running',
  'blocked',
  'paused',
  'shutting-down',
  'shut-off',
  'crashed',
  'suspended',
] as const;

/** libvirt's virDomainState; a domain that runs is `running` even when all its vCPUs idle. */
export type DomainState = (typeof states)[number];

export interface VcpuReading {
  readonly vcpu: number;
  /** Time on a CPU, ns. */
  readonly timeNs: number;
  /** Time that it was ready to run and did not, ns; absent before libvirt 7.2. */
  readonly delayNs?: number;
  /** Time spent waiting for I/O, ns. */
  readonly waitNs?: number;
}

export interface BlockReading {
  /** `vda`. */
  readonly device: string;
  readonly readRequests?: number;
  readonly readBytes?: number;
  readonly writeRequests?: number;
  readonly writeBytes?: number;
}

export interface InterfaceReading {
  /** `vnet3`, the host's end. */
  readonly device: string;
  readonly receivedBytes?: number;
  readonly receivedPackets?: number;
  readonly sentBytes?: number;
  readonly sentPackets?: number;
  readonly dropped?: number;
}

/** Memory of a VM in bytes; all but the first three come from the balloon driver in the guest. */
export interface BalloonReading {
  /** What the VM is given now. */
  readonly currentBytes?: number;
  readonly maximumBytes?: number;
  /** Memory of the host that the QEMU process holds. */
  readonly residentBytes?: number;
  /** What the guest sees, has free, and could free. */
  readonly availableBytes?: number;
  readonly unusedBytes?: number;
  readonly usableBytes?: number;
  /** When the guest last told, s since 1970 by the host's clock. */
  readonly lastUpdateS?: number;
}

export interface DomainReading {
  readonly name: string;
  readonly state?: DomainState;
  /** CPU time of the whole VM with QEMU's own threads, ns. */
  readonly cpuTimeNs?: number;
  /** Time that KVM burned while it polled for an idle vCPU, ns; part of the CPU time. */
  readonly haltPollNs?: number;
  readonly vcpusCurrent?: number;
  readonly vcpusMaximum?: number;
  readonly vcpus: readonly VcpuReading[];
  readonly balloon: BalloonReading;
  readonly blocks: readonly BlockReading[];
  readonly interfaces: readonly InterfaceReading[];
}

export interface DomstatsReading {
  readonly domains: readonly DomainReading[];
  /** Lines of no known form; of a domain that is named twice the first counts. */
  readonly brokenLines: number;
}

/** What `virsh domstats` printed: the values of each domain by key, as text. */
export interface DomstatsValues {
  readonly domains: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Lines of no known form; of a domain that is named twice the first counts. */
  readonly brokenLines: number;
}

/** Cuts the output into domains and values. */
export function domstatsValues(text: string): DomstatsValues {
  const domains = new Map<string, Map<string, string>>();
  let values: Map<string, string> | undefined;
  let brokenLines = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const name = /^Domain: '(.*)'$/.exec(line)?.[1];
    const [, key, value] = /^ {2}([a-z][A-Za-z0-9._-]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      values = new Map();
      if (domains.has(name)) brokenLines++;
      else domains.set(name, values);
    } else if (values === undefined || key === undefined || values.has(key)) {
      brokenLines++;
    } else {
      values.set(key, value!);
    }
  }
  return { domains, brokenLines };
}

/** Reads the output; a value that is missing or not a number is absent. */
export function readDomstats(text: string): DomstatsReading {
  const { domains, brokenLines } = domstatsValues(text);
  return { domains: [...domains].map(([name, found]) => domainOf(name, found)), brokenLines };
}

function domainOf(name: string, values: ReadonlyMap<string, string>): DomainReading {
  const number = (key: string): number | undefined => count(values.get(key));
  const bytes = (key: string): number | undefined => {
    const kib = number(key);
    return kib === undefined ? undefined : kib * 1024;
  };
  const polls = [number('cpu.haltpoll.success.time'), number('cpu.haltpoll.fail.time')];
  const haltPollNs = polls.some((time) => time !== undefined)
    ? (polls[0] ?? 0) + (polls[1] ?? 0)
    : undefined;
  return {
    name,
    ...present({
      state: states[integer(values.get('state.state')) ?? -1],
      cpuTimeNs: number('cpu.time'),
      haltPollNs,
      vcpusCurrent: number('vcpu.current'),
      vcpusMaximum: number('vcpu.maximum'),
    }),
    vcpus: indices(values, /^vcpu\.(\d+)\.time$/).flatMap((vcpu) => {
      const timeNs = number(`vcpu.${vcpu}.time`);
      if (timeNs === undefined) return [];
      const waits = { delayNs: number(`vcpu.${vcpu}.delay`), waitNs: number(`vcpu.${vcpu}.wait`) };
      return [{ vcpu, timeNs, ...present(waits) }];
    }),
    balloon: present({
      currentBytes: bytes('balloon.current'),
      maximumBytes: bytes('balloon.maximum'),
      residentBytes: bytes('balloon.rss'),
      availableBytes: bytes('balloon.available'),
      unusedBytes: bytes('balloon.unused'),
      usableBytes: bytes('balloon.usable'),
      lastUpdateS: number('balloon.last-update') || undefined,
    }),
    blocks: indices(values, /^block\.(\d+)\.name$/).map((index) => ({
      device: values.get(`block.${index}.name`)!,
      ...present({
        readRequests: number(`block.${index}.rd.reqs`),
        readBytes: number(`block.${index}.rd.bytes`),
        writeRequests: number(`block.${index}.wr.reqs`),
        writeBytes: number(`block.${index}.wr.bytes`),
      }),
    })),
    interfaces: indices(values, /^net\.(\d+)\.name$/).map((index) => ({
      device: values.get(`net.${index}.name`)!,
      ...present({
        receivedBytes: number(`net.${index}.rx.bytes`),
        receivedPackets: number(`net.${index}.rx.pkts`),
        sentBytes: number(`net.${index}.tx.bytes`),
        sentPackets: number(`net.${index}.tx.pkts`),
        dropped: sumOf(number(`net.${index}.rx.drop`), number(`net.${index}.tx.drop`)),
      }),
    })),
  };
}

const sumOf = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/** Numbers in the keys of one form, upward. */
export function indices(values: ReadonlyMap<string, string>, pattern: RegExp): number[] {
  return [...values.keys()]
    .flatMap((key) => pattern.exec(key)?.slice(1, 2) ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
