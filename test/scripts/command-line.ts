/** The `wattwin` command inside the test's own process, and as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import process from 'node:process';
import { vi } from 'vitest';
import { createProgram } from '../../scripts/program.ts';

export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `wattwin` with these arguments in this process. One at a time. */
export async function wattwin(...args: readonly string[]): Promise<CommandOutcome> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    const program = createProgram((code) => {
      throw new Exit(code);
    });
    await program.parseAsync([...args], { from: 'user' });
    return { code: Number(process.exitCode ?? 0), ...written };
  } catch (error) {
    if (error instanceof Exit) return { code: error.code, ...written };
    throw error;
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** A process under way; `done` says how it ended. */
export interface Started {
  readonly child: ChildProcess;
  readonly done: Promise<CommandOutcome>;
}

/** A `wattwin` process. */
export function startWattwin(...args: readonly string[]): Started {
  return startScript('wattwin.ts', ...args);
}

/** A script of ours as a process of its own. */
export function startScript(name: string, ...args: readonly string[]): Started {
  const script = resolve(import.meta.dirname, '../../scripts', name);
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args]);
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    written.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    written.stderr += String(chunk);
  });
  const done = new Promise<CommandOutcome>((settle, reject) => {
    child.on('error', reject);
    child.on('close', (code) => settle({ code, ...written }));
  });
  return { child, done };
}
