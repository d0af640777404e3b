/** Text → scenario, or every problem in it. */
import { InputError, type Issue, inputError } from '../../errors.ts';
import { issuesOf } from '../../scenario/parse.ts';
import {
  type SimGridGeneratorScenario,
  type SimGridScenario,
  simGridGeneratorSchema,
  simGridScenarioSchema,
} from './scenario.ts';

/** Demand cells of a generator scenario that fit into memory: 2 GiB of them. */
const cellsMax = 2 ** 30;

/**
 * Reads a scenario in JSON.
 *
 * @param path Name of the file, for messages.
 * @throws InputError with every issue, e.g. `s.json: vms[2].host: expected one of h0, h1, got "h7"`.
 */
export function parseSimGridScenario(
  text: string,
  path: string,
): SimGridScenario | SimGridGeneratorScenario {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw inputError(path, 'valid JSON', error instanceof Error ? error.message : String(error));
  }
  if (typeof value === 'object' && value !== null && 'generator' in value) {
    const parsed = simGridGeneratorSchema.safeParse(value);
    if (!parsed.success) throw new InputError(issuesOf(parsed.error, value, path));
    const { vm_count, steps } = parsed.data.generator;
    if (vm_count * steps > cellsMax) {
      const got = `${vm_count} × ${steps}`;
      throw inputError(`${path}: generator`, `vm_count × steps of at most ${cellsMax}`, got);
    }
    return parsed.data;
  }
  const parsed = simGridScenarioSchema.safeParse(value);
  if (!parsed.success) throw new InputError(issuesOf(parsed.error, value, path));
  const issues = new References(parsed.data, path).issues;
  if (issues.length > 0) throw new InputError(issues);
  return parsed.data;
}

/** Checks what one part of a scenario says about another. */
class References {
  readonly issues: Issue[] = [];
  readonly #path: string;
  readonly #scenario: SimGridScenario;

  constructor(scenario: SimGridScenario, path: string) {
    this.#scenario = scenario;
    this.#path = path;
    this.#checkNames();
    this.#checkHosts();
    this.#checkNetwork();
    this.#checkVmsAndTasks();
    this.#checkEvents();
  }

  #add(at: string, expected: string, got: string): void {
    this.issues.push({ path: `${this.#path}: ${at}`, expected, got });
  }

  #checkNames(): void {
    const { hosts, vms, tasks, network } = this.#scenario;
    // Tasks name hosts and VMs alike, so no VM may have a host's name.
    this.#unique([
      ...hosts.map(({ name }, at): [string, string] => [`hosts[${at}].name`, name]),
      ...vms.map(({ name }, at): [string, string] => [`vms[${at}].name`, name]),
    ]);
    this.#unique(tasks.map(({ id }, at): [string, string] => [`tasks[${at}].id`, id]));
    const links = network?.links ?? [];
    this.#unique(
      links.map(({ name }, at): [string, string] => [`network.links[${at}].name`, name]),
    );
  }

  #unique(names: readonly (readonly [at: string, name: string])[]): void {
    const first = new Map<string, string>();
    for (const [at, name] of names) {
      const before = first.get(name);
      if (before === undefined) first.set(name, at);
      else this.#add(at, `a name other than that of ${before}`, `"${name}"`);
    }
  }

  #checkHosts(): void {
    this.#scenario.hosts.forEach((host, at) => {
      const count = host.pstates.length;
      this.#pstate(`hosts[${at}].pstate`, host.pstate, count);
      if (host.boot) this.#pstate(`hosts[${at}].boot.pstate`, host.boot.pstate, count);
      if (host.shutdown) this.#pstate(`hosts[${at}].shutdown.pstate`, host.shutdown.pstate, count);
    });
  }

  #pstate(at: string, pstate: number, count: number): void {
    if (pstate >= count) this.#add(at, `a P-state from 0 to ${count - 1}`, `${pstate}`);
  }

  #checkNetwork(): void {
    const { network, hosts } = this.#scenario;
    if (network === undefined) return;
    const links = new Set(network.links.map(({ name }) => name));
    const hostNames = hosts.map(({ name }) => name);
    const routes = new Set<string>();
    network.routes.forEach(({ src, dst, links: onRoute }, at) => {
      const path = `network.routes[${at}]`;
      this.#oneOf(`${path}.src`, src, hostNames);
      this.#oneOf(`${path}.dst`, dst, hostNames);
      if (src === dst) this.#add(`${path}.dst`, 'a host other than src', `"${dst}"`);
      onRoute.forEach((link, hop) => {
        this.#oneOf(`${path}.links[${hop}]`, link, [...links]);
      });
      if (new Set(onRoute).size < onRoute.length) {
        this.#add(`${path}.links`, 'each link once', onRoute.join(', '));
      }
      const key = JSON.stringify([src, dst]);
      if (routes.has(key)) this.#add(path, 'one route from a host to another', `a second ${key}`);
      routes.add(key);
    });
  }

  #checkVmsAndTasks(): void {
    const { hosts, vms, tasks } = this.#scenario;
    const on = hosts.filter((host) => host.initially_on).map(({ name }) => name);
    const hostNames = hosts.map(({ name }) => name);
    vms.forEach(({ host }, at) => {
      if (hostNames.includes(host) && !on.includes(host)) {
        this.#add(`vms[${at}].host`, 'a host that is on from the start', `"${host}"`);
      } else this.#oneOf(`vms[${at}].host`, host, hostNames);
    });
    const places = [...hostNames, ...vms.map(({ name }) => name)];
    tasks.forEach((task, at) => {
      this.#oneOf(`tasks[${at}].on`, task.on, places);
    });
  }

  #checkEvents(): void {
    const { hosts, vms, events } = this.#scenario;
    const hostNames = hosts.map(({ name }) => name);
    const vmNames = vms.map(({ name }) => name);
    events.forEach((event, at) => {
      const path = `events[${at}]`;
      if ('vm' in event) this.#oneOf(`${path}.vm`, event.vm, vmNames);
      if ('host' in event) this.#oneOf(`${path}.host`, event.host, hostNames);
      if (event.type === 'migrate') this.#oneOf(`${path}.dst`, event.dst, hostNames);
      if (event.type !== 'pstate') return;
      const host = hosts.find(({ name }) => name === event.host);
      if (host) this.#pstate(`${path}.pstate`, event.pstate, host.pstates.length);
    });
  }

  #oneOf(at: string, name: string, known: readonly string[]): void {
    if (known.includes(name)) return;
    const shown = known.length > 6 ? [...known.slice(0, 6), '…'] : known;
    this.#add(
      at,
      known.length === 0 ? 'none, there is none' : `one of ${shown.join(', ')}`,
      `"${name}"`,
    );
  }
}
