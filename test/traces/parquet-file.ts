/**
 * Writes small Parquet files for tests: plain values, uncompressed, one page per row group and column;
 * required and optional columns, and lists of required elements.
 */

/** A column; `null` needs `optional`. */
export interface TestColumn {
  readonly name: string;
  readonly type: 'BOOLEAN' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY';
  readonly values: readonly unknown[];
  readonly optional?: boolean;
  /** Values are arrays of `type`. */
  readonly list?: boolean;
  /** Parquet's ConvertedType: UTF8 0, TIMESTAMP_MILLIS 9, TIMESTAMP_MICROS 10. */
  readonly converted?: number;
}

const physicalTypes = { BOOLEAN: 0, INT32: 1, INT64: 2, FLOAT: 4, DOUBLE: 5, BYTE_ARRAY: 6 };

/** Columns as the bytes of a file; all must have the same number of values. */
export function parquetBytes(columns: readonly TestColumn[], rowsPerGroup = 1000): Uint8Array {
  const rows = columns[0]!.values.length;
  const bytes: number[] = [...Buffer.from('PAR1')];
  const groups: Field[][] = [];
  for (let first = 0; first < rows; first += rowsPerGroup) {
    const count = Math.min(rowsPerGroup, rows - first);
    const chunks = columns.map((column): Field[] => {
      const values = column.values.slice(first, first + count);
      const offset = bytes.length;
      const { body, levels } = pageOf(column, values);
      const header = struct([
        [1, 'i32', 0],
        [2, 'i32', body.length],
        [3, 'i32', body.length],
        [
          5,
          'struct',
          [
            [1, 'i32', levels],
            [2, 'i32', 0],
            [3, 'i32', 3],
            [4, 'i32', 3],
          ],
        ],
      ]);
      bytes.push(...header, ...body);
      const size = header.length + body.length;
      const path = column.list === true ? [column.name, 'list', 'element'] : [column.name];
      return [
        [2, 'i64', offset],
        [
          3,
          'struct',
          [
            [1, 'i32', physicalTypes[column.type]],
            [2, 'list', ['i32', [0, 3]]],
            [3, 'list', ['binary', path]],
            [4, 'i32', 0],
            [5, 'i64', levels],
            [6, 'i64', size],
            [7, 'i64', size],
            [9, 'i64', offset],
          ],
        ],
      ];
    });
    groups.push([
      [1, 'list', ['struct', chunks]],
      [2, 'i64', 0],
      [3, 'i64', count],
    ]);
  }
  const footer = struct([
    [1, 'i32', 1],
    [2, 'list', ['struct', schemaOf(columns)]],
    [3, 'i64', rows],
    [4, 'list', ['struct', groups]],
  ]);
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32LE(footer.length);
  return Uint8Array.from([...bytes, ...footer, ...trailer, ...Buffer.from('PAR1')]);
}

function schemaOf(columns: readonly TestColumn[]): Field[][] {
  const root: Field[] = [
    [4, 'binary', 'root'],
    [5, 'i32', columns.length],
  ];
  return [root, ...columns.flatMap(elementsOf)];
}

function elementsOf(column: TestColumn): Field[][] {
  const type: Field = [1, 'i32', physicalTypes[column.type]];
  const converted: Field[] = column.converted === undefined ? [] : [[6, 'i32', column.converted]];
  if (column.list !== true) {
    const repetition = column.optional === true ? 1 : 0;
    return [[type, [3, 'i32', repetition], [4, 'binary', column.name], ...converted]];
  }
  return [
    [
      [3, 'i32', 0],
      [4, 'binary', column.name],
      [5, 'i32', 1],
      [6, 'i32', 3],
    ],
    [
      [3, 'i32', 2],
      [4, 'binary', 'list'],
      [5, 'i32', 1],
    ],
    [type, [3, 'i32', 0], [4, 'binary', 'element'], ...converted],
  ];
}

/** Levels and values of a data page, and how many levels it has. */
function pageOf(
  column: TestColumn,
  values: readonly unknown[],
): { body: number[]; levels: number } {
  if (column.list === true) {
    const lists = values as readonly (readonly unknown[])[];
    const repetition = lists.flatMap((list) =>
      list.length < 2 ? [0] : list.map((_, at) => at && 1),
    );
    const definition = lists.flatMap((list) => (list.length === 0 ? [0] : list.map(() => 1)));
    const plain = lists.flat().flatMap((value) => plainBytes(column.type, value));
    return {
      body: [...levelBytes(repetition), ...levelBytes(definition), ...plain],
      levels: definition.length,
    };
  }
  const present = values.filter((value) => value !== null);
  const levels =
    column.optional === true ? levelBytes(values.map((value) => (value === null ? 0 : 1))) : [];
  const plain =
    column.type === 'BOOLEAN'
      ? packBits(present.map((value) => (value === true ? 1 : 0)))
      : present.flatMap((value) => plainBytes(column.type, value));
  return { body: [...levels, ...plain], levels: values.length };
}

/** Levels of one bit in the hybrid encoding's bit-packed form, after their length. */
function levelBytes(levels: readonly number[]): number[] {
  const packed = packBits(levels);
  const encoded = [...varint((BigInt(packed.length) << 1n) | 1n), ...packed];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(encoded.length);
  return [...length, ...encoded];
}

function packBits(bits: readonly number[]): number[] {
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0);
  bits.forEach((bit, index) => {
    bytes[index >> 3]! |= bit << (index & 7);
  });
  return bytes;
}

function plainBytes(type: TestColumn['type'], value: unknown): number[] {
  if (type === 'BYTE_ARRAY') {
    const text = Buffer.from(String(value));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return [...length, ...text];
  }
  const bytes = Buffer.alloc(type === 'INT32' || type === 'FLOAT' ? 4 : 8);
  if (type === 'INT32') bytes.writeInt32LE(Number(value));
  else if (type === 'INT64') bytes.writeBigInt64LE(BigInt(Number(value)));
  else if (type === 'FLOAT') bytes.writeFloatLE(Number(value));
  else bytes.writeDoubleLE(Number(value));
  return [...bytes];
}

type Field =
  | [id: number, kind: 'i32' | 'i64', value: number]
  | [id: number, kind: 'binary', value: string]
  | [id: number, kind: 'struct', value: Field[]]
  | [
      id: number,
      kind: 'list',
      value: [kind: 'i32' | 'binary' | 'struct', items: readonly unknown[]],
    ];

const kindCodes = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 };

/** A struct in Thrift's compact protocol. Field ids must rise by less than 16. */
function struct(fields: readonly Field[]): number[] {
  let previous = 0;
  const bytes = fields.flatMap((field) => {
    const head = ((field[0] - previous) << 4) | kindCodes[field[1]];
    previous = field[0];
    return [head, ...valueBytes(field[1], field[2])];
  });
  return [...bytes, 0];
}

function valueBytes(kind: Field[1], value: unknown): number[] {
  if (kind === 'struct') return struct(value as Field[]);
  if (kind === 'binary') {
    const text = Buffer.from(String(value));
    return [...varint(BigInt(text.length)), ...text];
  }
  if (kind === 'list') {
    const [of, items] = value as [Field[1], readonly unknown[]];
    const head =
      items.length < 15
        ? [(items.length << 4) | kindCodes[of]]
        : [0xf0 | kindCodes[of], ...varint(BigInt(items.length))];
    return [...head, ...items.flatMap((item) => valueBytes(of, item))];
  }
  const number = BigInt(value as number);
  return varint(number >= 0n ? number << 1n : (-number << 1n) - 1n);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left > 127n) {
    bytes.push(Number(left & 127n) | 128);
    left >>= 7n;
  }
  return [...bytes, Number(left)];
}
