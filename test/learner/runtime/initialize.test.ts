import { describe, expect, it } from 'vitest';
import { type Initial, initializeParameters, type Model } from '../../../learner/runtime/index.ts';

const layer =
  (initial: Initial, ...names: string[]): Model =>
  (ops) =>
    Object.fromEntries(names.map((name) => [name, ops.parameter(name, [3, 100, 300], initial)]));

describe('initial parameters', () => {
  it.each([
    ['he', Math.sqrt(2 / 100)],
    ['glorot', Math.sqrt(2 / (100 + 300))],
    [{ normal: 0.02 }, 0.02],
  ] as const)('of %j have mean 0 and the deviation of their rule', (initial, deviation) => {
    const [kernel] = initializeParameters(layer(initial, 'kernel'), {}, 1);
    const { data } = kernel!;
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    // 90,000 draws: the mean strays by deviation / 300, the deviation by deviation / 424.
    expect(Math.abs(mean)).toBeLessThan((4 * deviation) / 300);
    expect(Math.abs(Math.sqrt(variance) / deviation - 1)).toBeLessThan(4 / 424);
  });

  it('follow the seed and the name, not the company', () => {
    const [alone] = initializeParameters(layer('he', 'b'), {}, 1);
    const [other, same] = initializeParameters(layer('he', 'a', 'b'), {}, 1);
    const [reseeded] = initializeParameters(layer('he', 'b'), {}, 2);
    expect(same).toEqual(alone);
    expect(other!.data).not.toEqual(alone!.data);
    expect(reseeded!.data).not.toEqual(alone!.data);
  });

  it('are zeros and ones where asked', () => {
    expect(initializeParameters(layer('zeros', 'a'), {}, 1)[0]!.data.every((v) => v === 0)).toBe(
      true,
    );
    expect(initializeParameters(layer('ones', 'a'), {}, 1)[0]!.data.every((v) => v === 1)).toBe(
      true,
    );
  });
});
