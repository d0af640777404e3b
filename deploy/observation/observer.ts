/** Looks at all hosts of a cluster, interval by interval, and says what is known of it. */
import { z } from 'zod';
import { InputError, issuesOf } from '../../sim/index.ts';
import type { Operation } from '../actions/operation.ts';
import type { Clock } from '../clock.ts';
import type { ClusterFile } from '../cluster/cluster-file.ts';
import type { PlanItem } from '../decision.ts';
import { OperationError } from '../operation-error.ts';
import type { HostCapabilities } from '../probe/capabilities.ts';
import { probeHost } from '../probe/probe.ts';
import type { Transport } from '../ssh/transport.ts';
import { HostWatch } from '../telemetry/watch.ts';
import { Calibrator } from '../twin/calibrator.ts';
import { DemandHistory } from './demand-history.ts';
import { governorOf } from './host-frequencies.ts';
import type { ControllerEvent, Sight } from './sight.ts';
import { type HostSight, learn, snapshotOf } from './snapshot-of.ts';

export interface ObserverOptions {
  readonly cluster: ClusterFile;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Hosts that a controller has switched off and nobody woken. */
  readonly sleeping: ReadonlyMap<string, 'off' | 'asleep'>;
  /** What an earlier observer learned, and what to call it in messages. */
  readonly learned?: { readonly value: unknown; readonly path: string } | undefined;
}

const learnedSchema = z.strictObject({
  version: z.literal(1),
  history: z.unknown(),
  calibration: z.unknown(),
});

/** A host that was switched off is asked again every so many intervals: somebody may have woken it. */
const askSleepersEvery = 6;
/** Governors and limits are asked for again every so many intervals: people change them. */
const probeEvery = 20;
/** And given so long to answer, ms. */
const sleeperTimeoutMs = 5000;
/** Part of an interval that one reading may take. */
const readingPart = 0.8;

/** One host, and what is remembered of it between looks. */
interface Watched {
  readonly watch: HostWatch;
  sight: HostSight;
  /** Code of the last failure, while it fails. */
  failing: string | undefined;
  /** Whether the next look has nothing to compare with. */
  isNew: boolean;
  /** The look at which it is probed again. */
  probeAtLook: number;
}

/**
 * All hosts of a cluster between two looks: what they were, what was learned of them, what a controller
 * has done to them.
 */
export class ClusterObserver {
  readonly #options: ObserverOptions;
  readonly #hosts: ReadonlyMap<string, Watched>;
  readonly #history: DemandHistory;
  readonly #calibrator: Calibrator;
  #looks = 0;

  /** @throws InputError when what was learned cannot be read. */
  constructor(options: ObserverOptions) {
    const { cluster, transport, sleeping, learned } = options;
    this.#options = options;
    const reading = { virshUri: cluster.libvirt.uri, sudo: cluster.ssh.sudo };
    this.#hosts = new Map(
      cluster.hosts.map(({ name }) => {
        const state = sleeping.get(name);
        return [
          name,
          {
            watch: new HostWatch(name, transport, reading),
            sight: state === undefined ? {} : { state },
            failing: undefined,
            isNew: true,
            probeAtLook: 0,
          },
        ];
      }),
    );
    const known = learned === undefined ? undefined : readLearned(learned.value, learned.path);
    const kept = Math.max(cluster.history, 36);
    this.#history =
      known === undefined
        ? new DemandHistory(kept)
        : DemandHistory.restore(known.history, `${learned!.path}: history`, kept);
    this.#calibrator =
      known === undefined
        ? new Calibrator()
        : Calibrator.restore(known.calibration, `${learned!.path}: calibration`);
  }

  /** Everything learned so far; plain JSON. */
  get learned(): unknown {
    return { version: 1, history: this.#history.state, calibration: this.#calibrator.state };
  }

  /** Reads all hosts at once. A host that fails keeps up no other. */
  async observe(signal: AbortSignal): Promise<Sight> {
    const { cluster, clock } = this.#options;
    const events: ControllerEvent[] = [];
    this.#looks++;
    const fresh = await Promise.all(
      [...this.#hosts].map(([name, host]) => this.#look(name, host, events, signal)),
    );
    // The first readings are what the next ones are compared with.
    if (fresh.includes('first')) return { events };
    const sources = {
      cluster,
      hosts: new Map([...this.#hosts].map(([name, { sight }]) => [name, sight])),
      history: this.#history,
      calibrator: this.#calibrator,
      nowMs: clock.wallMs(),
    };
    learn(sources);
    const { snapshot } = snapshotOf(sources);
    if (snapshot === undefined) return { events };
    const watts = snapshot.hosts.map(({ state, measuredW, offW }) =>
      state === 'off' || state === 'asleep' ? offW : measuredW,
    );
    const isKnown = snapshot.hosts.length === cluster.hosts.length && !watts.includes(undefined);
    const observedW = watts.reduce<number>((sum, value) => sum + (value ?? 0), 0);
    return { snapshot, events, ...(isKnown ? { observedW } : {}) };
  }

  /** Takes in what the controller has done and telemetry cannot tell. */
  note({ operation, effect, state }: PlanItem): void {
    if (operation.type === 'migrate') {
      const vm = this.#history.vms.find(({ name }) => name === operation.vm);
      if (vm !== undefined && effect !== undefined) {
        this.#calibrator.migrations.add(operation.vm, vm.memoryBytes, effect);
      }
    }
    if (state === 'done') this.#noteDone(operation);
    // Also of one that failed half-way nobody knows what it left.
    const host = 'host' in operation ? this.#hosts.get(operation.host) : undefined;
    if (host !== undefined && changesFrequency.has(operation.type)) host.probeAtLook = 0;
  }

  #noteDone(operation: Operation): void {
    const host = 'host' in operation ? this.#hosts.get(operation.host) : undefined;
    if (host === undefined) return;
    switch (operation.type) {
      case 'sleepHost':
        host.sight = { ...host.sight, state: operation.to === 'S3' ? 'asleep' : 'off' };
        break;
      case 'wakeHost': {
        const { state: _, requestedMhz: __, ...rest } = host.sight;
        host.sight = rest;
        break;
      }
      case 'setFrequency':
        host.sight = { ...host.sight, requestedMhz: operation.khz / 1000 };
        break;
      case 'setGovernor':
      case 'setCpufreq':
        host.sight = { ...host.sight, requestedMhz: null };
        break;
      default:
    }
  }

  /** @returns `first` when there is nothing yet to compare the reading with. */
  async #look(
    name: string,
    host: Watched,
    events: ControllerEvent[],
    signal: AbortSignal,
  ): Promise<'first' | 'seen' | 'failed' | 'left'> {
    const { cluster } = this.#options;
    const isAsleep = host.sight.state === 'off' || host.sight.state === 'asleep';
    if (isAsleep && this.#looks % askSleepersEvery !== 0) return 'left';
    const timeoutMs = isAsleep
      ? sleeperTimeoutMs
      : Math.min(cluster.ssh.timeout, Math.max(sleeperTimeoutMs, readingPart * cluster.interval));
    try {
      if (host.sight.capabilities === undefined) await this.#probe(name, host, timeoutMs, signal);
      const seen = await host.watch.read({ timeoutMs, signal });
      if (isAsleep) {
        events.push({ host: name, code: 'awake', message: `${name}: somebody has woken it` });
      } else if (host.failing !== undefined) {
        events.push({ host: name, code: 'answers', message: `${name}: it answers again` });
      }
      host.failing = undefined;
      const { state: _, ...awake } = host.sight;
      host.sight = seen.kind === 'sample' ? { ...awake, sample: seen.sample } : awake;
      if (seen.kind === 'baseline' && seen.why === 'reboot') {
        events.push({ host: name, code: 'reboot', message: `${name}: it was started anew` });
        // Whatever it had been told, it has forgotten.
        const { requestedMhz: __, ...forgotten } = host.sight;
        host.sight = forgotten;
        host.probeAtLook = 0;
      }
      if (this.#looks >= host.probeAtLook) await this.#probeAgain(name, host, timeoutMs, signal);
      const isFirst = host.isNew && seen.kind === 'baseline' && seen.why === 'first';
      host.isNew = false;
      return isFirst && !isAsleep ? 'first' : 'seen';
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      // Silence is what is expected of a host that is off.
      if (isAsleep) return 'left';
      if (host.failing !== error.code && error.code !== 'ERR_INTERRUPTED') {
        events.push({ host: name, code: error.code, message: error.message });
      }
      host.failing = error.code;
      return 'failed';
    }
  }

  async #probe(name: string, host: Watched, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { cluster, transport } = this.#options;
    const { uri: virshUri } = cluster.libvirt;
    const options = { virshUri, sudo: cluster.ssh.sudo, timeoutMs, signal };
    const capabilities = await probeHost(name, transport, options);
    host.sight = { ...withoutRequest(host.sight, capabilities), capabilities };
    host.probeAtLook = this.#looks + probeEvery;
  }

  /** What the host said the last time holds if it does not answer: the reading before was answered. */
  async #probeAgain(
    name: string,
    host: Watched,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#probe(name, host, timeoutMs, signal);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
    }
  }
}

/** Operations after which a host's governor or limits are others than before. */
const changesFrequency: ReadonlySet<Operation['type']> = new Set<Operation['type']>([
  'wakeHost',
  'setFrequency',
  'setGovernor',
  'setCpufreq',
]);

/** A probe shows all that a host was told but the speed that `userspace` was given. */
function withoutRequest(sight: HostSight, capabilities: HostCapabilities): HostSight {
  const { requestedMhz, ...rest } = sight;
  const isKept = typeof requestedMhz === 'number' && governorOf(capabilities) === 'userspace';
  return isKept ? { ...rest, requestedMhz } : rest;
}

function readLearned(value: unknown, path: string): z.output<typeof learnedSchema> {
  const result = learnedSchema.safeParse(value);
  if (!result.success) throw new InputError(issuesOf(result.error, value, path));
  return result.data;
}
