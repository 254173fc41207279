import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadDemo } from '#src/db/demo.ts';
import { loadDirectory } from '#src/db/directory.ts';
import { migrate } from '#src/db/migrate.ts';
import { findParty } from '#src/db/party.ts';
import { authenticate } from '#src/db/people.ts';
import { createPool } from '#src/db/pool.ts';
import { startPostgres } from '#src/db/postgres-server.ts';
import { runImport } from '#src/tools/import.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';

let database: TestDatabase;
let pool: Pool;
let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-import-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  database = await testDatabase();
  pool = database.pool;
});
afterEach(() => database.close());

async function run(...argv: string[]) {
  let printed = '';
  const notes: string[] = [];
  const env = { DATABASE_URL: database.url, DATA_DIR: folder, DOMAIN: 'a' };
  const code = await runImport(argv, env, { print: (text) => (printed += text), note: (text) => notes.push(text) });
  return { code, printed, notes };
}
function file(name: string, content: string | Uint8Array): string {
  const at = path.join(folder, name);
  fs.writeFileSync(at, content);
  return at;
}
const customers = (...lines: string[]) => ['code,name,kana,region,phones,handling_desk,products', ...lines, ''].join('\n');
const SATO = '10023,佐藤 花子,サトウ ハナコ,13,03-1234-5678; 090-1234-5678,maker-desk,MS-100:A-17:2024-04-15; CAL-1';
const count = async (table: string): Promise<number> =>
  (await pool.query<{ n: number }>(`select count(*)::int as n from ${table} where domain_id = 'a'`)).rows[0]?.n ?? -1;

describe('an import of customers', () => {
  it('brings them in, so that they are found by code and by each of their numbers', async () => {
    const { code, printed } = await run('customers', file('c.csv', customers(SATO)));
    expect(printed).toContain('1 new, 0 changed, 0 unchanged');
    expect(code).toBe(0);
    const found = await findParty(pool, 'a', 'customerCode', '10023');
    expect(found).toMatchObject({ name: '佐藤 花子', region: '13', handlingDeskId: 'maker-desk', kind: 'customer' });
    expect(await findParty(pool, 'a', 'callingNumber', '+81312345678')).toEqual(found);
    expect(await findParty(pool, 'a', 'callingNumber', '+819012345678')).toEqual(found);
    const { rows } = await pool.query('select product_code, serial, bought_on::text from customer_product order by position');
    expect(rows).toEqual([
      { product_code: 'MS-100', serial: 'A-17', bought_on: '2024-04-15' },
      { product_code: 'CAL-1', serial: null, bought_on: null },
    ]);
  });

  it('changes nothing the second time, and only what is different the third', async () => {
    const csv = file('c.csv', customers(SATO, '10024,鈴木 一郎,,,,,'));
    await run('customers', csv);
    const before = await pool.query('select xmin, * from customer order by code');
    expect((await run('customers', csv)).printed).toContain('0 new, 0 changed, 2 unchanged');
    expect((await pool.query('select xmin, * from customer order by code')).rows).toEqual(before.rows);
    const changed = file('c.csv', customers(SATO, '10024,鈴木 一郎,スズキ イチロウ,,,,'));
    expect((await run('customers', changed)).printed).toContain('0 new, 1 changed, 1 unchanged');
  });

  it('leaves alone what the file has no column for, and empties what it has an empty cell for', async () => {
    await run('customers', file('c.csv', customers(SATO)));
    await run('customers', file('c.csv', 'code,name,region\n10023,佐藤 花江,\n'));
    expect(await findParty(pool, 'a', 'callingNumber', '+81312345678')).toMatchObject({
      name: '佐藤 花江',
      region: null,
      handlingDeskId: 'maker-desk',
    });
  });

  it.each([
    ['UTF-8', (text: string) => Buffer.from(text)],
    ['UTF-8 with a byte order mark', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['UTF-8 with the line ends of Windows', (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))],
  ])('reads %s', async (_name, encode) => {
    expect((await run('customers', file('c.csv', encode(customers(SATO))))).code).toBe(0);
    expect(await findParty(pool, 'a', 'customerCode', '10023')).toMatchObject({ name: '佐藤 花子' });
  });

  it('reads Shift_JIS, as Excel in Japan saves it', async () => {
    // code,name with 佐藤 (8d b2 93 a1) and 表 (95 5c, whose second byte is a backslash)
    const bytes = Buffer.concat([
      Buffer.from('code,name\r\n10023,'),
      Buffer.from([0x8d, 0xb2, 0x93, 0xa1, 0x95, 0x5c]),
      Buffer.from('\r\n'),
    ]);
    const { printed, code } = await run('customers', file('c.csv', bytes));
    expect(code).toBe(0);
    expect(printed).toContain('Shift_JIS');
    expect(await findParty(pool, 'a', 'customerCode', '10023')).toMatchObject({ name: '佐藤表' });
  });

  it('lists every bad cell with line, column, reason and right form, and imports nothing', async () => {
    const csv = customers(SATO, '10024,,,13,,,', '', '"10025","a\nb",,99,123,mkaer-desk,', '10023,二度目,,,,,', '10026,短い');
    const { code, printed } = await run('customers', file('c.csv', csv));
    expect(code).toBe(1);
    const lines = printed.split('\n').filter((line) => line.startsWith('  line'));
    expect(lines).toEqual([
      '  line 3, name: is empty',
      '  line 5, region: "99" is no region',
      '  line 5, phones: "123" is no valid telephone number',
      '  line 7, code: "10023" is in line 2, too',
      '  line 8: has 2 cells, the header has 7',
    ]);
    expect(printed).toContain('right: as +81312345678');
    expect(printed).toContain('4 of 5 rows are wrong. Nothing was imported');
    expect(await count('customer')).toBe(0);
  });

  it('suggests the desk that was meant', async () => {
    const { printed } = await run('customers', file('c.csv', customers('10025,x,,,,maker-dsek,')));
    expect(printed).toContain('line 2, handling_desk: there is no desk "maker-dsek", did you mean "maker-desk"?');
  });

  it('imports the right rows with --skip-bad, and says what it left out', async () => {
    const { code, printed } = await run('customers', '--skip-bad', file('c.csv', customers(SATO, '10024,,,,,,')));
    expect(code).toBe(0);
    expect(printed).toContain('1 new, 0 changed, 0 unchanged, 1 left out');
    expect(await count('customer')).toBe(1);
  });

  it('writes nothing with --dry-run', async () => {
    const { code, printed } = await run('customers', '--dry-run', file('c.csv', customers(SATO)));
    expect([code, await count('customer')]).toEqual([0, 0]);
    expect(printed).toContain('Would import: 1 new');
  });

  it('reads numbers without a country code as --country says', async () => {
    await run('customers', '--country', 'gb', file('c.csv', customers('1,Emily,,,020 7946 0123,,')));
    expect(await findParty(pool, 'a', 'callingNumber', '+442079460123')).toMatchObject({ name: 'Emily' });
  });

  it('refuses a header with an unknown or missing column, and suggests the right one', async () => {
    const { code, printed } = await run('customers', file('c.csv', 'code,nmae,age\n1,x,2\n'));
    expect(code).toBe(1);
    expect(printed).toContain('there is no column "nmae", did you mean "name"?');
    expect(printed).toContain('there is no column "age" (columns: code,');
    expect(printed).toContain('the column "name" is missing');
  });

  it.each([
    ['an empty file', '', 'empty'],
    ['quotes that do not match', 'code,name\n1,"x\n2,y\n', "quotes don't match"],
    ['another encoding', Buffer.from([0xff, 0xfe, 0x63, 0x00, 0x80, 0x00]), 'neither UTF-8 nor Shift_JIS'],
  ])('refuses %s', async (_name, content, reason) => {
    const { code, printed } = await run('customers', file('c.csv', content));
    expect(code).toBe(1);
    expect(printed).toContain(reason);
  });

  it('shows how far it is with a large file, and takes it whole', async () => {
    const many = Array.from(
      { length: 2500 },
      (_, i) => `${20_000 + i},客 ${i},,13,+8133456${String(1000 + i).padStart(4, '0')},maker-desk,MS-100`,
    );
    const { code, notes } = await run('customers', file('c.csv', customers(...many)));
    expect(code).toBe(0);
    expect(notes).toEqual(['written 1000 of 2500', 'written 2000 of 2500', 'written 2500 of 2500']);
    expect(await count('customer')).toBe(2500);
  });
});

describe('an import of organisations', () => {
  const header = 'id,kind,name,sells_for,regions,phones,desk,desk_name,time_zone,hours,holidays,next_up,reception';
  const osaka =
    'osaka,dealer,大阪テクノ,agency; kansai,27; 28,06-6333-0100,osaka-desk,窓口,Asia/Tokyo,1-5 9:00-17:30; 6 09:00-12:00,2026-12-31,kansai-desk,no';
  const kansai = 'kansai,agency,関西計測,maker,27,,kansai-desk,,,always,,maker-desk,';

  it('brings in the tree, the numbers and the desks, in whichever order they stand', async () => {
    const csv = file('o.csv', [header, osaka, kansai].join('\n'));
    expect((await run('organisations', csv)).printed).toContain('2 new, 0 changed, 0 unchanged');
    const directory = await loadDirectory(pool, 'a');
    expect(directory.organisations.get('osaka')).toEqual({
      id: 'osaka',
      kind: 'dealer',
      name: '大阪テクノ',
      sellsFor: ['agency', 'kansai'],
      regions: ['27', '28'],
    });
    const desk = directory.desks.get('osaka-desk');
    expect(desk).toMatchObject({ name: '窓口', nextUp: 'kansai-desk', holidays: ['2026-12-31'], isReception: false });
    expect(desk?.hours).toHaveLength(6);
    expect(desk?.hours.at(-1)).toEqual({ weekday: 6, from: '09:00', to: '12:00' });
    expect(directory.desks.get('kansai-desk')).toMatchObject({ name: '関西計測' });
    expect(directory.desks.get('kansai-desk')?.hours).toHaveLength(7);
    expect(await findParty(pool, 'a', 'callingNumber', '+81663330100')).toMatchObject({ kind: 'dealer', organisationId: 'osaka' });
    expect((await run('organisations', csv)).printed).toContain('0 new, 0 changed, 2 unchanged');
  });

  it('refuses a tree that can not be, numbers of others, and desks that hand on in a circle', async () => {
    await pool.query(`insert into organisation_phone values ('a', '+81663330199', 'dealer')`);
    const csv = [
      'id,kind,name,sells_for,phones,desk,next_up',
      'x1,agency,X1,dealer,,,',
      'x2,dealer,X2,nobody,,,',
      'x3,dealer,X3,agency,+81663330199,,',
      'x4,dealer,X4,agency,,x4-desk,x5-desk',
      'x5,dealer,X5,agency,,x5-desk,x4-desk',
      'x6,dealer,X6,agency,,x6-desk,x7-desk',
    ].join('\n');
    const { code, printed } = await run('organisations', file('o.csv', csv));
    expect(code).toBe(1);
    for (const part of [
      'line 2, sells_for: x1 is an agency, and dealer a dealer',
      'line 3, sells_for: there is no organisation "nobody"',
      'line 4, phones: "+81663330199" is dealer’s',
      'line 5, next_up: goes round in a circle: x4-desk → x5-desk → x4-desk',
      'line 7, next_up: there is no desk "x7-desk"',
    ]) {
      expect(printed).toContain(part);
    }
  });

  it('with --skip-bad leaves out also what needs a row that is left out', async () => {
    const csv = ['id,kind,name,sells_for', 'good,dealer,Good,agency', 'child,dealer,Child,broken', 'broken,agency,,maker'].join('\n');
    const { printed } = await run('organisations', '--skip-bad', file('o.csv', csv));
    expect(printed).toContain('1 new, 0 changed, 0 unchanged, 2 left out');
  });
});

describe('an import of agents', () => {
  const header = 'user_name,name,organisation,role,language,desks,desk_phone,active';

  it('gives each new one a password, in a file that only its owner can read, and nowhere else', async () => {
    const csv = file('a.csv', [header, 'Tanaka,田中 美咲,maker,agent,ja,maker-desk,desk-1,', 'smith,Smith,dealer,,en,,,'].join('\n'));
    const { code, printed } = await run('agents', csv);
    expect(code).toBe(0);
    const [, passwordFile = ''] = /Passwords of the new ones: (\S+)/.exec(printed) ?? [];
    expect(fs.statSync(passwordFile).mode & 0o777).toBe(0o600);
    const [head, ...lines] = fs.readFileSync(passwordFile, 'utf8').trim().split('\n');
    expect(head).toBe('user_name,name,password');
    for (const line of lines) {
      const [userName = '', , password = ''] = line.split(',');
      expect(printed).not.toContain(password);
      expect(await authenticate(pool, userName, password)).toMatchObject({ userName });
    }
    expect(lines).toHaveLength(2);
    expect((await loadDirectory(pool, 'a')).agents.get('tanaka')).toEqual({
      id: 'tanaka',
      name: '田中 美咲',
      organisationId: 'maker',
      deskIds: ['maker-desk'],
      queues: [{ queueId: 'maker-desk', priority: 1 }],
      skills: [],
      role: 'agent',
      language: 'ja',
      deskPhone: 'desk-1',
    });
    const again = await run('agents', csv);
    expect(again.printed).toContain('0 new, 0 changed, 2 unchanged');
    expect(again.printed).not.toContain('Passwords');
  });

  it('takes skills with levels, and desks with the agent’s own priorities', async () => {
    const organisations = 'id,kind,name,desk\nmaker,maker,Maker,maker-desk\nsecond,agency,Second,second-desk';
    expect((await run('organisations', file('o.csv', organisations))).code).toBe(0);
    const row = async (columns: string, cells: string): Promise<string> => {
      const { code, printed } = await run('agents', file('a.csv', `user_name,name,organisation${columns}\nlee,Lee,maker${cells}`));
      expect(code).toBe(0);
      return printed;
    };
    const lee = async () => (await loadDirectory(pool, 'a')).agents.get('lee');
    expect(await row(',skills,desks', ',english:3; billing：1,maker-desk:2;second-desk')).toContain('1 new');
    const skills = [
      { skill: 'billing', level: 1 },
      { skill: 'english', level: 3 },
    ];
    expect(await lee()).toMatchObject({
      deskIds: ['second-desk', 'maker-desk'],
      queues: [
        { queueId: 'second-desk', priority: 1 },
        { queueId: 'maker-desk', priority: 2 },
      ],
      skills,
    });
    expect(await row(',skills,desks', ',billing:1;english:3,second-desk:1;maker-desk:2')).toContain('0 changed, 1 unchanged');
    // A column that is not there changes nothing; a level and a priority do; an empty cell empties.
    expect(await row('', '')).toContain('0 changed, 1 unchanged');
    expect(await row(',skills', ',billing:2;english:3')).toContain('1 changed');
    expect((await lee())?.skills).toEqual([{ skill: 'billing', level: 2 }, skills[1]]);
    expect(await row(',desks', ',second-desk;maker-desk')).toContain('1 changed');
    expect((await lee())?.queues.map((queue) => queue.priority)).toEqual([1, 1]);
    await row(',skills,desks', ',,');
    expect(await lee()).toMatchObject({ queues: [], skills: [] });
  });

  it('names the line, the column and what is right of each wrong skill and priority', async () => {
    const wrong = [
      ['english', '', 'skills: "english" has no number; write english:1'],
      ['english:0', '', 'skills: "english:0" has a number beyond 1 to 255'],
      ['english:256', '', 'skills: "english:256" has a number beyond 1 to 255'],
      ['English:3', '', 'skills: "English:3" can\'t be one'],
      ['english:good', '', 'skills: "english:good" can\'t be one'],
      ['english:1;english:2', '', 'skills: "english" is there twice'],
      ['', 'maker-desk:0', 'desks: "maker-desk:0" has a number beyond 1 to 99'],
      ['', 'maker-desk:100', 'desks: "maker-desk:100" has a number beyond 1 to 99'],
      ['', 'maker-desk;maker-desk:2', 'desks: "maker-desk" is there twice'],
      ['', 'maker-dsk:2', 'desks: there is no desk "maker-dsk", did you mean "maker-desk"?'],
    ] as const;
    const rows = wrong.map(([skills, desks], n) => `lee${n},Lee,maker,${skills},${desks}`);
    const { code, printed } = await run('agents', file('a.csv', ['user_name,name,organisation,skills,desks', ...rows].join('\n')));
    expect(code).toBe(1);
    for (const [n, [, , reason]] of wrong.entries()) expect(printed).toContain(`line ${n + 2}, ${reason}\n      right: `);
  });

  it('keeps the password of those who are changed, lets desk phones change hands, and shuts out who is not active', async () => {
    const first = await run('agents', file('a.csv', [header, 'a1,A,maker,,,,desk-1,', 'a2,B,maker,,,,desk-2,'].join('\n')));
    const [, passwordFile = ''] = /Passwords of the new ones: (\S+)/.exec(first.printed) ?? [];
    const passwords = fs
      .readFileSync(passwordFile, 'utf8')
      .split('\n')
      .slice(1, 3)
      .map((line) => line.split(',')[2] ?? '');
    const { code } = await run('agents', file('a.csv', [header, 'a1,A,maker,,,,desk-2,', 'a2,B,maker,,,,desk-1,no'].join('\n')));
    expect(code).toBe(0);
    expect(await authenticate(pool, 'a1', passwords[0] ?? '')).toMatchObject({ agentId: 'a1' });
    expect(await authenticate(pool, 'a2', passwords[1] ?? '')).toBeNull();
    expect((await loadDirectory(pool, 'a')).agents.get('a1')?.deskPhone).toBe('desk-2');
  });

  it('lists what is wrong', async () => {
    await pool.query(`insert into app_user (domain_id, id, user_name, name, organisation_id, role, language, desk_phone)
      values ('b', 'x', 'taken', 'X', 'maker', 'agent', 'ja', 'desk-9')`);
    const csv = [
      header,
      'taken,A,makre,boss,,nowhere,,',
      'a2,B,maker,,,,desk-9,maybe',
      'a3,C,maker,,fr,,,',
      'taken,D,makre,,,nowhere,desk-9,',
    ];
    const { code, printed } = await run('agents', file('a.csv', csv.join('\n')));
    expect(code).toBe(1);
    for (const part of [
      'line 2, role: "boss" is none of agent, supervisor, administrator',
      'line 3, active: "maybe" is neither yes nor no',
      'line 4, language: "fr" is none of ja, en',
      'line 5, user_name: "taken" is somebody’s in another centre',
      'line 5, organisation: there is no organisation "makre", did you mean "maker"?',
      'line 5, desks: there is no desk "nowhere"',
      'line 5, desk_phone: "desk-9" is somebody’s in another centre',
    ]) {
      expect(printed).toContain(part);
    }
  });
});

describe('the import tool', () => {
  it.each(['customers', 'organisations', 'agents'])(
    'gives a template for %s that can be imported where its names are known',
    async (kind) => {
      const template = await run(kind, '--template');
      expect(template.code).toBe(0);
      const { printed } = await run(kind, '--dry-run', file('t.csv', template.printed));
      // what the example line names is not in this centre, and that is all that is wrong with it
      for (const line of printed.split('\n').filter((line) => line.startsWith('  line')))
        expect(line).toMatch(/there is no (desk|organisation)/);
      expect(printed).toContain('1 rows');
    },
  );

  it('explains the columns with --help', async () => {
    expect((await run('customers', '--help')).printed).toContain('phones           telephone numbers by semicolons');
    expect((await run('--help')).printed).toContain('--skip-bad');
    expect((await run()).printed).toContain('npm run import');
  });

  it.each([
    [['custmers', 'x.csv'], 'did you mean customers?'],
    [['customers'], 'write one file'],
    [['customers', '/nowhere/x.csv'], "can't be read"],
    [['customers', '--fast', 'x.csv'], "'--fast'"],
  ])('says what is wrong with %j', async (argv, reason) => {
    const { code, printed } = await run(...argv);
    expect(code).toBe(2);
    expect(printed).toContain(reason);
  });

  it('finds the database of the installation, whether its server runs or not', async () => {
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-import-own-'));
    fs.chmodSync(dataDir, 0o755); // Postgres may run as another user
    const options = { dataDir: path.join(dataDir, 'postgres'), port: 0, durability: 'off', log: () => undefined } as const;
    const env = { DATA_DIR: dataDir, POSTGRES_PORT: '0' };
    const csv = file('c.csv', customers('77777,客,,13,,tokyo-desk,'));
    const importIt = async () => {
      let printed = '';
      await runImport(['customers', csv], env, { print: (text) => (printed += text), note: () => undefined });
      return printed;
    };
    const server = await startPostgres(options);
    try {
      await migrate(server.url);
      const own = createPool(server.url, { log: () => undefined });
      await loadDemo(own, { domainId: 'demo', password: 'x' });
      await own.end();
      expect(await importIt()).toContain('1 new, 0 changed, 0 unchanged');
    } finally {
      await server.stop();
    }
    expect(await importIt()).toContain('0 new, 0 changed, 1 unchanged');
    expect(fs.existsSync(path.join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
    fs.rmSync(dataDir, { recursive: true, force: true });
  });

  it('says so when there is no such centre', async () => {
    const { code, printed } = await run('customers', '--domain', 'nowhere', file('c.csv', customers(SATO)));
    expect(code).toBe(2);
    expect(printed).toContain('no centre "nowhere"');
  });
});
