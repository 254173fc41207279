/** The figures of the past, worked out by hand for a small day, as the files of `reports/` give them on a real Postgres. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkReports,
  type FigureRequest,
  type Figures,
  listContacts,
  type ReportInterval,
  type ReportName,
  readReports,
  reportFile,
  runReport,
} from '#src/db/reports.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

const REPORTS = readReports();
let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await testDatabase();
  pool = database.pool;
  for (const [id, desk] of [
    ['tanaka', 'maker-desk'],
    ['sato', 'maker-desk'],
    ['ito', 'dealer-desk'],
  ]) {
    await pool.query(
      `insert into app_user (domain_id, id, user_name, name, organisation_id, role, language) values ('a', $1, $1, $1, 'maker', 'agent', 'ja')`,
      [id],
    );
    await pool.query(`insert into app_user_desk (domain_id, user_id, desk_id) values ('a', $1, $2)`, [id, desk]);
  }
});
afterAll(() => database.close());

// ---------------------------------------------------------------- a log, written by hand

let seq = 0;
const event = async (
  at: string,
  name: string,
  about: Partial<Record<'contact' | 'offer' | 'agent' | 'cause', string>> & { data?: object },
) => {
  seq += 1;
  await pool.query(
    `insert into event (domain_id, seq, n, at, name, contact_id, offer_id, agent_id, cause, data) values ('a', $1, 1, $2, $3, $4, $5, $6, $7, $8)`,
    [seq, at, name, about.contact, about.offer, about.agent, about.cause, about.data ?? {}],
  );
};
interface Given {
  readonly arrived: string;
  readonly queued?: string | null;
  readonly connected?: string;
  readonly ended?: string;
  readonly cause?: string;
  readonly channel?: string;
  readonly origin?: string;
  readonly desk?: string | null;
  readonly agent?: string;
  readonly disposition?: string;
  readonly promised?: string;
  readonly attempts?: number;
  readonly continues?: string;
  readonly domain?: string;
}
let contacts = 0;
const contact = async (given: Given): Promise<string> => {
  contacts += 1;
  const id = `c${contacts}`;
  const { arrived, queued = arrived, connected, ended, cause, channel = 'voice', desk = 'maker-desk' } = given;
  await pool.query(
    `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, desk_id, agent_id, arrived_at, queued_at,
       connected_at, ended_at, cause, disposition, promised_at, continues_id, doc)
     values ($1, $2, $3, $4, $5, 'ja', '1000', 'unknown', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      given.domain ?? 'a',
      id,
      channel,
      given.origin ?? 'call',
      ended === undefined ? 'queued' : 'ended',
      desk,
      given.agent,
      arrived,
      queued,
      connected,
      ended,
      ended === undefined ? null : (cause ?? 'handled'),
      given.disposition,
      given.promised,
      given.continues,
      { attempts: given.attempts ?? 0 },
    ],
  );
  return id;
};
let offers = 0;
/** What an agent had of a contact: with `from` they talked. */
const offered = async (
  id: string,
  agent: string,
  at: string,
  { from, until, outcome, wrapUp }: { from?: string; until?: string; outcome?: string; wrapUp?: string },
): Promise<void> => {
  offers += 1;
  const offer = `${id}.o${offers}`;
  await pool.query(
    `insert into offer (domain_id, id, contact_id, agent_id, desk_id, state, created_at, ended_at, outcome, doc)
     select 'a', $1, $2, $3, desk_id, $4, $5, $6, $7, '{}' from contact where domain_id = 'a' and id = $2`,
    [offer, id, agent, until === undefined ? 'shown' : 'ended', at, until, until === undefined ? null : outcome],
  );
  const about = { contact: id, offer, agent };
  await event(at, 'offered', about);
  if (from !== undefined) await event(from, 'established', { ...about, data: { waitedMs: 1 } });
  if (until === undefined) return;
  if (outcome === 'completed') {
    await event(until, 'connectionCleared', {
      ...about,
      cause: 'party',
      data: { talkedMs: Date.parse(until) - Date.parse(from ?? until) },
    });
    await event(until, 'wrapUpStarted', about);
    if (wrapUp !== undefined) await event(wrapUp, 'wrapUpCompleted', { contact: id, agent });
  } else await event(until, 'diverted', { ...about, cause: outcome ?? '' });
};
const state = (at: string, agent: string, name: string) => event(at, name, { agent });

/** Of a Wednesday in Tokyo; hours and minutes, and seconds where they matter. */
const at = (clock: string, day = 20): string => `2024-11-${day}T${clock.length === 5 ? `${clock}:00` : clock}+09:00`;

const request = (change: Partial<FigureRequest> = {}): FigureRequest => ({
  domainId: 'a',
  from: Date.parse(at('00:00')),
  to: Date.parse(at('00:00', 21)),
  timeZone: 'Asia/Tokyo',
  interval: '1 hour',
  by: 'none',
  desks: ['maker-desk'],
  targetSeconds: 20,
  ...change,
});
const run = (name: ReportName, change: Partial<FigureRequest> = {}) => {
  const report = REPORTS.figures.get(name);
  if (report === undefined) throw new Error(name);
  return runReport(pool, report, request(change));
};
/** The row that begins then; fails when there is none. */
const rowAt = async (name: ReportName, startsAt: string, change: Partial<FigureRequest> = {}, group: string | null = null) => {
  const { rows } = await run(name, change);
  const row = rows.find((one) => one.startsAt === Date.parse(startsAt) && one.group === group);
  if (row === undefined) throw new Error(`no row at ${startsAt}: ${JSON.stringify(rows)}`);
  return row.figures;
};

describe('a small day', () => {
  const made: Record<string, string> = {};
  beforeAll(async () => {
    // Answered after 10 s in the queue (the dialogue before it is no waiting); 180 s of talk, 40 s of work after it.
    const one = await contact({
      arrived: at('09:00'),
      queued: at('09:00:10'),
      connected: at('09:00:20'),
      ended: at('09:04'),
      agent: 'tanaka',
      disposition: 'answered',
    });
    await offered(one, 'tanaka', at('09:00:12'), {
      from: at('09:00:20'),
      until: at('09:03:20'),
      outcome: 'completed',
      wrapUp: at('09:04'),
    });
    // Rang at tanaka's in vain; sato answered after 30 s. 120 s of talk, 20 s after it.
    const two = await contact({
      arrived: at('09:10'),
      connected: at('09:10:30'),
      ended: at('09:12:50'),
      agent: 'sato',
      disposition: 'answered',
    });
    await offered(two, 'tanaka', at('09:10'), { until: at('09:10:20'), outcome: 'noAnswer' });
    await offered(two, 'sato', at('09:10:20'), {
      from: at('09:10:30'),
      until: at('09:12:30'),
      outcome: 'completed',
      wrapUp: at('09:12:50'),
    });
    // Gave up after 15 s, and after 60 s while it rang.
    await contact({ arrived: at('09:20'), ended: at('09:20:15'), cause: 'abandonedInQueue' });
    const four = await contact({ arrived: at('09:50'), ended: at('09:51'), cause: 'abandonedWhileRinging' });
    await offered(four, 'sato', at('09:50:50'), { until: at('09:51'), outcome: 'callerGone' });
    // Pressed 1 after a minute, and was reached at 10:20 at the second attempt.
    const five = await contact({ arrived: at('10:05'), ended: at('10:06'), cause: 'callbackPromised' });
    made['callback'] = await contact({
      arrived: at('10:05'),
      channel: 'callback',
      origin: 'queueCallback',
      connected: at('10:20'),
      ended: at('10:25'),
      agent: 'sato',
      attempts: 2,
      continues: five,
    });
    await offered(made['callback'], 'sato', at('10:19'), {
      from: at('10:20'),
      until: at('10:24'),
      outcome: 'completed',
      wrapUp: at('10:25'),
    });
    // Still waits.
    await contact({ arrived: at('10:30') });
    // Talked with tanaka for 60 s, whose phone broke; back to the queue, and 120 s with sato, 30 s after it.
    const eight = await contact({
      arrived: at('10:40'),
      connected: at('10:40:05'),
      ended: at('10:44:05'),
      agent: 'sato',
      disposition: 'forwarded',
    });
    await offered(eight, 'tanaka', at('10:40'), { from: at('10:40:05'), until: at('10:41:05'), outcome: 'agentLeft' });
    await offered(eight, 'sato', at('10:41:10'), {
      from: at('10:41:35'),
      until: at('10:43:35'),
      outcome: 'completed',
      wrapUp: at('10:44:05'),
    });
    // A message of 60 s, listened to by tanaka; it ends without work after it.
    const nine = await contact({
      arrived: at('11:00'),
      channel: 'message',
      origin: 'voicemail',
      connected: at('11:10'),
      ended: at('11:11'),
      agent: 'tanaka',
    });
    await offered(nine, 'tanaka', at('11:09'), { from: at('11:10'), until: at('11:11'), outcome: 'done' });
    // A call-me for 14:00, reached at 14:10; one for 15:00 that nobody answered three times; one that waits.
    const web = { channel: 'callback', origin: 'callMe' };
    await contact({
      ...web,
      arrived: at('13:00'),
      promised: at('14:00'),
      connected: at('14:10'),
      ended: at('14:20'),
      agent: 'sato',
      attempts: 1,
    });
    await contact({ ...web, arrived: at('13:10'), promised: at('15:00'), ended: at('17:00'), cause: 'callbackFailed', attempts: 3 });
    await contact({ ...web, arrived: at('13:20') });
    // Two minutes before midnight; answered three minutes after it.
    const late = await contact({ arrived: at('23:58'), connected: at('00:03', 21), ended: at('00:10', 21), agent: 'tanaka' });
    await offered(late, 'tanaka', at('23:59:50'), {
      from: at('00:03', 21),
      until: at('00:09', 21),
      outcome: 'completed',
      wrapUp: at('00:10', 21),
    });
    // What is not to be counted: another desk's, another centre's, hung up in a dialogue, a survey that came to no queue.
    await contact({ arrived: at('09:30'), ended: at('09:31'), cause: 'abandonedInQueue', desk: 'dealer-desk' });
    await contact({ arrived: at('09:30'), ended: at('09:31'), cause: 'abandonedInQueue', domain: 'b' });
    made['dialogue'] = await contact({ arrived: at('09:30'), queued: null, desk: null, ended: at('09:31'), cause: 'abandonedInScenario' });
    await contact({ arrived: at('09:32'), queued: null, desk: null, ended: at('09:33'), cause: 'surveyDone', origin: 'survey' });

    // tanaka came ready into the day, at midnight; works until 12:30.
    await state(at('23:00', 19), 'tanaka', 'agentReady');
    await state(at('09:00:12'), 'tanaka', 'agentBusy');
    await state(at('09:03:20'), 'tanaka', 'agentWorkingAfterCall');
    await state(at('09:04'), 'tanaka', 'agentReady');
    await state(at('09:30'), 'tanaka', 'agentNotReady');
    await state(at('10:30'), 'tanaka', 'agentReady');
    await state(at('12:30'), 'tanaka', 'agentLoggedOff');
    // ito works at a desk that is not to be seen.
    await state(at('09:00'), 'ito', 'agentReady');
    await state(at('10:00'), 'ito', 'agentLoggedOff');
  });

  it('the service level by both formulas: who gave up within the target is left out of one, and counts against the other', async () => {
    expect(await rowAt('service', at('09:00'))).toEqual({
      offered: 4,
      answered: 2,
      answered_in_time: 1,
      abandoned: 2,
      abandoned_in_time: 1,
      to_callback: 0,
      to_message: 0,
      other: 0,
      waiting: 0,
      service_level: 1 / 3,
      service_level_all: 1 / 4,
      abandonment: 1 / 2,
      asa_s: 20,
      abandoned_after_s: 37.5,
      longest_s: 60,
    });
  });

  it('a caller who chose a callback has neither been answered nor given up, and one who still waits counts in no share', async () => {
    expect(await rowAt('service', at('10:00'))).toMatchObject({
      offered: 3,
      answered: 1,
      to_callback: 1,
      waiting: 1,
      abandoned: 0,
      service_level: 1,
      service_level_all: 1,
      asa_s: 5,
    });
  });

  it('a call counts in the interval in which it arrived, also when it is answered after midnight', async () => {
    expect(await rowAt('service', at('23:00'))).toMatchObject({ offered: 1, answered: 1, answered_in_time: 0, asa_s: 300 });
    expect((await run('service', { from: Date.parse(at('00:00', 21)), to: Date.parse(at('00:00', 22)) })).rows).toEqual([]);
  });

  it('another target is another service level', async () => {
    const { total } = await run('service', { targetSeconds: 30 });
    expect(total).toMatchObject({ offered: 8, answered: 4, answered_in_time: 3, abandoned: 2, abandoned_in_time: 1, service_level: 3 / 5 });
  });

  it('calls by what was noted, and by agent; nobody is an agent, too', async () => {
    const byDisposition = await run('service', { interval: '1 day', by: 'disposition' });
    expect(byDisposition.rows.map(({ group, figures }) => [group, figures['offered']])).toEqual([
      ['answered', 2],
      ['forwarded', 1],
      [null, 5],
    ]);
    const byAgent = await run('service', { interval: '1 day', by: 'agent' });
    expect(byAgent.rows.map(({ group, figures }) => [group, figures['answered']])).toEqual([
      ['sato', 2],
      ['tanaka', 2],
      [null, 0],
    ]);
  });

  it('handling time, offers that rang in vain, and talks that went on with another agent as segments of their own', async () => {
    const { total } = await run('handling');
    // tanaka: 1 answered, 1 in vain, 1 cut off, a message, the late one; sato: 3 of calls (2, 8, callback), 1 whose caller gave up
    expect(total).toMatchObject({ offers: 9, no_answer: 1, declined: 0, unreachable: 0, withdrawn: 1, open: 0, segments: 7 });
    expect(total).toMatchObject({ later_segments: 1, handled: 7, rona: 1 / 9 });
    // talks 180 + 120 + 240 + 60 + 120 + 60 (message) + 360 (late); after them 40 + 20 + 60 + 0 + 30 + 0 + 60
    expect(total).toMatchObject({ talk_s: 1140, wrap_up_s: 210, mean_talk_s: 1140 / 7, mean_wrap_up_s: 30, aht_s: 1350 / 7 });
    const byAgent = await run('handling', { interval: '1 day', by: 'agent' });
    expect(byAgent.rows.map(({ group, figures }) => [group, figures['offers'], figures['no_answer'], figures['segments']])).toEqual([
      ['sato', 4, 0, 3],
      ['tanaka', 5, 1, 4],
    ]);
    const byChannel = await run('handling', { interval: '1 day', by: 'channel' });
    expect(byChannel.rows.map(({ group, figures }) => [group, figures['segments'], figures['aht_s']])).toEqual([
      ['callback', 1, 300],
      ['message', 1, 60],
      ['voice', 5, 990 / 5],
    ]);
  });

  it('what is handled counts when it is over: one who still writes, or still talks, has no handling time yet', async () => {
    const day = (clock: string): string => at(clock, 23);
    const wrapping = await contact({ arrived: day('09:00'), connected: day('09:00:05'), agent: 'tanaka' });
    await offered(wrapping, 'tanaka', day('09:00'), { from: day('09:00:05'), until: day('09:05'), outcome: 'completed' });
    const talking = await contact({ arrived: day('09:00'), connected: day('09:00:05'), agent: 'sato' });
    await offered(talking, 'sato', day('09:00'), { from: day('09:00:05') });
    const ringing = await contact({ arrived: day('09:01') });
    await offered(ringing, 'ito', day('09:01'), {});
    const { total } = await run('handling', { from: Date.parse(day('00:00')), to: Date.parse(day('23:00')) });
    expect(total).toMatchObject({ offers: 3, segments: 2, open: 1, withdrawn: 0, handled: 0, talk_s: 0, aht_s: null });
  });

  it('occupancy: busy and wrap-up against waiting for contacts; breaks count against utilisation only; a state is split at the hour', async () => {
    expect(await rowAt('agents', at('08:00'), {}, null)).toMatchObject({ logged_on_s: 3600, ready_s: 3600, occupancy: 0, utilisation: 0 });
    expect(await rowAt('agents', at('09:00'), { by: 'agent' }, 'tanaka')).toEqual({
      logged_on_s: 3600,
      ready_s: 12 + 26 * 60,
      busy_s: 188,
      wrap_up_s: 40,
      not_ready_s: 1800,
      occupancy: 228 / 1800,
      utilisation: 228 / 3600,
    });
    expect(await rowAt('agents', at('10:00'))).toMatchObject({ ready_s: 1800, not_ready_s: 1800 });
    const { total } = await run('agents');
    expect(total).toMatchObject({ logged_on_s: 12.5 * 3600, not_ready_s: 3600 });
    // who may see that desk sees its agent
    expect((await run('agents', { desks: ['dealer-desk'], by: 'agent' })).rows.map(({ group }) => group)).toEqual(['ito']);
  });

  it('callbacks: reached, given up and to be made; how long it took counts from the time that was agreed', async () => {
    expect((await run('callbacks')).total).toEqual({
      requested: 4,
      reached: 2,
      not_reached: 1,
      cancelled: 0,
      called_again: 0,
      other: 0,
      open: 1,
      attempts: 6,
      reached_share: 2 / 3,
      reached_after_s: (15 * 60 + 10 * 60) / 2,
      agreed: 2,
      agreed_kept: 1,
    });
    const byOrigin = await run('callbacks', { interval: '1 day', by: 'origin' });
    expect(byOrigin.rows.map(({ group, figures }) => [group, figures['requested']])).toEqual([
      ['callMe', 3],
      ['queueCallback', 1],
    ]);
  });

  it('contacts, the latest first; those that came to no desk are seen by whoever sees the reception', async () => {
    const list = await listContacts(pool, REPORTS, request(), 100);
    expect(list[0]).toMatchObject({ arrivedAt: Date.parse(at('23:58')), agent: 'tanaka', waitedS: 300, talkedS: 360, cause: 'handled' });
    expect(list.find(({ contactId }) => contactId === made['callback'])).toMatchObject({
      channel: 'callback',
      continues: 'c5',
      talkedS: 240,
    });
    expect(list.map(({ contactId }) => contactId)).toContain(made['dialogue']);
    const dealers = await listContacts(pool, REPORTS, request({ desks: ['dealer-desk'] }), 100);
    expect(dealers.map(({ desk }) => desk)).toEqual(['dealer-desk']);
    expect(await listContacts(pool, REPORTS, request(), 2)).toHaveLength(2);
  });

  it('whoever sees no desk sees nothing', async () => {
    for (const name of REPORTS.figures.keys()) expect(await run(name, { desks: [] })).toEqual({ rows: [], total: null });
    expect(await listContacts(pool, REPORTS, request({ desks: [] }), 10)).toEqual([]);
  });

  it.runIf(existsSync('/usr/bin/psql'))('anybody with psql gets the same from the file, as docs/reports.md says', async () => {
    const file = join(import.meta.dirname, '../../reports/service.sql');
    const given = `execute report('a', '2024-11-20 00:00+09', '2024-11-21 00:00+09', 'Asia/Tokyo', '1 hour', 'none', '{maker-desk}', 20);`;
    const { rows } = await run('service');
    const shown = await psql(database.url, `\\set text \`cat ${file}\`\nprepare report as :text;\n${given}\n`);
    const nine = shown.split('\n').find((line) => line.startsWith('2024-11-20 00:00:00+00'));
    expect(rows[0]?.figures['service_level']).toBeCloseTo(1 / 3);
    expect(nine).toBe('2024-11-20 00:00:00+00,,4,2,1,2,1,0,0,0,0,0.3333333333333333,0.25,0.5,20,37.5,60');
  });
});

/** What psql answers to a script, as CSV, in UTC. */
function psql(url: string, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      '/usr/bin/psql',
      [url, '--no-psqlrc', '--csv', '--quiet', '-v', 'ON_ERROR_STOP=1'],
      { env: { ...process.env, PGTZ: 'UTC' } },
      (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)),
    );
    child.stdin?.end(script);
  });
}

describe('days on which clocks change', () => {
  const london = (from: string, to: string, interval: ReportInterval) => ({
    from: Date.parse(from),
    to: Date.parse(to),
    timeZone: 'Europe/London',
    interval,
  });
  const offeredAt = async (change: Partial<FigureRequest>) =>
    (await run('service', change)).rows.map(({ startsAt, figures }) => [new Date(startsAt).toISOString(), figures['offered']]);

  it('in autumn the hour from one to two comes twice, each with its own calls, and the day has 25 hours', async () => {
    for (const time of ['2024-10-27T00:30Z', '2024-10-27T01:30Z', '2024-10-27T23:30Z', '2024-10-26T22:59Z']) {
      await contact({ arrived: time, ended: time, cause: 'abandonedInQueue' });
    }
    const day = ['2024-10-26T23:00Z', '2024-10-28T00:00Z'] as const;
    expect(await offeredAt(london(...day, '1 hour'))).toEqual([
      ['2024-10-27T00:00:00.000Z', 1], // 01:00 of summer time
      ['2024-10-27T01:00:00.000Z', 1], // 01:00 again
      ['2024-10-27T23:00:00.000Z', 1],
    ]);
    expect(await offeredAt(london(...day, '1 day'))).toEqual([['2024-10-26T23:00:00.000Z', 3]]);
    await state('2024-10-26T20:00Z', 'sato', 'agentReady');
    await state('2024-10-28T02:00Z', 'sato', 'agentLoggedOff');
    const { rows } = await run('agents', london('2024-10-25T23:00Z', '2024-10-29T00:00Z', '1 day'));
    expect(rows.map(({ figures }) => figures['logged_on_s'])).toEqual([3 * 3600, 25 * 3600, 2 * 3600]);
  });

  it('in spring the hour from one to two is missing, and the day has 23 hours', async () => {
    for (const time of ['2024-03-31T00:45Z', '2024-03-31T01:15Z']) {
      await contact({ arrived: time, ended: time, cause: 'abandonedInQueue' });
    }
    const day = ['2024-03-31T00:00Z', '2024-03-31T23:00Z'] as const;
    expect(await offeredAt(london(...day, '1 hour'))).toEqual([
      ['2024-03-31T00:00:00.000Z', 1],
      ['2024-03-31T01:00:00.000Z', 1], // 02:00 of summer time
    ]);
    await state('2024-03-30T20:00Z', 'sato', 'agentReady');
    await state('2024-04-01T12:00Z', 'sato', 'agentLoggedOff');
    const { rows } = await run('agents', london(...day, '1 day'));
    expect(rows.map(({ figures }) => figures['logged_on_s'])).toEqual([23 * 3600]);
  });

  it('hours begin with the hour of the zone’s own clock, where that is half an hour off', async () => {
    await contact({ arrived: '2024-05-10T03:40Z', ended: '2024-05-10T03:41Z', cause: 'abandonedInQueue' }); // 09:10 in Kolkata
    const day = { from: Date.parse('2024-05-09T18:30Z'), to: Date.parse('2024-05-10T18:30Z'), timeZone: 'Asia/Kolkata' };
    expect(await offeredAt({ ...day, interval: '1 hour' })).toEqual([['2024-05-10T03:30:00.000Z', 1]]);
    expect(await offeredAt({ ...day, interval: '1 day' })).toEqual([['2024-05-09T18:30:00.000Z', 1]]);
  });
});

describe('sums', () => {
  const SUMMED: Readonly<Record<ReportName, readonly string[]>> = {
    service: ['offered', 'answered', 'answered_in_time', 'abandoned', 'abandoned_in_time', 'to_callback', 'to_message', 'other', 'waiting'],
    handling: [
      'offers',
      'no_answer',
      'declined',
      'unreachable',
      'withdrawn',
      'open',
      'segments',
      'later_segments',
      'handled',
      'talk_s',
      'wrap_up_s',
    ],
    agents: ['logged_on_s', 'ready_s', 'busy_s', 'wrap_up_s', 'not_ready_s'],
    callbacks: ['requested', 'reached', 'not_reached', 'cancelled', 'called_again', 'other', 'open', 'attempts', 'agreed', 'agreed_kept'],
  };
  const BASE = Date.parse('2024-07-01T00:00Z');
  const DAYS = 3;

  it('over any intervals, groups and zones the rows add up to the total, and what is offered is the sum of what became of it', async () => {
    const iso = (seconds: number): string => new Date(BASE + seconds * 1000).toISOString();
    const random = fc.sample(
      fc.record({
        start: fc.integer({ min: 0, max: DAYS * 86_400 }),
        wait: fc.integer({ min: 0, max: 90 }),
        talk: fc.integer({ min: 1, max: 4000 }),
        channel: fc.constantFrom('voice', 'voice', 'callback'),
        desk: fc.constantFrom('maker-desk', 'agency-desk'),
        agent: fc.constantFrom('tanaka', 'sato'),
        fate: fc.constantFrom('answered', 'rona', 'gaveUp', 'promised', 'left', 'lost', 'open'),
      }),
      { numRuns: 120, seed: 7 },
    );
    const CAUSES: Record<string, string> = {
      gaveUp: 'abandonedInQueue',
      promised: 'callbackPromised',
      left: 'messageLeft',
      lost: 'switchLost',
    };
    for (const { start, wait, talk, channel, desk, agent, fate } of random) {
      const talked = fate === 'answered' || fate === 'rona';
      const id = await contact({
        arrived: iso(start),
        channel,
        desk,
        attempts: channel === 'callback' ? 1 : 0,
        ...(talked ? { connected: iso(start + wait), ended: iso(start + wait + talk + 30), agent } : {}),
        ...(fate in CAUSES ? { ended: iso(start + wait), cause: CAUSES[fate] ?? '' } : {}),
      });
      if (fate === 'rona') await offered(id, agent, iso(start), { until: iso(start), outcome: 'noAnswer' });
      const times = {
        from: iso(start + wait),
        until: iso(start + wait + talk),
        outcome: 'completed',
        wrapUp: iso(start + wait + talk + 30),
      };
      if (talked) await offered(id, agent, iso(start), times);
    }
    const moves = fc.sample(fc.tuple(fc.integer({ min: 0, max: DAYS * 86_400 }), fc.integer({ min: 0, max: 4 })), { numRuns: 60, seed: 8 });
    const NAMES = ['agentLoggedOff', 'agentReady', 'agentNotReady', 'agentBusy', 'agentWorkingAfterCall'];
    for (const [second, which] of moves.sort((a, b) => a[0] - b[0])) await state(iso(second), 'tanaka', NAMES[which] ?? 'agentReady');

    const sum = (rows: readonly { readonly figures: Figures }[], column: string): number =>
      rows.reduce((all, { figures }) => all + (figures[column] ?? 0), 0);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...REPORTS.figures.values()),
        fc.constantFrom<ReportInterval>('15 minutes', '1 hour', '1 day'),
        fc.constantFrom('Asia/Tokyo', 'Europe/London', 'Asia/Kathmandu', 'America/St_Johns'),
        fc.integer({ min: 0, max: DAYS * 86_400 - 1 }),
        fc.integer({ min: 1, max: DAYS * 86_400 }),
        fc.nat(),
        async (report, interval, timeZone, from, lasts, which) => {
          const by = report.by[which % report.by.length] ?? 'none';
          const desks = ['maker-desk', 'agency-desk'];
          const span = { from: BASE + from * 1000, to: BASE + (from + lasts) * 1000 };
          const { rows, total } = await run(report.name, { ...span, interval, timeZone, by, desks });
          for (const column of SUMMED[report.name]) expect(sum(rows, column), column).toBeCloseTo(total?.[column] ?? 0, 6);
          for (const { figures } of rows) {
            const { offered: calls, offers, requested, logged_on_s: loggedOn } = figures;
            const parts = (...names: string[]): number => names.reduce((all, name) => all + (figures[name] ?? 0), 0);
            if (calls !== undefined) expect(parts('answered', 'abandoned', 'to_callback', 'to_message', 'other', 'waiting')).toBe(calls);
            if (offers !== undefined) expect(parts('segments', 'no_answer', 'declined', 'unreachable', 'withdrawn', 'open')).toBe(offers);
            if (requested !== undefined)
              expect(parts('reached', 'not_reached', 'cancelled', 'called_again', 'other', 'open')).toBe(requested);
            if (loggedOn !== undefined) expect(parts('ready_s', 'busy_s', 'wrap_up_s', 'not_ready_s')).toBeCloseTo(loggedOn ?? 0, 6);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the files', () => {
  it('every one is understood by the database, and every column says in both languages what it is', async () => {
    await checkReports(pool, REPORTS);
    for (const { columns } of REPORTS.figures.values())
      expect([...columns.values()].every(({ en, ja }) => en !== '' && ja !== '')).toBe(true);
  });

  it('a file that the database does not understand, or that gives something else, stops the start by its name', async () => {
    const service = REPORTS.figures.get('service');
    if (service === undefined) throw new Error('no service report');
    const changed = (text: string) => ({ ...REPORTS, figures: new Map([['service' as const, { ...service, text }]]) });
    await expect(checkReports(pool, changed(service.text.replace('from contact c', 'from contract c')))).rejects.toThrow(
      'reports/service.sql',
    );
    await expect(checkReports(pool, changed(service.text.replace(' as service_level,', ' as level,')))).rejects.toThrow(
      /reports\/service\.sql.*level/u,
    );
  });

  it('a comment that leaves a column unexplained is refused', () => {
    const head =
      '-- Title\n--   en: All.\n--   ja: すべて。\n-- Columns\n--   one\n--     en: First,\n--         and on.\n--     ja: 一。\n';
    expect(reportFile(`${head}select 1`, 'x.sql').columns).toEqual(new Map([['one', { en: 'First, and on.', ja: '一。' }]]));
    expect(() => reportFile(`${head}--   two\n--     en: Second.\nselect 1`, 'x.sql')).toThrow(
      'x.sql: its comment does not say in both languages what two is',
    );
  });
});
