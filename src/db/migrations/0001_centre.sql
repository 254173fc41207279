-- The centre: what it is made of and who works in it. Configuration; the floor's own tables are in 0003.
--
-- Every key begins with the domain: a centre can be moved to another database by its id alone, and two centres may
-- both have a desk called `reception`.

create table domain (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  name text not null,
  -- ISO 3166-1 alpha-2: in which national form numbers in files are read
  country text not null default 'JP' check (country ~ '^[A-Z]{2}$'),
  -- shown to whom we call
  outgoing_number text not null check (outgoing_number ~ '^\+[1-9][0-9]{5,14}$'),
  -- One owner at a time. `fence` grows with every change of owner; a commit with an older one is refused.
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  -- number of the last commit, and of the last contact
  seq bigint not null default 0,
  last_contact bigint not null default 0
);

create table organisation (
  domain_id text not null references domain,
  id text not null,
  kind text not null check (kind in ('maker', 'agency', 'dealer')),
  name text not null,
  -- JIS X 0401 prefecture numbers or ISO 3166-2 subdivisions
  regions text[] not null default '{}',
  primary key (domain_id, id)
);

create table organisation_sells_for (
  domain_id text not null,
  organisation_id text not null,
  sells_for_id text not null,
  -- 1 = the main one
  position int not null default 1,
  primary key (domain_id, organisation_id, sells_for_id),
  foreign key (domain_id, organisation_id) references organisation on delete cascade,
  foreign key (domain_id, sells_for_id) references organisation,
  check (organisation_id <> sells_for_id)
);
create index organisation_sells_for_parent on organisation_sells_for (domain_id, sells_for_id);

-- A number belongs to one dealer or agency.
create table organisation_phone (
  domain_id text not null,
  e164 text not null check (e164 ~ '^\+[1-9][0-9]{5,14}$'),
  organisation_id text not null,
  primary key (domain_id, e164),
  foreign key (domain_id, organisation_id) references organisation on delete cascade
);
create index organisation_phone_organisation on organisation_phone (domain_id, organisation_id);

create table desk (
  domain_id text not null,
  id text not null,
  organisation_id text not null,
  name text not null,
  -- IANA name
  time_zone text not null default 'Asia/Tokyo',
  -- where contacts go while it is closed
  next_up_id text,
  is_reception boolean not null default false,
  primary key (domain_id, id),
  foreign key (domain_id, organisation_id) references organisation on delete cascade,
  -- checked at commit, so that desks of one file may point at each other in any order
  foreign key (domain_id, next_up_id) references desk deferrable initially deferred,
  check (next_up_id is null or next_up_id <> id)
);
create index desk_organisation on desk (domain_id, organisation_id);

create table desk_hours (
  domain_id text not null,
  desk_id text not null,
  -- ISO 8601: 1 = Monday … 7 = Sunday
  weekday int not null check (weekday between 1 and 7),
  opens time not null,
  -- may be 24:00
  closes time not null,
  primary key (domain_id, desk_id, weekday, opens),
  foreign key (domain_id, desk_id) references desk on delete cascade,
  check (opens < closes)
);

create table desk_holiday (
  domain_id text not null,
  desk_id text not null,
  -- in the desk's time zone
  day date not null,
  primary key (domain_id, desk_id, day),
  foreign key (domain_id, desk_id) references desk on delete cascade
);

create table entry (
  domain_id text not null references domain,
  id text not null,
  language text not null check (language in ('ja', 'en')),
  country text not null check (country ~ '^[A-Z]{2}$'),
  scenario text not null,
  maker_id text not null,
  primary key (domain_id, id),
  foreign key (domain_id, maker_id) references organisation
);

-- A dialled number leads to one entry, whatever the centre: the switch knows no centres.
create table entry_number (
  number text primary key,
  domain_id text not null,
  entry_id text not null,
  foreign key (domain_id, entry_id) references entry on delete cascade
);
create index entry_number_entry on entry_number (domain_id, entry_id);

create table app_user (
  domain_id text not null references domain,
  id text not null,
  -- one name space for all centres: nobody is asked for the centre at log-in
  user_name text not null,
  -- scrypt with its parameters, see people.ts; null: cannot log in yet
  password_hash text,
  name text not null,
  organisation_id text not null,
  role text not null check (role in ('agent', 'supervisor', 'administrator')),
  language text not null check (language in ('ja', 'en')),
  -- Phones' secrets are made here and never by people; the switch needs them in clear.
  browser_phone_secret text not null default replace(gen_random_uuid()::text, '-', ''),
  -- SIP user name of the desk phone, one name space for all centres as the switch has one; null for none
  desk_phone text unique check (desk_phone ~ '^[a-z0-9][a-z0-9_-]{1,62}$'),
  desk_phone_secret text not null default replace(gen_random_uuid()::text, '-', ''),
  active boolean not null default true,
  primary key (domain_id, id),
  foreign key (domain_id, organisation_id) references organisation
);
create unique index app_user_user_name on app_user (lower(user_name));
create index app_user_organisation on app_user (domain_id, organisation_id);

create table app_user_desk (
  domain_id text not null,
  user_id text not null,
  desk_id text not null,
  primary key (domain_id, user_id, desk_id),
  foreign key (domain_id, user_id) references app_user on delete cascade,
  foreign key (domain_id, desk_id) references desk on delete cascade
);
create index app_user_desk_desk on app_user_desk (domain_id, desk_id);

-- Who has this table's contents still has nobody's session: only hashes are kept.
create table session (
  token_hash bytea primary key,
  domain_id text not null,
  user_id text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  foreign key (domain_id, user_id) references app_user on delete cascade
);
create index session_expires_at on session (expires_at);
create index session_holder on session (domain_id, user_id);

-- Months as their first day. Money in minor units.
create table sales_result (
  domain_id text not null,
  organisation_id text not null,
  region text not null,
  month date not null check (extract(day from month) = 1),
  amount_minor bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  primary key (domain_id, organisation_id, region, month, currency),
  foreign key (domain_id, organisation_id) references organisation on delete cascade
);

-- Whoever holds a directory in memory hears when it is stale. Equal notifications of one transaction become one.
create function notify_directory() returns trigger language plpgsql as $$
begin
  perform pg_notify('directory_changed', coalesce(new.domain_id, old.domain_id));
  return null;
end $$;

create function notify_directory_domain() returns trigger language plpgsql as $$
begin
  perform pg_notify('directory_changed', new.id);
  return null;
end $$;

create trigger directory_changed after update of name, country, outgoing_number on domain
  for each row execute function notify_directory_domain();
create trigger directory_changed after insert or update or delete on organisation
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on organisation_sells_for
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on desk
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on desk_hours
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on desk_holiday
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on entry
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on entry_number
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on app_user
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on app_user_desk
  for each row execute function notify_directory();
create trigger directory_changed after insert or update or delete on sales_result
  for each row execute function notify_directory();
