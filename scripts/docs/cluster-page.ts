/** `docs/cluster-file.md`, made from the schema itself. */
import { clusterSchema } from '../../deploy/index.ts';
import { optionRows, optionTable } from './options.ts';

/** The whole page. @throws RangeError when a key has no description. */
export function clusterPage(): string {
  return `# Cluster files

<!-- Made by \`npm run docs\`; edit the schema instead. -->

A cluster file says which real hosts there are, how they are reached and woken, and what must hold
whatever a policy wants. \`wattwin control\`, \`restore\`, \`serve\` and \`journal\` read it. It is YAML with the
rules of [scenario files](scenario.md): unknown keys are errors, quantities carry units, all problems are
reported at once. Relative paths start beside the file.

\`\`\`yaml
name: lab
interval: 30 s
policy: { name: best-fit, maxUtilization: 0.7, frequency: ondemand }
hosts:
  - { name: node1, wake: [wakeonlan, '52:54:00:12:34:56'], offPower: 4 }
  - { name: admin@node2, wake: [ipmitool, -H, node2-bmc, -f, /etc/bmc-password, chassis, power, 'on'], offPower: 4 }
  - { name: node3 }                       # nothing wakes it, so it is never switched off
vms:
  fixed: [router*]
  apart: [[db1, db2]]
guard: { migrations: 1, vmCooldown: 600 s }
\`\`\`

\`wattwin testbed up\` writes one for its hosts. What the guard does with its numbers: [control.md](control.md).

${optionTable(optionRows(clusterSchema))}
`;
}
