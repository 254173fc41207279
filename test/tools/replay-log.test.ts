import { describe, expect, it } from 'vitest';
import type { ContactRow, EventRow, LoggedPeriod, OfferRow } from '#src/db/logged-period.ts';
import { UNKNOWN_PARTY } from '#src/routing/party.ts';
import { type Log, readLog } from '#src/tools/replay/log.ts';
import { DIRECTORY } from '../contact/world.ts';

const MIN = 60_000;
const PERIOD = { from: 60 * MIN, until: 120 * MIN };

/** A call at the sales desk in the 70th minute, but for what is said. */
const contact = (given: Partial<ContactRow> = {}): ContactRow => ({
  id: 'c1',
  channel: 'voice',
  deskId: 'sales',
  entryId: 'ja',
  agentId: null,
  continuesId: null,
  arrivedAt: 70 * MIN,
  queuedAt: 70 * MIN,
  promisedAt: null,
  connectedAt: null,
  endedAt: 71 * MIN,
  cause: 'abandonedInQueue',
  party: UNKNOWN_PARTY,
  callingNumber: { kind: 'valid', e164: '+81312345678', country: 'JP' },
  wishes: null,
  ...given,
});
const event = (minute: number, name: EventRow['name'], given: Partial<EventRow> = {}): EventRow => ({
  at: minute * MIN,
  name,
  agentId: 'bob',
  contactId: null,
  offerId: null,
  cause: null,
  pending: null,
  ...given,
});
const read = (given: Partial<LoggedPeriod>): Log =>
  readLog({ followedTo: PERIOD.until, contacts: [], offers: [], events: [], neverQueued: 0, ...given }, DIRECTORY, PERIOD);

describe('an agent’s shift in the log', () => {
  const shift = (...events: EventRow[]) => read({ events }).staff[0];
  const changes = (...events: EventRow[]) => shift(...events)?.shift.map(({ at, attendance }) => `${at / MIN} ${attendance}`);

  it('is ready and away as the agent was; calls are no change in it', () => {
    const day = [event(50, 'agentReady'), event(65, 'agentBusy'), event(70, 'agentWorkingAfterCall'), event(71, 'agentReady')];
    expect(changes(...day, event(80, 'agentNotReady'), event(90, 'agentReady'), event(110, 'agentLoggedOff'))).toEqual([
      '50 ready',
      '80 away',
      '90 ready',
      '110 off',
    ]);
  });

  it('ends when the agent wished it to, even in the middle of a call', () => {
    const talk = [event(50, 'agentReady'), event(65, 'agentBusy'), event(66, 'agentPendingState', { pending: 'loggedOff' })];
    expect(changes(...talk, event(70, 'agentWorkingAfterCall'), event(71, 'agentLoggedOff'))).toEqual(['50 ready', '66 off']);
    const breaks = [...talk, event(68, 'agentPendingState', { pending: 'notReady' }), event(70, 'agentWorkingAfterCall')];
    expect(changes(...breaks, event(71, 'agentNotReady'))).toEqual(['50 ready', '66 off', '68 away']);
    expect(changes(...breaks, event(70.5, 'agentPendingState', { pending: 'ready' }), event(71, 'agentReady'))).toEqual([
      '50 ready',
      '66 off',
      '68 away',
      '70.5 ready',
    ]);
  });

  it('counts within the period only, and may begin with a call', () => {
    const day = [event(55, 'agentBusy'), event(70, 'agentReady'), event(80, 'agentNotReady'), event(100, 'agentLoggedOff')];
    expect(shift(...day)).toMatchObject({ busyUntil: 70 * MIN });
    expect(read({ events: day }).facts.agents).toEqual([{ id: 'bob', deskIds: ['sales'], busyMs: 10 * MIN, staffedMs: 20 * MIN }]);
    expect(shift(event(55, 'agentBusy'))?.busyUntil).toBe(PERIOD.until);
    expect(shift(event(62, 'agentBusy'), event(64, 'agentReady'))?.busyUntil).toBe(null);
  });

  it('of one who has left is at the desks whose contacts were theirs', () => {
    const events = [event(50, 'agentReady', { agentId: 'eve' }), event(50, 'agentReady', { agentId: 'kim' })];
    const contacts = [contact({ agentId: 'eve', connectedAt: 70.5 * MIN, cause: 'handled' })];
    expect(read({ events, contacts }).staff).toMatchObject([{ id: 'eve', queues: [{ queueId: 'sales', priority: 1 }], skills: [] }]);
  });
});

describe('a contact in the log', () => {
  const first = (row: ContactRow, given: Partial<LoggedPeriod> = {}) => read({ contacts: [row], ...given }).contacts[0];
  const offer = (from: number, to: number, outcome: OfferRow['outcome']): OfferRow => ({
    id: `o${from}`,
    contactId: 'c1',
    createdAt: from * MIN,
    endedAt: to * MIN,
    outcome,
  });

  it('that was handled took ringing, talk and wrap-up; that it was not taken at first is known, too', () => {
    const row = contact({ connectedAt: 73 * MIN, endedAt: 80 * MIN, cause: 'handled', agentId: 'bob' });
    const offers = [offer(70, 71, 'noAnswer'), offer(72, 79, 'completed')];
    expect(first(row, { offers, events: [event(79, 'wrapUpStarted', { contactId: 'c1' })] })).toMatchObject({
      ending: 'answered',
      waitMs: 3 * MIN,
      lapsesMs: [MIN],
      handling: { answerMs: MIN, talkMs: 6 * MIN, wrapUpMs: MIN },
    });
  });

  it('that was given up while a phone rang tells how long that had rung', () => {
    const row = contact({ endedAt: 72 * MIN, cause: 'abandonedWhileRinging' });
    expect(first(row, { offers: [offer(71.5, 72, 'callerGone')] })).toMatchObject({ ending: 'gaveUp', waitMs: 2 * MIN, rangMs: MIN / 2 });
    expect(first(contact())).toMatchObject({ ending: 'gaveUp', waitMs: MIN, rangMs: null, handling: null });
  });

  it('that was agreed for a time waits from then on', () => {
    const row = contact({ channel: 'callback', promisedAt: 90 * MIN, connectedAt: 92 * MIN, endedAt: 95 * MIN, cause: 'handled' });
    const { facts, contacts } = read({ contacts: [row] });
    expect(facts.contacts).toMatchObject([{ kind: 'callback', ending: 'answered', waitMs: 2 * MIN }]);
    expect(contacts).toMatchObject([{ promisedAt: 90 * MIN, waitMs: 22 * MIN }]);
  });

  it('that lives on as a callback is one with it', () => {
    const call = contact({ cause: 'callbackPromised' });
    const back = contact({
      id: 'c2',
      channel: 'callback',
      continuesId: 'c1',
      queuedAt: 71 * MIN,
      endedAt: 75 * MIN,
      cause: 'callbackCancelled',
    });
    const { contacts, facts } = read({ contacts: [call, back] });
    expect(contacts).toMatchObject([
      { id: 'c1', kind: 'call', ending: 'calledBack', attempts: { failures: [], handling: null, withdrawnAfterMs: 4 * MIN } },
    ]);
    expect(facts.contacts.map(({ id, kind, ending }) => `${id} ${kind} ${ending}`)).toEqual([
      'c1 call calledBack',
      'c2 callback withdrawn',
    ]);
  });

  it('that is a message is one of its own beside the call in which it was left, and is worked on like a talk', () => {
    const call = contact({ endedAt: 71 * MIN, cause: 'messageLeft' });
    const about = { id: 'm1', channel: 'message', continuesId: 'c1', arrivedAt: 71 * MIN, queuedAt: 71 * MIN } as const;
    const message = contact({ ...about, connectedAt: 90 * MIN, endedAt: 93 * MIN, cause: 'handled', agentId: 'bob' });
    const offers = [{ ...offer(89, 92, 'completed'), contactId: 'm1' }];
    const { contacts } = read({ contacts: [call, message], offers, events: [event(92, 'wrapUpStarted', { contactId: 'm1' })] });
    const handling = { answerMs: MIN, talkMs: 2 * MIN, wrapUpMs: MIN };
    expect(contacts.map(({ id, kind }) => [id, kind])).toEqual([
      ['c1', 'call'],
      ['m1', 'message'],
    ]);
    expect(contacts[1]).toMatchObject({ ending: 'answered', attempts: { failures: [], handling, withdrawnAfterMs: null } });
    expect(contacts[0]?.attempts).toBeNull();
  });

  it('that is not over would have gone on', () => {
    const { contacts, notPlayed } = read({ contacts: [contact({ endedAt: null, cause: null })] });
    expect(contacts).toMatchObject([{ ending: 'open', waitMs: PERIOD.until - 70 * MIN, attempts: null }]);
    expect(notPlayed.open).toBe(1);
  });

  it('of which the record says nothing stays where it was', () => {
    expect([...read({ contacts: [contact()] }).factsOf.keys()]).toEqual(['c1']);
    expect(read({ contacts: [contact({ party: null })] }).factsOf.size).toBe(0);
    expect(read({ contacts: [contact({ entryId: 'gone' })] }).factsOf.size).toBe(0);
    expect(read({ contacts: [contact({ channel: 'notice' })] }).factsOf.size).toBe(0);
    expect(read({ contacts: [contact({ channel: 'message' })] }).factsOf.size).toBe(0);
  });
});
