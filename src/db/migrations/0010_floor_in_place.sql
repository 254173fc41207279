-- The floor's rows change several times in their short lives. A change that touches no indexed column stays on its page and leaves the
-- indexes alone (HOT); `state` was in the conditions of indexes, and so every change of it went into all of them. That a row is over
-- shows in `ended_at` as well, which is written once. Pages are left room for the next versions of their rows.

alter table contact
  drop constraint contact_check,
  add constraint contact_over check ((state = 'ended') = (ended_at is not null) and (state <> 'ended' or cause is not null)),
  -- The one whose row takes the commit is the domain itself: asking again for each row would find nothing else.
  drop constraint contact_domain_id_fkey,
  alter column doc type json,
  set (fillfactor = 60);
drop index contact_live, contact_handled, contact_notice_live;
create index contact_live on contact (domain_id, arrived_at) where ended_at is null;
create index contact_handled on contact (domain_id, desk_id, ended_at) where ended_at is not null;
create index contact_notice_live on contact (domain_id, notice_id) where notice_id is not null and ended_at is null;

alter table offer
  drop constraint offer_check,
  add constraint offer_over check ((state = 'ended') = (ended_at is not null) and (state <> 'ended' or outcome is not null)),
  drop constraint offer_domain_id_fkey,
  alter column doc type json,
  set (fillfactor = 60);
drop index offer_live_contact, offer_live_agent;
create unique index offer_live_contact on offer (domain_id, contact_id) where ended_at is null;
create unique index offer_live_agent on offer (domain_id, agent_id) where ended_at is null;

alter table leg
  add constraint leg_over check ((state = 'ended') = (ended_at is not null)),
  drop constraint leg_domain_id_fkey,
  alter column doc type json,
  set (fillfactor = 70);
drop index leg_live, leg_live_domain;
create unique index leg_live on leg (id) where ended_at is null;
create index leg_live_domain on leg (domain_id) where ended_at is null;

-- Few rows, changed all the time.
alter table agent_state drop constraint agent_state_domain_id_fkey, alter column doc type json, set (fillfactor = 20);
alter table domain set (fillfactor = 10);

-- One row for each commit with orders that are not all done, see src/db/outbox.ts: most are done all together a moment later. `outbox`
-- shows each order by itself, for whoever looks.
create table pending_orders (
  domain_id text not null,
  seq bigint not null,
  -- an array of orders as src/contact/model.ts has them
  orders json not null,
  primary key (domain_id, seq)
);
insert into pending_orders select domain_id, seq, json_agg(doc order by n) from outbox group by domain_id, seq;
drop table outbox;
create view outbox as
  select p.domain_id, o.doc ->> 'id' as id, p.seq, o.n, o.doc ->> 'contactId' as contact_id, o.doc ->> 'type' as type, o.doc
  from pending_orders p, json_array_elements(p.orders) with ordinality as o (doc, n);

-- The log is written in the order of time: the pages of a day lie together, and an index of pages does. Whose events they are is known
-- by contact, and by customer through the contacts; an index that nobody asks costs every event.
drop index event_time, event_customer;
create index event_time on event using brin (at) with (pages_per_range = 16);
