/** How often callers came to each step of the scenarios, and hung up there. */
import type { DomainId, EpochMs } from '../base/ids.ts';
import type { Queryable } from './pool.ts';

export interface StepCount {
  readonly scenario: string;
  readonly step: string;
  /** How many contacts came there; one that was asked three times counts once. */
  readonly entered: number;
  /** How many hung up there: in the dialogue, or while waiting in the queue that it led to. */
  readonly gaveUp: number;
}

/**
 * Of all that happened from one moment until before another. Reads the steps of that time one by one: 20,000 calls of a day take half a
 * second, so it is not to be asked for each browser that watches.
 */
export async function stepCounts(db: Queryable, domainId: DomainId, from: EpochMs, until: EpochMs): Promise<StepCount[]> {
  const { rows } = await db.query<StepCount>({
    name: 'steps of scenarios',
    text: `
      select scenario, step, sum(entered)::integer as entered, sum(gave_up)::integer as "gaveUp"
      from (
        select split_part(s.at, '.', 1) as scenario, split_part(s.at, '.', 2) as step, count(distinct e.contact_id) as entered, 0 as gave_up
        from event e, jsonb_array_elements_text(e.data -> 'steps') as s(at)
        where e.domain_id = $1 and e.name = 'scenarioStep' and e.cause = 'entered'
          and e.at >= to_timestamp($2::float8 / 1000) and e.at < to_timestamp($3::float8 / 1000)
        group by 1, 2
        union all
        select c.doc #>> '{dialogue,scenario}', c.doc #>> '{dialogue,step}', 0, count(*)
        from contact c
        where c.domain_id = $1 and c.cause in ('abandonedInScenario', 'abandonedInQueue', 'abandonedWhileRinging')
          and c.ended_at >= to_timestamp($2::float8 / 1000) and c.ended_at < to_timestamp($3::float8 / 1000)
          and c.doc #>> '{dialogue,step}' is not null
        group by 1, 2
      ) counted
      group by 1, 2`,
    values: [domainId, from, until],
  });
  return rows;
}
