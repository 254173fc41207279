/** Connections to Postgres that can't hang: every wait in them has an end. */
import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import type { Log } from './postgres-server.ts';

/** What queries need of a connection; a pool and a client both have it. */
export interface Queryable {
  query<Row extends QueryResultRow>(
    statement: string | { readonly name: string; readonly text: string; readonly values: unknown[] },
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

export interface PoolOptions {
  readonly log: Log;
  /** Shows in `pg_stat_activity`. */
  readonly name?: string;
  readonly max?: number;
  /** How long one statement may take, by the server's clock. */
  readonly statementTimeoutMs?: number;
  /** How long to wait for a connection: a new one, or a free one of the pool. */
  readonly connectTimeoutMs?: number;
}

/**
 * A pool whose statements fail rather than hang. The server ends a long statement; when the server itself is silent (its
 * machine gone, the network cut), the client's own limit does, a second later, and the connection is thrown away.
 */
export function createPool(url: string, options: PoolOptions): Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  const pool = new Pool({
    connectionString: url,
    application_name: options.name ?? 'madoguchi',
    max: options.max ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeoutMs,
    lock_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1_000,
    // A process that stopped in the middle of a transaction (SIGSTOP, swapping) must not keep its locks.
    idle_in_transaction_session_timeout: 10_000,
    keepAlive: true,
  });
  // An idle connection that dies is replaced at the next use; without a listener the error would end the process.
  pool.on('error', (error) => options.log('an idle database connection was lost', { err: error }));
  return pool;
}

/** Runs `work` in one transaction; the connection is thrown away when anything in it failed. */
export async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    // The rollback of a dead connection fails too, and the first error is the one that matters: closing rolls back as well.
    throw error;
  } finally {
    client.release(failure);
  }
}
