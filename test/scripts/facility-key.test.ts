/** The key `facility` of scenarios: what it makes of a model, files included, and what it refuses. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadEpisode, readEpisode } from '../../scripts/episode.ts';
import { type ClusterModel, InputError, objectiveOf } from '../../sim/index.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { directoryWith } from '../traces/temporary-directory.ts';
import { wattwin } from './command-line.ts';

const scenario = (keys: string): string => `name: s
hosts: [{ model: grid5000-stremi, count: 2 }]
workload: { type: synthetic, vms: 4, steps: 12 }
${keys}
`;

const load = (keys: string, files: Readonly<Record<string, string>> = {}) =>
  loadEpisode(readEpisode(join(directoryWith({ ...files, 's.yaml': scenario(keys) }), 's.yaml')));

const facility = (keys: string, files?: Readonly<Record<string, string>>) =>
  (load(keys, files).model as ClusterModel).facility!;

function complaints(keys: string, files?: Readonly<Record<string, string>>): string[] {
  try {
    load(keys, files);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.issues.map(({ path, expected, got }) => {
      const place = path.replace(/^.*s\.yaml: /, '');
      return `${place}: expected ${expected}, got ${got}`;
    });
  }
  return [];
}

const carbonCsv = `timestamp,carbon_intensity
2024-05-01T00:00:00Z,80
2024-05-01T01:00:00Z,120
2024-05-01T02:00:00Z,100
`;

describe('the key facility', () => {
  it('is nothing where it is not given', () => {
    expect(load('').model.facility).toBeUndefined();
    expect(Object.keys(load('').model)).not.toContain('facility');
  });

  it('reads units: MWh, kg, and prices by the hour', () => {
    const model = facility(`facility:
  pue: 1.5
  fixed: 2 kW
  price: 80 EUR/MWh
  carbon: 0.3 kg/kWh
  revenue: { vm: 0.02 EUR/h, vcpu: 1e-2 EUR/h }
  penalty: 1 EUR/h`);
    expect(model).toMatchObject({ pue: 1.5, fixedW: 2000, currency: 'EUR', changes: false });
    expect([...model.signals.price!.values]).toEqual([0.08]);
    expect([...model.signals.carbon!.values]).toEqual([300]);
    expect(model.tariff).toEqual({
      perVmHour: 0.02,
      perVcpuHour: 0.01,
      perGibHour: 0,
      perLostVcpuHour: 1,
    });
  });

  it('takes steps, negative prices among them', () => {
    const model = facility(`facility:
  priceTrace:
    steps: [{ at: 0 s, value: 0.1 EUR/kWh }, { at: 30 min, value: -5 EUR/MWh }]
    repeat: true`);
    expect(model.signals.price).toMatchObject({ endMs: 3_600_000, outside: 'wrap' });
    expect([...model.signals.price!.timestampMs]).toEqual([0, 1_800_000]);
    expect([...model.signals.price!.values]).toEqual([0.1, -0.005]);
    expect(model.changes).toBe(true);
  });

  it('reads a file beside the scenario from a moment on', () => {
    const files = { 'carbon.csv': carbonCsv };
    const whole = facility('facility: { carbonTrace: { file: carbon.csv } }', files);
    expect([...whole.signals.carbon!.timestampMs]).toEqual([0, 3_600_000, 7_200_000]);
    const later = facility(
      'facility: { carbonTrace: { file: carbon.csv, from: 2024-05-01T00:30:00Z } }',
      files,
    );
    expect([...later.signals.carbon!.timestampMs]).toEqual([-1_800_000, 1_800_000, 5_400_000]);
    expect(later.signals.carbon!.endMs).toBe(9_000_000);
    expect([...later.signals.carbon!.values]).toEqual([80, 120, 100]);
  });

  it('names the currency that a file of prices has', () => {
    const files = {
      'price.csv': 'Datetime (UTC),Price (EUR/MWhe)\n2024-05-01 00:00,80\n2024-05-01 01:00,120\n',
    };
    const keys = 'facility: { priceTrace: { file: price.csv } }';
    expect(facility(keys, files)).toMatchObject({ currency: 'EUR' });
    expect([...facility(keys, files).signals.price!.values]).toEqual([0.08, 0.12]);
    const other = 'facility: { priceTrace: { file: price.csv }, penalty: 1 USD/h }';
    expect(complaints(other, files)).toEqual([
      'facility.priceTrace.file: expected USD, as the others, got EUR',
    ]);
  });

  it('gives money and carbon a weight', () => {
    const weighted = load(
      'objective: { money: 2, carbon: 0.5 }\nfacility: { price: 1 EUR/kWh, carbon: 1 g/kWh }',
    );
    expect(objectiveOf(weighted.scenario)).toMatchObject({ moneyPerUnit: 2, carbonPerKg: 0.5 });
    expect(Object.keys(objectiveOf(load('').scenario))).toHaveLength(3);
  });

  it.each([
    ['facility: { pue: 0.9 }', 'facility.pue'],
    [
      'facility: { price: 0.2 }',
      'facility.price: expected a price such as "0.25 EUR/kWh", got 0.2',
    ],
    ['facility: { price: 0.2 EUR/h }', 'facility.price: expected a price such as "0.25 EUR/kWh"'],
    ['facility: { price: -1 EUR/kWh }', 'facility.price: expected a price such as "0.25 EUR/kWh"'],
    ['facility: { carbon: 300 g }', 'facility.carbon: expected a carbon intensity such as'],
    ['facility: { carbon: 300 constructor/kWh }', 'facility.carbon: expected a carbon intensity'],
    ['facility: { colour: red }', 'colour'],
    [
      'facility: { price: 1 EUR/kWh, penalty: 1 USD/h }',
      'facility.penalty: expected EUR, as the others, got USD',
    ],
    [
      'facility: { priceTrace: {} }',
      'facility.priceTrace: expected either file or steps, got neither',
    ],
    [
      'facility: { carbon: 1 g/kWh, carbonTrace: { steps: [{ at: 0 s, value: 1 g/kWh }] } }',
      'facility.carbonTrace: expected carbon or carbonTrace, not both, got both',
    ],
    [
      'facility: { carbonTrace: { zone: DE, steps: [{ at: 0 s, value: 1 g/kWh }] } }',
      'facility.carbonTrace.zone: expected none without a file, got "DE"',
    ],
    [
      'facility: { carbonTrace: { steps: [{ at: 1 s, value: 1 g/kWh }] } }',
      'facility.carbonTrace.steps[0].at: expected 0 s, got 1000 ms',
    ],
    [
      'facility: { carbonTrace: { steps: [{ at: 0 s, value: 1 g/kWh }, { at: 0 s, value: 2 g/kWh }] } }',
      'facility.carbonTrace.steps[1].at: expected a time after 0 ms, got 0 ms',
    ],
    [
      'facility: { carbonTrace: { steps: [{ at: 0 s, value: 1 g/kWh }, { at: 1 us, value: 2 g/kWh }] } }',
      'facility.carbonTrace.steps[1].at: expected whole milliseconds, got 0.001 ms',
    ],
    [
      'facility: { forecast: { hours: 4, error: 0 } }',
      'facility.forecast: expected a price or a carbon intensity, got none',
    ],
    [
      'objective: { money: 1 }\nfacility: { carbon: 1 g/kWh }',
      'objective.money: expected a price in facility where money has a weight, got 1',
    ],
    [
      'objective: { carbon: 1 }',
      'objective.carbon: expected a carbon intensity in facility where carbon has a weight, got 1',
    ],
    ['facility: { carbonTrace: { file: none.csv } }', 'none.csv'],
  ])('refuses %s', (keys, message) => {
    const found = complaints(keys);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('refuses a moment outside the file', () => {
    const keys = (from: string): string =>
      `facility: { carbonTrace: { file: carbon.csv, from: ${from} } }`;
    const files = { 'carbon.csv': carbonCsv };
    for (const from of ['2024-04-30T23:59:59Z', '2024-05-01T03:00:00Z', 'yesterday']) {
      expect(complaints(keys(from), files)[0]).toBe(
        'facility.carbonTrace.from: expected a moment from 2024-05-01T00:00:00.000Z to before ' +
          `2024-05-01T03:00:00.000Z, got "${from}"`,
      );
    }
  });
});

describe('wattwin simulate', () => {
  it('prints energy at the wall, money and carbon, and stores them', async () => {
    const keys = `duration: 1 h
facility: { pue: 2, price: 0.5 EUR/kWh, carbon: 400 g/kWh, revenue: { vm: 1 EUR/h } }`;
    const path = join(directoryWith({ 's.yaml': scenario(keys) }), 's.yaml');
    const { stdout } = await wattwin('simulate', path, '--json');
    const { summary, cost } = JSON.parse(stdout) as {
      summary: { energyKwh: number; facility: Record<string, number> };
      cost: Record<string, number>;
    };
    const wallKwh = 2 * summary.energyKwh;
    expect(summary.facility).toEqual({
      energyKwh: expect.closeTo(wallKwh, 12),
      meanPue: expect.closeTo(2, 12),
      carbonKg: expect.closeTo(0.4 * wallKwh, 12),
      currency: 'EUR',
      electricity: expect.closeTo(0.5 * wallKwh, 12),
      revenue: expect.closeTo(4, 12),
      forgone: 0,
      penalty: 0,
      profit: expect.closeTo(4 - 0.5 * wallKwh, 12),
    });
    expect(cost).toMatchObject({
      money: expect.closeTo(0.5 * wallKwh, 12),
      carbonKg: expect.closeTo(0.4 * wallKwh, 12),
    });
    const printed = (await wattwin('simulate', path)).stdout;
    expect(printed).toContain(`  energy at the wall    ${wallKwh.toFixed(3)} kWh (PUE 2.000`);
    expect(printed).toContain(`  carbon                ${(0.4 * wallKwh).toFixed(3)} kg CO₂eq\n`);
    expect(printed).toContain('  revenue               4.00 EUR; 0.00 EUR forgone by VMs');
    expect(printed).not.toContain('penalty');
  });

  it('compares money and carbon where they are known', async () => {
    const keys = 'duration: 1 h\nfacility: { price: 0.5 EUR/kWh, carbon: 400 g/kWh }';
    const directory = directoryWith({
      's.yaml': scenario(keys),
      'plain.yaml': scenario('duration: 1 h'),
    });
    const table = async (name: string): Promise<string> => {
      const options = ['--policies', 'all-on,pabfd', '--seeds', '1', '--workers', '1', '--quiet'];
      const out = join(directory, 'out');
      const told = await wattwin(
        'evaluate',
        join(directory, name),
        ...options,
        '--no-png',
        '--out',
        out,
      );
      expect(told.code).toBe(0);
      return told.stdout;
    };
    expect(await table('s.yaml')).toMatch(/money +carbon[\s\S]*EUR +kg CO₂eq/);
    expect(await table('plain.yaml')).not.toMatch(/money|carbon/);
  });
});

describeWithReference('the SURF trace of carbon intensity', () => {
  it('is read from a scenario', () => {
    const path = referencePath('data', 'surf-2022-10', 'carbon.parquet');
    const { signals } = facility(`facility: { carbonTrace: { file: ${path} } }`);
    const { timestampMs, values } = signals.carbon!;
    expect(timestampMs[0]).toBe(0);
    expect(timestampMs.every((time, step) => step === 0 || time > timestampMs[step - 1]!)).toBe(
      true,
    );
    expect(values.every((value) => value > 0 && value < 2000)).toBe(true);
  });
});
