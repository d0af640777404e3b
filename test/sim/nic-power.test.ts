import { expect, it } from 'vitest';
import { advance, hostFromPreset, hostPresets, migrateVm } from '../../sim/index.ts';
import { mib, startTwin } from '../builders.ts';

it('bytes of a migration cost the energy per byte of both interfaces, where hosts have parts', () => {
  const [name] = Object.entries(hostPresets).find(([, preset]) => preset.component !== undefined)!;
  const spec = hostFromPreset(name, 'h')!;
  const withNic = (joulesPerByte: number): number => {
    const component = { ...spec.component!, nic: { idleW: 1, joulesPerByte } };
    const twin = startTwin({
      hosts: [0, 1].map(() => ({ ...spec, component })),
      vms: [{ host: 0, memoryGib: 0.25 }],
      migration: { bytesPerS: 50 * mib, dirtyIntensity: 0, workingSetBytes: 0 },
    });
    const before = [...twin.state.hostSpecial];
    expect(migrateVm(twin, 0, 1)).toBeUndefined();
    advance(twin, 60_000);
    expect(twin.state.migrationTotals[1]).toBe(256 * mib);
    expect([...twin.state.hostSpecial]).toEqual(before);
    return [0, 1].reduce((sum, host) => {
      const { hostEnergyJ, hostPowerW, hostSinceMs } = twin.state;
      const openS = (twin.nowMs - hostSinceMs[host]!) / 1000;
      return sum + hostEnergyJ[host]! + hostPowerW[host]! * openS;
    }, 0);
  };
  const dear = withNic(2e-7) - withNic(1e-7);
  // Twice 256 MiB at 0.1 µJ more, and what the power supply loses on it: not less, at most half more.
  const atTheParts = 2 * 256 * mib * 1e-7;
  expect(dear / atTheParts).toBeGreaterThanOrEqual(1 - 1e-9);
  expect(dear / atTheParts).toBeLessThan(1.5);
});
