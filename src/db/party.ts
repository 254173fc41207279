/** Who is asking: the row behind a number, a customer code or an order. */
import type { AgentId, CustomerId, DeskId, DomainId, Language, OrganisationId } from '../base/ids.ts';
import type { PartyFinder } from '../contact/ports.ts';
import type { PartyKey, PartyRecord } from '../routing/party.ts';
import type { Queryable } from './pool.ts';

interface PartyRow {
  readonly kind: PartyRecord['kind'];
  readonly customer_id: CustomerId | null;
  readonly customer_code: string | null;
  readonly organisation_id: OrganisationId | null;
  readonly name: string;
  readonly region: string | null;
  readonly language: Language | null;
  readonly handling_desk_id: DeskId | null;
  readonly last_desk_id: DeskId | null;
  readonly last_agent_id: AgentId | null;
}

const CUSTOMER = `
  select c.kind, c.id as customer_id, c.code as customer_code, null as organisation_id, c.name, c.region, c.language,
    c.handling_desk_id, last_desk.id as last_desk_id, c.last_agent_id
  from customer c
  left join desk last_desk on last_desk.domain_id = c.domain_id and last_desk.id = c.last_desk_id`;

const BY_CODE = `${CUSTOMER} where c.domain_id = $1 and c.code = $2`;

const BY_NUMBER = `
  ${CUSTOMER} join customer_phone p on p.domain_id = c.domain_id and p.customer_id = c.id
  where p.domain_id = $1 and p.e164 = $2
  order by c.kind = 'customer' desc, c.last_contact_at desc nulls last, c.code
  limit 1`;

/** As it is written, else by its digits, as a caller dials it, where they are one customer's. */
const BY_ORDER = `
  ${CUSTOMER} where c.domain_id = $1 and c.id = (
    select case when count(distinct customer_id) = 1 or bool_or(number = $2)
      then coalesce(min(customer_id) filter (where number = $2), min(customer_id)) end
    from customer_order where domain_id = $1 and $2 <> '' and (number = $2 or digits = $2))`;

const ORGANISATION = `
  select o.kind, null as customer_id, null as customer_code, o.id as organisation_id, o.name, o.regions[1] as region,
    null as language, null as handling_desk_id,
    (select d.id from contact c join desk d on d.domain_id = c.domain_id and d.id = c.desk_id
     where c.domain_id = o.domain_id and c.organisation_id = o.id and c.connected_at is not null
     order by c.arrived_at desc limit 1) as last_desk_id,
    null as last_agent_id
  from organisation o
  join organisation_phone p on p.domain_id = o.domain_id and p.organisation_id = o.id
  where p.domain_id = $1 and p.e164 = $2 and o.kind in ('dealer', 'agency')`;

/**
 * Finds a party by E.164 number (the one that called, or one that was dialled in), by customer code or by the number of an order; null
 * when nobody has it.
 *
 * A number may be several people's, and the answer is the same every time: a dealer's or agency's own number first (there
 * is at most one), then customers before prospects, then whoever was in contact last, then the lowest code.
 */
export async function findParty(db: Queryable, domainId: DomainId, by: PartyKey, value: string): Promise<PartyRecord | null> {
  const ask = async (name: string, text: string): Promise<PartyRecord | null> => {
    const { rows } = await db.query<PartyRow>({ name, text, values: [domainId, value] });
    return rows[0] ? toRecord(rows[0]) : null;
  };
  if (by === 'customerCode') return ask('party by code', BY_CODE);
  if (by === 'order') return ask('party by order', BY_ORDER);
  return (await ask('party by organisation number', ORGANISATION)) ?? (await ask('party by number', BY_NUMBER));
}

function toRecord(row: PartyRow): PartyRecord {
  return {
    kind: row.kind,
    customerId: row.customer_id,
    customerCode: row.customer_code,
    organisationId: row.organisation_id,
    name: row.name,
    region: row.region,
    language: row.language,
    handlingDeskId: row.handling_desk_id,
    lastDeskId: row.last_desk_id,
    lastAgentId: row.last_agent_id,
  };
}

/** `findParty` as the floor asks for it. */
export class PgPartyFinder implements PartyFinder {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  find(domainId: DomainId, by: PartyKey, value: string): Promise<PartyRecord | null> {
    return findParty(this.#db, domainId, by, value);
  }
}
