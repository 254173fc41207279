import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runNotice } from '#src/tools/notice.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';

let database: TestDatabase;
let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-notice-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.close());

async function run(...argv: string[]) {
  let printed = '';
  const env = { DATABASE_URL: database.url, DATA_DIR: folder, DOMAIN: 'a' };
  const code = await runNotice(argv, env, (text) => {
    printed += text;
  });
  return { code, printed };
}
function list(content: string): string {
  const at = path.join(folder, 'list.csv');
  fs.writeFileSync(at, content);
  return at;
}
const GOOD = 'number,name\n03-1234-5678,佐藤\n090-1234-5678,鈴木\n';
const create = (content = GOOD, ...more: string[]) =>
  run('create', '--file', list(content), '--desk', 'maker-desk', '--text', '点検のお知らせ', ...more);
const count = async (table: string): Promise<number> => (await database.pool.query(`select from ${table}`)).rowCount ?? -1;

describe('npm run notice', () => {
  it('creates a notice from a file, lists it, and shows it with what was done to it', async () => {
    expect(await create()).toEqual({ code: 0, printed: `${path.join(folder, 'list.csv')}: 2 recipients\nNotice 1: 2 are to be told.\n` });
    expect((await run('list')).printed).toBe('   1  running          0/2  maker-desk: 点検のお知らせ\n');
    const { printed } = await run('show', '1');
    expect(printed).toContain('Notice 1, running: 2 recipients of maker-desk, 5 at a time, at most 20 a minute');
    expect(printed).toMatch(/waiting {5}2\n/);
    expect(printed).toMatch(/created by .+ \(command line\)/);
    expect((await run('show', '1', '--csv')).printed).toContain('+81312345678,佐藤,waiting');
  });

  it('creates nothing when a line is wrong, and says which and why; leaves such lines out when told to', async () => {
    const bad = `${GOOD}110,x\n03 1234 5678,again\n`;
    const { code, printed } = await create(bad);
    expect(code).toBe(1);
    expect(printed).toContain('  line 4: "110" is an emergency number\n  line 5: "03 1234 5678" is in line 2, too\n');
    expect(printed).toContain('2 of 4 lines are wrong. Nothing was created; --skip-bad leaves these lines out.');
    expect(await count('notice')).toBe(0);
    expect((await create(bad, '--skip-bad', '--dry-run')).printed).toContain('Would be told: 2. Nothing was created (--dry-run).');
    expect(await count('notice')).toBe(0);
    expect((await create(bad, '--skip-bad')).printed).toContain('Notice 1: 2 are to be told, 2 left out.');
  });

  it('says who is still to be told in another notice', async () => {
    await create();
    expect((await create('03-1234-5678')).printed).toContain('1 of them are still to be told in another notice, too (notice 1).');
  });

  it('pauses, resumes and stops; a stopped one cannot be resumed', async () => {
    await create();
    expect(await run('pause', '1')).toEqual({ code: 0, printed: 'Notice 1 is paused.\n' });
    expect(await run('resume', '1')).toEqual({ code: 0, printed: 'Notice 1 is running.\n' });
    expect(await run('stop', '1')).toEqual({ code: 0, printed: 'Notice 1 is stopped.\n' });
    expect(await run('resume', '1')).toEqual({ code: 1, printed: 'Notice 1 is stopped, and over.\n' });
  });

  it.each([
    [['creat'], 'did you mean create?'],
    [['pause'], 'write the number of the notice'],
    [['show', '7'], 'there is no notice 7'],
    [['create', '--desk', 'maker-desk'], '--file, --text must be given'],
    [['create', '--file', 'x.csv', '--desk', 'd', '--text', ' '], 'the text must have'],
    [['list', 'x'], 'is too much'],
    [['list', '--domain', 'c'], 'the database has no centre "c"'],
    [['list', '--colour'], 'Unknown option'],
  ])('called as %j says what is wrong', async (argv, words) => {
    const { code, printed } = await run(...argv);
    expect(printed).toContain(words);
    expect(code).toBe(2);
  });

  it('suggests the desk that was meant, and refuses a pace that is none', async () => {
    expect(await run('create', '--file', list(GOOD), '--desk', 'maker-dsek', '--text', 'x')).toMatchObject({
      code: 2,
      printed: expect.stringContaining('did you mean maker-desk?'),
    });
    expect(await create(GOOD, '--scenario', 'identify')).toMatchObject({
      code: 2,
      printed: expect.stringContaining('no scenario "identify" can tell'),
    });
    expect(await create(GOOD, '--at-a-time', '0')).toMatchObject({ code: 2, printed: '--at-a-time takes a whole number from 1 to 500\n' });
    expect(await create(GOOD, '--per-minute', '1.5')).toMatchObject({ code: 2 });
    expect(await count('notice')).toBe(0);
  });
});
