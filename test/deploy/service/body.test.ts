import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bodyLimits, checker, parseJson } from '../../../deploy/service/api/body.ts';
import {
  decideRequest,
  placeRequest,
  rescheduleRequest,
  whatIfRequest,
} from '../../../deploy/service/api/requests.ts';
import { ServiceError } from '../../../deploy/service/service-error.ts';
import { snapshot } from './small-cluster.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function refusalOf(work: () => unknown): ServiceError {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a body', () => {
  it.each([
    ['no JSON', '{"a":'],
    ['nothing', ''],
    ['JSON with more behind it', '{} {}'],
    ['a comment', '{/**/}'],
  ])('that is %s is a bad request that is not quoted', (_, text) => {
    const { code, message } = refusalOf(() => parseJson(bytes(text)));
    expect({ code, message }).toEqual({
      code: 'bad_request',
      message: 'the body is no JSON in UTF-8',
    });
  });

  it('that is not UTF-8 is a bad request', () => {
    expect(refusalOf(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]))).code).toBe('bad_request');
  });

  it.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])(
    'with the key %s anywhere is a bad request, and no prototype has changed',
    (key) => {
      const text = `{"snapshot":{"vms":[{"x":{"${key}":{"polluted":1}}}]}}`;
      expect(refusalOf(() => parseJson(bytes(text))).code).toBe('bad_request');
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  it('is refused for its depth, however deep it is', () => {
    for (const depth of [bodyLimits.depth + 2, 200_000]) {
      const text = '['.repeat(depth) + ']'.repeat(depth);
      expect(refusalOf(() => parseJson(bytes(text))).code).toBe('invalid');
    }
    const fits = '['.repeat(bodyLimits.depth) + ']'.repeat(bodyLimits.depth);
    expect(parseJson(bytes(fits))).toBeInstanceOf(Array);
  });

  it('is refused for a list, an object or a text that is too long', () => {
    const tooLong = [
      JSON.stringify(Array(bodyLimits.items + 1).fill(0)),
      JSON.stringify(Object.fromEntries(Array.from({ length: 201 }, (_, key) => [`k${key}`, 0]))),
      JSON.stringify({ name: 'x'.repeat(bodyLimits.text + 1) }),
    ];
    for (const text of tooLong)
      expect(refusalOf(() => parseJson(bytes(text))).code).toBe('invalid');
  });
});

describe('checking', () => {
  const requests = [
    ['decide', decideRequest, { snapshot, policy: { name: 'pabfd', maxUtilization: 0.7 } }],
    ['place', placeRequest, { snapshot, vm: { vcpus: 2, memoryBytes: 1, apart: ['a'] } }],
    [
      'whatif',
      whatIfRequest,
      { snapshot, operations: [{ type: 'wakeHost', host: 'h4' }], limits: { hosts: 3 } },
    ],
    ['reschedule', rescheduleRequest, { snapshot, migrations: 3, horizon: 2 }],
  ] as const;

  it.each(requests)('%s gives what zod gives, defaults included', (_, schema, value) => {
    expect(checker(schema)(value)).toEqual(schema.parse(value));
  });

  it.each(requests)(
    '%s refuses what zod refuses, wherever one value is changed',
    (_, schema, value) => {
      const check = checker(schema);
      const places = placesOf(value);
      const wrong = fc.constantFrom<unknown>(
        null,
        -1,
        1.5,
        'x',
        '',
        [],
        {},
        true,
        [null],
        Infinity,
      );
      fc.assert(
        fc.property(fc.nat(places.length - 1), wrong, (index, put) => {
          const changed = replaced(value, places[index]!, put);
          const expected = schema.safeParse(changed);
          if (expected.success) {
            expect(check(changed)).toEqual(expected.data);
            return;
          }
          const { code, issues } = refusalOf(() => check(changed));
          expect(code).toBe('invalid');
          expect(issues.length).toBeGreaterThan(0);
          const paths = expected.error.issues.map(({ path }) => path.join('.'));
          // The same place, or one inside an unknown key's object.
          expect(paths.some((path) => plain(issues[0]!.path).startsWith(path))).toBe(true);
        }),
        { seed: 5, numRuns: 600 },
      );
    },
  );

  it('names the place, what is right there and what is there', () => {
    const vms = [
      { name: 'a', host: 7, vcpus: 2, memoryBytes: 1, demandMhz: [1, -2], colour: 'red' },
    ];
    const { issues } = refusalOf(() => checker(decideRequest)({ snapshot: { ...snapshot, vms } }));
    expect(issues).toEqual([
      { path: 'body.snapshot.vms[0].host', expected: 'string', got: '7' },
      { path: 'body.snapshot.vms[0].colour', expected: 'no such key', got: '"red"' },
    ]);
    const other = [{ name: 'a', host: 'h1', vcpus: 2, memoryBytes: 1, demandMhz: [1, -2] }];
    expect(
      refusalOf(() => checker(decideRequest)({ snapshot: { ...snapshot, vms: other } })).issues,
    ).toEqual([
      {
        path: 'body.snapshot.vms[0].demandMhz[1]',
        expected: 'Too small: expected number to be >=0',
        got: '-2',
      },
    ]);
  });

  it('ends after some mistakes, whatever their number', () => {
    const vms = Array.from({ length: 200_000 }, () => ({}));
    const { issues, body } = refusalOf(() =>
      checker(decideRequest)({ snapshot: { ...snapshot, vms } }),
    );
    expect(issues.length).toBeLessThan(40);
    expect(body.error.issues).toHaveLength(20);
  });

  it('never shows more of a value than a person reads', () => {
    const { body } = refusalOf(() =>
      checker(z.strictObject({ a: z.number() }))({ a: 'secret'.repeat(1000) }),
    );
    expect(body.error.issues?.[0]?.got.length).toBeLessThanOrEqual(200);
  });
});

type Path = readonly (string | number)[];

/** Every place in a value. */
function placesOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([key, part]) => placesOf(part, [...at, key])),
  ].filter((path) => path.length > 0);
}

function replaced(value: unknown, [key, ...rest]: Path, put: unknown): unknown {
  if (key === undefined) return put;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string,
    unknown
  >;
  copy[key] = replaced(copy[key], rest, put);
  return copy;
}

const plain = (path: string): string =>
  path
    .replace(/^body\.?/, '')
    .replace(/\[(\d+)\]/g, '.$1')
    .replace(/^\./, '');
