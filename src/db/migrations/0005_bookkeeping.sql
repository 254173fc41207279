-- Last runs of what goes by the clock, one row per job. Two servers, one run: whoever writes `due_at` first has it.
create table job_run (
  name text primary key,
  due_at timestamptz not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  -- null while it runs and when it went well
  error text
);
