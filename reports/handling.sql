-- Handling: what agents were offered, and what became of it
--   en: Offers to agents, on all channels. Each counts once, in the interval in which it was made.
--       A contact that goes from one agent to another is one segment with each.
--   ja: 全チャネルで担当者に割り当てられた応対。割り当てた時間帯に一度だけ数えます。
--       担当者が替わった応対は、担当者ごとに一つの区間になります。
--
-- A segment is what one agent had of one contact: transferred, taken over or reconnected contacts have several. An offer that an agent
-- did not answer (RONA, ring on no answer) is no segment. Talk is from the moment at which agent and party (or, of a message, agent and
-- recording) were together until they were not; holding is part of it. Notices that a scenario tells are offered to nobody.
-- AHT = talk + work after it, per segment (Cleveland; ICMI). Ends are looked for up to a day after the period.
--
-- Parameters
--   $1 domain   $2 from   $3 to (not included)   $4 time zone, as 'Europe/London'
--   $5 interval: '15 minutes', '1 hour', '1 day', 'period' (all in one)   $6 by: 'none', 'desk', 'agent', 'channel', 'disposition'
--   $7 desks, or null for all
-- docs/reports.md shows how to run this with psql.
--
-- Columns
--   starts_at
--     en: When the interval begins. On days on which clocks change an hour can be missing, or come twice.
--     ja: 時間帯の開始時刻。夏時間の切り替え日には、一時間が欠けたり二度現れたりします。
--   grp
--     en: Desk, agent, channel, or what was noted of the contact (disposition).
--     ja: 窓口、担当者、チャネル、または対応結果。
--   offers
--     en: Contacts put before an agent = segments + no answer + declined + not reachable + withdrawn + open.
--     ja: 担当者への割り当て = 区間 + 応答なし + 辞退 + 接続不可 + 取り下げ + 進行中。
--   no_answer
--     en: RONA (ring on no answer): the agent's phone rang, or the message was shown, and the agent let it lapse.
--     ja: RONA。呼び出しても担当者が応答しなかった割り当て。
--   declined
--     en: The agent declined.
--     ja: 担当者が辞退した割り当て。
--   unreachable
--     en: The agent's panel or phone was gone before anybody talked.
--     ja: 話し始める前に担当者の画面または電話が切断された割り当て。
--   withdrawn
--     en: Came to nothing without the agent's doing: the caller hung up, the party of a callback was not reached, or the switch was lost.
--     ja: 担当者以外の理由で終わった割り当て (相手が切った、折り返し先が出ない、交換機の障害)。
--   open
--     en: Offers that are still under way, and have come to no talk yet.
--     ja: まだ進行中で、通話に至っていない割り当て。
--   rona
--     en: Share of offers that the agent did not answer = no answer ÷ offers.
--     ja: RONA 率 = 応答なし ÷ 割り当て。
--   segments
--     en: Talks of an agent with a party, and messages that an agent took.
--     ja: 担当者と相手の通話、および担当者が受け取った伝言。
--   later_segments
--     en: Segments of contacts that another agent, or the same one, had talked with before: transferred, taken over, reconnected.
--     ja: すでに一度応対された応対の続きの区間 (転送、引き継ぎ、再接続)。
--   handled
--     en: Segments that are over, work after them included. Only these count in the times below.
--     ja: 後処理まで終わった区間。以下の時間はこれだけから計算します。
--   talk_s
--     en: Time of talk of handled segments, holding included.
--     ja: 終わった区間の通話時間の合計 (保留を含む)。
--   wrap_up_s
--     en: Time of work after the talk of handled segments.
--     ja: 終わった区間の後処理時間の合計。
--   mean_talk_s
--     en: Average talk time = talk ÷ handled.
--     ja: 平均通話時間 = 通話 ÷ 終わった区間。
--   mean_wrap_up_s
--     en: Average after-call work (ACW) = work after the talk ÷ handled.
--     ja: 平均後処理時間 (ACW) = 後処理 ÷ 終わった区間。
--   aht_s
--     en: Average handling time (AHT) = (talk + work after it) ÷ handled.
--     ja: 平均処理時間 (AHT) = (通話 + 後処理) ÷ 終わった区間。

with log as materialized (
  select e.seq, e.n, e.at, e.name, e.contact_id, e.offer_id, e.agent_id
  from event e
  where e.domain_id = $1::text and e.at >= $2::timestamptz and e.at < $3::timestamptz + interval '1 day'
    and e.name in ('offered', 'established', 'wrapUpStarted', 'wrapUpCompleted')
), talk as (
  select offer_id, min(at) as began_at from log where name = 'established' and offer_id is not null group by offer_id
), wrap_up as (
  select offer_id, at as began_at, case next_name when 'wrapUpCompleted' then next_at end as ended_at
  from (
    select name, offer_id, at, lead(name) over next as next_name, lead(at) over next as next_at
    from log
    where name in ('wrapUpStarted', 'wrapUpCompleted')
    window next as (partition by contact_id, agent_id order by seq, n)
  ) step
  where name = 'wrapUpStarted'
), made as (
  select
    case $5::text
      when 'period' then $2
      when '1 day' then date_trunc('day', e.at, $4::text)
      when '1 hour' then date_trunc('hour', e.at, $4)
      else date_bin('15 minutes', e.at, 'epoch')
    end as starts_at,
    case $6::text
      when 'desk' then o.desk_id when 'agent' then o.agent_id when 'channel' then c.channel when 'disposition' then c.disposition
    end as grp,
    o.outcome,
    talk.began_at is not null as talked,
    talk.began_at > c.connected_at as later,
    talk.began_at is not null and o.ended_at is not null and (wrap_up.began_at is null or wrap_up.ended_at is not null) as handled,
    extract(epoch from o.ended_at - talk.began_at)::float8 as talk_s,
    coalesce(extract(epoch from wrap_up.ended_at - wrap_up.began_at)::float8, 0) as wrap_up_s
  from log e
  join offer o on o.domain_id = $1 and o.id = e.offer_id
  join contact c on c.domain_id = $1 and c.id = o.contact_id
  left join talk on talk.offer_id = o.id
  left join wrap_up on wrap_up.offer_id = o.id
  where e.name = 'offered' and e.at < $3 and ($7::text[] is null or o.desk_id = any ($7))
), counted as (
  select
    starts_at,
    grp,
    count(*)::int as offers,
    (count(*) filter (where not talked and outcome = 'noAnswer'))::int as no_answer,
    (count(*) filter (where not talked and outcome = 'declined'))::int as declined,
    (count(*) filter (where not talked and outcome in ('panelLost', 'phoneUnreachable')))::int as unreachable,
    (count(*) filter (where not talked and outcome is null))::int as open,
    (count(*) filter (where talked))::int as segments,
    (count(*) filter (where later))::int as later_segments,
    (count(*) filter (where handled))::int as handled,
    coalesce(sum(talk_s) filter (where handled), 0) as talk_s,
    coalesce(sum(wrap_up_s) filter (where handled), 0) as wrap_up_s
  from made
  group by starts_at, grp
)
select
  starts_at, grp, offers, no_answer, declined, unreachable,
  offers - segments - no_answer - declined - unreachable - open as withdrawn,
  open,
  no_answer / nullif(offers, 0)::float8 as rona,
  segments, later_segments, handled, talk_s, wrap_up_s,
  talk_s / nullif(handled, 0) as mean_talk_s,
  wrap_up_s / nullif(handled, 0) as mean_wrap_up_s,
  (talk_s + wrap_up_s) / nullif(handled, 0) as aht_s
from counted
order by starts_at, grp nulls last
