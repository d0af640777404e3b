/** What the dashboard makes of a state before anything is drawn: numbers, names, lines, tiles, sentences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  eventParser,
  type ServerEvent,
} from '../../../deploy/service/dashboard/page/event-stream.ts';
import {
  age,
  bytes,
  count,
  duration,
  energy,
  frequency,
  number,
  percent,
  shown,
  signed,
  watts,
  when,
} from '../../../deploy/service/dashboard/page/format.ts';
import { hostViews, matching, ordered } from '../../../deploy/service/dashboard/page/hosts.ts';
import {
  freshness,
  mape,
  measuredW,
  powerColumns,
  serviceNowMs,
  shownDecision,
} from '../../../deploy/service/dashboard/page/state.ts';
import {
  headline,
  reason,
  stateOf,
  summary,
} from '../../../deploy/service/dashboard/page/texts.ts';
import {
  answersOf,
  clusterOf,
  decisionOf,
  hostileNames,
  nothingToDo,
  plannedItems,
  startMs,
} from './dashboard-states.ts';

/** Units stand behind a space that does not break. */
const plain = (text: string): string => text.replaceAll('\u00A0', ' ');

describe('numbers', () => {
  it.each([
    [0, '0'],
    [0.1234, '0.123'],
    [1.999, '2'],
    [12.34, '12.3'],
    [99.96, '100'],
    [12_345.6, '12,346'],
    [-0.0001, '0'],
    [-3.5, '−3.5'],
    [Number.NaN, '–'],
    [Infinity, '–'],
    [undefined, '–'],
  ])('%s is %s', (value, text) => {
    expect(number(value)).toBe(text);
  });

  it('have units that fit their size', () => {
    expect([0, 4.25, 88, 1234.4, 9999, 12_345].map((value) => plain(watts(value)))).toEqual([
      '0 W',
      '4.25 W',
      '88 W',
      '1,234 W',
      '9,999 W',
      '12.35 kW',
    ]);
    // 3600 J are 1 Wh.
    expect([3600, 36, 3.6e8].map((joules) => plain(energy(joules)))).toEqual([
      '1 Wh',
      '0.01 Wh',
      '100.00 kWh',
    ]);
    expect([1, 1536, 2 ** 30, 2 ** 45].map((value) => plain(bytes(value)))).toEqual([
      '1 B',
      '1.5 KiB',
      '1 GiB',
      '32 TiB',
    ]);
    expect(plain(frequency(2600))).toBe('2,600 MHz');
    expect([0, 0.06, 1.25, 71, 600, 9000, 300_000].map((value) => plain(duration(value)))).toEqual([
      '0 s',
      '60 ms',
      '1.3 s',
      '71 s',
      '10 min',
      '2.5 h',
      '3 d',
    ]);
    expect([0, 0.0204, 0.0996, 0.5, -0.031].map((value) => plain(percent(value)))).toEqual([
      '0 %',
      '2.0 %',
      '10 %',
      '50 %',
      '−3.1 %',
    ]);
    expect([1, 2].map((many) => plain(count(many, 'VM')))).toEqual(['1 VM', '2 VMs']);
  });

  it('have a sign where they are a change, and none where they are shown as zero', () => {
    expect([2, -2, 0, 0.00001, -0.00001].map((value) => signed(value, number))).toEqual([
      '+2',
      '−2',
      '0',
      '0',
      '0',
    ]);
    expect(signed(undefined, number)).toBe('–');
  });

  it('tell how long ago something was; the future is now', () => {
    expect([-5000, 999, 1000, 119_999, 600_000].map((ms) => plain(age(ms)))).toEqual([
      'now',
      'now',
      '1 s ago',
      '119 s ago',
      '10 min ago',
    ]);
    expect(when(startMs, startMs + 1000)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(when(startMs - 5 * 86_400_000, startMs)).toMatch(/^17 Nov 2026, /);
  });
});

describe('names', () => {
  it('show what would hide or turn the text around them', () => {
    expect(shown('\u202Egnp.exe')).toBe('⟨202E⟩gnp.exe');
    expect(shown('a\u200Bb\u0000c\u001B[31m\n')).toBe('a⟨200B⟩b⟨0000⟩c⟨001B⟩[31m⟨000A⟩');
    expect(shown('\u2066x\uFEFF\u061C')).toBe('⟨2066⟩x⟨FEFF⟩⟨061C⟩');
  });

  it('stay as they are otherwise', () => {
    for (const name of ['node1', 'ångström', 'مضيف', '🐘', '<b>', 'a b']) {
      expect(shown(name)).toBe(name);
    }
  });

  it('never come out with a control or direction character in them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (name) => {
        expect(shown(name)).not.toMatch(/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029\u200B\uFEFF]/u);
      }),
      { seed: 20_261_122 },
    );
  });
});

describe('a stream of events', () => {
  const all = (pieces: readonly string[]): ServerEvent[] => {
    const parse = eventParser();
    return pieces.flatMap((piece) => parse(piece));
  };

  it('is read as the standard says', () => {
    const text =
      'retry: 2000\n\n: still here\n\nevent: state\nid: 7\ndata: {"a":\ndata: 1}\n\ndata:x\n\nevent: lost\n\ndata\n\ndata: cut off\n';
    expect(all([text])).toEqual([
      { type: 'state', data: '{"a":\n1}', id: '7' },
      { type: 'message', data: 'x', id: '7' },
      { type: 'message', data: '', id: '7' },
    ]);
  });

  it('is the same however it is cut and whatever ends its lines', () => {
    const text = 'event: state\nid: 1\ndata: ä€🐘\n\n: c\n\ndata: 2\ndata: 3\n\n';
    const expected = all([text]);
    expect(expected).toHaveLength(2);
    const cuts = fc.array(fc.nat(text.length * 2), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, fc.constantFrom('\n', '\r\n', '\r'), (places, end) => {
        const ended = `${text.replaceAll('\n', end)}:\n`;
        const sorted = [0, ...places.sort((one, other) => one - other), ended.length];
        expect(
          all(sorted.map((place, index) => ended.slice(sorted[index - 1] ?? 0, place))),
        ).toEqual(expected);
      }),
      { seed: 20_261_122 },
    );
  });
});

describe('a state', () => {
  it('gives the error of predictions', () => {
    const point = (predictedW: number, observedW: number) => ({ atMs: 0, predictedW, observedW });
    // |110 − 100| / 100 and |180 − 200| / 200 are 0.1 each; nothing can be said where nothing was observed.
    expect(mape([point(110, 100), point(180, 200), point(5, 0)])).toBeCloseTo(0.1, 12);
    expect(mape([point(5, 0)])).toBeUndefined();
    expect(mape([])).toBeUndefined();
  });

  it('gives the lines of the chart on one axis of time', () => {
    const series = [
      { atMs: 1_000_000, predictedW: 90, observedW: 100 },
      { atMs: 1_060_000, predictedW: 95, observedW: 101 },
    ];
    const forecast = (powerW: number[]) => ({ ...decisionOf().before, horizonS: 120, powerW });
    const decision = decisionOf({
      atMs: 1_060_000,
      before: forecast([102, 103]),
      after: forecast([80, 81]),
    });
    expect(powerColumns(series, decision)).toEqual({
      endS: [1000, 1060, 1120, 1180],
      observedW: [100, 101, null, null],
      predictedW: [90, 95, null, null],
      beforeW: [null, null, 102, 103],
      afterW: [null, null, 80, 81],
    });
    // A plan that changes nothing is not drawn twice.
    const same = { ...decision, after: decision.before };
    expect(powerColumns(series, same).afterW).toEqual([null, null, null, null]);
    expect(powerColumns([], null).endS).toEqual([]);
  });

  it('shows at most 180 intervals of the past', () => {
    const series = Array.from({ length: 500 }, (_, index) => ({
      atMs: index * 1000,
      predictedW: 1,
      observedW: 1,
    }));
    const { endS } = powerColumns(series, null);
    expect([endS.length, endS[0], endS.at(-1)]).toEqual([180, 320, 499]);
  });

  it('knows its power only if it knows that of every host', () => {
    const { state } = answersOf();
    const hosts = state.snapshot!.hosts;
    const total = hosts.reduce((sum, host) => sum + host.measuredW!, 0);
    expect(measuredW(state)).toBe(total);
    const without = (name: string) => ({
      ...state,
      snapshot: {
        ...state.snapshot!,
        hosts: hosts.map(({ measuredW: watts, ...host }) =>
          host.name === name ? host : { ...host, measuredW: watts! },
        ),
      },
    });
    expect(measuredW(without('node1'))).toBeUndefined();
    // One that is off draws what the cluster file says.
    expect(measuredW(without('node6'))).toBe(total);
    expect(measuredW({ ...state, snapshot: null })).toBeUndefined();
  });

  it('has a time of its own, which does not go back', () => {
    const received = { state: answersOf().state, atMs: 5000 };
    expect(serviceNowMs(received, 7000)).toBe(startMs + 2000);
    expect(serviceNowMs(received, 4000)).toBe(startMs);
  });

  it('is late after two intervals and old after four', () => {
    expect([120_000, 121_000, 240_000, 241_000].map((ageMs) => freshness(ageMs, 60))).toEqual([
      'fresh',
      'late',
      'late',
      'old',
    ]);
  });

  it('shows the newest decision that waits, before newer ones that do not', () => {
    const { state } = answersOf();
    expect(shownDecision(state)?.id).toBe(decisionOf().id);
    const last = { ...nothingToDo(), id: 'later' };
    expect(shownDecision({ ...state, lastDecision: last })?.id).toBe(decisionOf().id);
    expect(shownDecision({ ...state, open: [], lastDecision: last })?.id).toBe('later');
    expect(shownDecision({ ...state, open: [], lastDecision: null })).toBeNull();
  });
});

describe('tiles', () => {
  const { state } = answersOf();
  const tiles = hostViews(state);
  const tile = (name: string) => tiles.find(({ host }) => host?.name === name)!;

  it('hold every VM once, and one that is on its way on both sides', () => {
    const moving = state.snapshot!.vms.find(({ movingTo }) => movingTo !== undefined)!;
    const here = tiles.flatMap(({ vms }) => vms.filter(({ move }) => move !== 'coming'));
    expect(here.map(({ name }) => name).sort()).toEqual(
      state.snapshot!.vms.map(({ name }) => name).sort(),
    );
    const moves = (host: string) =>
      tile(host).vms.flatMap(({ name, move, other }) =>
        move === undefined ? [] : [[name, move, other]],
      );
    expect(moves(moving.host!)).toEqual([[moving.name, 'leaving', moving.movingTo]]);
    expect(moves(moving.movingTo!)).toEqual([[moving.name, 'coming', moving.host]]);
  });

  it('show a migration as soon as the plan carries it out', () => {
    const items = plannedItems.map((item, index) =>
      index === 1 ? { ...item, state: 'running' as const } : item,
    );
    const { state: running } = answersOf({ decision: decisionOf({ items, state: 'running' }) });
    const to = hostViews(running).find(({ host }) => host?.name === 'node3')!;
    expect(to.vms.some(({ name, move }) => name === 'db-9' && move === 'coming')).toBe(true);
  });

  it('have shares of memory and CPU', () => {
    const gib = 2 ** 30;
    const snapshot = {
      ...clusterOf(2, 2),
      hosts: clusterOf(2, 2).hosts.map(({ utilization: _, ...host }) => ({
        ...host,
        cores: 4,
        memoryBytes: 16 * gib,
        currentMhz: 1000,
        frequenciesMhz: [2000],
      })),
      vms: clusterOf(2, 2).vms.map((vm, index) => ({
        ...vm,
        host: 'node1',
        vcpus: 2,
        memoryBytes: (index + 1) * gib,
        demandMhz: [99, [300, 700][index]!],
      })),
    };
    const [first, second] = hostViews({ ...state, snapshot, lastDecision: null });
    // 3 of 16 GiB; 300 + 700 MHz of 4 cores at 1000 MHz.
    expect(first).toMatchObject({ memory: 3 / 16, cpu: 0.25, isCpuMeasured: false });
    expect(second).toMatchObject({ memory: 0, cpu: 0 });
    // The larger VM first; 700 MHz of 2 vCPUs × 2000 MHz are 17.5 %, 300 MHz 7.5 %.
    expect(first!.vms.map(({ memoryBytes, step }) => [memoryBytes / gib, step])).toEqual([
      [2, 1],
      [1, 0],
    ]);
  });

  it('put VMs without a host first', () => {
    const snapshot = clusterOf(2, 3);
    const vms = snapshot.vms.map((vm, index) => (index === 0 ? { ...vm, host: null } : vm));
    const [waiting, ...others] = hostViews({ ...state, snapshot: { ...snapshot, vms } });
    expect(waiting!.host).toBeUndefined();
    expect(waiting!.vms.map(({ step }) => step)).toEqual(['none']);
    expect(others).toHaveLength(2);
  });

  it('can be found and put in order', () => {
    const names = (found: typeof tiles | readonly (typeof tiles)[number][]) =>
      found.map(({ host }) => host?.name);
    expect(names(matching(tiles, ' NODE2 '))).toEqual(['node2']);
    expect(names(matching(tiles, 'web-6'))).toEqual(['node1']);
    expect(matching(tiles, '')).toBe(tiles);
    expect(matching(tiles, 'nowhere')).toEqual([]);
    expect(names(ordered(tiles, 'busiest first'))[0]).toBe('node2');
    expect(names(ordered(tiles, 'most power first')).at(-1)).toBe('node6');
    const many = hostViews(answersOf({ hosts: 12, vms: 0 }).state).toReversed();
    expect(names(ordered(many, 'by name')).slice(0, 2)).toEqual(['node01', 'node02']);
  });
});

describe('a decision', () => {
  it('has a verdict in one line', () => {
    // 81 W less of a mean of about 565 W.
    expect(plain(headline(decisionOf()))).toBe('3 actions to save 81 W (14 %)');
    expect(plain(headline(decisionOf({ state: 'done' })))).toBe(
      '3 actions to save 81 W (14 %): done',
    );
    const { before, after } = decisionOf();
    expect(plain(headline(decisionOf({ before: after, after: before })))).toBe(
      '3 actions for 81 W (17 %) more power',
    );
    expect(plain(headline(decisionOf({ after: before })))).toBe('3 actions at the same power');
    expect(headline(nothingToDo())).toBe('No beneficial action');
  });

  it('says why', () => {
    expect(reason(nothingToDo())).toMatch(/^No plan of 14/);
    expect(reason(decisionOf())).toBe(
      'Nothing is done until it is approved. The guard refuses 1 more.',
    );
    expect(reason(decisionOf({ mode: 'shadow' }))).toMatch(
      /^Shadow mode: nothing is carried out\./,
    );
    const refused = decisionOf({ items: plannedItems.slice(3), state: 'done' });
    expect(headline(refused)).toBe('No beneficial action');
    expect(reason(refused)).toBe('The guard refuses all that pabfd proposes.');
    expect(stateOf(refused)).toBe('all refused');
  });

  it('is summed up for lists', () => {
    expect(summary(decisionOf())).toBe('2 migrations, 1 host off, 1 refused');
    expect(summary(nothingToDo())).toBe('nothing to do');
    const setting = { type: 'setGovernor', host: hostileNames[0], governor: 'powersave' } as const;
    expect(summary(decisionOf({ items: [{ operation: setting, state: 'planned' }] }))).toBe(
      '1 setting',
    );
  });
});
