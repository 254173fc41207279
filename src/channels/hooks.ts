/**
 * Carries out what scenarios had sent (SMS, e-mail): each is a row in the database from the moment it was decided, tried until the
 * receiver has taken it, or given up visibly. A try whose answer was lost is repeated under the same `Idempotency-Key`, so that a
 * receiver who looks at it sends once.
 */
import type { ContactId, EpochMs } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import type { Values } from '../ivr/scenario.ts';
import type { Services } from '../ivr/services.ts';
import { type Env, exchange, HttpError, type HttpFailure, requestOf } from './http.ts';

export interface HookJob {
  /** Unique in the domain: the same one twice is one. */
  readonly key: string;
  readonly contactId: ContactId;
  readonly hook: string;
  readonly values: Values;
}

/** One whose turn it is. */
export interface DueHook extends HookJob {
  /** The same for all tries, and for no other job of anybody. */
  readonly idempotencyKey: string;
  /** This one included. */
  readonly tries: number;
}

export type HookFailure = HttpFailure | 'noSuchHook' | 'status';

export interface HookStore {
  add(job: HookJob, at: EpochMs): Promise<void>;
  /** Takes those that are due, oldest first. Nobody else gets them before `heldUntil`. */
  take(now: EpochMs, heldUntil: EpochMs, limit: number): Promise<readonly DueHook[]>;
  /** Another try at `dueAt`. */
  again(job: DueHook, dueAt: EpochMs, failure: HookFailure): Promise<void>;
  /** No more tries. `failure` null: it was sent. */
  finish(job: DueHook, at: EpochMs, failure: HookFailure | null): Promise<void>;
}

export interface HookSenderOptions {
  readonly store: HookStore;
  readonly services: () => Services;
  readonly env: Env;
  readonly now: () => EpochMs;
  readonly log: Logger;
  readonly onTried?: (hook: string, outcome: 'sent' | 'again' | 'givenUp') => void;
  /** How often to look for what is due. */
  readonly pollMs?: number;
  /** The first pause; each later one is twice as long, up to a day. */
  readonly pauseMs?: number;
}

const POLL_MS = 5_000;
const PAUSE_MS = 10_000;
const DAY_MS = 24 * 3_600_000;
/** Longer than any try takes: whoever has it has died then. */
const HELD_MS = 60_000;
const AT_ONCE = 20;
/** Of a hook that is not in the file any more; it may be put back. */
const TRIES = 14;
/** The receiver has read it and says that it is wrong: it will be wrong tomorrow. All else may be put right by somebody. */
const REFUSED = [400, 413, 422];

export class HookSender {
  readonly #options: HookSenderOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  #started = false;

  constructor(options: HookSenderOptions) {
    this.#options = options;
  }

  /** Looks now, and from then on regularly. */
  start(): void {
    this.#started = true;
    this.#look();
  }

  /** Notes down that it is to be sent; the same key twice is one. @throws when the database is away */
  async add(job: HookJob): Promise<void> {
    const { store, now } = this.#options;
    await store.add(job, now());
    this.#look();
  }

  /** No try begins from now on; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#stopping.abort();
    if (this.#timer) clearTimeout(this.#timer);
    await this.#looking;
    await Promise.all(this.#underWay);
  }

  #look(): void {
    if (!this.#started) return;
    this.#lookAgain = true;
    this.#looking ??= this.#looks().finally(() => {
      this.#looking = null;
      if (this.#lookAgain) this.#look();
    });
  }

  async #looks(): Promise<void> {
    const { store, now, log, pollMs = POLL_MS } = this.#options;
    if (this.#timer) clearTimeout(this.#timer);
    this.#lookAgain = false;
    const room = AT_ONCE - this.#underWay.size;
    try {
      const due = room > 0 ? await store.take(now(), now() + HELD_MS, room) : [];
      for (const job of due) this.#begin(job);
    } catch (error) {
      log.warn({ err: error }, 'hooks could not be looked for; trying again');
    }
    if (this.#started) this.#timer = setTimeout(() => this.#look(), pollMs);
  }

  #begin(job: DueHook): void {
    const done = this.#try(job)
      .catch((error: unknown) => this.#options.log.warn({ err: error, hook: job.hook }, 'what became of a hook could not be noted'))
      .finally(() => {
        this.#underWay.delete(done);
        this.#look(); // there is room
      });
    this.#underWay.add(done);
  }

  /** @throws when the database is away: the hook is tried again when it is not held any more */
  async #try(job: DueHook): Promise<void> {
    const { store, now, log, onTried, pauseMs = PAUSE_MS } = this.#options;
    const hook = this.#options.services().hooks.get(job.hook);
    const { failure, status, retryAfterMs } = await this.#send(job);
    if (failure === 'stopping') return; // as if it had not been taken: the next owner tries it, with the same key
    if (failure === null) {
      onTried?.(job.hook, 'sent');
      return store.finish(job, now(), null);
    }
    const fields = { hook: job.hook, contactId: job.contactId, reason: failure, tries: job.tries, ...(status !== null && { status }) };
    const isRefused = failure === 'badValue' || (status !== null && REFUSED.includes(status));
    if (isRefused || job.tries >= (hook?.tries ?? TRIES)) {
      onTried?.(job.hook, 'givenUp');
      log.error(fields, 'a hook is given up: what was to be sent was not');
      return store.finish(job, now(), failure);
    }
    onTried?.(job.hook, 'again');
    log.warn(fields, 'a hook failed; it is tried again');
    const wanted = Math.max(pauseMs * 2 ** (job.tries - 1), retryAfterMs ?? 0);
    return store.again(job, now() + Math.min(wanted, DAY_MS), failure);
  }

  async #send(job: DueHook): Promise<{ failure: HookFailure | null; status: number | null; retryAfterMs: number | null }> {
    const { services, env } = this.#options;
    const hook = services().hooks.get(job.hook);
    if (!hook) return { failure: 'noSuchHook', status: null, retryAfterMs: null };
    try {
      const request = requestOf(hook.request, job.values, env);
      const headers = { ...request.headers, 'idempotency-key': job.idempotencyKey };
      const { status, retryAfterMs } = await exchange({ ...request, headers }, hook.timeoutMs, this.#stopping.signal);
      return { failure: status >= 200 && status <= 299 ? null : 'status', status, retryAfterMs };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return { failure: error.reason, status: null, retryAfterMs: null };
    }
  }
}
