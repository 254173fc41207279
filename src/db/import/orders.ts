/** Customers' orders as an import sees them. */
import type { DomainId } from '../../base/ids.ts';
import type { Queryable } from '../pool.ts';

export interface OrderRecord {
  readonly number: string;
  /** Code of the customer. */
  readonly customer: string;
  /** YYYY-MM-DD */
  readonly orderedOn: string | null;
  readonly status: string;
}

/** All orders of a centre by their number. */
export async function readOrders(db: Queryable, domainId: DomainId): Promise<Map<string, OrderRecord>> {
  const { rows } = await db.query<OrderRecord>(
    `select o.number, c.code as customer, to_char(o.ordered_on, 'YYYY-MM-DD') as "orderedOn", o.status
     from customer_order o join customer c on c.domain_id = o.domain_id and c.id = o.customer_id
     where o.domain_id = $1`,
    [domainId],
  );
  return new Map(rows.map((order) => [order.number, order]));
}

/** Which of these codes customers have. */
export async function knownCustomers(db: Queryable, domainId: DomainId, codes: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ code: string }>('select code from customer where domain_id = $1 and code = any($2)', [domainId, codes]);
  return new Set(rows.map(({ code }) => code));
}

/** Writes new and changed orders. In a transaction of the caller's. */
export async function writeOrders(db: Queryable, domainId: DomainId, records: readonly OrderRecord[]): Promise<void> {
  await db.query(
    `insert into customer_order (domain_id, number, customer_id, ordered_on, status)
     select $1, g.number, c.id, g."orderedOn", g.status
     from jsonb_to_recordset($2::jsonb) as g(number text, customer text, "orderedOn" date, status text)
       join customer c on c.domain_id = $1 and c.code = g.customer
     on conflict (domain_id, number) do update set customer_id = excluded.customer_id, ordered_on = excluded.ordered_on,
       status = excluded.status`,
    [domainId, JSON.stringify(records)],
  );
}
