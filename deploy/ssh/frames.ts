/**
 * One remote script out of named sections, and its output cut into them again.
 *
 * Each section's output stands between two marker lines. A marker carries a random word that was made
 * for this one script, so neither a login banner nor anything a section prints can pass for one. The
 * opening marker also carries the host's uptime, read by the shell itself just before the section.
 */

/** A part of a remote script. */
export interface ScriptSection {
  readonly name: string;
  /** POSIX shell commands; what they print is the section. */
  readonly commands: string;
}

/** What a section printed. */
export interface SectionOutput {
  /** Without its last line end. */
  readonly text: string;
  /** Exit status of its last command. */
  readonly status: number;
  /** Uptime of the host when the section began, s; absent where /proc/uptime cannot be read. */
  readonly uptimeS?: number;
}

export interface ScriptOutput {
  readonly sections: ReadonlyMap<string, SectionOutput>;
  /** Whether the last marker arrived. */
  readonly isComplete: boolean;
  /** Uptime of the host at the end, s. */
  readonly endUptimeS?: number;
}

/** The script for `sh -s`. `nonce` must be new each time and hold only letters and digits. */
export function scriptOf(sections: readonly ScriptSection[], nonce: string): string {
  const marker = `@@wattwin:${nonce}`;
  return [
    'LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH',
    'stamp() { T=; { read -r T _ </proc/uptime; } 2>/dev/null; }',
    ...sections.flatMap(({ name, commands }) => [
      `stamp; echo "${marker} begin ${name} $T"`,
      // A subshell: what a section sets or breaks does not reach the next one. Its standard input
      // is not the script.
      `( ${commands}\n) </dev/null 2>/dev/null; S=$?`,
      `echo; echo "${marker} end ${name} $S"`,
    ]),
    `stamp; echo "${marker} done $T"`,
    'exit 0',
    '',
  ].join('\n');
}

/** Cuts the output at the markers; what stands outside of sections is left out. */
export function readFrames(output: Uint8Array, nonce: string): ScriptOutput {
  const marker = `@@wattwin:${nonce} `;
  const sections = new Map<string, SectionOutput>();
  let open: { name: string; lines: string[]; uptime: { uptimeS?: number } } | undefined;
  let end: { endUptimeS?: number } | undefined;
  for (const line of decodeText(output).split('\n')) {
    if (!line.startsWith(marker)) {
      open?.lines.push(line);
      continue;
    }
    const [kind, name, value] = line.slice(marker.length).split(' ');
    if (kind === 'begin') {
      const uptimeS = uptimeOf(value);
      open = { name: name!, lines: [], uptime: uptimeS === undefined ? {} : { uptimeS } };
    } else if (kind === 'end' && open !== undefined && open.name === name) {
      // What ends in a line end has an empty line before the marker now.
      if (open.lines.at(-1) === '') open.lines.pop();
      sections.set(name, { text: open.lines.join('\n'), status: Number(value), ...open.uptime });
      open = undefined;
    } else if (kind === 'done') {
      const endUptimeS = uptimeOf(name);
      end = endUptimeS === undefined ? {} : { endUptimeS };
    }
  }
  return { sections, isComplete: end !== undefined, ...end };
}

function uptimeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/**
 * Bytes as text: UTF-8, and in a line that is none, each byte that is not ASCII as `\xNN`. Names that
 * differ stay different, which a replacement character would not keep; other lines are as ever.
 */
export function decodeText(bytes: Uint8Array): string {
  const whole = decodeUtf8(bytes);
  if (whole !== undefined) return whole;
  return Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .map((line) => decodeUtf8(Buffer.from(line, 'latin1')) ?? escapeBytes(line))
    .join('\n');
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

const escapeBytes = (latin1: string): string =>
  latin1.replace(
    /[\x80-\xff]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
