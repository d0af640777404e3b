/**
 * Server-sent events (HTML standard, section 9.2) over `fetch`: unlike `EventSource` it can send a token
 * and tells why a stream was refused.
 */

import { overNetwork } from './api.ts';

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string | undefined;
}

/**
 * Cuts a stream of text into events.
 *
 * @returns Takes the next piece, wherever it was cut, and gives the events that are complete with it.
 */
export function eventParser(): (piece: string) => ServerEvent[] {
  let rest = '';
  let type = '';
  let data: string[] = [];
  let id: string | undefined;

  const takeLine = (line: string, into: ServerEvent[]): void => {
    if (line === '') {
      if (data.length > 0) into.push({ type: type || 'message', data: data.join('\n'), id });
      type = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment, which keeps the connection alive
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  };

  return (piece) => {
    const events: ServerEvent[] = [];
    rest += piece;
    // A CR at the very end may be the first half of CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) takeLine(line, events);
    return events;
  };
}

/**
 * Reads one stream until it ends.
 *
 * @param onEvents Is called for whatever arrives, with the events that are complete; often with none.
 * @throws UnreachableError where it is cut off.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onEvents: (events: readonly ServerEvent[]) => void,
): Promise<void> {
  const parse = eventParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await overNetwork(reader.read());
    if (done) return;
    onEvents(parse(value));
  }
}
