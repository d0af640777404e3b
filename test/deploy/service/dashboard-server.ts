/** Stands in for the service under the dashboard: the page as it is shipped, and answers that a test sets. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dashboardAssets, dashboardHeaders } from '../../../deploy/service/dashboard/assets.ts';
import type { Answers } from './dashboard-states.ts';

export interface Post {
  readonly path: string;
  readonly authorization: string | undefined;
}

export class DashboardServer {
  answers: Answers;
  /** Wanted for every change; for reading too where `isReadingOpen` is false. */
  token = 'secret';
  isReadingOpen = true;
  /** Answers nothing but 503 while this is set. */
  isDown = false;
  /** Refuses every word with this while it is set. */
  refusal: string | undefined;
  readonly posts: Post[] = [];
  readonly #streams = new Set<ServerResponse>();
  readonly #server: Server;
  readonly #assets = dashboardAssets();

  constructor(answers: Answers) {
    this.answers = answers;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/dashboard/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Sets what is answered from now on and tells all pages of it. */
  change(answers: Answers): void {
    this.answers = answers;
    for (const stream of this.#streams) stream.write(this.#event);
  }

  /** As the service sends it (`deploy/service/http/event-streams.ts`). */
  get #event(): string {
    const { state } = this.answers;
    return `event: state\nid: ${state.seq}\ndata: ${JSON.stringify(state)}\n\n`;
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.end();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url!, 'http://x').pathname;
    if (path.startsWith('/dashboard/')) this.#sendAsset(path.slice('/dashboard/'.length), response);
    else if (this.isDown) sendError(response, 503, 'not now');
    else this.#sendData(path, request, response);
  }

  #sendAsset(address: string, response: ServerResponse): void {
    const asset = this.#assets.get(address);
    if (asset === undefined) sendError(response, 404, 'no such file');
    else
      response.writeHead(200, { ...dashboardHeaders, 'content-type': asset.type }).end(asset.body);
  }

  #sendData(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { authorization } = request.headers;
    const isKnown = authorization === `Bearer ${this.token}`;
    if (!isKnown && (request.method === 'POST' || !this.isReadingOpen)) {
      if (request.method === 'POST') this.posts.push({ path, authorization });
      sendError(response, 401, 'a valid token is needed');
    } else if (request.method === 'POST') {
      this.posts.push({ path, authorization });
      if (this.refusal === undefined) sendJson(response, 200, {});
      else sendError(response, 409, this.refusal);
    } else if (path === '/v1/decisions') {
      sendJson(response, 200, { decisions: this.answers.decisions });
    } else if (path === '/v1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(this.#event);
      this.#streams.add(response);
      response.on('close', () => this.#streams.delete(response));
    } else sendError(response, 404, 'nothing here');
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const sendError = (response: ServerResponse, status: number, message: string): void =>
  sendJson(response, status, { error: { code: 'x', message } });
