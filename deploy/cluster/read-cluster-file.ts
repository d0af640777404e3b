/** A cluster file's text → what it says with all defaults, or every problem in it. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError, type Issue, inputError, issuesOf, parseYaml } from '../../sim/index.ts';
import { isHostName } from '../ssh/host-name.ts';
import { type ClusterFile, clusterSchema } from './cluster-file.ts';

/**
 * Reads a cluster file.
 *
 * @throws InputError when it cannot be read, and as `parseClusterFile`.
 */
export function readClusterFile(path: string): ClusterFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw inputError(path, 'a cluster file that can be read', code);
  }
  return parseClusterFile(text, path);
}

/**
 * @param text YAML; JSON is a subset.
 * @param path Of the file: for messages, and relative paths in it start beside it.
 * @throws InputError with every issue: `path:line` for syntax, `path: hosts[2].wake` for content.
 */
export function parseClusterFile(text: string, path: string): ClusterFile {
  const value = parseYaml(text, path);
  const result = clusterSchema.safeParse(value);
  if (!result.success) throw new InputError(issuesOf(result.error, value, path));
  const { data } = result;
  const issues = [...hostIssues(data), ...migrationIssues(data), ...vmIssues(data)];
  if (issues.length > 0) {
    throw new InputError(issues.map((issue) => ({ ...issue, path: `${path}: ${issue.path}` })));
  }
  const beside = (name: string): string => resolve(dirname(path), name);
  const { ssh, guard } = data;
  return {
    ...data,
    ssh: ssh.config === undefined ? ssh : { ...ssh, config: beside(ssh.config) },
    guard: { ...guard, killSwitch: beside(guard.killSwitch) },
  };
}

/** Name of the machine behind `[USER@]HOST`. */
const machineOf = (name: string): string => name.slice(name.lastIndexOf('@') + 1).toLowerCase();

function hostIssues({ hosts, guard }: ClusterFile): Issue[] {
  const issues: Issue[] = [];
  const names = new Map<string, number>();
  const addresses = new Map<string, number>();
  for (const [index, host] of hosts.entries()) {
    const at = `hosts[${index}]`;
    const { name, address, offPower, idlePower, fullPower } = host;
    if (!isHostName(name)) {
      issues.push({
        path: `${at}.name`,
        expected: '[USER@]HOST as ssh knows it',
        got: quoted(name),
      });
    }
    const same = names.get(machineOf(name));
    if (same !== undefined) {
      const expected = `a host other than hosts[${same}]`;
      issues.push({ path: `${at}.name`, expected, got: quoted(name) });
    }
    names.set(machineOf(name), index);
    if (address !== undefined && (!isHostName(address) || address.includes('@'))) {
      issues.push({
        path: `${at}.address`,
        expected: 'a host name or address',
        got: quoted(address),
      });
    }
    const reached = (address ?? machineOf(name)).toLowerCase();
    const taken = addresses.get(reached);
    if (taken !== undefined && same === undefined) {
      const expected = `an address other than that of hosts[${taken}]`;
      issues.push({ path: `${at}.address`, expected, got: quoted(reached) });
    }
    addresses.set(reached, index);
    if (idlePower !== undefined && fullPower !== undefined && fullPower < idlePower) {
      const expected = `at least idlePower, ${idlePower}`;
      issues.push({ path: `${at}.fullPower`, expected, got: String(fullPower) });
    }
    if (idlePower !== undefined && offPower > idlePower) {
      const expected = `at most idlePower, ${idlePower}`;
      issues.push({ path: `${at}.offPower`, expected, got: String(offPower) });
    }
  }
  if (guard.hostsOn > hosts.length) {
    const expected = `at most the number of hosts, ${hosts.length}`;
    issues.push({ path: 'guard.hostsOn', expected, got: String(guard.hostsOn) });
  }
  return issues;
}

/** The URI names the other host in one way only. */
function migrationIssues({ libvirt }: ClusterFile): Issue[] {
  const path = 'libvirt.migration.uri';
  const { uri } = libvirt.migration;
  const words = [...uri.matchAll(/\{([^}]*)\}/g)].map(([word]) => word);
  if (words.length === 1 && words[0] === '{address}') return [];
  return [{ path, expected: 'a URI with {address}, once, and no other {word}', got: quoted(uri) }];
}

function vmIssues({ vms }: ClusterFile): Issue[] {
  const issues: Issue[] = [];
  for (const rule of ['apart', 'together'] as const) {
    for (const [index, names] of vms[rule].entries()) {
      for (const [place, name] of names.entries()) {
        if (names.indexOf(name) === place) continue;
        const path = `vms.${rule}[${index}][${place}]`;
        issues.push({ path, expected: 'a VM not named before in this set', got: quoted(name) });
      }
    }
  }
  for (const [index, names] of vms.together.entries()) {
    const apart = vms.apart.findIndex((set) => set.filter((vm) => names.includes(vm)).length > 1);
    if (apart < 0) continue;
    const both = vms.apart[apart]!.filter((vm) => names.includes(vm));
    const expected = `VMs of which no two are in vms.apart[${apart}]`;
    issues.push({ path: `vms.together[${index}]`, expected, got: both.map(quoted).join(', ') });
  }
  return issues;
}

const quoted = (text: string): string => `"${text}"`;
