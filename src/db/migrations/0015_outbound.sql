-- What scenarios do on the phone beside greeting callers: putting them through to numbers outside, asking after a talk, telling notices.

alter table leg drop constraint leg_role_check, add constraint leg_role_check check (role in ('party', 'agent', 'outside'));

-- The scenario that tells it; null: agents do.
alter table notice add column scenario text;

-- Answers that dialogues kept, one row for each question. Of a survey, whose contact is one of its own: with the talk that it was about, its
-- agent and desk.
create view survey_answer as
  select e.domain_id, e.at, e.contact_id, talk.id as talk_id, talk.desk_id, talk.agent_id, talk.customer_id,
    answer.key as question, answer.value as answer
  from event e
  join contact c on c.domain_id = e.domain_id and c.id = e.contact_id
  join contact talk on talk.domain_id = c.domain_id and talk.id = case c.origin when 'survey' then c.continues_id else c.id end
  cross join lateral jsonb_each_text(e.data::jsonb) as answer
  where e.name = 'scenarioAnswered';
-- Few among very many events.
create index event_answers on event (domain_id, at) where name = 'scenarioAnswered';
