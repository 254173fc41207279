-- The event log: facts, never changed. (domain, commit, place in the commit) names an event and is its order; the time
-- is in the key only because Postgres wants the partition column there.

create table event (
  domain_id text not null,
  seq bigint not null,
  n int not null,
  at timestamptz not null,
  name text not null,
  contact_id text,
  customer_id text,
  desk_id text,
  agent_id text,
  offer_id text,
  leg_id text,
  cause text,
  data jsonb not null,
  primary key (domain_id, seq, n, at)
) partition by range (at);
create index event_contact on event (domain_id, contact_id, seq, n) where contact_id is not null;
create index event_customer on event (domain_id, customer_id, at) where customer_id is not null;
create index event_agent on event (domain_id, agent_id, at) where agent_id is not null;
create index event_time on event (domain_id, at);

create function refuse_event_change() returns trigger language plpgsql as $$
begin
  raise exception 'events are never changed (% on %)', tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger event_unchanged before update or delete on event for each row execute function refuse_event_change();
create trigger event_not_emptied before truncate on event for each statement execute function refuse_event_change();

-- Statement triggers are not inherited by partitions, so each new one gets its own.
create table event_default partition of event default;
create trigger event_not_emptied before truncate on event_default
  for each statement execute function refuse_event_change();

-- Makes the monthly partitions (UTC) from last month to `months_ahead` months from now, and returns the names of the new
-- ones. To be called at every start and by the clock. Should it not have been called for so long that events of a month
-- are already in the default partition, that month stays there: slower to drop, and nothing lost.
create function ensure_event_partitions(months_ahead int) returns setof text language plpgsql as $$
declare
  first_month timestamp := date_trunc('month', now() at time zone 'UTC');
  month timestamp;
  partition text;
begin
  -- two servers that start at once
  perform pg_advisory_xact_lock(hashtext('ensure_event_partitions'));
  for i in -1 .. months_ahead loop
    month := first_month + make_interval(months => i);
    partition := 'event_' || to_char(month, 'YYYY_MM');
    if to_regclass(partition) is null then
      begin
        execute format('create table %I partition of event for values from (%L) to (%L)', partition,
          to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
          to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
        execute format('create trigger event_not_emptied before truncate on %I '
          'for each statement execute function refuse_event_change()', partition);
        return next partition;
      exception when check_violation then
        raise notice 'month % is already in the default partition', partition;
      end;
    end if;
  end loop;
end $$;
select ensure_event_partitions(3);
