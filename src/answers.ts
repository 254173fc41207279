/** Answers of callers, as supervisors see them: of the desks that are theirs to watch. */
import type { DomainId, EpochMs } from './base/ids.ts';
import { answerFigures } from './db/answers.ts';
import type { createPool } from './db/pool.ts';
import type { Directory } from './routing/directory.ts';
import { desksToSupervise } from './views.ts';
import type { AnswerRoutes } from './web/answers.ts';

const DAY_MS = 24 * 3_600_000;

export function answersFor(
  pool: ReturnType<typeof createPool>,
  domainId: DomainId,
  directory: () => Directory,
  now: () => EpochMs,
): AnswerRoutes['answers'] {
  return async (principal, days) => {
    const desks = desksToSupervise(principal, directory());
    const until = now() + 1;
    const rows = await answerFigures(pool, domainId, desks.keys(), until - days * DAY_MS, until);
    return {
      days,
      rows: rows.map(({ question, deskId, agentId, count, average, answers }) => ({
        question,
        desk: desks.get(deskId)?.name ?? deskId,
        agent: agentId === null ? null : (directory().agents.get(agentId)?.name ?? agentId),
        count,
        average,
        answers: { ...answers },
      })),
    };
  };
}
