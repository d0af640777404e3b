import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bill, RunSummary } from '../../../sim/index.ts';
import { wattwin } from '../../scripts/command-line.ts';
import { directoryWith } from '../../traces/temporary-directory.ts';

const scenario = (accounting: string): string => `
name: billed
hosts: [{ model: hp-ml110-g5, count: 3 }]
workload:
  type: synthetic
  vms: 4
  steps: 24
  sizes: [{ vcpus: 1, speed: 1500 MIPS, memory: 1 GiB }]
policy: thr-rs
${accounting}
`;

async function simulate(
  accounting: string,
  ...options: readonly string[]
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const path = join(directoryWith({ 's.yaml': scenario(accounting) }), 's.yaml');
  return wattwin('simulate', path, ...options);
}

interface Outcome {
  readonly bill?: Bill;
  readonly summary: RunSummary;
}

const outcome = async (accounting: string, ...options: string[]): Promise<Outcome> =>
  JSON.parse((await simulate(accounting, '--json', ...options)).stdout) as Outcome;

describe('a bill', () => {
  it.each(['even', 'reservation', 'usage', 'none'])(
    'idle: %s, sums to the energy',
    async (idle) => {
      const { bill, summary } = await outcome(`accounting: { idle: ${idle}, overhead: separate }`);
      expect(bill!.total.energyKwh).toBeCloseTo(summary.energyKwh, 9);
      expect(bill!.tenants.map(({ name }) => name)).toEqual(['vm-0', 'vm-1', 'vm-2', 'vm-3']);
    },
  );

  it('has tenants, a price, the building’s overhead, and shares what is nobody’s', async () => {
    const { bill, summary } = await outcome(
      'accounting: { price: 0.3, pue: 1.4, overhead: shared, ' +
        'tenants: [{ name: acme, vms: [vm-0, vm-2] }] }',
    );
    expect(bill!.tenants.map(({ name, vms }) => [name, vms])).toEqual([
      ['acme', 2],
      ['vm-1', 1],
      ['vm-3', 1],
    ]);
    expect(bill!.unattributed.energyKwh).toBe(0);
    expect(bill!.total.price).toBeCloseTo(summary.energyKwh * 1.4 * 0.3, 9);
  });

  it('is printed with --bill without a word in the scenario, and changes no other number', async () => {
    const plain = await simulate('');
    const billed = await simulate('', '--bill');
    expect(billed.stdout.startsWith(plain.stdout)).toBe(true);
    expect(billed.stdout).toMatch(/^unattributed /m);
    expect((await outcome('')).bill).toBeUndefined();
    const { bill, summary } = await outcome('', '--bill');
    expect(bill!.total.energyKwh).toBeCloseTo(summary.energyKwh, 9);
    expect(summary).toEqual((await outcome('')).summary);
  });

  it('names what is wrong with the key', async () => {
    const said = async (accounting: string): Promise<string> => (await simulate(accounting)).stderr;
    expect(await said('accounting: { idle: fair }')).toContain('accounting.idle: expected one of');
    expect(await said('accounting: { pue: 0.5 }')).toContain('accounting.pue: expected a number');
    expect(await said('accounting: { tenants: [{ name: a, vms: [nope] }] }')).toContain(
      'accounting.tenants[0].vms: expected a VM of the workload, got "nope"',
    );
    expect(
      await said('accounting: { tenants: [{ name: a, vms: [vm-1] }, { name: b, vms: [vm-1] }] }'),
    ).toContain('expected each VM under one tenant, got "vm-1", also under a');
  });
});
