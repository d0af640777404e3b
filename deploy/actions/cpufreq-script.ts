/**
 * The script that sets cpufreq policies, all of a host in one go. The kernel refuses a lower limit above the
 * upper one, so of the two that goes first which does not cross the other.
 */

import { shellWord } from '../ssh/quote.ts';
import { cpufreqDirectory } from './cpufreq-state.ts';
import type { CpufreqSetting } from './operation.ts';

/** `put FILE VALUE`, `get FILE` into V, `range MIN MAX`: all of the policy $P. */
const helpers = [
  `cd ${cpufreqDirectory} || exit 1`,
  `put() { printf '%s\\n' "$2" | tee "$P/$1" >/dev/null || { FAILED=1; return 1; }; }`,
  'FAILED=',
  'get() { V=; read -r V <"$P/$1"; } 2>/dev/null',
  'range() {',
  '  get scaling_min_freq',
  '  if [ "$2" -ge "$V" ]; then put scaling_max_freq "$2"; put scaling_min_freq "$1"',
  '  else put scaling_min_freq "$1"; put scaling_max_freq "$2"; fi',
  '}',
];

/** What was refused is told; whether it mattered shows when the files are read again. */
const outcome = '[ -z "$FAILED" ]';

const eachOf = (policies: readonly number[] | undefined): string =>
  policies === undefined ? 'policy*' : policies.map((policy) => `policy${policy}`).join(' ');

/** Each policy at the frequency, or the next that it has above: by `userspace`, else by its limits. */
export function frequencyScript(khz: number, policies?: readonly number[]): string {
  return [
    ...helpers,
    `for P in ${eachOf(policies)}; do`,
    `  F=${Math.round(khz)}`,
    '  get cpuinfo_max_freq; [ "$F" -gt "$V" ] && F=$V',
    '  get cpuinfo_min_freq; [ "$F" -lt "$V" ] && F=$V',
    '  B=; get scaling_available_frequencies',
    '  for A in $V; do [ "$A" -ge "$F" ] && { [ -z "$B" ] || [ "$A" -lt "$B" ]; } && B=$A; done',
    '  [ -n "$B" ] && F=$B; get scaling_available_governors',
    '  case " $V " in',
    '    *" userspace "*)',
    '      get scaling_max_freq; [ "$F" -gt "$V" ] && put scaling_max_freq "$F"',
    '      get scaling_min_freq; [ "$F" -lt "$V" ] && put scaling_min_freq "$F"',
    // Some drivers list userspace and stay where they are: then the limits do it.
    '      put scaling_governor userspace && put scaling_setspeed "$F" || range "$F" "$F" ;;',
    '    *) range "$F" "$F" ;;',
    '  esac',
    'done',
    outcome,
  ].join('\n');
}

/** Each policy under the governor; one that was held at a single frequency is let go. */
export function governorScript(governor: string, policies?: readonly number[]): string {
  return [
    ...helpers,
    `for P in ${eachOf(policies)}; do`,
    `  put scaling_governor ${shellWord(governor)}`,
    '  get scaling_min_freq; A=$V; get scaling_max_freq',
    '  if [ "$A" = "$V" ]; then get cpuinfo_min_freq; A=$V; get cpuinfo_max_freq; range "$A" "$V"; fi',
    'done',
    outcome,
  ].join('\n');
}

/** Each policy exactly so. */
export function settingsScript(settings: readonly CpufreqSetting[]): string {
  return [
    ...helpers,
    ...settings.flatMap(({ policy, governor, minKhz, maxKhz, setKhz }) => [
      `P=policy${policy}; range ${Math.round(minKhz)} ${Math.round(maxKhz)}; put scaling_governor ${shellWord(governor)}`,
      ...(setKhz === undefined ? [] : [`put scaling_setspeed ${Math.round(setKhz)}`]),
    ]),
    outcome,
  ].join('\n');
}
