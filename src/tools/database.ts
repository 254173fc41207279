/** The centre's database for a tool, whether or not the house runs: it neither disturbs one that runs nor needs one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeskId, DomainId } from '../base/ids.ts';
import type { Config } from '../config.ts';
import { hasCentre } from '../db/centre.ts';
import { migrate } from '../db/migrate.ts';
import { createPool, type PoolOptions } from '../db/pool.ts';
import { PostgresStartError, startPostgres } from '../db/postgres-server.ts';
import type { Desk } from '../routing/directory.ts';
import { noSuch, type Print, UsageError } from './tool.ts';

export interface OpenDatabase {
  /** With user and password. */
  readonly url: string;
  readonly pool: ReturnType<typeof createPool>;
  /** Ends the pool, and Postgres if it was started for this. */
  close(): Promise<void>;
}

/** There is nothing to connect to. */
export class NoDatabaseError extends UsageError {}

export interface Centre {
  readonly config: Config;
  readonly domainId: DomainId;
  readonly pool: OpenDatabase['pool'];
}

export interface CentreOptions extends Omit<PoolOptions, 'log'> {
  /** Brings the schema up to date first, and says so here. */
  readonly migrates?: Print;
}

/**
 * Does something in the centre's database, and closes it.
 * @throws UsageError when the database has no such centre; NoDatabaseError
 */
export async function inCentre<T>(config: Config, options: CentreOptions, work: (centre: Centre) => Promise<T>): Promise<T> {
  const { migrates: say, ...rest } = options;
  const { url, pool, close } = await openDatabase(config, rest);
  try {
    if (say) await migrate(url, (message) => say(`${message}\n`));
    const domainId = config.domain;
    if (!(await hasCentre(pool, domainId)))
      throw new UsageError(`the database has no centre "${domainId}": start the server once, or set DOMAIN`);
    return await work({ config, domainId, pool });
  } finally {
    await close();
  }
}

/** @throws UsageError when there is no such desk */
export function requireDesk(desks: ReadonlyMap<DeskId, Desk>, id: DeskId): Desk {
  const desk = desks.get(id);
  if (desk === undefined) throw noSuch('desk', id, [...desks.keys()]);
  return desk;
}

/**
 * Opens the first of these: `DATABASE_URL`; what a running house has noted in `DATA_DIR/house.json`; the installation's own
 * Postgres, which then runs until `close`.
 * @throws NoDatabaseError
 */
export async function openDatabase(config: Config, options: Omit<PoolOptions, 'log'>): Promise<OpenDatabase> {
  const found = await find(config);
  const pool = createPool(found.url, { log: silent, ...options });
  return {
    url: found.url,
    pool,
    async close() {
      try {
        await pool.end();
      } finally {
        await found.stop();
      }
    },
  };
}

/** A tool says itself what went wrong. */
const silent = (): void => undefined;

interface Found {
  readonly url: string;
  stop(): Promise<void>;
}
const running = (url: string): Found => ({ url, stop: async () => undefined });

async function find(config: Config): Promise<Found> {
  if (config.database.url !== null) return running(config.database.url);
  const noted = urlOfRunningHouse(config.dataDir);
  if (noted !== null && (await answers(noted))) return running(noted);
  const dataDir = join(config.dataDir, 'postgres');
  if (!existsSync(dataDir))
    throw new NoDatabaseError(`there is no centre yet in ${config.dataDir}: run 'npm start' once, or set DATABASE_URL`);
  try {
    return await startPostgres({ dataDir, port: 0, log: silent });
  } catch (error) {
    if (!(error instanceof PostgresStartError)) throw error;
    if (error.code !== 'inUse') throw new NoDatabaseError(error.message, { cause: error });
    // A house that is just opening, or another tool.
    return running(urlOfServer(dataDir));
  }
}

/** The house notes in its folder where its database is, for as long as it runs. */
function urlOfRunningHouse(dataDir: string): string | null {
  const note = join(dataDir, 'house.json');
  if (!existsSync(note)) return null;
  const read: unknown = JSON.parse(readFileSync(note, 'utf8'));
  if (typeof read !== 'object' || read === null || !('databaseUrl' in read) || !('pid' in read)) return null;
  return typeof read.databaseUrl === 'string' && isAlive(Number(read.pid)) ? read.databaseUrl : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // somebody else's, but there
  }
}

/** The note may be that of a house which was killed, and its pid another program's by now (in a container, often our own). */
async function answers(url: string): Promise<boolean> {
  const pool = createPool(url, { log: silent, max: 1, connectTimeoutMs: 3_000 });
  try {
    (await pool.connect()).release();
    return true;
  } catch {
    return false; // then the installation's own Postgres says what is wrong
  } finally {
    await pool.end();
  }
}

/** Of the server that another process of this installation has started. Its port is the fourth line of postmaster.pid. */
function urlOfServer(dataDir: string): string {
  try {
    const port = Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[3]);
    const password = readFileSync(`${dataDir}.password`, 'utf8').trim();
    return `postgres://madoguchi:${password}@127.0.0.1:${port}/madoguchi`;
  } catch (cause) {
    throw new NoDatabaseError('the database is being started or stopped just now: try again in a moment', { cause });
  }
}
