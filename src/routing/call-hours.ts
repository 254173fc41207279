/** When people may be called back: within the hours that the desk's rules set, else while the desk is open. */
import type { EpochMs } from '../base/ids.ts';
import type { DeskRules } from './desk-rules.ts';
import type { Desk } from './directory.ts';
import { nextOpening, type Opens } from './hours.ts';

/** Longer than any run of holidays: a desk that has no hour in it has none at all. */
const SEARCHED_MS = 35 * 24 * 60 * 60_000;

type Hours = DeskRules['callbacks']['hours'];

interface Answer {
  readonly hours: Hours;
  readonly opens: Opens;
  /** From here to `next`, all the time of which nobody may be called, the answer is `next`. */
  readonly from: EpochMs;
  readonly next: EpochMs;
}
/** The last answer for each desk: it is asked for in every step. A desk is replaced and never changed, so this is a pure memo. */
const answers = new WeakMap<Desk, Answer>();

/**
 * The first moment from `at` on at which somebody may be called from a desk.
 * @param hours wall-clock times `HH:MM` of every day in the desk's zone, holidays too, `to` up to `24:00`, and into the next morning
 *   when it is before `from`; null: the desk's opening hours
 * @returns `at` itself when it may be now; null when there is no such moment within five weeks
 */
export function nextTimeToCall(desk: Desk, hours: Hours, at: EpochMs): EpochMs | null {
  const last = answers.get(desk);
  const known = last?.hours === hours ? last : null;
  if (known && at >= known.from && at <= known.next) return known.next;
  const opens = known?.opens ?? (hours === null ? desk : { timeZone: desk.timeZone, hours: everyDay(hours), holidays: [] });
  const next = nextOpening(opens, at, SEARCHED_MS);
  if (next !== null) answers.set(desk, { hours, opens, from: at, next });
  return next;
}

const everyDay = ({ from, to }: NonNullable<Hours>): Opens['hours'] =>
  ([1, 2, 3, 4, 5, 6, 7] as const).map((weekday) => ({ weekday, from, to }));
