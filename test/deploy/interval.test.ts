/** How much time passed on a host, by clocks that may be set, stand still or start anew. */
import { describe, expect, it } from 'vitest';
import { confidenceOf, doubts } from '../../deploy/telemetry/doubts.ts';
import { intervalBetween } from '../../deploy/telemetry/interval.ts';
import type { HostReading } from '../../deploy/telemetry/reading.ts';

/** A reading at an uptime, seen by our own monotonic clock at `oursS`. */
function at(uptimeS: number, hostWallS?: number, oursS = uptimeS, bootId = 'one'): HostReading {
  return {
    host: 'node1',
    uptimeS,
    ...(hostWallS === undefined ? {} : { hostWallS }),
    observedAtMs: 1.7e12 + oursS * 1000,
    observedErrorMs: 5,
    receivedAtMs: 1.7e12 + oursS * 1000 + 10,
    receivedMonotonicMs: oursS * 1000,
    ticksPerS: 100,
    bootId,
    partUptimeS: {},
    missing: {},
  };
}

describe('an interval', () => {
  it('has the digits of the wall clock while that agrees with uptime', () => {
    const interval = intervalBetween(at(100, 5000.123), at(101.01, 5001.128));
    expect(interval).toMatchObject({ kind: 'continuous', doubts: [] });
    expect(interval).toHaveProperty('elapsedS', expect.closeTo(1.005, 9));
  });

  it.each([
    ['set forward', 5000.5, 5061.5],
    ['set back', 5000.5, 4998.5],
    ['set by a tenth of a second', 5000.5, 5001.6],
  ])('has the length of uptime when the wall clock was %s', (_, from, to) => {
    expect(intervalBetween(at(100, from), at(101, to))).toEqual({
      kind: 'continuous',
      elapsedS: 1,
      doubts: ['clock-jump'],
    });
  });

  it('has no fractions from a clock without them, nor a doubt for up to a second', () => {
    for (const wall of [5000, 5001, 5002]) {
      expect(intervalBetween(at(100, 5000), at(101, wall))).toEqual({
        kind: 'continuous',
        elapsedS: 1,
        doubts: [],
      });
    }
    expect(intervalBetween(at(100, 5000), at(101, 5004)).kind).toBe('continuous');
    expect(intervalBetween(at(100, 5000), at(101, 5004))).toHaveProperty('doubts', ['clock-jump']);
  });

  it('is none across a reboot, whether uptime fell or not', () => {
    expect(intervalBetween(at(100), at(5, undefined, 130)).kind).toBe('reboot');
    expect(intervalBetween(at(100), at(500, undefined, 700, 'two')).kind).toBe('reboot');
  });

  it('is none while uptime stands still', () => {
    expect(intervalBetween(at(100), at(100, undefined, 101)).kind).toBe('frozen');
  });

  it('of a host that was paused is its own, with a doubt', () => {
    expect(intervalBetween(at(100), at(101, undefined, 160))).toEqual({
      kind: 'continuous',
      elapsedS: 1,
      doubts: ['clock-jump'],
    });
  });

  it('that is short against steps of a hundredth is doubted', () => {
    expect(intervalBetween(at(100), at(100.1))).toHaveProperty('doubts', ['coarse-counter']);
    expect(intervalBetween(at(100), at(100.5))).toHaveProperty('doubts', []);
  });
});

it('confidence is the product of what doubts leave, from 1 down to 0', () => {
  expect(confidenceOf([])).toBe(1);
  expect(confidenceOf(['clock-jump', 'partial'])).toBeCloseTo(0.4, 12);
  for (const left of Object.values(doubts)) {
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left).toBeLessThan(1);
  }
});
