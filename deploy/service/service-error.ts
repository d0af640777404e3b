/** What is answered where a request is not: one form for every failure, and nothing of the inside. */
import { InputError, type Issue } from '../../sim/index.ts';

export type ServiceErrorCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'timeout'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media_type'
  | 'invalid'
  | 'too_many_requests'
  | 'headers_too_large'
  | 'internal'
  | 'unavailable';

const statuses: Readonly<Record<ServiceErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  timeout: 408,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  too_many_requests: 429,
  headers_too_large: 431,
  internal: 500,
  unavailable: 503,
};

/** The body of every answer that is not a success. */
export interface ErrorBody {
  readonly error: {
    readonly code: ServiceErrorCode;
    readonly message: string;
    readonly issues?: readonly Issue[];
  };
}

/** Most issues that are named, and the longest text of one. */
const shown = { issues: 20, text: 200 } as const;

/** A request that is not carried out. Its message goes to the client. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceErrorCode;
  readonly issues: readonly Issue[];

  constructor(code: ServiceErrorCode, message: string, issues: readonly Issue[] = []) {
    super(message);
    this.code = code;
    this.issues = issues;
  }

  get statusCode(): number {
    return statuses[this.code];
  }

  get body(): ErrorBody {
    const { code, message } = this;
    if (this.issues.length === 0) return { error: { code, message } };
    return { error: { code, message, issues: this.issues.slice(0, shown.issues).map(short) } };
  }
}

/** Any failure as one that may be told: what is not meant for clients becomes `internal`. */
export function serviceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof InputError) {
    return new ServiceError('invalid', 'the request cannot be used', error.issues);
  }
  const status = statusOf(error);
  const code = (Object.keys(statuses) as ServiceErrorCode[]).find(
    (key) => statuses[key] === status,
  );
  if (code === undefined || status >= 500) {
    return new ServiceError('internal', 'something went wrong here; the log says what');
  }
  return new ServiceError(code, plainly[code] ?? 'the request cannot be carried out');
}

/** Sentences of ours for what the HTTP server itself refuses. */
const plainly: Partial<Readonly<Record<ServiceErrorCode, string>>> = {
  bad_request: 'the request is malformed',
  not_found: 'there is nothing at this address',
  timeout: 'the request took too long to arrive',
  too_large: 'the body is larger than this service takes',
  unsupported_media_type: 'bodies are to be application/json',
  too_many_requests: 'too many requests; try again later',
};

function statusOf(error: unknown): number {
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : 500;
}

function short({ path, expected, got }: Issue): Issue {
  return { path: cut(path), expected: cut(expected), got: cut(got) };
}

const cut = (text: string): string =>
  text.length > shown.text ? `${text.slice(0, shown.text - 1)}…` : text;
