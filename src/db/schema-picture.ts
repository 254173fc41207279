/** The schema as text, from Postgres's own catalogue: what `schema.sql` shows, and what a test holds against the migrations. */
import type { Queryable } from './pool.ts';

/*
 * Partitions of the event log are left out, since their names depend on the day; so is the table of the migrations. `not null`
 * constraints have rows of their own from Postgres 18 on, and are in the columns anyway.
 */
const PICTURE = `
with tables as (
  select c.oid, c.relname, c.relkind from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'migration'
),
columns as (
  select t.oid, string_agg(format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
    case when a.attidentity <> '' then ' generated always as identity'
      when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end,
    case when a.attnotnull then ' not null' else '' end), E',\\n' order by a.attnum) as text
  from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
  group by t.oid
),
constraints as (
  select t.oid, string_agg(format(E',\\n  constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), '' order by k.contype <> 'p', k.conname) as text
  from tables t join pg_constraint k on k.conrelid = t.oid and k.contype in ('p', 'u', 'f', 'c')
  group by t.oid
),
parts as (
  select 1 as kind, t.relname::text as name, format(E'create table %I (\\n%s%s\\n)%s;', t.relname, c.text, coalesce(k.text, ''),
    case when t.relkind = 'p' then ' partition by ' || pg_get_partkeydef(t.oid) else '' end) as text
  from tables t join columns c using (oid) left join constraints k using (oid)
  union all
  select 2, t.relname || ' ' || i.relname, replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ') || ';'
  from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
  where not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u'))
  union all
  select 3, p.proname, pg_get_functiondef(p.oid) || ';' from pg_proc p where p.pronamespace = 'public'::regnamespace
  union all
  select 4, t.relname || ' ' || g.tgname, pg_get_triggerdef(g.oid) || ';'
  from tables t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
)
select string_agg(text, E'\\n\\n' order by kind, name collate "C") as picture from parts`;

/** Tables, indexes, functions and triggers, each in the order of their names. The same on every Postgres from 15 on. */
export async function schemaPicture(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ picture: string }>(PICTURE);
  return `-- What the migrations make. Generated: test/db/schema.test.ts says how.\n\n${rows[0]?.picture ?? ''}\n`;
}
