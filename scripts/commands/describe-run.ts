/** A run in words: one line per figure. */
import type { RunResult, RunSummary } from '../../sim/index.ts';
import { describeApplications } from './describe-applications.ts';
import { describeFacility } from './describe-facility.ts';
import { line } from './line.ts';

/** The lines that `wattwin simulate` prints about a run. */
export function describeRun(name: string, seed: number, result: RunResult): string {
  const { summary, cost } = result;
  return (
    `${name}, ${result.policy}, seed ${seed}: ${(summary.simulatedS / 3600).toFixed(1)} h simulated, ` +
    `${summary.eventsProcessed} events\n` +
    line('energy', `${summary.energyKwh.toFixed(3)} kWh`) +
    describeFacility(summary) +
    line(
      'lost work',
      `${cost.lostVcpuHours.toFixed(3)} vCPU·h (${(100 * summary.unservedFraction).toFixed(3)} % of demand)`,
    ) +
    line('objective', `${result.objective.toFixed(3)} kWh-equivalents`) +
    line(
      'hosts on',
      `${summary.meanHostsOn.toFixed(2)} on average; switched on ${summary.hostsSwitchedOn}, off ${summary.hostsSwitchedOff} times`,
    ) +
    line(
      'migrations',
      `${summary.migrations} (mean ${summary.meanMigrationS.toFixed(1)} s, downtime ${summary.meanDowntimeMs.toFixed(1)} ms)`,
    ) +
    describeOutcomes(summary) +
    line('SLATAH', `${(100 * summary.slatah).toFixed(3)} %`) +
    line('PDM', `${(100 * summary.pdm).toFixed(4)} %`) +
    line('SLAV, ESV', `${summary.slav.toExponential(3)}, ${summary.esv.toExponential(3)} kWh`) +
    line('P-state changes', String(summary.pstateChanges)) +
    line('mean wait for a host', `${summary.meanWaitS.toFixed(1)} s`) +
    line('fairness (Jain)', summary.fairness.toFixed(4)) +
    (summary.responseS === undefined
      ? ''
      : line(
          'task response',
          `mean ${summary.responseS.mean.toFixed(1)} s, p99 ${summary.responseS.p99.toFixed(1)} s`,
        )) +
    describeFaults(summary) +
    describeApplications(summary)
  );
}

/** Nothing where every migration simply finished. */
function describeOutcomes({ migrationOutcomes }: RunSummary): string {
  if (migrationOutcomes === undefined) return '';
  const { aborted, failed, vmsLost, postCopied } = migrationOutcomes;
  const parts = [
    ...(aborted > 0 ? [`${aborted} aborted`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(postCopied > 0 ? [`${postCopied} by post-copy`] : []),
    ...(vmsLost > 0 ? [`${vmsLost} VMs lost in post-copy`] : []),
  ];
  return line('', parts.join(', '));
}

/** Nothing where nothing can fail. */
function describeFaults({ faults }: RunSummary): string {
  if (faults === undefined) return '';
  const { hostFailures, hostAvailability, vmCrashes, vmHoursDown } = faults;
  return (
    line(
      'host failures',
      `${hostFailures}; hosts available for ${(100 * hostAvailability).toFixed(3)} % of the time`,
    ) + line('VM crashes', `${vmCrashes}; VMs down for ${vmHoursDown.toFixed(2)} VM·h`)
  );
}
