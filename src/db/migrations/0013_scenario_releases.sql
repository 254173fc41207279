-- The files of scenarios/ as dialogues began on them: a dialogue under way goes on by the release that it began with, in the next life of
-- the house too, whatever the folder holds by then.
create table scenario_release (
  domain_id text not null references domain,
  version text not null,
  -- name of the file -> its text
  files json not null,
  first_used_at timestamptz not null,
  -- since when new dialogues begin on another one; null: they begin on this one
  retired_at timestamptz,
  primary key (domain_id, version)
);

-- Where callers gave up in scenarios lately, and how many came there, as supervisors look at it.
create index contact_gave_up on contact (domain_id, ended_at) where cause in ('abandonedInScenario', 'abandonedInQueue', 'abandonedWhileRinging');
create index event_scenario_step on event (domain_id, at) where name = 'scenarioStep' and cause = 'entered';
