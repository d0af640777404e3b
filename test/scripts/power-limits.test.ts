/** Quotas, power limits and virtual counters from a scenario file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryWith } from '../traces/temporary-directory.ts';
import { wattwin } from './command-line.ts';

const scenario = (more: string): string => `name: limits
hosts:
  - name: host
    cores: 4
    memory: 16 GiB
    pstates:
      - { speed: 1000 MIPS, idle: 100 W, full: 200 W }
      - { speed: 500 MIPS, idle: 80 W, full: 120 W }
    vms: [vm-0, vm-1]
workload: { type: synthetic, vms: 2, steps: 4, sizes: [{ vcpus: 2, speed: 1000 MIPS, memory: 2 GiB }] }
${more}`;

async function complaint(more: string): Promise<string> {
  const { code, stderr } = await wattwin(
    'simulate',
    join(directoryWith({ 's.yaml': scenario(more) }), 's.yaml'),
  );
  expect(code).toBe(2);
  return stderr;
}

describe('a scenario', () => {
  it('with limits and quotas takes less energy and loses work', async () => {
    const cost = async (more: string): Promise<{ energyKwh: number; lostVcpuHours: number }> => {
      const path = join(directoryWith({ 's.yaml': scenario(more) }), 's.yaml');
      const { stdout, code } = await wattwin('simulate', path, '--json');
      expect(code).toBe(0);
      return (JSON.parse(stdout) as { cost: { energyKwh: number; lostVcpuHours: number } }).cost;
    };
    const free = await cost('');
    for (const more of [
      'quotas: { vm-0: 0.05 }',
      'accounting: { idle: none, limits: { vms: { vm-0: 1 W } } }',
      'accounting: { limits: { hosts: { host: 102 W } } }',
      'accounting: { limits: { hosts: { host: 99 W }, by: pstates, every: 10 s, diskEvery: 10 s } }',
    ]) {
      const held = await cost(more);
      expect(held.energyKwh).toBeLessThan(free.energyKwh);
      expect(held.lostVcpuHours).toBeGreaterThanOrEqual(free.lostVcpuHours);
    }
  });

  it('is told what is wrong with its limits', async () => {
    expect(await complaint('quotas: { vm-9: 1 }')).toContain(
      'quotas: expected a VM of the workload, got "vm-9"',
    );
    expect(await complaint('quotas: { vm-0: 0 }')).toContain('quotas.vm-0');
    const limits = (text: string): Promise<string> =>
      complaint(`accounting: { limits: { ${text} } }`);
    expect(await limits('vms: { vm-9: 5 W }')).toContain(
      'accounting.limits.vms: expected a VM of the workload, got "vm-9"',
    );
    expect(await limits('hosts: { nobody: 5 W }')).toContain(
      'accounting.limits.hosts: expected a host of the scenario, got "nobody"',
    );
    expect(await limits('every: 300 ms, diskEvery: 400 ms')).toContain(
      'accounting.limits.diskEvery: expected a multiple of every (300 ms), got 400 ms',
    );
    expect(await limits('every: 0 s')).toContain('expected at least 1 ms, got 0 ms');
    expect(await limits('disks: { vm-0: 1 W }')).toContain('got no disks');
  });
});

describe('--virtual-energy', () => {
  it('writes what each VM would read as RAPL, and it adds up to the bill', async () => {
    const limits = 'accounting: { idle: even, limits: { vms: { vm-1: 55.5 W } } }';
    const directory = directoryWith({ 's.yaml': scenario(limits) });
    const out = join(directory, 'counters');
    const { code, stdout } = await wattwin(
      'simulate',
      join(directory, 's.yaml'),
      '--json',
      '--virtual-energy',
      out,
    );
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['vm-0', 'vm-1']);
    const read = (...path: string[]): string => readFileSync(join(out, ...path), 'utf8').trim();
    const total = ['vm-0', 'vm-1']
      .map((vm) => Number(read(vm, 'intel-rapl:0', 'energy_uj')))
      .reduce((sum, energy) => sum + energy, 0);
    const { summary } = JSON.parse(stdout) as { summary: { energyKwh: number } };
    expect(total / 1e6).toBeCloseTo(summary.energyKwh * 3.6e6, 4);
    expect(read('vm-0', 'intel-rapl:0', 'name')).toBe('package-0');
    expect(read('vm-0', 'intel-rapl:0:0', 'name')).toBe('core');
    expect(Number(read('vm-0', 'intel-rapl:0:0', 'energy_uj'))).toBeLessThan(
      Number(read('vm-0', 'intel-rapl:0', 'energy_uj')),
    );
    expect(read('vm-1', 'intel-rapl:0', 'constraint_0_power_limit_uw')).toBe('55500000');
    expect(existsSync(join(out, 'vm-0', 'intel-rapl:0', 'constraint_0_power_limit_uw'))).toBe(
      false,
    );
  });

  it('needs no accounting in the scenario, and prints no bill', async () => {
    const directory = directoryWith({ 's.yaml': scenario('') });
    const path = join(directory, 's.yaml');
    const out = join(directory, 'counters');
    const plain = await wattwin('simulate', path);
    const { stdout } = await wattwin('simulate', path, '--virtual-energy', out);
    expect(stdout).toBe(plain.stdout);
    expect(readdirSync(out)).toHaveLength(2);
  });
});
