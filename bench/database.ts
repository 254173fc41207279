/** A throw-away Postgres with full durability, as the product's own embedded one runs. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { migrate } from '../src/db/migrate.ts';
import { startPostgres } from '../src/db/postgres-server.ts';

/** Gives `work` the address of a migrated, empty database, and removes everything afterwards. DATABASE_URL names another one. */
export async function withDatabase<T>(work: (url: string) => Promise<T>): Promise<T> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined) {
    await migrate(given);
    return work(given);
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-bench-'));
  const server = await startPostgres({ dataDir: path.join(folder, 'pg'), port: 0, log: () => undefined });
  try {
    await migrate(server.url);
    return await work(server.url);
  } finally {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
