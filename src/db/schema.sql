-- What the migrations make. Generated: test/db/schema.test.ts says how.

create table agent_state (
  domain_id text not null,
  agent_id text not null,
  state text not null,
  reason text,
  since timestamp with time zone not null,
  idle_since timestamp with time zone not null,
  offer_id text,
  contact_id text,
  doc json not null,
  constraint agent_state_pkey PRIMARY KEY (domain_id, agent_id),
  constraint agent_state_state_check CHECK ((state = ANY (ARRAY['loggedOff'::text, 'notReady'::text, 'ready'::text, 'busy'::text, 'workingAfterCall'::text])))
);

create table app_user (
  domain_id text not null,
  id text not null,
  user_name text not null,
  password_hash text,
  name text not null,
  organisation_id text not null,
  role text not null,
  language text not null,
  browser_phone_secret text default replace((gen_random_uuid())::text, '-'::text, ''::text) not null,
  desk_phone text,
  desk_phone_secret text default replace((gen_random_uuid())::text, '-'::text, ''::text) not null,
  active boolean default true not null,
  constraint app_user_pkey PRIMARY KEY (domain_id, id),
  constraint app_user_desk_phone_check CHECK ((desk_phone ~ '^[a-z0-9][a-z0-9_-]{1,62}$'::text)),
  constraint app_user_desk_phone_key UNIQUE (desk_phone),
  constraint app_user_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id),
  constraint app_user_domain_id_organisation_id_fkey FOREIGN KEY (domain_id, organisation_id) REFERENCES organisation(domain_id, id),
  constraint app_user_language_check CHECK ((language = ANY (ARRAY['ja'::text, 'en'::text]))),
  constraint app_user_role_check CHECK ((role = ANY (ARRAY['agent'::text, 'supervisor'::text, 'administrator'::text])))
);

create table app_user_desk (
  domain_id text not null,
  user_id text not null,
  desk_id text not null,
  priority integer default 1 not null,
  constraint app_user_desk_pkey PRIMARY KEY (domain_id, user_id, desk_id),
  constraint app_user_desk_domain_id_desk_id_fkey FOREIGN KEY (domain_id, desk_id) REFERENCES desk(domain_id, id) ON DELETE CASCADE,
  constraint app_user_desk_domain_id_user_id_fkey FOREIGN KEY (domain_id, user_id) REFERENCES app_user(domain_id, id) ON DELETE CASCADE,
  constraint app_user_desk_priority_check CHECK (((priority >= 1) AND (priority <= 99)))
);

create table app_user_skill (
  domain_id text not null,
  user_id text not null,
  skill text not null,
  level integer not null,
  constraint app_user_skill_pkey PRIMARY KEY (domain_id, user_id, skill),
  constraint app_user_skill_domain_id_user_id_fkey FOREIGN KEY (domain_id, user_id) REFERENCES app_user(domain_id, id) ON DELETE CASCADE,
  constraint app_user_skill_level_check CHECK (((level >= 1) AND (level <= 255))),
  constraint app_user_skill_skill_check CHECK ((skill ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text))
);

create table contact (
  domain_id text not null,
  id text not null,
  channel text not null,
  origin text not null,
  state text not null,
  entry_id text,
  language text not null,
  calling_number text,
  called_number text not null,
  party_kind text not null,
  customer_id text,
  organisation_id text,
  desk_id text,
  rule text,
  agent_id text,
  continues_id text,
  arrived_at timestamp with time zone not null,
  queued_at timestamp with time zone,
  connected_at timestamp with time zone,
  ended_at timestamp with time zone,
  cause text,
  disposition text,
  note text,
  call_me_token text,
  doc json not null,
  promised_at timestamp with time zone,
  estimated_wait_ms double precision,
  notice_id text,
  notice_recipient_id text,
  constraint contact_pkey PRIMARY KEY (domain_id, id),
  constraint contact_over CHECK ((((state = 'ended'::text) = (ended_at IS NOT NULL)) AND ((state <> 'ended'::text) OR (cause IS NOT NULL)))),
  constraint contact_state_check CHECK ((state = ANY (ARRAY['identifying'::text, 'scenario'::text, 'queued'::text, 'offered'::text, 'connected'::text, 'wrapUp'::text, 'ended'::text])))
);

create table customer (
  domain_id text not null,
  id text not null,
  code text not null,
  kind text not null,
  name text not null,
  kana text,
  language text,
  region text,
  address text,
  note text,
  handling_desk_id text,
  last_desk_id text,
  last_contact_at timestamp with time zone,
  last_agent_id text,
  constraint customer_pkey PRIMARY KEY (domain_id, id),
  constraint customer_domain_id_code_key UNIQUE (domain_id, code),
  constraint customer_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id),
  constraint customer_domain_id_handling_desk_id_fkey FOREIGN KEY (domain_id, handling_desk_id) REFERENCES desk(domain_id, id) ON DELETE SET NULL (handling_desk_id),
  constraint customer_kind_check CHECK ((kind = ANY (ARRAY['customer'::text, 'prospect'::text]))),
  constraint customer_language_check CHECK ((language = ANY (ARRAY['ja'::text, 'en'::text])))
);

create table customer_email (
  domain_id text not null,
  customer_id text not null,
  address text not null,
  "position" integer default 1 not null,
  constraint customer_email_pkey PRIMARY KEY (domain_id, customer_id, address),
  constraint customer_email_address_check CHECK ((address = lower(address))),
  constraint customer_email_domain_id_customer_id_fkey FOREIGN KEY (domain_id, customer_id) REFERENCES customer(domain_id, id) ON DELETE CASCADE
);

create table customer_order (
  domain_id text not null,
  number text not null,
  customer_id text not null,
  ordered_on date,
  status text default ''::text not null,
  digits text default regexp_replace(number, '[^0-9]'::text, ''::text, 'g'::text),
  constraint customer_order_pkey PRIMARY KEY (domain_id, number),
  constraint customer_order_domain_id_customer_id_fkey FOREIGN KEY (domain_id, customer_id) REFERENCES customer(domain_id, id) ON DELETE CASCADE,
  constraint customer_order_number_check CHECK ((number <> ''::text))
);

create table customer_phone (
  domain_id text not null,
  customer_id text not null,
  e164 text not null,
  "position" integer default 1 not null,
  constraint customer_phone_pkey PRIMARY KEY (domain_id, customer_id, e164),
  constraint customer_phone_domain_id_customer_id_fkey FOREIGN KEY (domain_id, customer_id) REFERENCES customer(domain_id, id) ON DELETE CASCADE,
  constraint customer_phone_e164_check CHECK ((e164 ~ '^\+[1-9][0-9]{5,14}$'::text))
);

create table customer_product (
  domain_id text not null,
  customer_id text not null,
  "position" integer not null,
  product_code text not null,
  serial text,
  bought_on date,
  constraint customer_product_pkey PRIMARY KEY (domain_id, customer_id, "position"),
  constraint customer_product_domain_id_customer_id_fkey FOREIGN KEY (domain_id, customer_id) REFERENCES customer(domain_id, id) ON DELETE CASCADE,
  constraint customer_product_domain_id_product_code_fkey FOREIGN KEY (domain_id, product_code) REFERENCES product(domain_id, code)
);

create table desk (
  domain_id text not null,
  id text not null,
  organisation_id text not null,
  name text not null,
  time_zone text default 'Asia/Tokyo'::text not null,
  next_up_id text,
  is_reception boolean default false not null,
  constraint desk_pkey PRIMARY KEY (domain_id, id),
  constraint desk_check CHECK (((next_up_id IS NULL) OR (next_up_id <> id))),
  constraint desk_domain_id_next_up_id_fkey FOREIGN KEY (domain_id, next_up_id) REFERENCES desk(domain_id, id) DEFERRABLE INITIALLY DEFERRED,
  constraint desk_domain_id_organisation_id_fkey FOREIGN KEY (domain_id, organisation_id) REFERENCES organisation(domain_id, id) ON DELETE CASCADE
);

create table desk_holiday (
  domain_id text not null,
  desk_id text not null,
  day date not null,
  constraint desk_holiday_pkey PRIMARY KEY (domain_id, desk_id, day),
  constraint desk_holiday_domain_id_desk_id_fkey FOREIGN KEY (domain_id, desk_id) REFERENCES desk(domain_id, id) ON DELETE CASCADE
);

create table desk_hours (
  domain_id text not null,
  desk_id text not null,
  weekday integer not null,
  opens time without time zone not null,
  closes time without time zone not null,
  constraint desk_hours_pkey PRIMARY KEY (domain_id, desk_id, weekday, opens),
  constraint desk_hours_check CHECK ((opens < closes)),
  constraint desk_hours_domain_id_desk_id_fkey FOREIGN KEY (domain_id, desk_id) REFERENCES desk(domain_id, id) ON DELETE CASCADE,
  constraint desk_hours_weekday_check CHECK (((weekday >= 1) AND (weekday <= 7)))
);

create table domain (
  id text not null,
  name text not null,
  country text default 'JP'::text not null,
  outgoing_number text not null,
  lease_owner text,
  lease_until timestamp with time zone,
  fence bigint default 0 not null,
  seq bigint default 0 not null,
  last_contact bigint default 0 not null,
  constraint domain_pkey PRIMARY KEY (id),
  constraint domain_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
  constraint domain_id_check CHECK ((id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text)),
  constraint domain_outgoing_number_check CHECK ((outgoing_number ~ '^\+[1-9][0-9]{5,14}$'::text))
);

create table entry (
  domain_id text not null,
  id text not null,
  language text not null,
  country text not null,
  scenario text not null,
  maker_id text not null,
  constraint entry_pkey PRIMARY KEY (domain_id, id),
  constraint entry_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
  constraint entry_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id),
  constraint entry_domain_id_maker_id_fkey FOREIGN KEY (domain_id, maker_id) REFERENCES organisation(domain_id, id),
  constraint entry_language_check CHECK ((language = ANY (ARRAY['ja'::text, 'en'::text])))
);

create table entry_number (
  number text not null,
  domain_id text not null,
  entry_id text not null,
  constraint entry_number_pkey PRIMARY KEY (number),
  constraint entry_number_domain_id_entry_id_fkey FOREIGN KEY (domain_id, entry_id) REFERENCES entry(domain_id, id) ON DELETE CASCADE
);

create table event (
  domain_id text not null,
  seq bigint not null,
  n integer not null,
  at timestamp with time zone not null,
  name text not null,
  contact_id text,
  customer_id text,
  desk_id text,
  agent_id text,
  offer_id text,
  leg_id text,
  cause text,
  data jsonb not null,
  constraint event_pkey PRIMARY KEY (domain_id, seq, n, at)
) partition by RANGE (at);

create table hook_job (
  domain_id text not null,
  key text not null,
  idempotency_key uuid default gen_random_uuid() not null,
  contact_id text not null,
  hook text not null,
  fields json,
  state text default 'waiting'::text not null,
  tries integer default 0 not null,
  created_at timestamp with time zone not null,
  due_at timestamp with time zone,
  over_at timestamp with time zone,
  failure text,
  constraint hook_job_pkey PRIMARY KEY (domain_id, key),
  constraint hook_job_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id),
  constraint hook_job_fields CHECK (((fields IS NOT NULL) OR (state = 'sent'::text))),
  constraint hook_job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'givenUp'::text]))),
  constraint hook_job_waits CHECK ((((state = 'waiting'::text) = (due_at IS NOT NULL)) AND ((state = 'waiting'::text) = (over_at IS NULL))))
);

create table job_run (
  name text not null,
  due_at timestamp with time zone not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  error text,
  constraint job_run_pkey PRIMARY KEY (name)
);

create table leg (
  domain_id text not null,
  id text not null,
  contact_id text not null,
  role text not null,
  agent_id text,
  state text not null,
  created_at timestamp with time zone not null,
  answered_at timestamp with time zone,
  ended_at timestamp with time zone,
  cause text,
  doc json not null,
  constraint leg_pkey PRIMARY KEY (domain_id, id),
  constraint leg_over CHECK (((state = 'ended'::text) = (ended_at IS NOT NULL))),
  constraint leg_role_check CHECK ((role = ANY (ARRAY['party'::text, 'agent'::text, 'outside'::text]))),
  constraint leg_state_check CHECK ((state = ANY (ARRAY['arriving'::text, 'dialling'::text, 'ringing'::text, 'up'::text, 'ended'::text])))
);

create table notice (
  domain_id text not null,
  id text not null,
  request_id text not null,
  desk_id text not null,
  language text not null,
  text text not null,
  state text not null,
  at_a_time integer not null,
  per_minute integer not null,
  total integer not null,
  created_at timestamp with time zone not null,
  created_by text not null,
  over_at timestamp with time zone,
  result jsonb,
  scenario text,
  constraint notice_pkey PRIMARY KEY (domain_id, id),
  constraint notice_at_a_time_check CHECK (((at_a_time >= 1) AND (at_a_time <= 500))),
  constraint notice_check CHECK (((over_at IS NULL) = (result IS NULL))),
  constraint notice_check1 CHECK (((state <> 'done'::text) OR (over_at IS NOT NULL))),
  constraint notice_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id),
  constraint notice_domain_id_request_id_key UNIQUE (domain_id, request_id),
  constraint notice_language_check CHECK ((language = ANY (ARRAY['ja'::text, 'en'::text]))),
  constraint notice_per_minute_check CHECK (((per_minute >= 1) AND (per_minute <= 600))),
  constraint notice_state_check CHECK ((state = ANY (ARRAY['running'::text, 'paused'::text, 'stopped'::text, 'done'::text]))),
  constraint notice_text_check CHECK ((text <> ''::text)),
  constraint notice_total_check CHECK ((total > 0))
);

create table notice_action (
  domain_id text not null,
  notice_id text not null,
  n integer generated always as identity not null,
  at timestamp with time zone not null,
  by_whom text,
  action text not null,
  reason text,
  constraint notice_action_pkey PRIMARY KEY (domain_id, notice_id, n),
  constraint notice_action_action_check CHECK ((action = ANY (ARRAY['created'::text, 'paused'::text, 'resumed'::text, 'stopped'::text, 'done'::text]))),
  constraint notice_action_domain_id_notice_id_fkey FOREIGN KEY (domain_id, notice_id) REFERENCES notice(domain_id, id) ON DELETE CASCADE
);

create table notice_recipient (
  domain_id text not null,
  notice_id text not null,
  "position" integer not null,
  number text not null,
  country text not null,
  name text not null,
  constraint notice_recipient_pkey PRIMARY KEY (domain_id, notice_id, "position"),
  constraint notice_recipient_domain_id_notice_id_fkey FOREIGN KEY (domain_id, notice_id) REFERENCES notice(domain_id, id) ON DELETE CASCADE,
  constraint notice_recipient_domain_id_notice_id_number_key UNIQUE (domain_id, notice_id, number),
  constraint notice_recipient_number_check CHECK ((number ~ '^\+[1-9][0-9]{5,14}$'::text))
);

create table offer (
  domain_id text not null,
  id text not null,
  contact_id text not null,
  agent_id text not null,
  desk_id text not null,
  state text not null,
  leg_id text,
  created_at timestamp with time zone not null,
  shown_at timestamp with time zone,
  ended_at timestamp with time zone,
  outcome text,
  doc json not null,
  constraint offer_pkey PRIMARY KEY (domain_id, id),
  constraint offer_over CHECK ((((state = 'ended'::text) = (ended_at IS NOT NULL)) AND ((state <> 'ended'::text) OR (outcome IS NOT NULL)))),
  constraint offer_state_check CHECK ((state = ANY (ARRAY['dialling'::text, 'shown'::text, 'ringing'::text, 'accepted'::text, 'ended'::text])))
);

create table organisation (
  domain_id text not null,
  id text not null,
  kind text not null,
  name text not null,
  regions text[] default '{}'::text[] not null,
  constraint organisation_pkey PRIMARY KEY (domain_id, id),
  constraint organisation_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id),
  constraint organisation_kind_check CHECK ((kind = ANY (ARRAY['maker'::text, 'agency'::text, 'dealer'::text])))
);

create table organisation_phone (
  domain_id text not null,
  e164 text not null,
  organisation_id text not null,
  constraint organisation_phone_pkey PRIMARY KEY (domain_id, e164),
  constraint organisation_phone_domain_id_organisation_id_fkey FOREIGN KEY (domain_id, organisation_id) REFERENCES organisation(domain_id, id) ON DELETE CASCADE,
  constraint organisation_phone_e164_check CHECK ((e164 ~ '^\+[1-9][0-9]{5,14}$'::text))
);

create table organisation_sells_for (
  domain_id text not null,
  organisation_id text not null,
  sells_for_id text not null,
  "position" integer default 1 not null,
  constraint organisation_sells_for_pkey PRIMARY KEY (domain_id, organisation_id, sells_for_id),
  constraint organisation_sells_for_check CHECK ((organisation_id <> sells_for_id)),
  constraint organisation_sells_for_domain_id_organisation_id_fkey FOREIGN KEY (domain_id, organisation_id) REFERENCES organisation(domain_id, id) ON DELETE CASCADE,
  constraint organisation_sells_for_domain_id_sells_for_id_fkey FOREIGN KEY (domain_id, sells_for_id) REFERENCES organisation(domain_id, id)
);

create table pending_orders (
  domain_id text not null,
  seq bigint not null,
  orders json not null,
  constraint pending_orders_pkey PRIMARY KEY (domain_id, seq)
);

create table product (
  domain_id text not null,
  code text not null,
  name text not null,
  constraint product_pkey PRIMARY KEY (domain_id, code),
  constraint product_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id)
);

create table recording (
  domain_id text not null,
  id text not null,
  contact_id text not null,
  recorded_at timestamp with time zone default now() not null,
  duration_ms integer not null,
  media bytea not null,
  constraint recording_pkey PRIMARY KEY (domain_id, id),
  constraint recording_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id),
  constraint recording_duration_ms_check CHECK ((duration_ms >= 0))
);

create table sales_result (
  domain_id text not null,
  organisation_id text not null,
  region text not null,
  month date not null,
  amount_minor bigint not null,
  currency text not null,
  constraint sales_result_pkey PRIMARY KEY (domain_id, organisation_id, region, month, currency),
  constraint sales_result_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint sales_result_domain_id_organisation_id_fkey FOREIGN KEY (domain_id, organisation_id) REFERENCES organisation(domain_id, id) ON DELETE CASCADE,
  constraint sales_result_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
);

create table scenario_release (
  domain_id text not null,
  version text not null,
  files json not null,
  first_used_at timestamp with time zone not null,
  retired_at timestamp with time zone,
  constraint scenario_release_pkey PRIMARY KEY (domain_id, version),
  constraint scenario_release_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES domain(id)
);

create table session (
  token_hash bytea not null,
  domain_id text not null,
  user_id text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint session_pkey PRIMARY KEY (token_hash),
  constraint session_domain_id_user_id_fkey FOREIGN KEY (domain_id, user_id) REFERENCES app_user(domain_id, id) ON DELETE CASCADE
);

CREATE INDEX app_user_organisation ON public.app_user USING btree (domain_id, organisation_id);

CREATE UNIQUE INDEX app_user_user_name ON public.app_user USING btree (lower(user_name));

CREATE INDEX app_user_desk_desk ON public.app_user_desk USING btree (domain_id, desk_id);

CREATE INDEX contact_arrived ON public.contact USING btree (domain_id, arrived_at);

CREATE INDEX contact_call_me_token ON public.contact USING btree (call_me_token) WHERE (call_me_token IS NOT NULL);

CREATE INDEX contact_customer ON public.contact USING btree (domain_id, customer_id, arrived_at) WHERE (customer_id IS NOT NULL);

CREATE INDEX contact_gave_up ON public.contact USING btree (domain_id, ended_at) WHERE (cause = ANY (ARRAY['abandonedInScenario'::text, 'abandonedInQueue'::text, 'abandonedWhileRinging'::text]));

CREATE INDEX contact_handled ON public.contact USING btree (domain_id, desk_id, ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX contact_live ON public.contact USING btree (domain_id, arrived_at) WHERE (ended_at IS NULL);

CREATE INDEX contact_notice_arrived ON public.contact USING btree (domain_id, notice_id, arrived_at) WHERE (notice_id IS NOT NULL);

CREATE INDEX contact_notice_ended ON public.contact USING btree (domain_id, notice_id, ended_at) WHERE ((notice_id IS NOT NULL) AND (ended_at IS NOT NULL));

CREATE INDEX contact_notice_live ON public.contact USING btree (domain_id, notice_id) WHERE ((notice_id IS NOT NULL) AND (ended_at IS NULL));

CREATE UNIQUE INDEX contact_notice_recipient ON public.contact USING btree (domain_id, notice_id, notice_recipient_id) WHERE (notice_id IS NOT NULL);

CREATE INDEX contact_organisation ON public.contact USING btree (domain_id, organisation_id, arrived_at) WHERE (organisation_id IS NOT NULL);

CREATE INDEX customer_handling_desk ON public.customer USING btree (domain_id, handling_desk_id);

CREATE INDEX customer_email_address ON public.customer_email USING btree (domain_id, address);

CREATE INDEX customer_order_customer ON public.customer_order USING btree (domain_id, customer_id);

CREATE INDEX customer_order_digits ON public.customer_order USING btree (domain_id, digits);

CREATE INDEX customer_phone_e164 ON public.customer_phone USING btree (domain_id, e164);

CREATE INDEX customer_product_product ON public.customer_product USING btree (domain_id, product_code);

CREATE INDEX desk_organisation ON public.desk USING btree (domain_id, organisation_id);

CREATE INDEX entry_number_entry ON public.entry_number USING btree (domain_id, entry_id);

CREATE INDEX event_agent ON public.event USING btree (domain_id, agent_id, at) WHERE (agent_id IS NOT NULL);

CREATE INDEX event_answers ON public.event USING btree (domain_id, at) WHERE (name = 'scenarioAnswered'::text);

CREATE INDEX event_contact ON public.event USING btree (domain_id, contact_id, seq, n) WHERE (contact_id IS NOT NULL);

CREATE INDEX event_forced ON public.event USING btree (domain_id, at) WHERE (name = 'agentForced'::text);

CREATE INDEX event_scenario_step ON public.event USING btree (domain_id, at) WHERE ((name = 'scenarioStep'::text) AND (cause = 'entered'::text));

CREATE INDEX event_time ON public.event USING brin (at) WITH (pages_per_range='16');

CREATE INDEX hook_job_due ON public.hook_job USING btree (domain_id, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX hook_job_open ON public.hook_job USING btree (domain_id, hook, state) WHERE (state <> 'sent'::text);

CREATE INDEX hook_job_over ON public.hook_job USING btree (over_at) WHERE (over_at IS NOT NULL);

CREATE INDEX leg_contact ON public.leg USING btree (domain_id, contact_id);

CREATE UNIQUE INDEX leg_live ON public.leg USING btree (id) WHERE (ended_at IS NULL);

CREATE INDEX leg_live_domain ON public.leg USING btree (domain_id) WHERE (ended_at IS NULL);

CREATE INDEX notice_open ON public.notice USING btree (domain_id) WHERE (over_at IS NULL);

CREATE INDEX notice_recipient_number ON public.notice_recipient USING btree (domain_id, number);

CREATE INDEX offer_agent ON public.offer USING btree (domain_id, agent_id, created_at);

CREATE INDEX offer_contact ON public.offer USING btree (domain_id, contact_id);

CREATE UNIQUE INDEX offer_live_agent ON public.offer USING btree (domain_id, agent_id) WHERE (ended_at IS NULL);

CREATE UNIQUE INDEX offer_live_contact ON public.offer USING btree (domain_id, contact_id) WHERE (ended_at IS NULL);

CREATE INDEX organisation_phone_organisation ON public.organisation_phone USING btree (domain_id, organisation_id);

CREATE INDEX organisation_sells_for_parent ON public.organisation_sells_for USING btree (domain_id, sells_for_id);

CREATE INDEX session_expires_at ON public.session USING btree (expires_at);

CREATE INDEX session_holder ON public.session USING btree (domain_id, user_id);

CREATE OR REPLACE FUNCTION public.ensure_event_partitions(months_ahead integer)
 RETURNS SETOF text
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.notify_directory()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('directory_changed', coalesce(new.domain_id, old.domain_id));
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.notify_directory_domain()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('directory_changed', new.id);
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.refuse_event_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'events are never changed (% on %)', tg_op, tg_table_name using errcode = 'restrict_violation';
end $function$
;

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.app_user FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.app_user_desk FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.app_user_skill FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.desk FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.desk_holiday FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.desk_hours FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER UPDATE OF name, country, outgoing_number ON public.domain FOR EACH ROW EXECUTE FUNCTION notify_directory_domain();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.entry FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.entry_number FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER event_not_emptied BEFORE TRUNCATE ON public.event FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change();

CREATE TRIGGER event_unchanged BEFORE DELETE OR UPDATE ON public.event FOR EACH ROW EXECUTE FUNCTION refuse_event_change();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.organisation FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.organisation_sells_for FOR EACH ROW EXECUTE FUNCTION notify_directory();

CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE ON public.sales_result FOR EACH ROW EXECUTE FUNCTION notify_directory();
