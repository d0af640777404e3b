/**
 * What must not be done with a cluster, whatever a policy would like: hosts that take no VMs, hosts
 * that are not to be switched, VMs that stay where they are. A real cluster has them; a scenario has
 * none. Actions against them are refused, and policies see them, so that none is planned.
 */
import { fillInt32 } from './numbers/columns.ts';

/** As written; what is left out holds for nobody. */
export interface RestrictionSpec {
  /** In maintenance, or out of reach: VMs may leave it, none may come. */
  readonly takesNoVms?: (host: number) => boolean;
  /** Neither switched off nor, when it is off, on. */
  readonly isNotSwitched?: (host: number) => boolean;
  /** Never migrated. */
  readonly staysPut?: (vm: number) => boolean;
}

/** Columns of 0 and 1. */
export interface Restrictions {
  /** [hosts] */
  readonly takesNoVms: Int32Array;
  readonly isNotSwitched: Int32Array;
  /** [vms] */
  readonly staysPut: Int32Array;
}

/** `undefined` where nothing is restricted. */
export function buildRestrictions(
  spec: RestrictionSpec,
  hosts: number,
  vms: number,
): Restrictions | undefined {
  const column = (length: number, holds: ((id: number) => boolean) | undefined): Int32Array =>
    fillInt32(length, (id) => (holds?.(id) ? 1 : 0));
  const restrictions = {
    takesNoVms: column(hosts, spec.takesNoVms),
    isNotSwitched: column(hosts, spec.isNotSwitched),
    staysPut: column(vms, spec.staysPut),
  };
  return Object.values(restrictions).some((values) => values.includes(1))
    ? restrictions
    : undefined;
}
