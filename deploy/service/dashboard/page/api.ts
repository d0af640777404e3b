/** What the page asks of the service. Addresses are relative, so that a proxy may put a path before them. */
import type { ErrorBody } from '../../service-error.ts';

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

/** Whether the service wants to know who asks. */
export const asksForToken = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 401 || error.status === 403);

export function authorization(): Readonly<Record<string, string>> {
  const known = token.get();
  return known === null ? {} : { authorization: `Bearer ${known}` };
}

const base = '../v1/';
export const eventsUrl = `${base}events`;

/** @throws ApiError, or TypeError where nobody answers. */
async function ask(path: string, method: 'GET' | 'POST'): Promise<unknown> {
  const response = await fetch(base + path, {
    method,
    headers: { ...authorization(), accept: 'application/json' },
    cache: 'no-store',
  });
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, messageOf(text, response));
  return JSON.parse(text);
}

/** What an error's body says (`../../service-error.ts`), or what a proxy in between answers. */
function messageOf(text: string, { status, statusText }: Response): string {
  try {
    const said = (JSON.parse(text) as Partial<ErrorBody>).error?.message;
    if (typeof said === 'string') return said;
  } catch {
    return `HTTP ${status} ${statusText}`.trim();
  }
  return `HTTP ${status} ${statusText}`.trim();
}

export const getJson = (path: string): Promise<unknown> => ask(path, 'GET');

/** A person's word on a plan. */
export const sayOf = (decision: string, word: 'approve' | 'reject'): Promise<unknown> =>
  ask(`plans/${encodeURIComponent(decision)}/${word}`, 'POST');
