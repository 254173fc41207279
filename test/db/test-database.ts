/** A centre with almost nothing in it. */
import type { Pool } from 'pg';
import { createPool } from '#src/db/pool.ts';
import { freshDatabase } from '../support/postgres.ts';

export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  close(): Promise<void>;
}

/** A migrated database with the domains `a` and `b`: a maker, an agency below it and a dealer below that, a desk each. */
export async function testDatabase(): Promise<TestDatabase> {
  const fresh = await freshDatabase();
  const pool = createPool(fresh.url, { log: () => undefined, name: 'test' });
  for (const id of ['a', 'b']) {
    await pool.query('insert into domain (id, name, outgoing_number) values ($1, $1, $2)', [id, '+81312340000']);
    await pool.query(
      `insert into organisation (domain_id, id, kind, name, regions) values
       ($1, 'maker', 'maker', 'Maker', '{}'), ($1, 'agency', 'agency', 'Agency', '{13,14}'), ($1, 'dealer', 'dealer', 'Dealer', '{27}')`,
      [id],
    );
    await pool.query(`insert into organisation_sells_for values ($1, 'agency', 'maker'), ($1, 'dealer', 'agency')`, [id]);
    await pool.query(
      `insert into desk (domain_id, id, organisation_id, name, next_up_id, is_reception) values
       ($1, 'maker-desk', 'maker', 'Maker desk', null, true), ($1, 'agency-desk', 'agency', 'Agency desk', 'maker-desk', false),
       ($1, 'dealer-desk', 'dealer', 'Dealer desk', 'agency-desk', false)`,
      [id],
    );
  }
  return {
    url: fresh.url,
    pool,
    close: async () => {
      await pool.end();
      await fresh.drop();
    },
  };
}
