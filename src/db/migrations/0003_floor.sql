-- The floor: contacts, offers, legs, agents' states, and the orders that are not known to be done.
--
-- `doc` is the whole record as src/contact/model.ts has it, and what a restarted owner reads; the columns beside it are
-- what is asked for, written from the same record in the same statement. No foreign keys: a commit must never fail because
-- somebody deleted a desk. The unique indexes are the last line: they turn a bug into an error and not into two ringing
-- phones.

create table contact (
  domain_id text not null references domain,
  id text not null,
  channel text not null,
  origin text not null,
  state text not null
    check (state in ('identifying', 'scenario', 'queued', 'offered', 'connected', 'wrapUp', 'ended')),
  entry_id text,
  language text not null,
  -- E.164; null when withheld, missing or malformed
  calling_number text,
  called_number text not null,
  party_kind text not null,
  customer_id text,
  organisation_id text,
  desk_id text,
  rule text,
  agent_id text,
  continues_id text,
  arrived_at timestamptz not null,
  queued_at timestamptz,
  connected_at timestamptz,
  ended_at timestamptz,
  cause text,
  disposition text,
  note text,
  call_me_token text,
  doc jsonb not null,
  primary key (domain_id, id),
  check (state <> 'ended' or (ended_at is not null and cause is not null))
);
create index contact_live on contact (domain_id, arrived_at) where state <> 'ended';
create index contact_arrived on contact (domain_id, arrived_at);
create index contact_customer on contact (domain_id, customer_id, arrived_at) where customer_id is not null;
create index contact_organisation on contact (domain_id, organisation_id, arrived_at) where organisation_id is not null;
create index contact_call_me_token on contact (call_me_token) where call_me_token is not null;

create table offer (
  domain_id text not null references domain,
  id text not null,
  contact_id text not null,
  agent_id text not null,
  desk_id text not null,
  state text not null check (state in ('dialling', 'shown', 'ringing', 'accepted', 'ended')),
  leg_id text,
  created_at timestamptz not null,
  shown_at timestamptz,
  ended_at timestamptz,
  outcome text,
  doc jsonb not null,
  primary key (domain_id, id),
  check (state <> 'ended' or (ended_at is not null and outcome is not null))
);
create unique index offer_live_contact on offer (domain_id, contact_id) where state <> 'ended';
create unique index offer_live_agent on offer (domain_id, agent_id) where state <> 'ended';
create index offer_contact on offer (domain_id, contact_id);
create index offer_agent on offer (domain_id, agent_id, created_at);

create table leg (
  domain_id text not null references domain,
  id text not null,
  contact_id text not null,
  role text not null check (role in ('party', 'agent')),
  agent_id text,
  state text not null check (state in ('arriving', 'dialling', 'ringing', 'up', 'ended')),
  created_at timestamptz not null,
  answered_at timestamptz,
  ended_at timestamptz,
  cause text,
  doc jsonb not null,
  primary key (domain_id, id)
);
-- A leg lives on one switch for one centre: two owners of one leg would hang up on each other.
create unique index leg_live on leg (id) where state <> 'ended';
create index leg_live_domain on leg (domain_id) where state <> 'ended';
create index leg_contact on leg (domain_id, contact_id);

create table agent_state (
  domain_id text not null references domain,
  agent_id text not null,
  state text not null check (state in ('loggedOff', 'notReady', 'ready', 'busy', 'workingAfterCall')),
  reason text,
  since timestamptz not null,
  idle_since timestamptz not null,
  offer_id text,
  contact_id text,
  doc jsonb not null,
  primary key (domain_id, agent_id)
);

-- Committed and not known to be done. `n` is the place within the commit.
create table outbox (
  domain_id text not null references domain,
  id text not null,
  seq bigint not null,
  n int not null,
  contact_id text not null,
  type text not null,
  doc jsonb not null,
  primary key (domain_id, id)
);
create index outbox_order on outbox (domain_id, seq, n);
