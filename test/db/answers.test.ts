/** What callers answered, as the log has it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerFigures } from '#src/db/answers.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

const NOW = Date.parse('2026-11-20T01:00:00Z');
let database: TestDatabase;
let seq = 0;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.close());

/** A talk of an agent's, and what its party answered afterwards. */
async function answered(agentId: string, deskId: string, answers: Record<string, unknown>, at = NOW, domainId = 'a'): Promise<void> {
  seq += 1;
  const contact = (id: string, origin: string, continues: string | null, agent: string | null, desk: string | null) =>
    database.pool.query(
      `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, continues_id, agent_id, desk_id, doc)
       values ($1, $2, 'voice', $3, 'queued', 'ja', '', 'unknown', to_timestamp($4::float8 / 1000), $5, $6, $7, '{}')`,
      [domainId, id, origin, at, continues, agent, desk],
    );
  await contact(`talk-${seq}`, 'call', null, agentId, deskId);
  await contact(`survey-${seq}`, 'survey', `talk-${seq}`, null, null);
  await database.pool.query(
    `insert into event (domain_id, seq, n, at, name, contact_id, data) values ($1, $2, 1, to_timestamp($3::float8 / 1000), 'scenarioAnswered', $4, $5)`,
    [domainId, seq, at, `survey-${seq}`, answers],
  );
}

it('answers are counted and averaged by question, desk and agent of the talk', async () => {
  await answered('tanaka', 'maker-desk', { satisfaction: 5, solved: true });
  await answered('tanaka', 'maker-desk', { satisfaction: 2 });
  await answered('sato', 'maker-desk', { satisfaction: 5 });
  await answered('sato', 'dealer-desk', { satisfaction: 1 }); // not to be seen
  await answered('sato', 'maker-desk', { satisfaction: 1 }, NOW - 100 * 86_400_000); // too long ago
  await answered('sato', 'maker-desk', { satisfaction: 1 }, NOW, 'b'); // of another centre
  const of = { question: 'satisfaction', deskId: 'maker-desk' };
  expect(await answerFigures(database.pool, 'a', ['maker-desk', 'agency-desk'], NOW - 86_400_000, NOW + 1)).toEqual([
    { ...of, agentId: null, count: 3, average: 4, answers: { 2: 1, 5: 2 } },
    { ...of, agentId: 'sato', count: 1, average: 5, answers: { 5: 1 } },
    { ...of, agentId: 'tanaka', count: 2, average: 3.5, answers: { 2: 1, 5: 1 } },
    { question: 'solved', deskId: 'maker-desk', agentId: null, count: 1, average: null, answers: { true: 1 } },
    { question: 'solved', deskId: 'maker-desk', agentId: 'tanaka', count: 1, average: null, answers: { true: 1 } },
  ]);
});
