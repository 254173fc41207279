/** What scenarios had sent by hooks, until the receiver has taken it (`channels/hooks.ts`). */
import type { ContactId, DomainId, EpochMs } from '../base/ids.ts';
import type { Queryable } from './pool.ts';

interface Job {
  readonly key: string;
  readonly contactId: ContactId;
  readonly hook: string;
  readonly values: Readonly<Record<string, string | number | boolean>>;
}

interface DueJob extends Job {
  readonly idempotencyKey: string;
  readonly tries: number;
}

const TIME = (parameter: number): string => `to_timestamp($${parameter}::float8 / 1000)`;

/** `HookStore` of a domain. */
export class PgHookStore {
  readonly #db: Queryable;
  readonly #domainId: DomainId;

  constructor(db: Queryable, domainId: DomainId) {
    this.#db = db;
    this.#domainId = domainId;
  }

  async add({ key, contactId, hook, values }: Job, at: EpochMs): Promise<void> {
    await this.#db.query(
      `insert into hook_job (domain_id, key, contact_id, hook, fields, created_at, due_at)
       values ($1, $2, $3, $4, $5, ${TIME(6)}, ${TIME(6)}) on conflict do nothing`,
      [this.#domainId, key, contactId, hook, JSON.stringify(values), at],
    );
  }

  /** Two that take at once get different ones. */
  async take(now: EpochMs, heldUntil: EpochMs, limit: number): Promise<readonly DueJob[]> {
    const { rows } = await this.#db.query<DueJob>(
      `with due as (
         select key from hook_job where domain_id = $1 and due_at <= ${TIME(2)} order by due_at, key limit $4 for update skip locked
       )
       update hook_job j set due_at = ${TIME(3)}, tries = tries + 1 from due where j.domain_id = $1 and j.key = due.key
       returning j.key, j.idempotency_key as "idempotencyKey", j.contact_id as "contactId", j.hook, j.fields as values, j.tries`,
      [this.#domainId, now, heldUntil, limit],
    );
    return rows;
  }

  async again({ key, tries }: DueJob, dueAt: EpochMs, failure: string): Promise<void> {
    await this.#db.query(
      `update hook_job set due_at = ${TIME(4)}, failure = $5 where domain_id = $1 and key = $2 and tries = $3 and state = 'waiting'`,
      [this.#domainId, key, tries, dueAt, failure],
    );
  }

  /** Once it is sent, nobody needs the number and the text any more. */
  async finish({ key }: DueJob, at: EpochMs, failure: string | null): Promise<void> {
    await this.#db.query(
      `update hook_job set state = case when $4::text is null then 'sent' else 'givenUp' end, due_at = null, over_at = ${TIME(3)},
         failure = $4, fields = case when $4::text is null then null else fields end
       where domain_id = $1 and key = $2 and state = 'waiting'`,
      [this.#domainId, key, at, failure],
    );
  }

  /** How many of each hook wait or were given up. */
  async counts(): Promise<readonly { readonly hook: string; readonly state: 'waiting' | 'givenUp'; readonly count: number }[]> {
    const { rows } = await this.#db.query<{ hook: string; state: 'waiting' | 'givenUp'; count: number }>(
      `select hook, state, count(*)::int as count from hook_job where domain_id = $1 and state <> 'sent' group by hook, state`,
      [this.#domainId],
    );
    return rows;
  }
}

/** Deletes what was over before a time, in all domains. */
export async function forgetHooks(db: Queryable, before: EpochMs): Promise<void> {
  await db.query(`delete from hook_job where over_at < ${TIME(1)}`, [before]);
}
