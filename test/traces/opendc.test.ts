import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { readCarbon, readConsumption, readOpenDcTasks } from '../../traces/index.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { parquetBytes, type TestColumn } from './parquet-file.ts';
import { directoryWith } from './temporary-directory.ts';

const text = (name: string, values: readonly unknown[]): TestColumn => ({
  ...{ name, type: 'BYTE_ARRAY', values, converted: 0 },
});
const int32 = (name: string, values: readonly unknown[]): TestColumn => ({
  ...{ name, type: 'INT32', values },
});
const int64 = (name: string, values: readonly unknown[]): TestColumn => ({
  ...{ name, type: 'INT64', values },
});
const double = (name: string, values: readonly unknown[]): TestColumn => ({
  ...{ name, type: 'DOUBLE', values },
});

/** Three tasks out of order: b at 2 s, a and c at 1 s. */
const tasks: readonly TestColumn[] = [
  text('id', ['b', 'a', 'c']),
  int64('submission_time', [2000, 1000, 1000]),
  int64('duration', [60, 50, 40]),
  int32('cpu_count', [1, 2, 3]),
  double('cpu_capacity', [1000, 2000, 3000]),
  int64('mem_capacity', [10, 20, 30]),
];
/** Two of b, one of a, and one more of b; none of c. */
const fragments: readonly TestColumn[] = [
  text('id', ['b', 'b', 'a', 'b']),
  int64('duration', [1, 2, 3, 4]),
  int32('cpu_count', [1, 1, 1, 1]),
  double('cpu_usage', [10, 20, 30, 40]),
];

function write(name: string, columns: readonly TestColumn[]): string {
  return join(directoryWith({ [name]: parquetBytes(columns) }), name);
}

/** A directory with both tables; a column of `changed` replaces the one of its name or is added. */
function workload(changed: {
  readonly tasks?: readonly TestColumn[];
  readonly fragments?: readonly TestColumn[];
  readonly without?: string;
}): string {
  const table = (base: readonly TestColumn[], by: readonly TestColumn[] = []): Uint8Array => {
    const columns = [
      ...base.map((column) => by.find(({ name }) => name === column.name) ?? column),
      ...by.filter(({ name }) => !base.some((column) => column.name === name)),
    ];
    return parquetBytes(
      columns.filter(({ name }) => name !== changed.without),
      2,
    );
  };
  return directoryWith({
    'tasks.parquet': table(tasks, changed.tasks),
    'fragments.parquet': table(fragments, changed.fragments),
  });
}

describe('an OpenDC workload', () => {
  it('comes in order of submission, with the fragments of each task in order of the file', async () => {
    const read = await readOpenDcTasks(workload({}));
    expect(read.ids).toEqual(['a', 'c', 'b']);
    expect([...read.submissionMs]).toEqual([1000, 1000, 2000]);
    expect([...read.durationMs]).toEqual([50, 40, 60]);
    expect([...read.cpuCount]).toEqual([2, 3, 1]);
    expect([...read.cpuCapacityMhz]).toEqual([2000, 3000, 1000]);
    expect([...read.memoryMb]).toEqual([20, 30, 10]);
    expect([...read.fragmentStart]).toEqual([0, 1, 1, 4]);
    expect([...read.fragmentMs]).toEqual([3, 1, 2, 4]);
    expect([...read.fragmentMhz]).toEqual([30, 10, 20, 40]);
    expect(read.parents).toBeUndefined();
    expect(read.deferrable).toBeUndefined();
    expect(read.deadlineMs).toBeUndefined();
  });

  it('may have whole numbers as ids, other widths and timestamps', async () => {
    const read = await readOpenDcTasks(
      workload({
        tasks: [
          int32('id', [7, 5, 6]),
          { ...int64('submission_time', [2_000_000, 1_000_000, 1_500_000]), converted: 10 },
          { name: 'cpu_capacity', type: 'FLOAT', values: [0.5, 2, 3] },
          double('mem_capacity', [10, 20, 30.5]),
        ],
        fragments: [int64('id', [7, 7, 5, 7])],
      }),
    );
    expect(read.ids).toEqual(['5', '6', '7']);
    expect([...read.submissionMs]).toEqual([1000, 1500, 2000]);
    expect([...read.cpuCapacityMhz]).toEqual([2, 3, 0.5]);
    expect([...read.memoryMb]).toEqual([20, 30.5, 10]);
    expect([...read.fragmentMhz]).toEqual([30, 10, 20, 40]);
  });

  it('reads timestamps in ms and columns that may hold nulls but do not', async () => {
    const submission_time = { ...int64('submission_time', [2000, 1000, 1000]), converted: 9 };
    const cpu_capacity = { ...double('cpu_capacity', [1, 2, 3]), optional: true };
    const read = await readOpenDcTasks(workload({ tasks: [submission_time, cpu_capacity] }));
    expect([...read.submissionMs]).toEqual([1000, 1000, 2000]);
    expect([...read.cpuCapacityMhz]).toEqual([2, 3, 1]);
  });

  it('hands out parents, deferrable and deadline where they are', async () => {
    const read = await readOpenDcTasks(
      workload({
        tasks: [
          { ...text('parents', [['a', 'c'], [], ['a']]), list: true },
          { name: 'deferrable', type: 'BOOLEAN', values: [true, false, false] },
          { ...int64('deadline', [-1, 5000, null]), optional: true },
        ],
      }),
    );
    expect(read.parents).toEqual([[], [0], [0, 1]]);
    expect([...read.deferrable!]).toEqual([0, 0, 1]);
    expect([...read.deadlineMs!]).toEqual([5000, -1, -1]);
  });

  it('does not need the fragments’ cpu_count', async () => {
    const path = workload({});
    writeFileSync(
      join(path, 'fragments.parquet'),
      parquetBytes(fragments.filter(({ name }) => name !== 'cpu_count')),
    );
    expect([...(await readOpenDcTasks(path)).fragmentMs]).toEqual([3, 1, 2, 4]);
  });

  it('may be empty', async () => {
    const path = workload({});
    for (const [name, table] of [
      ['tasks', tasks],
      ['fragments', fragments],
    ] as const) {
      const none = table.map((column) => ({ ...column, values: [] }));
      writeFileSync(join(path, `${name}.parquet`), parquetBytes(none));
    }
    const read = await readOpenDcTasks(path);
    expect(read.ids).toEqual([]);
    expect([...read.fragmentStart]).toEqual([0]);
  });

  it('is the same whatever the row groups', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 9 }), fc.nat({ max: 99 })), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 41 }),
        async (rows, perGroup) => {
          const path = workload({
            tasks: [
              int32('id', [0, 1, 2, 3, 4]),
              int64('submission_time', [5, 4, 3, 2, 1]),
              int64('duration', [0, 0, 0, 0, 0]),
              int32('cpu_count', [1, 1, 1, 1, 1]),
              double('cpu_capacity', [1, 1, 1, 1, 1]),
              int64('mem_capacity', [1, 1, 1, 1, 1]),
            ],
          });
          const columns = [
            int32(
              'id',
              rows.map(([id]) => id),
            ),
            int64(
              'duration',
              rows.map(([, ms]) => ms),
            ),
            double(
              'cpu_usage',
              rows.map(([, , mhz]) => mhz / 4),
            ),
          ];
          writeFileSync(join(path, 'fragments.parquet'), parquetBytes(columns, perGroup));
          const read = await readOpenDcTasks(path);
          [4, 3, 2, 1, 0].forEach((id, task) => {
            const [from, to] = [read.fragmentStart[task]!, read.fragmentStart[task + 1]!];
            const own = rows.filter(([owner]) => owner === id);
            expect([...read.fragmentMs.subarray(from, to)]).toEqual(own.map(([, ms]) => ms));
            expect([...read.fragmentMhz.subarray(from, to)]).toEqual(
              own.map(([, , mhz]) => mhz / 4),
            );
          });
        },
      ),
      { seed: 20221006, numRuns: 40 },
    );
  });
});

describe('a bad workload is an InputError that names the place', () => {
  const bad: readonly (readonly [title: string, path: () => string, message: RegExp])[] = [
    [
      'no directory',
      () => join(directoryWith(), 'none'),
      /tasks\.parquet: expected a readable file, got ENOENT/,
    ],
    [
      'a missing column',
      () => workload({ without: 'cpu_usage' }),
      /fragments\.parquet: expected a column cpu_usage, got columns id, duration, cpu_count$/,
    ],
    [
      'a wrong type',
      () => workload({ tasks: [text('duration', ['1', '2', '3'])] }),
      /tasks\.parquet: column duration: expected a column of ms .*, got BYTE_ARRAY/,
    ],
    [
      'a list where a number is due',
      () => workload({ tasks: [{ ...int64('duration', [[1], [2], [3]]), list: true }] }),
      /column duration: expected a column of ms .*, got lists of INT64/,
    ],
    [
      'NaN',
      () => workload({ fragments: [double('cpu_usage', [1, 2, 3, Number.NaN])] }),
      /fragments\.parquet: column cpu_usage, row 4: expected a number from 0 up, got NaN/,
    ],
    [
      'no value',
      () => workload({ tasks: [{ ...double('cpu_capacity', [1, null, 3]), optional: true }] }),
      /column cpu_capacity, row 2: expected a number from 0 up, got no value/,
    ],
    [
      'a negative duration',
      () => workload({ fragments: [int64('duration', [1, 2, -3, 4])] }),
      /column duration, row 3: expected a number from 0 up, got -3/,
    ],
    [
      'an infinite demand',
      () => workload({ fragments: [double('cpu_usage', [Infinity, 2, 3, 4])] }),
      /column cpu_usage, row 1: .*got Infinity/,
    ],
    [
      'an unknown task',
      () => workload({ fragments: [text('id', ['b', 'x', 'a', 'b'])] }),
      /fragments\.parquet: column id, row 2: expected the id of a task, got x/,
    ],
    [
      'an id twice',
      () => workload({ tasks: [text('id', ['b', 'a', 'b'])] }),
      /tasks\.parquet: column id, row 3: expected an id of its own, got b again/,
    ],
    [
      'an unknown parent',
      () => workload({ tasks: [{ ...text('parents', [[], ['z'], []]), list: true }] }),
      /column parents, row 2: expected ids of tasks, got z/,
    ],
  ];
  it.each(bad)('%s', async (_, path, message) => {
    const reading = readOpenDcTasks(path());
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
  });

  it('a file cut anywhere', async () => {
    const whole = parquetBytes(tasks, 2);
    for (let length = 0; length < whole.length; length += 7) {
      const path = workload({});
      writeFileSync(join(path, 'tasks.parquet'), whole.subarray(0, length));
      await expect(readOpenDcTasks(path), `${length} bytes`).rejects.toThrow(InputError);
    }
  });

  it('a file with other bytes in it is read or refused, never more', async () => {
    const whole = parquetBytes(tasks, 2);
    const path = workload({});
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: whole.length - 1 }),
        fc.nat({ max: 255 }),
        async (at, byte) => {
          const changed = Uint8Array.from(whole);
          changed[at] = byte;
          writeFileSync(join(path, 'tasks.parquet'), changed);
          await readOpenDcTasks(path).catch((error: unknown) =>
            expect(error).toBeInstanceOf(InputError),
          );
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('consumption and carbon', () => {
  it('are columns of numbers', async () => {
    const consumption = write('consumption.parquet', [
      int64('timestamp', [30_000, 60_000]),
      double('power_draw', [100, 200]),
      double('energy_usage', [3000, 6000]),
    ]);
    const { timestampMs, powerW, energyJ } = await readConsumption(consumption);
    expect([[...timestampMs], [...powerW], [...energyJ]]).toEqual([
      [30_000, 60_000],
      [100, 200],
      [3000, 6000],
    ]);
    const carbon = write('carbon.parquet', [
      { ...int64('timestamp', [1_000_000, 2_000_000]), converted: 9 },
      double('carbon_intensity', [80, 120]),
    ]);
    const read = await readCarbon(carbon);
    expect([[...read.timestampMs], [...read.gramsPerKwh]]).toEqual([
      [1_000_000, 2_000_000],
      [80, 120],
    ]);
  });

  it('must rise in time', async () => {
    const columns = [int64('timestamp', [1, 2, 2]), double('carbon_intensity', [1, 2, 3])];
    const path = write('falling.parquet', columns);
    await expect(readCarbon(path)).rejects.toThrow(
      /column timestamp, row 3: expected more than 2, got 2/,
    );
  });
});

describeWithReference('four days of SURF', () => {
  const surf = referencePath('data', 'surf-2022-10');

  it('have the tasks and fragments of the files', async () => {
    const read = await readOpenDcTasks(surf);
    expect(read.ids).toHaveLength(2907);
    expect(read.fragmentMs).toHaveLength(1_627_523);
    expect(new Set(read.fragmentMs)).toEqual(new Set([30_000]));
    expect(read.fragmentMhz.subarray(0, 0)).toHaveLength(0);
    // The first rows of the file, which are not the first tasks.
    const task = read.ids.indexOf('2132819');
    const from = read.fragmentStart[task]!;
    expect([...read.fragmentMhz.subarray(from, from + 5)]).toEqual([1953, 2478, 2688, 2625, 2415]);
    for (let index = 1; index < read.ids.length; index++) {
      expect(read.submissionMs[index]! >= read.submissionMs[index - 1]!).toBe(true);
    }
  });

  it('have power every 30 s whose energy is power times 30 s', async () => {
    const { timestampMs, powerW, energyJ } = await readConsumption(
      join(surf, 'consumption.parquet'),
    );
    expect(timestampMs).toHaveLength(11_519);
    expect(energyJ.reduce((sum, value) => sum + value, 0)).toBe(7_417_744_200);
    timestampMs.forEach((time, index) => {
      expect(time).toBe(30_000 * (index + 1));
      expect(energyJ[index]).toBeCloseTo(30 * powerW[index]!, 6);
    });
  });

  it('have carbon every 15 min', async () => {
    const { timestampMs, gramsPerKwh } = await readCarbon(join(surf, 'carbon.parquet'));
    expect(timestampMs).toHaveLength(2976);
    expect(timestampMs[0]).toBe(Date.UTC(2022, 8, 30));
    expect(timestampMs[1]! - timestampMs[0]!).toBe(900_000);
    expect(gramsPerKwh[0]).toBe(331.11642878833885);
  });

  it('cannot be read from a file cut in half', async () => {
    const bytes = readFileSync(join(surf, 'fragments.parquet'));
    const path = workload({});
    writeFileSync(join(path, 'fragments.parquet'), bytes.subarray(0, bytes.length / 2));
    await expect(readOpenDcTasks(path)).rejects.toThrow(
      /fragments\.parquet: expected a Parquet file/,
    );
  });
});
