/**
 * Launches the recipients of running notices, as far as pace and hours allow, beside the owner of the domain.
 *
 * Exactly once, whatever crashes: a recipient is launched if and only if there is a contact for it. The feeder keeps nothing of
 * its own; at each look it asks the database who has none yet, and gives those to the floor, which commits their contacts
 * before the next look. Looks follow one another. A feeder whose owner has lost the domain can still look, but what it
 * gives cannot be committed. So it must only look while its own controller owns the domain: start it after the controller.
 *
 * Pausing and stopping are states in the database too, seen at the next look, so that a stop can never be overtaken by a launch
 * that was decided before it: the floor is told to stop after those launches, in the same row of looks.
 */
import type { DeskId, EpochMs, NoticeId } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import type { Notice, NoticeRecipient } from '../base/notice.ts';
import type { FloorInput } from '../contact/model.ts';

/** A notice that is not over, and what pace goes by. */
export interface NoticeLook {
  readonly notice: Notice;
  /** Launched and not over, without those who rest until their next attempt. */
  readonly active: number;
  /** Launched and not over. */
  readonly live: number;
  /** Of these, those whom no agent has in hand, and no scenario talks with. */
  readonly inQueue: number;
  /** Launched within the last minute. */
  readonly lastMinute: number;
  /** When the pace per minute allows the next; in the past when it allows one now. */
  readonly roomAt: EpochMs;
}

export interface NoticeStore {
  /** All of a domain that are not over. */
  open(now: EpochMs): Promise<readonly NoticeLook[]>;
  /** The first of a running notice who have no contact, in the order of the list, after a place in it. */
  next(noticeId: NoticeId, after: number, limit: number): Promise<readonly NoticeRecipient[]>;
  /** Puts down that a notice is over, if it is. */
  finish(noticeId: NoticeId, at: EpochMs): Promise<void>;
  /** Pauses a running notice by itself. */
  pause(noticeId: NoticeId, at: EpochMs, reason: string): Promise<void>;
}

export interface NoticeFeederOptions {
  readonly store: NoticeStore;
  /** Gives an input to the floor. @returns null when it is committed, the word of a refusal when it makes no sense; @throws what may pass */
  readonly submit: (input: Extract<FloorInput, { readonly type: 'noticeTask' | 'noticeStopped' }>) => Promise<string | null>;
  /** The first moment from `at` on at which people may be called from a desk; null when there is none. */
  readonly nextTimeToCall: (deskId: DeskId, at: EpochMs) => EpochMs | null;
  /** The floor's own clock. */
  readonly now: () => EpochMs;
  readonly log: Logger;
  /** At least so often it looks: other processes create, pause and stop notices too. */
  readonly pollMs?: number;
}

const POLL_MS = 2_000;
/** Many contacts end at once; one look sees them all. */
const SOON_MS = 100;

export class NoticeFeeder {
  readonly #options: NoticeFeederOptions;
  /** Everybody of a notice up to this place in its list has a contact. Only saves work: contacts are never taken back. */
  readonly #launchedUpTo = new Map<NoticeId, number>();
  #looking: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;
  #anyOpen = false;

  constructor(options: NoticeFeederOptions) {
    this.#options = options;
  }

  /** Looks now, and from then on whenever there may be something to do. */
  start(): void {
    this.#lookIn(0);
  }

  /** Something ended on the floor: there may be room. */
  roomMade(): void {
    if (this.#anyOpen) this.#lookIn(SOON_MS);
  }

  /** A notice was created or changed. */
  changed(): void {
    this.#lookIn(0);
  }

  /** No look begins from now on. One that is under way may wait for a database that is away; it ends with the floor. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** One look, after the one that is under way. Does all that can be done now. @throws when database or floor are away */
  look(): Promise<void> {
    if (this.#looking !== null) this.#again = true;
    else this.#looking = this.#looks();
    return this.#looking;
  }

  async #looks(): Promise<void> {
    try {
      do {
        this.#again = false;
        const { now, store } = this.#options;
        const open = await store.open(now());
        this.#anyOpen = open.length > 0;
        for (const id of this.#launchedUpTo.keys()) if (!open.some(({ notice }) => notice.id === id)) this.#launchedUpTo.delete(id);
        for (const look of open) if (!this.#stopped) await this.#feed(look);
      } while (this.#again && !this.#stopped);
    } finally {
      // In the same breath as the question whether to look again: who asks in between would be forgotten.
      this.#looking = null;
    }
  }

  async #feed(look: NoticeLook): Promise<void> {
    const { store, submit, now, nextTimeToCall } = this.#options;
    const { notice, live, active, lastMinute } = look;
    const { id, state, pace } = notice;
    if (state === 'stopped') {
      if (look.inQueue > 0) await submit({ type: 'noticeStopped', noticeId: id });
      if (live === 0) await store.finish(id, now());
      return;
    }
    const callAt = nextTimeToCall(notice.deskId, now());
    const room =
      state === 'running' && callAt !== null && callAt <= now() ? Math.min(pace.atATime - active, pace.perMinute - lastMinute) : 0;
    if (room > 0) {
      const recipients = await this.#next(id, room);
      if (recipients.length > 0) await this.#launch(notice, recipients);
      if (recipients.length < room && live + recipients.length === 0) return store.finish(id, now());
    } else if (live === 0 && (await this.#next(id, 1)).length === 0) return store.finish(id, now());
    if (state === 'running' && look.roomAt > now()) this.#lookIn(look.roomAt - now());
  }

  async #next(id: NoticeId, limit: number): Promise<readonly NoticeRecipient[]> {
    const recipients = await this.#options.store.next(id, this.#launchedUpTo.get(id) ?? 0, limit);
    const [first] = recipients;
    if (first) this.#launchedUpTo.set(id, Number(first.id) - 1);
    return recipients;
  }

  async #launch(notice: Notice, recipients: readonly NoticeRecipient[]): Promise<void> {
    const { submit, store, now, log } = this.#options;
    // Given at once they are one commit. All of them are waited for, also when one fails: a look must not begin with launches under way.
    const given = await Promise.allSettled(
      recipients.map(({ id, number, country, name }) =>
        submit({
          type: 'noticeTask',
          noticeId: notice.id,
          recipientId: id,
          deskId: notice.deskId,
          language: notice.language,
          number: { kind: 'valid', e164: number, country },
          name,
          text: notice.text,
          scenario: notice.scenario,
        }),
      ),
    );
    const refusals = given.flatMap((one) => (one.status === 'fulfilled' && one.value !== null ? [one.value] : []));
    const [refusal] = refusals;
    if (refusal !== undefined) {
      log.error({ noticeId: notice.id, refusal, recipients: refusals.length }, 'the floor refused recipients of a notice; it is paused');
      await store.pause(notice.id, now(), refusal);
    }
    const failed = given.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  #lookIn(ms: number): void {
    const at = Date.now() + ms;
    if (this.#stopped || at >= this.#timerAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => void this.#lookByItself(), ms);
  }

  async #lookByItself(): Promise<void> {
    this.#timerAt = Number.POSITIVE_INFINITY;
    try {
      await this.look();
    } catch (error) {
      if (!this.#stopped) this.#options.log.warn({ err: error }, 'notices could not be fed; trying again');
    }
    this.#lookIn(this.#options.pollMs ?? POLL_MS);
  }
}
