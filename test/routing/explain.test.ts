import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDemo } from '../../src/db/demo.ts';
import { loadDirectory } from '../../src/db/directory.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { startPostgres } from '../../src/db/postgres-server.ts';
import type { Directory } from '../../src/routing/directory.ts';
import type { Explanation } from '../../src/tools/logic.ts';

const tool = new URL('../../src/tools/logic.ts', import.meta.url).pathname;
const shipped = new URL('../../scenarios/', import.meta.url).pathname;
const quiet = (): void => undefined;

let dir = '';
let directory: Directory;
let customer: { e164: string; code: string; handling_desk_id: string };

/** A centre as `npm start` leaves it: its database stopped, in its folder. */
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'logic-'));
  const postgres = await startPostgres({ dataDir: join(dir, 'postgres'), port: 0, log: quiet, durability: 'off' });
  try {
    await migrate(postgres.url, quiet);
    const pool = createPool(postgres.url, { log: quiet });
    try {
      await loadDemo(pool, { domainId: 'demo', password: 'a demo password' });
      directory = await loadDirectory(pool, 'demo');
      const { rows } = await pool.query<typeof customer>(
        `select p.e164, c.code, c.handling_desk_id from customer c
         join customer_phone p on p.domain_id = c.domain_id and p.customer_id = c.id
         where c.domain_id = 'demo' and c.kind = 'customer' and c.handling_desk_id is not null order by c.code limit 1`,
      );
      customer = rows[0] as typeof customer;
    } finally {
      await pool.end();
    }
  } finally {
    await postgres.stop();
  }
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const env = (more: Record<string, string> = {}): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: dir, DATA_DIR: dir, ...more });
const logic = (args: string[], more: Record<string, string> = {}) =>
  spawnSync(process.execPath, [tool, ...args], { encoding: 'utf8', env: env(more) });
const explained = (args: string[]): Explanation =>
  JSON.parse(execFileSync(process.execPath, [tool, 'explain', '--json', ...args], { encoding: 'utf8', env: env() })) as Explanation;
const OPEN = '2026-11-20T11:00+09:00';

describe('npm run logic -- explain', { timeout: 60_000 }, () => {
  it('says of a known customer which rule fired, why, and which desk it is', () => {
    const answer = explained(['--from', customer.e164, '--to', '1000', '--at', OPEN]);
    expect(answer).toMatchObject({
      party: { kind: 'customer', foundBy: 'callingNumber' },
      scenario: null,
      rule: 'the desk in charge of the customer',
    });
    const expected = answer.closedDesks.length === 0 ? answer.desk.id : answer.closedDesks[0];
    expect(expected).toBe(customer.handling_desk_id);
  });

  it('says of a withheld number that the scenario comes first, and what the code changes', () => {
    expect(explained(['--from', 'withheld', '--to', '1000'])).toMatchObject({
      party: { kind: 'unknown' },
      scenario: 'identify',
      rule: 'reception',
    });
    const withCode = explained(['--from', 'withheld', '--to', '1000', '--customer', customer.code]);
    expect(withCode).toMatchObject({ party: { kind: 'customer', foundBy: 'customerCode' }, rule: 'the desk in charge of the customer' });
  });

  it('prints it for people, without the caller’s number', () => {
    const { stdout, status } = logic(['explain', '--from', '+81398765432', '--to', '2000', '--at', OPEN]);
    expect(status).toBe(0);
    expect(stdout).toContain('rule    best sales in the caller');
    expect(stdout).toContain('in region 13');
    expect(stdout).toMatch(/^desk {4}.+ of .+$/m);
    expect(stdout).toMatch(/^wishes {2}priority 100/m);
    expect(stdout).toMatch(/^rules {3}one queue for all/m);
    expect(stdout).toContain('wrap-up 3m, extended by 2m, at most 15m');
    expect(stdout).not.toContain('398765432');
  });

  it('says what the rule wishes for the contact, and how the desk gives out, with the settings in force', () => {
    const scenarios = join(dir, 'explained');
    cpSync(shipped, scenarios, { recursive: true, filter: (path) => !path.endsWith('.wav') });
    writeFileSync(
      join(scenarios, 'control-logic.yaml'),
      `rules:
  - name: all
    to: { desk: tokyo-desk }
    priority: 7
    needs: { english: 3 }
    relax: [{ after: 90s, needs: {} }]
    preferLastAgent: 20s
desks:
  default: { overflow: [{ to: nextUp, after: 1m }, { to: reception, nobody: true }] }
  tokyo-desk: { discipline: { callsFirst: { idleForCallbacks: 1500ms } }, callbacks: { first: agent, hours: 09:00-20:00, afterAbandon: 30s } }
`,
    );
    const question = ['explain', '--from', 'withheld', '--to', '1000'];
    const { stdout } = logic(question, { SCENARIOS_DIR: scenarios, WRAP_UP_MS: '60000' });
    expect(stdout.slice(stdout.indexOf('wishes')).split('\n')).toEqual([
      'wishes  priority 7, needs english from level 3',
      '        after 90s it needs no skill',
      '        the agent who handled the customer last is waited for 20s',
      'rules   calls first; callbacks for whom no call was assigned for 1500ms; of several agents who is idle longest',
      '        points for waiting: call 1, callback 1, mail 1, chat 1, notice 0, message 0; for a promise 10, from 5m before',
      '        overflows to kanto-desk after 1m',
      '        overflows to reception when nobody is logged on',
      '        callbacks: agent first, 09:00-20:00, 3 attempts (busy 3 × 5m, noAnswer 3 × 30m, failed 2 × 10m)',
      '        callback offered when nobody is logged on; who gives up after 30s is called back',
      '        wrap-up 1m, extended by 2m, at most 15m',
      '        service level 80 % within 20s; handling is expected to take 4m',
      '',
    ]);
    expect(JSON.parse(logic([...question, '--json'], { SCENARIOS_DIR: scenarios }).stdout)).toMatchObject({
      wishes: { priorityClass: 7, preferLastAgentMs: 20_000 },
      deskRules: { overflow: [{ to: 'kanto-desk' }, { to: 'reception' }] },
    });
  });

  it('names what is wrong with the question, and with which exit status', () => {
    expect(logic(['explain', '--from', '+81398765432', '--to', '1001'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("did you mean '1000'?"),
    });
    expect(logic(['explain', '--from', '1', '--to', '1000', '--at', 'tomorrow']).stderr).toContain('not a time with its zone');
    expect(logic(['explain', '--to', '1000'])).toMatchObject({ status: 2, stderr: expect.stringContaining('--from and --to') });
    expect(logic(['explain', '--from', '1', '--to', '1000'], { DATA_DIR: join(dir, 'nothing') }).stderr).toContain("run 'npm start' once");
    expect(logic(['explian']).stderr).toContain("did you mean 'explain'?");
  });
});

describe('npm run logic -- check and test', { timeout: 60_000 }, () => {
  it('are content with what is shipped', () => {
    expect(logic(['check'])).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing wrong') });
    expect(logic(['test'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/(\d+) of \1 tests pass/) });
  });

  it('name file, line and column of a mistake, and fail when a test does', () => {
    const scenarios = join(dir, 'scenarios');
    cpSync(shipped, scenarios, { recursive: true, filter: (path) => !path.endsWith('.wav') });
    writeFileSync(join(scenarios, 'control-logic.yaml'), 'rules:\n  - name: a\n    to: reseption\n');
    expect(logic(['check'], { SCENARIOS_DIR: scenarios })).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/control-logic\.yaml:3:9: 'reseption' is not known here; did you mean 'reception'\?/),
    });
    const failing = `rules:\n  - { name: a, to: reception }\ntestCentre:\n  organisations: [{ id: m, kind: maker }]\n  desks: [{ id: r, organisation: m, reception: true }]\ntests:\n  - { name: no, given: { party: unknown }, expect: { desk: r, rule: none } }\n`;
    writeFileSync(join(scenarios, 'control-logic.yaml'), failing);
    expect(logic(['test'], { SCENARIOS_DIR: scenarios })).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('rule: expected none, got a'),
    });
  });
});

it('the demo centre has no desks that lead up in a circle', () => {
  for (const desk of directory.desks.values()) {
    let at = desk;
    for (let i = 0; i < 10 && at.nextUp !== null; i++) at = directory.desks.get(at.nextUp) ?? at;
    expect(`${desk.id} → ${at.id}: ${at.nextUp}`).toBe(`${desk.id} → ${at.id}: null`);
  }
});
