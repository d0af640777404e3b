/** Whether what a journal's line says is a record: a checksum holds for whatever somebody wrote. */
import { isOperation } from '../actions/operation.ts';
import type { JournalRecord } from './record.ts';

type Form = Readonly<Record<string, unknown>>;

const isText = (value: unknown): boolean => typeof value === 'string';
const isForm = (value: unknown): value is Form =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isItem = (value: unknown): boolean =>
  isForm(value) && isText(value['state']) && isOperation(value['operation']);
const isList = (value: unknown, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isOne);

/** What each kind must have to be used. Numbers of forecasts are shown only, so they may be missing. */
const forms: Readonly<Record<JournalRecord['kind'], (record: Form) => boolean>> = {
  start: ({ pid }) => Number.isSafeInteger(pid),
  decision: ({ decision }) =>
    isForm(decision) &&
    isText(decision['id']) &&
    isText(decision['state']) &&
    isForm(decision['before']) &&
    isForm(decision['after']) &&
    isList(decision['items'], isItem),
  intent: ({ operation, undo }) => isOperation(operation) && isList(undo, isOperation),
  done: ({ intent, effect }) => Number.isSafeInteger(intent) && isForm(effect),
  failed: ({ intent, code }) => Number.isSafeInteger(intent) && isText(code),
  undone: ({ intent }) => Number.isSafeInteger(intent),
  comparison: ({ comparison }) => isForm(comparison),
  event: ({ code, message }) => isText(code) && isText(message),
  end: ({ reason }) => isText(reason),
};

/** What is wrong with it; `undefined` for a record. */
export function whyNoRecord(value: object): string | undefined {
  const record = value as Form;
  const { kind, atMs } = record;
  if (typeof kind !== 'string' || !Object.hasOwn(forms, kind)) return 'it is of no known kind';
  const isRecord = Number.isFinite(atMs) && forms[kind as JournalRecord['kind']](record);
  return isRecord ? undefined : `it is no record of kind ${kind}`;
}
