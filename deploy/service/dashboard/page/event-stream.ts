/**
 * Server-sent events (HTML standard, section 9.2) over `fetch`: unlike `EventSource` it can send a token
 * and tells why a stream was refused.
 */

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

export interface StreamListener {
  /** The server has answered and keeps the connection open. */
  onOpen(): void;
  onEvent(event: ServerEvent): void;
  /** Anything arrived, be it a comment. */
  onSign(): void;
}

/**
 * Reads one stream until it ends, the signal aborts or nothing was refused.
 *
 * @returns The HTTP status with which it was refused, or `undefined` when it was open and has ended.
 */
export async function readEvents(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  listener: StreamListener,
): Promise<number | undefined> {
  const response = await fetch(url, {
    headers: { ...headers, accept: 'text/event-stream' },
    cache: 'no-store',
    signal,
  });
  if (!response.ok || response.body === null) return response.status;
  listener.onOpen();
  const parse = eventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    listener.onSign();
    for (const event of parse(value)) listener.onEvent(event);
  }
}
