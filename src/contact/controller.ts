/**
 * The owner of a domain: takes inputs, decides, commits, acts. Many inputs make one commit (whatever has come in while the
 * last one was under way), and no order leaves before its commit is through.
 *
 * While the database is away, what was decided is kept and committed when it is back; nothing is decided twice. Should
 * another node have become the owner meanwhile, its fencing number is higher, the commit is refused, and this one stops.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentId, DomainId, EpochMs, LegId } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import type { SwitchEvent, SwitchPort } from '../cti/port.ts';
import { InputRefused } from './agents.ts';
import { type Changes, Floor, type FloorContext, FloorView } from './floor.ts';
import type { Agent, Contact, FloorEvent, FloorInput, Leg, Offer, Order } from './model.ts';
import { OrderRunner } from './orders.ts';
import {
  type Clock,
  type CommitBatch,
  CommitRefusedError,
  type FloorStore,
  type Lease,
  LeaseLostError,
  type PartyFinder,
  type PromptStore,
  type RecordingStore,
  type ScenarioServices,
} from './ports.ts';
import { take } from './step.ts';

export interface ControllerOptions {
  readonly domainId: DomainId;
  /** Tells this process from others, and from its own former lives. */
  readonly owner: string;
  readonly store: FloorStore;
  readonly switch: SwitchPort;
  readonly finder: PartyFinder;
  readonly prompts: PromptStore;
  readonly recordings: RecordingStore;
  /** Left out: scenarios ask nothing of others, and have nothing sent. */
  readonly services?: ScenarioServices;
  /** Asked at every step, so that a new directory or scenario is used from then on. */
  readonly context: () => FloorContext;
  readonly clock: Clock;
  readonly leaseTtlMs: number;
  /** For how long a leg may live without this controller. */
  readonly legLeaseMs: number;
  readonly log: Logger;
  /** A phone registered, or went: evidence for whoever shows it, nothing that the floor decides by. */
  readonly onReachable: (endpoint: string, reachable: boolean) => void;
  /** Called once when the domain is another's, or this controller cannot go on. */
  readonly onLost: (error: Error) => void;
}

interface Waiting {
  readonly input: FloorInput;
  readonly at: EpochMs;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What one commit changed, told after it. */
export interface Committed {
  readonly agents: ReadonlySet<AgentId>;
  readonly events: readonly FloorEvent[];
}

const MAX_INPUTS_PER_COMMIT = 500;
/** Done orders are noted along with the next commit; when none comes, after this. */
const NOTE_DONE_AFTER_MS = 500;
const DATABASE_AWAY = 'the database is away';
const COMPARE_AGAIN_MS = 1_000;
/** Callers wait for an owner; a look at one row costs the database nothing. */
const CLAIM_AGAIN_MS = 200;
const COMMIT_RETRY_MS = { first: 100, most: 2_000 } as const;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #runner: OrderRunner;
  readonly #listeners = new Set<(committed: Committed) => void>();
  #floor: Floor;
  /** As committed: what panels and reports may see. */
  #committed: FloorView;
  #lease: Lease | null = null;
  #isLoaded = false;
  /**
   * Until when nobody else can have the domain, by a clock that is never set: the lease counts from when it was asked for. A process
   * that was paused (SIGSTOP, swapping, a suspended machine) wakes up beyond it, with orders in hand that were committed before.
   */
  #oursUntil = 0;
  #seq = 0;
  #lastAt = 0;
  #inbox: Waiting[] = [];
  #done: string[] = [];
  #pumping: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #noteDone: NodeJS.Timeout | null = null;
  #renewal: NodeJS.Timeout | null = null;
  #resyncing: Promise<void> | null = null;
  #stopped = false;
  #commitTrouble: string | null = null;
  /** On a quiet floor nothing is committed: that the database is away shows in the lease's renewal. */
  #renewalTrouble: string | null = null;
  #renewing = false;
  /** What we believe of the switch is what lives there. False from each loss of the connection to the next comparison. */
  #compared = false;
  /** One more with each connection and each loss: a comparison begun under another number is over. */
  #connection = 0;
  /** How far the machine's clock was set back under us. */
  #setBackMs = 0;
  /** A step threw: a timer that makes it throw again must not keep us busy. */
  #stepFailed = false;
  /** Legs that ended lately: a snapshot under way may still show them. */
  readonly #endedLegs = new Set<LegId>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#floor = new Floor(options.domainId);
    this.#committed = this.#viewOf(this.#floor);
    this.#runner = new OrderRunner({
      domainId: options.domainId,
      switch: options.switch,
      prompts: options.prompts,
      services: options.services ?? null,
      recordings: options.recordings,
      find: (by, value) => options.finder.find(options.domainId, by, value),
      report: (input) => this.#report(input),
      isOurs: () => performance.now() < this.#oursUntil,
      done: (id) => this.#noteOrderDone(id),
      log: options.log,
    });
  }

  /** The floor as committed last. Read it, never keep it. */
  get floor(): FloorView {
    return this.#committed;
  }

  /** Null when all is well, else what is wrong, in a few words. */
  get trouble(): string | null {
    if (this.#stopped) return 'stopped';
    if (!this.#lease) return 'waiting for the lease of the domain';
    if (this.#commitTrouble ?? this.#renewalTrouble) return this.#commitTrouble ?? this.#renewalTrouble;
    if (!this.#options.switch.connected) return 'the switch is not connected';
    return this.#compared ? null : 'what lives in the switch is not known yet';
  }

  onCommitted(listener: (committed: Committed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes the domain (waiting for its lease as long as it takes), reads where things stood, connects the switch, gives again
   * what may not have been done, compares, and goes on.
   */
  async start(): Promise<void> {
    const { store, domainId, owner, leaseTtlMs, log } = this.#options;
    for (let tries = 1; !this.#lease && !this.#stopped; tries++) {
      const askedAt = performance.now();
      try {
        this.#lease = await store.claim(domainId, owner, leaseTtlMs);
        this.#oursUntil = askedAt + leaseTtlMs;
      } catch (error) {
        if (tries === 1) throw error;
        log.warn({ err: error }, 'the database is away; still waiting for the lease');
      }
      if (!this.#lease) await sleep(Math.min(CLAIM_AGAIN_MS, leaseTtlMs / 4));
    }
    if (this.#stopped) return;
    this.#renewal = setInterval(() => void this.#renew(), leaseTtlMs / 3);
    const records = await store.load(domainId);
    this.#seq = records.seq;
    this.#floor = Floor.from(domainId, records);
    this.#committed = this.#viewOf(this.#floor);
    this.#committed.load(records);
    this.#isLoaded = true;
    log.info({ contacts: records.contacts.length, orders: records.orders.length, seq: records.seq }, 'the floor is loaded');
    await this.submit({ type: 'controllerStarted' });
    this.#runner.run(records.orders);
    await this.#options.switch.connect((event) => this.#onSwitch(event));
    await this.#resyncing;
  }

  /**
   * Resolves when what it meant is committed.
   * @throws InputRefused when it made no sense, and nothing was changed
   */
  submit(input: FloorInput): Promise<void> {
    if (this.#stopped) return Promise.reject(new InputRefused('stopping', 'this server is stopping; try again shortly'));
    // Decided on a floor that is not read yet, it would be decided on an empty one.
    if (!this.#isLoaded) return Promise.reject(new InputRefused('starting', 'this server is starting; try again shortly'));
    return new Promise((resolve, reject) => {
      this.#inbox.push({ input, at: this.#now(), resolve, reject });
      this.#pumping ??= this.#pump();
    });
  }

  /**
   * Renews the lease on life of every leg that somebody is on. Called by the clock. Those that only wait to be hung up are left
   * out: should that fail, they end by themselves.
   */
  async renewLegs(): Promise<void> {
    const { switch: sw, legLeaseMs } = this.#options;
    const { contacts, offers, legs } = this.#committed;
    const wanted = [...legs.values()].filter((leg) => {
      const contact = contacts.get(leg.contactId);
      if (!contact) return false;
      return contact.legId === leg.id || contact.outside?.legId === leg.id || offers.get(contact.offerId ?? '')?.legId === leg.id;
    });
    if (sw.connected)
      await sw.renewLeases(
        wanted.map((leg) => leg.id),
        legLeaseMs,
      );
  }

  #viewOf(floor: Floor): FloorView {
    return new FloorView(floor, () => this.#now());
  }

  /** The floor's time. It never goes back: when the machine's clock is set back, it goes on from where it was. */
  #now(): EpochMs {
    const clock = this.#options.clock.now();
    if (clock >= this.#lastAt) this.#setBackMs = 0;
    else this.#setBackMs = Math.max(this.#setBackMs, this.#lastAt - clock);
    this.#lastAt = Math.max(this.#lastAt, clock + this.#setBackMs);
    return this.#lastAt;
  }

  /** Finishes what is being committed and lets go of the domain. Calls live on; the next owner takes them over. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#halt();
    await this.#pumping;
    for (const waiting of this.#inbox.splice(0)) waiting.reject(new InputRefused('stopping', 'this server is stopping; try again shortly'));
    await this.#options.switch.close();
    await Promise.race([this.#runner.settled(), sleep(2_000)]);
    if (this.#lease) {
      if (this.#done.length > 0) await this.#options.store.commit({ ...this.#emptyBatch(), done: this.#done.splice(0) });
      await this.#options.store.release(this.#lease);
    }
  }

  #halt(): void {
    this.#stopped = true;
    this.#runner.close();
    for (const timer of [this.#timer, this.#noteDone, this.#renewal]) if (timer) clearTimeout(timer);
  }

  #lose(error: Error): void {
    if (this.#stopped) return;
    this.#halt();
    for (const waiting of this.#inbox.splice(0)) waiting.reject(error);
    this.#options.onLost(error);
  }

  async #renew(): Promise<void> {
    if (!this.#lease || this.#renewing) return; // one at a time: a database that hangs is not to be asked by more and more
    this.#renewing = true;
    const askedAt = performance.now();
    try {
      await this.#options.store.renew(this.#lease, this.#options.leaseTtlMs);
      this.#oursUntil = askedAt + this.#options.leaseTtlMs;
      this.#renewalTrouble = null;
    } catch (error) {
      if (error instanceof LeaseLostError) return this.#lose(error);
      this.#renewalTrouble = DATABASE_AWAY;
      this.#options.log.warn({ err: error }, 'the lease could not be renewed; trying again');
    } finally {
      this.#renewing = false;
    }
  }

  #report(input: FloorInput): void {
    this.submit(input).catch((error: unknown) => {
      if (!this.#stopped) this.#options.log.error({ err: error, input: input.type }, 'an input of our own was refused');
    });
  }

  #onSwitch(event: SwitchEvent): void {
    switch (event.type) {
      case 'endpointReachable':
        return this.#options.onReachable(event.endpoint, event.reachable);
      case 'disconnected':
        this.#options.log.warn({ reason: event.error }, 'the switch is away');
        this.#compared = false;
        this.#connection += 1;
        return;
      case 'resynchronised':
        this.#connection += 1;
        this.#resyncing = this.#resynchronise(this.#connection);
        return;
      case 'legEnded':
        this.#rememberEnded(event.leg);
        return this.#report(event);
      default:
        this.#report(event);
    }
  }

  /** Gives first what was committed, then asks what lives: a leg that is missing then is really gone. */
  async #resynchronise(connection: number): Promise<void> {
    while (connection === this.#connection && !this.#stopped) {
      try {
        const settled = new Set(this.#committed.legs.keys());
        await this.#runner.settled();
        const snapshot = await this.#options.switch.snapshot();
        if (connection !== this.#connection) return;
        const legs = snapshot.legs.filter((l) => !this.#endedLegs.has(l.leg));
        await this.submit({ type: 'resynchronised', snapshot: { ...snapshot, legs }, settled });
        return await this.renewLegs();
      } catch (error) {
        if (this.#stopped) return;
        this.#options.log.warn({ err: error }, 'comparison with the switch failed; trying again');
        await sleep(COMPARE_AGAIN_MS);
      }
    }
  }

  async #pump(): Promise<void> {
    while (this.#inbox.length > 0 && !this.#stopped) {
      const batch = this.#inbox.splice(0, MAX_INPUTS_PER_COMMIT);
      try {
        await this.#decideCommitAct(batch);
      } catch (error) {
        for (const waiting of batch) waiting.reject(error as Error);
        this.#lose(error as Error);
      }
      this.#setTimer(); // after each, as a busy day has no end of inputs
    }
    // In the same breath as the look into the inbox: an input that came between the two would be left lying.
    this.#pumping = null;
  }

  async #decideCommitAct(batch: readonly Waiting[]): Promise<void> {
    const context = this.#options.context();
    const contacts = new Map<string, Contact>();
    const offers = new Map<string, Offer>();
    const legs = new Map<string, Leg>();
    const agents = new Map<string, Agent>();
    const events: FloorEvent[] = [];
    const orders: Order[] = [];
    const seq = this.#seq + 1;
    const settle: (() => void)[] = [];
    for (const { input, at, resolve, reject } of batch) {
      try {
        if (input.type === 'resynchronised') this.#compared = this.#options.switch.connected;
        const changes = take(this.#floor, this.#compared ? context : { ...context, switchAway: true }, input, at);
        if (input.type !== 'tick' && isNothing(changes))
          this.#options.log.debug({ input: input.type }, 'changed nothing in the state that it met');
        for (const [id, r] of changes.contacts) contacts.set(id, r);
        for (const [id, r] of changes.offers) offers.set(id, r);
        for (const [id, r] of changes.legs) legs.set(id, r);
        for (const [id, r] of changes.agents) agents.set(id, r);
        for (const failure of changes.failures ?? []) {
          this.#options.log.error({ err: failure, input: input.type }, 'a part of a step failed');
          this.#stepFailed = true;
        }
        events.push(...changes.events);
        for (const order of changes.orders) orders.push({ id: `${seq}.${orders.length}`, ...order });
        settle.push(resolve);
      } catch (error) {
        if (!(error instanceof InputRefused)) {
          this.#options.log.error({ err: error, input: input.type }, 'a step failed');
          this.#stepFailed = true;
        }
        events.push(ignored(input, at, error));
        settle.push(() => reject(error as Error));
      }
    }
    const changed = contacts.size + offers.size + legs.size + agents.size + events.length + orders.length > 0;
    if (!changed && !(this.#done.length > 0 && batch.some(({ input }) => input.type === 'tick'))) {
      // What means nothing (the late end of a prompt) keeps nobody waiting for the disk. Orders that are done are noted in their own time.
      for (const done of settle) done();
      return;
    }
    const commit: CommitBatch = {
      ...this.#emptyBatch(),
      contacts: [...contacts.values()],
      offers: [...offers.values()],
      legs: [...legs.values()],
      agents: [...agents.values()],
      events,
      orders,
      done: this.#done.splice(0),
    };
    await this.#commit(commit);
    this.#committed.apply({ lastContact: this.#floor.lastContact, contacts, offers, legs, agents, events, orders });
    for (const leg of legs.values()) if (leg.state === 'ended') this.#rememberEnded(leg.id);
    this.#runner.run(orders);
    for (const done of settle) done();
    const touched: Committed = { agents: new Set(agentsOf(offers.values(), agents.values(), contacts.values())), events };
    for (const listener of this.#listeners) {
      try {
        listener(touched);
      } catch (error) {
        this.#options.log.error({ err: error }, 'whoever was to be told of a commit failed'); // the floor goes on
      }
    }
  }

  #emptyBatch(): CommitBatch {
    const lease = this.#lease;
    if (!lease) throw new Error('no commit without a lease');
    return {
      domainId: lease.domainId,
      fence: lease.fence,
      seq: this.#seq + 1,
      lastContact: this.#floor.lastContact,
      contacts: [],
      offers: [],
      legs: [],
      agents: [],
      events: [],
      orders: [],
      done: [],
    };
  }

  /** Tries until it is through. @throws what cannot be cured by trying again */
  async #commit(batch: CommitBatch): Promise<void> {
    for (let pauseMs: number = COMMIT_RETRY_MS.first; ; pauseMs = Math.min(pauseMs * 2, COMMIT_RETRY_MS.most)) {
      try {
        await this.#options.store.commit(batch);
        this.#seq = batch.seq;
        this.#commitTrouble = null;
        return;
      } catch (error) {
        if (error instanceof LeaseLostError || error instanceof CommitRefusedError || isOurFault(error)) throw error;
        this.#commitTrouble = DATABASE_AWAY;
        this.#options.log.warn({ err: error, seq: batch.seq }, 'commit failed; trying again');
        await sleep(pauseMs);
        if (this.#stopped) throw error;
      }
    }
  }

  #noteOrderDone(id: string): void {
    this.#done.push(id);
    this.#noteDone ??= setTimeout(() => {
      this.#noteDone = null;
      if (this.#done.length > 0 && !this.#stopped) this.#report({ type: 'tick' });
    }, NOTE_DONE_AFTER_MS).unref();
  }

  #rememberEnded(leg: LegId): void {
    this.#endedLegs.add(leg);
    for (const id of this.#endedLegs) {
      if (this.#endedLegs.size <= 1_000) break;
      this.#endedLegs.delete(id);
    }
  }

  #setTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const due = this.#floor.nextDue(this.#now(), !this.#compared);
    if (due === null || this.#stopped) return;
    const inMs = Math.min(Math.max(this.#stepFailed ? 1_000 : 0, due - this.#now()), 2 ** 31 - 1);
    this.#stepFailed = false;
    this.#timer = setTimeout(() => this.#report({ type: 'tick' }), inMs);
  }
}

function* agentsOf(offers: Iterable<Offer>, agents: Iterable<Agent>, contacts: Iterable<Contact>): Iterable<AgentId> {
  for (const agent of agents) yield agent.id;
  for (const offer of offers) yield offer.agentId;
  for (const contact of contacts) if (contact.agentId) yield contact.agentId;
}

const isNothing = ({ contacts, offers, legs, agents, events, orders }: Changes): boolean =>
  contacts.size + offers.size + legs.size + agents.size + events.length + orders.length === 0;

function ignored(input: FloorInput, at: EpochMs, error: unknown): FloorEvent {
  const cause = error instanceof InputRefused ? error.code : 'error';
  const agentId = 'agentId' in input ? input.agentId : null;
  const blank = { contactId: null, customerId: null, deskId: null, offerId: null, legId: null };
  return { at, name: 'inputIgnored', ...blank, agentId, cause, data: { input: input.type } };
}

/** SQLSTATE classes that trying again does not cure: bad data, broken constraint, wrong statement. */
const isOurFault = (error: unknown): boolean => /^(22|23|42)/.test(String((error as { code?: unknown }).code ?? ''));
