/** One line per host on stderr: redrawn for people, written now and then for logs. */

/** Lines that stand for hosts. */
export interface LiveLines {
  /** `note` is what is to be said of the host now. */
  update(host: string, note: string): void;
  /** A line that stays, above the others. */
  say(text: string): void;
  stop(): void;
}

/** The part of a terminal that is needed. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Between two lines about the same host where nobody can redraw, ms. */
const logEveryMs = 10_000;
const redrawEveryMs = 100;

/** A live display; silent but for `say` when `quiet`. Texts must be printable. */
export function liveLines(
  hosts: readonly string[],
  quiet: boolean,
  screen: Screen = process.stderr,
  nowMs: () => number = () => performance.now(),
): LiveLines {
  const width = Math.max(...hosts.map((host) => host.length));
  const isLive = screen.isTTY === true && !quiet;
  const notes = new Map(hosts.map((host) => [host, 'waiting']));
  const saidMs = new Map<string, number>();
  let drawn = 0;
  let drawnMs = Number.NEGATIVE_INFINITY;
  const lineOf = (host: string): string => `${host.padEnd(width)}  ${notes.get(host)}`;
  const draw = (): void => {
    const columns = Math.max(20, screen.columns ?? 80) - 1;
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
    const lines = hosts.map((host) => `\x1b[2K${lineOf(host).slice(0, columns)}\n`);
    screen.write(`${up}${lines.join('')}`);
    drawn = hosts.length;
    drawnMs = nowMs();
  };
  return {
    update(host, note) {
      notes.set(host, note);
      if (quiet) return;
      if (isLive) {
        if (nowMs() - drawnMs >= redrawEveryMs) draw();
      } else if (nowMs() - (saidMs.get(host) ?? Number.NEGATIVE_INFINITY) >= logEveryMs) {
        saidMs.set(host, nowMs());
        screen.write(`${lineOf(host)}\n`);
      }
    },
    say(text) {
      if (isLive && drawn > 0) {
        // Clears the lines of the hosts, which are drawn again below the text.
        screen.write(`\x1b[${drawn}A\x1b[0J${text}\n`);
        drawn = 0;
        draw();
      } else {
        screen.write(`${text}\n`);
      }
    },
    stop() {
      if (isLive) draw();
    },
  };
}
