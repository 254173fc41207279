-- What the floor keeps of a contact's promised time, estimated wait and notice, and of an agent's shift. Records that are under way get
-- the values that mean "nothing of the kind".

alter table contact
  add column promised_at timestamptz,
  add column estimated_wait_ms double precision,
  add column notice_id text,
  add column notice_recipient_id text;

create unique index contact_notice_recipient on contact (domain_id, notice_id, notice_recipient_id) where notice_id is not null;

-- Who talked with a customer last. No foreign key: an agent who has left is nobody's preferred one.
alter table customer add column last_agent_id text;

update contact set doc = jsonb_build_object('promisedAt', null, 'preferred', null, 'estimatedWaitMs', null, 'notice', null,
    'failedAttempts', jsonb_build_object('busy', 0, 'noAnswer', 0, 'failed', 0)) || doc
  where state <> 'ended';
update contact set doc = jsonb_set(doc, '{decision,wishes}',
    '{"priorityClass": 100, "requirements": [], "rings": [], "preferLastAgentMs": 0}')
  where state <> 'ended' and jsonb_typeof(doc -> 'decision') = 'object';
update contact set doc = jsonb_set(doc, '{announced,callbackOffered}', to_jsonb(doc #>> '{announced,kind}' = 'nobody'))
  where state <> 'ended' and jsonb_typeof(doc -> 'announced') = 'object';
update agent_state set doc = jsonb_build_object('loggedOnAt', (extract(epoch from since) * 1000)::bigint, 'busyMs', 0, 'assignments', 0,
    'lastCallAssignedAt', null) || doc;

-- An agent's own order of desks, and what he or she can do how well.
alter table app_user_desk add column priority integer not null default 1 check (priority between 1 and 99);

create table app_user_skill (
  domain_id text not null,
  user_id text not null,
  skill text not null check (skill ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  level integer not null check (level between 1 and 255),
  primary key (domain_id, user_id, skill),
  foreign key (domain_id, user_id) references app_user (domain_id, id) on delete cascade
);
create trigger directory_changed after insert or update or delete on app_user_skill
  for each row execute function notify_directory();
