/** How the twin's ledger columns are laid out; all entries in J. */

/** A VM's row: its share of idle power, the work it did, what moving it took. */
export const vmParts = { idle: 0, active: 1, migration: 2 } as const;
export const vmPartCount = 3;

/**
 * A host's row: what its VMs were charged, then what is nobody's by cause: idle power that nobody
 * claimed, the host's own work, standing by while off, and switching on or off.
 */
export const hostParts = { vms: 0, idle: 1, host: 2, off: 3, transition: 4 } as const;
export const hostPartCount = 5;
