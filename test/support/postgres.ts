/**
 * One real Postgres for a whole test run, and for each test that wants one a database of its own, made from a template which
 * has all migrations. The server lives in Vitest's main process (`globalSetup`) and starts when the first test asks for it, so
 * runs of pure tests pay nothing.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { type RunningPostgres, startPostgres } from '../../src/db/postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for the server. */
    postgresBroker: string;
  }
}

const template = 'template_madoguchi';
/** Absent only while the house is being built. */
const migrateFile = path.resolve(import.meta.dirname, '../../src/db/migrate.ts');

export interface TestPostgres {
  /** Of the database `madoguchi`; its user may create databases. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a throw-away Postgres with the template in it. Most tests want `freshDatabase` instead. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-postgres-'));
  let running: RunningPostgres | null = null;
  const stop = async () => {
    await running?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    running = await startPostgres({ dataDir: path.join(folder, 'data'), port: 0, durability: 'off', log: () => undefined });
    await query(running.url, `create database ${template}`);
    if (fs.existsSync(migrateFile)) {
      const { migrate }: { migrate: (url: string) => Promise<unknown> } = await import(pathToFileURL(migrateFile).href);
      await migrate(withDatabase(running.url, template));
    }
    return { url: running.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface FreshDatabase {
  readonly url: string;
  /** Ends its sessions and removes it. */
  drop(): Promise<void>;
}

/** A new database with all migrations applied and nothing in it. `migrated: false` gives an empty one. */
export async function freshDatabase(options: { readonly migrated?: boolean } = {}): Promise<FreshDatabase> {
  const response = await fetch(inject('postgresBroker'));
  const answer = await response.text();
  if (!response.ok) throw new Error(`no Postgres for tests: ${answer}`);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(answer, `create database ${name} template ${options.migrated === false ? 'template0' : template}`);
  return {
    url: withDatabase(answer, name),
    drop: async () => {
      await query(answer, goodbyes(name));
      await query(answer, `drop database if exists ${name} with (force)`);
    },
  };
}

/** Vitest's global set-up. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let running: Promise<TestPostgres> | null = null;
  const broker = http.createServer((_request, response) => {
    running ??= startTestPostgres();
    running.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
  const address = broker.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  project.provide('postgresBroker', `http://127.0.0.1:${address.port}/`);
  return async () => {
    broker.closeAllConnections();
    broker.close();
    if (running !== null) await (await running).stop();
  };
}

/**
 * Waits half a second at most for sessions that are just being closed. A pool has ended before its last words have reached the server; cutting
 * these off is an error that nobody listens to any more, and so the end of a test run.
 */
const goodbyes = (name: string): string => `do $$ begin
  for i in 1..50 loop
    exit when not exists (select from pg_stat_activity where datname = '${name}');
    perform pg_sleep(0.01), pg_stat_clear_snapshot();
  end loop;
end $$`;

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
