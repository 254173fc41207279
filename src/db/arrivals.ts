/** What the log tells of arrivals and handling: what a forecast is made of. */
import type { DeskId, DomainId, EpochMs } from '../base/ids.ts';
import type { Queryable } from './pool.ts';

/** Handling times and patience change with the product and the people: the latest calls say most. */
const RECENT_CALLS = 100_000;

export interface Span {
  readonly domainId: DomainId;
  /** Null: of all desks. */
  readonly desk: DeskId | null;
  readonly from: EpochMs;
  readonly until: EpochMs;
}

/** Whom a scenario tells a notice waits for a line, and for nobody. */
export const waitsForAgent = (contact: string): string =>
  `(${contact}.notice_id is null or ${contact}.doc #>> '{notice,scenario}' is null)`;

const OF_SPAN = `${waitsForAgent('contact')} and domain_id = $1 and ($2::text is null or desk_id = $2) and queued_at is not null
  and arrived_at >= to_timestamp($3::float8 / 1000) and arrived_at < to_timestamp($4::float8 / 1000)`;
const spanOf = ({ domainId, desk, from, until }: Span): unknown[] => [domainId, desk, from, until];

/** By the minute: of every zone the clock is a whole number of minutes from UTC. */
export async function arrivalsOf(db: Queryable, span: Span): Promise<{ at: EpochMs; count: number }[]> {
  const { rows } = await db.query<{ at: number; count: number }>(
    `select (floor(extract(epoch from arrived_at) / 60) * 60000)::float8 as at, count(*)::int as count
     from contact where ${OF_SPAN} and continues_id is null group by 1 order by 1`,
    spanOf(span),
  );
  return rows;
}

export interface LoggedCall {
  readonly channel: string;
  readonly waitMs: number;
  readonly abandoned: boolean;
  /** Talk and wrap-up; null when nobody talked, or it is not over. */
  readonly handlingMs: number | null;
}

/** The latest of those that are over. */
export async function recentCalls(db: Queryable, span: Span): Promise<LoggedCall[]> {
  const { rows } = await db.query<{ [K in keyof LoggedCall]: LoggedCall[K] }>(
    `select channel,
       (extract(epoch from coalesce(connected_at, ended_at) - queued_at) * 1000)::float8 as "waitMs",
       coalesce(connected_at is null and cause in ('abandonedInQueue', 'abandonedWhileRinging'), false) as abandoned,
       (extract(epoch from ended_at - connected_at) * 1000)::float8 as "handlingMs"
     from contact where ${OF_SPAN} and state = 'ended' order by arrived_at desc limit ${RECENT_CALLS}`,
    spanOf(span),
  );
  return rows;
}
