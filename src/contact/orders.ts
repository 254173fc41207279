/**
 * Carries out what was committed. Orders of one contact go one after another, in the order of their making; those of
 * different contacts side by side. What is asked of others (the database, a service, the speech recogniser) goes apart: nobody's call
 * waits for them. Every order is safe to repeat, so one that may or may not have reached the switch is simply given again. Whatever cannot be done becomes an input, and the floor decides what that means.
 */

import type { ContactId, DomainId, LegId, RecordingId } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { wavMs } from '../base/wav.ts';
import { SwitchError, type SwitchPort } from '../cti/port.ts';
import type { ServiceAnswer } from '../ivr/services.ts';
import type { PartyKey } from '../routing/party.ts';
import type { FloorInput, Order } from './model.ts';
import type { PartyFinder, PromptStore, RecordingStore, ScenarioServices } from './ports.ts';

export interface OrderRunnerParts {
  readonly domainId: DomainId;
  readonly switch: SwitchPort;
  readonly prompts: PromptStore;
  readonly find: (by: PartyKey, value: string) => ReturnType<PartyFinder['find']>;
  /** Null: nothing is asked, sent or recognised. */
  readonly services: ScenarioServices | null;
  readonly recordings: RecordingStore;
  readonly report: (input: FloorInput) => void;
  /** Whether nobody else can have the domain yet. Another owner may have decided otherwise since this order was committed. */
  readonly isOurs: () => boolean;
  /** The order is done, or will never be: it need not be kept any longer. */
  readonly done: (orderId: string) => void;
  readonly log: Logger;
}

/** Pause between two tries of an order for which the switch, the database or the certainty of the lease is away. */
const RETRY_MS = 250;
/** What is tried for as long as it takes is tried less and less often. */
const LONGEST_RETRY_MS = 10_000;
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
      if (isApart(order)) {
        if (order.type === 'lookUpParty') this.#lookUps.set(order.contactId, order.id);
        void this.#carryOut(order);
        continue;
      }
      if (order.type === 'hangUp') this.#unwanted.add(order.leg);
      const before = this.#chains.get(order.contactId) ?? this.#chains.get(order.after ?? '') ?? Promise.resolve();
      const chain = before.then(() => this.#carryOut(order));
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
        if (this.#closed && isApart(order)) return; // its answer may have been refused: the next owner asks again
        return this.#done(order);
      } catch (error) {
        if (!mayHelpToRepeat(order, error, tries)) {
          this.#logGivenUp(order, error);
          this.#reportFailure(order, error);
          return this.#done(order);
        }
        if (tries % 20 === 1) this.#parts.log.warn({ order: order.id, type: order.type, err: error }, 'order is tried again');
        tries += 1;
        await pause(order.type === 'keepRecording' ? Math.min(RETRY_MS * 2 ** (tries - 2), LONGEST_RETRY_MS) : RETRY_MS);
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
    const { switch: sw, prompts, find, report, services } = this.#parts;
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
      case 'record': {
        const { leg, recording, longestMs, silenceMs, beep } = order;
        return sw.record(leg, recording, { longestMs, silenceMs, beep });
      }
      case 'stopRecord':
        return sw.stopRecord(order.recording);
      case 'keepRecording':
        return this.#keep(order.contactId, order.recording);
      case 'dropRecording':
        return sw.dropRecording(order.recording);
      case 'join':
        return sw.join(order.bridge, order.legs);
      case 'dropBridge':
        return sw.dropBridge(order.bridge);
      case 'lookUpParty': {
        const record = await find(order.by, order.value);
        if (this.#isOvertaken(order)) return;
        return report({ type: 'partyLookedUp', contactId: order.contactId, by: order.by, record });
      }
      case 'askService': {
        const { contactId, request, service, values, version } = order;
        const answer = (await services?.ask(service, values, version)) ?? NO_ANSWER;
        return report({ type: 'serviceAnswered', contactId, request, ...answer });
      }
      case 'sendHook': {
        const { contactId, hook, values, key } = order;
        return services?.send({ key, contactId, hook, values });
      }
      case 'recognise': {
        const { contactId, request, recording, language, expects } = order;
        const words = (await services?.recognise(await sw.fetchRecording(recording), language, expects)) ?? null;
        report({ type: 'heard', contactId, request, words });
        return sw.dropRecording(recording);
      }
      default:
        order satisfies never;
    }
  }

  /** The switch has it until the database does. */
  async #keep(contactId: ContactId, recording: RecordingId): Promise<void> {
    const { domainId, switch: sw, recordings } = this.#parts;
    let wav: Buffer;
    try {
      wav = await sw.fetchRecording(recording);
    } catch (error) {
      // Done before, by one who could not tell any more.
      if (isRecordingGone(error) && (await recordings.read(domainId, recording)) !== null) return;
      throw error;
    }
    await recordings.keep(domainId, recording, contactId, wav, wavMs(wav));
    await sw.dropRecording(recording);
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
      case 'record':
        if (gone) return report({ type: 'legEnded', leg: order.leg, cause: 'unknown' });
        return report({ type: 'recordFinished', leg: order.leg, recording: order.recording, durationMs: 0, outcome: 'failed' });
      case 'askService':
        return report({ type: 'serviceAnswered', contactId: order.contactId, request: order.request, ...NO_ANSWER });
      case 'recognise':
        return report({ type: 'heard', contactId: order.contactId, request: order.request, words: null });
      case 'join': // the leg that is gone says so itself; a bridge that cannot be made leaves both alive, for the agent to hang up
      case 'dropBridge':
      case 'stopPlay':
      case 'stopMusic':
      case 'stopRecord': // it ends by itself
      case 'keepRecording':
      case 'dropRecording':
      case 'lookUpParty':
      case 'sendHook':
        return;
      default:
        order satisfies never;
    }
  }
}

const isRecordingGone = (error: unknown): boolean => error instanceof SwitchError && error.code === 'recordingGone';
const NO_ANSWER: ServiceAnswer = { outcome: 'failed', values: {} };

/** Asked of others than the switch, or of it, but for nobody who waits on a leg. */
const APART: ReadonlySet<Order['type']> = new Set([
  'lookUpParty',
  'askService',
  'sendHook',
  'recognise',
  'keepRecording',
  'dropRecording',
] as const);
const isApart = ({ type }: Order): boolean => APART.has(type);

const pause = (ms = RETRY_MS): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** The switch or the database is away, or too slow: later is better than never. A refusal will be one again. */
function mayHelpToRepeat(order: Order, error: unknown, tries: number): boolean {
  if (order.type === 'lookUpParty') return tries < LOOK_UP_TRIES;
  if (order.type === 'sendHook') return true; // promised: it waits for the database
  if (order.type === 'keepRecording') return !isRecordingGone(error) && !(error instanceof SwitchError && error.code === 'refused');
  if (!(error instanceof SwitchError)) return false;
  return error.code === 'notConnected' || (error.code === 'timeout' && tries < 5);
}
