/** Names of VMs that may stand in a command. */
import { OperationError, printable } from '../operation-error.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const control = /[\u0000-\u001f\u007f]/;

/**
 * Refuses names that libvirt cannot have, and names by which `virsh` finds another VM than the one
 * that is called so: it takes a number for a running VM's id, and 36 hexadecimal digits and dashes for a UUID.
 *
 * @throws OperationError `ERR_REFUSED`.
 */
export function checkVmName(host: string, name: string): void {
  const refuse = (why: string): never => {
    throw new OperationError('ERR_REFUSED', host, `${host}: VM ${quoted(name)}: ${why}`);
  };
  if (name === '' || name.includes('/') || control.test(name))
    refuse('no VM of libvirt is called so');
  // As strtol reads a number, blanks and sign before it included.
  if (/^\s*[+-]?\d+$/.test(name)) refuse('virsh takes a number for an id; rename it');
  if (/^[0-9A-Fa-f-]{36}$/.test(name)) refuse('virsh takes that for a UUID; rename it');
}

/** A name for a message. */
export function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `"${printable(name)}"`;
}
