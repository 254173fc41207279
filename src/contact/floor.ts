/**
 * The floor: what a domain's owner knows of everything that is not over, in memory, exactly as the tables hold it.
 *
 * Records are immutable. A step works on a `Draft`, which reads through to the floor and keeps its own changes aside;
 * `apply` puts them in place. Nothing else changes a floor, so its indexes (queues, ready agents, timers) are right by
 * construction.
 */
import type { AgentId, ContactId, DeskId, DomainId, EpochMs, Language, LegId, OfferId } from '../base/ids.ts';
import type { Arrival } from '../cti/port.ts';
import type { PromptName } from '../ivr/prompts.ts';
import type { Dialogue, DialogueInput, DialogueResult, Prompt } from '../ivr/scenario.ts';
import type { Directory, Entry } from '../routing/directory.ts';
import type { RulesOfDesks } from '../routing/desk-rules.ts';
import type { CallingNumber, Party } from '../routing/party.ts';
import type { Agent, Channel, Contact, Decision, EventName, FloorEvent, FloorPolicy, Leg, Offer, OrderBody } from './model.ts';
import type { FloorRecords } from './ports.ts';

/** What a decision may ask. All of it pure and given from outside; nothing here reads a clock, a file or a table. */
export interface FloorContext {
  readonly directory: Directory;
  readonly policy: FloorPolicy;
  /** Nothing is heard from the switch at present: nobody is offered anything, and nobody's silence means anything. */
  readonly switchAway?: boolean;
  /** How each desk gives out what waits at it. */
  readonly rulesOf: RulesOfDesks;
  readonly decideDesk: (
    facts: { readonly party: Party; readonly entry: Entry; readonly channel: Channel; readonly callingNumber: CallingNumber },
    at: EpochMs,
  ) => Decision;
  readonly startDialogue: (scenario: string, language: Language) => DialogueResult;
  readonly stepDialogue: (dialogue: Dialogue, input: DialogueInput) => DialogueResult;
  readonly say: (name: PromptName, language: Language, variables?: Readonly<Record<string, string | number>>) => Prompt;
  readonly readCallingNumber: (arrival: Arrival, country: string) => CallingNumber;
}

/** An order as a step makes it; the controller gives it an id when it builds the commit. */
export type NewOrder = OrderBody & { readonly contactId: ContactId };

/** All that one step changed, to be committed and applied as one. */
export interface Changes {
  readonly lastContact: number;
  readonly contacts: ReadonlyMap<ContactId, Contact>;
  readonly offers: ReadonlyMap<OfferId, Offer>;
  readonly legs: ReadonlyMap<LegId, Leg>;
  readonly agents: ReadonlyMap<AgentId, Agent>;
  readonly events: readonly FloorEvent[];
  readonly orders: readonly NewOrder[];
  /** Parts of the step that threw; nothing of theirs is in the changes. */
  readonly failures?: readonly unknown[];
}

interface Due {
  readonly at: EpochMs;
  readonly kind: 'contact' | 'offer' | 'agent';
  readonly id: string;
  readonly name: string;
}

export class Floor {
  readonly domainId: DomainId;
  lastContact = 0;
  readonly contacts = new Map<ContactId, Contact>();
  readonly offers = new Map<OfferId, Offer>();
  readonly legs = new Map<LegId, Leg>();
  readonly agents = new Map<AgentId, Agent>();
  /** Contacts that wait for an agent, by desk, in order of arrival. */
  readonly #queues = new Map<DeskId, Contact[]>();
  /** Earliest first; an entry whose record no longer has that timer at that time is stale and skipped. */
  readonly #due: Due[] = [];

  constructor(domainId: DomainId) {
    this.domainId = domainId;
  }

  static from(domainId: DomainId, records: FloorRecords): Floor {
    const floor = new Floor(domainId);
    const byId = <T extends { id: string }>(list: readonly T[]): Map<string, T> => new Map(list.map((r) => [r.id, r]));
    floor.apply({
      lastContact: records.lastContact,
      contacts: byId(records.contacts),
      offers: byId(records.offers),
      legs: byId(records.legs),
      agents: byId(records.agents),
      events: [],
      orders: [],
    });
    return floor;
  }

  /** Those who wait at a desk and can be offered now, first come first. */
  queue(deskId: DeskId): readonly Contact[] {
    return this.#queues.get(deskId) ?? [];
  }

  get queuedDesks(): Iterable<DeskId> {
    return this.#queues.keys();
  }

  apply(changes: Changes): void {
    this.lastContact = changes.lastContact;
    for (const [id, next] of changes.contacts) {
      const before = this.contacts.get(id);
      if (before) this.#unqueue(before);
      if (next.state === 'ended') this.contacts.delete(id);
      else this.contacts.set(id, next);
      if (isEligible(next)) this.#enqueue(next);
      this.#remind('contact', id, next.timers, before?.timers);
    }
    for (const [id, next] of changes.offers) {
      const before = this.offers.get(id);
      if (next.state === 'ended') this.offers.delete(id);
      else this.offers.set(id, next);
      this.#remind('offer', id, next.timers, before?.timers);
    }
    for (const [id, next] of changes.legs) {
      if (next.state === 'ended') this.legs.delete(id);
      else this.legs.set(id, next);
    }
    for (const [id, next] of changes.agents) {
      this.#remind('agent', id, next.timers, this.agents.get(id)?.timers);
      this.agents.set(id, next);
    }
  }

  /** When the next timer is due, or null. */
  nextDue(): EpochMs | null {
    for (let top = this.#due[0]; top; top = this.#due[0]) {
      if (this.#isLive(top)) return top.at;
      this.#popDue();
    }
    return null;
  }

  /** The timers that are due at `at`, earliest first. A step clears or moves each; those that it forgets are due again. */
  dueTimers(at: EpochMs): readonly Due[] {
    const found: Due[] = [];
    const visit = (i: number): void => {
      const due = this.#due[i];
      if (!due || due.at > at) return; // nor is anything below it
      if (this.#isLive(due)) found.push(due);
      visit(2 * i + 1);
      visit(2 * i + 2);
    };
    visit(0);
    return found.sort((a, b) => a.at - b.at);
  }

  #isLive(due: Due): boolean {
    const record =
      due.kind === 'contact' ? this.contacts.get(due.id) : due.kind === 'offer' ? this.offers.get(due.id) : this.agents.get(due.id);
    return (record?.timers as Record<string, EpochMs | undefined> | undefined)?.[due.name] === due.at;
  }

  #remind(kind: Due['kind'], id: string, timers: object, before: object = {}): void {
    const old = before as Record<string, EpochMs | undefined>;
    for (const [name, at] of Object.entries(timers) as [string, EpochMs][]) {
      if (old[name] !== at) this.#pushDue({ at, kind, id, name });
    }
  }

  #pushDue(due: Due): void {
    const heap = this.#due;
    let i = heap.push(due) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Due;
      if (above.at <= due.at) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = due;
  }

  #popDue(): void {
    const heap = this.#due;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Due).at < (heap[child] as Due).at) child++;
      if ((heap[child] as Due).at >= last.at) break;
      heap[i] = heap[child] as Due;
      i = child;
    }
    heap[i] = last;
  }

  #enqueue(contact: Contact): void {
    const deskId = contact.deskId as DeskId;
    const queue = this.#queues.get(deskId) ?? [];
    this.#queues.set(deskId, queue);
    queue.splice(placeIn(queue, contact), 0, contact);
  }

  #unqueue(contact: Contact): void {
    if (!isEligible(contact)) return;
    const queue = this.#queues.get(contact.deskId as DeskId);
    const i = queue ? placeIn(queue, contact) : 0;
    if (queue?.[i]?.id === contact.id) queue.splice(i, 1);
    if (queue?.length === 0) this.#queues.delete(contact.deskId as DeskId);
  }
}

/** Waits for an agent and may be offered now: not a callback that rests until its next attempt. */
export const isEligible = (contact: Contact): boolean => contact.state === 'queued' && contact.timers.retry === undefined;

/** Order of a queue: who came first; of two in the same millisecond, who was taken in first. */
export function comesBefore(a: Contact, b: Contact): boolean {
  return a.arrivedAt - b.arrivedAt < 0 || (a.arrivedAt === b.arrivedAt && serial(a) < serial(b));
}

/** How many of a queue come before a contact, whether it is in the queue or not. By halves: queues may be long. */
export function placeIn(queue: readonly Contact[], contact: Contact): number {
  let [from, to] = [0, queue.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (comesBefore(queue[middle] as Contact, contact)) from = middle + 1;
    else to = middle;
  }
  return from;
}

const serial = (contact: Contact): number => Number(contact.id.slice(contact.id.lastIndexOf('-') + 1));

/** One step under way: reads through to the floor, keeps its changes aside. */
export class Draft implements Changes {
  readonly floor: Floor;
  readonly context: FloorContext;
  readonly at: EpochMs;
  lastContact: number;
  readonly contacts = new Map<ContactId, Contact>();
  readonly offers = new Map<OfferId, Offer>();
  readonly legs = new Map<LegId, Leg>();
  readonly agents = new Map<AgentId, Agent>();
  readonly events: FloorEvent[] = [];
  readonly orders: NewOrder[] = [];
  readonly failures: unknown[] = [];
  /** What `put` replaced, while a part may still have to be taken back. */
  #replaced: { readonly map: Map<string, unknown>; readonly id: string; readonly before: unknown }[] | null = null;

  constructor(floor: Floor, context: FloorContext, at: EpochMs) {
    this.floor = floor;
    this.context = context;
    this.at = at;
    this.lastContact = floor.lastContact;
  }

  contact(id: ContactId): Contact | undefined {
    const contact = this.contacts.get(id) ?? this.floor.contacts.get(id);
    return contact?.state === 'ended' ? undefined : contact;
  }

  offer(id: OfferId | null): Offer | undefined {
    if (id === null) return undefined;
    const offer = this.offers.get(id) ?? this.floor.offers.get(id);
    return offer?.state === 'ended' ? undefined : offer;
  }

  leg(id: LegId | null): Leg | undefined {
    if (id === null) return undefined;
    const leg = this.legs.get(id) ?? this.floor.legs.get(id);
    return leg?.state === 'ended' ? undefined : leg;
  }

  /** The agent's row; one who never logged on has none yet and is logged off. Undefined when the directory has no such agent. */
  agent(id: AgentId): Agent | undefined {
    const known = this.agents.get(id) ?? this.floor.agents.get(id);
    if (known) return known;
    const profile = this.context.directory.agents.get(id);
    if (!profile) return undefined;
    return {
      id,
      domainId: this.floor.domainId,
      state: 'loggedOff',
      reason: null,
      stateSince: this.at,
      idleSince: this.at,
      pending: null,
      phone: 'browser',
      panel: 'closed',
      offerId: null,
      wrapUpContactId: null,
      timers: {},
    };
  }

  put(kind: 'contact', record: Contact): Contact;
  put(kind: 'offer', record: Offer): Offer;
  put(kind: 'leg', record: Leg): Leg;
  put(kind: 'agent', record: Agent): Agent;
  put(kind: 'contact' | 'offer' | 'leg' | 'agent', record: Contact | Offer | Leg | Agent): Contact | Offer | Leg | Agent {
    const map = { contact: this.contacts, offer: this.offers, leg: this.legs, agent: this.agents }[kind] as Map<string, unknown>;
    this.#replaced?.push({ map, id: record.id, before: map.get(record.id) });
    map.set(record.id, record);
    return record;
  }

  /** A part of the step whose failure others must not suffer from: what it did is taken back, and the rest goes on. Whether it was done. */
  apart(part: () => void): boolean {
    const [events, orders, lastContact] = [this.events.length, this.orders.length, this.lastContact];
    this.#replaced = [];
    try {
      part();
      return true;
    } catch (error) {
      for (const { map, id, before } of this.#replaced.reverse()) {
        if (before === undefined) map.delete(id);
        else map.set(id, before);
      }
      this.events.length = events;
      this.orders.length = orders;
      this.lastContact = lastContact;
      this.failures.push(error);
      return false;
    } finally {
      this.#replaced = null;
    }
  }

  /** Sets one timer to ring later. */
  postpone(kind: 'contact' | 'offer' | 'agent', id: string, name: string, to: EpochMs): void {
    const later = <T extends { readonly timers: object }>(record: T): T => ({ ...record, timers: { ...record.timers, [name]: to } });
    const contact = kind === 'contact' ? this.contact(id) : undefined;
    const offer = kind === 'offer' ? this.offer(id) : undefined;
    const agent = kind === 'agent' ? this.agent(id) : undefined;
    if (contact) this.put('contact', later(contact));
    if (offer) this.put('offer', later(offer));
    if (agent) this.put('agent', later(agent));
  }

  /** Every contact's id, those of this step included. */
  *contactIds(): Iterable<ContactId> {
    yield* this.floor.contacts.keys();
    for (const id of this.contacts.keys()) if (!this.floor.contacts.has(id)) yield id;
  }

  order(contactId: ContactId, body: OrderBody): void {
    this.orders.push({ contactId, ...body });
  }

  event(
    name: EventName,
    about: {
      contact?: Contact | undefined;
      agentId?: AgentId | null;
      offer?: Offer | undefined;
      legId?: LegId | null;
      deskId?: DeskId | null;
      cause?: string | null;
      data?: Readonly<Record<string, unknown>>;
    },
  ): void {
    const { contact, offer } = about;
    this.events.push({
      at: this.at,
      name,
      contactId: contact?.id ?? offer?.contactId ?? null,
      customerId: contact?.party.record?.customerId ?? null,
      deskId: about.deskId ?? offer?.deskId ?? contact?.deskId ?? null,
      agentId: about.agentId ?? offer?.agentId ?? null,
      offerId: offer?.id ?? null,
      legId: about.legId ?? null,
      cause: about.cause ?? null,
      data: about.data ?? {},
    });
  }
}

/** The record without these timers. */
export function withoutTimers<T extends { readonly timers: Readonly<Partial<Record<N, EpochMs>>> }, N extends string>(
  record: T,
  ...names: N[]
): T['timers'] {
  const timers = { ...record.timers };
  for (const name of names) delete timers[name];
  return timers;
}
