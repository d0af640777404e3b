/** Random scenarios of every form the format allows, small enough for `fluid-simulator.ts`. */
import { parseSimGridScenario, type SimGridScenario } from '../../../sim/compat/simgrid/index.ts';
import { RandomStream } from '../../../sim/index.ts';

/** Scenario `seed`; the same seed gives the same scenario. */
export function randomScenario(seed: number): SimGridScenario {
  const parsed = parseSimGridScenario(
    JSON.stringify(new Writer(seed).scenario()),
    `random ${seed}`,
  );
  if ('generator' in parsed) throw new Error('not a generator');
  return parsed;
}

class Writer {
  readonly #random: RandomStream;
  readonly #end: number;
  readonly #hosts: number;
  readonly #vms: number;

  constructor(seed: number) {
    this.#random = new RandomStream(seed, 'scenario');
    this.#end = 60 + this.#random.integer(120);
    this.#hosts = 1 + this.#random.integer(4);
    this.#vms = this.#random.integer(6);
  }

  scenario(): object {
    const governed = this.#chance(0.2);
    return {
      name: 'random',
      end: this.#end,
      hosts: this.#times(this.#hosts, (host) => this.#host(host, governed)),
      network: this.#network(),
      vms: this.#times(this.#vms, (vm) => this.#vm(vm)),
      tasks: this.#times(2 + this.#random.integer(10), (task) => this.#task(task)),
      events: this.#times(this.#random.integer(14), () => this.#event()),
      sample_times: this.#times(3, () => this.#between(0, this.#end)),
    };
  }

  #times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  #chance(probability: number): boolean {
    return this.#random.float() < probability;
  }

  /** Three decimals, so that dates and amounts seldom coincide by accident. */
  #between(low: number, high: number): number {
    return Math.round((low + this.#random.float() * (high - low)) * 1000) / 1000;
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#random.integer(values.length)] as T;
  }

  #host(index: number, governed: boolean): object {
    const count = 1 + this.#random.integer(3);
    const pstates = this.#times(count, () => ({
      speed: this.#pick([3e9, 2.4e9, 2e9, 1e9, 0.7e9]),
      idle: this.#between(40, 90),
      ...(this.#chance(0.8) && { epsilon: this.#between(90, 120) }),
      max: this.#between(120, 300),
    }));
    return {
      name: `h${index}`,
      cores: this.#pick([1, 2, 4, 8, 16]),
      pstates: [...pstates, { speed: 0, idle: 55, epsilon: 66, max: 77 }],
      watts_off: this.#between(0, 9),
      pstate: this.#random.integer(count),
      ...(this.#chance(0.5) && {
        boot: { pstate: this.#random.integer(count + 1), duration: this.#between(0, 9) },
      }),
      ...(this.#chance(0.5) && {
        shutdown: { pstate: this.#random.integer(count + 1), duration: this.#between(0, 9) },
      }),
      ...(governed && {
        governor: {
          name: this.#pick(['performance', 'powersave', 'ondemand', 'conservative']),
          sampling_rate: this.#between(0.7, 3),
        },
      }),
    };
  }

  #network(): object {
    const links = 1 + this.#random.integer(3);
    const latency = this.#pick([0, 0, 0.0001, 0.003]);
    const pairs = this.#times(this.#hosts * this.#hosts, (pair) => [
      pair % this.#hosts,
      Math.floor(pair / this.#hosts),
    ]).filter(([src, dst]) => src! < dst! || (src! > dst! && this.#chance(0.2)));
    return {
      model: this.#pick(['CM02', 'LV08']),
      crosstraffic: this.#random.integer(2),
      links: this.#times(links, (link) => ({
        name: `l${link}`,
        bandwidth: this.#pick([50e6, 100e6, 125e6, 625e6]),
        latency: this.#chance(0.7) ? latency : 0,
      })),
      routes: pairs.map(([src, dst]) => {
        const on = this.#times(links, (link) => `l${link}`).filter(() => this.#chance(0.6));
        return { src: `h${src}`, dst: `h${dst}`, links: on.length > 0 ? on : ['l0'] };
      }),
    };
  }

  #vm(index: number): object {
    return {
      name: `v${index}`,
      host: `h${this.#random.integer(this.#hosts)}`,
      cores: 1 + this.#random.integer(4),
      ram_bytes: this.#pick([0, 1e8, 5e8, 123456789]),
      ...(this.#chance(0.4) && { bound: this.#between(0.2, 4) * 1e9 }),
      ...(this.#chance(0.9) && {
        migration: {
          speed: this.#pick([0, 25e6, 60e6, 125e6]),
          dp_intensity: this.#between(0, 0.7),
          working_set: this.#pick([1e7, 1e8, 1e9]),
        },
      }),
    };
  }

  #task(index: number): object {
    const inVm = this.#vms > 0 && this.#chance(0.7);
    const on = inVm
      ? `v${this.#random.integer(this.#vms)}`
      : `h${this.#random.integer(this.#hosts)}`;
    const common = { id: `t${index}`, on, start: this.#between(0, this.#end / 2) };
    if (this.#chance(0.2)) return { ...common, background_threads: 1 + this.#random.integer(4) };
    return { ...common, phases: this.#times(1 + this.#random.integer(4), () => this.#phase()) };
  }

  #phase(): object {
    const kind = this.#random.float();
    if (kind < 0.15) return { sleep: this.#between(0, 8) };
    if (kind < 0.25) return { sleep_until: this.#between(0, this.#end) };
    if (kind < 0.3) return { flops: 0 };
    const flops = this.#between(0.5, 40) * 1e9;
    if (kind < 0.45) return { flops, threads: 2 + this.#random.integer(4) };
    return {
      flops,
      ...(this.#chance(0.3) && { priority: this.#pick([0.5, 1, 2, 3]) }),
      ...(this.#chance(0.3) && { bound: this.#between(0, 1.5) * 1e9 }),
    };
  }

  #event(): object {
    // Whole dates, so that several events fall on one.
    const t = this.#random.integer(this.#end);
    const host = `h${this.#random.integer(this.#hosts)}`;
    const vm = `v${this.#random.integer(this.#vms)}`;
    const kind = this.#random.float();
    if (kind < 0.15) return { t, type: this.#pick(['power_off', 'power_on']), host };
    if (kind < 0.4 || this.#vms === 0)
      return { t, type: 'pstate', host, pstate: this.#random.integer(2) };
    if (kind < 0.65) return { t, type: 'vm_bound', vm, bound: this.#between(0, 5) * 1e9 };
    return { t, type: 'migrate', vm, dst: host };
  }
}
