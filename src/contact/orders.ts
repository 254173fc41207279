/**
 * Carries out what was committed. Orders of one contact go one after another, in the order of their making; those of
 * different contacts side by side. Look-ups go apart: nobody's call waits for a slow database. Every order is safe to repeat, so one that may or may not have reached the switch is
 * simply given again. Whatever cannot be done becomes an input, and the floor decides what that means.
 */

import type { ContactId, LegId } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { SwitchError, type SwitchPort } from '../cti/port.ts';
import type { FloorInput, Order } from './model.ts';
import type { PartyFinder, PromptStore } from './ports.ts';

export interface OrderRunnerParts {
  readonly switch: SwitchPort;
  readonly prompts: PromptStore;
  readonly find: (by: 'callingNumber' | 'customerCode', value: string) => ReturnType<PartyFinder['find']>;
  readonly report: (input: FloorInput) => void;
  /** Whether nobody else can have the domain yet. Another owner may have decided otherwise since this order was committed. */
  readonly isOurs: () => boolean;
  /** The order is done, or will never be: it need not be kept any longer. */
  readonly done: (orderId: string) => void;
  readonly log: Logger;
}

/** Pause between two tries of an order for which the switch, the database or the certainty of the lease is away. */
const RETRY_MS = 250;
/** A look-up that still fails then is of no use to anybody: the floor has gone on without (`FloorPolicy.lookUpMs`). */
const LOOK_UP_TRIES = 60;

export class OrderRunner {
  readonly #parts: OrderRunnerParts;
  readonly #chains = new Map<ContactId, Promise<void>>();
  /** The last look-up of each contact: the answer to an earlier one (a code mistyped before) must not pass for its answer. */
  readonly #lookUps = new Map<ContactId, string>();
  /** Legs that are to be hung up: not to be dialled any more. */
  readonly #unwanted = new Set<LegId>();
  #closed = false;

  constructor(parts: OrderRunnerParts) {
    this.#parts = parts;
  }

  run(orders: readonly Order[]): void {
    for (const order of orders) {
      if (order.type === 'lookUpParty') {
        this.#lookUps.set(order.contactId, order.id);
        void this.#carryOut(order);
        continue;
      }
      if (order.type === 'hangUp') this.#unwanted.add(order.leg);
      const chain = (this.#chains.get(order.contactId) ?? Promise.resolve()).then(() => this.#carryOut(order));
      this.#chains.set(order.contactId, chain);
      const forget = (): void => {
        if (this.#chains.get(order.contactId) === chain) this.#chains.delete(order.contactId);
      };
      chain.then(forget, forget);
    }
  }

  /** Resolves when everything that was given for the switch so far has been carried out. */
  async settled(): Promise<void> {
    await Promise.all(this.#chains.values());
  }

  /** Gives up waiting for a switch or database that is away. What is not done stays in the outbox for the next owner. */
  close(): void {
    this.#closed = true;
  }

  async #carryOut(order: Order): Promise<void> {
    for (let tries = 1; !this.#closed; ) {
      if (this.#isOvertaken(order)) return this.#done(order);
      if (!this.#parts.isOurs()) {
        await pause(); // the lease's next renewal tells; whoever lost it closes us
        continue;
      }
      try {
        await this.#give(order);
        return this.#done(order);
      } catch (error) {
        if (!mayHelpToRepeat(order, error, tries)) {
          this.#logGivenUp(order, error);
          this.#reportFailure(order, error);
          return this.#done(order);
        }
        if (tries % 20 === 1) this.#parts.log.warn({ order: order.id, type: order.type, err: error }, 'order is tried again');
        tries += 1;
        await pause();
      }
    }
  }

  /** A caller who hangs up a moment before an order is everyday; anything else is worth a look. */
  #logGivenUp(order: Order, error: unknown): void {
    const { log } = this.#parts;
    const fields = { order: order.id, type: order.type, contactId: order.contactId };
    if (error instanceof SwitchError && error.code === 'legGone') log.debug(fields, 'order not carried out: the leg is gone');
    else log.warn({ ...fields, err: error }, 'order not carried out');
  }

  /** While it waited for the switch or the database, another order has made it pointless. */
  #isOvertaken(order: Order): boolean {
    if (order.type === 'originate') return this.#unwanted.has(order.leg);
    return order.type === 'lookUpParty' && this.#lookUps.get(order.contactId) !== order.id;
  }

  #done(order: Order): void {
    if (order.type === 'hangUp') this.#unwanted.delete(order.leg);
    if (order.type === 'lookUpParty' && !this.#isOvertaken(order)) this.#lookUps.delete(order.contactId);
    this.#parts.done(order.id);
  }

  async #give(order: Order): Promise<void> {
    const { switch: sw, prompts, find, report } = this.#parts;
    switch (order.type) {
      case 'answer':
        return sw.answer(order.leg);
      case 'hangUp':
        return sw.hangUp(order.leg, order.reason);
      case 'originate':
        return sw.originate({ leg: order.leg, to: order.to, from: order.shows, timeoutMs: order.timeoutMs });
      case 'play':
        return sw.play(order.leg, order.play, await prompts.media(order.prompts));
      case 'stopPlay':
        return sw.stopPlay(order.play);
      case 'startMusic':
        return sw.startMusic(order.leg);
      case 'stopMusic':
        return sw.stopMusic(order.leg);
      case 'join':
        return sw.join(order.bridge, order.legs);
      case 'dropBridge':
        return sw.dropBridge(order.bridge);
      case 'lookUpParty': {
        const record = await find(order.by, order.value);
        if (this.#isOvertaken(order)) return;
        return report({ type: 'partyLookedUp', contactId: order.contactId, by: order.by, record });
      }
      default:
        order satisfies never;
    }
  }

  #reportFailure(order: Order, error: unknown): void {
    const { report } = this.#parts;
    const gone = error instanceof SwitchError && error.code === 'legGone';
    switch (order.type) {
      case 'originate':
        return report({ type: 'legEnded', leg: order.leg, cause: 'unreachable' });
      case 'play':
        if (gone) return report({ type: 'legEnded', leg: order.leg, cause: 'unknown' });
        return report({ type: 'playFinished', leg: order.leg, play: order.play }); // it must not hold up the dialogue
      case 'answer':
      case 'hangUp':
      case 'startMusic':
        if (gone) report({ type: 'legEnded', leg: order.leg, cause: 'unknown' });
        return;
      case 'join': // the leg that is gone says so itself; a bridge that cannot be made leaves both alive, for the agent to hang up
      case 'dropBridge':
      case 'stopPlay':
      case 'stopMusic':
      case 'lookUpParty':
        return;
      default:
        order satisfies never;
    }
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());

/** The switch or the database is away, or too slow: later is better than never. A refusal will be one again. */
function mayHelpToRepeat(order: Order, error: unknown, tries: number): boolean {
  if (order.type === 'lookUpParty') return tries < LOOK_UP_TRIES;
  if (!(error instanceof SwitchError)) return false;
  return error.code === 'notConnected' || (error.code === 'timeout' && tries < 5);
}
