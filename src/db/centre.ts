/** A real centre's beginning: what must be there before anything else can be imported. */
import type { Pool } from 'pg';
import type { DomainId, E164, Language } from '../base/ids.ts';
import { hashPassword } from './password.ts';
import { transaction } from './pool.ts';

export interface NewCentre {
  readonly domainId: DomainId;
  /** Leads to the centre, and is shown when we call out. */
  readonly number: E164;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly language: Language;
  readonly timeZone: string;
  /** Of the first administrator, whose name is `admin@` and the centre's id. */
  readonly password: string;
}

export async function hasCentre(pool: Pool, domainId: DomainId): Promise<boolean> {
  return (await pool.query('select from domain where id = $1', [domainId])).rowCount === 1;
}

/** Log-in of a centre's first administrator. User names are one name space for all centres of a database. */
export const administratorOf = (domainId: DomainId): string => `admin@${domainId}`;

/**
 * Makes a centre of one organisation (the maker), one reception desk that is always open, one entry, one administrator. The
 * rest is imported. Does nothing when the centre is there.
 */
export async function createCentre(pool: Pool, centre: NewCentre): Promise<void> {
  const passwordHash = await hashPassword(centre.password);
  await transaction(pool, async (client) => {
    const made = await client.query(
      'insert into domain (id, name, country, outgoing_number) values ($1, $1, $2, $3) on conflict (id) do nothing',
      [centre.domainId, centre.country, centre.number],
    );
    if (made.rowCount === 0) return;
    await client.query(`insert into organisation (domain_id, id, kind, name) values ($1, 'maker', 'maker', $1)`, [centre.domainId]);
    await client.query(
      `insert into desk (domain_id, id, organisation_id, name, time_zone, is_reception) values ($1, 'reception', 'maker', 'Reception', $2, true)`,
      [centre.domainId, centre.timeZone],
    );
    await client.query(
      `insert into desk_hours (domain_id, desk_id, weekday, opens, closes)
       select $1, 'reception', weekday, '00:00', '24:00' from generate_series(1, 7) weekday`,
      [centre.domainId],
    );
    await client.query(
      `insert into entry (domain_id, id, language, country, scenario, maker_id) values ($1, 'main', $2, $3, 'identify', 'maker')`,
      [centre.domainId, centre.language, centre.country],
    );
    await client.query(`insert into entry_number (number, domain_id, entry_id) values ($1, $2, 'main')`, [centre.number, centre.domainId]);
    await client.query(
      `insert into app_user (domain_id, id, user_name, password_hash, name, organisation_id, role, language)
       values ($1, 'admin', $2, $3, 'Administrator', 'maker', 'administrator', $4)`,
      [centre.domainId, administratorOf(centre.domainId), passwordHash, centre.language],
    );
    await client.query(`insert into app_user_desk (domain_id, user_id, desk_id) values ($1, 'admin', 'reception')`, [centre.domainId]);
  });
}
