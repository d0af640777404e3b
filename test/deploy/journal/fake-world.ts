/**
 * A cluster in memory that operations change step by step, so that a process can be killed between any
 * two steps; and an executor on it that keeps to its contract.
 */
import type { Executor, Operation } from '../../../deploy/index.ts';
import { OperationError } from '../../../deploy/index.ts';
import type { VmFinder, VmPlace } from '../../../deploy/journal/vm-places.ts';

export interface FakeHost {
  isOn: boolean;
  sleep: 'S3' | 'S5';
  /** Of each cpufreq policy. */
  policies: { governor: string; minKhz: number; maxKhz: number }[];
}

export interface FakeVm {
  host: string;
  isRunning: boolean;
  /** While it runs; as it will start. */
  live: Tuning;
  readonly config: Tuning;
}

interface Tuning {
  coresPerVcpu: number | null;
  shares: number;
}

export interface FakeState {
  readonly hosts: Record<string, FakeHost>;
  readonly vms: Record<string, FakeVm>;
}

/** The process was killed. No part of the program may catch it. */
export class Killed extends Error {}

const hardware = { governor: 'schedutil', minKhz: 800_000, maxKhz: 2_600_000 };
const fail = (code: ConstructorParameters<typeof OperationError>[0], host: string, text: string) =>
  new OperationError(code, host, `${host}: ${text}`);

export class FakeWorld {
  readonly state: FakeState;
  /** Steps until the process is killed. */
  stepsLeft = Number.POSITIVE_INFINITY;
  /** Migrations and settings that fail half-way, by position among all operations applied. */
  failing: ReadonlySet<number> = new Set();
  /** Hosts that nobody reaches. */
  readonly unreachable = new Set<string>();
  /** A VM that is on its way when its process was killed arrives later. */
  underway: { readonly vm: string; readonly to: string; looksLeft: number } | undefined;
  applied = 0;

  constructor(state: FakeState) {
    this.state = structuredClone(state);
  }

  /** Something happens in the world, or the process is killed first. */
  step(change: () => void): void {
    if (this.stepsLeft <= 0) throw new Killed();
    this.stepsLeft--;
    change();
  }

  readonly finder: VmFinder = {
    find: async () => {
      const places = new Map<string, VmPlace[]>();
      const unanswered = Object.keys(this.state.hosts).filter((host) => !this.#answers(host));
      for (const [name, { host, isRunning }] of Object.entries(this.state.vms)) {
        if (!this.#answers(host)) continue;
        places.set(name, [{ host, state: isRunning ? 'running' : 'off' }]);
      }
      return { places, unanswered };
    },
  };

  readonly executor: Executor = {
    commands: ({ type }) => [type],
    prepare: async (operation) => ({ operation, ...this.#look(operation) }),
    apply: async ({ operation }) => {
      if (this.#look(operation).isDone) return { elapsedMs: 0, didChange: false };
      const fails = this.failing.has(this.applied++);
      this.#change(operation, fails);
      return { elapsedMs: 1, didChange: true };
    },
  };

  #answers(host: string): boolean {
    return this.state.hosts[host]?.isOn === true && !this.unreachable.has(host);
  }

  #host(name: string): FakeHost {
    if (!this.#answers(name)) throw fail('ERR_UNREACHABLE', name, 'it does not answer');
    return this.state.hosts[name]!;
  }

  #vm(name: string, host: string): FakeVm {
    this.#host(host);
    this.#arrive(name, host);
    const vm = this.state.vms[name];
    if (vm === undefined || vm.host !== host) throw fail('ERR_VM_ABSENT', host, 'no such VM');
    return vm;
  }

  #running(name: string, host: string): FakeVm {
    const vm = this.#vm(name, host);
    if (!vm.isRunning) throw fail('ERR_VM_ABSENT', host, 'it is off');
    return vm;
  }

  #activeOn(host: string): boolean {
    if (this.underway?.to === host) return true;
    return Object.values(this.state.vms).some((vm) => vm.host === host && vm.isRunning);
  }

  #look(operation: Operation): { isDone: boolean; undo: Operation[] } {
    switch (operation.type) {
      case 'migrate': {
        const { vm: name, from, to } = operation;
        this.#host(from);
        this.#host(to);
        this.#arrive(name, from);
        const vm = this.state.vms[name];
        if (vm?.host === to && vm.isRunning) return { isDone: true, undo: [] };
        this.#running(name, from);
        return { isDone: false, undo: [{ ...operation, from: to, to: from }] };
      }
      case 'startVm': {
        const { vm: name, host } = operation;
        const { isRunning } = this.#vm(name, host);
        return { isDone: isRunning, undo: [{ type: 'stopVm', vm: name, host }] };
      }
      case 'stopVm': {
        const { vm, host } = operation;
        const { isRunning, live, config } = this.#vm(vm, host);
        const undo: Operation[] = [{ type: 'startVm', vm, host }];
        const { coresPerVcpu, shares } = live;
        if (coresPerVcpu !== config.coresPerVcpu) {
          undo.push({ type: 'setQuota', vm, host, coresPerVcpu });
        }
        if (shares !== config.shares) undo.push({ type: 'setShares', vm, host, shares });
        return { isDone: !isRunning, undo };
      }
      case 'setQuota': {
        const { vm, host, coresPerVcpu } = operation;
        const now = this.#running(vm, host).live.coresPerVcpu;
        return { isDone: now === coresPerVcpu, undo: [{ ...operation, coresPerVcpu: now }] };
      }
      case 'setShares': {
        const { vm, host, shares } = operation;
        const now = this.#running(vm, host).live.shares;
        return { isDone: now === shares, undo: [{ ...operation, shares: now }] };
      }
      case 'setGovernor': {
        const { host, governor } = operation;
        const numbers = this.#policiesOf(operation);
        const { policies } = this.#host(host);
        const isDone = numbers.every((policy) => policies[policy]!.governor === governor);
        return { isDone, undo: [this.#settings(host, numbers)] };
      }
      case 'setFrequency': {
        const { host, khz } = operation;
        const numbers = this.#policiesOf(operation);
        const { policies } = this.#host(host);
        const isDone = numbers.every(
          (policy) => policies[policy]!.minKhz === khz && policies[policy]!.maxKhz === khz,
        );
        return { isDone, undo: [this.#settings(host, numbers)] };
      }
      case 'setCpufreq': {
        const { host, settings } = operation;
        const { policies } = this.#host(host);
        const isDone = settings.every(({ policy, governor, minKhz, maxKhz }) => {
          const now = policies[policy]!;
          return now.governor === governor && now.minKhz === minKhz && now.maxKhz === maxKhz;
        });
        return {
          isDone,
          undo: [
            this.#settings(
              host,
              settings.map(({ policy }) => policy),
            ),
          ],
        };
      }
      case 'sleepHost': {
        const { host } = operation;
        if (!this.#answers(host)) return { isDone: true, undo: [] };
        if (this.#activeOn(host)) throw fail('ERR_HOST_NOT_EMPTY', host, 'VMs run there');
        const all = this.#host(host).policies.map((_, policy) => policy);
        return { isDone: false, undo: [{ type: 'wakeHost', host }, this.#settings(host, all)] };
      }
      case 'wakeHost': {
        const { host } = operation;
        if (this.unreachable.has(host)) throw fail('ERR_WAKE', host, 'it does not wake');
        const { isOn, sleep } = this.state.hosts[host]!;
        return { isDone: isOn, undo: [{ type: 'sleepHost', host, to: sleep }] };
      }
      default:
        throw fail('ERR_REFUSED', 'here', `no ${operation.type} in this world`);
    }
  }

  /** A migration under way ends after some looks; until then nothing else can be done to the VM. */
  #arrive(name: string, host: string): void {
    if (this.underway?.vm !== name) return;
    if (this.underway.looksLeft-- > 0) throw fail('ERR_BUSY', host, 'a migration is under way');
    this.state.vms[name]!.host = this.underway.to;
    this.underway = undefined;
  }

  #policiesOf({ host, policies }: { host: string; policies?: readonly number[] }): number[] {
    return [...(policies ?? this.#host(host).policies.keys())];
  }

  #settings(host: string, numbers: readonly number[]): Operation {
    const { policies } = this.#host(host);
    const settings = numbers.map((policy) => ({ policy, ...policies[policy]! }));
    return { type: 'setCpufreq', host, settings };
  }

  /** Each policy is a step of its own, and each of its three files. */
  #change(operation: Operation, fails: boolean): void {
    const { hosts, vms } = this.state;
    const failHere = (): void => {
      if (fails) throw fail('ERR_REMOTE_FAILED', 'here', 'it failed half-way');
    };
    switch (operation.type) {
      case 'migrate':
        failHere();
        this.step(() => {
          vms[operation.vm]!.host = operation.to;
        });
        break;
      case 'startVm':
        this.step(() => {
          vms[operation.vm]!.isRunning = true;
        });
        failHere();
        break;
      case 'stopVm':
        this.step(() => {
          const vm = vms[operation.vm]!;
          vm.isRunning = false;
          vm.live = { ...vm.config };
        });
        failHere();
        break;
      case 'setQuota':
        this.step(() => {
          vms[operation.vm]!.live.coresPerVcpu = operation.coresPerVcpu;
        });
        failHere();
        break;
      case 'setShares':
        this.step(() => {
          vms[operation.vm]!.live.shares = operation.shares;
        });
        failHere();
        break;
      case 'setGovernor':
        for (const policy of this.#policiesOf(operation)) {
          this.step(() => {
            hosts[operation.host]!.policies[policy]!.governor = operation.governor;
          });
          failHere();
        }
        break;
      case 'setFrequency':
        for (const policy of this.#policiesOf(operation)) {
          const now = hosts[operation.host]!.policies[policy]!;
          this.step(() => {
            now.minKhz = operation.khz;
          });
          failHere();
          this.step(() => {
            now.maxKhz = operation.khz;
          });
        }
        break;
      case 'setCpufreq':
        for (const { policy, governor, minKhz, maxKhz } of operation.settings) {
          this.step(() => {
            hosts[operation.host]!.policies[policy]!.governor = governor;
          });
          failHere();
          this.step(() => {
            hosts[operation.host]!.policies[policy] = { governor, minKhz, maxKhz };
          });
        }
        break;
      case 'sleepHost':
        this.step(() => {
          const host = hosts[operation.host]!;
          host.isOn = false;
          // What is off forgets what was set.
          if (host.sleep === 'S5') host.policies = host.policies.map(() => ({ ...hardware }));
        });
        break;
      case 'wakeHost':
        this.step(() => {
          hosts[operation.host]!.isOn = true;
        });
        break;
      default:
        throw new Error(operation.type);
    }
  }
}

/** Three hosts, the last one asleep, and four VMs, one off; two settings made by hand. */
export function smallCluster(): FakeState {
  const policies = (): FakeHost['policies'] => [{ ...hardware }, { ...hardware }];
  const plain: Tuning = { coresPerVcpu: null, shares: 100 };
  const vm = (host: string, isRunning = true, live: Tuning = plain): FakeVm => ({
    host,
    isRunning,
    live: { ...live },
    config: { ...plain },
  });
  return {
    hosts: {
      a: {
        isOn: true,
        sleep: 'S5',
        policies: [{ ...hardware, governor: 'performance' }, { ...hardware }],
      },
      b: { isOn: true, sleep: 'S3', policies: policies() },
      c: { isOn: false, sleep: 'S5', policies: policies() },
      d: { isOn: false, sleep: 'S3', policies: policies() },
    },
    vms: {
      v: vm('a'),
      w: vm('a', true, { coresPerVcpu: 0.5, shares: 100 }),
      x: vm('b', true, { coresPerVcpu: null, shares: 300 }),
      y: vm('b', false),
    },
  };
}
