/** When people may be called back: within the hours that the desk's rules set, else while the desk is open. */
import type { EpochMs } from '../base/ids.ts';
import type { Desk } from './directory.ts';
import { isOpen, wallClock } from './hours.ts';

const MINUTE_MS = 60_000;
/** Longer than any run of holidays: a desk that has no hour in it has none at all. */
const SEARCHED_MS = 35 * 24 * 60 * MINUTE_MS;

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/**
 * The first moment from `at` on at which somebody may be called from a desk.
 * @param hours wall-clock times `HH:MM` of every day in the desk's zone, `to` up to `24:00`; null: the desk's opening hours
 * @returns `at` itself when it may be now; null when there is no such moment within five weeks
 */
export function nextTimeToCall(desk: Desk, hours: { readonly from: string; readonly to: string } | null, at: EpochMs): EpochMs | null {
  const mayCall = (when: EpochMs): boolean => {
    if (hours === null) return isOpen(desk, when);
    const clock = wallClock(when, desk.timeZone);
    const now = clock.hour * 60 + clock.minute;
    return now >= minutesOf(hours.from) && now < minutesOf(hours.to);
  };
  if (mayCall(at)) return at;
  // Opening and closing times are whole minutes of wall clocks, and those change by whole quarters of an hour.
  const quarterMs = 15 * MINUTE_MS;
  let before = at;
  for (let when = (Math.floor(at / quarterMs) + 1) * quarterMs; when <= at + SEARCHED_MS; when += quarterMs) {
    if (mayCall(when)) {
      for (let minute = (Math.floor(before / MINUTE_MS) + 1) * MINUTE_MS; minute < when; minute += MINUTE_MS) {
        if (mayCall(minute)) return minute;
      }
      return when;
    }
    before = when;
  }
  return null;
}
