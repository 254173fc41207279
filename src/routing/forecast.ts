/**
 * What to expect of the coming weeks by what came in the past ones: calls per interval of each weekday, how long they take,
 * how long callers wait, and how many agents that needs.
 *
 * Everything goes by the clock on the wall of one IANA time zone, since people call by it. Where the clock is put forward, an
 * interval that never was counts for nothing; where it is put back, one that was there twice counts twice: calls are divided
 * by the time for which the clock really showed it.
 */
import type { EpochMs } from '../base/ids.ts';
import { agentsFor, type Staffing, type StaffingQuestion } from './erlang.ts';
import { momentOfClock, wallClock } from './hours.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const DAY_MS = DAY_MINUTES * MINUTE_MS;

export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;
const WEEKDAYS: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];

export interface Arrivals {
  readonly at: EpochMs;
  /** Left out: one. */
  readonly count?: number;
}

export interface ForecastQuestion {
  /** IANA, as `Asia/Tokyo`. */
  readonly timeZone: string;
  /** Whole minutes, of which a day is a multiple. */
  readonly intervalMs: number;
  /** First and last day of which all arrivals are known (YYYY-MM-DD in the zone). A day without any is a quiet day. */
  readonly from: string;
  readonly to: string;
  /** Days that say nothing about others: holidays, an outage. */
  readonly excluded?: readonly string[];
}

/** An interval of a weekday. */
export interface Slot {
  readonly weekday: Weekday;
  /** By the clock on the wall, from midnight. */
  readonly startMinute: number;
  /** Expected arrivals. */
  readonly calls: number;
  /** From how many days. */
  readonly days: number;
}

export interface DayLeftOut {
  readonly date: string;
  readonly because: 'excluded' | 'unusual';
  readonly arrivals: number;
  /** The median of its weekday, when it was unusual. */
  readonly usual: number | null;
}

export interface Forecast {
  readonly timeZone: string;
  readonly intervalMs: number;
  /** By weekday and time; a weekday of which no day is known has none. */
  readonly slots: readonly Slot[];
  readonly leftOut: readonly DayLeftOut[];
  /** Arrivals that count, and those before `from` or after `to`, which do not. */
  readonly arrivals: number;
  readonly outside: number;
}

/**
 * The mean of each interval over the days of the same weekday. A day whose total is far from the median of its weekday (four
 * times the noise, judged by the median deviation and at least that of random arrivals; from four days on) is left out as a
 * whole and named. Whole days rather than single intervals, as a trimmed or median interval would come out too low where
 * there are few calls, and so too few agents.
 * @throws RangeError when a day, the zone or the interval is no such
 */
export function forecast(arrivals: Iterable<Arrivals>, question: ForecastQuestion): Forecast {
  const { timeZone, intervalMs } = question;
  checkInterval(intervalMs);
  const days = datesFrom(question.from, question.to).map((date) => new Day(date, timeZone, intervalMs));
  const excluded = new Set(question.excluded?.map(checkedDate));
  let outside = 0;
  for (const { at, count = 1 } of arrivals) {
    const day = dayAt(days, at);
    if (day) day.add(at, count);
    else outside += count;
  }
  const leftOut: DayLeftOut[] = [];
  const slots: Slot[] = [];
  let counted = 0;
  for (const weekday of WEEKDAYS) {
    const same = days.filter((day) => day.weekday === weekday);
    const ordinary = same.filter((day) => !excluded.has(day.date));
    const isUsual = usual(ordinary.map((day) => day.arrivals));
    const used = ordinary.filter((day) => isUsual.holds(day.arrivals));
    for (const { date, arrivals: n } of same.filter((day) => !used.includes(day))) {
      const because = excluded.has(date) ? 'excluded' : 'unusual';
      leftOut.push({ date, because, arrivals: n, usual: because === 'unusual' ? isUsual.median : null });
    }
    if (used.length === 0) continue;
    counted += sum(used.map((day) => day.arrivals));
    for (let slot = 0; slot < DAY_MS / intervalMs; slot += 1) {
      const calls = sum(used.map((day) => day.counts[slot] ?? 0));
      const shownMs = sum(used.map((day) => day.shownMs(slot)));
      // Only where every known day skipped it, and nobody could call.
      const perInterval = shownMs === 0 ? 0 : (calls * intervalMs) / shownMs;
      slots.push({ weekday, startMinute: (slot * intervalMs) / MINUTE_MS, calls: perInterval, days: used.length });
    }
  }
  leftOut.sort((a, b) => (a.date < b.date ? -1 : 1));
  return { timeZone, intervalMs, slots, leftOut, arrivals: counted, outside };
}

/** One interval of a real day. */
export interface DatedSlot extends Slot {
  readonly start: EpochMs;
}

/**
 * The intervals of a day to come, as they will really be: without those that the clock skips, and with those twice that it
 * shows twice. Empty when nothing is known of its weekday.
 * @throws RangeError when it is no day
 */
export function slotsOfDay({ slots, timeZone, intervalMs }: Forecast, date: string): DatedSlot[] {
  const [start, end] = [startOfDay(checkedDate(date), timeZone), startOfDay(nextDate(date), timeZone)];
  const found: DatedSlot[] = [];
  for (let at = start; at < end; at += intervalMs) {
    const clock = wallClock(at, timeZone);
    const minute = clock.hour * 60 + clock.minute;
    const slot = slots.find(
      (s) => s.weekday === clock.weekday && minute >= s.startMinute && minute < s.startMinute + intervalMs / MINUTE_MS,
    );
    if (slot) found.push({ ...slot, startMinute: minute, calls: (slot.calls * Math.min(intervalMs, end - at)) / intervalMs, start: at });
  }
  return found;
}

export type StaffedSlot<S extends Slot = Slot> = S & { readonly staffing: Staffing };

/**
 * The agents that each interval needs, as if its calls came at the same rate for long.
 * @throws RangeError as `agentsFor`
 */
export function staff<S extends Slot>(slots: readonly S[], question: Omit<StaffingQuestion, 'callsPerInterval'>): StaffedSlot<S>[] {
  return slots.map((slot) => ({ ...slot, staffing: agentsFor({ ...question, callsPerInterval: slot.calls }) }));
}

// ---------------------------------------------------------------- what calls are like

export interface AhtEstimate {
  readonly ahtMs: number;
  readonly calls: number;
  /** Took more than twenty times the median: a wrap-up that somebody forgot to end. */
  readonly leftOut: number;
}

/**
 * Average handling time, a mean: the load is made by the long calls too, so a median would give too few agents.
 * @param handlingsMs from the beginning of the talk to the end of wrap-up
 * @returns null when there are none
 */
export function estimateAht(handlingsMs: readonly number[]): AhtEstimate | null {
  const real = handlingsMs.filter((ms) => Number.isFinite(ms) && ms > 0);
  if (real.length === 0) return null;
  const longest = 20 * median(real);
  const kept = real.filter((ms) => ms <= longest);
  return { ahtMs: sum(kept) / kept.length, calls: kept.length, leftOut: real.length - kept.length };
}

export interface PatienceEstimate {
  readonly patienceMs: number;
  readonly abandoned: number;
}

/**
 * How long callers would wait on average: all time waited, also by those who were answered, divided by the number of those who
 * gave up. (The mean wait of those who gave up is far too short: the patient ones were answered.) This is the maximum
 * likelihood estimate for exponential patience; Mandelbaum and Zeltyn 2007, section on estimating patience.
 * @returns null when nobody gave up
 */
export function estimatePatience(waits: Iterable<{ readonly waitMs: number; readonly abandoned: boolean }>): PatienceEstimate | null {
  let [waitedMs, gaveUp] = [0, 0];
  for (const { waitMs, abandoned } of waits) {
    waitedMs += Math.max(0, waitMs);
    if (abandoned) gaveUp += 1;
  }
  return gaveUp === 0 || waitedMs === 0 ? null : { patienceMs: waitedMs / gaveUp, abandoned: gaveUp };
}

// ---------------------------------------------------------------- days

/** A day of the past, by the clock on the wall. */
class Day {
  readonly date: string;
  readonly weekday: Weekday;
  readonly start: EpochMs;
  readonly end: EpochMs;
  /** Arrivals of each interval. */
  readonly counts: number[];
  arrivals = 0;
  readonly #timeZone: string;
  readonly #intervalMs: number;
  /** Null on an ordinary day, where the clock shows each interval once. */
  readonly #shownMs: readonly number[] | null;

  constructor(date: string, timeZone: string, intervalMs: number) {
    this.date = date;
    this.weekday = weekdayOf(date);
    this.start = startOfDay(date, timeZone);
    this.end = startOfDay(nextDate(date), timeZone);
    this.#timeZone = timeZone;
    this.#intervalMs = intervalMs;
    this.counts = new Array<number>(DAY_MS / intervalMs).fill(0);
    const isOrdinary = this.end - this.start === DAY_MS && this.#minuteAt(this.start) === 0;
    this.#shownMs = isOrdinary ? null : this.#read();
  }

  add(at: EpochMs, count: number): void {
    const slot = this.#shownMs === null ? Math.floor((at - this.start) / this.#intervalMs) : this.#slotAt(at);
    this.counts[slot] = (this.counts[slot] ?? 0) + count;
    this.arrivals += count;
  }

  /** For how long the clock showed this interval. */
  shownMs(slot: number): number {
    return this.#shownMs === null ? this.#intervalMs : (this.#shownMs[slot] ?? 0);
  }

  #read(): number[] {
    const shown = this.counts.map(() => 0);
    for (let at = this.start; at < this.end; at += MINUTE_MS) {
      const slot = this.#slotAt(at);
      shown[slot] = (shown[slot] ?? 0) + MINUTE_MS;
    }
    return shown;
  }

  #minuteAt(at: EpochMs): number {
    const { hour, minute } = wallClock(at, this.#timeZone);
    return hour * 60 + minute;
  }

  #slotAt(at: EpochMs): number {
    return Math.floor((this.#minuteAt(at) * MINUTE_MS) / this.#intervalMs);
  }
}

function dayAt(days: readonly Day[], at: EpochMs): Day | undefined {
  let [low, high] = [0, days.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((days[middle]?.end ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  const day = days[low];
  return day && day.start <= at ? day : undefined;
}

/**
 * The first moment of a day: not midnight where the clock is put forward at midnight.
 * @throws RangeError when there is no such day or zone
 */
export function startOfDay(date: string, timeZone: string): EpochMs {
  const utc = utcOf(date);
  // No zone is further than this from UTC. The clock's date never goes back over a minute that is searched here.
  let [before, from] = [utc / MINUTE_MS - 15 * 60, utc / MINUTE_MS + 15 * 60];
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (wallClock(middle * MINUTE_MS, timeZone).date < date) before = middle;
    else from = middle;
  }
  return from * MINUTE_MS;
}

/**
 * The moment at which the clock on the wall shows this; the first one of two.
 * @param time HH:MM or HH:MM:SS
 * @returns null when the clock never shows it, because it is put forward over it
 * @throws RangeError when there is no such day, time or zone
 */
export function instantOf(date: string, time: string, timeZone: string): EpochMs | null {
  const [, hour, minute, second = '00'] = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(time) ?? [];
  if (hour === undefined || minute === undefined) throw new RangeError(`time: ${time}; right: HH:MM or HH:MM:SS`);
  checkedDate(date);
  const moment = momentOfClock(date, `${hour}:${minute}`, timeZone);
  if (moment === null) return null;
  const clock = wallClock(moment, timeZone);
  const isShown = clock.date === date && clock.hour === Number(hour) && clock.minute === Number(minute);
  return isShown ? moment + Number(second) * 1_000 : null;
}

/** All days of a span, both ends included. */
function datesFrom(from: string, to: string): string[] {
  if (checkedDate(to) < checkedDate(from)) throw new RangeError(`to: ${to} is before ${from}; right: the same day or a later one`);
  const dates: string[] = [];
  for (let date = from; date <= to; date = nextDate(date)) dates.push(date);
  return dates;
}

function utcOf(date: string): number {
  const at = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== date) throw new RangeError(`${date} is no day; right: as 2026-11-23`);
  return at;
}

const checkedDate = (date: string): string => {
  utcOf(date);
  return date;
};
const nextDate = (date: string): string => new Date(utcOf(date) + DAY_MS).toISOString().slice(0, 10);

/** Day 0 of the epoch was a Thursday (4). */
function weekdayOf(date: string): Weekday {
  const day = (((utcOf(date) / DAY_MS + 3) % 7) + 7) % 7;
  return WEEKDAYS[day] ?? 1;
}

function checkInterval(intervalMs: number): void {
  if (Number.isSafeInteger(intervalMs) && intervalMs > 0 && intervalMs % MINUTE_MS === 0 && DAY_MS % intervalMs === 0) return;
  throw new RangeError(`intervalMs: ${intervalMs}; right: whole minutes that fill a day without rest, as 15, 30 or 60`);
}

// ---------------------------------------------------------------- numbers

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

/** Below four days nobody can say which of them was unusual. */
const FEWEST_TO_JUDGE = 4;
const NOISES = 4;

function usual(totals: readonly number[]): { readonly median: number; holds(total: number): boolean } {
  const middle = median(totals);
  if (totals.length < FEWEST_TO_JUDGE) return { median: middle, holds: () => true };
  // 1.4826 makes the median deviation comparable with a standard deviation; random arrivals have the root of their mean.
  const noise = Math.max(1.4826 * median(totals.map((total) => Math.abs(total - middle))), Math.sqrt(Math.max(middle, 1)));
  return { median: middle, holds: (total) => Math.abs(total - middle) <= NOISES * noise };
}
