import { expect, it } from 'vitest';
import { advance, failHost, migrateVm, type Twin, vmStatus } from '../../sim/index.ts';
import { type ClusterOptions, gib, startTwin } from '../builders.ts';

type Round = readonly [stage: number, bytes: number, durationS: number];

/** Starts moving VM 0 to host 1 and notes its rounds. */
function startMove(options: Partial<ClusterOptions>): { twin: Twin; rounds: Round[] } {
  const twin = startTwin({
    hosts: 2,
    vms: [{ host: 0, vcpus: 1, demandMips: 1000, memoryGib: 1e9 / gib }],
    network: { type: 'star', portBytesPerS: 200e6 },
    migrationOverheadFraction: 0,
    ...options,
  });
  const rounds: Round[] = [];
  twin.recorder = {
    migrationRound: (_vm, stage, bytes, durationS) => rounds.push([stage, bytes, durationS]),
  };
  advance(twin, 0);
  expect(migrateVm(twin, 0, 1)).toBeUndefined();
  return { twin, rounds };
}

const rounded = (rounds: readonly Round[]): Round[] =>
  rounds.map(([stage, bytes, s]) => [stage, bytes, Math.round(s * 1e9) / 1e9]);

it('a busy VM is copied in ever shorter rounds until 30 ms suffice', () => {
  // 10^9 bytes at 10^8 bytes/s; one busy vCPU dirties a tenth of what is sent. Stop at
  // 0.03 s × 10^8 bytes/s = 3 × 10^6 bytes.
  const migration = { bytesPerS: 1e8, dirtyIntensity: 0.1, workingSetBytes: 1e9 };
  const { twin, rounds } = startMove({ migration });
  advance(twin, 60_000);
  expect(rounded(rounds)).toEqual([
    [1, 1e9, 10],
    [2, 1e8, 1],
    [2, 1e7, 0.1],
    [3, 1e6, 0.01],
  ]);
  expect(twin.state.vmHost[0]).toBe(1);
  const [count, bytes, durationMs, downtimeMs] = twin.state.migrationTotals;
  expect([count, bytes]).toEqual([1, 1.111e9]);
  expect(durationMs).toBeCloseTo(11_110, 6);
  expect(downtimeMs).toBeCloseTo(10, 6);
  // 1000 MIPS that the VM asked for while it stood still.
  expect(twin.state.vmDegradedMi[0]).toBeCloseTo(1000 * 0.01, 6);
});

it('an idle VM, or one whose working set is small, needs one round and a stop', () => {
  const small = { bytesPerS: 1e8, dirtyIntensity: 0.9, workingSetBytes: 2e6 };
  const busy = startMove({ migration: small });
  advance(busy.twin, 60_000);
  expect(rounded(busy.rounds)).toEqual([
    [1, 1e9, 10],
    [3, 2e6, 0.02],
  ]);
  const idle = startMove({
    migration: { ...small, workingSetBytes: 1e9 },
    vms: [{ host: 0, vcpus: 1, memoryGib: 1e9 / gib }],
  });
  advance(idle.twin, 60_000);
  expect(rounded(idle.rounds)).toEqual([
    [1, 1e9, 10],
    [3, 0, 0],
  ]);
});

it('without a rate cap nothing gets dirty and the link sets the pace', () => {
  const { twin, rounds } = startMove({
    migration: { bytesPerS: 0, dirtyIntensity: 0.9, workingSetBytes: 1e9 },
  });
  advance(twin, 60_000);
  expect(rounded(rounds)).toEqual([
    [1, 1e9, 5],
    [3, 0, 0],
  ]);
});

it('what the CPU loses to copying is not delivered and makes no page dirty', () => {
  // Half of 1000 MIPS is lost: a round dirties 5 %, so 10^9, 5 × 10^7, and 2.5 × 10^6 at rest.
  const { twin, rounds } = startMove({
    migration: { bytesPerS: 1e8, dirtyIntensity: 0.1, workingSetBytes: 1e9 },
    migrationOverheadFraction: 0.5,
  });
  advance(twin, 60_000);
  expect(rounded(rounds)).toEqual([
    [1, 1e9, 10],
    [2, 5e7, 0.5],
    [3, 2.5e6, 0.025],
  ]);
  // Half of 10.5 s, all of 0.025 s.
  expect(twin.state.vmDegradedMi[0]).toBeCloseTo(1000 * (10.5 / 2 + 0.025), 6);
});

it('pages get dirty by what tasks do, not by what the VM could use', () => {
  // The only task runs at 250 of 1000 MIPS; the VM claims a whole vCPU all the same.
  const { twin, rounds } = startMove({
    migration: { bytesPerS: 1e8, dirtyIntensity: 0.4, workingSetBytes: 1e9 },
    taskDriven: [true],
    tasks: [
      {
        name: 't',
        on: { vm: 0 },
        startMs: 0,
        phases: [{ type: 'work', work: 1e5, boundMips: 250 }],
      },
    ],
  });
  advance(twin, 60_000);
  expect(rounded(rounds)).toEqual([
    [1, 1e9, 10],
    [2, 1e8, 1],
    [2, 1e7, 0.1],
    [3, 1e6, 0.01],
  ]);
});

it('when the target fails the VM runs on where it is; when the source fails it is gone', () => {
  const migration = { bytesPerS: 1e8, dirtyIntensity: 0, workingSetBytes: 0 };
  const spared = startMove({ migration }).twin;
  advance(spared, 5000);
  expect(failHost(spared, 1)).toBeUndefined();
  expect([spared.state.vmHost[0], spared.state.vmStatus[0]]).toEqual([0, vmStatus.running]);
  expect(spared.state.hostReservedBytes[1]).toBe(0);
  const lost = startMove({ migration }).twin;
  advance(lost, 5000);
  expect(failHost(lost, 0)).toBeUndefined();
  expect(lost.state.vmStatus[0]).toBe(vmStatus.departed);
  expect(lost.state.hostIncoming[1]).toBe(0);
  advance(lost, 60_000);
  expect(lost.state.migrationTotals[0]).toBe(0);
});
