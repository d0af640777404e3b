/** One at a time, also after a kill, also of many that start at once. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalHolder, type LeaseHolder, takeControl, takeLease } from '../../../deploy/index.ts';
import { thisProcess } from '../../../deploy/journal/process-identity.ts';
import { stoppedClock } from './stopped-clock.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wattwin-lease-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const clock = stoppedClock(Date.UTC(2026, 0, 2, 3, 4, 5));
const path = (): string => join(directory, 'lease');
const leave = (holder: Partial<LeaseHolder>, number = 1): void =>
  writeFileSync(`${path()}.${number}`, JSON.stringify({ ...thisProcess(), sinceMs: 0, ...holder }));

/** A child that takes leases: one for every path it is given, holding them till it is killed. */
class Taker {
  readonly #child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'lease-taker.ts')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  readonly #closed = new Promise<void>((resolve) => this.#child.on('close', () => resolve()));
  readonly #answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();

  get pid(): number {
    return this.#child.pid!;
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next answer. */
  async answer(): Promise<string> {
    return (await this.#answers.next()).value ?? 'ended';
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

describe('a lease', () => {
  it('is held by one, and free again when given back', () => {
    const lease = takeLease(path(), 'it', clock);
    expect(() => takeLease(path(), 'it', clock)).toThrow(
      `it is held by process ${process.pid} on ${hostname()}, since 2026-01-02T03:04:05.000Z`,
    );
    lease.release();
    lease.release();
    const again = takeLease(path(), 'it', clock);
    expect(again.note).toBeUndefined();
    // What was given back before is no longer the first one's to give back.
    lease.release();
    expect(() => takeLease(path(), 'it', clock)).toThrow(/held by/);
    again.release();
    expect(readdirSync(directory)).toHaveLength(1);
  });

  it.each<[string, Partial<LeaseHolder>]>([
    ['ended', { pid: 2 ** 22 + 1 }],
    ['another process has its number now', { startTicks: 1 }],
    ['of an earlier boot', { bootId: 'another' }],
    ['of an earlier boot and another namespace', { bootId: 'another', pidNamespace: 'another' }],
  ])('is taken over when its process is gone: %s', (_, holder) => {
    leave(holder, 7);
    const lease = takeLease(path(), 'it', clock);
    expect(lease.note).toContain('ended without giving it back');
    expect(readdirSync(directory)).toEqual(['lease.8']);
    lease.release();
  });

  it.each<[string, Partial<LeaseHolder>]>([
    ['another machine', { host: 'elsewhere' }],
    ['another container', { pidNamespace: 'pid:[1]', pid: 2 ** 22 + 1 }],
  ])('is not taken from %s: whether it lives cannot be seen', (_, holder) => {
    leave(holder);
    expect(() => takeLease(path(), 'it', clock)).toThrow(`remove ${path()}.1`);
  });

  it('is refused where its file is none', () => {
    for (const text of ['', '{', '{}', 'null\n']) {
      writeFileSync(`${path()}.1`, text);
      expect(() => takeLease(path(), 'it', clock)).toThrow(/is no lease/);
    }
  });

  it('is not made where no file can be', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => takeLease(join(directory, 'file', 'lease'), 'it', clock)).toThrow(
      expect.objectContaining({ code: 'ERR_LEASE' }),
    );
  });

  it('outlives kill -9 of its process only as a note', async () => {
    const child = new Taker();
    child.tell(path());
    expect(await child.answer()).toBe('took');
    expect(() => takeLease(path(), 'it', clock)).toThrow(`held by process ${child.pid}`);
    await child.kill();
    const lease = takeLease(path(), 'it', clock);
    expect(lease.note).toContain(`process ${child.pid}`);
    lease.release();
  });

  it('goes to exactly one of 20 processes that find one left behind at the same moment', async () => {
    const children = Array.from({ length: 20 }, () => new Taker());
    for (const child of children) child.tell('ready?');
    await Promise.all(children.map((child) => child.answer()));
    for (let round = 0; round < 20; round++) {
      const contested = `${path()}-${round}`;
      const left = { ...thisProcess(), pid: 2 ** 22 + 1, sinceMs: 0 };
      if (round % 2 === 0) writeFileSync(`${contested}.3`, JSON.stringify(left));
      for (const child of children) child.tell(contested);
      const answers = await Promise.all(children.map((child) => child.answer()));
      expect(answers.filter((text) => text === 'took')).toHaveLength(1);
      expect(answers.filter((text) => text === 'ERR_LEASE')).toHaveLength(19);
    }
    await Promise.all(children.map((child) => child.kill()));
  }, 180_000);

  it('is never held by two of many that take it and give it back again and again', async () => {
    const children = Array.from({ length: 4 }, () => new Taker());
    for (const child of children) child.tell(`often ${path()}`);
    await Promise.all(children.map((child) => child.answer()));
    await Promise.all(children.map((child) => child.kill()));
    // Each writes one line when it has the lease and one before it gives it back.
    const lines = readFileSync(`${path()}-log`, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(4 * 2 * 200);
    for (let index = 0; index < lines.length; index += 2) {
      const [pid, what] = lines[index]!.split(' ');
      expect([what, lines[index + 1]]).toEqual(['took', `${pid} gives`]);
    }
  }, 180_000);
});

describe('control', () => {
  const journal = (name: string): string => join(directory, name);
  const leases = (): string => join(directory, 'leases');

  it('is of a journal and of each of its hosts', () => {
    const first = takeControl(
      { directory: journal('a'), hosts: ['node1', 'admin@node2'], leases: leases() },
      clock,
    );
    expect(journalHolder(journal('a'))).toMatchObject({ pid: process.pid });
    expect(journalHolder(journal('b'))).toBeUndefined();
    expect(() =>
      takeControl({ directory: journal('a'), hosts: ['node3'], leases: leases() }, clock),
    ).toThrow(/the journal .* held/);
    expect(() =>
      takeControl({ directory: journal('b'), hosts: ['node3', 'node2'], leases: leases() }, clock),
    ).toThrow(/host node2 is held/);
    // The same name in another ssh configuration is another machine.
    const elsewhere = { directory: journal('c'), hosts: ['node1'], sshConfig: '/lab/ssh_config' };
    takeControl({ ...elsewhere, leases: leases() }, clock).release();
    // What was refused holds nothing.
    takeControl({ directory: journal('b'), hosts: ['node3'], leases: leases() }, clock).release();
    first.release();
    expect(journalHolder(journal('a'))).toBeUndefined();
    takeControl(
      { directory: journal('b'), hosts: ['node3', 'node2', 'node1', 'node1'], leases: leases() },
      clock,
    ).release();
  });
});
