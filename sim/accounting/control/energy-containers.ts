/**
 * Energy limits inside a guest: each task has an energy budget per period and is preempted when it is
 * spent, until the next refresh. The guest may read its own energy from virtual counters; the host's
 * limit on the whole VM holds whether or not the guest does any of this.
 */
import { assert } from '../../errors.ts';

/** Budgets of the tasks of one guest. */
export class EnergyContainers {
  readonly tasks: number;
  /** [tasks × 2] Budget per period and what is left of it, J; below 0 after an overdraft. */
  readonly #state: Float64Array;

  /** @param budgetJ Per task and period; Infinity for no limit. */
  constructor(
    budgetJ: ArrayLike<number>,
    state: Float64Array = new Float64Array(2 * budgetJ.length),
  ) {
    assert(state.length === 2 * budgetJ.length, () => `${state.length} floats`);
    this.tasks = budgetJ.length;
    this.#state = state;
    for (let task = 0; task < this.tasks; task++) {
      this.setBudget(task, budgetJ[task]!);
      state[2 * task + 1] = budgetJ[task]!;
    }
  }

  /** Changes a budget, J per period; holds from the next refresh on. */
  setBudget(task: number, budgetJ: number): void {
    assert(budgetJ >= 0, () => `a budget of ${budgetJ} J`);
    this.#state[2 * task] = budgetJ;
  }

  /** Whether the task may run now. */
  mayRun(task: number): boolean {
    return this.#state[2 * task + 1]! > 0;
  }

  /** The task took `energyJ`. It may overdraw by the last slice; that is taken off the next period. */
  spend(task: number, energyJ: number): void {
    assert(energyJ >= 0, () => `task ${task} took ${energyJ} J`);
    this.#state[2 * task + 1]! -= energyJ;
  }

  /** A new period: budgets are full again, less what was overdrawn; savings are not kept. */
  refresh(): void {
    for (let task = 0; task < this.tasks; task++) {
      const budget = this.#state[2 * task]!;
      const overdrawn = Math.min(0, this.#state[2 * task + 1]!);
      this.#state[2 * task + 1] = budget + overdrawn;
    }
  }
}
