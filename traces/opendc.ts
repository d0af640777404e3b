/**
 * OpenDC workloads, as the SURF traces are published: `tasks.parquet` has a row per task,
 * `fragments.parquet` the pieces of constant CPU demand of each task, in order of time. Beside them
 * may lie `consumption.parquet` (measured power) and `carbon.parquet` (carbon intensity).
 *
 * @see F. Mastenbroek et al., "OpenDC 2.0", CCGrid 2021; the columns are those of OpenDC's trace
 *   format (tasks: id, submission_time ms, duration ms, cpu_count, cpu_capacity MHz, mem_capacity MB;
 *   fragments: id, duration ms, cpu_usage MHz).
 */
import { join } from 'node:path';
import { badValue, openParquet, type ParquetFile } from './parquet.ts';

/** Tasks in order of submission (ties in order of the file) with their demand. */
export interface OpenDcTasks {
  /** Names, [tasks]. */
  readonly ids: readonly string[];
  /** Wall-clock time of submission, ms since 1970 or whatever the file counts from, [tasks]. */
  readonly submissionMs: Float64Array;
  /** Length that the task itself states, ms, [tasks]; its fragments may add up to another one. */
  readonly durationMs: Float64Array;
  readonly cpuCount: Int32Array;
  /** CPU capacity of all the task's cores together, MHz, [tasks]. */
  readonly cpuCapacityMhz: Float64Array;
  readonly memoryMb: Float64Array;
  /** Fragments of task t are `fragmentStart[t]` to `fragmentStart[t + 1]`, [tasks + 1]. */
  readonly fragmentStart: Int32Array;
  /** Length of a fragment, ms, [fragments]. */
  readonly fragmentMs: Float64Array;
  /** CPU demand during a fragment, MHz of all cores together, [fragments]. */
  readonly fragmentMhz: Float64Array;
  /** Tasks (by index) that must end before, [tasks]; only where the file has the column. */
  readonly parents?: readonly (readonly number[])[];
  /** 1 where the task may be put off, [tasks]; only where the file has the column. */
  readonly deferrable?: Uint8Array;
  /** Latest end, ms, negative for none, [tasks]; only where the file has the column. */
  readonly deadlineMs?: Float64Array;
}

/** Measured power of a data center: each sample holds for the interval that ends with it. */
export interface OpenDcConsumption {
  /** ms since the start of the trace, rising, [samples]. */
  readonly timestampMs: Float64Array;
  /** Mean power, W, [samples]. */
  readonly powerW: Float64Array;
  /** Energy of the interval, J, [samples]. */
  readonly energyJ: Float64Array;
}

/** Carbon intensity of power: each value holds from its time to the next one's. */
export interface OpenDcCarbon {
  /** Wall-clock time, ms since 1970, rising, [samples]. */
  readonly timestampMs: Float64Array;
  /** Grams of CO₂ per kWh, [samples]. */
  readonly gramsPerKwh: Float64Array;
}

/**
 * Reads `tasks.parquet` and `fragments.parquet` of a directory. Ids may be text or whole numbers;
 * `cpu_count` of fragments and GPU columns are not used.
 *
 * @throws InputError naming file, column and row of what is missing, of a wrong type, NaN,
 *   negative or unknown.
 */
export function readOpenDcTasksSync(directory: string): OpenDcTasks {
  const tasks = reading(join(directory, 'tasks.parquet'), readTasks);
  const fragments = reading(join(directory, 'fragments.parquet'), (file) =>
    readFragments(file, tasks.ids),
  );
  return { ...tasks, ...fragments };
}

/** The same as a promise. */
export async function readOpenDcTasks(directory: string): Promise<OpenDcTasks> {
  return readOpenDcTasksSync(directory);
}

/** @throws InputError naming file, column and row, also where times do not rise. */
export async function readConsumption(file: string): Promise<OpenDcConsumption> {
  return reading(file, (parquet) => ({
    timestampMs: risingTimes(parquet),
    powerW: parquet.numbers('power_draw', 'real', 0),
    energyJ: parquet.numbers('energy_usage', 'real', 0),
  }));
}

/** @throws InputError naming file, column and row, also where times do not rise. */
export async function readCarbon(file: string): Promise<OpenDcCarbon> {
  return readCarbonSync(file);
}

/** The same at once. @throws InputError as `readCarbon`. */
export function readCarbonSync(file: string): OpenDcCarbon {
  return reading(file, (parquet) => ({
    timestampMs: risingTimes(parquet),
    gramsPerKwh: parquet.numbers('carbon_intensity', 'real', 0),
  }));
}

function reading<T>(path: string, read: (file: ParquetFile) => T): T {
  const file = openParquet(path);
  try {
    return read(file);
  } finally {
    file.close();
  }
}

function risingTimes(file: ParquetFile): Float64Array {
  const times = file.numbers('timestamp', 'time', -Infinity);
  for (let row = 1; row < times.length; row++) {
    if (!(times[row]! > times[row - 1]!)) {
      throw badValue(file.path, 'timestamp', row, `more than ${times[row - 1]}`, `${times[row]}`);
    }
  }
  return times;
}

type TaskColumns = Omit<OpenDcTasks, 'fragmentStart' | 'fragmentMs' | 'fragmentMhz'>;

function readTasks(file: ParquetFile): TaskColumns {
  const ids = readTaskIds(file);
  const submissions = file.numbers('submission_time', 'time', -Infinity);
  // `sort` is stable: tasks of one moment stay in the order of the file.
  const order = Int32Array.from(ids.keys()).sort((a, b) => submissions[a]! - submissions[b]!);
  const sorted = (column: Float64Array): Float64Array =>
    Float64Array.from(order, (row) => column[row]!);
  const optional: {
    -readonly [Key in 'parents' | 'deferrable' | 'deadlineMs']?: OpenDcTasks[Key];
  } = {};
  if (file.has('parents')) optional.parents = readParents(file, ids, order);
  if (file.has('deferrable')) {
    const flags = readFlags(file, 'deferrable');
    optional.deferrable = Uint8Array.from(order, (row) => flags[row]!);
  }
  if (file.has('deadline')) {
    optional.deadlineMs = sorted(readDeadlines(file));
  }
  return {
    ids: Array.from(order, (row) => ids[row]!),
    submissionMs: sorted(submissions),
    durationMs: sorted(file.numbers('duration', 'time', 0)),
    cpuCount: Int32Array.from(sorted(file.numbers('cpu_count', 'whole', 0))),
    cpuCapacityMhz: sorted(file.numbers('cpu_capacity', 'real', 0)),
    memoryMb: sorted(file.numbers('mem_capacity', 'real', 0)),
    ...optional,
  };
}

function readTaskIds(file: ParquetFile): readonly string[] {
  const ids: string[] = [];
  const seen = new Set<string>();
  file.scan('id', 'id', (values, firstRow) => {
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      const id = String(value);
      if (value === null || value === undefined || seen.has(id)) {
        const got = seen.has(id) ? `${id} again` : 'no value';
        throw badValue(file.path, 'id', firstRow + index, 'an id of its own', got);
      }
      seen.add(id);
      ids.push(id);
    }
  });
  return ids;
}

function readFlags(file: ParquetFile, column: string): Uint8Array {
  const flags = new Uint8Array(file.rows);
  file.scan(column, 'boolean', (values, firstRow) => {
    for (let index = 0; index < values.length; index++) {
      flags[firstRow + index] = values[index] === true ? 1 : 0;
    }
  });
  return flags;
}

/** Deadlines, -1 where a row has none. */
function readDeadlines(file: ParquetFile): Float64Array {
  const deadlines = new Float64Array(file.rows);
  file.scan('deadline', 'time', (values, firstRow) => {
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      const none = value === null || value === undefined;
      deadlines[firstRow + index] = none ? -1 : Number(value);
    }
  });
  return deadlines;
}

/** Parents of the tasks in order `order`, as indices in that order. */
function readParents(
  file: ParquetFile,
  ids: readonly string[],
  order: Int32Array,
): readonly (readonly number[])[] {
  const indices = new Map(Array.from(order, (row, index) => [ids[row]!, index]));
  const parents: number[][] = [];
  file.scan('parents', 'ids', (values, firstRow) => {
    for (let index = 0; index < values.length; index++) {
      const list = (values[index] ?? []) as ArrayLike<unknown>;
      parents.push(
        Array.from(list, (parent) => {
          const task = indices.get(String(parent));
          if (task !== undefined) return task;
          throw badValue(file.path, 'parents', firstRow + index, 'ids of tasks', String(parent));
        }),
      );
    }
  });
  return Array.from(order, (row) => parents[row]!);
}

type FragmentColumns = Pick<OpenDcTasks, 'fragmentStart' | 'fragmentMs' | 'fragmentMhz'>;

/** Fragments put together by task; rows of a task keep the order of the file. */
function readFragments(file: ParquetFile, ids: readonly string[]): FragmentColumns {
  const taskOfRow = readOwners(file, ids);
  const fragmentStart = new Int32Array(ids.length + 1);
  for (let row = 0; row < taskOfRow.length; row++) fragmentStart[taskOfRow[row]! + 1]!++;
  for (let task = 0; task < ids.length; task++) {
    fragmentStart[task + 1]! += fragmentStart[task]!;
  }
  const byTask = (column: Float64Array): Float64Array => {
    const next = fragmentStart.slice();
    const result = new Float64Array(column.length);
    for (let row = 0; row < column.length; row++) {
      const task = taskOfRow[row]!;
      result[next[task]!++] = column[row]!;
    }
    return result;
  };
  return {
    fragmentStart,
    fragmentMs: byTask(file.numbers('duration', 'time', 0)),
    fragmentMhz: byTask(file.numbers('cpu_usage', 'real', 0)),
  };
}

/** Index of the task that each row belongs to, [rows]. */
function readOwners(file: ParquetFile, ids: readonly string[]): Int32Array {
  const indices = new Map(ids.map((id, index) => [id, index]));
  const owners = new Int32Array(file.rows);
  file.scan('id', 'id', (values, firstRow) => {
    // Fragments of a task mostly follow each other.
    let previous: unknown;
    let owner = -1;
    for (let index = 0; index < values.length; index++) {
      const id = values[index];
      if (owner < 0 || id !== previous) {
        const found = indices.get(String(id));
        if (found === undefined) {
          throw badValue(file.path, 'id', firstRow + index, 'the id of a task', String(id));
        }
        previous = id;
        owner = found;
      }
      owners[firstRow + index] = owner;
    }
  });
  return owners;
}
