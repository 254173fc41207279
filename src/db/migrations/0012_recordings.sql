-- What callers have recorded (voicemail): fetched from the switch once, and here from then on.
create table recording (
  domain_id text not null references domain,
  id text not null,
  -- the contact that is about it
  contact_id text not null,
  recorded_at timestamptz not null default now(),
  duration_ms integer not null check (duration_ms >= 0),
  -- a WAV file: 16 bit PCM, 8 kHz, mono
  media bytea not null,
  primary key (domain_id, id)
);
-- Speech as plain samples hardly gets smaller by what Postgres would do to it.
alter table recording alter column media set storage external;
