/** Programs of this machine, and waiting for what nobody announces. */
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../deploy/clock.ts';
import { isAlive } from '../../../deploy/testbed/hosts/life.ts';
import { poll } from '../../../deploy/testbed/polling.ts';
import { systemPrograms } from '../../../deploy/testbed/programs.ts';

const programs = systemPrograms(systemClock);

describe('a program', () => {
  it('gives what it printed, and gets what it is to read', async () => {
    expect(await programs.run(['cat'], { input: 'a\nb' })).toBe('a\nb');
  });

  it('gets its words as they are', async () => {
    expect(await programs.run(['printf', '%s|', '$HOME', 'a b', '`x`', ';'])).toBe(
      '$HOME|a b|`x`|;|',
    );
  });

  it.each([
    [
      ['sh', '-c', 'echo first >&2; echo last words >&2; exit 3'],
      'ended with status 3: last words',
    ],
    [['sh', '-c', 'kill -9 $$'], 'was killed'],
    [['no-such-program-here', 'x'], '`no-such-program-here x` is not on PATH'],
  ])('that fails says how: %j', async (argv, message) => {
    await expect(programs.run(argv)).rejects.toMatchObject({
      code: 'ERR_COMMAND',
      message: expect.stringContaining(message),
    });
  });

  it('is ended when it takes too long', async () => {
    await expect(
      programs.run(['sleep', '60'], { timeoutMs: 100, code: 'ERR_VM' }),
    ).rejects.toMatchObject({ code: 'ERR_VM', message: '`sleep 60` did not end within 0.1 s' });
  });

  it('is ended when its caller is stopped', async () => {
    const controller = new AbortController();
    const run = programs.run(['sleep', '60'], { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
  });
});

describe('polling', () => {
  /** Time that goes on by what is waited. */
  function standingClock(): Clock & { now: number } {
    const clock = {
      now: 0,
      wallMs: () => clock.now,
      monotonicMs: () => clock.now,
      sleep: (ms: number) => {
        clock.now += ms;
        return Promise.resolve();
      },
      after: () => () => undefined,
    };
    return clock;
  }

  it('looks at once, then every so often, until there is something', async () => {
    const clock = standingClock();
    const looks: number[] = [];
    const look = (): string | undefined => {
      looks.push(clock.now);
      return looks.length === 3 ? 'found' : undefined;
    };
    expect(await poll(look, { clock, timeoutMs: 1000, everyMs: 100 })).toBe('found');
    expect(looks).toEqual([0, 100, 200]);
  });

  it('looks a last time when the time is over', async () => {
    const clock = standingClock();
    const looks: number[] = [];
    const look = (): undefined => {
      looks.push(clock.now);
    };
    expect(await poll(look, { clock, timeoutMs: 250, everyMs: 100 })).toBeUndefined();
    expect(looks).toEqual([0, 100, 200, 300]);
  });

  it('ends with what the look throws', async () => {
    const clock = standingClock();
    const look = (): never => {
      throw new Error('broken');
    };
    await expect(poll(look, { clock, timeoutMs: 1000 })).rejects.toThrow('broken');
  });
});

it('a process is alive until it has ended', () => {
  expect(isAlive(process.pid)).toBe(true);
  // Above the largest number that a kernel gives.
  expect(isAlive(4_194_305)).toBe(false);
});
