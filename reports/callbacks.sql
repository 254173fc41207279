-- Callbacks: who asked to be called, and who was
--   en: Callbacks, whatever they come from: the web button, a key while waiting, giving up, a message, a lost line.
--       Each counts once, in the interval in which its place in the queue begins.
--   ja: 折り返し (ウェブ、待ち時間中の選択、放棄、伝言、回線の障害)。
--       待ち行列での順番が始まった時間帯に一度だけ数えます。
--
-- A callback that continues a call has the call's place, and so its time of arrival. Notices are no callbacks: `npm run notice -- show`.
--
-- Parameters
--   $1 domain   $2 from   $3 to (not included)   $4 time zone, as 'Europe/London'
--   $5 interval: '15 minutes', '1 hour', '1 day', 'period' (all in one)   $6 by: 'none', 'desk', 'agent', 'origin', 'disposition'
--   $7 desks, or null for all
-- docs/reports.md shows how to run this with psql.
--
-- Columns
--   starts_at
--     en: When the interval begins. On days on which clocks change an hour can be missing, or come twice.
--     ja: 時間帯の開始時刻。夏時間の切り替え日には、一時間が欠けたり二度現れたりします。
--   grp
--     en: Desk, agent who talked last (empty: nobody did), where it comes from, or what the agent noted (disposition).
--     ja: 窓口、最後に話した担当者 (空欄はつながらず)、依頼の経路、または対応結果。
--   requested
--     en: Callbacks to be made = reached + not reached + cancelled + called again + other + open.
--     ja: 依頼された折り返し = 接続 + 不通 + 取り消し + 再着信 + その他 + 未完了。
--   reached
--     en: Callbacks whose party talked with an agent.
--     ja: 相手と担当者がつながった折り返し。
--   not_reached
--     en: Callbacks given up, as all attempts were in vain.
--     ja: すべての発信が不通で終わった折り返し。
--   cancelled
--     en: Cancelled by the one who asked.
--     ja: 依頼した人が取り消した折り返し。
--   called_again
--     en: Who asked called again before being called.
--     ja: 折り返す前に本人から再び電話があったもの。
--   other
--     en: Ended otherwise: the party hung up before an agent answered, or the switch was lost.
--     ja: その他 (担当者が出る前に切られた、交換機の障害)。
--   open
--     en: Callbacks that are still to be made.
--     ja: まだ折り返していないもの。
--   attempts
--     en: How often somebody was dialled for them.
--     ja: 発信した回数の合計。
--   reached_share
--     en: Share of callbacks that are over whose party was reached = reached ÷ (requested − open).
--     ja: 接続率 = 接続 ÷ (依頼 − 未完了)。
--   reached_after_s
--     en: Mean time from asking (or from the agreed time) until agent and party talked, of those reached.
--     ja: 依頼 (または約束の時刻) から通話までの平均時間 (接続したもののみ)。
--   agreed
--     en: Callbacks for which a time was agreed.
--     ja: 時刻を約束した折り返し。
--   agreed_kept
--     en: Callbacks for which a time was agreed, and whose party talked with an agent within 15 minutes of it.
--     ja: 約束の時刻から 15 分以内につながった折り返し。

with callback as (
  select
    case $5::text
      when 'period' then $2::timestamptz
      when '1 day' then date_trunc('day', c.arrived_at, $4::text)
      when '1 hour' then date_trunc('hour', c.arrived_at, $4)
      else date_bin('15 minutes', c.arrived_at, 'epoch')
    end as starts_at,
    case $6::text
      when 'desk' then c.desk_id when 'agent' then c.agent_id when 'origin' then c.origin when 'disposition' then c.disposition
    end as grp,
    c.connected_at is not null as reached,
    c.connected_at is null and c.ended_at is null as open,
    c.cause,
    c.promised_at,
    (c.doc ->> 'attempts')::int as attempts,
    extract(epoch from c.connected_at - coalesce(c.promised_at, c.queued_at, c.arrived_at))::float8 as after_s
  from contact c
  where c.domain_id = $1::text and c.arrived_at >= $2 and c.arrived_at < $3::timestamptz
    and c.channel = 'callback'
    and ($7::text[] is null or c.desk_id = any ($7))
), counted as (
  select
    starts_at,
    grp,
    count(*)::int as requested,
    (count(*) filter (where reached))::int as reached,
    (count(*) filter (where not reached and cause = 'callbackFailed'))::int as not_reached,
    (count(*) filter (where not reached and cause = 'callbackCancelled'))::int as cancelled,
    (count(*) filter (where not reached and cause = 'calledAgain'))::int as called_again,
    (count(*) filter (where open))::int as open,
    coalesce(sum(attempts), 0)::int as attempts,
    avg(after_s) filter (where reached) as reached_after_s,
    count(promised_at)::int as agreed,
    (count(*) filter (where promised_at is not null and after_s <= 900))::int as agreed_kept
  from callback
  group by starts_at, grp
)
select
  starts_at, grp, requested, reached, not_reached, cancelled, called_again,
  requested - reached - not_reached - cancelled - called_again - open as other,
  open, attempts,
  reached / nullif(requested - open, 0)::float8 as reached_share,
  reached_after_s, agreed, agreed_kept
from counted
order by starts_at, grp nulls last
