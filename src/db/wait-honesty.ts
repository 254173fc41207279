/**
 * How honest the estimated waits were: what was predicted for a contact when it began to wait, against how long it then was. The
 * wait ends for a caller when an agent answers, for a callback when an agent is offered it for the first time (when its phone rings
 * after that is not the queue's doing). Left out: who moved the callback to another time after the prediction.
 */
import type { DeskId } from '../base/ids.ts';
import type { Span } from './arrivals.ts';
import type { Queryable } from './pool.ts';

export interface WaitHonesty {
  /** Null: of all desks. */
  readonly deskId: DeskId | null;
  /** Contacts for which a wait was predicted and is over. */
  readonly measured: number;
  /** For which one was predicted, and nobody knows what it would have been: gave up, were cut off, or still wait. */
  readonly unanswered: number;
  /** The rest are null where nothing was measured. */
  readonly meanPredictedMs: number | null;
  readonly meanRealMs: number | null;
  /** Of the distances between predicted and real. */
  readonly medianErrorMs: number | null;
  /** Mean of predicted less real: above 0, people were told too much. */
  readonly biasMs: number | null;
  /** Share (0…1) whose real wait was within a quarter of the predicted, or 30 seconds where that is more. */
  readonly withinShare: number | null;
}

/** By desk (that where it waited last), in order of their ids; all of them together last. Empty when nothing was predicted. */
export async function waitHonesty(db: Queryable, { domainId, desk, from, until }: Span): Promise<WaitHonesty[]> {
  const { rows } = await db.query<{ [K in keyof WaitHonesty]: WaitHonesty[K] }>(
    `with wait as (
       select c.desk_id, c.estimated_wait_ms as predicted, (extract(epoch from ended.at - logged.predicted_at) * 1000)::float8 as real
       from contact c
       cross join lateral (
         select min(e.at) filter (where e.name = 'waitEstimated') as predicted_at, bool_or(e.name = 'callbackMoved') as moved
         from event e where e.domain_id = c.domain_id and e.contact_id = c.id and e.name in ('waitEstimated', 'callbackMoved')
       ) logged
       cross join lateral (
         select case when c.channel = 'voice' then c.connected_at else (
           select min(o.created_at) from offer o where o.domain_id = c.domain_id and o.contact_id = c.id and o.created_at >= logged.predicted_at
         ) end as at
       ) ended
       where c.domain_id = $1 and ($2::text is null or c.desk_id = $2) and c.estimated_wait_ms is not null
         and c.arrived_at >= to_timestamp($3::float8 / 1000) and c.arrived_at < to_timestamp($4::float8 / 1000)
         and logged.predicted_at is not null and not logged.moved
     )
     select desk_id as "deskId", count(real)::int as measured, (count(*) - count(real))::int as unanswered,
       avg(predicted) filter (where real is not null) as "meanPredictedMs", avg(real) as "meanRealMs",
       percentile_cont(0.5) within group (order by abs(predicted - real)) as "medianErrorMs",
       avg(predicted - real) as "biasMs",
       (avg((abs(predicted - real) <= greatest(0.25 * predicted, 30000))::int) filter (where real is not null))::float8 as "withinShare"
     from wait group by grouping sets ((desk_id), ()) having count(*) > 0 order by grouping(desk_id), desk_id`,
    [domainId, desk, from, until],
  );
  return rows;
}
