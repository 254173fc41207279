/** What the log tells of a period, as far as it takes to play it again (`npm run replay`). */
import type { AgentId, ContactId, DeskId, DomainId, EntryId, EpochMs, OfferId } from '../base/ids.ts';
import type { Channel, Contact, EndCause, EventName, OfferOutcome } from '../contact/model.ts';
import type { Wishes } from '../routing/desk-rules.ts';
import { waitsForAgent } from './arrivals.ts';
import type { Queryable } from './pool.ts';

const DAY_MS = 86_400_000;
/** Contacts from before the period that are under way in it arrived at most this long before: a callback may rest for days. */
const LOOK_BACK_MS = 7 * DAY_MS;
/** What began in the period is followed at most this long after it. */
const LOOK_AHEAD_MS = DAY_MS;
/** Some 1.5 KB of memory each. */
const MOST_CONTACTS = 200_000;

export interface PeriodSpan {
  readonly domainId: DomainId;
  readonly from: EpochMs;
  readonly until: EpochMs;
}

export interface LoggedPeriod {
  /** When the last contact of the period ended (at most a day after it): contacts and events up to then are here, too. */
  readonly followedTo: EpochMs;
  /** That came to a queue, and were not over before `from`. In order of arrival. */
  readonly contacts: readonly ContactRow[];
  /** Of these contacts, in order of their making. */
  readonly offers: readonly OfferRow[];
  /** Each agent's last state before `from`, then what happened, in order. */
  readonly events: readonly EventRow[];
  /** Arrived in the period, and ended before they came to a queue. */
  readonly neverQueued: number;
}

export interface ContactRow {
  readonly id: ContactId;
  readonly channel: Channel;
  readonly deskId: DeskId | null;
  readonly entryId: EntryId | null;
  readonly agentId: AgentId | null;
  readonly continuesId: ContactId | null;
  readonly arrivedAt: EpochMs;
  readonly queuedAt: EpochMs;
  readonly promisedAt: EpochMs | null;
  readonly connectedAt: EpochMs | null;
  readonly endedAt: EpochMs | null;
  readonly cause: EndCause | null;
  /** As they stood in the record; null in records that were made by another hand. */
  readonly party: Contact['party'] | null;
  readonly callingNumber: Contact['callingNumber'] | null;
  readonly wishes: Wishes | null;
}

export interface OfferRow {
  readonly id: OfferId;
  readonly contactId: ContactId;
  readonly createdAt: EpochMs;
  readonly endedAt: EpochMs | null;
  readonly outcome: OfferOutcome | null;
}

/** Changes of agents' states, beginnings of wrap-up, and attempts to call back that failed. */
export interface EventRow {
  readonly at: EpochMs;
  readonly name: (typeof NAMES)[number];
  readonly agentId: AgentId | null;
  readonly contactId: ContactId | null;
  readonly offerId: OfferId | null;
  readonly cause: string | null;
  /** Of `agentPendingState`: the state that was asked for. */
  readonly pending: string | null;
}

const STATES = [
  'agentLoggedOff',
  'agentReady',
  'agentNotReady',
  'agentBusy',
  'agentWorkingAfterCall',
  'agentPendingState',
] as const satisfies readonly EventName[];
const NAMES = [...STATES, 'wrapUpStarted', 'failed'] as const satisfies readonly EventName[];

/** There is more in the period than fits into memory. */
export class PeriodTooLongError extends Error {
  constructor() {
    super(`there are more than ${MOST_CONTACTS.toLocaleString('en')} contacts in the period`);
    this.name = 'PeriodTooLongError';
  }
}

const ms = (column: string): string => `round(extract(epoch from ${column}) * 1000)::float8`;
const time = (parameter: number): string => `to_timestamp($${parameter}::float8 / 1000)`;

/** @throws PeriodTooLongError */
export async function loggedPeriod(db: Queryable, span: PeriodSpan): Promise<LoggedPeriod> {
  const { rows } = await db.query<{ lastEnd: number | null; neverQueued: number }>(
    `select ${ms('max(ended_at) filter (where queued_at is not null)')} as "lastEnd",
       (count(*) filter (where queued_at is null and state = 'ended'))::int as "neverQueued"
     from contact where domain_id = $1 and arrived_at >= ${time(2)} and arrived_at < ${time(3)}`,
    [span.domainId, span.from, span.until],
  );
  const followedTo = Math.min(Math.max(span.until, rows[0]?.lastEnd ?? 0), span.until + LOOK_AHEAD_MS);
  const followed = { ...span, until: followedTo };
  return {
    followedTo,
    contacts: await contactsOf(db, followed),
    offers: await offersOf(db, followed),
    events: [...(await statesBefore(db, span)), ...(await eventsOf(db, followed))],
    neverQueued: rows[0]?.neverQueued ?? 0,
  };
}

/** With $1 domain, $2 from, $3 until, $4 how far back. */
const IN_PERIOD = `c.domain_id = $1 and c.arrived_at >= ${time(4)} and c.arrived_at < ${time(3)}
  and c.queued_at < ${time(3)} and (c.ended_at is null or c.ended_at > ${time(2)}) and ${waitsForAgent('c')}`;
const spanOf = ({ domainId, from, until }: PeriodSpan): unknown[] => [domainId, from, until, from - LOOK_BACK_MS];

async function contactsOf(db: Queryable, span: PeriodSpan): Promise<ContactRow[]> {
  const { rows } = await db.query<{ [K in keyof ContactRow]: ContactRow[K] }>(
    `select c.id, c.channel, c.desk_id as "deskId", c.entry_id as "entryId", c.agent_id as "agentId", c.continues_id as "continuesId",
       ${ms('c.arrived_at')} as "arrivedAt", ${ms('c.queued_at')} as "queuedAt", ${ms('c.promised_at')} as "promisedAt",
       ${ms('c.connected_at')} as "connectedAt", ${ms('c.ended_at')} as "endedAt", c.cause,
       c.doc -> 'party' as party, c.doc -> 'callingNumber' as "callingNumber", c.doc #> '{decision,wishes}' as wishes
     from contact c where ${IN_PERIOD} order by c.arrived_at, c.queued_at, c.id limit ${MOST_CONTACTS + 1}`,
    spanOf(span),
  );
  if (rows.length > MOST_CONTACTS) throw new PeriodTooLongError();
  return rows;
}

async function offersOf(db: Queryable, span: PeriodSpan): Promise<OfferRow[]> {
  const { rows } = await db.query<{ [K in keyof OfferRow]: OfferRow[K] }>(
    `select o.id, o.contact_id as "contactId", ${ms('o.created_at')} as "createdAt", ${ms('o.ended_at')} as "endedAt", o.outcome
     from contact c join offer o on o.domain_id = c.domain_id and o.contact_id = c.id
     where ${IN_PERIOD} order by o.created_at, o.id`,
    spanOf(span),
  );
  return rows;
}

const EVENT = `${ms('e.at')} as at, e.name, e.agent_id as "agentId", e.contact_id as "contactId", e.offer_id as "offerId", e.cause,
  e.data ->> 'pending' as pending`;

async function statesBefore(db: Queryable, { domainId, from }: PeriodSpan): Promise<EventRow[]> {
  const { rows } = await db.query<{ [K in keyof EventRow]: EventRow[K] }>(
    `select ${EVENT} from app_user u cross join lateral (
       select * from event e
       where e.domain_id = u.domain_id and e.agent_id = u.id and e.at < ${time(2)} and e.name = any($3) and e.name <> 'agentPendingState'
       order by e.at desc, e.seq desc, e.n desc limit 1) e
     where u.domain_id = $1`,
    [domainId, from, STATES],
  );
  return rows;
}

async function eventsOf(db: Queryable, { domainId, from, until }: PeriodSpan): Promise<EventRow[]> {
  const { rows } = await db.query<{ [K in keyof EventRow]: EventRow[K] }>(
    `select ${EVENT} from event e
     where e.domain_id = $1 and e.at >= ${time(2)} and e.at < ${time(3)} and e.name = any($4) order by e.seq, e.n`,
    [domainId, from, until, NAMES],
  );
  return rows;
}
