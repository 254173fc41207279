/** Keeps count of call-me requests, so that a flood gets a refusal and not a hundred calls. */
import type { Pool } from 'pg';
import type { DomainId, EpochMs } from '../base/ids.ts';
import { type Queryable, transaction } from './pool.ts';

export interface CallMeLimits {
  /** Each per hour. */
  readonly perNumber: number;
  readonly perAddress: number;
  readonly inAll: number;
}

export type CallMeAdmission = 'admitted' | 'tooManyForNumber' | 'tooManyFromAddress' | 'tooManyInAll';

/**
 * Counts the last hour's requests and records this one if it is within the limits. Refused ones are not recorded: a flood
 * costs no rows, and one who waits an hour is heard again.
 *
 * @param attempt.called E.164 number or SIP address that would be called
 * @param attempt.address network address of the visitor
 */
export async function admitCallMe(
  pool: Pool,
  domainId: DomainId,
  attempt: { readonly called: string; readonly address: string; readonly at: EpochMs },
  limits: CallMeLimits,
): Promise<CallMeAdmission> {
  return transaction(pool, async (client) => {
    // One after another: two at once would both see the count before either. The lock is taken by a statement of its own,
    // because the next one has to look after it was given.
    await client.query(`select pg_advisory_xact_lock(hashtext('call-me'), hashtext($1))`, [domainId]);
    const { rows } = await client.query<{ number: number; address: number; all: number }>(
      `select count(*) filter (where called = $2)::int as number, count(*) filter (where address = $3)::int as address,
         count(*)::int as all
       from call_me_attempt
       where domain_id = $1 and at > to_timestamp($4::float8 / 1000) - interval '1 hour'`,
      [domainId, attempt.called, attempt.address, attempt.at],
    );
    const count = rows[0] ?? { number: 0, address: 0, all: 0 };
    if (count.number >= limits.perNumber) return 'tooManyForNumber';
    if (count.address >= limits.perAddress) return 'tooManyFromAddress';
    if (count.all >= limits.inAll) return 'tooManyInAll';
    await client.query(
      'insert into call_me_attempt (domain_id, called, address, at) values ($1, $2, $3, to_timestamp($4::float8 / 1000))',
      [domainId, attempt.called, attempt.address, attempt.at],
    );
    return 'admitted';
  });
}

/** For the clock: numbers and addresses are kept no longer than they are needed. @returns how many went */
export async function deleteOldCallMeAttempts(db: Queryable, before: EpochMs): Promise<number> {
  const { rowCount } = await db.query('delete from call_me_attempt where at < to_timestamp($1::float8 / 1000)', [before]);
  return rowCount ?? 0;
}
