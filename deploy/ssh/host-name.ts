/** Names of hosts that may reach `ssh`. */
import { isIPv6 } from 'node:net';
import { InputError, type Issue } from '../../sim/index.ts';

const user = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const label = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9_])?$/;
/** The interface behind a link-local address. */
const zone = /%[A-Za-z0-9._-]{1,15}$/;

/** Whether `text` is `[USER@]HOST`: a DNS name, an alias of the ssh configuration, or an address. */
export function isHostName(text: string): boolean {
  const at = text.lastIndexOf('@');
  if (at === 0 || (at > 0 && !user.test(text.slice(0, at)))) return false;
  const host = text.slice(at + 1);
  return label.test(host) || isIPv6(host.replace(zone, ''));
}

/**
 * Checks names before any of them is used: `ssh` expands them in its configuration, and commands there
 * (`ProxyCommand … %h`) go through a shell.
 *
 * @throws InputError naming every name that cannot be, or is given twice.
 */
export function checkHostNames(names: readonly string[]): void {
  const issues: Issue[] = names.flatMap((name, index) => {
    if (!isHostName(name)) {
      return [{ path: `host ${index + 1}`, expected: '[USER@]HOST as ssh knows it', got: name }];
    }
    return names.indexOf(name) < index
      ? [{ path: `host ${index + 1}`, expected: 'a host not named before', got: name }]
      : [];
  });
  if (issues.length > 0) throw new InputError(issues);
}
