/** Agents who never were: so many, at work whenever their desks are open. */
import type { DeskId, EpochMs } from '../../base/ids.ts';
import type { Desk, Directory } from '../../routing/directory.ts';
import { isOpen } from '../../routing/hours.ts';
import type { Requirement } from '../../routing/matching/model.ts';
import type { StaffMember } from '../../routing/what-if.ts';

const MINUTE_MS = 60_000;
/** Whoever waits when the period is over is still served, if need be on another day. */
const AFTER_MS = 7 * 24 * 60 * MINUTE_MS;

/** So many who serve all desks, or so many at each of these desks and whoever was at the others. */
export type StaffQuestion = { readonly all: number } | { readonly byDesk: ReadonlyMap<DeskId, number> };

export interface StaffContext {
  readonly directory: Directory;
  readonly from: EpochMs;
  readonly until: EpochMs;
  /** Every skill that anybody is asked for: they have them all. */
  readonly skills: readonly Requirement[];
}

/**
 * Always ready while a desk of theirs is open, without a break; whoever waits when it closes is still served.
 * @param logged who really was there
 * @returns null when no desk of theirs is ever open in the period
 */
export function staffOf(question: StaffQuestion, logged: readonly StaffMember[], context: StaffContext): StaffMember[] | null {
  const { desks } = context.directory;
  if ('all' in question) return constant('agent', question.all, [...desks.values()], context);
  const others = logged
    .map((member) => ({ ...member, queues: member.queues.filter(({ queueId }) => !question.byDesk.has(queueId)) }))
    .filter(({ queues }) => queues.length > 0);
  const theirs = [...question.byDesk].map(([deskId, count]) => {
    const desk = desks.get(deskId);
    return constant(deskId, count, desk ? [desk] : [], context);
  });
  return theirs.some((of) => of === null) ? null : [...others, ...theirs.flatMap((of) => of ?? [])];
}

function constant(name: string, count: number, desks: readonly Desk[], { from, until, skills }: StaffContext): StaffMember[] | null {
  if (count === 0) return [];
  const shift = openings(desks, from, until + AFTER_MS);
  if (!shift.some(({ at, attendance }) => attendance === 'ready' && at < until)) return null;
  const queues = desks.map(({ id }) => ({ queueId: id, priority: 1 }));
  // A space is in no real agent's id.
  return Array.from({ length: count }, (_, i) => ({ id: `${name} ${i + 1}`, queues, skills, shift, busyUntil: null }));
}

/** When one of these desks opens, and when the last of them closes. Hours are in whole minutes. */
function openings(desks: readonly Desk[], from: EpochMs, until: EpochMs): StaffMember['shift'] {
  const shift: { at: EpochMs; attendance: 'ready' | 'leaving' }[] = [];
  let wasOpen = false;
  for (let at = Math.floor(from / MINUTE_MS) * MINUTE_MS; at < until; at += MINUTE_MS) {
    const open = desks.some((desk) => isOpen(desk, at));
    if (open !== wasOpen) shift.push({ at, attendance: open ? 'ready' : 'leaving' });
    wasOpen = open;
  }
  return shift;
}
