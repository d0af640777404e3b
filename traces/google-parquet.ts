/**
 * `instance_usage` of Google's 2019 trace as Parquet: `average_usage` a group of `cpus` and `memory`, as
 * BigQuery exports it, or two columns `average_usage_cpus` and `average_usage_memory`. Rows are read
 * a row group at a time.
 */
import { check, emptyUsage, isAlloc, jsonNumber, type UsageRow } from './google-rows.ts';
import type { IssueList } from './issues.ts';
import { type ColumnKind, openParquet } from './parquet.ts';

const whole = ['start_time', 'end_time', 'collection_id', 'instance_index', 'machine_id'] as const;
const group = 'average_usage';
const flat = ['average_usage_cpus', 'average_usage_memory'] as const;
const inner = 'alloc_collection_id';
const issuesMax = 20;

/**
 * Reads one file; see `readUsageRows`.
 *
 * @returns Rows read.
 * @throws InputError when a column is missing, of a wrong type or damaged.
 */
export function readUsageParquet(
  path: string,
  per: 'machine' | 'task',
  issues: IssueList,
  onUsage: (row: UsageRow) => void,
): number {
  const file = openParquet(path);
  try {
    const isGroup = file.has(group) || !file.has(flat[0]);
    const wanted: (readonly [string, ColumnKind])[] = whole.map((name) => [name, 'whole']);
    if (isGroup) wanted.push([group, 'group']);
    else wanted.push([flat[0], 'real'], [flat[1], 'real']);
    if (file.has(inner)) wanted.push([inner, 'whole']);
    const at = (name: string): number => wanted.findIndex(([column]) => column === name);
    const [cpuAt, memoryAt, innerAt] = [at(flat[0]), at(flat[1]), at(inner)];
    const usage = emptyUsage();
    file.scanTogether(wanted, (values, firstRow) => {
      const [start, end, job, index, machine] = values as [
        ArrayLike<unknown>,
        ArrayLike<unknown>,
        ArrayLike<unknown>,
        ArrayLike<unknown>,
        ArrayLike<unknown>,
      ];
      for (let row = 0; row < start.length; row++) {
        if (issues.count >= issuesMax) issues.throwIfAny();
        usage.place = `${path}: row ${firstRow + row + 1}`;
        usage.startUs = jsonNumber(start[row]);
        usage.endUs = jsonNumber(end[row]);
        // Protocol buffers leave away what is 0.
        usage.id = per === 'machine' ? `${machine[row] ?? 0}` : `${job[row]}-${index[row] ?? 0}`;
        if (isGroup) {
          const average = (values[at(group)]![row] ?? {}) as Record<string, unknown>;
          usage.cpu = jsonNumber(average['cpus']);
          usage.memory = jsonNumber(average['memory']);
        } else {
          usage.cpu = jsonNumber(values[cpuAt]![row]);
          usage.memory = jsonNumber(values[memoryAt]![row]);
        }
        usage.isInner = innerAt >= 0 && isAlloc(String(values[innerAt]![row] ?? ''));
        if (check(usage, issues)) onUsage(usage);
      }
    });
    return file.rows;
  } finally {
    file.close();
  }
}
