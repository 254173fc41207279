/** Reports over HTTP: who may see what, what is refused, and the file for a spreadsheet; the real desk, on a real Postgres. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '#src/db/pool.ts';
import { readReports } from '#src/db/reports.ts';
import { reportDesk } from '#src/reports.ts';
import type { AgentProfile, Desk, Directory } from '#src/routing/directory.ts';
import type { ContactsView, ReportListView, ReportView } from '#src/web/report-messages.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type Harness, startHarness } from './harness.ts';

const desk = (id: string, organisationId: string, timeZone: string): Desk => ({
  id,
  organisationId,
  name: `Desk ${id}`,
  timeZone,
  hours: [],
  holidays: [],
  nextUp: null,
  isReception: false,
});
const person = (id: string, name: string, role: AgentProfile['role'], deskIds: string[]): AgentProfile => ({
  id,
  name,
  organisationId: 'agency',
  deskIds,
  queues: [],
  skills: [],
  role,
  language: 'ja',
  deskPhone: null,
});
/** An agency, and a firm that has nothing to do with it. */
const DIRECTORY: Directory = {
  domainId: 'test',
  organisations: new Map([
    ['agency', { id: 'agency', kind: 'agency', name: 'Agency', sellsFor: [], regions: [] }],
    ['other', { id: 'other', kind: 'agency', name: 'Other', sellsFor: [], regions: [] }],
  ]),
  desks: new Map(
    [desk('osaka', 'agency', 'Asia/Tokyo'), desk('london', 'agency', 'Europe/London'), desk('other', 'other', 'UTC')].map((d) => [d.id, d]),
  ),
  entries: [],
  agents: new Map(
    [person('agent-tanaka', '=田中', 'agent', ['osaka']), person('agent-sato', '佐藤 健', 'supervisor', ['osaka'])].map((p) => [p.id, p]),
  ),
  sales: [],
  outgoingNumber: '+81312340000',
};

let fresh: FreshDatabase;
let pool: Pool;
beforeAll(async () => {
  fresh = await freshDatabase();
  pool = createPool(fresh.url, { log: () => undefined, name: 'test' });
  const call = (id: string, deskId: string, agent: string | null, arrived: string, disposition: string | null) =>
    pool.query(
      `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, desk_id, agent_id, arrived_at, queued_at,
         connected_at, ended_at, cause, disposition, doc)
       values ('test', $1, 'voice', 'call', 'ended', 'ja', '', 'unknown', $2, $3, $4, $4, $4::timestamptz + interval '10 s', $4::timestamptz + interval '70 s',
         'handled', $5, '{"attempts": 0}')`,
      [id, deskId, agent, arrived, disposition],
    );
  await call('c1', 'osaka', 'agent-tanaka', '2024-10-27T00:30Z', '=1+1,"x"');
  await call('c2', 'osaka', 'agent-tanaka', '2024-10-27T01:30Z', null);
  await call('c3', 'other', 'agent-smith', '2024-10-27T01:30Z', null);
});
afterAll(async () => {
  await pool.end();
  await fresh.drop();
});
let harness: Harness;
let supervisor: string;
beforeEach(async () => {
  const reports = reportDesk({ pool, domainId: 'test', reports: readReports(), directory: () => DIRECTORY });
  harness = await startHarness({ reports });
  supervisor = await harness.cookieOf('sato');
});

const DAY = 'from=2024-10-27&to=2024-10-28&timeZone=Europe/London';
const get = (path: string, cookie = supervisor) => harness.request(path, { headers: { cookie } });
const json = async <T>(path: string): Promise<T> => {
  const response = await get(path);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
};
const refusal = async (path: string, cookie = supervisor): Promise<[number, string]> => {
  const response = await get(path, cookie);
  return [response.status, ((await response.json()) as { code: string }).code];
};

describe('who may see the past', () => {
  it('agents and strangers see nothing of it; supervisors see the desks that are theirs to watch', async () => {
    const agent = await harness.cookieOf('tanaka');
    for (const path of ['', '/service', '/handling', '/agents', '/callbacks', '/contacts']) {
      for (const file of path === '' ? [''] : ['', '.csv']) {
        const address = `/api/reports${path}${file}?${DAY}`;
        expect(await refusal(address, agent), address).toEqual([403, 'notAllowed']);
        expect(await refusal(address, 'nobody=1'), address).toEqual([401, 'notLoggedIn']);
      }
    }
    const { rows, total } = await json<ReportView>(`/api/reports/service?${DAY}&groupBy=desk&interval=1%20day`);
    expect(rows.map(({ group }) => group)).toEqual([{ id: 'osaka', name: 'Desk osaka' }]);
    expect(total).toMatchObject({ offered: 2, service_level: 1, asa_s: 10 });
    const { contacts } = await json<ContactsView>(`/api/reports/contacts?${DAY}`);
    expect(contacts.map(({ contactId }) => contactId)).toEqual(['c2', 'c1']);
  });

  it('what there is, with how each figure is computed in both languages', async () => {
    const { reports, timeZones, desks } = await json<ReportListView>('/api/reports');
    expect(timeZones).toEqual(['Asia/Tokyo', 'Europe/London']);
    expect(desks.map(({ id }) => id)).toEqual(['osaka', 'london']);
    expect(reports.map(({ name }) => name)).toEqual(['service', 'handling', 'agents', 'callbacks', 'contacts']);
    const asa = reports[0]?.columns.find(({ name }) => name === 'asa_s');
    expect(asa?.how.en).toContain('Average speed of answer');
    expect(asa?.how.ja).toContain('平均応答時間');
  });
});

it('the time is that of the zone which is asked for: days by its midnight, and both hours where one comes twice', async () => {
  const { from, to, rows } = await json<ReportView>(`/api/reports/service?${DAY}`);
  expect([from, to]).toEqual([Date.parse('2024-10-26T23:00Z'), Date.parse('2024-10-28T00:00Z')]);
  expect(rows.map(({ startsAt }) => new Date(startsAt).toISOString())).toEqual(['2024-10-27T00:00:00.000Z', '2024-10-27T01:00:00.000Z']);
});

it('a file for a spreadsheet: quoted as it must be, nothing that it takes for a formula, hours with their distance from UTC', async () => {
  const response = await get(`/api/reports/service.csv?${DAY}&groupBy=disposition`);
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(response.headers.get('content-disposition')).toBe('attachment; filename="service-2024-10-27-2024-10-28.csv"');
  const [head, ...lines] = new TextDecoder('utf-8', { ignoreBOM: true }).decode(await response.arrayBuffer()).split('\r\n');
  expect(head).toMatch(/^\ufeffstarts_at,disposition,disposition_name,offered,answered,/u);
  expect(lines[0]).toMatch(/^2024-10-27T01:00:00\+01:00,"'=1\+1,""x""","'=1\+1,""x""",1,1,1,/u);
  expect(lines[1]).toMatch(/^2024-10-27T01:00:00\+00:00,,,1,1,/u);
  expect(lines[2]).toMatch(/^total,,,2,2,/u);
  const contacts = await (await get(`/api/reports/contacts.csv?${DAY}`)).text();
  expect(contacts).toContain("c1,2024-10-27T01:30:00+01:00,voice,call,Desk osaka,'=田中,10,");
});

it('what cannot be shown is refused with a word for it', async () => {
  const service = (query: string) => refusal(`/api/reports/service?${query}`);
  expect(await service('from=2024-10-27&to=2024-10-27&timeZone=Asia/Tokyo')).toEqual([422, 'emptyPeriod']);
  expect(await service('from=2024-10-27&to=2024-10-28&timeZone=Asia/Atlantis')).toEqual([422, 'noSuchTimeZone']);
  expect(await service('from=2024-02-30&to=2024-03-28&timeZone=Asia/Tokyo')).toEqual([422, 'noSuchDay']);
  expect(await service('from=2024-01-01&to=2024-03-28&timeZone=Asia/Tokyo')).toEqual([422, 'periodTooLong']);
  expect(await service(`${DAY}&groupBy=shoe`)).toEqual([422, 'noSuchGroup']);
  expect(await service(`${DAY}&interval=1%20year`)).toEqual([400, 'malformed']);
  expect(await service("from=2024-01-01&to=2024-03-28&timeZone=UTC';drop")).toEqual([400, 'malformed']);
  expect(await refusal(`/api/reports/everything?${DAY}`)).toEqual([404, 'notFound']);
});

it('a report that takes too long is ended, and said to', async () => {
  const slow = createPool(fresh.url, { log: () => undefined, name: 'slow', statementTimeoutMs: 50 });
  const reports = readReports();
  const service = reports.figures.get('service');
  if (service === undefined) throw new Error('no report');
  const figures = new Map([
    ...reports.figures,
    ['service' as const, { ...service, text: `select pg_sleep(5), x.* from (${service.text}) x` }],
  ]);
  const desk = reportDesk({ pool: slow, domainId: 'test', reports: { ...reports, figures }, directory: () => DIRECTORY });
  const query = { from: '2024-10-27', to: '2024-10-28', timeZone: 'UTC', interval: '1 hour', groupBy: 'none', target: 20 } as const;
  await expect(desk.show({ agentId: 'agent-sato', name: '', role: 'supervisor' }, 'service', query)).rejects.toMatchObject({
    code: 'tooSlow',
  });
  await slow.end();
});

it('who asks while as many as may are having reports computed is told to come back', async () => {
  const one = createPool(fresh.url, { log: () => undefined, name: 'one', max: 1, connectTimeoutMs: 100 });
  const taken = await one.connect();
  const desk = reportDesk({ pool: one, domainId: 'test', reports: readReports(), directory: () => DIRECTORY });
  const query = { from: '2024-10-27', to: '2024-10-28', timeZone: 'UTC', interval: '1 hour', groupBy: 'none', target: 20 } as const;
  await expect(desk.show({ agentId: 'agent-sato', name: '', role: 'supervisor' }, 'service', query)).rejects.toMatchObject({
    code: 'reportsBusy',
  });
  taken.release();
  await one.end();
});

it('the description of the API names every report, its files and their parameters', async () => {
  const { paths } = (await (await harness.request('/api/openapi.json')).json()) as {
    paths: Record<string, { get?: { parameters?: unknown[] } }>;
  };
  for (const name of ['service', 'handling', 'agents', 'callbacks', 'contacts']) {
    for (const path of [`/api/reports/${name}`, `/api/reports/${name}.csv`])
      expect(paths[path]?.get?.parameters?.length, path).toBeGreaterThan(2);
  }
});
