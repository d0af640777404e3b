/** Text → Scenario, or every problem in it. */
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { InputError, type Issue, inputError } from '../errors.ts';
import { type Scenario, scenarioSchema } from './schema.ts';

/**
 * Reads a scenario in YAML (JSON is a subset).
 *
 * @param path Name of the file, for messages.
 * @throws InputError with every issue: `path:line` for syntax, `path: hosts[2].memory` for content.
 */
export function parseScenario(text: string, path: string): Scenario {
  const value = parseYaml(text, path);
  const result = scenarioSchema.safeParse(value);
  if (!result.success) throw new InputError(issuesOf(result.error, value, path));
  return result.data;
}

/**
 * YAML as plain values.
 *
 * @throws InputError naming the line of every syntax error.
 */
export function parseYaml(text: string, path: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    throw new InputError(
      document.errors.map((error) => ({
        path: `${path}:${error.linePos?.[0].line ?? 1}`,
        expected: 'valid YAML',
        got: error.message.split('\n')[0] ?? error.code,
      })),
    );
  }
  try {
    return document.toJS();
  } catch (error) {
    // Aliases that multiply without end.
    throw inputError(path, 'YAML that can be expanded', (error as Error).message);
  }
}

/**
 * Zod's issues as ours, with the offending value.
 *
 * @param at Where in the file `value` lies.
 */
export function issuesOf(
  error: z.ZodError,
  value: unknown,
  path: string,
  at: readonly PropertyKey[] = [],
): Issue[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: dotted(path, [...at, ...issue.path, key]),
        expected: 'no such key',
        got: describe(valueAt(value, [...issue.path, key])),
      }));
    }
    return [
      {
        path: dotted(path, [...at, ...issue.path]),
        expected: expectation(issue),
        got: describe(valueAt(value, issue.path)),
      },
    ];
  });
}

/** What would have been right, in words. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const bound =
      issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
    return issue.origin === 'array' ? `${bound} item(s)` : `a number of ${bound}`;
  }
  const said = issue.message.replace(
    /^Invalid (input|option|discriminator value)[:.] expected /i,
    '',
  );
  return said.replace(/, received .*$/, '');
}

function dotted(file: string, path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${String(part)}`;
  }
  return text === '' ? file : `${file}: ${text}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? String(value));
}
