/** Any value → ClusterSnapshot, or every problem in it; and what is odd about one that is right. */
import { InputError, type Issue, issuesOf } from '../../sim/index.ts';
import { type ClusterSnapshot, type SnapshotHost, snapshotSchema } from '../cluster/snapshot.ts';

/**
 * Checks a snapshot that came from outside.
 *
 * @param path What to call it in messages.
 * @throws InputError with every issue: fields first, then what contradicts itself.
 */
export function parseSnapshot(value: unknown, path: string): ClusterSnapshot {
  const result = snapshotSchema.safeParse(value);
  if (!result.success) throw new InputError(issuesOf(result.error, value, path));
  const issues = contradictions(result.data).map((issue) => ({
    ...issue,
    path: `${path}: ${issue.path}`,
  }));
  if (issues.length > 0) throw new InputError(issues);
  return result.data;
}

/** What cannot be true of any cluster. */
export function contradictions({ hosts, vms }: ClusterSnapshot): Issue[] {
  const issues: Issue[] = [];
  const byName = new Map<string, SnapshotHost>();
  hosts.forEach((host, index) => {
    if (byName.has(host.name)) issues.push(repeated(`hosts[${index}].name`, host.name));
    byName.set(host.name, host);
    issues.push(...hostIssues(host, `hosts[${index}]`));
  });
  const vmNames = new Set<string>();
  vms.forEach(({ name, host, movingTo }, index) => {
    const at = `vms[${index}]`;
    if (vmNames.has(name)) {
      issues.push({ path: `${at}.name`, expected: 'each VM in one place', got: `"${name}" again` });
    }
    vmNames.add(name);
    if (host !== null) issues.push(...placeIssues(byName, host, `${at}.host`));
    if (movingTo === undefined) return;
    issues.push(...placeIssues(byName, movingTo, `${at}.movingTo`));
    if (host === null || host === movingTo) {
      const got = host === null ? `to "${movingTo}" from nowhere` : `"${movingTo}", where it is`;
      issues.push({ path: `${at}.movingTo`, expected: 'a host other than its own', got });
    }
  });
  return issues;
}

const repeated = (path: string, name: string): Issue => ({
  path,
  expected: 'a name used once',
  got: `"${name}" again`,
});

function hostIssues({ frequenciesMhz, power }: SnapshotHost, at: string): Issue[] {
  const issues: Issue[] = [];
  const falls = (values: readonly number[], path: string): void => {
    const rise = values.findIndex((value, index) => index > 0 && value >= values[index - 1]!);
    if (rise < 0) return;
    const got = `${values[rise]} after ${values[rise - 1]}`;
    issues.push({ path: `${at}.${path}`, expected: 'the fastest first, each once', got });
  };
  falls(frequenciesMhz, 'frequenciesMhz');
  falls(
    power.map(({ mhz }) => mhz),
    'power',
  );
  power.forEach(({ idleW, fullW }, index) => {
    if (fullW >= idleW) return;
    const path = `${at}.power[${index}].fullW`;
    issues.push({ path, expected: `at least the ${idleW} W without load`, got: `${fullW}` });
  });
  return issues;
}

/** VMs stand on hosts that run, also on those that do not answer now. */
function placeIssues(
  hosts: ReadonlyMap<string, SnapshotHost>,
  name: string,
  path: string,
): Issue[] {
  const host = hosts.get(name);
  if (host === undefined) return [{ path, expected: 'one of the hosts', got: `"${name}"` }];
  if (host.state === 'on' || host.state === 'unknown') return [];
  return [{ path, expected: 'a host that is on', got: `"${name}", which is ${host.state}` }];
}

/** What is odd but may be so: a sentence each. Nothing is done about it. */
export function oddities({ hosts, vms, apart, together }: ClusterSnapshot): string[] {
  const sentences: string[] = [];
  const byName = new Map(hosts.map((host) => [host.name, host]));
  const held = new Map<string, number>();
  let fastestMhz = 0;
  for (const { frequenciesMhz } of hosts) fastestMhz = Math.max(fastestMhz, frequenciesMhz[0]!);
  for (const { name, host, vcpus, memoryBytes, demandMhz } of vms) {
    const mostMhz = vcpus * fastestMhz;
    const newest = demandMhz.at(-1) ?? 0;
    if (newest > mostMhz * (1 + 1e-9)) {
      sentences.push(
        `${name} asks for ${Math.round(newest)} MHz; its ${vcpus} vCPUs can use ${Math.round(mostMhz)}`,
      );
    }
    if (host === null) continue;
    held.set(host, (held.get(host) ?? 0) + memoryBytes);
    const { cores } = byName.get(host)!;
    if (vcpus > cores)
      sentences.push(`${name} has ${vcpus} vCPUs, its host ${host} ${cores} cores`);
  }
  for (const { name, memoryBytes } of hosts) {
    const bytes = held.get(name) ?? 0;
    if (bytes <= memoryBytes) continue;
    sentences.push(`the VMs on ${name} hold ${mebibytes(bytes)} of ${mebibytes(memoryBytes)} MiB`);
  }
  const known = new Set(vms.map(({ name }) => name));
  for (const name of new Set([...apart, ...together].flat())) {
    if (!known.has(name)) sentences.push(`a rule names ${name}, which is not there`);
  }
  return sentences;
}

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
