/**
 * Who pays for the power that a machine draws without doing anything: it is shared in proportion to
 * one number per VM, its claim. Stoess et al. (2007) share evenly over all VMs, whether or not they
 * ran; the other policies are what today's operators ask for.
 */

/**
 * How idle energy is shared: evenly; by what each VM has reserved; by what each VM used (nobody,
 * when nothing was used); or not at all.
 */
export const idlePolicies = ['even', 'reservation', 'usage', 'none'] as const;

export type IdlePolicy = (typeof idlePolicies)[number];

/** Claim of one VM on the idle energy; the unit does not matter, only the proportions. */
export function idleClaim(policy: IdlePolicy, reserved: number, used: number): number {
  switch (policy) {
    case 'even':
      return 1;
    case 'reservation':
      return reserved;
    case 'usage':
      return used;
    case 'none':
      return 0;
  }
}

/**
 * Adds each VM's share of `idleJ` to `shares`.
 *
 * @param reserved What each VM has reserved, any unit; read by `reservation` alone.
 * @param used What each VM used, any unit; read by `usage` alone.
 * @returns What nobody claimed, J: all or nothing.
 */
export function shareIdle(
  policy: IdlePolicy,
  idleJ: number,
  reserved: Float64Array,
  used: Float64Array,
  shares: Float64Array,
): number {
  let claims = 0;
  for (let vm = 0; vm < shares.length; vm++) {
    claims += idleClaim(policy, reserved[vm] ?? 0, used[vm] ?? 0);
  }
  if (!(claims > 0)) return idleJ;
  for (let vm = 0; vm < shares.length; vm++) {
    shares[vm]! += (idleJ * idleClaim(policy, reserved[vm] ?? 0, used[vm] ?? 0)) / claims;
  }
  return 0;
}
