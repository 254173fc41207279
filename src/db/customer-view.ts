/** What an agent's screen shows of who is asking. */
import type { ContactId, CustomerId, DeskId, DomainId, OrganisationId } from '../base/ids.ts';
import type { PartyKind } from '../routing/party.ts';
import type { CustomerView } from '../web/messages.ts';
import type { Queryable } from './pool.ts';

export interface CustomerViewQuery {
  readonly domainId: DomainId;
  /** One of the two; both null give the view of somebody unknown. */
  readonly customerId: CustomerId | null;
  readonly organisationId: OrganisationId | null;
  /** Shown when neither row is there (any more). */
  readonly kind: PartyKind;
  /** Past contacts of other desks are not shown: an agency doesn't see what its customer told another one. */
  readonly visibleDesks: ReadonlySet<DeskId>;
  /** The contact that is being looked at; not among the past ones. */
  readonly exceptContactId: ContactId | null;
}

const PAST_CONTACTS = 10;

const PAST = (column: 'customer_id' | 'organisation_id', owner: string): string => `
  (select coalesce(jsonb_agg(past.view order by past.arrived_at desc), '[]') from (
    select t.arrived_at, jsonb_build_object(
      'contactId', t.id, 'at', floor(extract(epoch from t.arrived_at) * 1000), 'channel', t.channel,
      'desk', k.name, 'agent', u.name, 'cause', t.cause, 'disposition', t.disposition, 'note', t.note,
      'messageMs', case t.channel when 'message' then (t.doc #>> '{message,durationMs}')::float8 end) as view
    from contact t
    left join desk k on k.domain_id = t.domain_id and k.id = t.desk_id
    left join app_user u on u.domain_id = t.domain_id and u.id = t.agent_id
    where t.domain_id = ${owner}.domain_id and t.${column} = ${owner}.id
      and t.state in ('wrapUp', 'ended') and not (t.origin = 'survey' and t.agent_id is null) and (t.desk_id is null or t.desk_id = any($3)) and t.id is distinct from $4
    order by t.arrived_at desc limit ${PAST_CONTACTS}) past)`;

const CUSTOMER = `
select jsonb_build_object(
  'customerId', c.id, 'customerCode', c.code, 'kind', c.kind, 'name', c.name, 'nameKana', c.kana, 'organisation', null,
  'region', c.region, 'address', c.address, 'note', c.note,
  'phones', (select coalesce(jsonb_agg(p.e164 order by p.position, p.e164), '[]') from customer_phone p
             where p.domain_id = c.domain_id and p.customer_id = c.id),
  'emails', (select coalesce(jsonb_agg(m.address order by m.position, m.address), '[]') from customer_email m
             where m.domain_id = c.domain_id and m.customer_id = c.id),
  'products', (select coalesce(jsonb_agg(jsonb_build_object('code', r.code, 'name', r.name,
                 'boughtOn', to_char(b.bought_on, 'YYYY-MM-DD'), 'serial', b.serial) order by b.position), '[]')
               from customer_product b join product r on r.domain_id = b.domain_id and r.code = b.product_code
               where b.domain_id = c.domain_id and b.customer_id = c.id),
  'lastContacts', ${PAST('customer_id', 'c')}
) as view
from customer c where c.domain_id = $1 and c.id = $2`;

const ORGANISATION = `
select jsonb_build_object(
  'customerId', null, 'customerCode', null, 'kind', o.kind, 'name', o.name, 'nameKana', null, 'organisation', o.name,
  'region', o.regions[1], 'address', null, 'note', null,
  'phones', (select coalesce(jsonb_agg(p.e164 order by p.e164), '[]') from organisation_phone p
             where p.domain_id = o.domain_id and p.organisation_id = o.id),
  'emails', '[]'::jsonb, 'products', '[]'::jsonb,
  'lastContacts', ${PAST('organisation_id', 'o')}
) as view
from organisation o where o.domain_id = $1 and o.id = $2 and o.kind in ('dealer', 'agency')`;

/** Who it is, how to reach them, what they have, and their last ten contacts at desks that the viewer may see. */
export async function customerView(db: Queryable, query: CustomerViewQuery): Promise<CustomerView> {
  const id = query.customerId ?? query.organisationId;
  if (id === null) return nobody(query.kind);
  const isCustomer = query.customerId !== null;
  const { rows } = await db.query<{ view: CustomerView }>({
    name: isCustomer ? 'customer view' : 'organisation view',
    text: isCustomer ? CUSTOMER : ORGANISATION,
    values: [query.domainId, id, [...query.visibleDesks], query.exceptContactId],
  });
  return rows[0]?.view ?? nobody(query.kind);
}

/** The view of somebody of whom there is no row. */
export function nobody(kind: PartyKind): CustomerView {
  return {
    customerId: null,
    customerCode: null,
    kind,
    name: '',
    nameKana: null,
    organisation: null,
    region: null,
    address: null,
    phones: [],
    emails: [],
    note: null,
    products: [],
    lastContacts: [],
  };
}
