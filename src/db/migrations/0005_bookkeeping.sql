-- Accepted call-me requests of the last hours, for limits per number, per address and in all.
create table call_me_attempt (
  id bigint generated always as identity primary key,
  domain_id text not null references domain,
  -- E.164 or SIP address that is to be called
  called text not null,
  -- network address of the visitor
  address text not null,
  at timestamptz not null
);
create index call_me_attempt_called on call_me_attempt (domain_id, called, at);
create index call_me_attempt_address on call_me_attempt (domain_id, address, at);
create index call_me_attempt_at on call_me_attempt (domain_id, at);

-- Last runs of what goes by the clock, one row per job. Two servers, one run: whoever writes `due_at` first has it.
create table job_run (
  name text primary key,
  due_at timestamptz not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  -- null while it runs and when it went well
  error text
);
