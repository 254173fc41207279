/** Who may log in, their sessions, and their phones. */
import { createHash, randomBytes } from 'node:crypto';
import { browserEndpoint } from '../base/endpoint.ts';
import type { AgentId, DomainId, EpochMs, Language, OrganisationId } from '../base/ids.ts';
import type { Endpoint } from '../cti/port.ts';
import { hashPassword, verifyPassword } from './password.ts';
import type { Queryable } from './pool.ts';

export interface Person {
  readonly domainId: DomainId;
  readonly agentId: AgentId;
  readonly userName: string;
  readonly name: string;
  readonly organisationId: OrganisationId;
  readonly role: 'agent' | 'supervisor' | 'administrator';
  readonly language: Language;
}

const PERSON = `u.domain_id as "domainId", u.id as "agentId", u.user_name as "userName", u.name,
  u.organisation_id as "organisationId", u.role, u.language`;

/**
 * Null when name or password is wrong, or the person is not active; all of them take the same time. The name's case does
 * not matter.
 */
export async function authenticate(db: Queryable, userName: string, password: string): Promise<Person | null> {
  const { rows } = await db.query<Person & { password_hash: string | null }>(
    `select ${PERSON}, u.password_hash from app_user u where lower(u.user_name) = lower($1) and u.active`,
    // Postgres refuses U+0000, and a name with it is nobody's
    [userName.replaceAll('\0', '\uFFFD')],
  );
  const row = rows[0];
  const right = await verifyPassword(password, row?.password_hash ?? null);
  if (!row || !right) return null;
  const { password_hash: _, ...person } = row;
  return person;
}

/** Ends all sessions of that person, too. @throws Error when there is no such person */
export async function setPassword(db: Queryable, domainId: DomainId, agentId: AgentId, password: string): Promise<void> {
  const { rowCount } = await db.query(
    `with changed as (update app_user set password_hash = $3 where domain_id = $1 and id = $2 returning domain_id, id),
     ended as (delete from session using changed where session.domain_id = changed.domain_id and session.user_id = changed.id)
     select from changed`,
    [domainId, agentId, await hashPassword(password)],
  );
  if (rowCount === 0) throw new Error(`domain ${domainId} has no person ${agentId}`);
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/**
 * @returns the token for the browser: 256 random bits. Only its hash is stored; a plain one is enough, since such a token
 *   can't be guessed from it.
 */
export async function createSession(
  db: Queryable,
  person: Pick<Person, 'domainId' | 'agentId'>,
  now: EpochMs,
  expiresAt: EpochMs,
): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await db.query(
    `insert into session (token_hash, domain_id, user_id, created_at, expires_at)
     values ($1, $2, $3, to_timestamp($4::float8 / 1000), to_timestamp($5::float8 / 1000))`,
    [hashOf(token), person.domainId, person.agentId, now, expiresAt],
  );
  return token;
}

/** Whose session it is; null when it is unknown, over, or its person is not active any more. */
export async function findSession(db: Queryable, token: string, now: EpochMs): Promise<Person | null> {
  const { rows } = await db.query<Person>({
    name: 'find session',
    text: `select ${PERSON} from session s join app_user u on u.domain_id = s.domain_id and u.id = s.user_id
      where s.token_hash = $1 and s.expires_at > to_timestamp($2::float8 / 1000) and u.active`,
    values: [hashOf(token), now],
  });
  return rows[0] ?? null;
}

export async function deleteSession(db: Queryable, token: string): Promise<void> {
  await db.query('delete from session where token_hash = $1', [hashOf(token)]);
}

/** For the clock. @returns how many were over */
export async function deleteExpiredSessions(db: Queryable, now: EpochMs): Promise<number> {
  const { rowCount } = await db.query('delete from session where expires_at <= to_timestamp($1::float8 / 1000)', [now]);
  return rowCount ?? 0;
}

export interface AgentEndpoint extends Endpoint {
  readonly agentId: AgentId;
}

/** Every active person's phones, as `SwitchPort.provision` wants them: the browser's, and the desk phone where there is one. */
export async function agentEndpoints(db: Queryable, domainId: DomainId): Promise<AgentEndpoint[]> {
  const { rows } = await db.query<{ id: AgentId; browser: string; desk_phone: string | null; desk: string }>(
    `select id, browser_phone_secret as browser, desk_phone, desk_phone_secret as desk
     from app_user where domain_id = $1 and active order by id`,
    [domainId],
  );
  return rows.flatMap((row): AgentEndpoint[] => {
    const browser: AgentEndpoint = {
      agentId: row.id,
      name: browserEndpoint(domainId, row.id),
      kind: 'browser',
      password: row.browser,
    };
    if (row.desk_phone === null) return [browser];
    return [browser, { agentId: row.id, name: row.desk_phone, kind: 'deskPhone', password: row.desk }];
  });
}
