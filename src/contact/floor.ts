/**
 * The floor: what a domain's owner knows of everything that is not over, in memory, exactly as the tables hold it.
 *
 * Records are immutable. A step works on a `Draft`, which reads through to the floor and keeps its own changes aside;
 * `apply` puts them in place. Nothing else changes a floor, so its indexes (queues, free agents, timers) are right by
 * construction.
 */
import type { AgentId, ContactId, DeskId, DomainId, E164, EpochMs, Language, LegId, NoticeId, OfferId } from '../base/ids.ts';
import type { Arrival } from '../cti/port.ts';
import type { PromptName } from '../ivr/prompts.ts';
import type { Dialogue, DialogueInput, DialogueResult, Prompt, Values } from '../ivr/scenario.ts';
import type { DialogueFacts, DialogueOptions } from '../ivr/step.ts';
import type { RulesOfDesks } from '../routing/desk-rules.ts';
import type { Directory, Entry } from '../routing/directory.ts';
import type { CallingNumber, Party } from '../routing/party.ts';
import { type Due, DueTimers } from './due.ts';
import type { Agent, Channel, Contact, Decision, EventName, FloorEvent, FloorPolicy, Leg, Offer, Order, OrderBody } from './model.ts';
import type { FloorRecords } from './ports.ts';
import { Queues } from './queues.ts';
import { Shared } from './shared.ts';
import { Tellings } from './tellings.ts';

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
  /** An unguessable word for the customer's link to a contact; the same for the same contact. */
  readonly tokenOf: (contactId: ContactId) => string;
  /** The zone of the house's clock: by it scenarios read times, and conditions the hour. */
  readonly timeZone: string;
  /** Whether what callers say can be recognised. Left out: no. */
  readonly speech?: boolean;
  /** Whether an entry's scenario is for everybody, or for those whom nobody knows. */
  readonly greetsEverybody: (scenario: string) => boolean;
  readonly startDialogue: (scenario: string, options: DialogueOptions, facts: DialogueFacts) => DialogueResult;
  readonly stepDialogue: (dialogue: Dialogue, input: DialogueInput, facts: DialogueFacts) => DialogueResult;
  readonly say: (name: PromptName, language: Language, variables?: Readonly<Record<string, string | number>>) => Prompt;
  readonly readCallingNumber: (arrival: Arrival, country: string) => CallingNumber;
}

/** An order as a step makes it; the controller gives it an id when it builds the commit. */
export type NewOrder = OrderBody & Pick<Order, 'contactId' | 'after'>;

/** A dialogue to begin with a contact's party, and what it is told beforehand. */
export interface NewDialogue {
  readonly contactId: ContactId;
  readonly scenario: string;
  readonly variables: Values;
}

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

/** What a domain's tables hold of everything that is not over. */
export class Records {
  readonly domainId: DomainId;
  lastContact = 0;
  readonly contacts = new Map<ContactId, Contact>();
  readonly offers = new Map<OfferId, Offer>();
  readonly legs = new Map<LegId, Leg>();
  readonly agents = new Map<AgentId, Agent>();

  constructor(domainId: DomainId) {
    this.domainId = domainId;
  }

  load(records: FloorRecords): void {
    this.apply(changesOf(records));
  }

  apply(changes: Changes): void {
    this.lastContact = changes.lastContact;
    keep(this.contacts, changes.contacts);
    keep(this.offers, changes.offers);
    keep(this.legs, changes.legs);
    for (const [id, agent] of changes.agents) this.agents.set(id, agent);
  }
}

function keep<T extends { readonly state: string }>(all: Map<string, T>, changed: ReadonlyMap<string, T>): void {
  for (const [id, record] of changed) {
    if (record.state === 'ended') all.delete(id);
    else all.set(id, record);
  }
}

/** The owner's own: the records with everything that decisions look things up by. */
export class Floor extends Records {
  /** Who waits and who is free, as the engine that matches them knows it. */
  readonly queues = new Queues();
  /** Whom scenarios are to tell a notice. */
  readonly tellings = new Tellings();
  /** What its records have in common. */
  readonly shared = new Shared();
  /** Callbacks that nobody has in hand, by the number that they go to. */
  readonly #callbacks = new Map<E164, Set<ContactId>>();
  /** Tasks of notices, by notice and recipient. */
  readonly #noticeTasks = new Map<string, ContactId>();
  readonly #due = new DueTimers((due) => this.#isLive(due));

  static from(domainId: DomainId, records: FloorRecords): Floor {
    const floor = new Floor(domainId);
    floor.load(records);
    return floor;
  }

  /** Whoever loads the same records afterwards has them as they are shared here. */
  override load(records: FloorRecords): void {
    this.shared.load(records);
    super.load(records);
    for (const { deskId, meanMs } of records.handling) this.queues.handling.remember(deskId, meanMs);
  }

  /** From now on it goes by this directory and these rules. Does nothing when they are the ones that it goes by. */
  follow(context: FloorContext): void {
    this.queues.follow(context, this.contacts.values(), this.agents.values());
  }

  override apply(changes: Changes): void {
    for (const [id, next] of changes.contacts) {
      const before = this.contacts.get(id);
      this.queues.contactChanged(before, next);
      this.tellings.contactChanged(before, next);
      this.#index(before, next);
      this.#remind('contact', id, next.timers, before?.timers);
    }
    for (const [id, next] of changes.offers) this.#remind('offer', id, next.timers, this.offers.get(id)?.timers);
    for (const [id, next] of changes.agents) {
      this.queues.agentChanged(next);
      this.#remind('agent', id, next.timers, this.agents.get(id)?.timers);
    }
    super.apply(changes);
  }

  /** Callbacks to a number that nobody has in hand. */
  callbacksTo(number: E164): readonly Contact[] {
    return [...(this.#callbacks.get(number) ?? [])].map((id) => this.contacts.get(id) as Contact);
  }

  noticeTask(noticeId: NoticeId, recipientId: string): Contact | undefined {
    return this.contacts.get(this.#noticeTasks.get(`${noticeId}/${recipientId}`) ?? '');
  }

  /** When something is due, or null: the next timer, or (where offers can be made) what the queues wait for. */
  nextDue(now: EpochMs, switchAway = false): EpochMs | null {
    const match = switchAway ? null : this.queues.nextDue(now);
    const timer = this.#due.next();
    return match === null || timer === null ? (timer ?? match) : Math.min(timer, match);
  }

  /** The timers that are due at `at`, earliest first. A step clears or moves each; those that it forgets are due again. */
  dueTimers(at: EpochMs): readonly Due[] {
    return this.#due.by(at);
  }

  #isLive(due: Due): boolean {
    const record =
      due.kind === 'contact' ? this.contacts.get(due.id) : due.kind === 'offer' ? this.offers.get(due.id) : this.agents.get(due.id);
    return (record?.timers as Record<string, EpochMs | undefined> | undefined)?.[due.name] === due.at;
  }

  #remind(kind: Due['kind'], id: string, timers: object, before: object = {}): void {
    const old = before as Record<string, EpochMs | undefined>;
    for (const [name, at] of Object.entries(timers) as [string, EpochMs][]) {
      if (old[name] !== at) this.#due.push({ at, kind, id, name });
    }
  }

  #index(before: Contact | undefined, next: Contact): void {
    if (before && isOpenCallback(before)) {
      const number = numberOf(before);
      const known = this.#callbacks.get(number);
      if (known?.delete(before.id) && known.size === 0) this.#callbacks.delete(number);
    }
    if (isOpenCallback(next)) {
      const number = numberOf(next);
      const known = this.#callbacks.get(number);
      if (known) known.add(next.id);
      else this.#callbacks.set(number, new Set([next.id]));
    }
    if (next.notice === null) return;
    const key = `${next.notice.noticeId}/${next.notice.recipientId}`;
    if (next.state === 'ended') this.#noticeTasks.delete(key);
    else this.#noticeTasks.set(key, next.id);
  }
}

/** What others may see of a floor: the records as they are committed, and the places in the queues as of now. */
export class FloorView extends Records {
  readonly #queues: Queues;
  readonly #now: () => EpochMs;

  constructor(floor: Floor, now: () => EpochMs) {
    super(floor.domainId);
    this.#queues = floor.queues;
    this.#now = now;
  }

  /** How many can be offered at a desk. */
  waitingCount(deskId: DeskId): number {
    return this.#queues.waitingCount(deskId);
  }

  /** Place of one: 1 is next; null for one who does not wait, or rests. Without walking the queue, as a visitor's page asks often. */
  position(contactId: ContactId): number | null {
    return this.#queues.position(contactId, this.#now());
  }

  /** Null for one who does not wait, or rests, or at whose desk nobody is at work. */
  estimatedWaitMs(contactId: ContactId): number | null {
    const deskId = this.contacts.get(contactId)?.deskId;
    return deskId ? this.#queues.estimatedWaitMs(contactId, deskId, this.#now()) : null;
  }

  /** How long somebody would wait who came now; null when nobody is at work at the desk. */
  newcomerWaitMs(deskId: DeskId): number | null {
    return this.#queues.newcomerWaitMs(deskId);
  }
}

const isOpenCallback = (contact: Contact): boolean => contact.channel === 'callback' && contact.state === 'queued';
const numberOf = (contact: Contact): E164 => (contact.callingNumber.kind === 'valid' ? contact.callingNumber.e164 : '');

function changesOf(records: FloorRecords): Changes {
  const byId = <T extends { id: string }>(list: readonly T[]): Map<string, T> => new Map(list.map((r) => [r.id, r]));
  return {
    lastContact: records.lastContact,
    contacts: byId(records.contacts),
    offers: byId(records.offers),
    legs: byId(records.legs),
    agents: byId(records.agents),
    events: [],
    orders: [],
  };
}

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
  /** Dialogues that begin when all else of the step is decided (see `beginDialogues`). */
  readonly dialogues: NewDialogue[] = [];
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
      loggedOnAt: this.at,
      busyMs: 0,
      assignments: 0,
      lastCallAssignedAt: null,
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
    const [events, orders, dialogues, lastContact] = [this.events.length, this.orders.length, this.dialogues.length, this.lastContact];
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
      this.dialogues.length = dialogues;
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
