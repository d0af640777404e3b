/** What the page asks of the service. Addresses are relative, so that a proxy may put a path before them. */
import type { ErrorBody } from '../../service-error.ts';
import type { DecisionView } from './state.ts';

const tokenKey = 'wattwin-token';

/** Kept until the tab is closed. */
export const token = {
  get: (): string | null => sessionStorage.getItem(tokenKey),
  set: (value: string): void => sessionStorage.setItem(tokenKey, value),
  forget: (): void => sessionStorage.removeItem(tokenKey),
};

/** An answer other than 2xx. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Nobody answers, or the answer was cut off. */
export class UnreachableError extends Error {}

/** Whether the service wants to know who asks, or does not know that token. */
export const asksForToken = (error: unknown): boolean =>
  error instanceof ApiError && error.status === 401;

const base = '../v1/';

/**
 * Asks, and gives an answer that is a success; its body has yet to be read, over `overNetwork`.
 *
 * @throws ApiError, UnreachableError, or what the signal was aborted with.
 */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const known = token.get();
  const headers = known === null ? {} : { authorization: `Bearer ${known}` };
  const response = await overNetwork(fetch(base + path, { ...init, headers, cache: 'no-store' }));
  if (response.ok) return response;
  throw new ApiError(response.status, messageOf(await overNetwork(response.text()), response));
}

/** `fetch` and what reads from it throw TypeError for a lost connection, as if it were a fault of ours. */
export async function overNetwork<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof TypeError) throw new UnreachableError('the service cannot be reached');
    throw error;
  }
}

/** What an error's body says (`../../service-error.ts`), or what a proxy in between answers. */
function messageOf(text: string, { status, statusText }: Response): string {
  const short = `HTTP ${status} ${statusText}`.trim();
  try {
    const said = (JSON.parse(text) as Partial<ErrorBody>).error?.message;
    return typeof said === 'string' ? said : short;
  } catch {
    return short;
  }
}

/** Newest first. */
export async function askForDecisions(): Promise<readonly DecisionView[]> {
  const response = await ask('decisions');
  const { decisions } = JSON.parse(await overNetwork(response.text())) as {
    decisions: readonly DecisionView[];
  };
  return decisions;
}

/** A person's word on a decision. */
export async function say(decision: string, word: 'approve' | 'reject'): Promise<void> {
  await ask(`decisions/${encodeURIComponent(decision)}/${word}`, { method: 'POST' });
}
