/** A quantity as a field of a schema. */
import { z } from 'zod';
import { parseQuantity, type QuantityKind, quantityExamples } from './quantity.ts';

/** A quantity string, read into its base unit. */
export const quantity = (kind: QuantityKind) =>
  z.unknown().transform((value, context) => {
    const parsed = typeof value === 'string' ? parseQuantity(kind, value) : undefined;
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: quantityExamples[kind], input: value });
    return z.NEVER;
  });
