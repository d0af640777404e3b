/** The scenarios that this twin and SimGrid 3.32 both run, and their results in one shape. */
import { runSimGridGenerator, type SimGridScaleResult } from './generator.ts';
import type { SimGridResult } from './result.ts';
import { runSimGridScenario } from './run.ts';
import type { SimGridGeneratorScenario, SimGridScenario } from './scenario.ts';

export { buildGeneratorModel, runSimGridGenerator, type SimGridScaleResult } from './generator.ts';
export { simGridGovernors } from './governors.ts';
export { buildSimGridModel } from './model.ts';
export { parseSimGridScenario } from './parse.ts';
export type { SimGridResult } from './result.ts';
export { runSimGridScenario } from './run.ts';
export type { SimGridGenerator, SimGridGeneratorScenario, SimGridScenario } from './scenario.ts';

/** Simulates a checked scenario of either kind. */
export function runSimGrid(
  scenario: SimGridScenario | SimGridGeneratorScenario,
): SimGridResult | SimGridScaleResult {
  return 'generator' in scenario
    ? runSimGridGenerator(scenario.generator)
    : runSimGridScenario(scenario);
}
