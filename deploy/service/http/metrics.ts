/** What the service tells Prometheus about itself and about the cluster. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { QuestionKind } from '../compute/compute.ts';

/** What is looked up when somebody asks. */
export interface MetricSources {
  readonly questions: () => { readonly waiting: number; readonly running: number };
  readonly streams: () => number;
  readonly cluster:
    | (() => {
        readonly predictedW: number | undefined;
        readonly observedW: number | undefined;
        readonly snapshotAgeS: number | undefined;
        readonly journalBytes: number;
      })
    | undefined;
}

export interface ServiceMetrics {
  readonly registry: Registry;
  /** @param route Pattern of the route, not the address: few different ones. */
  request(route: string, method: string, status: number, seconds: number): void;
  answer(kind: QuestionKind, status: number): void;
}

const latencyBucketsS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Metrics of one service; several do not disturb each other. */
export function serviceMetrics(sources: MetricSources): ServiceMetrics {
  const registry = new Registry();
  // Event loop lag, memory, garbage collection, handles.
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'wattwin_request_duration_seconds',
    help: 'Time from a request to the end of its answer',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: latencyBucketsS,
    registers,
  });
  const answers = new Counter({
    name: 'wattwin_answers_total',
    help: 'Computed answers',
    labelNames: ['kind', 'status'] as const,
    registers,
  });
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  const { questions, streams, cluster } = sources;
  gauge('wattwin_questions_waiting', 'Questions in the queue', () => questions().waiting);
  gauge('wattwin_questions_running', 'Questions being answered', () => questions().running);
  gauge('wattwin_event_streams', 'Open event streams', streams);
  if (cluster !== undefined) {
    gauge('wattwin_cluster_predicted_watts', 'Foretold power', () => cluster().predictedW);
    gauge('wattwin_cluster_observed_watts', 'Observed power', () => cluster().observedW);
    gauge(
      'wattwin_snapshot_age_seconds',
      'Age of the newest snapshot',
      () => cluster().snapshotAgeS,
    );
    gauge('wattwin_journal_bytes', 'Size of the journal', () => cluster().journalBytes);
  }
  return {
    registry,
    request: (route, method, status, seconds) =>
      requests.observe({ route, method, status }, seconds),
    answer: (kind, status) => answers.inc({ kind, status }),
  };
}
