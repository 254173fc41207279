-- Agents: what their time went to
--   en: Time of agents by state. A state that goes over the end of an interval counts in each of them with its part.
--   ja: 担当者の時間の内訳。時間帯をまたぐ状態は、それぞれの時間帯に分けて数えます。
--
-- States are those of CSTA (ECMA-269). The time of an agent who serves several desks cannot be divided among them: it is there by agent
-- only, of all agents who work at one of the desks. Until now, when the period has not ended yet.
-- Occupancy and utilisation as in Cleveland, Call Center Management on Fast Forward; what other programs call either differs, so compare
-- formulas, not words.
--
-- Parameters
--   $1 domain   $2 from   $3 to (not included)   $4 time zone, as 'Europe/London'
--   $5 interval: '15 minutes', '1 hour', '1 day', 'period' (all in one)   $6 by: 'none', 'agent'
--   $7 desks, or null for all
-- docs/reports.md shows how to run this with psql.
--
-- Columns
--   starts_at
--     en: When the interval begins. On days on which clocks change an hour can be missing, or come twice.
--     ja: 時間帯の開始時刻。夏時間の切り替え日には、一時間が欠けたり二度現れたりします。
--   grp
--     en: Agent.
--     ja: 担当者。
--   logged_on_s
--     en: Time logged on = ready + with contacts + wrap-up + not ready.
--     ja: ログオン時間 = 受付可 + 応対 + 後処理 + 離席。
--   ready_s
--     en: Time ready for a contact, without one.
--     ja: 受付可で応対を待っていた時間。
--   busy_s
--     en: Time with contacts: from the offer on the screen, ringing included, to the end of the talk.
--     ja: 応対の時間。画面に表示されてから (呼び出しを含む) 通話が終わるまで。
--   wrap_up_s
--     en: Time in wrap-up: work after the talk.
--     ja: 後処理の時間。
--   not_ready_s
--     en: Time not ready, for whatever reason: breaks, meetings, and after calls that were not answered.
--     ja: 離席の時間 (休憩、会議、応答しなかった後など、理由を問わず)。
--   occupancy
--     en: Occupancy = (with contacts + wrap-up) ÷ (with contacts + wrap-up + ready). How busy whoever was there for contacts was.
--     ja: 稼働率 (オキュパンシー) = (応対 + 後処理) ÷ (応対 + 後処理 + 受付可)。
--   utilisation
--     en: Utilisation = (with contacts + wrap-up) ÷ logged on. Breaks and meetings count against it.
--     ja: 利用率 = (応対 + 後処理) ÷ ログオン時間。休憩や会議も分母に入ります。

with agent as (
  select u.id
  from app_user u
  where u.domain_id = $1::text and ($7::text[] is null or exists (
    select from app_user_desk d where d.domain_id = u.domain_id and d.user_id = u.id and d.desk_id = any ($7)))
), state as (
  -- the state in which each came into the period
  select agent.id as agent_id, before.name, $2::timestamptz as at, 0::bigint as seq, 0 as n
  from agent
  cross join lateral (
    select e.name
    from event e
    where e.domain_id = $1 and e.agent_id = agent.id and e.at < $2
      and e.name in ('agentLoggedOff', 'agentReady', 'agentNotReady', 'agentBusy', 'agentWorkingAfterCall')
    order by e.at desc, e.seq desc, e.n desc
    limit 1
  ) before
  union all
  select e.agent_id, e.name, e.at, e.seq, e.n
  from event e
  where e.domain_id = $1 and e.agent_id in (select id from agent) and e.at >= $2 and e.at < $3::timestamptz
    and e.name in ('agentLoggedOff', 'agentReady', 'agentNotReady', 'agentBusy', 'agentWorkingAfterCall')
), span as (
  select agent_id, name, at as began_at, lead(at, 1, least($3, now())) over (partition by agent_id order by seq, n) as ended_at
  from state
), part as (
  -- cut at every quarter of an hour: every zone's clock is a whole number of them from UTC
  select
    case $5::text
      when 'period' then $2
      when '1 day' then date_trunc('day', quarter, $4::text)
      when '1 hour' then date_trunc('hour', quarter, $4)
      else quarter
    end as starts_at,
    case $6::text when 'agent' then span.agent_id end as grp,
    span.name,
    extract(epoch from least(span.ended_at, quarter + interval '15 minutes') - greatest(span.began_at, quarter))::float8 as lasted
  from span
  cross join lateral generate_series(
    date_bin('15 minutes', span.began_at, 'epoch'), span.ended_at - interval '1 microsecond', '15 minutes') as quarter
  where span.name <> 'agentLoggedOff'
), summed as (
  select
    starts_at,
    grp,
    sum(lasted) as logged_on_s,
    coalesce(sum(lasted) filter (where name = 'agentReady'), 0) as ready_s,
    coalesce(sum(lasted) filter (where name = 'agentBusy'), 0) as busy_s,
    coalesce(sum(lasted) filter (where name = 'agentWorkingAfterCall'), 0) as wrap_up_s,
    coalesce(sum(lasted) filter (where name = 'agentNotReady'), 0) as not_ready_s
  from part
  group by starts_at, grp
)
select
  starts_at, grp, logged_on_s, ready_s, busy_s, wrap_up_s, not_ready_s,
  (busy_s + wrap_up_s) / nullif(busy_s + wrap_up_s + ready_s, 0) as occupancy,
  (busy_s + wrap_up_s) / nullif(logged_on_s, 0) as utilisation
from summed
order by starts_at, grp nulls last
