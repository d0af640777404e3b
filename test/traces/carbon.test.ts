import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { readCarbonTrace, readPriceTrace } from '../../traces/carbon.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { directoryWith } from './temporary-directory.ts';

const electricityMaps =
  'Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),Carbon intensity gCO₂eq/kWh (Life cycle),Data source\n' +
  '2021-01-01 00:00:00,Sweden,Sweden,SE,2.5,30,"a, b"\n' +
  '2021-01-01 01:00:00,Sweden,Sweden,SE,,32,x\n' +
  '2021-01-01 02:00:00,Sweden,Sweden,SE,4.5,34,x\n';
const start = Date.UTC(2021, 0, 1);
const hour = 3_600_000;
const inFile = (content: string | Uint8Array): string =>
  join(directoryWith({ 'a.csv': content }), 'a.csv');

it("reads Electricity Maps' export, by life cycle or directly", () => {
  const life = readCarbonTrace(inFile(electricityMaps));
  expect([...life.trace.timestampMs]).toEqual([start, start + hour, start + 2 * hour]);
  expect([...life.trace.gramsPerKwh]).toEqual([30, 32, 34]);
  expect(life.trace.at(start + 1.5 * hour)).toBe(32);
  expect(life.report).toMatchObject({ rows: 3, held: 0 });
  const direct = readCarbonTrace(inFile(gzipSync(electricityMaps)), { basis: 'direct' });
  expect([...direct.trace.gramsPerKwh]).toEqual([2.5, 2.5, 4.5]);
  expect(direct.report.held).toBe(1);
  const older = electricityMaps.replace('(Life cycle)', '(LCA)');
  expect([...readCarbonTrace(inFile(older)).trace.gramsPerKwh]).toEqual([30, 32, 34]);
});

it('reads plain tables: seconds, ms or ISO, named or only columns', () => {
  const expected = [100, 200];
  const texts = [
    'timestamp,carbon_intensity\n1600000000,100\n1600003600,200\n',
    'timestamp,carbon_intensity\n1600000000000,100\n1600003600000,200\n',
    'time,gCO2/kWh\n2020-09-13T12:26:40Z,100\n2020-09-13T13:26:40Z,200\n',
    'time,x\n1600000000,100\n1600003600,200\n',
  ];
  for (const text of texts) {
    const { trace } = readCarbonTrace(inFile(text));
    expect([...trace.timestampMs, ...trace.gramsPerKwh]).toEqual([
      1.6e12,
      1.6e12 + hour,
      ...expected,
    ]);
  }
  const named = 'a,b,c\n0,5,100\n10,5,200\n';
  const { trace } = readCarbonTrace(inFile(named), {
    timeColumn: 'a',
    column: 'c',
    timeUnit: 'ms',
    outside: 'wrap',
  });
  expect([trace.at(0), trace.at(10), trace.at(20), trace.at(35)]).toEqual([100, 200, 100, 200]);
});

it('reads prices per MWh as per kWh, negative ones too, of one zone', () => {
  const text =
    'Country,Datetime (UTC),Price (EUR/MWhe)\nAustria,2021-01-01 00:00:00,50\nAustria,2021-01-01 01:00:00,-20\nBelgium,2021-01-01 00:00:00,70\n';
  expect(() => readPriceTrace(inFile(text))).toThrow(
    /a.csv:4: expected zone Austria only, or `zone` given, got Belgium/,
  );
  const { trace } = readPriceTrace(inFile(text), { zone: 'Austria' });
  expect([...trace.pricePerKwh]).toEqual([0.05, -0.02]);
  expect(trace.currency).toBe('EUR');
  expect([...readPriceTrace(inFile(text), { zone: 'Belgium' }).trace.pricePerKwh]).toEqual([0.07]);
  expect(() => readPriceTrace(inFile(text), { zone: 'Chad' })).toThrow(
    /at least one value, got none of Chad/,
  );
});

it('names what it cannot use', () => {
  const expectIssue = (content: string, issue: RegExp): void => {
    expect(() => readCarbonTrace(inFile(content))).toThrow(InputError);
    expect(() => readCarbonTrace(inFile(content))).toThrow(issue);
  };
  const head = 'timestamp,carbon_intensity\n';
  expectIssue(`${head}10,1\n5,2\n`, /a.csv:3: expected a time after 10000 ms, got 5/);
  expectIssue(`${head}10,1\n10,2\n`, /a.csv:3: expected a time after 10000 ms/);
  expectIssue(`${head}x,1\n`, /a.csv:2: expected a time, got x/);
  expectIssue(`${head}1,-1\n`, /a.csv:2: expected carbon_intensity: a number from 0 up, got -1/);
  expectIssue(`${head}1,\n`, /a.csv:2: expected carbon_intensity: a number from 0 up/);
  expectIssue(`${head}1,NaN\n`, /a.csv:2: expected carbon_intensity: a number from 0 up, got NaN/);
  expectIssue(`${head}1\n`, /a.csv:2: expected 2 columns, got 1: 1/);
  expectIssue(head, /expected at least one value, got none/);
  expectIssue('a,b,c\n', /a.csv:1: expected a column of times/);
  expectIssue('PAR1', /expected a Parquet file/);
  expect(() => readCarbonTrace('/nonexistent/a')).toThrow(/expected a readable file, got ENOENT/);
});

describeWithReference("OpenDC's carbon of the SURF month", () => {
  it('is 2,976 quarters of an hour', () => {
    const { trace, report } = readCarbonTrace(
      referencePath('data', 'surf-2022-10', 'carbon.parquet'),
    );
    expect(report.rows).toBe(2976);
    expect(trace.timestampMs[1]! - trace.timestampMs[0]!).toBe(900_000);
    const end = trace.timestampMs.at(-1)! + 900_000;
    const sum = trace.gramsPerKwh.reduce((total, grams) => total + grams, 0) * 900_000;
    expect(Math.abs(trace.integral(trace.timestampMs[0]!, end) / sum - 1)).toBeLessThan(1e-12);
  });
});
