/** `hosts: FILE` in a scenario, as `wattwin calibrate --out` writes such files: put in place of it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { inputError } from '../sim/index.ts';

/**
 * The scenario with every host file replaced by the hosts in it; the same text where it names none.
 *
 * @param directory Where relative paths start.
 * @throws InputError naming the file that cannot be read, is no YAML, or holds no `hosts` list.
 */
export function withHostFiles(text: string, directory: string): string {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return text;
  const hosts: unknown = document.get('hosts', true);
  const isFile = (node: unknown): boolean => isScalar(node) && typeof node.value === 'string';
  const entries = isSeq(hosts) ? hosts.items : [hosts];
  if (!entries.some(isFile)) return text;
  const inlined = entries.flatMap((entry) =>
    isScalar(entry) && typeof entry.value === 'string'
      ? hostsOf(resolve(directory, entry.value))
      : [entry],
  );
  document.set('hosts', document.createNode(inlined));
  return document.toString();
}

function hostsOf(file: string): readonly unknown[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw inputError(file, 'a readable file of hosts', code);
  }
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = problem.linePos?.[0].line ?? 1;
    throw inputError(
      `${file}:${line}`,
      'valid YAML',
      problem.message.split('\n')[0] ?? problem.code,
    );
  }
  const value = document.toJS() as { hosts?: unknown } | null;
  if (!Array.isArray(value?.hosts)) {
    throw inputError(`${file}: hosts`, 'a list of hosts', typeof value?.hosts);
  }
  return value.hosts;
}
