/** A small centre in memory: the real floor and steps, a switch and a database that answer as the test says. */
import { expect } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import { type Changes, Draft, Floor, type FloorContext } from '#src/contact/floor.ts';
import { leaveMessage } from '#src/contact/messages.ts';
import type { Agent, Contact, FloorEvent, FloorInput, FloorPolicy, Leg, Offer, OrderBody } from '#src/contact/model.ts';
import { DEFAULT_OUTBOUND_POLICY } from '#src/contact/outside.ts';
import { step, take } from '#src/contact/step.ts';
import type { LegCause } from '#src/cti/port.ts';
import { parseScenarios } from '#src/ivr/parse.ts';
import { startDialogue, stepDialogue } from '#src/ivr/step.ts';
import { DEFAULT_DESK_RULES, type DeskRules, NO_WISHES, type Wishes } from '#src/routing/desk-rules.ts';
import type { AgentProfile, Desk, Directory } from '#src/routing/directory.ts';
import type { PartyRecord } from '#src/routing/party.ts';
import { checkFloor } from './invariants.ts';
import { Rebuilt } from './rebuild.ts';
import { isScript, startScript, stepScript } from './scripts.ts';

export const POLICY: FloorPolicy = {
  popMs: 1_000,
  ringMs: 20_000,
  dialMs: 30_000,
  panelGraceMs: 8_000,
  announceEveryMs: 30_000,
  lookUpMs: 5_000,
};

/** The rules of every desk, unless a story changes them. */
export const RULES: DeskRules = {
  ...DEFAULT_DESK_RULES,
  wrapUp: { limitMs: 60_000, extensionMs: 30_000, mostMs: 120_000 },
  callbacks: {
    ...DEFAULT_DESK_RULES.callbacks,
    attempts: 2,
    retry: {
      busy: { attempts: 2, pauseMs: 60_000 },
      noAnswer: { attempts: 2, pauseMs: 60_000 },
      failed: { attempts: 2, pauseMs: 60_000 },
    },
  },
};

const desk = (id: string): Desk => ({
  id,
  organisationId: 'maker',
  name: id,
  timeZone: 'Asia/Tokyo',
  hours: [],
  holidays: [],
  nextUp: null,
  isReception: id === 'reception',
});

const agent = (id: string, deskIds: string[], deskPhone: string | null = null): AgentProfile => ({
  id,
  name: id,
  organisationId: 'maker',
  deskIds,
  queues: deskIds.map((queueId) => ({ queueId, priority: 1 })),
  skills: [],
  role: 'agent',
  language: 'ja',
  deskPhone,
});

export const DIRECTORY: Directory = {
  domainId: 'test',
  organisations: new Map(),
  desks: new Map([desk('sales'), desk('support'), desk('reception')].map((d) => [d.id, d])),
  entries: [
    {
      id: 'ja',
      numbers: ['1000', '+81312340000'],
      domainId: 'test',
      language: 'ja',
      country: 'JP',
      scenario: 'identify',
      makerId: 'maker',
    },
  ],
  agents: new Map(
    [
      agent('ann', ['sales', 'support'], 'phone-ann'),
      agent('bob', ['sales']),
      agent('cid', ['support']),
      agent('dee', ['reception', 'support']),
    ].map((a) => [a.id, a]),
  ),
  sales: [],
  outgoingNumber: '+81312340000',
};

export const customer = (deskId: string, name = 'Sato'): PartyRecord => ({
  kind: 'customer',
  customerId: `customer-${name}`,
  customerCode: '10023',
  organisationId: null,
  name,
  region: '13',
  language: null,
  handlingDeskId: deskId,
  lastDeskId: null,
  lastAgentId: null,
});

/** A dialogue of one question, and one of everything that a scenario can do. */
const SCENARIOS = unwrap(
  parseScenarios([
    {
      file: 'identify.yaml',
      text: `
name: identify
languages: [ja, en]
start: ask
steps:
  ask:
    ask: { prompt: { ja: code?, en: code? }, digits: { min: 1, max: 12 }, end: '#', firstDigit: 5s, betweenDigits: 5s, tries: 3, saveAs: code }
    next: find
    failed: without
  find: { lookUp: { customerCode: code }, found: identified, notFound: { again: ask } }
  identified: { handBack: identified }
  without: { handBack: notIdentified }
`,
    },
    {
      file: 'everything.yaml',
      text: `
name: everything
callers: everybody
languages: [ja, en]
variables: { state: string }
start: top
steps:
  top:
    menu:
      prompt: { ja: menu, en: menu }
      choices: { '1': who, '2': wait, '3': speak, '4': out, '5': route, '6': service, '7': callBack, '8': survey, '9': end }
    failed: route
  who: { call: identify, then: { identified: wait, notIdentified: open } }
  open: { hours: sales, open: wait, closed: speak }
  wait:
    queue:
      desk: support
      priority: 50
      announce: { every: 20s, position: { ja: '{position:number}', en: '{position:number}' }, offers: { ja: offers, en: offers } }
      offers: { '1': callBack, '2': speak, '3': top }
      longest: 2m
    tooLong: speak
  speak: { record: { prompt: { ja: speak, en: speak }, end: '#' }, next: leave, failed: top }
  leave: { leaveMessage: { desk: support }, next: thanks }
  out: { transferOut: { to: '+81312340009' }, failed: wait }
  service: { lookUp: { service: orders, with: { number: caller.number }, save: { state: status } }, found: told, notFound: route, failed: wait }
  told: { say: { ja: '{state}', en: '{state}' }, next: survey }
  survey: { keep: { answer: '"good"' }, next: sent }
  sent: { send: { hook: sms, with: { to: caller.number } }, next: end }
  callBack: { callBack: {}, next: thanks, failed: top }
  thanks: { say: { ja: thanks, en: thanks }, next: end }
  route: { route: { desk: reception, priority: 200 } }
  end: { hangUp: done }
`,
    },
  ]),
);

export const CONTEXT: FloorContext = {
  directory: DIRECTORY,
  policy: POLICY,
  rulesOf: () => RULES,
  tokenOf: (contactId) => `token-${contactId}`,
  decideDesk: ({ party }) => ({
    deskId: party.record?.handlingDeskId ?? 'reception',
    rule: 'test',
    why: [{ en: 'by the test', ja: 'テスト' }],
    closed: false,
    wishes: NO_WISHES,
  }),
  timeZone: 'Asia/Tokyo',
  greetsEverybody: (name) => SCENARIOS.scenarios.get(name)?.callers === 'everybody',
  startDialogue: (name, options, facts) =>
    isScript(name) ? startScript(name, options.language) : startDialogue(SCENARIOS, name, options, facts),
  stepDialogue: (dialogue, input, facts) =>
    isScript(dialogue.scenario) ? stepScript(dialogue, input) : stepDialogue(SCENARIOS, dialogue, input, facts),
  say: (name, language, variables = {}) => ({ language, text: `${name} ${Object.values(variables).join(' ')}`.trim() }),
  readCallingNumber: (arrival) =>
    arrival.presentation === 'restricted'
      ? { kind: 'withheld' }
      : arrival.callingNumber?.startsWith('+')
        ? { kind: 'valid', e164: arrival.callingNumber, country: 'JP' }
        : { kind: 'malformed', raw: arrival.callingNumber ?? '' },
};

/** Every desk works differently, so that all there is to configure is in use. */
const RULES_OF: Readonly<Record<string, DeskRules>> = {
  sales: {
    ...RULES,
    overflow: [
      { to: 'reception', when: 'afterMs', afterMs: 60_000 },
      { to: 'reception', when: 'nobody' },
    ],
    callbacks: { ...RULES.callbacks, afterAbandonMs: 45_000 },
  },
  support: {
    ...RULES,
    discipline: { name: 'calls-first', idleForCallbacksMs: 20_000 },
    tieBreak: 'roundRobin',
    callbacks: { ...RULES.callbacks, first: 'agent' },
  },
  reception: { ...RULES, tieBreak: 'leastOccupied', callbacks: { ...RULES.callbacks, offerFromWaitMs: 60_000 } },
};

export const english = (level: number) => [{ skill: 'english', level }];
const WISHES: readonly Wishes[] = [
  { priorityClass: 100, requirements: [], rings: [], preferLastAgentMs: 20_000 },
  { priorityClass: 100, requirements: english(2), rings: [{ afterMs: 30_000, requirements: [] }], preferLastAgentMs: 0 },
  { priorityClass: 50, requirements: [], rings: [], preferLastAgentMs: 0 },
];

/** The same centre with all that there is to configure in use. */
export const VARIED: FloorContext = {
  ...CONTEXT,
  directory: {
    ...DIRECTORY,
    entries: DIRECTORY.entries.flatMap((e) => [
      e,
      { ...e, id: 'out', numbers: ['2000'], scenario: 'outside' },
      { ...e, id: 'menu', numbers: ['3000'], scenario: 'everything' },
    ]),
    agents: new Map(
      [...DIRECTORY.agents].map(([id, profile], i) => [
        id,
        {
          ...profile,
          queues: profile.deskIds.map((queueId, n) => ({ queueId, priority: 1 + ((n + i) % 2) })),
          skills: i % 2 === 0 ? english(1 + i) : [],
        },
      ]),
    ),
  },
  rulesOf: (deskId) => RULES_OF[deskId] ?? RULES,
  decideDesk: (facts, at) => {
    const n = facts.party.record?.name.length ?? 0;
    return { ...CONTEXT.decideDesk(facts, at), wishes: WISHES[n % WISHES.length] as Wishes };
  },
};

const SPEAKING: Readonly<Record<string, DeskRules>> = {
  sales: { ...(RULES_OF['sales'] ?? RULES), survey: 'survey', callMe: 'call-me' },
  reception: { ...(RULES_OF['reception'] ?? RULES), survey: 'survey' },
};

/** The same, and scenarios speak after talks and before callbacks, too. */
export const SPOKEN: FloorContext = {
  ...VARIED,
  policy: { ...POLICY, outbound: { ...DEFAULT_OUTBOUND_POLICY, outsideAtOnce: 2, outsideMs: 300_000, noticeLines: 2 } },
  rulesOf: (deskId) => SPEAKING[deskId] ?? VARIED.rulesOf(deskId),
};

/** Drives one floor, keeps all that it decided, and checks every invariant after every step. */
export class World {
  floor = new Floor('test');
  context: FloorContext = CONTEXT;
  /** Parts of steps that threw; none may, unless the test is about that. */
  readonly failures: unknown[] = [];
  mayFail = false;
  at = 1_000_000;
  readonly events: FloorEvent[] = [];
  /** The tables as the events alone make them. */
  readonly rebuilt = new Rebuilt();
  /** By the last input. */
  changed: Changes | null = null;
  readonly orders: OrderBody[] = [];
  /** Legs that were ever ordered to be hung up. */
  readonly unwanted = new Set<string>();
  /** Types of all orders, by contact. */
  readonly #ordered = new Map<string, OrderBody['type'][]>();
  /** As the tables would hold them: the ended ones too. */
  readonly contacts = new Map<string, Contact>();
  readonly offers = new Map<string, Offer>();
  readonly legs = new Map<string, Leg>();
  readonly agents = new Map<string, Agent>();
  #calls = 0;

  give(input: FloorInput, afterMs = 1, decide = step): Changes {
    this.at += afterMs;
    const changes = take(this.floor, this.context, input, this.at, decide);
    for (const [id, r] of changes.contacts) this.contacts.set(id, r);
    for (const [id, r] of changes.offers) this.offers.set(id, r);
    for (const [id, r] of changes.legs) this.legs.set(id, r);
    for (const [id, r] of changes.agents) this.agents.set(id, r);
    this.events.push(...changes.events);
    for (const event of changes.events) this.rebuilt.read(event);
    this.changed = changes;
    this.orders.push(...changes.orders);
    for (const order of changes.orders) if (order.type === 'hangUp') this.unwanted.add(order.leg);
    for (const { contactId, type } of changes.orders) this.#ordered.set(contactId, [...this.ordersFor(contactId), type]);
    this.failures.push(...(changes.failures ?? []));
    if (!this.mayFail && this.failures.length > 0) throw this.failures[0];
    const broken = checkFloor(this);
    if (broken.length > 0) throw new Error(`after ${input.type}: ${broken.join('; ')}`);
    return changes;
  }

  /** A new process takes over: everything is read again from the tables. */
  restart(): void {
    const live = <T extends { state: string }>(all: Map<string, T>): T[] => [...all.values()].filter((r) => r.state !== 'ended');
    this.floor = Floor.from('test', {
      seq: 1,
      lastContact: this.floor.lastContact,
      contacts: live(this.contacts),
      offers: live(this.offers),
      legs: live(this.legs),
      agents: [...this.agents.values()],
      handling: [],
      orders: [],
    });
    this.give({ type: 'controllerStarted' });
  }

  /** Those who can be offered at a desk, in its order. */
  queue(deskId: string): Contact[] {
    return [...this.floor.queues.waiting(deskId, this.at)].map((id) => this.floor.contacts.get(id) as Contact);
  }

  /** Lets time pass, ringing every timer on its way. */
  wait(ms: number): void {
    const until = this.at + ms;
    const next = (): number | null => this.floor.nextDue(this.at, this.context.switchAway);
    for (let due = next(); due !== null && due <= until; due = next()) {
      this.give({ type: 'tick' }, Math.max(0, due - this.at));
    }
    this.at = until;
  }

  /** Ready, with the panel open. */
  ready(...agentIds: string[]): void {
    for (const agentId of agentIds) {
      this.give({ type: 'panelOpened', agentId, holdsCall: false });
      this.give({ type: 'agentLogOn', agentId, phone: 'browser' });
      this.give({ type: 'agentSetReady', agentId });
    }
  }

  /** A call from a number; returns its leg and contact. */
  call(from: string | null = '+81312345678', to = '1000'): { leg: string; contactId: string } {
    const leg = `in-${++this.#calls}`;
    const presentation = from === null ? 'restricted' : 'allowed';
    this.give({
      type: 'legArrived',
      leg,
      arrival: { callingNumber: from, callingName: null, presentation, calledNumber: to, trusted: true },
    });
    return { leg, contactId: [...this.contacts.values()].find((c) => c.legId === leg)?.id ?? 'none' };
  }

  /** A call from a known customer of a desk, as far as the queue. */
  customerCall(deskId = 'sales'): { leg: string; contactId: string } {
    const call = this.call();
    this.give({ type: 'partyLookedUp', contactId: call.contactId, by: 'callingNumber', record: customer(deskId) });
    return call;
  }

  /** The caller of a contact leaves a message, as a dialogue has it done; returns the message's id. */
  leaveMessage(contactId: string, deskId: string | null = null, durationMs = 12_000): string {
    const recording = `${contactId}.r1`;
    const changes = this.give({ type: 'tick' }, 1, (floor, context, _input, at) => {
      const draft = new Draft(floor, context, at);
      leaveMessage(draft, draft.contact(contactId) as Contact, { recording, durationMs, deskId });
      return draft;
    });
    return [...changes.contacts.values()].find((c) => c.channel === 'message' && c.continues === contactId)?.id ?? 'none';
  }

  /** On the agent's screen: what is offered there is taken. */
  accept(contactId: string): void {
    const { id, agentId } = this.offerOf(contactId);
    this.give({ type: 'offerAccepted', agentId, offerId: id });
  }

  shown(offer: Offer): void {
    this.give({ type: 'offerShown', agentId: offer.agentId, offerId: offer.id });
  }

  /** The agent's phone rings and is answered. */
  answer(contactId: string): void {
    const offer = this.offerOf(contactId);
    if (offer.state === 'shown') this.shown(offer);
    const leg = this.offerOf(contactId).legId as string;
    this.give({ type: 'legRinging', leg });
    this.give({ type: 'legAnswered', leg });
  }

  endLeg(leg: string, cause: LegCause = 'normalClearing'): void {
    this.give({ type: 'legEnded', leg, cause });
  }

  contact(id: string): Contact {
    const contact = this.contacts.get(id);
    if (!contact) throw new Error(`no contact ${id}`);
    return contact;
  }

  agent(id: string): Agent {
    const found = this.agents.get(id);
    if (!found) throw new Error(`no agent ${id}`);
    return found;
  }

  offerOf(contactId: string): Offer {
    const offer = this.floor.offers.get(this.contact(contactId).offerId ?? '');
    if (!offer) throw new Error(`no live offer of ${contactId}`);
    return offer;
  }

  /** Names (and causes) of a contact's events, in order. */
  story(contactId: string): string[] {
    return this.events.filter((e) => e.contactId === contactId).map((e) => (e.cause ? `${e.name}(${e.cause})` : e.name));
  }

  ordersOf(type: OrderBody['type']): OrderBody[] {
    return this.orders.filter((o) => o.type === type);
  }

  /** Types of all orders that were ever given for a contact. */
  ordersFor(contactId: string): readonly OrderBody['type'][] {
    return this.#ordered.get(contactId) ?? [];
  }

  /** Forgets the orders so far, so that a test sees those of its next act alone. */
  clearOrders(): void {
    this.orders.length = 0;
  }

  expectEnded(contactId: string, cause: string): void {
    expect({ state: this.contact(contactId).state, cause: this.contact(contactId).cause }).toEqual({ state: 'ended', cause });
  }
}
