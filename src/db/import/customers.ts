/** Customers as an import sees them: all of one at once, to compare and to write in bulk. */
import type { CustomerId, DomainId, Language } from '../../base/ids.ts';
import type { Queryable } from '../pool.ts';

export interface ProductRecord {
  readonly code: string;
  readonly serial: string | null;
  /** YYYY-MM-DD */
  readonly boughtOn: string | null;
}

export interface CustomerRecord {
  readonly id: CustomerId;
  readonly code: string;
  readonly kind: 'customer' | 'prospect';
  readonly name: string;
  readonly kana: string | null;
  readonly language: Language | null;
  readonly region: string | null;
  readonly address: string | null;
  readonly note: string | null;
  readonly handlingDesk: string | null;
  readonly phones: readonly string[];
  readonly emails: readonly string[];
  readonly products: readonly ProductRecord[];
}

/** All customers of a centre by their code. */
export async function readCustomers(db: Queryable, domainId: DomainId): Promise<Map<string, CustomerRecord>> {
  const { rows } = await db.query<{ record: CustomerRecord }>(
    `select jsonb_build_object('id', c.id, 'code', c.code, 'kind', c.kind, 'name', c.name, 'kana', c.kana, 'language', c.language,
       'region', c.region, 'address', c.address, 'note', c.note, 'handlingDesk', c.handling_desk_id,
       'phones', coalesce(p.list, '[]'), 'emails', coalesce(m.list, '[]'), 'products', coalesce(b.list, '[]')) as record
     from customer c
     left join (select customer_id, jsonb_agg(e164 order by position, e164) as list from customer_phone
       where domain_id = $1 group by customer_id) p on p.customer_id = c.id
     left join (select customer_id, jsonb_agg(address order by position, address) as list from customer_email
       where domain_id = $1 group by customer_id) m on m.customer_id = c.id
     left join (select customer_id, jsonb_agg(jsonb_build_object('code', product_code, 'serial', serial,
         'boughtOn', to_char(bought_on, 'YYYY-MM-DD')) order by position) as list from customer_product
       where domain_id = $1 group by customer_id) b on b.customer_id = c.id
     where c.domain_id = $1`,
    [domainId],
  );
  return new Map(rows.map(({ record }) => [record.code, record]));
}

/** Writes new and changed customers whole. A product that is not known gets its code for a name. In a transaction of the caller's. */
export async function writeCustomers(db: Queryable, domainId: DomainId, records: readonly CustomerRecord[]): Promise<void> {
  const values = [domainId, JSON.stringify(records)];
  await db.query(
    `insert into product (domain_id, code, name)
     select distinct $1, p->>'code', p->>'code' from jsonb_array_elements($2::jsonb) g, jsonb_array_elements(g->'products') p
     on conflict do nothing`,
    values,
  );
  await db.query(
    `insert into customer (domain_id, id, code, kind, name, kana, language, region, address, note, handling_desk_id)
     select $1, id, code, kind, name, kana, language, region, address, note, "handlingDesk"
     from jsonb_to_recordset($2::jsonb) as g(id text, code text, kind text, name text, kana text, language text, region text,
       address text, note text, "handlingDesk" text)
     on conflict (domain_id, id) do update set kind = excluded.kind, name = excluded.name, kana = excluded.kana,
       language = excluded.language, region = excluded.region, address = excluded.address, note = excluded.note,
       handling_desk_id = excluded.handling_desk_id`,
    values,
  );
  const ids = records.map((record) => record.id);
  for (const table of ['customer_phone', 'customer_email', 'customer_product']) {
    await db.query(`delete from ${table} where domain_id = $1 and customer_id = any($2)`, [domainId, ids]);
  }
  await db.query(
    `with given as (select g->>'id' as id, g as doc from jsonb_array_elements($2::jsonb) g),
     phones as (
       insert into customer_phone (domain_id, customer_id, e164, position)
       select $1, id, e164, n from given, jsonb_array_elements_text(doc->'phones') with ordinality as p(e164, n)),
     emails as (
       insert into customer_email (domain_id, customer_id, address, position)
       select $1, id, address, n from given, jsonb_array_elements_text(doc->'emails') with ordinality as m(address, n))
     insert into customer_product (domain_id, customer_id, position, product_code, serial, bought_on)
     select $1, id, n, p->>'code', p->>'serial', (p->>'boughtOn')::date
     from given, jsonb_array_elements(doc->'products') with ordinality as b(p, n)`,
    values,
  );
}
