/** What the rows of a logged period mean: the contacts as a play needs them, the agents' shifts, and the figures as they really were. */
import type { ContactId, DeskId, EpochMs, OfferId } from '../../base/ids.ts';
import type { ContactRow, EventRow, LoggedPeriod, OfferRow } from '../../db/logged-period.ts';
import type { DeskFacts } from '../../routing/control-logic.ts';
import { NO_WISHES, type RetryOutcome } from '../../routing/desk-rules.ts';
import type { Directory } from '../../routing/directory.ts';
import type {
  AgentTime,
  Attempts,
  Attendance,
  ContactOutcome,
  Ending,
  Handling,
  LoggedContact,
  Played,
  StaffMember,
} from '../../routing/what-if.ts';

export interface Log {
  /** In order of arrival. */
  readonly contacts: readonly LoggedContact[];
  readonly staff: readonly StaffMember[];
  /** What really was. */
  readonly facts: Played;
  /** What the control logic was told of a contact; none for those of which the log does not tell. */
  readonly factsOf: ReadonlyMap<ContactId, DeskFacts>;
  readonly notPlayed: NotPlayed;
}

/** What happened, and is not played again; how many of each. */
export interface NotPlayed {
  /** Contacts that ended before they came to a queue. */
  readonly neverQueued: number;
  /** Contacts of desks that are gone. */
  readonly deskGone: number;
  /** Contacts that were cut off or are not over: how they would have gone on is drawn. */
  readonly open: number;
}

/** @param period the contacts' and agents' time that counts */
export function readLog(logged: LoggedPeriod, directory: Directory, period: { readonly from: EpochMs; readonly until: EpochMs }): Log {
  const { from, until } = period;
  const offers = Map.groupBy(logged.offers, ({ contactId }) => contactId);
  const wrapUps = new Map<ContactId, EpochMs>();
  const failures = new Map<OfferId, RetryOutcome>();
  for (const { name, at, contactId, offerId, cause } of logged.events) {
    if (name === 'wrapUpStarted' && contactId !== null) wrapUps.set(contactId, at);
    if (name === 'failed' && offerId !== null) failures.set(offerId, RETRY_OUTCOME[cause ?? ''] ?? 'failed');
  }
  const reader = new ContactReader(logged, offers, wrapUps, failures);

  const counts = (row: ContactRow): boolean => row.queuedAt >= from && row.queuedAt < until;
  const atDesk = logged.contacts.filter((row) => row.deskId !== null && directory.desks.has(row.deskId));
  const calls = new Map(atDesk.filter((row) => row.channel === 'voice' && row.connectedAt === null).map((row) => [row.id, row]));
  const callbackOf = new Map<ContactId, ContactRow>();
  for (const row of atDesk) {
    if (row.channel === 'callback' && row.continuesId !== null && calls.has(row.continuesId)) callbackOf.set(row.continuesId, row);
  }
  const continuing = new Set([...callbackOf.values()].map(({ id }) => id));

  // An agent has these in hand when the period begins, and is busy with them by the agent's own states.
  const inHand = (row: ContactRow): boolean =>
    row.queuedAt < from &&
    ((row.connectedAt ?? until) < from ||
      (offers.get(row.id) ?? []).some((offer) => offer.createdAt < from && (offer.endedAt ?? until) > from));
  const played = atDesk.filter((row) => !continuing.has(row.id) && !inHand(row));
  const factsOf = new Map<ContactId, DeskFacts>();
  for (const row of played) {
    const facts = deskFacts(row, directory);
    if (facts !== null) factsOf.set(row.id, facts);
  }
  const { staff, times } = readAgents(logged, directory, period);
  const counted = atDesk.filter(counts);
  return {
    contacts: played.map((row) => reader.contact(row, callbackOf.get(row.id) ?? null)),
    staff,
    facts: { contacts: counted.map((row) => reader.outcome(row)), agents: times },
    factsOf,
    notPlayed: {
      neverQueued: logged.neverQueued,
      deskGone: logged.contacts.filter(counts).length - counted.length,
      open: counted.filter((row) => endingOf(row) === 'open').length,
    },
  };
}

/** As the floor reads the causes of legs that were not answered. */
const RETRY_OUTCOME: Readonly<Record<string, RetryOutcome>> = { busy: 'busy', noAnswer: 'noAnswer', cancelled: 'noAnswer' };
/** By the agent's doing, or the agent's phone's or panel's. */
const LAPSED: ReadonlySet<string> = new Set(['declined', 'noAnswer', 'panelLost', 'phoneUnreachable']);

/**
 * What the control logic decided by; null when the record does not say, or the entry is gone. Notices and (most often) messages have
 * their desk from elsewhere.
 */
function deskFacts({ channel, entryId, party, callingNumber }: ContactRow, directory: Directory): DeskFacts | null {
  const entry = directory.entries.find(({ id }) => id === entryId);
  if (!entry || party === null || callingNumber === null || channel === 'notice' || channel === 'message') return null;
  return { party, entry, channel, callingNumber };
}

// ---------------------------------------------------------------- contacts

const KIND = { voice: 'call', callback: 'callback', notice: 'notice', message: 'message' } as const;

function endingOf({ connectedAt, cause }: ContactRow): Ending {
  if (connectedAt !== null) return 'answered';
  switch (cause) {
    case 'abandonedInQueue':
    case 'abandonedWhileRinging':
    case 'abandonedInScenario': // called out of the queue by a key, and hung up then
      return 'gaveUp';
    case 'callbackPromised':
    case 'replacedByCallback':
      return 'calledBack';
    case 'callbackFailed':
      return 'failed';
    case 'callbackCancelled':
    case 'calledAgain':
    case 'noticeStopped':
    // Out of the queue and over in the scenario that they waited in.
    case 'messageLeft':
    case 'hungUpByScenario':
    case 'transferredOut':
    case 'surveyDone':
    case 'noticeTold':
      return 'withdrawn';
    default:
      return 'open';
  }
}

const lapseOf = ({ outcome, createdAt, endedAt }: OfferRow): number[] =>
  LAPSED.has(outcome ?? '') && endedAt !== null ? [endedAt - createdAt] : [];

class ContactReader {
  readonly #logged: LoggedPeriod;
  readonly #offers: ReadonlyMap<ContactId, readonly OfferRow[]>;
  readonly #wrapUps: ReadonlyMap<ContactId, EpochMs>;
  readonly #failures: ReadonlyMap<OfferId, RetryOutcome>;

  constructor(
    logged: LoggedPeriod,
    offers: ReadonlyMap<ContactId, readonly OfferRow[]>,
    wrapUps: ReadonlyMap<ContactId, EpochMs>,
    failures: ReadonlyMap<OfferId, RetryOutcome>,
  ) {
    this.#logged = logged;
    this.#offers = offers;
    this.#wrapUps = wrapUps;
    this.#failures = failures;
  }

  outcome(row: ContactRow): ContactOutcome {
    const kind = KIND[row.channel];
    const since = kind === 'call' ? row.queuedAt : Math.max(row.queuedAt, row.promisedAt ?? 0);
    const waitMs = Math.max(0, this.#until(row) - since);
    return { id: row.id, kind, deskId: row.deskId ?? '', ending: endingOf(row), waitMs };
  }

  /** @param callback what it lived on as */
  contact(row: ContactRow, callback: ContactRow | null): LoggedContact {
    const { id, channel, queuedAt, arrivedAt, promisedAt, party, callingNumber, wishes, deskId } = row;
    const kind = KIND[channel];
    const ringing = row.cause === 'abandonedWhileRinging' ? this.#offers.get(id)?.at(-1) : undefined;
    const calledBack = kind === 'call' ? callback : row;
    return {
      id,
      kind,
      deskId: deskId ?? '',
      wishes: wishes ?? NO_WISHES,
      lastAgentId: party?.record?.lastAgentId ?? null,
      arrivedAt,
      queuedAt,
      promisedAt,
      ending: endingOf(row),
      waitMs: Math.max(0, this.#until(row) - queuedAt),
      rangMs: ringing && row.endedAt !== null ? Math.max(0, row.endedAt - ringing.createdAt) : null,
      lapsesMs: (this.#offers.get(id) ?? []).flatMap(lapseOf),
      handling: kind === 'call' ? this.#handling(row) : null,
      attempts: calledBack && this.#attempts(calledBack),
      hasNumber: callingNumber?.kind === 'valid',
    };
  }

  /** To the answer, the ending, or as far as is known. */
  #until(row: ContactRow): EpochMs {
    return row.connectedAt ?? row.endedAt ?? this.#logged.followedTo;
  }

  /** Null when nobody talked, or it is not over. */
  #handling({ id, connectedAt, endedAt }: ContactRow): Handling | null {
    if (connectedAt === null || endedAt === null) return null;
    const offer = this.#offers.get(id)?.findLast(({ createdAt }) => createdAt <= connectedAt);
    const talkedTo = Math.min(endedAt, Math.max(connectedAt, this.#wrapUps.get(id) ?? endedAt));
    return { answerMs: connectedAt - (offer?.createdAt ?? connectedAt), talkMs: talkedTo - connectedAt, wrapUpMs: endedAt - talkedTo };
  }

  /** Null when nothing is known of them. */
  #attempts(row: ContactRow): Attempts | null {
    const handling = this.#handling(row);
    const failures = (this.#offers.get(row.id) ?? []).flatMap(({ id, outcome, createdAt, endedAt }) =>
      outcome === 'partyNotReached' && endedAt !== null
        ? [{ outcome: this.#failures.get(id) ?? ('noAnswer' as const), occupiedMs: endedAt - createdAt }]
        : [],
    );
    const ending = endingOf(row);
    if (ending === 'open' && failures.length === 0) return null;
    return { failures, handling, withdrawnAfterMs: ending === 'withdrawn' ? Math.max(0, this.#until(row) - row.queuedAt) : null };
  }
}

// ---------------------------------------------------------------- agents

/** Null: says nothing of it. */
function attendanceAfter({ name, pending }: EventRow, before: Attendance, isBusy: boolean): Attendance | null {
  switch (name) {
    case 'agentReady':
      return 'ready';
    case 'agentNotReady':
      return 'away';
    case 'agentLoggedOff':
      return 'off';
    // Only who is ready becomes busy; and would be ready again, until something else is asked for.
    case 'agentBusy':
    case 'agentWorkingAfterCall':
      return isBusy ? before : 'ready';
    case 'agentPendingState':
      return pending === 'loggedOff' ? 'off' : pending === 'notReady' ? 'away' : 'ready';
    default:
      return null;
  }
}

const BUSY: ReadonlySet<string> = new Set(['agentBusy', 'agentWorkingAfterCall']);

function readAgents(
  { events, contacts, followedTo }: LoggedPeriod,
  directory: Directory,
  { from, until }: { readonly from: EpochMs; readonly until: EpochMs },
): { readonly staff: StaffMember[]; readonly times: AgentTime[] } {
  const staff: StaffMember[] = [];
  const times: AgentTime[] = [];
  const desksOf = Map.groupBy(contacts, ({ agentId }) => agentId ?? '');
  for (const [id, of] of Map.groupBy(events, ({ agentId }) => agentId ?? '')) {
    const profile = directory.agents.get(id);
    // One who has left served the desks whose contacts were theirs.
    const queues = profile?.queues ?? queuesOf((desksOf.get(id) ?? []).map(({ deskId }) => deskId));
    if (id === '' || queues.length === 0) continue;
    const shift: { at: EpochMs; attendance: Attendance }[] = [];
    let attendance: Attendance = 'off';
    let isBusy = false;
    let since = from;
    let busyMs = 0;
    let staffedMs = 0;
    let isBusyFromBefore = false;
    let busyUntil: EpochMs | null = null;
    const count = (to: EpochMs): void => {
      const spentMs = Math.max(0, Math.min(to, until) - Math.max(since, from));
      if (isBusy) busyMs += spentMs;
      if (isBusy || attendance === 'ready') staffedMs += spentMs;
      since = Math.max(since, to);
    };
    for (const event of of) {
      const next = attendanceAfter(event, attendance, isBusy);
      if (next === null) continue;
      count(event.at);
      if (next !== attendance) shift.push({ at: event.at, attendance: next });
      attendance = next;
      if (event.name === 'agentPendingState') continue;
      isBusy = BUSY.has(event.name);
      if (event.at < from) isBusyFromBefore = isBusy;
      else if (isBusyFromBefore && !isBusy) {
        isBusyFromBefore = false;
        busyUntil = event.at;
      }
    }
    count(until);
    staff.push({ id, queues, skills: profile?.skills ?? [], shift, busyUntil: isBusyFromBefore ? followedTo : busyUntil });
    times.push({ id, deskIds: queues.map(({ queueId }) => queueId), busyMs, staffedMs });
  }
  return { staff, times };
}

const queuesOf = (deskIds: readonly (DeskId | null)[]): StaffMember['queues'] =>
  [...new Set(deskIds)].flatMap((queueId) => (queueId === null ? [] : [{ queueId, priority: 1 }]));
