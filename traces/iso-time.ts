/** ISO 8601 dates and times as numbers, without the liberties of `Date.parse`. */

const pattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?$/;

/**
 * Milliseconds since 1970 of `2021-01-31`, `2021-01-31 13:05`, `2021-01-31T13:05:10.25+01:00`, …; UTC
 * when there is no zone. NaN for anything else, dates that do not exist included.
 */
export function isoMs(text: string): number {
  const match = pattern.exec(text.trim());
  if (match === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const dayMs = Date.UTC(year, month - 1, day);
  const date = new Date(dayMs);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const fractionMs = Number(`0.${match[7] ?? '0'}`) * 1000;
  return dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs - zoneMs(match[8]);
}

/** How far a zone is ahead of UTC, ms. */
function zoneMs(zone: string | undefined): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone ?? '') ?? [];
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
