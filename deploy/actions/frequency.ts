/** Governors and frequencies of a host. */
import type { Action } from './action.ts';
import { frequencyScript, governorScript, settingsScript } from './cpufreq-script.ts';
import {
  askPolicies,
  checkPolicyNumbers,
  type PolicyState,
  reachableKhz,
  settingOf,
} from './cpufreq-state.ts';
import type { CpufreqSetting, Operation } from './operation.ts';
import { refused } from './site.ts';

type SetGovernor = Extract<Operation, { type: 'setGovernor' }>;
type SetFrequency = Extract<Operation, { type: 'setFrequency' }>;
type SetCpufreq = Extract<Operation, { type: 'setCpufreq' }>;

/** Without a table, drivers round to the bus clock's multiples, kHz. */
const roundingKhz = 100_000;

const undoOf = (host: string, policies: readonly PolicyState[]): readonly Operation[] => [
  { type: 'setCpufreq', host, settings: policies.map(settingOf) },
];

/** `policy0 schedutil 1200000-2600000, policy2 …`, the policies that are not as wanted. */
function describe(policies: readonly PolicyState[]): string {
  return policies
    .map(({ policy, governor, minKhz, maxKhz, setKhz }) => {
      const speed = setKhz === undefined ? '' : ` at ${setKhz}`;
      return `policy${policy} is ${governor} ${minKhz}-${maxKhz} kHz${speed}`;
    })
    .join(', ');
}

export const setGovernor: Action<SetGovernor> = {
  steps: ({ host, governor, policies }, site) => [
    { host, commands: site.root(governorScript(governor, policies)) },
  ],
  async look({ host, governor, policies: wanted }, site, limits) {
    checkPolicyNumbers(host, wanted ?? []);
    const policies = await askPolicies(site, host, wanted, limits);
    const without = policies.find(({ governors }) => !governors.includes(governor));
    if (without !== undefined) {
      throw refused(
        host,
        `it has no governor "${governor}"; it has ${without.governors.join(', ')}`,
      );
    }
    const others = policies.filter((policy) => policy.governor !== governor || isHeld(policy));
    return { isDone: others.length === 0, undo: undoOf(host, policies), now: describe(others) };
  },
  settleMs: ({ settleMs }) => settleMs,
};

/** Held at one frequency by its limits, though it has more. */
function isHeld({ minKhz, maxKhz, lowestKhz, highestKhz }: PolicyState): boolean {
  return minKhz === maxKhz && lowestKhz !== highestKhz;
}

export const setFrequency: Action<SetFrequency> = {
  steps: ({ host, khz, policies }, site) => [
    { host, commands: site.root(frequencyScript(khz, policies)) },
  ],
  async look({ host, khz, policies: wanted }, site, limits) {
    checkPolicyNumbers(host, wanted ?? []);
    if (!(khz >= 1 && khz < 1e9)) throw refused(host, `${khz} kHz is no frequency`);
    const policies = await askPolicies(site, host, wanted, limits);
    const others = policies.filter((policy) => wayOf(policy, khz) === undefined);
    const ways = new Set(policies.flatMap((policy) => wayOf(policy, khz) ?? []));
    return {
      isDone: others.length === 0,
      undo: undoOf(host, policies),
      now: describe(others),
      how: [...ways].sort().join(', '),
    };
  },
  settleMs: ({ settleMs }) => settleMs,
};

/** How the policy is at the frequency, or `undefined` if it is not. */
function wayOf(policy: PolicyState, khz: number): 'userspace' | 'min=max' | undefined {
  const reachable = reachableKhz(policy, khz);
  const { governor, minKhz, maxKhz, setKhz, tableKhz } = policy;
  if (minKhz === reachable && maxKhz === reachable) return 'min=max';
  if (governor !== 'userspace' || setKhz === undefined) return undefined;
  const slack = tableKhz.length > 0 ? 0 : roundingKhz;
  return Math.abs(setKhz - reachable) <= slack ? 'userspace' : undefined;
}

export const setCpufreq: Action<SetCpufreq> = {
  steps: ({ host, settings }, site) => [{ host, commands: site.root(settingsScript(settings)) }],
  async look({ host, settings }, site, limits) {
    const numbers = settings.map(({ policy }) => policy);
    checkPolicyNumbers(host, numbers);
    for (const { minKhz, maxKhz, setKhz = minKhz } of settings) {
      const isRange =
        minKhz >= 1 && maxKhz >= minKhz && maxKhz < 1e9 && setKhz >= 1 && setKhz < 1e9;
      if (!isRange) throw refused(host, `${minKhz} to ${maxKhz} kHz is no range of frequencies`);
    }
    const policies = await askPolicies(site, host, numbers, limits);
    const wantedOf = (policy: number) => settings.find((setting) => setting.policy === policy)!;
    const others = policies.filter((policy) => !isSame(policy, wantedOf(policy.policy)));
    return { isDone: others.length === 0, undo: undoOf(host, policies), now: describe(others) };
  },
  settleMs: ({ settleMs }) => settleMs,
};

function isSame(policy: PolicyState, wanted: CpufreqSetting): boolean {
  const { governor, minKhz, maxKhz, setKhz } = wanted;
  return (
    policy.governor === governor &&
    policy.minKhz === Math.round(minKhz) &&
    policy.maxKhz === Math.round(maxKhz) &&
    (setKhz === undefined || policy.setKhz === Math.round(setKhz))
  );
}
