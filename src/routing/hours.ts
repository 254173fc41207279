/**
 * Opening hours. A desk's hours are wall-clock times in its own IANA zone, so the question is always "what does the clock on
 * that wall show at this instant?" – which is right across daylight saving: an hour that the clock skips never is, an hour
 * that it shows twice is open twice.
 */
import type { EpochMs } from '../base/ids.ts';
import type { Desk } from './directory.ts';

export interface WallClock {
  /** YYYY-MM-DD */
  readonly date: string;
  /** 1 = Monday … 7 = Sunday (ISO 8601) */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

/** Makers of clock readings, one per zone: they cost a millisecond to make and a microsecond to use. A pure memo. */
const formatters = new Map<string, Intl.DateTimeFormat>();
/** The last reading per zone: thousands of decisions fall into one minute. A pure memo. */
const lastRead = new Map<string, { readonly minute: number; readonly clock: WallClock }>();

/**
 * What the clock shows in a zone at an instant.
 * @throws RangeError when there is no such zone
 */
export function wallClock(at: EpochMs, timeZone: string): WallClock {
  const minute = Math.floor(at / 60_000);
  const last = lastRead.get(timeZone);
  if (last?.minute === minute) return last.clock;
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
    formatters.set(timeZone, formatter);
  }
  const part: Record<string, string> = {};
  for (const { type, value } of formatter.formatToParts(at)) part[type] = value;
  const date = `${part['year']?.padStart(4, '0')}-${part['month']}-${part['day']}`;
  // Day 0 of the epoch was a Thursday (4).
  const day = Math.floor(Date.parse(`${date}T00:00:00Z`) / 86_400_000);
  const clock: WallClock = {
    date,
    weekday: ((((day + 3) % 7) + 7) % 7) + 1,
    hour: Number(part['hour']),
    minute: Number(part['minute']),
  };
  lastRead.set(timeZone, { minute, clock });
  return clock;
}

export type Opening = { readonly open: true } | { readonly open: false; readonly because: 'holiday' | 'hours' };

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** Whether a desk is open. Hours whose end is before their start (22:00–06:00) last into the next morning. */
export function openingAt(desk: Desk, at: EpochMs): Opening {
  const clock = wallClock(at, desk.timeZone);
  const now = clock.hour * 60 + clock.minute;
  const yesterday = clock.weekday === 1 ? 7 : clock.weekday - 1;
  const isHoliday = desk.holidays.includes(clock.date);
  for (const { weekday, from, to } of desk.hours) {
    const [start, end] = [minutesOf(from), minutesOf(to)];
    const overnight = end < start;
    if (weekday === clock.weekday && !isHoliday && now >= start && (overnight || now < end)) return { open: true };
    if (overnight && weekday === yesterday && now < end && !desk.holidays.includes(dayBefore(clock.date))) return { open: true };
  }
  return { open: false, because: isHoliday ? 'holiday' : 'hours' };
}

export const isOpen = (desk: Desk, at: EpochMs): boolean => openingAt(desk, at).open;

const dayBefore = (date: string): string => new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
