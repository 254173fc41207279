import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentsFor } from '#src/routing/erlang.ts';
import { runForecast } from '#src/tools/forecast.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mg-forecast-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A Saturday, in Tokyo already a Sunday. */
const NOW = Date.parse('2026-11-21T16:00:00Z');

async function run(argv: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; printed: string }> {
  let printed = '';
  const print = (text: string): void => {
    printed += text;
  };
  const code = await runForecast(argv, { DATA_DIR: folder, ...env }, print, NOW);
  return { code, printed };
}
function file(content: string | Uint8Array): string {
  const path = join(folder, 'arrivals.csv');
  writeFileSync(path, content);
  return path;
}
const lines = (...of: string[]): string => of.join('\n');

describe('npm run forecast with a CSV', () => {
  // Two Mondays: 100 and 90 calls from 9:00, 10 each from 9:30.
  const COUNTS = lines('interval,count', '2026-11-02 09:00,100', '2026-11-02 09:30,10', '2026-11-09 09:00,90', '2026-11-09 09:30,10');

  it('prints the agents for each interval, what to expect, by which formula, and the same simulated', async () => {
    const { code, printed } = await run(['--csv', file(COUNTS), '--aht', '180', '--shrinkage', '0.3']);
    expect(code).toBe(0);
    expect(printed).toContain('210 arrivals in');
    expect(printed).toContain('2026-11-02 to 2026-11-09, Asia/Tokyo');
    expect(printed).toContain('target 80 % in 20 s, AHT 180.0 s (--aht), shrinkage 30 %');
    expect(printed).toContain('Erlang C (M/M/c, nobody gives up): Erlang 1917');
    expect(printed).toContain('Monday (from 2 days)');
    const wanted = agentsFor({ callsPerInterval: 95, intervalMs: 1_800_000, ahtMs: 180_000, target: { share: 0.8, withinMs: 20_000 } });
    const row = printed.split('\n').find((line) => line.includes('09:00'));
    const cells = row?.trim().split(/ {2,}/);
    expect(cells?.slice(0, 6)).toEqual([
      '09:00',
      '95.0',
      '9.50',
      String(wanted.agents),
      '19',
      `${(wanted.serviceLevel * 100).toFixed(1)} %`,
    ]);
    expect(cells?.at(-1)).toBe('Erlang C');
    // Days without calls are days, but they need no agents.
    expect(printed).not.toContain('Tuesday');
  });

  it('uses Erlang A when told how patient callers are, and gives programs what people read', async () => {
    const { code, printed } = await run(['--csv', file(COUNTS), '--patience', '120', '--target', '90/10', '--json', '--seed', '5']);
    expect(code).toBe(0);
    const answer = JSON.parse(printed);
    expect(answer).toMatchObject({ formula: 'Erlang A', patience: { ms: 120_000 }, target: { share: 0.9, withinMs: 10_000 } });
    expect(answer.aht).toEqual({ ms: 180_000, from: 'assumed; --aht says better' });
    expect(answer.source).toMatch(/Palm 1957; Garnett, Mandelbaum, Reiman 2002; Mandelbaum, Zeltyn 2007/);
    expect(answer.rows).toHaveLength(2);
    for (const { staffing, simulated } of answer.rows) {
      for (const name of ['serviceLevel', 'asaMs', 'abandonProbability', 'occupancy']) {
        const { value, standardError } = simulated[name];
        expect(Math.abs(value - staffing[name]), name).toBeLessThanOrEqual(4 * standardError);
      }
    }
    expect((await run(['--csv', file(COUNTS), '--patience', '120', '--target', '90/10', '--json', '--seed', '5'])).printed).toBe(printed);
  });

  it('reads single arrivals, with a zone or by the clock of the one that is given, and Excel’s Shift_JIS', async () => {
    const arrivals = lines(
      'at',
      '2026-11-02T00:05:00Z',
      '2026-11-02 09:10',
      '2026/11/02 09:10:59',
      '2026-11-01 19:20:00-05:00',
      '2026-11-02T04:15:00.5+0400',
      '',
    );
    const { printed } = await run(['--csv', file(arrivals), '--interval', '15m', '--simulate', '0', '--json', '--time-zone', 'Asia/Tokyo']);
    expect(JSON.parse(printed).rows.map((row: { startMinute: number; calls: number }) => [row.startMinute, row.calls])).toEqual([
      [540, 3],
      [555, 2],
    ]);
    const london = await run([
      '--csv',
      file(lines('at', '2026-07-01T08:00:00Z')),
      '--time-zone',
      'Europe/London',
      '--json',
      '--simulate',
      '0',
    ]);
    expect(JSON.parse(london.printed).rows[0]).toMatchObject({ startMinute: 540, calls: 1, weekday: 3, simulated: null });
  });

  it('counts all days between the first and the last, or between those that are named, but not excluded ones', async () => {
    const mondayCalls = async (...more: string[]): Promise<number> => {
      const { printed } = await run(['--csv', file(COUNTS), '--json', '--simulate', '0', ...more]);
      return JSON.parse(printed).rows[0].calls;
    };
    expect(await mondayCalls()).toBe(95);
    expect(await mondayCalls('--to', '2026-11-16')).toBeCloseTo(190 / 3);
    expect(await mondayCalls('--from', '2026-11-03')).toBe(90);
    expect(await mondayCalls('--exclude', '2026-11-02,2026-11-05')).toBe(90);
  });

  it('shows a day to come with the hours that it will have', async () => {
    const sundays = lines('interval,count', '2026-10-18 01:00,60', '2026-10-18 02:00,30');
    const day = ['--interval', '1h', '--time-zone', 'Europe/London', '--json', '--simulate', '0', '--for'];
    const starts = async (date: string) =>
      JSON.parse((await run(['--csv', file(sundays), ...day, date])).printed).rows.map((row: { start: number }) =>
        new Date(row.start).toISOString().slice(11, 16),
      );
    expect(await starts('2026-10-25')).toEqual(['00:00', '01:00', '02:00']); // 01:00 comes twice
    expect(await starts('2027-03-28')).toEqual(['01:00']); // 01:00 never comes
    const { code, printed } = await run(['--csv', file(sundays), ...day, '2026-11-23']);
    expect([code, printed]).toEqual([1, 'nothing is known of the weekday of 2026-11-23\n']);
  });

  it.each([
    [
      lines('at', '2026-11-02 09:00', '2026-02-30 09:00', '9 o’clock'),
      [/:3: column at: "2026-02-30 09:00" is no time; right: as/, /:4: column at: "9 o/],
    ],
    [lines('at', '2026-03-29 01:30'), [/:2: column at: "2026-03-29 01:30" never was: the clock of Europe\/London is put forward/]],
    [
      lines('interval,count', '2026-11-02 09:00,-3', '2026-11-02 09:30,1.5'),
      [/:2: column count: "-3" is no count/, /:3: column count: "1\.5"/],
    ],
    [lines('interval,count', '2026-11-02 09:00'), [/:2: has 1 cells, the header has 2/]],
    [lines('interval,cuont', '2026-11-02 09:00,3'), [/:1: there is no column "cuont", did you mean "count"\?/]],
    [lines('at,count', '2026-11-02 09:00,3'), [/:1: the columns are at, count; right: at, or interval,count/]],
    [
      lines('interval,count', '2026-11-02 09:00,3', '2026-11-02 10:00,3'),
      [/60 minutes apart, which don't fill --interval 30m; right: --interval 60m/],
    ],
    ['', [/the file is empty/]],
    ['at\n', [/there are no arrivals in it/]],
    [lines('interval,count', '2026-11-02 09:00,0'), [/there are no arrivals in .* from 2026-11-02 to 2026-11-02/]],
  ])('says where a file is wrong and what would be right: %j', async (content, messages) => {
    const { code, printed } = await run(['--csv', file(content), '--time-zone', 'Europe/London']);
    expect(code).toBe(1);
    for (const message of messages) expect(printed).toMatch(message);
  });

  it('does not print a thousand mistakes', async () => {
    const { printed } = await run(['--csv', file(lines('at', ...new Array<string>(1_000).fill('never')))]);
    expect(printed.trim().split('\n')).toHaveLength(21);
    expect(printed).toContain('… and 980 more');
  });
});

describe('npm run forecast, called wrongly', () => {
  it.each([
    [['--target', '80'], /--target: "80"; right: percent\/seconds, as 80\/20/],
    [['--interval', '7m'], /--interval: "7m"; right: minutes or hours/],
    [['--from', '2026-02-29'], /--from: "2026-02-29" is no day; right: as 2026-11-23/],
    [['--from', '2026-11-02', '--to', '2026-11-01'], /--to 2026-11-01 is before --from 2026-11-02/],
    [['--exclude', '2026-11-02,x'], /--exclude: "x" is no day/],
    [['--aht', '0'], /--aht: "0"; right: a number from 1/],
    [['--shrinkage', '30'], /--shrinkage: "30"; right: a number from 0 to 0.95, as 0.3/],
    [['--patience', 'short'], /--patience: "short"; right: .* as 120, or the word log/],
    [['--time-zone', 'Tokyo'], /no zone "Tokyo"; right: an IANA name, as Asia\/Tokyo/],
    [['--simulate', '10'], /--simulate takes 1000 or more/],
    [['--csv', 'x.csv', '--desk', 'd'], /--desk is for the log/],
    [['--csv', '/does/not/exist.csv'], /exist.csv can't be read: ENOENT/],
    [['--weeks', '3'], /Unknown option '--weeks'/],
    [[], /there is no centre yet in .*: run 'npm start' once, or set DATABASE_URL/],
  ])('%j', async (argv, message) => {
    const { code, printed } = await run(argv);
    expect(printed).toMatch(message);
    expect(code).toBe(2);
  });

  it('explains itself', async () => {
    const { code, printed } = await run(['--help']);
    expect(code).toBe(0);
    for (const option of [
      '--from',
      '--to',
      '--csv',
      '--desk',
      '--interval',
      '--target',
      '--aht',
      '--patience',
      '--shrinkage',
      '--time-zone',
      '--json',
    ])
      expect(printed).toContain(option);
    expect(printed).toContain('interval,count');
  });
});

describe('npm run forecast with the log', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    let n = 0;
    const contact = (
      desk: string | null,
      arrived: string,
      rest: { queued?: boolean; waitS?: number; talkS?: number; continues?: string; cause?: string },
    ) => {
      n += 1;
      const at = Date.parse(arrived);
      const { queued = true, waitS = 0, talkS = null, continues = null, cause = 'handled' } = rest;
      const connected = talkS === null ? null : new Date(at + waitS * 1_000);
      const ended = new Date(at + (waitS + (talkS ?? 0)) * 1_000);
      return database.pool.query(
        `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, desk_id, continues_id,
           arrived_at, queued_at, connected_at, ended_at, cause, doc)
         values ('a', $1, $2, 'call', 'ended', 'ja', '1000', 'new', $3, $4, $5, $6, $7, $8, $9, '{}')`,
        [
          `c${n}`,
          continues === null ? 'voice' : 'callback',
          desk,
          continues,
          new Date(at),
          queued ? new Date(at) : null,
          connected,
          ended,
          cause,
        ],
      );
    };
    // Eight Mondays in London, four in summer and four in winter time: five calls each at a quarter past nine.
    const mondays = ['2026-09-28', '2026-10-05', '2026-10-12', '2026-10-19', '2026-10-26', '2026-11-02', '2026-11-09', '2026-11-16'];
    for (const [week, monday] of mondays.entries()) {
      const summer = week < 4;
      for (let i = 0; i < 4; i += 1) {
        await contact('dealer-desk', `${monday}T09:15:00${summer ? '+01:00' : 'Z'}`, { waitS: 20, talkS: 240 });
      }
      await contact('dealer-desk', `${monday}T09:15:30${summer ? '+01:00' : 'Z'}`, { waitS: 40, cause: 'abandonedInQueue' });
    }
    // None of these is an arrival at that desk that counts.
    await contact('dealer-desk', '2026-11-16T09:20:00Z', { queued: false, cause: 'abandonedInScenario' });
    await contact('dealer-desk', '2026-11-16T09:25:00Z', { talkS: 240, continues: 'c1' });
    await contact('maker-desk', '2026-11-16T09:20:00Z', { talkS: 240 });
    await contact('dealer-desk', '2026-11-23T09:20:00Z', { talkS: 240 });
    await database.pool.query(`update desk set time_zone = 'Europe/London' where id = 'dealer-desk'`);
    await database.pool.query(`insert into desk_holiday (domain_id, desk_id, day) values ('a', 'dealer-desk', '2026-10-12')`);
  });
  afterAll(() => database.close());
  const log = (...argv: string[]) => run([...argv, '--simulate', '0'], { DATABASE_URL: database.url, DOMAIN: 'a' });

  it('takes the last eight weeks of a desk, in its zone, without its holidays', async () => {
    const { code, printed } = await log('--desk', 'dealer-desk', '--json');
    expect(printed).toContain('"weekday"');
    expect(code).toBe(0);
    const answer = JSON.parse(printed);
    // 20 November in London is yesterday: it is Saturday 16:00 there.
    expect(answer).toMatchObject({ from: '2026-09-26', to: '2026-11-20', where: 'of Dealer desk (dealer-desk)' });
    expect(answer.forecast).toMatchObject({ timeZone: 'Europe/London', arrivals: 35 });
    expect(answer.forecast.leftOut).toEqual([{ date: '2026-10-12', because: 'excluded', arrivals: 5, usual: null }]);
    expect(answer.rows).toHaveLength(1);
    expect(answer.rows[0]).toMatchObject({ weekday: 1, startMinute: 540, calls: 5, days: 7 });
    expect(answer.aht).toEqual({ ms: 240_000, from: 'mean of 33 in the log' });
    expect(answer.formula).toBe('Erlang C');
  });

  it('reads from it how patient callers are', async () => {
    const { printed } = await log('--desk', 'dealer-desk', '--patience', 'log', '--json');
    // 32 waits of 20 s and 8 of 40 s, and 8 gave up.
    expect(JSON.parse(printed)).toMatchObject({
      formula: 'Erlang A',
      patience: { ms: ((32 * 20 + 8 * 40) / 8) * 1_000, from: 'by 8 who gave up in the log' },
    });
  });

  it('takes all desks as one pool, and the days that are asked for', async () => {
    const { printed } = await log('--from', '2026-11-16', '--to', '2026-11-16', '--time-zone', 'Europe/London');
    expect(printed).toContain('6 arrivals of all desks as one pool, 2026-11-16 to 2026-11-16, Europe/London');
    expect(printed).toContain('Monday (from 1 day)');
  });

  it('says when there is nothing, or no such desk or centre', async () => {
    expect(await log('--desk', 'agency-desk')).toEqual({
      code: 1,
      printed: 'there are no arrivals of Agency desk (agency-desk) from 2026-09-27 to 2026-11-21\n',
    });
    const { code, printed } = await log('--desk', 'dealers-desk');
    expect(printed).toContain('there is no desk "dealers-desk", did you mean dealer-desk? (agency-desk, dealer-desk, maker-desk)');
    expect(code).toBe(2);
    const elsewhere = await run([], { DATABASE_URL: database.url, DOMAIN: 'nowhere' });
    expect(elsewhere).toMatchObject({ code: 2, printed: expect.stringContaining('no centre "nowhere"') });
  });
});
