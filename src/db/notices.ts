/** Notices, their recipients, and how far they are. Whether a recipient was launched is asked of `contact`, and of nothing else. */
import type { Pool } from 'pg';
import type { DeskId, DomainId, E164, EpochMs, Language, NoticeId } from '../base/ids.ts';
import type { Notice, NoticeAction, NoticeActionName, NoticePace, NoticeProgress, NoticeRecipient, NoticeState } from '../base/notice.ts';
import { type Queryable, transaction } from './pool.ts';

const MINUTE_MS = 60_000;
/** The latest that are over: so many tell the pace, and a night in between is soon forgotten. */
const LATEST = 20;

const ms = (column: string): string => `round(extract(epoch from ${column}) * 1000)::float8`;
const at = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`;

const NOTICE = `n.id, n.domain_id as "domainId", n.desk_id as "deskId", n.language, n.text, n.scenario, n.state,
  jsonb_build_object('atATime', n.at_a_time, 'perMinute', n.per_minute) as pace, n.total,
  ${ms('n.created_at')} as "createdAt", n.created_by as "createdBy"`;

/** Of contact `c` at the time `$2`: it rests until its next attempt. */
const RESTS = `coalesce((c.doc #>> '{timers,retry}')::float8 > $2, false)`;

/** Of contact `c`: its recipient was told, by an agent or a scenario. */
const REACHED = `c.cause in ('handled', 'noticeTold')`;

/**
 * NoticeProgress of notice `n` at the time `$2`, as it is now. Supervisors' screens ask every few seconds: one pass over its contacts, whose
 * documents are looked into only as long as they are not over.
 */
const PROGRESS = `(
  select jsonb_build_object(
    'waiting', case when n.state = 'stopped' then 0 else n.total - launched end,
    'underWay', live, 'resting', resting, 'reached', reached, 'notReached', launched - live - reached - stopped,
    'stopped', stopped + case when n.state = 'stopped' then n.total - launched else 0 end,
    'dispositions', dispositions, 'causes', causes,
    'latest', (
      select case count(*) when 0 then null when ${LATEST + 1} then jsonb_build_object('ended', ${LATEST}, 'since', ${ms('min(ended_at)')})
        else jsonb_build_object('ended', count(*), 'since', ${ms('first')}) end
      from (select c.ended_at from contact c where c.domain_id = n.domain_id and c.notice_id = n.id and c.ended_at is not null
        order by c.ended_at desc limit ${LATEST + 1}) l),
    'overAt', ${ms('n.over_at')})
  from (
    select coalesce(sum(k), 0)::integer as launched, coalesce(sum(k) filter (where cause is null), 0)::integer as live,
      coalesce(sum(k) filter (where rests), 0)::integer as resting, coalesce(sum(k) filter (where disposition is not null), 0)::integer as reached,
      coalesce(sum(k) filter (where cause = 'noticeStopped'), 0)::integer as stopped, min(first) as first,
      coalesce(jsonb_object_agg(disposition, k) filter (where disposition is not null), '{}') as dispositions,
      coalesce(jsonb_object_agg(cause, k) filter (where disposition is null and cause <> 'noticeStopped'), '{}') as causes
    from (
      select case when ${REACHED} then '' else c.cause end as cause, case when ${REACHED} then coalesce(c.disposition, '') end as disposition,
        case when c.ended_at is null then ${RESTS} else false end as rests, count(*) as k, min(c.arrived_at) as first
      from contact c where c.domain_id = n.domain_id and c.notice_id = n.id group by 1, 2, 3
    ) groups
  ) counts)`;

export interface NewNotice {
  /** Chosen by who asks: the same twice makes one notice. */
  readonly requestId: string;
  readonly deskId: DeskId;
  readonly language: Language;
  readonly text: string;
  /** The scenario that tells it; left out or null: agents do. */
  readonly scenario?: string | null;
  readonly pace: NoticePace;
  readonly recipients: readonly NoticeRecipient[];
  readonly by: string;
}

/**
 * Creates a running notice, whole or not at all.
 * @returns its id; of the one that was made before, when this was asked for already
 */
export async function createNotice(pool: Pool, domainId: DomainId, notice: NewNotice, now: EpochMs): Promise<NoticeId> {
  return transaction(pool, async (client) => {
    // One after another, so that numbers have no gaps; the domain's own row is the floor's, and busy.
    await client.query(`select pg_advisory_xact_lock(hashtext('notice of ' || $1))`, [domainId]);
    const before = await client.query<{ id: NoticeId }>('select id from notice where domain_id = $1 and request_id = $2', [
      domainId,
      notice.requestId,
    ]);
    if (before.rows[0]) return before.rows[0].id;
    const { deskId, language, text, scenario = null, pace, recipients } = notice;
    const { rows } = await client.query<{ id: NoticeId }>(
      `insert into notice (domain_id, id, request_id, desk_id, language, text, state, at_a_time, per_minute, total, created_at, created_by, scenario)
       select $1, (select coalesce(max(id::integer), 0) + 1 from notice where domain_id = $1), $2, $3, $4, $5, 'running', $6, $7, $8,
         ${at('$9')}, $10, $11
       returning id`,
      [domainId, notice.requestId, deskId, language, text, pace.atATime, pace.perMinute, recipients.length, now, notice.by, scenario],
    );
    const id = (rows[0] as { id: NoticeId }).id;
    await client.query(
      `insert into notice_recipient (domain_id, notice_id, position, number, country, name)
       select $1, $2, g.id::integer, g.number, g.country, g.name
       from jsonb_to_recordset($3::jsonb) as g(id text, number text, country text, name text)`,
      [domainId, id, JSON.stringify(recipients)],
    );
    await client.query(
      `insert into notice_action (domain_id, notice_id, at, by_whom, action) values ($1, $2, ${at('$3')}, $4, 'created')`,
      [domainId, id, now, notice.by],
    );
    return id;
  });
}

export interface NoticeWithProgress {
  readonly notice: Notice;
  readonly progress: NoticeProgress;
}
type NoticeRow = Notice & { readonly progress: NoticeProgress };
const withProgress = ({ progress, ...notice }: NoticeRow): NoticeWithProgress => ({ notice, progress });

/** The latest notices, those that are not over first. @param deskIds null: of all desks, also of those that are gone */
export async function listNotices(
  db: Queryable,
  domainId: DomainId,
  deskIds: Iterable<DeskId> | null,
  limit: number,
  now: EpochMs,
): Promise<readonly NoticeWithProgress[]> {
  const { rows } = await db.query<NoticeRow>(
    `select ${NOTICE}, coalesce(n.result, ${PROGRESS}) as progress
     from (select * from notice where domain_id = $1 and ($3::text[] is null or desk_id = any($3)) order by over_at is null desc, created_at desc, id::integer desc
       limit $4) n
     order by n.over_at is null desc, n.created_at desc, n.id::integer desc`,
    [domainId, now, deskIds && [...deskIds], limit],
  );
  return rows.map(withProgress);
}

/** Null when there is none of this number. */
export async function findNotice(
  db: Queryable,
  domainId: DomainId,
  id: NoticeId,
  now: EpochMs,
): Promise<(NoticeWithProgress & { readonly actions: readonly NoticeAction[] }) | null> {
  const { rows } = await db.query<NoticeRow & { readonly actions: NoticeAction[] }>(
    `select ${NOTICE}, coalesce(n.result, ${PROGRESS}) as progress,
       (select jsonb_agg(jsonb_build_object('at', ${ms('a.at')}, 'by', a.by_whom, 'action', a.action, 'reason', a.reason) order by a.n)
        from notice_action a where a.domain_id = n.domain_id and a.notice_id = n.id) as actions
     from notice n where n.domain_id = $1 and n.id = $3`,
    [domainId, now, id],
  );
  const [row] = rows;
  if (!row) return null;
  const { actions, ...notice } = row;
  return { ...withProgress(notice), actions };
}

/** From which states each change leads where. */
const CHANGES = {
  paused: { from: ['running'], to: 'paused' },
  resumed: { from: ['paused'], to: 'running' },
  stopped: { from: ['running', 'paused'], to: 'stopped' },
} as const satisfies Partial<Record<NoticeActionName, { from: readonly NoticeState[]; to: NoticeState }>>;
export type NoticeChange = keyof typeof CHANGES;

/**
 * Pauses, resumes or stops a notice, and notes who did.
 * @param by null: by itself, for `reason`
 * @returns its state from now on, whether or not this changed it; null when there is no such notice
 */
export async function changeNotice(
  db: Queryable,
  domainId: DomainId,
  id: NoticeId,
  change: NoticeChange,
  by: string | null,
  now: EpochMs,
  reason: string | null = null,
): Promise<NoticeState | null> {
  const { from, to } = CHANGES[change];
  const { rows } = await db.query<{ state: NoticeState }>(
    `with changed as (
       update notice set state = $4 where domain_id = $1 and id = $2 and state = any($3) returning domain_id, id, state
     ), noted as (
       insert into notice_action (domain_id, notice_id, at, by_whom, action, reason)
       select domain_id, id, ${at('$5')}, $6, $7, $8 from changed
     )
     select coalesce((select state from changed), n.state) as state from notice n where n.domain_id = $1 and n.id = $2`,
    [domainId, id, from, to, now, by, change, reason],
  );
  return rows[0]?.state ?? null;
}

/** Of these numbers, those that wait in a notice which is not over, and in which. */
export async function waitingInNotices(db: Queryable, domainId: DomainId, numbers: readonly E164[]): Promise<ReadonlyMap<E164, NoticeId>> {
  const { rows } = await db.query<{ number: E164; id: NoticeId }>(
    `select distinct on (r.number) r.number, r.notice_id as id
     from notice n join notice_recipient r on r.domain_id = n.domain_id and r.notice_id = n.id
     where n.domain_id = $1 and n.over_at is null and n.state <> 'stopped' and r.number = any($2)
       and not exists (select from contact c where c.domain_id = r.domain_id and c.notice_id = r.notice_id
         and c.notice_recipient_id = r.position::text and c.state = 'ended')
     order by r.number, r.notice_id::integer`,
    [domainId, numbers],
  );
  return new Map(rows.map(({ number, id }) => [number, id]));
}

/** A recipient and what came of it. */
export interface RecipientOutcome {
  readonly number: E164;
  readonly name: string;
  readonly state: 'waiting' | 'underWay' | 'reached' | 'notReached' | 'stopped';
  /** The cause when not reached, the disposition when reached. */
  readonly outcome: string | null;
  readonly attempts: number;
  readonly endedAt: EpochMs | null;
}

/** Everybody of a notice in the order of the list. */
export async function noticeOutcomes(db: Queryable, domainId: DomainId, id: NoticeId): Promise<readonly RecipientOutcome[]> {
  const { rows } = await db.query<RecipientOutcome>(
    `select r.number, r.name,
       case when c.id is null then case when n.state = 'stopped' then 'stopped' else 'waiting' end
         when c.state <> 'ended' then 'underWay' when ${REACHED} then 'reached' when c.cause = 'noticeStopped' then 'stopped'
         else 'notReached' end as state,
       case when ${REACHED} then c.disposition else c.cause end as outcome,
       coalesce((c.doc ->> 'attempts')::integer, 0) as attempts, ${ms('c.ended_at')} as "endedAt"
     from notice n join notice_recipient r on r.domain_id = n.domain_id and r.notice_id = n.id
     left join contact c on c.domain_id = r.domain_id and c.notice_id = r.notice_id and c.notice_recipient_id = r.position::text
     where n.domain_id = $1 and n.id = $2 order by r.position`,
    [domainId, id],
  );
  return rows;
}

// ---------------------------------------------------------------- for the feeder

export interface NoticeLookRow {
  readonly notice: Notice;
  readonly active: number;
  readonly live: number;
  readonly inQueue: number;
  readonly lastMinute: number;
  readonly roomAt: EpochMs;
}

/** What the feeder of one domain asks and writes. */
export class PgNoticeStore {
  readonly #db: Queryable;
  readonly #domainId: DomainId;

  constructor(db: Queryable, domainId: DomainId) {
    this.#db = db;
    this.#domainId = domainId;
  }

  async open(now: EpochMs): Promise<readonly NoticeLookRow[]> {
    const { rows } = await this.#db.query<Notice & Omit<NoticeLookRow, 'notice'>>(
      `select ${NOTICE}, l.live, l.active, l."inQueue",
         (select count(*) from contact c where c.domain_id = n.domain_id and c.notice_id = n.id
            and c.arrived_at > ${at('$2')} - interval '${MINUTE_MS} ms')::float8 as "lastMinute",
         coalesce((select ${ms('c.arrived_at')} + ${MINUTE_MS} from contact c where c.domain_id = n.domain_id and c.notice_id = n.id
            order by c.arrived_at desc offset n.per_minute - 1 limit 1), 0) as "roomAt"
       from notice n, lateral (
         select count(*)::float8 as live, count(*) filter (where not ${RESTS})::float8 as active,
           count(*) filter (where c.state not in ('scenario', 'offered', 'connected', 'wrapUp'))::float8 as "inQueue"
         from contact c where c.domain_id = n.domain_id and c.notice_id = n.id and c.ended_at is null
       ) l
       where n.domain_id = $1 and n.over_at is null order by n.created_at, n.id::integer`,
      [this.#domainId, now],
    );
    return rows.map(({ live, active, inQueue, lastMinute, roomAt, ...notice }) => ({ notice, live, active, inQueue, lastMinute, roomAt }));
  }

  async next(noticeId: NoticeId, after: number, limit: number): Promise<readonly NoticeRecipient[]> {
    const { rows } = await this.#db.query<NoticeRecipient>(
      `select r.position::text as id, r.number, r.country, r.name from notice_recipient r
       where r.domain_id = $1 and r.notice_id = $2 and r.position > $3
         and not exists (select from contact c
           where c.domain_id = r.domain_id and c.notice_id = r.notice_id and c.notice_recipient_id = r.position::text)
       order by r.position limit $4`,
      [this.#domainId, noticeId, after, limit],
    );
    return rows;
  }

  async finish(noticeId: NoticeId, now: EpochMs): Promise<void> {
    await this.#db.query(
      `with over as (
         update notice n set state = case when n.state = 'stopped' then 'stopped' else 'done' end, over_at = ${at('$2')},
           result = ${PROGRESS} || jsonb_build_object('overAt', $2::float8)
         where n.domain_id = $1 and n.id = $3 and n.over_at is null
           and not exists (select from contact c where c.domain_id = n.domain_id and c.notice_id = n.id and c.ended_at is null)
           and (n.state = 'stopped' or not exists (select from notice_recipient r where r.domain_id = n.domain_id and r.notice_id = n.id
             and not exists (select from contact c where c.domain_id = r.domain_id and c.notice_id = r.notice_id
               and c.notice_recipient_id = r.position::text)))
         returning n.domain_id, n.id, n.state
       )
       insert into notice_action (domain_id, notice_id, at, by_whom, action)
       select domain_id, id, ${at('$2')}, null, 'done' from over where state = 'done'`,
      [this.#domainId, now, noticeId],
    );
  }

  async pause(noticeId: NoticeId, now: EpochMs, reason: string): Promise<void> {
    await changeNotice(this.#db, this.#domainId, noticeId, 'paused', null, now, reason);
  }
}
