/** Progress on stderr: a bar for people, a line now and then for logs. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** `done` of `total`; `note` says what is going on. */
  update(done: number, note?: string, total?: number): void;
  stop(): void;
}

/** A progress display; silent when `quiet`. */
export function startProgress(label: string, total: number, quiet: boolean): Progress {
  if (quiet) return { update() {}, stop() {} };
  const bar = new SingleBar(
    {
      format: `${label.padEnd(10)} {bar} {percentage}% | {value}/{total} | {duration_formatted} | {note}`,
      stream: process.stderr,
      noTTYOutput: true,
      notTTYSchedule: 10_000,
      hideCursor: null,
      etaBuffer: 30,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, { note: '' });
  return {
    update: (done, note, newTotal) => {
      if (newTotal !== undefined && newTotal !== bar.getTotal()) bar.setTotal(newTotal);
      bar.update(done, note === undefined ? {} : { note });
    },
    stop: () => {
      bar.stop();
      if (!process.stderr.isTTY) process.stderr.write('\n');
    },
  };
}
