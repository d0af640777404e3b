/**
 * Colours by what they stand for, for light and for dark ground. Charts name them as `color:…`, so
 * that one definition serves both. The hues keep apart under the common colour blindnesses, and
 * lines and points differ in dash and shape besides.
 */

const light = {
  ink: '#1f2328',
  muted: '#57606a',
  grid: '#e4e7eb',
  surface: '#ffffff',
  band: '#eef2f7',
  oracle: '#00795a',
  learned: '#c4460a',
  bestHeuristic: '#0067a8',
  allOn: '#6e7781',
  fifth: '#a04a86',
  sixth: '#7a6200',
  others: '#a8afb8',
  energy: '#1f5f99',
  lost: '#dda73a',
  migrations: '#ad4455',
  money: '#5b8c3a',
  carbon: '#4a4f57',
} as const;

export type ColorName = keyof typeof light;
export type Theme = Readonly<Record<ColorName, string>>;

const dark: Theme = {
  ink: '#e8ebef',
  muted: '#a5aeba',
  grid: '#2d333c',
  surface: '#171b21',
  band: '#222933',
  oracle: '#35c99f',
  learned: '#ff8f52',
  bestHeuristic: '#62b6f2',
  allOn: '#98a2af',
  fifth: '#e091c8',
  sixth: '#d8b848',
  others: '#667080',
  energy: '#4b93d3',
  lost: '#e6bb55',
  migrations: '#e2808f',
  money: '#9ac46f',
  carbon: '#b4bac2',
};

export const themes: Readonly<Record<'light' | 'dark', Theme>> = { light, dark };

/** How a chart definition writes a colour. */
export const color = (name: ColorName): string => `color:${name}`;

/**
 * A copy of `value` with every `color:…` replaced. The page receives this function as text, so it
 * must not use anything from outside.
 */
export function paint<T>(value: T, theme: Readonly<Record<string, string>>): T {
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
    typeof part === 'string' && part.startsWith('color:') ? (theme[part.slice(6)] ?? part) : part,
  );
}
