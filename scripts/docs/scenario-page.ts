/** `docs/scenario.md`, made from the schemas, presets and policies themselves. */
import { z } from 'zod';
import { hostPresets, policyKinds, quantityExamples, scenarioSchema } from '../../sim/index.ts';
import { workloadSchema } from '../workload.ts';
import { markdownTable, optionRows, optionTable } from './options.ts';

/** The whole page. @throws RangeError when a key has no description. */
export function scenarioPage(): string {
  return [introduction(), keys(), workloads(), policies(), presets()].join('\n\n').concat('\n');
}

function introduction(): string {
  const examples = Object.entries(quantityExamples).map(([kind, example]) => `${kind}: ${example}`);
  return `# Scenario files

<!-- Made by \`npm run docs\`; edit the schemas instead. -->

YAML (JSON is a subset). Unknown keys are errors, and all problems are reported at once, each with its
path, what was expected and what came: \`office.yaml: hosts[2].memory: expected a size such as "64 GiB",
got 64\`. \`wattwin simulate FILE --print-scenario\` prints a scenario with every default filled in and
every quantity in its base unit (ms, bytes, MIPS, W, bytes/s).

Quantities are a number and a unit. ${examples.join('; ')}. A core of 1 MHz counts as 1 MIPS.

\`\`\`yaml
name: small
hosts:
  - { model: grid5000-stremi, count: 4, memory: 96 GiB }
workload: { type: synthetic, vms: 60 }
policy: { name: pabfd, maxUtilization: 0.6, frequency: ondemand }
\`\`\``;
}

function keys(): string {
  return `## Keys\n\n"Needed" below an optional key holds where that key is given.\n\n${optionTable(optionRows(scenarioSchema))}`;
}

function workloads(): string {
  const sections = workloadSchema.options.map((option) => {
    const { type, ...shape } = option.shape;
    const meaning = type.description ?? '';
    const table = optionTable(optionRows(z.strictObject(shape as z.ZodRawShape)));
    return `### \`type: ${type.value}\`\n\n${capital(meaning)}.\n\n${table}`;
  });
  return `## Workloads\n\nFormats, repairs and provenance: [traces.md](traces.md).\n\n${sections.join('\n\n')}`;
}

function policies(): string {
  const sections = policyKinds.map(({ name, description, options, shorthands }) => {
    const short = Object.keys(shorthands);
    const list = short.map((other) => `\`${other}\``).join(', ');
    const names = short.length === 0 ? '' : `\n\nShorthands with options set: ${list}.`;
    return `### \`${name}\`\n\n${capital(description)}.${names}\n\n${optionTable(optionRows(options))}`;
  });
  return `## Policies\n\nA name (\`policy: lr-mmt\`) or a name with options (\`policy: { name: pabfd, maxUtilization: 0.7 }\`).\n\n${sections.join('\n\n')}`;
}

function presets(): string {
  const rows = Object.entries(hostPresets).map(([name, preset]) => {
    const [fastest] = preset.pstates;
    const slowest = preset.pstates.at(-1);
    const powers = preset.pstates.map(({ idleW, fullW, curveW }) =>
      curveW === undefined ? `${idleW} to ${fullW}` : curveW.join(', '),
    );
    const speeds =
      preset.pstates.length === 1
        ? `${fastest?.coreMips}`
        : `${fastest?.coreMips} to ${slowest?.coreMips}`;
    return [
      `\`${name}\``,
      preset.description,
      String(preset.cores),
      speeds,
      powers.join('; '),
      preset.source,
    ];
  });
  const [any] = Object.values(hostPresets);
  const header = ['Model', 'What', 'Cores', 'MIPS of a core', 'Power, W', 'Source of the power'];
  return `## Host presets

Power is eleven points at 0, 10, …, 100 % load, or idle to full power of each P-state, fastest first.
Memory as configured is an assumption, and so are, for all of them, ${(any?.bootMs ?? 0) / 1000} s to boot at 75 % of full
power, ${(any?.shutdownMs ?? 0) / 1000} s to shut down at 110 % of idle power, and ${any?.offW} W while off.

${markdownTable(header, rows)}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
