/**
 * One line of a journal: a JSON object whose last member is a checksum of all before it, so the file
 * stays plain JSONL for other tools and every line can be told from a damaged one.
 */
import { crc32 } from 'node:zlib';

/** `,"crc":"` + 8 hexadecimal digits + `"}`. */
const tailBytes = 18;
const tail = /^,"crc":"([0-9a-f]{8})"\}$/;

/** The line of a JSON object with at least one member, line end included. */
export function encodeLine(value: object): Buffer {
  const body = Buffer.from(JSON.stringify(value)).subarray(0, -1);
  const sum = crc32(body).toString(16).padStart(8, '0');
  return Buffer.concat([body, Buffer.from(`,"crc":"${sum}"}\n`)]);
}

/**
 * @param line Without its line end.
 * @returns The object without its checksum, or what is wrong with the line.
 */
export function decodeLine(line: Buffer): { readonly value: object } | { readonly wrong: string } {
  const body = line.subarray(0, -tailBytes);
  const sum = tail.exec(line.subarray(-tailBytes).toString('latin1'))?.[1];
  if (sum === undefined) return { wrong: 'the line does not end in a checksum' };
  if (crc32(body) !== Number.parseInt(sum, 16)) {
    return { wrong: 'the line is not what its checksum was made of' };
  }
  try {
    return { value: JSON.parse(`${body.toString()}}`) as object };
  } catch (error) {
    return { wrong: `the line is no JSON (${(error as Error).message})` };
  }
}
