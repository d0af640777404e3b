/**
 * Runs a scenario in the form that SimGrid runs too and prints the result as one JSON object.
 * Exit code 0: done, 1: failed, 2: bad input.
 */

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { parseSimGridScenario, runSimGrid } from '../sim/compat/simgrid/index.ts';
import { inputError } from '../sim/errors.ts';
import { runAsScript } from './run-as-script.ts';

function createProgram(): Command {
  return new Command('referee-simgrid')
    .description('Simulate a scenario of hosts, VMs, tasks and dated events; print JSON.')
    .argument('<file>', 'scenario in JSON, or - for standard input')
    .option('--indent <spaces>', 'spaces per level of the output, 0 for one line', '0')
    .addHelpText(
      'after',
      `
The scenario, in flop/s, W, J, bytes and s:
  { name, end,
    hosts: [{ name, cores, pstates: [{ speed, idle, epsilon, max }], watts_off, pstate,
              initially_on, boot: { pstate, duration }, shutdown: { pstate, duration },
              governor: { name, sampling_rate } }],
    network: { model: "CM02" | "LV08", crosstraffic: 0 | 1,
               links: [{ name, bandwidth, latency }], routes: [{ src, dst, links }] },
    vms: [{ name, host, cores, ram_bytes, bound,
            migration: { speed, dp_intensity, working_set } }],
    tasks: [{ id, on, start, phases: [{ flops, threads, bound, priority }
                                      | { sleep } | { sleep_until }] }
            | { id, on, start, background_threads, background_flops }],
    events: [{ t, type: "pstate", host, pstate } | { t, type: "vm_bound", vm, bound }
             | { t, type: "migrate", vm, dst } | { t, type: "power_off" | "power_on", host }],
    sample_times: [t, …] }
or { name, generator: { host_count, cores, speed, idle, epsilon, max, vm_count,
                        vm_vcpus_cycle, interval, steps, seed0 } }.

The result: task_phases, completion, migrations with their rounds, vm_events, pstate_changes,
samples, power, energy_J per host, flops_done, energy_total_J; for a generator energy_J in the order
of hosts. Events that could not be carried out are listed under refused.

Example:
  npm run --silent referee:simgrid -- scenario.json

Exit codes: 0 done, 1 failed, 2 bad input.`,
    )
    .exitOverride();
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw inputError(file, 'a readable file', code === 'ENOENT' ? 'nothing there' : code);
  }
}

/** Runs the command line `args` and returns the text to print. */
export function referee(args: readonly string[]): string {
  const program = createProgram().parse(args, { from: 'user' });
  const { indent } = program.opts<{ indent: string }>();
  const file = program.args[0] ?? '';
  if (!/^[0-9]$/.test(indent)) throw inputError('--indent', 'a digit', indent);
  const scenario = parseSimGridScenario(readText(file), file === '-' ? 'standard input' : file);
  return JSON.stringify(runSimGrid(scenario), undefined, Number(indent));
}

runAsScript(import.meta.url, referee);
