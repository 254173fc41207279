-- Service: how the calls were answered that came to a desk's queue
--   en: Calls that came to a desk's queue. Each counts once, in the interval in which it arrived, whenever it was answered or over.
--   ja: 窓口の待ち行列に入った電話。応答や終了の時刻にかかわらず、着信した時間帯に一度だけ数えます。
--
-- Left out: callbacks and notices (callbacks.sql, handling.sql), messages, and whoever hung up in a dialogue before any queue.
-- A call waits from the queue to its first agent; the dialogue before the queue is no waiting, ringing is.
-- Names as in the trade (Cleveland, Call Center Management on Fast Forward; ICMI, "Service Level Calculations", where the two formulas of
-- the service level below are numbers 4 and 3 of five).
--
-- Parameters
--   $1 domain   $2 from   $3 to (not included)   $4 time zone, as 'Europe/London'
--   $5 interval: '15 minutes', '1 hour', '1 day', 'period' (all in one)   $6 by: 'none', 'desk', 'agent', 'disposition'
--   $7 desks, or null for all   $8 T, the target of the service level, in seconds
-- docs/reports.md shows how to run this with psql.
--
-- Columns
--   starts_at
--     en: When the interval begins. On days on which clocks change an hour can be missing, or come twice.
--     ja: 時間帯の開始時刻。夏時間の切り替え日には、一時間が欠けたり二度現れたりします。
--   grp
--     en: Desk, agent who talked last (empty: nobody did), or what the agent noted (disposition).
--     ja: 窓口、最後に話した担当者 (空欄は応答なし)、または対応結果。
--   offered
--     en: Calls that came to the queue = answered + abandoned + to callback + to message + other + waiting.
--     ja: 待ち行列に入った電話 = 応答 + 放棄 + 折り返しへ + 伝言へ + その他 + 待機中。
--   answered
--     en: Calls that were connected with an agent, at least once.
--     ja: 一度でも担当者につながった電話。
--   answered_in_time
--     en: Answered calls that had waited T at most. T is the target that is chosen above.
--     ja: 待ち時間が T 以下で応答した電話。T は上で選んだ目標時間です。
--   abandoned
--     en: Calls whose caller hung up after coming to the queue, before any agent answered.
--     ja: 待ち行列に入ったあと、担当者が出る前に切られた電話。
--   abandoned_in_time
--     en: Abandoned calls that had waited T at most ("short" abandonments).
--     ja: 待ち時間が T 以下で切られた電話 (短時間放棄)。
--   to_callback
--     en: Calls whose caller chose, while waiting, to be called back.
--     ja: 待っている間に折り返しを選んだ電話。
--   to_message
--     en: Calls whose caller left a message instead of waiting on.
--     ja: 待つ代わりに伝言を残した電話。
--   other
--     en: Calls that left the queue otherwise: put through to a number outside, ended by a scenario, or lost with the switch.
--     ja: その他の形で待ち行列を離れた電話 (外部への転送、シナリオによる終了、交換機の障害)。
--   waiting
--     en: Calls that still wait. They count in no share and no mean yet.
--     ja: まだ待っている電話。割合と平均にはまだ入りません。
--   service_level
--     en: Service level, short abandonments left out = answered in time ÷ (answered + abandoned after more than
--         T). Who hung up within T is not counted.
--     ja: サービスレベル (短時間放棄を除く) =
--         T 以内の応答 ÷ (応答 + T を超えた放棄)。T 以内に切った人は数えません。
--   service_level_all
--     en: Service level, all abandonments count against it = answered in time ÷ (answered + abandoned). Never
--         higher than the other one.
--     ja: サービスレベル (すべての放棄を含む) = T 以内の応答 ÷ (応答 + 放棄)。もう一方より高くなることはありません。
--   abandonment
--     en: Share of calls that were abandoned = abandoned ÷ (answered + abandoned).
--     ja: 放棄率 = 放棄 ÷ (応答 + 放棄)。
--   asa_s
--     en: Average speed of answer (ASA): mean time from the queue to the agent, of answered calls.
--     ja: 平均応答時間 (ASA)。応答した電話が待ち行列に入ってから担当者につながるまでの平均。
--   abandoned_after_s
--     en: Mean time from the queue until abandoned calls were hung up.
--     ja: 放棄された電話の平均待ち時間。
--   longest_s
--     en: The longest wait among answered and abandoned calls.
--     ja: 応答または放棄された電話のうち最長の待ち時間。

with call as (
  select
    case $5::text
      when 'period' then $2::timestamptz
      when '1 day' then date_trunc('day', c.arrived_at, $4::text)
      when '1 hour' then date_trunc('hour', c.arrived_at, $4)
      else date_bin('15 minutes', c.arrived_at, 'epoch')
    end as starts_at,
    case $6::text when 'desk' then c.desk_id when 'agent' then c.agent_id when 'disposition' then c.disposition end as grp,
    c.ended_at,
    c.cause,
    c.connected_at is not null as answered,
    c.connected_at is null and c.cause in ('abandonedInQueue', 'abandonedWhileRinging', 'abandonedInScenario') as abandoned,
    extract(epoch from coalesce(c.connected_at, c.ended_at) - c.queued_at)::float8 as waited
  from contact c
  where c.domain_id = $1::text and c.arrived_at >= $2 and c.arrived_at < $3::timestamptz
    and c.channel = 'voice' and c.queued_at is not null
    and ($7::text[] is null or c.desk_id = any ($7))
), counted as (
  select
    starts_at,
    grp,
    count(*)::int as offered,
    (count(*) filter (where answered))::int as answered,
    (count(*) filter (where answered and waited <= $8::float8))::int as answered_in_time,
    (count(*) filter (where abandoned))::int as abandoned,
    (count(*) filter (where abandoned and waited <= $8))::int as abandoned_in_time,
    (count(*) filter (where not answered and cause = 'callbackPromised'))::int as to_callback,
    (count(*) filter (where not answered and cause = 'messageLeft'))::int as to_message,
    (count(*) filter (where not answered and ended_at is null))::int as waiting,
    avg(waited) filter (where answered) as asa_s,
    avg(waited) filter (where abandoned) as abandoned_after_s,
    max(waited) filter (where answered or abandoned) as longest_s
  from call
  group by starts_at, grp
)
select
  starts_at, grp, offered, answered, answered_in_time, abandoned, abandoned_in_time, to_callback, to_message,
  offered - answered - abandoned - to_callback - to_message - waiting as other,
  waiting,
  answered_in_time / nullif(answered + abandoned - abandoned_in_time, 0)::float8 as service_level,
  answered_in_time / nullif(answered + abandoned, 0)::float8 as service_level_all,
  abandoned / nullif(answered + abandoned, 0)::float8 as abandonment,
  asa_s, abandoned_after_s, longest_s
from counted
order by starts_at, grp nulls last
