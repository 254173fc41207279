/** The Postgres of a siege: a cluster of its own with full durability, which can be ended and started again. */

import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { ensureEventPartitions } from '#src/db/events.ts';
import { migrate } from '#src/db/migrate.ts';
import { createPool } from '#src/db/pool.ts';
import { type RunningPostgres, startPostgres } from '#src/db/postgres-server.ts';
import { NODE_NETWORK } from './network.ts';
import { DOMAIN } from './world.ts';

/**
 * Whoever changes number or fence of the domain is noted by the database itself, in the same transaction: what a node says of
 * itself is no evidence. `n` is in the order of the changes, as each holds the domain's row.
 */
const AUDIT = `
create table siege_audit (
  n bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  app text not null default current_setting('application_name'),
  what text not null,
  fence bigint not null,
  seq bigint not null
);
create function siege_audit() returns trigger language plpgsql as $$
begin
  if new.fence <> old.fence then
    insert into siege_audit (what, fence, seq)
    values (case when new.lease_owner is null then 'released' else 'claimed' end, new.fence, new.seq);
  end if;
  if new.seq <> old.seq then
    insert into siege_audit (what, fence, seq) values ('committed', new.fence, new.seq);
  end if;
  return null;
end $$;
create trigger siege_audit after update on domain for each row execute function siege_audit();
`;

export class SiegePostgres {
  readonly #dataDir: string;
  #running: RunningPostgres;
  readonly pool: Pool;

  private constructor(dataDir: string, running: RunningPostgres) {
    this.#dataDir = dataDir;
    this.#running = running;
    this.pool = createPool(running.url, { log: () => undefined, name: 'siege', statementTimeoutMs: 30_000 });
  }

  static async start(folder: string): Promise<SiegePostgres> {
    const dataDir = path.join(folder, 'postgres');
    const running = await startPostgres({ dataDir, port: 0, log: () => undefined });
    const postgres = new SiegePostgres(dataDir, running);
    try {
      await postgres.#furnish();
      return postgres;
    } catch (error) {
      await postgres.close();
      throw error;
    }
  }

  get port(): number {
    return this.#running.port;
  }

  /** Of the database, by a way of one's own. */
  url(address: string): string {
    const url = new URL(this.#running.url);
    url.host = address;
    return url.href;
  }

  async #furnish(): Promise<void> {
    await migrate(this.#running.url);
    await ensureEventPartitions(this.pool);
    await this.pool.query(`insert into domain (id, name, outgoing_number) values ($1, 'Siege', '+81312340000')`, [DOMAIN]);
    await this.pool.query(AUDIT);
    fs.appendFileSync(path.join(this.#dataDir, 'pg_hba.conf'), `host all all ${NODE_NETWORK} scram-sha-256\n`);
    await this.pool.query('select pg_reload_conf()');
    // Sessions of a node that was cut off and killed would be kept for the two hours of TCP's keep-alive.
    for (const set of ['tcp_keepalives_idle = 5', 'tcp_keepalives_interval = 1', 'tcp_keepalives_count = 3']) {
      await this.pool.query(`alter role current_user set ${set}`);
    }
  }

  /** @param how `fast` writes everything down first; `immediate` ends as a crash does, and recovers at the start */
  async restart(how: 'fast' | 'immediate', downMs: number): Promise<void> {
    const { port, pid } = this.#running;
    if (how === 'immediate') process.kill(pid, 'SIGQUIT');
    await this.#running.stop();
    await sleep(downMs);
    this.#running = await startPostgres({ dataDir: this.#dataDir, port, log: () => undefined });
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.#running.stop();
  }
}
