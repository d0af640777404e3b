/** The key `accounting` of a scenario: who pays for which energy, and at what price. */
import { z } from 'zod';
import { type BillSpec, checkTenants } from './bill.ts';
import { idlePolicies } from './idle-policy.ts';
import { limitKey } from './limit-key.ts';

/** Schema of the key; its defaults are those of `wattwin simulate --bill`. */
export const accountingKey = z.strictObject({
  idle: z
    .enum(idlePolicies)
    .default('even')
    .describe(
      'who pays for idle power: all VMs of the host alike, by CPU reserved, by CPU used, nobody',
    ),
  overhead: z
    .enum(['separate', 'shared'])
    .default('separate')
    .describe('energy that no VM caused: a row of its own, or shared in proportion'),
  price: z.number().min(0).default(0).describe('per kWh, in any currency'),
  pue: z.number().min(1).default(1).describe('energy of the building per energy of its hosts'),
  tenants: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('name of the tenant'),
        vms: z.array(z.string()).min(1).describe('names of its VMs'),
      }),
    )
    .default([])
    .describe('whose VMs are whose; a VM that is not named pays for itself'),
  limits: limitKey.optional().describe('power limits, changed at run time or not; default: none'),
});

export type AccountingKey = z.output<typeof accountingKey>;

/**
 * What the key says about bills.
 *
 * @param path Where the key stands, for messages.
 * @throws InputError for a VM that is not there or belongs to two tenants.
 */
export function billSpecOf(key: AccountingKey, vmNames: readonly string[], path: string): BillSpec {
  const spec: BillSpec = {
    pricePerKwh: key.price,
    pue: key.pue,
    overhead: key.overhead,
    tenants: key.tenants,
  };
  checkTenants(vmNames, spec, path);
  return spec;
}
