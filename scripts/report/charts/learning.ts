/** The learning curve: held-out regret and training loss by epoch, against the best fixed rule. */
import { significant } from '../format.ts';
import { color } from '../palette.ts';
import {
  axis,
  baseOptions,
  type ChartDefinition,
  type ChartSource,
  rounded,
} from './definition.ts';

export function learningChart({ evaluation }: ChartSource): ChartDefinition | undefined {
  const { learning } = evaluation;
  if (learning === undefined || learning.curve.length === 0) return undefined;
  const { curve, bestFixed } = learning;
  const first = curve[0]!;
  const best = curve.reduce((a, b) => (b.heldOutRegret < a.heldOutRegret ? b : a));
  const last = curve.at(-1)!;
  const fixedKnown = Number.isFinite(bestFixed.heldOutRegret);
  const relation =
    best.heldOutRegret < bestFixed.heldOutRegret ? 'below always' : 'not below always';
  const regret = { yAxisID: 'y', borderColor: color('learned'), backgroundColor: color('learned') };
  return {
    id: 'learning',
    title:
      `Learning: held-out regret ${significant(first.heldOutRegret, 2)} → ${significant(best.heldOutRegret, 2)} kWh-eq ` +
      `at epoch ${best.epoch}${fixedKnown ? `, ${relation} ${bestFixed.source}` : ''}`,
    subtitle:
      'Held-out regret: cost of the plan chosen above the best plan tried, mean over decisions not trained on',
    alt:
      `Lines by epoch: held-out regret from ${significant(first.heldOutRegret)} to a least of ` +
      `${significant(best.heldOutRegret)} kWh-eq at epoch ${best.epoch}; training loss from ` +
      `${significant(first.trainLoss)} to ${significant(last.trainLoss)}` +
      `${fixedKnown ? `; always following ${bestFixed.source} has ${significant(bestFixed.heldOutRegret)}` : ''}.`,
    height: 380,
    config: {
      type: 'line',
      data: {
        datasets: [
          {
            ...regret,
            label: 'held-out regret',
            data: curve.map(({ epoch, heldOutRegret }) => ({
              x: epoch,
              y: rounded(heldOutRegret),
            })),
            pointRadius: curve.map((point) => (point === best ? 6 : 2)),
            // The legend takes its sign from the first point.
            pointStyle: curve.map((_, index) => (index === 0 ? 'line' : 'circle')),
            borderWidth: 2.25,
          },
          ...(fixedKnown
            ? [
                {
                  ...regret,
                  label: `always ${bestFixed.source}`,
                  data: [first, last].map(({ epoch }) => ({
                    x: epoch,
                    y: rounded(bestFixed.heldOutRegret),
                  })),
                  borderColor: color('bestHeuristic'),
                  backgroundColor: color('bestHeuristic'),
                  borderDash: [7, 4],
                  borderWidth: 1.75,
                  pointRadius: 0,
                  pointStyle: 'line' as const,
                },
              ]
            : []),
          {
            label: 'training loss (right axis)',
            yAxisID: 'loss',
            data: curve.map(({ epoch, trainLoss }) => ({ x: epoch, y: rounded(trainLoss) })),
            borderColor: color('allOn'),
            backgroundColor: color('allOn'),
            borderWidth: 1.5,
            pointRadius: 0,
            pointStyle: 'line',
          },
        ],
      },
      options: {
        ...baseOptions(undefined, 26),
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: {
          x: {
            ...axis('Epoch'),
            type: 'linear',
            min: first.epoch,
            max: Math.max(last.epoch, first.epoch + 1),
            ticks: { ...axis('').ticks, precision: 0 },
          },
          y: { ...axis('Held-out regret, kWh-eq per decision'), beginAtZero: true },
          loss: {
            ...axis('Training loss'),
            position: 'right',
            beginAtZero: true,
            grid: { drawOnChartArea: false },
          },
        },
      },
    },
  };
}
