/** The lines that `wattwin simulate` prints about energy at the wall, money and carbon. */
import type { RunSummary } from '../../sim/index.ts';
import { line } from './line.ts';

/** Empty without a facility. */
export function describeFacility({ facility }: RunSummary): string {
  if (facility === undefined) return '';
  const { energyKwh, meanPue, carbonKg, currency = '', electricity } = facility;
  const { revenue, forgone = 0, penalty = 0, profit } = facility;
  const money = (amount: number): string => `${amount.toFixed(2)} ${currency}`.trimEnd();
  return [
    line(
      'energy at the wall',
      `${energyKwh.toFixed(3)} kWh (PUE ${meanPue.toFixed(3)} on average)`,
    ),
    carbonKg === undefined ? '' : line('carbon', `${carbonKg.toFixed(3)} kg CO₂eq`),
    electricity === undefined ? '' : line('electricity', money(electricity)),
    revenue === undefined
      ? ''
      : line('revenue', `${money(revenue)}; ${money(forgone)} forgone by VMs without a host`),
    penalty === 0 ? '' : line('penalty', money(penalty)),
    profit === undefined ? '' : line('profit', money(profit)),
  ].join('');
}
