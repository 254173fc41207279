/** Days as the tools are asked for them. */
import type { DeskId, DomainId, EpochMs } from '../base/ids.ts';
import type { Desk } from '../routing/directory.ts';
import { startOfDay } from '../routing/forecast.ts';
import { wallClock } from '../routing/hours.ts';
import { requireDesk } from './database.ts';
import { UsageError } from './tool.ts';

/** @throws UsageError when there is no such day */
export function dayOption(option: string, value: string): string {
  const at = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(value)) return value;
  throw new UsageError(`${option}: "${value}" is no day; right: as 2026-11-23`);
}

/** @throws UsageError when there is no such zone */
export function zoneOption(value: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new UsageError(`--time-zone: there is no zone "${value}"; right: an IANA name, as Asia/Tokyo or Europe/London`, { cause });
  }
}

/** So many days after one, or before it. */
export const daysFrom = (day: string, days: number): string => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

/** Of a zone as it is written behind a time: `Z`, `+09:00`, `-0330`; 0 for none. */
export function offsetMs(written: string | undefined): number {
  if (written === undefined || written === 'Z') return 0;
  const minutes = Number(written.slice(1, 3)) * 60 + Number(written.slice(-2));
  return (written.startsWith('-') ? -minutes : minutes) * 60_000;
}

export interface DaysAsked {
  readonly from: string | null;
  readonly to: string | null;
  readonly desk: string | null;
  readonly timeZone: string | null;
}

/**
 * What is left out: the zone is the desk's, and the days are so many up to the last.
 * @throws UsageError when there is no such desk, or no day is left
 */
export function daysAsked(
  asked: DaysAsked,
  { desks, domainId, last, days }: { desks: ReadonlyMap<DeskId, Desk>; domainId: DomainId; last: 'today' | 'yesterday'; days: number },
  now: EpochMs,
) {
  const desk = asked.desk === null ? null : requireDesk(desks, asked.desk);
  const timeZone = asked.timeZone ?? desk?.timeZone ?? 'Asia/Tokyo';
  const to = asked.to ?? daysFrom(wallClock(now, timeZone).date, last === 'today' ? 0 : -1);
  const from = asked.from ?? daysFrom(to, 1 - days);
  if (to < from) throw new UsageError(`--from ${from} is after ${last}; say --to as well`);
  const span = { domainId, desk: asked.desk, from: startOfDay(from, timeZone), until: startOfDay(daysFrom(to, 1), timeZone) };
  return { desk, timeZone, from, to, span };
}
