/** Organisations and their desks as an import sees them. */
import type { DeskId, DomainId, OrganisationId } from '../../base/ids.ts';
import type { OpeningHours, OrganisationKind } from '../../routing/directory.ts';
import type { Queryable } from '../pool.ts';

export interface DeskRecord {
  readonly id: DeskId;
  readonly organisationId: OrganisationId;
  readonly name: string;
  readonly timeZone: string;
  readonly hours: readonly OpeningHours[];
  readonly holidays: readonly string[];
  readonly nextUp: DeskId | null;
  readonly isReception: boolean;
}

export interface OrganisationRecord {
  readonly id: OrganisationId;
  readonly kind: OrganisationKind;
  readonly name: string;
  readonly sellsFor: readonly OrganisationId[];
  readonly regions: readonly string[];
  readonly phones: readonly string[];
}

/** Numbers of all organisations: number → whose. The rest of them is in the directory. */
export async function readOrganisationPhones(db: Queryable, domainId: DomainId): Promise<Map<string, OrganisationId>> {
  const { rows } = await db.query<{ e164: string; organisation_id: OrganisationId }>(
    'select e164, organisation_id from organisation_phone where domain_id = $1 order by e164',
    [domainId],
  );
  return new Map(rows.map((row) => [row.e164, row.organisation_id]));
}

/** Writes new and changed organisations whole. In a transaction of the caller's. */
export async function writeOrganisations(db: Queryable, domainId: DomainId, records: readonly OrganisationRecord[]): Promise<void> {
  const values = [domainId, JSON.stringify(records)];
  await db.query(
    `insert into organisation (domain_id, id, kind, name, regions)
     select $1, id, kind, name, regions from jsonb_to_recordset($2::jsonb) as g(id text, kind text, name text, regions text[])
     on conflict (domain_id, id) do update set kind = excluded.kind, name = excluded.name, regions = excluded.regions`,
    values,
  );
  const ids = records.map((record) => record.id);
  await db.query('delete from organisation_sells_for where domain_id = $1 and organisation_id = any($2)', [domainId, ids]);
  await db.query('delete from organisation_phone where domain_id = $1 and organisation_id = any($2)', [domainId, ids]);
  await db.query(
    `with given as (select g->>'id' as id, g as doc from jsonb_array_elements($2::jsonb) g),
     numbers as (
       insert into organisation_phone (domain_id, e164, organisation_id)
       select $1, e164, id from given, jsonb_array_elements_text(doc->'phones') e164)
     insert into organisation_sells_for (domain_id, organisation_id, sells_for_id, position)
     select $1, id, parent, n from given, jsonb_array_elements_text(doc->'sellsFor') with ordinality as p(parent, n)`,
    values,
  );
}

/** Writes new and changed desks whole, after their organisations. In a transaction of the caller's. */
export async function writeDesks(db: Queryable, domainId: DomainId, records: readonly DeskRecord[]): Promise<void> {
  const values = [domainId, JSON.stringify(records)];
  await db.query(
    `insert into desk (domain_id, id, organisation_id, name, time_zone, next_up_id, is_reception)
     select $1, id, "organisationId", name, "timeZone", "nextUp", "isReception" from jsonb_to_recordset($2::jsonb)
       as g(id text, "organisationId" text, name text, "timeZone" text, "nextUp" text, "isReception" boolean)
     on conflict (domain_id, id) do update set organisation_id = excluded.organisation_id, name = excluded.name,
       time_zone = excluded.time_zone, next_up_id = excluded.next_up_id, is_reception = excluded.is_reception`,
    values,
  );
  const ids = records.map((record) => record.id);
  await db.query('delete from desk_hours where domain_id = $1 and desk_id = any($2)', [domainId, ids]);
  await db.query('delete from desk_holiday where domain_id = $1 and desk_id = any($2)', [domainId, ids]);
  await db.query(
    `with given as (select g->>'id' as id, g as doc from jsonb_array_elements($2::jsonb) g),
     holidays as (
       insert into desk_holiday (domain_id, desk_id, day)
       select $1, id, day::date from given, jsonb_array_elements_text(doc->'holidays') day)
     insert into desk_hours (domain_id, desk_id, weekday, opens, closes)
     select $1, id, (h->>'weekday')::int, (h->>'from')::time, (h->>'to')::time from given, jsonb_array_elements(doc->'hours') h`,
    values,
  );
}
