/**
 * Columns of a Parquet file, read without an event loop: hyparquet's own planner and page decoder
 * on bytes that are read when they are wanted. Its interface for applications is asynchronous, for
 * files that lie elsewhere.
 */
import {
  type FileMetaData,
  type ParquetReadOptions,
  parquetMetadata,
  parquetSchema,
} from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { parquetPlan } from 'hyparquet/src/plan.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { flatten } from 'hyparquet/src/utils.js';
import { compressors } from 'hyparquet-compressors';

type Parsers = NonNullable<ParquetReadOptions['parsers']>;

/** Reads bytes `[start, end)` of the file. */
export type ReadRange = (start: number, end: number) => ArrayBuffer;

/** Length of the metadata and the magic bytes at the end of every file. */
const trailerBytes = 8;

/** @throws Error when the bytes are no Parquet file. */
export function readMetadata(byteLength: number, readRange: ReadRange): FileMetaData {
  if (byteLength < trailerBytes + 4) throw new Error(`${byteLength} bytes are no Parquet file`);
  const trailer = new DataView(readRange(byteLength - trailerBytes, byteLength));
  if (trailer.getUint32(4, true) !== 0x31524150) throw new Error('it does not end with PAR1');
  const start = byteLength - trailerBytes - trailer.getUint32(0, true);
  if (start < 4) throw new Error(`metadata of ${trailer.getUint32(0, true)} bytes`);
  return parquetMetadata(readRange(start, byteLength));
}

/** One row group of one column: its rows, and its values when they are wanted. */
export interface ColumnGroup {
  readonly rowStart: number;
  readonly rowEnd: number;
  /** @throws Error when pages are damaged. */
  readonly read: () => ArrayLike<unknown>;
}

/** The row groups of a top-level column, in order; nested ones are put together. */
export function columnGroups(
  metadata: FileMetaData,
  column: string,
  readRange: ReadRange,
  parsers: Partial<Parsers>,
): readonly ColumnGroup[] {
  const file = { byteLength: Number.MAX_SAFE_INTEGER, slice: readRange };
  const plan = parquetPlan({ file, metadata, columns: [column] });
  const tree = parquetSchema(metadata);
  const allParsers = { ...DEFAULT_PARSERS, ...parsers };
  return plan.groups.map((group): ColumnGroup => {
    const read = (): ArrayLike<unknown> => {
      const parts = new Map<string, ReturnType<typeof flatten>>();
      for (const { columnMetadata, range } of group.chunks) {
        const path = columnMetadata.path_in_schema;
        const schemaPath = getTreePath(tree, path);
        const { data } = readColumn(
          { view: new DataView(readRange(range.startByte, range.endByte)), offset: 0 },
          group,
          {
            ...columnMetadata,
            pathInSchema: path,
            element: schemaPath.at(-1)!.element,
            schemaPath,
            compressors,
            parsers: allParsers,
          },
        );
        parts.set(path.join('.'), flatten(data));
      }
      const top = tree.children.find((child) => child.element.name === column);
      if (top !== undefined && top.children.length > 0) assembleNested(parts, top, allParsers);
      return parts.get(column) ?? [];
    };
    return { rowStart: group.groupStart, rowEnd: group.groupStart + group.groupRows, read };
  });
}
