/**
 * From the bytes of a body to a checked value, with bounded work and memory whatever the bytes are:
 * the JSON's shape is looked at before any schema is, and checking ends soon after the first mistakes.
 */
import { z } from 'zod';
import type { Issue } from '../../../sim/index.ts';
import { ServiceError } from '../service-error.ts';

/** Most of what a body may hold. */
export const bodyLimits = { depth: 16, items: 200_000, keys: 200, text: 65_536 } as const;

/** Issues after which a list is not looked at any further. */
const issuesMax = 20;

/** Keys that some code somewhere may take for an object's prototype. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * @throws ServiceError `bad_request` for what is no JSON or has a dangerous key, `invalid` for what is
 *   too deep or too long.
 */
export function parseJson(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // What V8 says quotes the body.
    throw new ServiceError('bad_request', 'the body is no JSON in UTF-8');
  }
  checkShape(value);
  return value;
}

/** Goes through all that is nested, without recursion: depth is the attacker's to choose. */
function checkShape(root: unknown): void {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > bodyLimits.depth) throw tooMuch(`at most ${bodyLimits.depth} levels`, 'more');
    const next: unknown[] = [];
    for (const value of level) {
      if (Array.isArray(value)) checkArray(value, next);
      else if (typeof value === 'object' && value !== null) checkObject(value, next);
      else if (typeof value === 'string') checkText(value);
    }
    level = next;
  }
}

function checkArray(array: readonly unknown[], nested: unknown[]): void {
  if (array.length > bodyLimits.items) {
    throw tooMuch(`lists of at most ${bodyLimits.items} items`, `${array.length}`);
  }
  for (const item of array)
    if (typeof item === 'object' || typeof item === 'string') nested.push(item);
}

function checkObject(object: object, nested: unknown[]): void {
  const keys = Object.keys(object);
  if (keys.length > bodyLimits.keys) {
    throw tooMuch(`objects of at most ${bodyLimits.keys} keys`, `${keys.length}`);
  }
  for (const key of keys) {
    if (forbiddenKeys.has(key)) throw new ServiceError('bad_request', `no key may be named ${key}`);
    const value: unknown = (object as Record<string, unknown>)[key];
    if (typeof value === 'object' || typeof value === 'string') nested.push(value);
  }
}

function checkText(text: string): void {
  if (text.length > bodyLimits.text) {
    throw tooMuch(`texts of at most ${bodyLimits.text} characters`, `${text.length}`);
  }
}

const tooMuch = (expected: string, got: string): ServiceError =>
  new ServiceError('invalid', 'the body is too large in one place', [
    { path: 'body', expected, got },
  ]);

/**
 * Makes a checker. Lists are checked item by item and given up after some mistakes: a long list of
 * wrong items would otherwise cost many times its own memory in issues.
 *
 * @returns Checks a value. @throws ServiceError `invalid` with the first issues.
 */
export function checker<Schema extends z.ZodObject>(
  schema: Schema,
): (value: unknown) => z.output<Schema> {
  const outline = outlineOf(schema);
  return (value) => {
    const issues: Issue[] = [];
    const result = outline.safeParse(value);
    const checked = result.success ? checkItems(schema, result.data, ['body'], issues) : undefined;
    if (!result.success) issues.push(...issuesOfZod(result.error, value, ['body']));
    if (issues.length > 0) {
      throw new ServiceError('invalid', 'the body does not fit; see issues', issues);
    }
    return checked as z.output<Schema>;
  };
}

/** The same schema with lists of anything: their lengths are checked, their items are not. */
function outlineOf(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodArray) return schema.clone({ ...schema.def, element: z.unknown() });
  if (schema instanceof z.ZodObject) {
    const shape = Object.entries(schema.shape).map(([key, part]) => [
      key,
      outlineOf(part as z.ZodType),
    ]);
    return schema.clone({ ...schema.def, shape: Object.fromEntries(shape) });
  }
  if (isWrapper(schema)) {
    const innerType = outlineOf(schema.unwrap() as z.ZodType);
    return (schema as z.ZodOptional).clone({ ...schema.def, innerType } as z.ZodOptional['def']);
  }
  return schema;
}

/** The items of all lists that `outlineOf` left open; `value` fits the outline. */
function checkItems(
  outer: z.ZodType,
  value: unknown,
  path: readonly PropertyKey[],
  issues: Issue[],
): unknown {
  let schema = outer;
  while (isWrapper(schema)) schema = schema.unwrap() as z.ZodType;
  if (schema instanceof z.ZodObject && isRecord(value)) {
    const parts = Object.entries(schema.shape).flatMap(([key, part]) =>
      value[key] === undefined
        ? []
        : [[key, checkItems(part as z.ZodType, value[key], [...path, key], issues)]],
    );
    return Object.fromEntries(parts);
  }
  if (!(schema instanceof z.ZodArray) || !Array.isArray(value)) return value;
  const element = schema.element as z.ZodType;
  const items: unknown[] = [];
  for (const [index, item] of value.entries()) {
    if (issues.length >= issuesMax) break;
    const result = element.safeParse(item);
    if (result.success) items.push(result.data);
    else issues.push(...issuesOfZod(result.error, item, [...path, index]));
  }
  return items;
}

const isWrapper = (schema: z.ZodType): schema is z.ZodOptional | z.ZodDefault | z.ZodPrefault =>
  schema instanceof z.ZodOptional ||
  schema instanceof z.ZodDefault ||
  schema instanceof z.ZodPrefault;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function issuesOfZod(error: z.ZodError, value: unknown, at: readonly PropertyKey[]): Issue[] {
  return error.issues.slice(0, issuesMax).flatMap((issue): Issue[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, issuesMax).map((key) => ({
        path: dotted([...at, ...issue.path, key]),
        expected: 'no such key',
        got: describe(valueAt(value, [...issue.path, key])),
      }));
    }
    return [
      {
        path: dotted([...at, ...issue.path]),
        expected: issue.message
          .replace(/^Invalid (?:input|option): expected /, '')
          .replace(/, received .*$/, ''),
        got: describe(valueAt(value, issue.path)),
      },
    ];
  });
}

function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`,
    )
    .join('');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

/** Never the whole of what is nested: it may be large. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? `"${value.slice(0, 200)}"` : String(value);
}
