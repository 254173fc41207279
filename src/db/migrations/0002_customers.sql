-- Customers and prospects, and how they are recognised.

create table product (
  domain_id text not null references domain,
  code text not null,
  name text not null,
  primary key (domain_id, code)
);

create table customer (
  domain_id text not null references domain,
  id text not null,
  -- what a customer dials or types
  code text not null,
  kind text not null check (kind in ('customer', 'prospect')),
  name text not null,
  kana text,
  language text check (language in ('ja', 'en')),
  region text,
  address text,
  note text,
  handling_desk_id text,
  -- Written with the commit that ends a talk. No foreign key: a commit must not fail because a desk went meanwhile.
  last_desk_id text,
  last_contact_at timestamptz,
  primary key (domain_id, id),
  unique (domain_id, code),
  foreign key (domain_id, handling_desk_id) references desk on delete set null (handling_desk_id)
);
create index customer_handling_desk on customer (domain_id, handling_desk_id);

create table customer_phone (
  domain_id text not null,
  customer_id text not null,
  e164 text not null check (e164 ~ '^\+[1-9][0-9]{5,14}$'),
  position int not null default 1,
  primary key (domain_id, customer_id, e164),
  foreign key (domain_id, customer_id) references customer on delete cascade
);
create index customer_phone_e164 on customer_phone (domain_id, e164);

create table customer_email (
  domain_id text not null,
  customer_id text not null,
  -- lower case
  address text not null check (address = lower(address)),
  position int not null default 1,
  primary key (domain_id, customer_id, address),
  foreign key (domain_id, customer_id) references customer on delete cascade
);
create index customer_email_address on customer_email (domain_id, address);

create table customer_product (
  domain_id text not null,
  customer_id text not null,
  position int not null,
  product_code text not null,
  serial text,
  bought_on date,
  primary key (domain_id, customer_id, position),
  foreign key (domain_id, customer_id) references customer on delete cascade,
  foreign key (domain_id, product_code) references product
);
create index customer_product_product on customer_product (domain_id, product_code);
