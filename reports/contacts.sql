-- Contacts: one row for each, the latest first
--   en: Every contact of the period, the latest first. Each can be opened as a drawn time line with all its events.
--   ja: 期間内のすべての応対 (新しい順)。それぞれの経過をイベントとともに図で見られます。
--
-- Of contacts that never came to a desk (hung up in a dialogue, a number that leads nowhere) those see a row who see a reception desk.
--
-- Parameters
--   $1 domain   $2 from   $3 to (not included)   $4 desks, or null for all   $5 how many at most
-- docs/reports.md shows how to run this with psql.
--
-- Columns
--   contact_id
--     en: Number of the contact.
--     ja: 応対の番号。
--   arrived_at
--     en: When it arrived; a callback has the time of the call that it continues.
--     ja: 着信した時刻。折り返しは元の電話の時刻です。
--   channel
--     en: Call, callback, notice or message.
--     ja: 電話、折り返し、お知らせ、または伝言。
--   origin
--     en: How it came in.
--     ja: どこから来たか。
--   desk
--     en: The desk at which it waited last.
--     ja: 最後に待った窓口。
--   agent
--     en: The agent who talked last.
--     ja: 最後に話した担当者。
--   waited_s
--     en: From coming to the queue until the first agent, or the end when there was none.
--     ja: 待ち行列に入ってから最初の担当者まで (いなければ終了まで)。
--   talked_s
--     en: From the first agent to the end of the last talk.
--     ja: 最初の担当者から最後の通話の終わりまで。
--   cause
--     en: Why it ended; empty while it has not.
--     ja: 終了の理由。空欄は継続中。
--   disposition
--     en: What the agent noted, or the word with which a scenario ended it.
--     ja: 担当者が記録した結果、またはシナリオの結果。
--   continues
--     en: The contact that it continues, as a callback does a call.
--     ja: 引き継ぎ元の応対 (折り返しの元の電話など)。

select
  c.id as contact_id,
  c.arrived_at,
  c.channel,
  c.origin,
  c.desk_id as desk,
  c.agent_id as agent,
  extract(epoch from coalesce(c.connected_at, c.ended_at) - c.queued_at)::float8 as waited_s,
  talk.talked_s,
  c.cause,
  c.disposition,
  c.continues_id as continues
from contact c
cross join lateral (
  select max((e.data ->> 'talkedMs')::float8) / 1000 as talked_s
  from event e
  where e.domain_id = c.domain_id and e.contact_id = c.id and e.name = 'connectionCleared' and e.at >= c.arrived_at and e.data ? 'talkedMs'
) talk
where c.domain_id = $1::text and c.arrived_at >= $2::timestamptz and c.arrived_at < $3::timestamptz
  and ($4::text[] is null or c.desk_id = any ($4) or (c.desk_id is null and exists (
    select from desk d where d.domain_id = c.domain_id and d.is_reception and d.id = any ($4))))
order by c.arrived_at desc, c.id desc
limit $5::int
