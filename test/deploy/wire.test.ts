/** What crosses the wire: words for the shell, frames, bytes, text for terminals. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHostName, printable, shellWord } from '../../deploy/index.ts';
import { makeControlDirectory } from '../../deploy/ssh/control-directory.ts';
import { decodeText, readFrames, scriptOf } from '../../deploy/ssh/frames.ts';
import { directoryWith } from '../traces/temporary-directory.ts';

const seed = 20_260_104;
/** What a POSIX shell makes of a word, through its own parser. */
const echoed = (script: string): Buffer => execFileSync('sh', ['-s'], { input: script });

describe('a word for the shell', () => {
  it.each([
    "it's",
    "''",
    "'; touch /tmp/x; '",
    '$(id) `id` $HOME \\ "x" !! *?[a-z]~ #',
    'two\nlines\n',
    '\t tab and  blanks ',
    '',
    '-n',
    'é \u{1F600} \u202e',
    '\x01\x7f\r',
  ])('means %j and nothing else', (text) => {
    expect(echoed(`printf '%s' ${shellWord(text)}`).toString('utf8')).toBe(text);
  });

  it('means any text at all', () => {
    const texts = fc.array(
      fc
        .string({ unit: 'binary', maxLength: 20 })
        // Neither NUL nor halves of surrogate pairs.
        .filter((text) => !/\0|\p{Cs}/u.test(text)),
      { minLength: 40, maxLength: 40 },
    );
    fc.assert(
      fc.property(texts, (all) => {
        const script = all.map((text) => `printf '%s\\0' ${shellWord(text)}`).join('\n');
        expect(echoed(script).toString('utf8')).toBe(all.map((text) => `${text}\0`).join(''));
      }),
      { seed, numRuns: 20 },
    );
  });

  it('cannot hold a NUL', () => {
    expect(() => shellWord('a\0b')).toThrow('text without NUL');
  });
});

describe('host names', () => {
  it.each(['node1', 'root@node-1.example.org', 'n_1', '10.0.0.7', '::1', 'a@fe80::1%eth0', 'x'])(
    '%s may be used',
    (name) => expect(isHostName(name)).toBe(true),
  );

  it.each([
    '-v',
    'a b',
    'a@b@c d',
    'a:22',
    'ssh://a',
    '%h',
    'a%n',
    '*',
    'a/b',
    `${'a'.repeat(300)}`,
    '.a',
    'a.',
    '::1;id',
  ])('%s may not', (name) => expect(isHostName(name)).toBe(false));
});

describe('frames', () => {
  const nonce = '0123abcd';

  it('give each section its own output and status, and the shell goes on', () => {
    const script = scriptOf(
      [
        { name: 'one', commands: 'printf "a\\nb"' },
        { name: 'two', commands: 'echo x; exit 7' },
        { name: 'three', commands: 'cd /; V=1; cat' },
        {
          name: 'four',
          commands: 'echo "@@wattwin:else begin one 5"; echo "[$V]"; echo hidden >&2',
        },
      ],
      nonce,
    );
    const { sections, isComplete } = readFrames(echoed(script), nonce);
    expect(isComplete).toBe(true);
    const found = [...sections].map(([name, { text, status }]) => [name, text, status]);
    expect(found).toEqual([
      ['one', 'a\nb', 0],
      ['two', 'x', 7],
      ['three', '', 0],
      ['four', '@@wattwin:else begin one 5\n[]', 0],
    ]);
    expect(sections.get('one')?.uptimeS).toBeGreaterThan(0);
  });

  it('are found behind a banner, and are not complete wherever they are cut', () => {
    const whole = Buffer.concat([
      Buffer.from('Welcome!\n@@wattwin:zzz begin one 1\n'),
      echoed(scriptOf([{ name: 'one', commands: 'echo 1' }], nonce)),
    ]);
    expect(readFrames(whole, nonce).sections.get('one')?.text).toBe('1');
    const end = whole.lastIndexOf('@@wattwin');
    for (let cut = 0; cut < end; cut++) {
      const { isComplete, sections } = readFrames(whole.subarray(0, cut), nonce);
      expect(isComplete).toBe(false);
      // A section that is there is whole.
      const text = sections.get('one')?.text;
      if (text !== undefined) expect(text).toBe('1');
    }
  });

  it('hold bytes that are no UTF-8 without losing one', () => {
    expect(decodeText(Buffer.from('naïve'))).toBe('naïve');
    expect(decodeText(Buffer.from('\xc3\xa9\n\xe9', 'latin1'))).toBe('é\n\\xe9');
    expect(decodeText(Buffer.from([0x61, 0xff, 0x0a, 0xc3]))).toBe('a\\xff\n\\xc3');
  });
});

describe('text from a host', () => {
  it('cannot move the cursor, ring, rename the window or turn the line round', () => {
    const nasty = '\x1b[2Jvm\x07\x1b]0;title\x07\r\n\u202egnp.exe\u200b\u009b31m';
    const text = printable(nasty);
    expect(text).toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
    expect(text).toContain('vm');
  });
});

describe('the directory for sockets', () => {
  it('is refused where its path would be too long for a socket', () => {
    const long = directoryWith({ [`${'d'.repeat(80)}/x`]: '' });
    expect(() => makeControlDirectory([`${long}/${'d'.repeat(80)}`])).toThrow('at most');
  });
});
