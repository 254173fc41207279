/** Agents, supervisors and administrators as an import sees them. */
import type { AgentId, DeskId, DomainId, Language, OrganisationId } from '../../base/ids.ts';
import type { Requirement } from '../../routing/matching/model.ts';
import type { Queryable } from '../pool.ts';

export interface AgentRecord {
  readonly id: AgentId;
  readonly userName: string;
  readonly name: string;
  readonly organisationId: OrganisationId;
  readonly role: 'agent' | 'supervisor' | 'administrator';
  readonly language: Language;
  /** By id. Smaller priority first. */
  readonly desks: readonly { readonly id: DeskId; readonly priority: number }[];
  /** By name. */
  readonly skills: readonly Requirement[];
  readonly deskPhone: string | null;
  readonly active: boolean;
}

/** All people of a centre, by user name in lower case. */
export async function readAgents(db: Queryable, domainId: DomainId): Promise<Map<string, AgentRecord>> {
  const { rows } = await db.query<AgentRecord>(
    `select u.id, u.user_name as "userName", u.name, u.organisation_id as "organisationId", u.role, u.language,
       (select coalesce(jsonb_agg(jsonb_build_object('id', d.desk_id, 'priority', d.priority) order by d.desk_id collate "C"), '[]')
        from app_user_desk d where d.domain_id = u.domain_id and d.user_id = u.id) as desks,
       (select coalesce(jsonb_agg(jsonb_build_object('skill', s.skill, 'level', s.level) order by s.skill collate "C"), '[]')
        from app_user_skill s where s.domain_id = u.domain_id and s.user_id = u.id) as skills,
       u.desk_phone as "deskPhone", u.active
     from app_user u where u.domain_id = $1`,
    [domainId],
  );
  return new Map(rows.map((row) => [row.userName.toLowerCase(), row]));
}

/** User names (lower case) and desk phones that other centres on this database have: both are one name space for all. */
export async function readTakenNames(db: Queryable, domainId: DomainId): Promise<{ userNames: Set<string>; deskPhones: Set<string> }> {
  const { rows } = await db.query<{ user_name: string; desk_phone: string | null }>(
    'select lower(user_name) as user_name, desk_phone from app_user where domain_id <> $1',
    [domainId],
  );
  return {
    userNames: new Set(rows.map((row) => row.user_name)),
    deskPhones: new Set(rows.flatMap((row) => (row.desk_phone === null ? [] : [row.desk_phone]))),
  };
}

/**
 * Writes new and changed people whole. In a transaction of the caller's.
 *
 * @param passwordHashes of the new ones, by id; those who are there keep theirs
 */
export async function writeAgents(
  db: Queryable,
  domainId: DomainId,
  records: readonly AgentRecord[],
  passwordHashes: ReadonlyMap<AgentId, string>,
): Promise<void> {
  const given = records.map((record) => ({ ...record, passwordHash: passwordHashes.get(record.id) ?? null }));
  const values = [domainId, JSON.stringify(given)];
  const ids = records.map((record) => record.id);
  // Desk phones may change hands within one file.
  await db.query('update app_user set desk_phone = null where domain_id = $1 and id = any($2) and desk_phone is not null', [domainId, ids]);
  await db.query(
    `insert into app_user (domain_id, id, user_name, password_hash, name, organisation_id, role, language, desk_phone, active)
     select $1, id, "userName", "passwordHash", name, "organisationId", role, language, "deskPhone", active
     from jsonb_to_recordset($2::jsonb) as g(id text, "userName" text, "passwordHash" text, name text, "organisationId" text,
       role text, language text, "deskPhone" text, active boolean)
     on conflict (domain_id, id) do update set name = excluded.name, organisation_id = excluded.organisation_id,
       role = excluded.role, language = excluded.language, desk_phone = excluded.desk_phone, active = excluded.active`,
    values,
  );
  await db.query('delete from app_user_desk where domain_id = $1 and user_id = any($2)', [domainId, ids]);
  await db.query(
    `insert into app_user_desk (domain_id, user_id, desk_id, priority)
     select $1, g->>'id', d->>'id', (d->>'priority')::int from jsonb_array_elements($2::jsonb) g, jsonb_array_elements(g->'desks') d`,
    values,
  );
  await db.query('delete from app_user_skill where domain_id = $1 and user_id = any($2)', [domainId, ids]);
  await db.query(
    `insert into app_user_skill (domain_id, user_id, skill, level)
     select $1, g->>'id', s->>'skill', (s->>'level')::int from jsonb_array_elements($2::jsonb) g, jsonb_array_elements(g->'skills') s`,
    values,
  );
}
