import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_EXAMPLES, loadDemo } from '#src/db/demo.ts';
import { findParty } from '#src/db/party.ts';
import { runImport } from '#src/tools/import.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-orders-'));
  database = await testDatabase();
  await run('customers', 'code,name,phones', '10023,佐藤 花子,03-1234-5678', '10042,鈴木 健,', '10043,田中 誠,');
});
afterAll(async () => {
  await database.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function run(kind: string, ...lines: string[]): Promise<{ code: number; printed: string }> {
  let printed = '';
  const file = path.join(folder, `${kind}.csv`);
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  const env = { DATABASE_URL: database.url, DATA_DIR: folder, DOMAIN: 'a' };
  const code = await runImport([kind, file], env, { print: (text) => (printed += text), note: () => undefined });
  return { code, printed };
}
const nameBy = async (by: 'order' | 'phone', value: string) => (await findParty(database.pool, 'a', by, value))?.name ?? null;

describe('an import of orders', () => {
  it('brings them in, so that a caller is found by the number as it is written, or by its digits', async () => {
    const { printed, code } = await run(
      'orders',
      'number,customer,ordered_on,status',
      'A-2026-00117,10023,2026-11-02,shipped',
      'B-7,10042,,',
      'C-7,10043,,',
      '7,10043,,',
      'D-8,10042,,',
      'E-8,10042,,',
    );
    expect([code, printed]).toEqual([0, expect.stringContaining('6 new, 0 changed, 0 unchanged')]);
    expect(await nameBy('order', 'A-2026-00117')).toBe('佐藤 花子');
    expect(await nameBy('order', '202600117')).toBe('佐藤 花子');
    expect(await nameBy('order', '8')).toBe('鈴木 健');
    expect(await nameBy('order', '7')).toBe('田中 誠');
    expect(await nameBy('order', '00117')).toBeNull();
    expect(await nameBy('order', '')).toBeNull();
    expect(await findParty(database.pool, 'b', 'order', '202600117')).toBeNull();
  });

  it('finds nobody by digits that are those of several customers’ orders', async () => {
    await run('orders', 'number,customer', 'X-99,10023', 'Y-99,10042', 'Z,10042');
    expect(await nameBy('order', '99')).toBeNull();
    expect(await nameBy('order', 'Y-99')).toBe('鈴木 健');
    expect(await nameBy('order', '')).toBeNull();
  });

  it('changes those that are there already, and nothing when the file is the same', async () => {
    await run('orders', 'number,customer,status', 'M-1,10023,packed');
    expect((await run('orders', 'number,customer,status', 'M-1,10023,packed')).printed).toContain('0 new, 0 changed, 1 unchanged');
    expect((await run('orders', 'number,customer,status', 'M-1,10042,shipped')).printed).toContain('0 new, 1 changed, 0 unchanged');
    expect(await nameBy('order', 'M-1')).toBe('鈴木 健');
  });

  it('is refused whole when a customer or a number cannot be', async () => {
    const { code, printed } = await run('orders', 'number,customer,ordered_on', 'N-1,99999,', 'N 2,10023,', 'N-3,10023,soon', 'N-4,10023,');
    expect(code).toBe(1);
    expect(printed).toContain('line 2, customer: there is no customer "99999"');
    expect(printed).toContain('line 3, number');
    expect(printed).toContain('line 4, ordered_on');
    expect(await nameBy('order', 'N-4')).toBeNull();
  });
});

describe('a caller', () => {
  it('is found by a phone number that was dialled in, as by the one that called', async () => {
    expect(await nameBy('phone', '+81312345678')).toBe('佐藤 花子');
    expect(await nameBy('phone', '+81312345679')).toBeNull();
  });

  it('of the demo centre is found by the documented order', async () => {
    await loadDemo(database.pool, { domainId: 'demo', password: 'test-test-test' });
    const { number, code } = DEMO_EXAMPLES.order;
    expect(await findParty(database.pool, 'demo', 'order', number.replaceAll(/\D/g, ''))).toMatchObject({ customerCode: code });
  });
});
