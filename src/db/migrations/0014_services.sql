-- What scenarios have sent by hooks (SMS, e-mail), and customers' orders, by which a caller can be found.

create table hook_job (
  domain_id text not null references domain,
  -- made where it was decided, so that the same decision carried out twice is one job
  key text not null,
  -- what the receiver tells a repeated try from a new job by
  idempotency_key uuid not null default gen_random_uuid(),
  contact_id text not null,
  hook text not null,
  -- the variables that the hook takes; forgotten once it is sent
  fields json,
  state text not null default 'waiting' check (state in ('waiting', 'sent', 'givenUp')),
  tries int not null default 0,
  created_at timestamptz not null,
  -- while it is being tried: when whoever tries it must have died
  due_at timestamptz,
  over_at timestamptz,
  -- why the last try failed: a word of a closed list
  failure text,
  primary key (domain_id, key),
  constraint hook_job_waits check ((state = 'waiting') = (due_at is not null) and (state = 'waiting') = (over_at is null)),
  constraint hook_job_fields check (fields is not null or state = 'sent')
);
create index hook_job_due on hook_job (domain_id, due_at) where due_at is not null;
-- what supervisors are told: few, as most are sent
create index hook_job_open on hook_job (domain_id, hook, state) where state <> 'sent';
create index hook_job_over on hook_job (over_at) where over_at is not null;

create table customer_order (
  domain_id text not null,
  number text not null check (number <> ''),
  customer_id text not null,
  ordered_on date,
  status text not null default '',
  -- as a caller can dial it
  digits text generated always as (regexp_replace(number, '[^0-9]', '', 'g')) stored,
  primary key (domain_id, number),
  foreign key (domain_id, customer_id) references customer on delete cascade
);
create index customer_order_digits on customer_order (domain_id, digits);
create index customer_order_customer on customer_order (domain_id, customer_id);
