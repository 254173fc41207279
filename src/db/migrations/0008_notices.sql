-- Notices: one thing to be told to many (B5). Who of the recipients was launched, and what came of it, stands in `contact` alone:
-- two records of it could disagree, and somebody would be called twice or never.

create table notice (
  domain_id text not null references domain,
  -- counted within the domain: people speak of "notice 12"
  id text not null,
  -- chosen by who asks for it, so that asking twice makes one
  request_id text not null,
  desk_id text not null,
  language text not null check (language in ('ja', 'en')),
  text text not null check (text <> ''),
  state text not null check (state in ('running', 'paused', 'stopped', 'done')),
  at_a_time integer not null check (at_a_time between 1 and 500),
  per_minute integer not null check (per_minute between 1 and 600),
  total integer not null check (total > 0),
  created_at timestamptz not null,
  created_by text not null,
  -- done, or stopped with nobody under way any more: nothing changes from then on, and `result` is how it went
  over_at timestamptz,
  result jsonb,
  primary key (domain_id, id),
  unique (domain_id, request_id),
  check ((over_at is null) = (result is null)),
  check (state <> 'done' or over_at is not null)
);
create index notice_open on notice (domain_id) where over_at is null;

create table notice_recipient (
  domain_id text not null,
  notice_id text not null,
  position integer not null,
  -- E.164
  number text not null check (number ~ '^\+[1-9][0-9]{5,14}$'),
  country text not null,
  name text not null,
  primary key (domain_id, notice_id, position),
  unique (domain_id, notice_id, number),
  foreign key (domain_id, notice_id) references notice (domain_id, id) on delete cascade
);
create index notice_recipient_number on notice_recipient (domain_id, number);

-- Who did what to a notice. `by_whom` null: by itself.
create table notice_action (
  domain_id text not null,
  notice_id text not null,
  n integer generated always as identity,
  at timestamptz not null,
  by_whom text,
  action text not null check (action in ('created', 'paused', 'resumed', 'stopped', 'done')),
  reason text,
  primary key (domain_id, notice_id, n),
  foreign key (domain_id, notice_id) references notice (domain_id, id) on delete cascade
);

create index contact_notice_live on contact (domain_id, notice_id) where notice_id is not null and state <> 'ended';
create index contact_notice_arrived on contact (domain_id, notice_id, arrived_at) where notice_id is not null;
