/**
 * What each tenant owes for energy: what its VMs were charged, its part of what is nobody's where the
 * operator shares that, times the building's overhead (PUE), times a price.
 *
 *   energy of all rows = energy of the hosts            to rounding
 */
import { InputError, type Issue } from '../errors.ts';

/** Energy of one VM, J. */
export interface VmCharge {
  readonly vm: string;
  readonly idleJ: number;
  readonly activeJ: number;
  readonly migrationJ: number;
}

/** How a bill is written. */
export interface BillSpec {
  /** Per kWh, any currency. */
  readonly pricePerKwh: number;
  /** Power usage effectiveness: energy at the building's meter per energy of the hosts, at least 1. */
  readonly pue: number;
  /**
   * What no VM was charged: a row of its own, or shared over the VMs in proportion to what they were
   * charged.
   */
  readonly overhead: 'separate' | 'shared';
  /** VMs by tenant; VMs that nobody names pay for themselves. */
  readonly tenants: readonly { readonly name: string; readonly vms: readonly string[] }[];
}

export const defaultBill: BillSpec = { pricePerKwh: 0, pue: 1, overhead: 'separate', tenants: [] };

/** One row: a tenant, or one of its VMs, or what is nobody's. */
export interface BillRow {
  readonly name: string;
  readonly vms: number;
  readonly idleKwh: number;
  readonly activeKwh: number;
  readonly migrationKwh: number;
  /** Its part of what is nobody's. */
  readonly overheadKwh: number;
  /** Sum of the four. */
  readonly energyKwh: number;
  /** With the building's overhead. */
  readonly atMeterKwh: number;
  readonly price: number;
}

/** Rows by tenant with a row for each of its VMs, what is nobody's, and the sum. */
export interface Bill {
  readonly tenants: readonly (BillRow & { readonly of: readonly BillRow[] })[];
  readonly unattributed: BillRow;
  readonly total: BillRow;
}

const joulesPerKwh = 3.6e6;

/**
 * @param unattributedJ What no VM was charged, J.
 * @throws InputError for a tenant's VM that is not there or has two tenants.
 */
export function billOf(charges: readonly VmCharge[], unattributedJ: number, spec: BillSpec): Bill {
  const tenantOf = checkTenants(
    charges.map(({ vm }) => vm),
    spec,
    'tenants',
  );
  const chargedJ = charges.reduce((sum, charge) => sum + ownJ(charge), 0);
  const shared = spec.overhead === 'shared' && chargedJ > 0;
  const rows = charges.map((charge) =>
    row(charge.vm, 1, charge, shared ? (unattributedJ * ownJ(charge)) / chargedJ : 0, spec),
  );
  const names = [...new Set(tenantOf)];
  const tenants = names.map((name) => {
    const of = rows.filter((_, vm) => tenantOf[vm] === name);
    return { ...sum(name, of), of };
  });
  const nothing = { idleJ: 0, activeJ: 0, migrationJ: 0 };
  const unattributed = row('unattributed', 0, nothing, shared ? 0 : unattributedJ, spec);
  return { tenants, unattributed, total: sum('total', [...rows, unattributed]) };
}

/**
 * Tenant of each VM; its own name where it has none.
 *
 * @param path Where the tenants are named, for messages.
 * @throws InputError with every VM that is not there or has two tenants.
 */
export function checkTenants(vmNames: readonly string[], spec: BillSpec, path: string): string[] {
  const index = new Map(vmNames.map((name, vm) => [name, vm]));
  const tenantOf = new Array<string | undefined>(vmNames.length).fill(undefined);
  const issues: Issue[] = [];
  spec.tenants.forEach(({ name, vms }, tenant) => {
    for (const vm of vms) {
      const at = index.get(vm);
      const other = at === undefined ? undefined : tenantOf[at];
      if (at !== undefined && other === undefined) tenantOf[at] = name;
      else {
        issues.push({
          path: `${path}[${tenant}].vms`,
          expected: at === undefined ? 'a VM of the workload' : 'each VM under one tenant',
          got: at === undefined ? `"${vm}"` : `"${vm}", also under ${other}`,
        });
      }
    }
  });
  if (issues.length > 0) throw new InputError(issues);
  return tenantOf.map((tenant, vm) => tenant ?? vmNames[vm]!);
}

const ownJ = ({ idleJ, activeJ, migrationJ }: Omit<VmCharge, 'vm'>): number =>
  idleJ + activeJ + migrationJ;

function row(
  name: string,
  vms: number,
  charge: Omit<VmCharge, 'vm'>,
  overheadJ: number,
  spec: BillSpec,
): BillRow {
  const energyKwh = (ownJ(charge) + overheadJ) / joulesPerKwh;
  const atMeterKwh = energyKwh * spec.pue;
  return {
    name,
    vms,
    idleKwh: charge.idleJ / joulesPerKwh,
    activeKwh: charge.activeJ / joulesPerKwh,
    migrationKwh: charge.migrationJ / joulesPerKwh,
    overheadKwh: overheadJ / joulesPerKwh,
    energyKwh,
    atMeterKwh,
    price: atMeterKwh * spec.pricePerKwh,
  };
}

function sum(name: string, rows: readonly BillRow[]): BillRow {
  const of = (pick: (one: BillRow) => number): number =>
    rows.reduce((total, one) => total + pick(one), 0);
  return {
    name,
    vms: of((one) => one.vms),
    idleKwh: of((one) => one.idleKwh),
    activeKwh: of((one) => one.activeKwh),
    migrationKwh: of((one) => one.migrationKwh),
    overheadKwh: of((one) => one.overheadKwh),
    energyKwh: of((one) => one.energyKwh),
    atMeterKwh: of((one) => one.atMeterKwh),
    price: of((one) => one.price),
  };
}

/** The bill as a text table: tenants, VMs of tenants that have several, what is nobody's, the sum. */
export function formatBill({ tenants, unattributed, total }: Bill): string {
  const header = ['', 'VMs', 'idle', 'active', 'moving', 'overhead', 'kWh', 'at meter', 'price'];
  const cellsOf = (one: BillRow, indent = ''): string[] => [
    indent + one.name,
    one.vms === 0 ? '' : String(one.vms),
    ...[one.idleKwh, one.activeKwh, one.migrationKwh, one.overheadKwh].map((kwh) => kwh.toFixed(4)),
    one.energyKwh.toFixed(4),
    one.atMeterKwh.toFixed(4),
    one.price.toFixed(2),
  ];
  const lines = [
    header,
    ...tenants.flatMap((tenant) => {
      const alone = tenant.of.length === 1 && tenant.of[0]!.name === tenant.name;
      return [cellsOf(tenant), ...(alone ? [] : tenant.of.map((one) => cellsOf(one, '  ')))];
    }),
    cellsOf(unattributed),
    cellsOf(total),
  ];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
