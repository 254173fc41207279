/** A key's way through the controller, put together of what the listeners saw on the wire and what the process noted at its edges. */
import { percentile } from '../report.ts';
import type { Answered } from './caller.ts';
import type { Moment } from './inside.ts';

export interface Stretch {
  readonly from: string;
  readonly keys: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

const NAMES = {
  event: 'key on the wire → event in the controller',
  commit: 'event → its commit begins',
  committed: 'commit',
  orders: 'committed → play is sent (stopping what plays, renewing the lease)',
  play: 'play is sent → answered',
  sound: 'play is sent → sound on the wire',
} as const;

/** How long each stretch of the way took, over all keys that can be followed. */
export function stretches(answers: readonly Answered[], moments: readonly Moment[]): Stretch[] {
  const found = new Map<string, number[]>();
  const add = (name: string, ms: number): void => void found.set(name, [...(found.get(name) ?? []), ms]);
  const commits = new Map<string, { from: number; to: number }>();
  const responses = new Map<string, number>();
  const plays = new Map<string, { atMs: number; id: string }[]>();
  const digits = new Map<string, Moment[]>();
  for (const { what, key, detail, atMs } of moments) {
    if (what === 'commit') commits.set(key, { from: atMs, to: Number.NaN });
    else if (what === 'committed') commits.set(key, { from: commits.get(key)?.from ?? Number.NaN, to: atMs });
    else if (what === 'response') responses.set(key, atMs);
    else if (what === 'digit') digits.set(detail, [...(digits.get(detail) ?? []), { what, key, detail, atMs }]);
    else if (what === 'request') {
      const channel = /^POST channels\/([^/]+)\/play\//.exec(detail)?.[1];
      if (channel !== undefined) plays.set(channel, [...(plays.get(channel) ?? []), { atMs, id: key }]);
    }
  }
  const inOrder = [...commits.values()].sort((a, b) => a.from - b.from);
  for (const { from, pressedAtMs, delayMs } of answers) {
    const digit = digits.get(from)?.find(({ atMs }) => atMs >= pressedAtMs);
    const play = digit && plays.get(digit.key)?.find(({ atMs }) => atMs >= digit.atMs);
    const commit = digit && inOrder.find((one) => one.from >= digit.atMs);
    if (!digit || !play || !commit || commit.to > play.atMs) continue;
    add(NAMES.event, digit.atMs - pressedAtMs);
    add(NAMES.commit, commit.from - digit.atMs);
    add(NAMES.committed, commit.to - commit.from);
    add(NAMES.orders, play.atMs - commit.to);
    const answered = responses.get(play.id);
    if (answered !== undefined) add(NAMES.play, answered - play.atMs);
    add(NAMES.sound, pressedAtMs + delayMs - play.atMs);
  }
  return Object.values(NAMES).map((name) => {
    const ms = found.get(name) ?? [];
    const at = (share: number): number => percentile(ms, share);
    return {
      from: name,
      keys: ms.length,
      meanMs: ms.reduce((a, b) => a + b, 0) / ms.length,
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
    };
  });
}

/** How often Asterisk was asked what, and Postgres to commit. */
export function requestsOf(moments: readonly Moment[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { what, detail } of moments) {
    if (what === 'commit') counts['commit'] = (counts['commit'] ?? 0) + 1;
    if (what !== 'request') continue;
    const kind = detail.replace(/\?.*/, '').replaceAll(/\/[^/]*\d[^/]*/g, '/…');
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
