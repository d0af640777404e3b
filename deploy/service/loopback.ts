/** Addresses of this machine alone. */
import { isIPv4 } from 'node:net';

/** Whether only this machine can connect to an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIPv4(host) && host.startsWith('127.');
}
