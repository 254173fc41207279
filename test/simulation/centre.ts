/**
 * A whole centre, simulated: callers, visitors, agents, a switch and a database with all their faults, around the real floor
 * and its one step. Time is virtual, chance comes from one seed, so a day that went wrong is played back exactly.
 *
 * What lives in the switch is kept here apart from what the floor believes, so that events can be late, doubled or lost, and
 * the two can be compared at the end.
 */
import { InputRefused } from '#src/contact/agents.ts';
import { type Changes, Floor, type FloorContext, type NewOrder } from '#src/contact/floor.ts';
import type { Agent, Contact, FloorInput, Leg, Offer } from '#src/contact/model.ts';
import { byArrival } from '#src/contact/place.ts';
import { type step, take } from '#src/contact/step.ts';
import type { LegCause, SwitchSnapshot } from '#src/cti/port.ts';
import type { AgentProfile } from '#src/routing/directory.ts';
import { isSameSort, mayTake } from '../contact/invariants.ts';
import { customer, english, VARIED } from '../contact/world.ts';
import { Random } from './random.ts';

export interface Faults {
  /** Shares of events that come twice, or never. */
  readonly doubled: number;
  readonly lost: number;
  /** Mean times between kills of the controller, interruptions of its line to the switch, and panels that vanish. Infinity: never. */
  readonly controllerKilledEveryMs: number;
  readonly panelLostEveryMs: number;
  /** Times between deaths of the switch, with everything that lives in it. */
  readonly switchDiesEveryMs: number;
}

export interface CentreOptions {
  readonly seed: number;
  readonly contacts: number;
  readonly agents: number;
  /** Mean time between arrivals. */
  readonly arrivalEveryMs: number;
  readonly faults: Faults;
  /** Every so many steps all invariants are checked, besides the end. */
  readonly checkEvery: number;
  /** Replace the step or the floor under test: for showing that a broken one is seen. */
  readonly step?: typeof step;
  readonly floor?: () => Floor;
}

export const NO_FAULTS: Faults = {
  doubled: 0,
  lost: 0,
  controllerKilledEveryMs: Infinity,
  panelLostEveryMs: Infinity,
  switchDiesEveryMs: Infinity,
};
export const ALL_FAULTS: Faults = {
  doubled: 0.02,
  lost: 0.01,
  controllerKilledEveryMs: 900_000,
  panelLostEveryMs: 120_000,
  switchDiesEveryMs: 3_600_000,
};

/** Some 15 are usual. */
const MOST_STEPS_PER_CONTACT = 200;

const DESKS = ['sales', 'support', 'reception'] as const;

/** A leg as it really is in the switch. */
interface RealLeg {
  state: 'dialling' | 'ringing' | 'up';
  readonly direction: 'in' | 'out';
  readonly calledNumber: string;
  bridged: boolean;
}

interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly what: () => void;
}

export interface Result {
  readonly steps: number;
  readonly contacts: number;
  readonly endedBy: Readonly<Record<string, number>>;
  readonly restarts: number;
  readonly virtualMs: number;
}

/** What was seen to be wrong, with what is needed to see it again. */
export class Broken extends Error {
  constructor(what: string, options: CentreOptions, steps: number, at: number) {
    super(
      `${what}\n  at step ${steps}, ${Math.round(at / 1000)} s; play it back: npm run simulate -- --seed ${options.seed} --contacts ${options.contacts}`,
    );
    this.name = 'Broken';
  }
}

export class Centre {
  readonly #options: CentreOptions;
  readonly #random: Random;
  readonly #context: FloorContext;
  readonly #step: typeof step | undefined;
  #floor: Floor;
  #now = 0;
  #sequence = 0;
  readonly #agenda: Scheduled[] = [];
  /** Tables: what is committed and not over. */
  readonly #contacts = new Map<string, Contact>();
  readonly #offers = new Map<string, Offer>();
  readonly #legs = new Map<string, Leg>();
  readonly #agents = new Map<string, Agent>();
  #lastContact = 0;
  /** Orders that are committed and not done; a killed controller leaves them to the next. */
  readonly #outbox = new Set<NewOrder>();
  readonly #switch = new Map<string, RealLeg>();
  /** Raised by every kill: what a dead controller had in hand is nobody's. */
  #life = 0;
  #down = false;
  /** Nothing can be asked of the switch: it died, and comes back empty. */
  #switchDown = false;
  #switchStartedAt = 0;
  #noticed = 0;
  #tickAt = Infinity;
  #arrived = 0;
  #steps = 0;
  #restarts = 0;
  /** One bit for each contact that ended, to see that it is once. */
  readonly #ended: Uint8Array;
  #endedCount = 0;
  readonly #endedBy: Record<string, number> = {};
  /** Agents whose next act is planned, by the state that it is planned for. */
  readonly #planned = new Map<string, string>();

  constructor(options: CentreOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#step = options.step;
    this.#floor = this.#newFloor();
    this.#ended = new Uint8Array(options.contacts * 6 + 1_024);
    const agents = new Map<string, AgentProfile>();
    for (let i = 0; i < options.agents; i++) {
      const id = `agent-${i}`;
      const deskIds = i % 5 === 4 ? [DESKS[i % 3] as string, DESKS[(i + 1) % 3] as string] : [DESKS[i % 3] as string];
      const queues = deskIds.map((queueId, n) => ({ queueId, priority: n + 1 }));
      const skills = i % 2 === 0 ? english(1 + (i % 3)) : [];
      agents.set(id, { id, name: id, organisationId: 'maker', deskIds, queues, skills, role: 'agent', language: 'ja', deskPhone: null });
    }
    this.#context = {
      ...VARIED,
      directory: { ...VARIED.directory, agents },
    };
  }

  run(): Result {
    for (const id of this.#context.directory.agents.keys()) this.#comeToWork(id);
    this.#in(1, () => this.#arrive());
    const { controllerKilledEveryMs, panelLostEveryMs, switchDiesEveryMs } = this.#options.faults;
    if (Number.isFinite(controllerKilledEveryMs)) this.#again(controllerKilledEveryMs, () => this.#killController());
    if (Number.isFinite(panelLostEveryMs)) this.#again(panelLostEveryMs, () => this.#losePanel());
    if (Number.isFinite(switchDiesEveryMs)) this.#again(switchDiesEveryMs, () => this.#killSwitch());
    this.#again(40_000, () => this.#supervise());
    for (let next = this.#pop(); next; next = this.#pop()) {
      this.#now = next.at;
      next.what();
      if (this.#arrived >= this.#options.contacts && this.#floor.contacts.size === 0 && !this.#down && !this.#switchDown) break;
    }
    this.#check();
    if (this.#floor.contacts.size > 0)
      this.#fail(
        `${this.#floor.contacts.size} contacts were never served: ${[...this.#floor.contacts.values()]
          .slice(0, 3)
          .map((c) => `${c.id} ${c.state}`)
          .join(', ')}`,
      );
    if (this.#endedCount !== this.#lastContact) this.#fail(`${this.#lastContact} contacts, ${this.#endedCount} ends`);
    return { steps: this.#steps, contacts: this.#lastContact, endedBy: this.#endedBy, restarts: this.#restarts, virtualMs: this.#now };
  }

  // ---------------------------------------------------------------- the agenda

  #in(ms: number, what: () => void): void {
    const item: Scheduled = { at: this.#now + ms, order: this.#sequence++, what };
    const heap = this.#agenda;
    let i = heap.push(item) - 1;
    for (; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (before(heap[parent] as Scheduled, item)) break;
      heap[i] = heap[parent] as Scheduled;
      i = parent;
    }
    heap[i] = item;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#agenda;
    const top = heap[0];
    const last = heap.pop();
    if (!top || !last || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child++;
      if (!before(heap[child] as Scheduled, last)) break;
      heap[i] = heap[child] as Scheduled;
      i = child;
    }
    heap[i] = last;
    return top;
  }

  #again(meanMs: number, what: () => void): void {
    this.#in(this.#random.exponentialMs(meanMs), () => {
      if (this.#arrived >= this.#options.contacts) return; // the evening is quiet, so that the day can end
      what();
      this.#again(meanMs, what);
    });
  }

  // ---------------------------------------------------------------- the controller

  /** Gives an input as the controller would: decide, commit, act. */
  #give(input: FloorInput): void {
    if (this.#down) return; // nobody hears it
    this.#steps++;
    if (this.#steps > this.#options.contacts * MOST_STEPS_PER_CONTACT) this.#fail('the day does not end: something is due again and again');
    let changes: Changes;
    const context = this.#switchDown ? { ...this.#context, switchAway: true } : this.#context;
    try {
      changes = take(this.#floor, context, input, this.#now, this.#step);
    } catch (error) {
      if (error instanceof InputRefused) return;
      throw error;
    }
    if (changes.failures?.length) throw changes.failures[0];
    this.#lastContact = changes.lastContact;
    for (const [id, contact] of changes.contacts) {
      const before = this.#contacts.get(id);
      if (before && before.arrivedAt !== contact.arrivedAt) this.#fail(`${id} has lost the place that its arrival gave it`);
      if (contact.state === 'ended') {
        this.#noteEnd(contact);
        this.#contacts.delete(id);
      } else this.#contacts.set(id, contact);
    }
    keep(this.#offers, changes.offers);
    keep(this.#legs, changes.legs);
    for (const [id, agent] of changes.agents) this.#agents.set(id, agent);
    for (const event of changes.events) if (event.name === 'contactEnded') this.#endedCount++;
    for (const order of changes.orders) {
      const isMessage = this.#contacts.get(order.contactId)?.channel === 'message';
      if (isMessage && order.type !== 'keepRecording') this.#fail(`${order.type} is ordered for the message ${order.contactId}`);
      this.#carryOut(order);
    }
    for (const [id, agent] of changes.agents) this.#planNext(id, agent);
    for (const offer of changes.offers.values()) if (offer.state === 'shown') this.#seeOffer(offer);
    this.#setTimer();
    if (this.#steps % this.#options.checkEvery === 0) this.#check();
  }

  #noteEnd(contact: Contact): void {
    const n = Number(contact.id.slice(contact.id.lastIndexOf('-') + 1));
    if (this.#ended[n]) this.#fail(`${contact.id} ended twice`);
    if (!contact.cause) this.#fail(`${contact.id} ended without a cause`);
    this.#ended[n] = 1;
    this.#endedBy[contact.cause ?? '?'] = (this.#endedBy[contact.cause ?? '?'] ?? 0) + 1;
  }

  #setTimer(): void {
    const due = this.#floor.nextDue(this.#now, this.#switchDown);
    if (due === null || due >= this.#tickAt) return;
    this.#tickAt = Math.max(due, this.#now);
    const at = this.#tickAt;
    this.#in(at - this.#now, () => {
      if (at !== this.#tickAt) return; // an earlier one came in between, or the controller died
      this.#tickAt = Infinity;
      this.#give({ type: 'tick' });
      this.#setTimer();
    });
  }

  /** Dies between two commits; what it had ordered and not done is given again by the next, which compares with the switch. */
  #killController(): void {
    this.#restarts++;
    this.#life++;
    this.#down = true;
    this.#tickAt = Infinity;
    this.#in(this.#random.exponentialMs(3_000), () => {
      this.#down = false;
      this.#floor = this.#newFloor();
      this.#floor.load({
        seq: 0,
        lastContact: this.#lastContact,
        contacts: [...this.#contacts.values()],
        offers: [...this.#offers.values()],
        legs: [...this.#legs.values()],
        agents: [...this.#agents.values()],
        handling: [],
        orders: [],
      });
      this.#planned.clear();
      this.#give({ type: 'controllerStarted' });
      for (const order of [...this.#outbox]) this.#do(order);
      if (!this.#switchDown) this.#give({ type: 'resynchronised', snapshot: this.#snapshot() });
      for (const id of this.#context.directory.agents.keys()) {
        this.#in(this.#random.exponentialMs(1_000), () => this.#give({ type: 'panelOpened', agentId: id, holdsCall: true }));
        const agent = this.#agents.get(id);
        if (agent) this.#planNext(id, agent);
      }
      for (const offer of this.#offers.values()) if (offer.state === 'shown') this.#seeOffer(offer);
      this.#setTimer();
    });
  }

  #newFloor(): Floor {
    return this.#options.floor?.() ?? new Floor('test');
  }

  /** Everybody in it is cut off; orders wait until it is back. */
  #killSwitch(): void {
    if (this.#switchDown) return;
    this.#switchDown = true;
    this.#switch.clear();
    this.#in(this.#random.exponentialMs(5_000), () => {
      this.#switchDown = false;
      this.#switchStartedAt = this.#now;
      if (this.#down) return; // the next controller compares
      for (const order of [...this.#outbox]) this.#do(order);
      this.#give({ type: 'resynchronised', snapshot: this.#snapshot() });
    });
  }

  #snapshot(): SwitchSnapshot {
    return {
      startedAt: this.#switchStartedAt,
      legs: [...this.#switch].map(([leg, real]) => ({
        leg,
        direction: real.direction,
        state: real.state,
        arrival:
          real.direction === 'in'
            ? { callingNumber: '+81312345678', callingName: null, presentation: 'allowed', calledNumber: real.calledNumber, trusted: true }
            : null,
      })),
      bridges: [],
    };
  }

  // ---------------------------------------------------------------- the switch

  #carryOut(order: NewOrder): void {
    this.#outbox.add(order);
    const life = this.#life;
    this.#in(1 + Math.floor(this.#random.next() * 5), () => {
      if (life === this.#life) this.#do(order);
    });
  }

  #do(order: NewOrder): void {
    if (this.#switchDown || !this.#outbox.delete(order)) return;
    const random = this.#random;
    switch (order.type) {
      case 'originate': {
        if (this.#switch.has(order.leg)) return; // given again
        this.#switch.set(order.leg, { state: 'dialling', direction: 'out', calledNumber: '', bridged: false });
        if (random.chance(0.03)) return this.#endLeg(order.leg, random.pick(['unreachable', 'busy', 'rejected'] as const), 50);
        this.#on(order.leg, 100, (leg) => {
          leg.state = 'ringing';
          this.#tell({ type: 'legRinging', leg: order.leg });
        });
        if (random.chance(0.06)) return this.#endLeg(order.leg, 'noAnswer', order.timeoutMs);
        return this.#on(order.leg, 100 + random.exponentialMs(4_000), (leg) => {
          leg.state = 'up';
          this.#tell({ type: 'legAnswered', leg: order.leg });
        });
      }
      case 'hangUp':
        return this.#endLeg(order.leg, this.#switch.get(order.leg)?.state === 'up' ? 'normalClearing' : 'cancelled', 5);
      case 'play':
        return this.#on(order.leg, random.exponentialMs(3_000), () =>
          this.#tell({ type: 'playFinished', leg: order.leg, play: order.play }),
        );
      case 'join':
        for (const id of order.legs) {
          const leg = this.#switch.get(id);
          if (!leg || leg.bridged) continue;
          leg.bridged = true;
          if (leg.direction === 'in' || id.includes('.c')) this.#endLeg(id, 'normalClearing', random.exponentialMs(180_000));
        }
        return;
      case 'lookUpParty': {
        const record = random.chance(order.by === 'customerCode' ? 0.6 : 0.75) ? this.#someCustomer() : null;
        return this.#in(random.exponentialMs(3), () =>
          this.#tell({ type: 'partyLookedUp', contactId: order.contactId, by: order.by, record }),
        );
      }
      case 'askService': {
        const { contactId, request } = order;
        const outcome = random.pick(['found', 'notFound', 'failed'] as const);
        return this.#in(random.exponentialMs(300), () => this.#tell({ type: 'serviceAnswered', contactId, request, outcome, values: {} }));
      }
      case 'recognise': {
        const { contactId, request } = order;
        return this.#in(random.exponentialMs(500), () => this.#tell({ type: 'heard', contactId, request, words: null }));
      }
      case 'record': {
        const { leg, recording } = order;
        const durationMs = Math.min(random.exponentialMs(4_000), order.longestMs);
        return this.#on(leg, durationMs, () => this.#tell({ type: 'recordFinished', leg, recording, durationMs, outcome: 'completed' }));
      }
      case 'sendHook':
      case 'stopRecord':
      case 'dropRecording':
      case 'keepRecording':
      case 'answer':
      case 'stopPlay':
      case 'startMusic':
      case 'stopMusic':
      case 'dropBridge':
        return;
      default:
        order satisfies never;
    }
  }

  /** What will happen to a leg, unless it is gone by then. */
  #on(leg: string, ms: number, what: (leg: RealLeg) => void): void {
    this.#in(ms, () => {
      const real = this.#switch.get(leg);
      if (real) what(real);
    });
  }

  #endLeg(leg: string, cause: LegCause, ms: number): void {
    this.#on(leg, ms, () => {
      this.#switch.delete(leg);
      this.#tell({ type: 'legEnded', leg, cause }, false); // the adapter's promise: once for each leg, whatever happens
    });
  }

  /** An event reaches the controller: now and then twice, now and then not. */
  #tell(input: FloorInput, mayBeLost = true): void {
    const { doubled, lost } = this.#options.faults;
    if (mayBeLost && lost > 0 && this.#random.chance(lost) && isCurable(input)) return;
    this.#give(input);
    if (doubled > 0 && this.#random.chance(doubled)) this.#in(this.#random.exponentialMs(500), () => this.#give(input));
  }

  // ---------------------------------------------------------------- callers

  #arrive(): void {
    if (this.#arrived >= this.#options.contacts) return;
    this.#arrived++;
    const random = this.#random;
    if (random.chance(0.15)) {
      const number = '+819012345678';
      this.#give({
        type: 'callMeRequested',
        entryId: 'ja',
        language: 'ja',
        callMe: { to: { kind: 'number', number }, name: '', question: '', pageUrl: '', token: `t${this.#arrived}` },
        number: { kind: 'valid', e164: number, country: 'JP' },
      });
    } else this.#call(random);
    this.#in(random.exponentialMs(this.#options.arrivalEveryMs), () => this.#arrive());
  }

  #someCustomer(): ReturnType<typeof customer> {
    const random = this.#random;
    const lastAgentId = random.chance(0.3) ? `agent-${Math.floor(random.next() * this.#options.agents)}` : null;
    return { ...customer(random.pick(DESKS), random.pick(['Sato', 'Suzuki', 'Ito'])), lastAgentId };
  }

  /** What supervisors and customers do besides. */
  #supervise(): void {
    const random = this.#random;
    const agentId = `agent-${Math.floor(random.next() * this.#options.agents)}`;
    const callback = [...this.#floor.contacts.values()].find((c) => c.channel === 'callback' && c.state === 'queued');
    const recipientId = random.chance(0.9) ? `r${++this.#noticed}` : `r${this.#noticed}`;
    switch (Math.floor(random.next() * 5)) {
      case 0:
        return this.#give({ type: 'agentForced', agentId, to: random.pick(['ready', 'notReady', 'loggedOff'] as const), by: 'agent-0' });
      case 1:
        return this.#give({ type: 'wrapUpExtended', agentId });
      case 2:
        if (!callback) return;
        if (random.chance(0.3)) return this.#give({ type: 'callMeCancelled', contactId: callback.id });
        return this.#give({ type: 'callbackMoved', contactId: callback.id, to: random.chance(0.5) ? this.#now + 60_000 : null });
      case 3:
        if (random.chance(0.02)) return this.#give({ type: 'noticeStopped', noticeId: 'n1' });
        return this.#give({
          type: 'noticeTask',
          noticeId: 'n1',
          recipientId,
          deskId: random.pick(DESKS),
          language: 'ja',
          number: { kind: 'valid', e164: '+819087654321', country: 'JP' },
          name: 'Ito',
          text: 'closed on Monday',
        });
      default:
        return this.#give({ type: 'directoryChanged' });
    }
  }

  #call(random: Random): void {
    if (this.#switchDown) return; // nobody answers there
    const leg = `in.${this.#arrived}`;
    const withheld = random.chance(0.1);
    // Some dial a menu of everything that scenarios can do.
    const calledNumber = random.chance(0.15) ? '3000' : '1000';
    this.#switch.set(leg, { state: 'up', direction: 'in', calledNumber, bridged: false });
    this.#tell(
      {
        type: 'legArrived',
        leg,
        arrival: {
          callingNumber: withheld ? null : '+81312345678',
          callingName: null,
          presentation: withheld ? 'restricted' : 'allowed',
          calledNumber,
          trusted: true,
        },
      },
      false,
    );
    // Patience ends where the talk has not begun.
    this.#on(leg, random.exponentialMs(150_000), (real) => {
      if (!real.bridged) this.#endLeg(leg, 'normalClearing', 0);
    });
    if (calledNumber === '3000') {
      for (let keys = 0; keys < 3; keys++) {
        const digit = random.pick([...'1234567892#'] as const);
        this.#on(leg, random.exponentialMs(20_000), () => this.#tell({ type: 'digit', leg, digit }));
      }
      return;
    }
    const digits = random.chance(0.5) ? '12345#' : '1';
    this.#on(leg, random.exponentialMs(8_000), () => {
      for (const digit of digits) this.#tell({ type: 'digit', leg, digit });
    });
  }

  // ---------------------------------------------------------------- agents

  #comeToWork(agentId: string): void {
    this.#in(1, () => {
      this.#give({ type: 'panelOpened', agentId, holdsCall: false });
      this.#give({ type: 'agentLogOn', agentId, phone: 'browser' });
      this.#give({ type: 'agentSetReady', agentId });
    });
  }

  /** An agent's next act in the present state, planned once. */
  #planNext(id: string, agent: Agent): void {
    const key = `${agent.state}/${agent.stateSince}`;
    if (this.#planned.get(id) === key) return;
    this.#planned.set(id, key);
    const random = this.#random;
    const later = (ms: number, what: () => void): void =>
      this.#in(ms, () => {
        const now = this.#agents.get(id);
        if (now && `${now.state}/${now.stateSince}` === key) what();
      });
    switch (agent.state) {
      case 'notReady':
        return later(random.exponentialMs(20_000), () => this.#give({ type: 'agentSetReady', agentId: id }));
      case 'workingAfterCall':
        if (random.chance(0.1)) return; // forgets it: its time ends by itself
        return later(random.exponentialMs(15_000), () =>
          this.#give({ type: 'wrapUp', agentId: id, contactId: agent.wrapUpContactId ?? '', disposition: 'resolved', note: '' }),
        );
      case 'ready':
        if (random.chance(0.02))
          later(random.exponentialMs(60_000), () => this.#give({ type: 'agentSetNotReady', agentId: id, reason: 'break' }));
        return;
      case 'loggedOff':
        return later(random.exponentialMs(60_000), () => this.#comeToWork(id));
      case 'busy':
        if (random.chance(0.01)) later(random.exponentialMs(30_000), () => this.#give({ type: 'agentLogOff', agentId: id }));
        return;
    }
  }

  #seeOffer(offer: Offer): void {
    const random = this.#random;
    if (random.chance(0.02)) return; // the panel is slow: the phone rings all the same
    this.#in(random.exponentialMs(80), () => this.#give({ type: 'offerShown', agentId: offer.agentId, offerId: offer.id }));
    if (random.chance(0.02)) {
      this.#in(random.exponentialMs(3_000), () => this.#give({ type: 'offerDeclined', agentId: offer.agentId, offerId: offer.id }));
    }
    if (this.#contacts.get(offer.contactId)?.channel !== 'message') return;
    this.#in(random.exponentialMs(4_000), () => this.#give({ type: 'offerAccepted', agentId: offer.agentId, offerId: offer.id }));
    this.#listen(offer);
  }

  /** To a message: it is done, or its customer is called, some time after it was accepted. */
  #listen(offer: Offer): void {
    const random = this.#random;
    const { id: offerId, agentId, contactId } = offer;
    this.#in(random.exponentialMs(40_000), () => {
      const contact = this.#contacts.get(contactId);
      if (contact?.offerId !== offerId) return;
      this.#listen(offer); // until it is over: nobody may have heard what was said now
      if (contact.state !== 'connected') return;
      const callsBack = contact.callingNumber.kind === 'valid' && random.chance(0.3);
      this.#give(callsBack ? { type: 'messageCallBack', agentId, contactId } : { type: 'agentHangUp', agentId, offerId });
    });
  }

  #losePanel(): void {
    const agentId = this.#random.pick([...this.#context.directory.agents.keys()]);
    this.#give({ type: 'panelClosed', agentId });
    const reloaded = this.#random.chance(0.5);
    this.#in(this.#random.exponentialMs(6_000), () => this.#give({ type: 'panelOpened', agentId, holdsCall: !reloaded }));
  }

  // ---------------------------------------------------------------- what must be true

  #check(): void {
    const floor = this.#floor;
    const queueAt = (deskId: string): Contact[] =>
      [...floor.queues.waiting(deskId, this.#now)].map((id) => floor.contacts.get(id) as Contact);
    const offersOf = new Map<string, number>();
    const agentsOf = new Map<string, number>();
    for (const offer of floor.offers.values()) {
      offersOf.set(offer.contactId, (offersOf.get(offer.contactId) ?? 0) + 1);
      agentsOf.set(offer.agentId, (agentsOf.get(offer.agentId) ?? 0) + 1);
      if (offer.state !== 'accepted' && Object.keys(offer.timers).length === 0) this.#fail(`${offer.id} (${offer.state}) has no deadline`);
    }
    for (const [id, n] of offersOf) if (n > 1) this.#fail(`${id} is offered ${n} times at once`);
    for (const [id, n] of agentsOf) if (n > 1) this.#fail(`${id} has ${n} offers at once`);
    for (const contact of floor.contacts.values()) {
      const has = offersOf.has(contact.id);
      const needs = contact.state === 'offered' || contact.state === 'connected';
      if (has !== needs) this.#fail(`${contact.id} is ${contact.state} ${has ? 'with' : 'without'} an offer`);
      if (contact.channel === 'voice' && contact.state !== 'wrapUp' && !floor.legs.has(contact.legId ?? ''))
        this.#fail(`${contact.id} (${contact.state}) has no party on the line`);
    }
    for (const agent of floor.agents.values()) {
      if ((agent.state === 'busy') !== agentsOf.has(agent.id))
        this.#fail(`${agent.id} is ${agent.state} ${agentsOf.has(agent.id) ? 'with' : 'without'} an offer`);
      if (
        agent.state === 'workingAfterCall' &&
        (agent.timers.wrapUp === undefined || floor.contacts.get(agent.wrapUpContactId ?? '')?.state !== 'wrapUp')
      ) {
        this.#fail(`${agent.id} wraps up nothing`);
      }
      if (agent.state === 'ready' && agent.panel === 'open') {
        for (const deskId of this.#context.directory.agents.get(agent.id)?.deskIds ?? []) {
          const waits = queueAt(deskId).find((contact) => mayTake(this.#context, agent, contact, this.#now));
          if (waits && !this.#switchDown) this.#fail(`${agent.id} is ready and ${waits.id} waits at ${deskId}`);
        }
      }
    }
    for (const deskId of DESKS) {
      const queue = queueAt(deskId);
      queue.forEach((contact, i) => {
        if (contact.state !== 'queued' || contact.deskId !== deskId) this.#fail(`${contact.id} (${contact.state}) stands at ${deskId}`);
        const next = queue.slice(i + 1).find((other) => isSameSort(contact, other));
        if (next && byArrival(next, contact) < 0) this.#fail(`${next.id} stands behind ${contact.id}, who came later`);
      });
    }
  }

  #fail(what: string): never {
    throw new Broken(what, this.#options, this.#steps, this.#now);
  }
}

const before = (a: Scheduled, b: Scheduled): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Whose loss the floor makes up for by a deadline of its own. An adapter loses no others. */
const isCurable = (input: FloorInput): boolean => input.type === 'partyLookedUp' || input.type === 'legRinging' || input.type === 'digit';

function keep<T extends { readonly state: string }>(table: Map<string, T>, changed: ReadonlyMap<string, T>): void {
  for (const [id, record] of changed) {
    if (record.state === 'ended') table.delete(id);
    else table.set(id, record);
  }
}
