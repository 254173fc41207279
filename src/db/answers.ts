/** What parties answered when they were asked, as after a talk: counted from the log. */
import type { AgentId, DeskId, DomainId, EpochMs } from '../base/ids.ts';
import type { Queryable } from './pool.ts';

export interface AnswerFigures {
  readonly question: string;
  readonly deskId: DeskId;
  /** Null: of all agents of the desk together. */
  readonly agentId: AgentId | null;
  readonly count: number;
  /** Of the answers that are numbers; null: none is. */
  readonly average: number | null;
  /** How often each was given. */
  readonly answers: Readonly<Record<string, number>>;
}

/** By question and desk, for all agents together and then for each. @param deskIds those that the one who asks may see */
export async function answerFigures(
  db: Queryable,
  domainId: DomainId,
  deskIds: Iterable<DeskId>,
  from: EpochMs,
  until: EpochMs,
): Promise<readonly AnswerFigures[]> {
  const { rows } = await db.query<AnswerFigures>(
    `with given as (
       select question, desk_id, agent_id, answer, count(*)::int as k from survey_answer
       where domain_id = $1 and desk_id = any($2) and at >= to_timestamp($3::float8 / 1000) and at < to_timestamp($4::float8 / 1000)
       group by grouping sets ((question, desk_id, answer), (question, desk_id, agent_id, answer))
       having grouping(agent_id) = 1 or agent_id is not null
     )
     select question, desk_id as "deskId", agent_id as "agentId", sum(k)::int as count,
       (sum(answer::numeric * k) filter (where answer ~ '^-?[0-9]{1,9}([.][0-9]{1,9})?$')
         / sum(k) filter (where answer ~ '^-?[0-9]{1,9}([.][0-9]{1,9})?$'))::float8 as average,
       jsonb_object_agg(answer, k order by answer) as answers
     from given group by question, desk_id, agent_id order by question, desk_id, agent_id nulls first`,
    [domainId, [...deskIds], from, until],
  );
  return rows;
}
