import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  billOf,
  checkTenants,
  defaultBill,
  formatBill,
  type VmCharge,
} from '../../../sim/accounting/bill.ts';
import { InputError } from '../../../sim/index.ts';
import { tries } from '../random-cluster.ts';

const kwh = 3.6e6;
const charges: readonly VmCharge[] = [
  { vm: 'web', idleJ: kwh, activeJ: 2 * kwh, migrationJ: 0 },
  { vm: 'db', idleJ: kwh, activeJ: 0, migrationJ: 0 },
  { vm: 'batch', idleJ: 0, activeJ: 3 * kwh, migrationJ: kwh },
];
const tenants = [{ name: 'acme', vms: ['web', 'db'] }];

it('sums a tenant’s VMs, and multiplies by PUE and price', () => {
  const bill = billOf(charges, 2 * kwh, { ...defaultBill, tenants, pricePerKwh: 0.25, pue: 1.5 });
  expect(bill.tenants.map(({ name, vms, energyKwh }) => [name, vms, energyKwh])).toEqual([
    ['acme', 2, 4],
    ['batch', 1, 4],
  ]);
  expect(bill.tenants[0]!.atMeterKwh).toBe(6);
  expect(bill.tenants[0]!.price).toBe(1.5);
  expect(bill.unattributed.energyKwh).toBe(2);
  expect(bill.total).toMatchObject({ vms: 3, energyKwh: 10, atMeterKwh: 15, price: 3.75 });
});

it('shares what is nobody’s in proportion, where it is to be shared', () => {
  const bill = billOf(charges, 2 * kwh, { ...defaultBill, tenants, overhead: 'shared' });
  expect(bill.tenants.map(({ overheadKwh }) => overheadKwh)).toEqual([1, 1]);
  expect(bill.unattributed.energyKwh).toBe(0);
  expect(bill.total.energyKwh).toBe(10);
});

it('keeps it apart when nobody was charged anything', () => {
  const nothing = { vm: 'a', idleJ: 0, activeJ: 0, migrationJ: 0 };
  const bill = billOf([nothing], kwh, { ...defaultBill, overhead: 'shared' });
  expect(bill.unattributed.energyKwh).toBe(1);
});

it('the rows sum to what the hosts took', () => {
  const joules = fc.double({ min: 0, max: 1e9, noNaN: true });
  const charge = fc.record({ idleJ: joules, activeJ: joules, migrationJ: joules });
  fc.assert(
    fc.property(
      fc.array(charge, { maxLength: 20 }),
      joules,
      fc.constantFrom('separate' as const, 'shared' as const),
      (list, unattributedJ, overhead) => {
        const named = list.map((one, index) => ({ ...one, vm: `vm-${index}` }));
        const half = [{ name: 'a', vms: named.slice(0, list.length >> 1).map(({ vm }) => vm) }];
        const bill = billOf(named, unattributedJ, { ...defaultBill, overhead, tenants: half });
        let sum = bill.unattributed.energyKwh;
        for (const row of bill.tenants) sum += row.energyKwh;
        let expected = unattributedJ;
        for (const { idleJ, activeJ, migrationJ } of list) expected += idleJ + activeJ + migrationJ;
        const slack = 1e-9 * Math.max(1e-9, expected / kwh);
        expect(Math.abs(sum - expected / kwh)).toBeLessThanOrEqual(slack);
        expect(Math.abs(bill.total.energyKwh - expected / kwh)).toBeLessThanOrEqual(slack);
      },
    ),
    tries(300),
  );
});

it('prints as a table', () => {
  const bill = billOf(charges, 2 * kwh, { ...defaultBill, tenants, pricePerKwh: 0.25 });
  expect(formatBill(bill)).toBe(
    [
      '              VMs    idle  active  moving  overhead      kWh  at meter  price',
      'acme            2  2.0000  2.0000  0.0000    0.0000   4.0000    4.0000   1.00',
      '  web           1  1.0000  2.0000  0.0000    0.0000   3.0000    3.0000   0.75',
      '  db            1  1.0000  0.0000  0.0000    0.0000   1.0000    1.0000   0.25',
      'batch           1  0.0000  3.0000  1.0000    0.0000   4.0000    4.0000   1.00',
      'unattributed       0.0000  0.0000  0.0000    2.0000   2.0000    2.0000   0.50',
      'total           3  2.0000  5.0000  1.0000    2.0000  10.0000   10.0000   2.50',
      '',
    ].join('\n'),
  );
});

it('names every VM that is not there or has two tenants', () => {
  const twice = [
    { name: 'a', vms: ['web', 'nope'] },
    { name: 'b', vms: ['web'] },
  ];
  const names = charges.map(({ vm }) => vm);
  expect(() => checkTenants(names, { ...defaultBill, tenants: twice }, 'f: tenants')).toThrow(
    new InputError([
      { path: 'f: tenants[0].vms', expected: 'a VM of the workload', got: '"nope"' },
      {
        path: 'f: tenants[1].vms',
        expected: 'each VM under one tenant',
        got: '"web", also under a',
      },
    ]),
  );
});
