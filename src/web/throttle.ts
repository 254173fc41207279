/** Counts failures by key within a window: who failed too often has to wait. In memory: a restart forgives. */
import type { EpochMs } from '../base/ids.ts';

export interface ThrottleRule {
  readonly failures: number;
  readonly windowMs: number;
}

export interface Throttle {
  /** Milliseconds to wait before the next attempt; 0 when it may be made now. */
  waitMs(key: string, nowMs: EpochMs): number;
  /** Counts an attempt, before its outcome is known: attempts made at the same time count as well. */
  attempt(key: string, nowMs: EpochMs): void;
  /** It was a good one: this attempt is taken back. */
  forgive(key: string, at: EpochMs): void;
}

/** Keys kept at most. Whoever has that many addresses is not stopped by this; memory stays bounded. */
const MOST_KEYS = 50_000;

export function throttle(rule: ThrottleRule): Throttle {
  const attempts = new Map<string, EpochMs[]>();

  function recent(key: string, nowMs: EpochMs): EpochMs[] {
    const list = (attempts.get(key) ?? []).filter((at) => at > nowMs - rule.windowMs);
    if (list.length === 0) attempts.delete(key);
    else attempts.set(key, list);
    return list;
  }

  return {
    waitMs(key, nowMs) {
      const list = recent(key, nowMs);
      const oldest = list[list.length - rule.failures];
      return oldest === undefined ? 0 : oldest + rule.windowMs - nowMs;
    },
    attempt(key, nowMs) {
      const list = recent(key, nowMs);
      list.push(nowMs);
      // Deleted and set again, so that the map's order is by last use and the first key is the longest unused.
      attempts.delete(key);
      attempts.set(key, list);
      const [first] = attempts.keys();
      if (attempts.size > MOST_KEYS && first !== undefined) attempts.delete(first);
    },
    forgive(key, at) {
      const list = attempts.get(key);
      const index = list?.lastIndexOf(at) ?? -1;
      if (list === undefined || index < 0) return;
      list.splice(index, 1);
      if (list.length === 0) attempts.delete(key);
    },
  };
}
