/** What customers see of their callbacks, and visitors of an entry: pure, from records, desks' hours and the queues. */
import type { EpochMs } from './base/ids.ts';
import { beginningOf, recognisable } from './channels/call-me.ts';
import type { FloorView } from './contact/floor.ts';
import { type Contact, MOST_AHEAD_MS } from './contact/model.ts';
import { nextTimeToCall } from './routing/call-hours.ts';
import type { CallbackRules } from './routing/desk-rules.ts';
import type { Desk } from './routing/directory.ts';
import type { Callback, CallMeState, CallMeStatus, EntryWait } from './web/backend.ts';

/** Of the floor, what a callback's state, place and wait are read from. */
export type LiveFloor = Pick<FloorView, 'legs' | 'position' | 'estimatedWaitMs' | 'newcomerWaitMs'>;

export type CallHours = CallbackRules['hours'];

const MINUTE_MS = 60_000;
/** Times that are offered. Short lists are chosen from faster, and nobody needs to be called at 15:07. */
const STEP_MS = 30 * MINUTE_MS;
/** Nobody wants to agree on what is almost now. */
const SOONEST_MS = 10 * MINUTE_MS;
/** How long a link shows how it ended; then there is nothing behind it any more. */
const SHOWN_AFTER_END_MS = 24 * 60 * MINUTE_MS;
const NAME_LETTERS = 1;
const QUESTION_LETTERS = 12;

const ENDED: Readonly<Record<NonNullable<Contact['cause']>, CallMeState>> = {
  handled: 'done',
  callbackFailed: 'notReached',
  callbackCancelled: 'cancelled',
  calledAgain: 'calledAgain',
  noticeStopped: 'cancelled',
  // None of these ends an outgoing contact for a reason that its party could do something about.
  abandonedIdentifying: 'lost',
  abandonedInScenario: 'lost',
  abandonedInQueue: 'lost',
  abandonedWhileRinging: 'lost',
  callbackPromised: 'lost',
  noSuchEntry: 'lost',
  hungUpByScenario: 'lost',
  transferredOut: 'lost',
  surveyDone: 'lost',
  messageLeft: 'lost',
  noticeTold: 'lost',
  switchLost: 'lost',
  replacedByCallback: 'lost',
};

/** Whether a link to it still shows something. */
export const isShown = (contact: Contact, now: EpochMs): boolean => contact.endedAt === null || contact.endedAt > now - SHOWN_AFTER_END_MS;

export function callMeStatus(contact: Contact, desk: Desk | undefined, floor: LiveFloor, now: EpochMs): CallMeStatus {
  const timeZone = desk?.timeZone ?? 'UTC';
  const blank = { position: null, estimatedWaitMs: null, timeZone };
  const is = (state: CallMeState, callAt: EpochMs | null = null): CallMeStatus => ({ ...blank, state, callAt });
  switch (contact.state) {
    case 'ended':
      return is(contact.cause === null ? 'lost' : ENDED[contact.cause]);
    case 'wrapUp':
      return is('done');
    case 'connected':
      return is('connected');
    case 'offered': {
      const leg = floor.legs.get(contact.legId ?? '');
      if (leg?.state === 'up') return is('connectingAgent');
      // Where the agent is rung first, there is no leg to the party yet.
      return is(leg === undefined ? 'preparing' : 'calling');
    }
    default: {
      const restsUntil = contact.timers.retry ?? 0;
      if (restsUntil > now) {
        if (contact.promisedAt !== null && contact.promisedAt > now) return is('agreed', restsUntil);
        if (contact.attempts > 0) return is('resting', restsUntil);
        // What rests for seconds only, until an offer can be made again, is as good as waiting.
        if (restsUntil > now + MINUTE_MS) return is('closed', restsUntil);
      }
      return { ...is('waiting'), position: floor.position(contact.id), estimatedWaitMs: floor.estimatedWaitMs(contact.id) };
    }
  }
}

/** The same with what its own page shows. */
export function callbackView(contact: Contact, desk: Desk | undefined, hours: CallHours, floor: LiveFloor, now: EpochMs): Callback {
  const { callMe } = contact;
  const mayMove = contact.state === 'queued' && contact.legId === null && desk !== undefined;
  return {
    status: callMeStatus(contact, desk, floor, now),
    language: contact.language,
    origin: contact.origin,
    askedAt: contact.arrivedAt,
    to: callMe === null ? '' : recognisable(callMe.to),
    name: beginningOf(callMe?.name ?? '', NAME_LETTERS),
    question: beginningOf(callMe?.question ?? '', QUESTION_LETTERS),
    desk: desk?.name ?? null,
    times: mayMove ? timesToCall(desk, hours, now) : [],
  };
}

interface KnownTimes {
  readonly hours: CallHours;
  readonly from: EpochMs;
  readonly times: readonly EpochMs[];
}
/** Reckoned once an hour for each desk: it takes milliseconds, and anybody may ask. A desk is replaced, never changed: a pure memo. */
const knownTimes = new WeakMap<Desk, KnownTimes>();
const KNOWN_MS = 60 * MINUTE_MS;

/** When somebody can be promised a call from a desk: every half hour within its hours, for fourteen days; ascending. */
export function timesToCall(desk: Desk, hours: CallHours, now: EpochMs): readonly EpochMs[] {
  let known = knownTimes.get(desk);
  if (known === undefined || known.hours !== hours || now < known.from || now >= known.from + KNOWN_MS) {
    known = { hours, from: now, times: halfHours(desk, hours, now, now + MOST_AHEAD_MS + KNOWN_MS) };
    knownTimes.set(desk, known);
  }
  return known.times.filter((at) => at >= now + SOONEST_MS && at <= now + MOST_AHEAD_MS);
}

function halfHours(desk: Desk, hours: CallHours, from: EpochMs, until: EpochMs): readonly EpochMs[] {
  const times: EpochMs[] = [];
  const upwards = (at: EpochMs): EpochMs => Math.ceil(at / STEP_MS) * STEP_MS;
  let at: EpochMs | null = upwards(from);
  while (at !== null && at <= until) {
    const next = nextTimeToCall(desk, hours, at);
    if (next === at) times.push(at);
    at = next === null ? null : next === at ? at + STEP_MS : upwards(next);
  }
  return times;
}

/** How long whoever asks now for a call from this desk would wait. */
export function entryWait(desk: Desk, hours: CallHours, floor: LiveFloor, now: EpochMs): EntryWait {
  const opensAt = nextTimeToCall(desk, hours, now);
  if (opensAt !== now) return { estimatedWaitMs: null, because: 'closed', opensAt };
  const estimatedWaitMs = floor.newcomerWaitMs(desk.id);
  return { estimatedWaitMs, because: estimatedWaitMs === null ? 'nobody' : null, opensAt: null };
}
