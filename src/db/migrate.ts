/** Brings a database to the schema that this version needs. Forward only. */
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type { Log } from './postgres-server.ts';

/**
 * Applies the files of `migrations/` that are not applied yet, all in one transaction. Two servers that start at once are
 * safe: the second waits for the first one's advisory lock, and then finds nothing to do.
 *
 * @returns names of what was applied now, in order
 */
export async function migrate(url: string, log: Log = () => undefined): Promise<string[]> {
  const quiet = () => undefined;
  const applied = await runner({
    databaseUrl: { connectionString: url, application_name: 'madoguchi migrate', connectionTimeoutMillis: 10_000 },
    dir: fileURLToPath(new URL('migrations', import.meta.url)),
    direction: 'up',
    migrationsTable: 'migration',
    advisoryLockMode: 'wait',
    checkOrder: true,
    // Its own messages are whole SQL texts; what matters is said below.
    logger: { debug: quiet, info: quiet, warn: (text: string) => log('migration warning', { text }), error: quiet },
  });
  const names = applied.map((migration) => migration.name);
  if (names.length > 0) log('database schema brought up to date', { migrations: names });
  return names;
}
