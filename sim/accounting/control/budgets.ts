/**
 * Power budgets per resource and domain, changed at run time: cpu0 … cpu15, the disk, and the whole
 * machine. A budget of Infinity is no limit.
 */
import { assert, inputError } from '../../errors.ts';

/** Budgeted resources, in the order of the columns. */
export const budgetedResources = [
  ...Array.from({ length: 16 }, (_, cpu) => `cpu${cpu}`),
  'disk',
  'host',
] as const;

/** Budgets of `domains` domains, W. */
export class Budgets {
  readonly domains: number;
  /** [resources × domains] */
  readonly limitW: Float64Array;

  constructor(
    domains: number,
    limitW: Float64Array = new Float64Array(Budgets.length(domains)).fill(Infinity),
  ) {
    assert(limitW.length === Budgets.length(domains), () => `${limitW.length} budgets`);
    this.domains = domains;
    this.limitW = limitW;
  }

  static length(domains: number): number {
    return budgetedResources.length * domains;
  }

  /** @throws InputError for a resource, domain or power that is none. */
  set(resource: string, domain: number, milliwatts: number): void {
    if (!(milliwatts >= 0)) {
      throw inputError('budget', 'mW from 0 up', String(milliwatts));
    }
    this.limitW[this.#cell(resource, domain)] = milliwatts / 1000;
  }

  /** Budget of a resource for a domain, W. */
  get(resource: string, domain: number): number {
    return this.limitW[this.#cell(resource, domain)]!;
  }

  /**
   * Carries out `RESOURCE DOMAIN MILLIWATTS`, e.g. `cpu0 2 5000` or `disk 1 none`.
   *
   * @throws InputError when the command is not of that form.
   */
  command(text: string): void {
    const [resource = '', domain = '', power = '', ...rest] = text.trim().split(/\s+/);
    const wellFormed = /^\d+$/.test(domain) && /^(?:\d+(?:\.\d+)?|none)$/.test(power);
    if (!wellFormed || rest.length > 0) {
      throw inputError('budget', 'RESOURCE DOMAIN MILLIWATTS, or none for no limit', `"${text}"`);
    }
    this.set(resource, Number(domain), power === 'none' ? Infinity : Number(power));
  }

  #cell(resource: string, domain: number): number {
    const row = budgetedResources.indexOf(resource);
    if (row < 0) throw inputError('budget', `one of ${budgetedResources.join(', ')}`, resource);
    if (!(Number.isInteger(domain) && domain >= 0 && domain < this.domains)) {
      throw inputError('budget', `a domain from 0 to ${this.domains - 1}`, String(domain));
    }
    return row * this.domains + domain;
  }
}
