/** `virsh domjobinfo`: what libvirt is doing with a VM, or has done. */

export interface JobInfo {
  /** Something is being done. */
  readonly isActive: boolean;
  /** `Outgoing migration`. */
  readonly operation?: string;
  readonly elapsedMs?: number;
  readonly processedBytes?: number;
  readonly remainingBytes?: number;
  readonly totalBytes?: number;
  readonly bytesPerS?: number;
  readonly iteration?: number;
  /** The VM stood still, ms. */
  readonly downtimeMs?: number;
}

const units: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Reads the output; what is missing or of no known form is absent. */
export function readJobInfo(text: string): JobInfo {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^([A-Z][^:]*):\s+(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && !values.has(key)) values.set(key, value!);
  }
  const type = values.get('Job type');
  const fields: [keyof JobInfo, string | number | undefined][] = [
    ['operation', values.get('Operation')],
    ['elapsedMs', number(values.get('Time elapsed'), /^(\d+) *ms$/)],
    ['processedBytes', bytes(values.get('Data processed'))],
    ['remainingBytes', bytes(values.get('Data remaining'))],
    ['totalBytes', bytes(values.get('Data total'))],
    ['bytesPerS', bytes(values.get('Memory bandwidth')?.replace(/\/s$/, ''))],
    ['iteration', number(values.get('Iteration'), /^(\d+)$/)],
    ['downtimeMs', number(values.get('Total downtime'), /^(\d+) *ms$/)],
  ];
  return {
    isActive: type === 'Bounded' || type === 'Unbounded',
    ...Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
  };
}

function number(text: string | undefined, form: RegExp): number | undefined {
  const digits = text === undefined ? undefined : form.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** `65.123 MiB`. */
function bytes(text: string | undefined): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) *([KMGT]iB|B)$/.exec(text ?? '') ?? [];
  return digits === undefined ? undefined : Math.round(Number(digits) * units[unit!]!);
}
