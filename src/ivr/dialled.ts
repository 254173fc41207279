/** Dates and times as they are dialled on a telephone. */
import type { EpochMs } from '../base/ids.ts';
import { momentOfClock, wallClock } from '../routing/hours.ts';

/**
 * A dialled date, as YYYY-MM-DD: `YYYYMMDD`, or `MMDD` for the next such day, today included.
 * @returns null when there is no such day
 */
export function dialledDate(digits: string, at: EpochMs, timeZone: string): string | null {
  const today = wallClock(at, timeZone).date;
  if (/^\d{8}$/.test(digits)) return dayOf(digits.slice(0, 4), digits.slice(4));
  if (!/^\d{4}$/.test(digits)) return null;
  const year = Number(today.slice(0, 4));
  // February 29th may be years away.
  for (let ahead = 0; ahead <= 8; ahead++) {
    const day = dayOf(String(year + ahead), digits);
    if (day !== null && day >= today) return day;
  }
  return null;
}

function dayOf(year: string, monthAndDay: string): string | null {
  const text = `${year}-${monthAndDay.slice(0, 2)}-${monthAndDay.slice(2)}`;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text ? null : text;
}

/** A dialled time of day, `HHMM` or `HMM`, as HH:MM; null when the clock has no such time. */
export function dialledTime(digits: string): string | null {
  const match = /^(\d{1,2})(\d{2})$/.exec(digits);
  const [hour, minute] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || hour > 23 || minute > 59) return null;
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

/**
 * The moment that a text names: `HH:MM` (the next time that the clock shows it), `YYYY-MM-DD` (that day at nine) or
 * `YYYY-MM-DDTHH:MM`, by the clock of the zone.
 * @returns null when it names none, or one that is over
 */
export function momentOf(text: string, at: EpochMs, timeZone: string): EpochMs | null {
  const match = /^(?:(\d{4}-\d{2}-\d{2})(?:T|$))?(?:(\d{2}:\d{2}))?$/.exec(text);
  if (!match || text === '') return null;
  const [, day, time = '09:00'] = match;
  const today = wallClock(at, timeZone).date;
  const moment = momentOfClock(day ?? today, time, timeZone);
  if (moment === null) return null;
  if (moment > at) return moment;
  if (day !== undefined) return null;
  const tomorrow = new Date(Date.parse(`${today}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return momentOfClock(tomorrow, time, timeZone);
}
