/** `wattwin serve` as a process. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Journal, systemClock } from '../../deploy/index.ts';
import { body } from '../deploy/service/small-cluster.ts';
import { directoryWith } from '../traces/temporary-directory.ts';
import { type Started, startWattwin, wattwin } from './command-line.ts';

/** Starts a service and waits for its address. */
async function serve(...args: readonly string[]): Promise<Started & { readonly address: string }> {
  const started = startWattwin('serve', '--port', '0', '--workers', '1', ...args);
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    started.child.stdout!.on('data', (chunk) => {
      said += String(chunk);
      const [, found] = /listening on (\S+)\n/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
    void started.done.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { ...started, address };
}

describe('wattwin serve', () => {
  it('makes a token, answers with it, and ends in good order when told to', async () => {
    const state = join(directoryWith(), 'state');
    const { address, child, done } = await serve('--state-dir', state, '--log-level', 'debug');
    const token = readFileSync(join(state, 'token'), 'utf8').trim();
    expect(statSync(join(state, 'token')).mode & 0o777).toBe(0o600);
    const ask = (authorization: string) =>
      fetch(`${address}/v1/plan`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: body({ policy: 'best-fit', horizon: 60 }),
      });
    expect((await ask('')).status).toBe(401);
    const answer = await ask(`Bearer ${token}`);
    expect(answer.status).toBe(200);
    const plan = (await answer.json()) as {
      readonly id: string;
      readonly steps: readonly object[];
    };
    expect(plan.steps.length).toBeGreaterThan(0);
    // Under way when it is told to stop: it is still answered.
    const late = ask(`Bearer ${token}`);
    await expect
      .poll(async () => {
        const metrics = await fetch(`${address}/metrics`, {
          headers: { authorization: `Bearer ${token}` },
        });
        return metrics.text();
      })
      .toMatch(/wattwin_answers_total\{kind="plan",status="200"\} [12]/);
    child.kill('SIGTERM');
    expect((await late).status).toBe(200);
    const { code, stdout, stderr } = await done;
    expect(code).toBe(0);
    expect(stdout).toBe(`listening on ${address}\na new token is in ${join(state, 'token')}\n`);
    expect(stderr).toContain('"route":"/v1/plan"');
    expect(stdout + stderr).not.toContain(token);
    // The plan and the token are there for the next one.
    const next = await serve('--state-dir', state);
    const kept = await fetch(`${next.address}/v1/plans/${plan.id}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await kept.json()).toEqual(plan);
    next.child.kill('SIGINT');
    expect((await next.done).code).toBe(0);
  });

  it('answers each question by itself, those of an oracle too, and only what it can answer', async () => {
    const { address, child, done } = await serve('--no-token', '--state-dir', directoryWith());
    const ask = (text: string) =>
      fetch(`${address}/v1/decide`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: text,
      });
    const statuses = await Promise.all([
      ask('{'),
      ask('{}'),
      ask(body({ policy: 'learned' })),
      ask(body({ policy: 'oracle', horizon: 2 })),
      ask(body()),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([400, 422, 422, 200, 200]);
    child.kill('SIGTERM');
    expect((await done).code).toBe(0);
  });

  it('beside a controller shows its journal and keeps its limits', async () => {
    const directory = directoryWith();
    const file = join(directory, 'cluster.yaml');
    const hosts = ['h1', 'h2', 'h3', 'h4'].map((name) => `  - name: ${name}`);
    writeFileSync(file, ['name: lab', 'hosts:', ...hosts, 'guard: { migrations: 1 }'].join('\n'));
    const journal = Journal.open(join(directory, 'journal'), systemClock);
    journal.append({ kind: 'start', mode: 'shadow', policy: 'pabfd', pid: 1 });
    journal.close();
    const { address, child, done } = await serve(
      ...['--no-token', '--state-dir', join(directory, 'state'), '--cluster', file],
    );
    const state = await (await fetch(`${address}/v1/state`)).json();
    expect(state).toMatchObject({ mode: 'shadow', policy: 'pabfd', seq: 1, lease: null });
    const answer = await fetch(`${address}/v1/reschedule`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body({ migrations: 6, goal: 'pack', limits: { migrations: 9 } }),
    });
    // Two moves would be needed to empty a host.
    expect(await answer.json()).toMatchObject({ moves: [], hostsUsed: { before: 3, after: 3 } });
    child.kill('SIGTERM');
    expect((await done).stdout).toContain(`dashboard at ${address}/dashboard/\n`);
  });

  it.each([
    [['--host', '0.0.0.0', '--no-token'], '--no-token: expected a loopback address'],
    [['--token-file', '/nowhere/token'], '/nowhere/token: expected a token file that can be read'],
    [['--no-token', '--token-file', 'x'], '--no-token: expected no --token-file with it'],
    [['--cluster', '/nowhere/cluster.yaml'], '/nowhere/cluster.yaml: expected a cluster file'],
    [['--host', '203.0.113.9'], '203.0.113.9:8484: expected an address that can be listened on'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await wattwin(
      'serve',
      '--state-dir',
      directoryWith(),
      ...args,
    );
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('refuses a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { readonly port: number };
    const { code, stderr } = await wattwin(
      ...['serve', '--state-dir', directoryWith(), '--port', String(port)],
    );
    expect(stderr).toContain('EADDRINUSE');
    expect(code).toBe(2);
    other.close();
  });

  it.each([
    ['--port', '70000'],
    ['--body-limit', '3 GB'],
    ['--rate', '0'],
    ['--log-level', 'loud'],
    ['--stop-timeout', 'soon'],
  ])('refuses %s %s', async (option, value) => {
    expect((await wattwin('serve', option, value)).code).toBe(2);
  });

  it('refuses a token that others can read', async () => {
    const path = join(directoryWith(), 'token');
    writeFileSync(path, 'correct-horse-battery-staple\n', { mode: 0o644 });
    const { code, stderr } = await wattwin('serve', '--token-file', path);
    expect(code).toBe(2);
    expect(stderr).toContain('only its owner can read');
    expect(stderr).not.toContain('staple');
  });
});
