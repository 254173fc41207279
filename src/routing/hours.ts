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

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Makers of clock readings, one per zone: they cost a millisecond to make and a microsecond to use. A pure memo. */
const formatters = new Map<string, Intl.DateTimeFormat>();
/** The last reading per zone: thousands of decisions fall into one minute. A pure memo. */
const lastRead = new Map<string, { readonly minute: number; readonly clock: WallClock }>();

/**
 * What the clock shows in a zone at an instant.
 * @throws RangeError when there is no such zone
 */
export function wallClock(at: EpochMs, timeZone: string): WallClock {
  const minute = Math.floor(at / MINUTE_MS);
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
  const clock: WallClock = {
    date,
    weekday: weekdayOf(Math.floor(Date.parse(`${date}T00:00:00Z`) / DAY_MS)),
    hour: Number(part['hour']),
    minute: Number(part['minute']),
  };
  lastRead.set(timeZone, { minute, clock });
  return clock;
}

/** 1 = Monday. Day 0 of the epoch was a Thursday (4). */
const weekdayOf = (day: number): number => ((((day + 3) % 7) + 7) % 7) + 1;

export type Opening = { readonly open: true } | { readonly open: false; readonly because: 'holiday' | 'hours' };

/** What of a desk says when it is open. */
export type Opens = Pick<Desk, 'timeZone' | 'hours' | 'holidays'>;

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** Whether a desk is open. Hours whose end is before their start (22:00–06:00) last into the next morning. */
export function openingAt(desk: Opens, at: EpochMs): Opening {
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

export const isOpen = (desk: Opens, at: EpochMs): boolean => openingAt(desk, at).open;

const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
const dayBefore = (date: string): string => dateOf(Date.parse(`${date}T00:00:00Z`) / DAY_MS - 1);

/**
 * The first moment from `at` on at which a desk is open.
 * @returns `at` itself when it is open then; null when it is not within `withinMs`
 */
export function nextOpening(desk: Opens, at: EpochMs, withinMs: number): EpochMs | null {
  if (desk.hours.length === 0) return null;
  if (isOpen(desk, at)) return at;
  // As long as a zone keeps its offset, its wall clock runs as ours does; so it is asked once a day, and where it was changed.
  const end = at + withinMs;
  let offsetMs = offsetAt(at, desk.timeZone);
  for (let from = at; from < end; from += DAY_MS) {
    const to = Math.min(from + DAY_MS, end);
    const nextMs = offsetAt(to, desk.timeZone);
    const change = nextMs === offsetMs ? to : changeOfOffset(from, to, desk.timeZone);
    const found = openingWithin(desk, offsetMs, from, change) ?? openingWithin(desk, nextMs, change, to);
    if (found !== null) return found;
    offsetMs = nextMs;
  }
  return null;
}

/** How far a zone's wall clock is ahead of UTC. */
function offsetAt(at: EpochMs, timeZone: string): number {
  const { date, hour, minute } = wallClock(at, timeZone);
  return Date.parse(`${date}T00:00:00Z`) + (hour * 60 + minute) * MINUTE_MS - Math.floor(at / MINUTE_MS) * MINUTE_MS;
}

/** When the offset that a zone has at `to` began, after `from`, when it was another. Zones change on whole minutes. */
function changeOfOffset(from: EpochMs, to: EpochMs, timeZone: string): EpochMs {
  const before = offsetAt(from, timeZone);
  let [low, high] = [Math.floor(from / MINUTE_MS), Math.floor(to / MINUTE_MS)];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (offsetAt(middle * MINUTE_MS, timeZone) === before) low = middle;
    else high = middle;
  }
  return high * MINUTE_MS;
}

/** The first moment of [from, to) at which the desk is open, while its clock is `offsetMs` ahead of UTC. */
function openingWithin({ hours, holidays }: Opens, offsetMs: number, from: EpochMs, to: EpochMs): EpochMs | null {
  let first: EpochMs | null = null;
  // From the day before: a night's hours last into the next morning.
  for (let day = Math.floor((from + offsetMs) / DAY_MS) - 1; day * DAY_MS < to + offsetMs; day++) {
    const weekday = weekdayOf(day);
    const midnight = day * DAY_MS - offsetMs;
    for (const span of hours) {
      if (span.weekday !== weekday) continue;
      const [opens, closes] = [minutesOf(span.from), minutesOf(span.to)];
      const begins = Math.max(midnight + opens * MINUTE_MS, from);
      const ends = Math.min(midnight + (closes < opens ? closes + 24 * 60 : closes) * MINUTE_MS, to);
      if (begins < ends && begins < (first ?? to) && !holidays.includes(dateOf(day))) first = begins;
    }
  }
  return first;
}

/**
 * The moment at which the clock of a zone shows a date (YYYY-MM-DD) and time (HH:MM). Of an hour that it shows twice, the first; of one
 * that it skips, as much later as it skips.
 * @returns null when there is no such date or time
 */
export function momentOfClock(date: string, time: string, timeZone: string): EpochMs | null {
  const asUtc = Date.parse(`${date}T${time}:00Z`);
  if (Number.isNaN(asUtc)) return null;
  const before = asUtc - offsetAt(asUtc - DAY_MS, timeZone);
  const after = asUtc - offsetAt(asUtc + DAY_MS, timeZone);
  const shows = (at: EpochMs): boolean => at + offsetAt(at, timeZone) === asUtc;
  return shows(before) || !shows(after) ? before : after;
}
