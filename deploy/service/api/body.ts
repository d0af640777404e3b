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
 * wrong items would otherwise cost many times its own memory in issues. Lists of numbers, which most
 * of a snapshot is, are checked without zod; it is asked only what is wrong with a wrong one.
 *
 * @returns Checks a value. @throws ServiceError `invalid` with the first issues.
 */
export function checker<Schema extends z.ZodObject>(
  schema: Schema,
): (value: unknown) => z.output<Schema> {
  const { shallow, deep = (value) => value } = compile(schema);
  return (value) => {
    const issues: Issue[] = [];
    const result = shallow.safeParse(value);
    const checked = result.success ? deep(result.data, ['body'], issues) : undefined;
    if (!result.success) issues.push(...issuesOfZod(result.error, value, ['body']));
    if (issues.length > 0) {
      throw new ServiceError('invalid', 'the body does not fit; see issues', issues);
    }
    return checked as z.output<Schema>;
  };
}

type Path = readonly PropertyKey[];

/** @returns The checked value, of no meaning where there are issues. */
type Deep = (value: unknown, path: Path, issues: Issue[]) => unknown;

/** A schema in two steps: all but what is in lists, then the lists. */
interface Compiled {
  readonly shallow: z.ZodType;
  readonly deep?: Deep | undefined;
}

function compile(schema: z.ZodType): Compiled {
  if (schema instanceof z.ZodArray)
    return { shallow: z.unknown().optional(), deep: deepOfList(schema) };
  if (schema instanceof z.ZodObject) return compileObject(schema);
  if (isWrapper(schema)) {
    const { shallow: innerType, deep } = compile(schema.unwrap() as z.ZodType);
    const shallow = (schema as z.ZodOptional).clone({
      ...schema.def,
      innerType,
    } as z.ZodOptional['def']);
    if (deep === undefined) return { shallow };
    return {
      shallow,
      deep: (value, path, issues) => (value === undefined ? value : deep(value, path, issues)),
    };
  }
  return { shallow: schema };
}

function compileObject(schema: z.ZodObject): Compiled {
  const parts = Object.entries(schema.shape).map(
    ([key, part]) => [key, compile(part as z.ZodType)] as const,
  );
  const shape = Object.fromEntries(parts.map(([key, { shallow }]) => [key, shallow]));
  const deeps = parts.flatMap(([key, { deep }]) =>
    deep === undefined ? [] : [[key, deep] as const],
  );
  const shallow = schema.clone({ ...schema.def, shape });
  if (deeps.length === 0) return { shallow };
  return {
    shallow,
    deep: (value, path, issues) => {
      // Fresh from zod, so nobody else's.
      const object = value as Record<string, unknown>;
      for (const [key, deep] of deeps) {
        const checked = deep(object[key], [...path, key], issues);
        if (checked !== undefined) object[key] = checked;
      }
      return object;
    },
  };
}

function deepOfList(schema: z.ZodArray): Deep {
  const outline = schema.clone({ ...schema.def, element: z.unknown() });
  const { minItems = 0, maxItems = Infinity } = z.toJSONSchema(outline);
  const element = schema.element as z.ZodType;
  const isRight = numberCheck(element);
  const { shallow, deep } = compile(element);
  return (value, path, issues) => {
    if (!Array.isArray(value) || value.length < minItems || value.length > maxItems) {
      const { error } = outline.safeParse(value);
      if (error !== undefined) issues.push(...issuesOfZod(error, value, path));
      return value;
    }
    if (isRight?.(value) === true) return value;
    const items: unknown[] = [];
    for (const [index, item] of value.entries()) {
      if (issues.length >= issuesMax) break;
      const result = shallow.safeParse(item);
      if (!result.success) issues.push(...issuesOfZod(result.error, item, [...path, index]));
      else
        items.push(deep === undefined ? result.data : deep(result.data, [...path, index], issues));
    }
    return items;
  };
}

/** Whether all items are numbers within plain bounds; `undefined` for schemas that ask for more. */
function numberCheck(schema: z.ZodType): ((items: readonly unknown[]) => boolean) | undefined {
  if (!(schema instanceof z.ZodNumber)) return undefined;
  const { $schema, type, minimum, exclusiveMinimum, description, ...rest } = z.toJSONSchema(schema);
  if (type !== 'number' || Object.keys(rest).length > 0) return undefined;
  const least = minimum ?? -Infinity;
  const above = typeof exclusiveMinimum === 'number' ? exclusiveMinimum : -Infinity;
  return (items) => {
    for (const item of items) {
      if (typeof item !== 'number') return false;
      if (!(item >= least && item > above && item < Infinity)) return false;
    }
    return true;
  };
}

const isWrapper = (schema: z.ZodType): schema is z.ZodOptional | z.ZodDefault | z.ZodPrefault =>
  schema instanceof z.ZodOptional ||
  schema instanceof z.ZodDefault ||
  schema instanceof z.ZodPrefault;

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
