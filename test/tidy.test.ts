/**
 * Style as a test: what the sources must not hold, each with what to use instead, and which folder
 * may import which. Every finding is named `file:line`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const folders = [
  'sim',
  'traces',
  'oracle',
  'learner',
  'deploy',
  'scripts',
  'bench',
  'examples',
  'test',
] as const;
type Folder = (typeof folders)[number];

interface Source {
  readonly path: string;
  readonly folder: Folder;
  readonly text: string;
  /** The text with comments and the inside of strings blanked out, line by line the same. */
  readonly code: string;
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** Blanks comments and quoted text; good enough for formatted sources without odd regexes. */
function codeOf(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|(?<![:\\/'"`])\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g,
    (found) => (found.startsWith('/') ? blank(found) : `'${blank(found.slice(2))}'`),
  );
}

const sources: readonly Source[] = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name): Source => {
      const text = readFileSync(join(root, folder, name), 'utf8');
      return { path: join(folder, name), folder, text, code: codeOf(text) };
    }),
);

/** `file:line` of every match. */
function findings(
  where: readonly Source[],
  pattern: RegExp,
  of: 'code' | 'text' = 'code',
): string[] {
  const all = new RegExp(
    pattern,
    pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`,
  );
  return where.flatMap((source) =>
    [...source[of].matchAll(all)].map(
      ({ index }) => `${source.path}:${source[of].slice(0, index).split('\n').length}`,
    ),
  );
}

const inFolders = (...names: readonly Folder[]): Source[] =>
  sources.filter((source) => names.includes(source.folder));

const core = inFolders('sim', 'oracle', 'learner');
const library = inFolders('sim', 'traces', 'oracle', 'learner', 'deploy');
const shipped = inFolders('sim', 'traces', 'oracle', 'learner', 'deploy', 'scripts');

/** Where `deploy/` may know what time it is: where it observes, in an emulated host, in a browser. */
const clocks = [
  'deploy/clock.ts',
  'deploy/testbed/hardware/clock.ts',
  'deploy/service/dashboard/page/clock.ts',
];

const banned: readonly (readonly [
  what: string,
  pattern: RegExp,
  where: readonly Source[],
  use: string,
])[] = [
  ['the date', /\bDate\b/, core, 'simulated time'],
  [
    'the wall clock',
    /\bperformance\.now\b|\bhrtime\b/,
    core,
    'a clock handed in (`RunOptions.clock`)',
  ],
  [
    'a clock beside the port',
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b|\bset(?:Timeout|Interval)\b/,
    // The emulated hardware runs inside a host, alone, with a port of its own.
    inFolders('deploy').filter(({ path }) => !clocks.includes(path)),
    'the `Clock` of deploy/clock.ts',
  ],
  [
    'a shell of its own',
    /\bexec(?:Sync)?\(|\bshell:/,
    inFolders('deploy').map((source) => ({
      ...source,
      // A regular expression's own `exec`.
      code: source.code.replace(/(?<=\.)exec\(/g, 'call('),
    })),
    'spawn with an argument list',
  ],
  ['chance of its own', /\bMath\.random\b|\brandomUUID\b/, library, 'RandomStream or Chance'],
  ['the process', /(?<![.\w])process\.|'node:process'/, core, 'an argument'],
  ['timers', /\bset(?:Timeout|Interval|Immediate)\b/, core, 'simulated time'],
  ['printing', /(?<![.\w])console\./, library, 'a result or an error'],
  [
    'files',
    /from 'node:(?:fs|child_process|net|http)/,
    core,
    'values; files belong to traces/ and scripts/',
  ],
  [
    'powers with a variable',
    /\bMath\.pow\b|(?<!\d )\*\*|\*\*=?(?! \d)/,
    inFolders('sim'),
    'products',
  ],
  [
    'functions whose last bits are left to the engine',
    /\bMath\.(?:exp|expm1|log\w*|sinh?|cosh?|tanh?|a(?:sin|cos|tan)\w*|cbrt|hypot)\b/,
    // The normal deviate of rng.ts serves generators and training, never a run.
    inFolders('sim').filter((source) => source.path !== 'sim/numbers/rng.ts'),
    'arithmetic and Math.sqrt',
  ],
  ['state of a module', /^(?:export )?(?:let|var)\b/m, library, 'a value that is handed around'],
  ['ending the process', /\bprocess\.exit\b/, library, 'an error'],
  [
    'inheritance but from Error',
    /\bclass \w+ extends (?!Error\b)/,
    shipped,
    'functions or interfaces',
  ],
  ['a swallowed error', /\bcatch(?: \(\w+\))? \{\s*\}/, shipped, 'a reaction'],
  ['code from text', /(?<![.\w])eval\(|\bnew Function\(/, sources, 'a table of functions'],
  ['a silenced compiler', /@ts-(?:ignore|nocheck|expect-error)/, sources, 'a type that fits'],
  ['a test left alone or out', /\b(?:it|test)\.(?:only|skip)\(|\bdescribe\.only\(/, sources, 'it'],
];

describe('no source holds', () => {
  it.each(banned)('%s', (_, pattern, where, use) => {
    const of =
      pattern.source.includes('@ts-') || pattern.source.includes("'node:") ? 'text' : 'code';
    expect(findings(where, pattern, of), `use ${use} instead`).toEqual([]);
  });

  it('a private key', () => {
    expect(findings(sources, /-----BEGIN [A-Z ]*PRIVATE [K]EY-----/, 'text')).toEqual([]);
  });

  it('an open end (TO-DO) without a reason', () => {
    expect(findings(sources, /\b(?:TO[D]O|FIX[M]E)\b(?!: \w+ \w+)/, 'text')).toEqual([]);
  });

  it('more than 400 lines, where it is shipped', () => {
    const long = shipped.filter((source) => source.text.split('\n').length > 401);
    expect(long.map((source) => source.path)).toEqual([]);
  });
});

it('the bans see what they ban', () => {
  const code = (text: string): Source[] => [{ path: 'x', folder: 'sim', text, code: codeOf(text) }];
  const sample = [
    ...[
      'new Date()',
      'performance.now()',
      'Date.now()',
      'exec(name)',
      'Math.random()',
      'process.argv',
      'setTimeout(f, 1)',
    ],
    ...[
      'console.log(1)',
      "import { join } from 'node:fs';",
      'a ** 2',
      'Math.log(2)',
      'let state = 1;',
    ],
    ...[
      'process.exit(1)',
      'class A extends B {',
      'catch (e) {}',
      'eval(text)',
      ['// @ts', 'ignore'].join('-'),
    ],
    'it.only(',
  ];
  banned.forEach(([what, pattern], index) => {
    expect(findings(code(sample[index]!), pattern, 'text'), what).toHaveLength(1);
  });
  // Words in comments and strings are no code.
  const [comment] = code(
    "/** new Date() */ const a = 'Math.random()'; // process.exit\nconst b = 2 ** 30;",
  );
  for (const [what, pattern] of banned) expect(findings([comment!], pattern), what).toEqual([]);
});

describe('imports', () => {
  /** Folders of ours that each folder may import from. */
  const allowed: Readonly<Record<Folder, readonly Folder[]>> = {
    sim: [],
    traces: ['sim'],
    oracle: ['sim'],
    learner: ['sim', 'oracle'],
    deploy: ['sim'],
    scripts: ['sim', 'traces', 'oracle', 'learner', 'deploy'],
    bench: ['sim', 'traces', 'oracle', 'learner', 'deploy', 'scripts'],
    examples: ['sim', 'traces', 'oracle', 'learner'],
    test: ['sim', 'traces', 'oracle', 'learner', 'deploy', 'scripts', 'bench', 'examples'],
  };

  /** Files that a source imports, relative to the root. */
  function importsOf(source: Source): string[] {
    const paths = [...source.text.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)];
    return paths.map(([, path]) => relative(root, join(root, dirname(source.path), path!)));
  }

  it('point only where the architecture lets them', () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source)
        .filter((path) => {
          const [folder] = path.split('/') as [Folder];
          return folder !== source.folder && !allowed[source.folder].includes(folder);
        })
        .map((path) => `${source.path} imports ${path}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of other folders go through their index, but for tests and the parts of scripts', () => {
    const inner = library.flatMap((source) =>
      importsOf(source)
        .filter((path) => {
          const [folder, ...rest] = path.split('/');
          return folder !== source.folder && rest.join('/') !== 'index.ts';
        })
        .map((path) => `${source.path} imports ${path}`),
    );
    expect(inner).toEqual([]);
  });

  it('never go round in a circle between files', () => {
    const graph = new Map(
      sources.map((source) => [
        source.path,
        // Types cross freely: they are gone when the code runs.
        importsOf({ ...source, text: source.text.replace(/import type [^;]*;/g, '') }),
      ]),
    );
    const finished = new Set<string>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (finished.has(path)) return;
      if (trail.includes(path)) {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
        return;
      }
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
      finished.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });
});

describe('docstrings', () => {
  it('open every file but tests, whose titles speak', () => {
    const silent = sources.filter(({ path, text }) => {
      if (path.endsWith('.test.ts')) return false;
      const start = text.replace(/^#!.*\n/, '').replace(/^(?:import [^;]*;\n)+\n*/, '');
      return !text.replace(/^#!.*\n/, '').startsWith('/**') && !start.startsWith('/**');
    });
    expect(silent.map((source) => source.path)).toEqual([]);
  });

  it('stand above every public function and class', () => {
    const bare = ['sim', 'traces', 'oracle', 'learner', 'deploy'].flatMap((folder) => {
      const index = readFileSync(join(root, folder, 'index.ts'), 'utf8');
      return [...index.matchAll(/export \{([^}]*)\} from '([^']+)'/g)].flatMap(([, list, from]) => {
        const path = join(folder, from!);
        const { text } = sources.find((source) => source.path === path)!;
        return list!
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '')
          .filter((name) =>
            new RegExp(
              `(?<!\\*/\\n)^export (?:async )?(?:function\\*?|class) ${name}\\b`,
              'm',
            ).test(text),
          )
          .map((name) => `${path} ${name}`);
      });
    });
    expect(bare).toEqual([]);
  });
});
