/** What was learned, as hosts that a scenario can use. */

import { formula } from './charts.ts';
import type { ClusterSource } from './cluster-source.ts';
import type { ClusterResult } from './cluster-summary.ts';
import type { PowerFit } from './telemetry-result.ts';

/** Name of the file of hosts. */
export const parameterFile = 'hosts.yaml';

/** `hosts:` of a scenario with the fitted curve, YAML. */
export function clusterHosts(result: ClusterResult, source: ClusterSource): string {
  const { fit, test, hostTableW } = result;
  const cores = Math.max(1, source.hostCores);
  const speed = source.hostCapacityMhz / cores;
  const memory = source.hostMemoryMb > 0 ? `${source.hostMemoryMb} MB` : '1 GB';
  return `# Hosts for a scenario, fitted to ${fit.samples} samples of days ${fit.days[0]} to ${fit.days[1]}.
# One host: ${formula(fit.coefficients)} W, u its load in 0 to 1; basis ${fit.basis}.
# Error on days ${test.days[0]} to ${test.days[1]}: ${test.mape30s.toFixed(2)} % (samples), ${test.mape5min.toFixed(2)} % (5 min); energy ${test.bias.toFixed(2)} %.
# With the eleven points below in place of the formula: ${test.table.mape30s.toFixed(2)} %.
hosts:
  - name: node
    count: ${result.source.hosts}
    cores: ${cores}
    memory: ${memory}
    pstates:
      - speed: ${speed} MHz
        idle: ${watts(fit.coefficients[0]!.watts)} W
        full: ${watts(hostTableW[10]!)} W
        curve: [${hostTableW.map(watts).join(', ')}]
`;
}

/** `hosts:` of a scenario, one entry per model of host, YAML. */
export function telemetryHosts(fits: readonly PowerFit[]): string {
  const entries = fits.map(({ model, hosts, pstates, error }) => {
    const lines = pstates.map(
      ({ frequencyMhz, idleW, epsilonW, fullW, curveW }) =>
        `      - speed: ${frequencyMhz ?? 1000} MHz${frequencyMhz === undefined ? ' # not in the telemetry' : ''}
        idle: ${watts(idleW)} W
        epsilon: ${watts(epsilonW)} W
        full: ${watts(fullW)} W${curveW === undefined ? '' : `\n        curve: [${curveW.map(watts).join(', ')}]`}`,
    );
    return `  # ${model}: error ${error.mape.toFixed(2)} % by cross-validation over ${error.samples} samples.
  # Cores and memory are not in the telemetry: fill them in.
  - name: ${JSON.stringify(model)}
    count: ${hosts}
    cores: 1
    memory: 1 GB
    pstates:
${lines.join('\n')}
`;
  });
  return `# Hosts for a scenario, fitted to telemetry.\nhosts:\n${entries.join('')}`;
}

const watts = (value: number): string => String(Number(value.toFixed(3)));
