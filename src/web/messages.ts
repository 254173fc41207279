/**
 * The one schema of what goes over a panel's WebSocket, both ways. The server checks what comes in; the panel's code takes
 * its types from here. The server sends whole views, not differences: whoever reconnects gets one `state` and is right.
 */
import { type Static, Type } from 'typebox';

const Nullable = <T extends import('typebox').TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Literals = <const T extends readonly string[]>(...values: T) => Type.Unsafe<T[number]>(Type.Enum([...values]));
const TimeMs = Type.Integer({ description: 'milliseconds since 1970-01-01T00:00:00Z, by the server’s clock' });

export const AgentStateView = Literals('loggedOff', 'notReady', 'ready', 'busy', 'workingAfterCall');
export const ChosenReasonView = Literals('break', 'lunch', 'meeting', 'paperwork');
/** What a supervisor may make of an agent. */
const ForcedTo = Literals('ready', 'notReady', 'loggedOff');

export const PastContact = Type.Object({
  contactId: Type.String(),
  at: TimeMs,
  channel: Type.String(),
  desk: Nullable(Type.String()),
  agent: Nullable(Type.String()),
  cause: Nullable(Type.String()),
  disposition: Nullable(Type.String()),
  note: Nullable(Type.String()),
  /** How long the recording is, of a message that was left on the phone; null: there is none. */
  messageMs: Nullable(Type.Number()),
});

export const CustomerView = Type.Object({
  customerId: Nullable(Type.String()),
  customerCode: Nullable(Type.String()),
  kind: Literals('customer', 'prospect', 'new', 'dealer', 'agency', 'unknown'),
  name: Type.String(),
  nameKana: Nullable(Type.String()),
  organisation: Nullable(Type.String({ description: 'of a dealer or agency: its name' })),
  region: Nullable(Type.String()),
  address: Nullable(Type.String()),
  phones: Type.Array(Type.String()),
  emails: Type.Array(Type.String()),
  note: Nullable(Type.String()),
  products: Type.Array(
    Type.Object({ code: Type.String(), name: Type.String(), boughtOn: Nullable(Type.String()), serial: Nullable(Type.String()) }),
  ),
  lastContacts: Type.Array(PastContact),
});

/** A contact as its agent sees it, from the offer to the end of wrap-up. */
export const ContactView = Type.Object({
  contactId: Type.String(),
  offerId: Nullable(Type.String()),
  channel: Literals('voice', 'callback', 'notice', 'message'),
  origin: Literals(
    'call',
    'callMe',
    'queueCallback',
    'abandonedCallback',
    'lostCallback',
    'notice',
    'voicemail',
    'messageCallback',
    'survey',
  ),
  /** `dialling`: the visitor is being rung; `shown`: your phone is about to ring, or (a message) yours to accept; then as named. */
  stage: Literals('dialling', 'shown', 'ringing', 'joining', 'connected', 'wrapUp'),
  language: Literals('ja', 'en'),
  callingNumber: Nullable(Type.String({ description: 'E.164, or null when withheld or missing' })),
  numberKind: Literals('valid', 'withheld', 'missing', 'malformed'),
  calledNumber: Type.String(),
  maker: Nullable(Type.String()),
  desk: Type.Object({ id: Type.String(), name: Type.String() }),
  rule: Nullable(Type.String()),
  why: Type.Array(Type.Object({ ja: Type.String(), en: Type.String() })),
  arrivedAt: TimeMs,
  connectedAt: Nullable(TimeMs),
  deadlineAt: Nullable(TimeMs),
  question: Nullable(Type.String()),
  pageUrl: Nullable(Type.String()),
  /** What was left on the phone: to be heard at `/api/messages/<contactId>/audio`. */
  message: Nullable(Type.Object({ durationMs: Type.Number() })),
  customer: CustomerView,
});

/** What the agent's browser needs to be a phone. */
export const PhoneView = Type.Object({
  kind: Literals('browser', 'deskPhone'),
  /** For a browser: where and as whom to register. */
  sip: Nullable(Type.Object({ webSocketUrl: Type.String(), uri: Type.String(), password: Type.String() })),
  reachable: Type.Boolean(),
});

export const AgentView = Type.Object({
  agentId: Type.String(),
  name: Type.String(),
  organisation: Type.String(),
  role: Literals('agent', 'supervisor', 'administrator'),
  desks: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
  hasDeskPhone: Type.Boolean(),
  state: AgentStateView,
  reason: Nullable(Type.String()),
  stateSince: TimeMs,
  pending: Nullable(Type.Object({ state: Type.String(), reason: Nullable(Type.String()) })),
  phone: PhoneView,
  wrapUpEndsAt: Nullable(TimeMs),
  /** By how much the wrap-up under way can be extended now; 0: no more. Null: there is none, or its desk allows no extension. */
  wrapUpExtensionMs: Nullable(Type.Integer({ minimum: 0 })),
  /** Leg that the browser's phone should hold; an incoming call that is this leg's after a reload is answered by itself. */
  legId: Nullable(Type.String()),
  waitingAtMyDesks: Type.Integer(),
  /** When the caller arrived who has held the line longest at the agent's desks. */
  longestCallSince: Nullable(TimeMs),
});

/** A state that a supervisor gave to an agent: one line of the audit. */
export const ForcedChange = Type.Object({
  id: Type.String({ description: 'place in the event log' }),
  at: TimeMs,
  agentId: Type.String(),
  agent: Type.String(),
  byId: Type.String(),
  by: Type.String(),
  /** A busy agent's change comes after the talk. */
  from: AgentStateView,
  to: ForcedTo,
});

export const ServerMessage = Type.Union([
  /** After every change that concerns this agent, and first of all after connecting. `serverTime` lets the panel show right timers. */
  Type.Object({ type: Type.Literal('state'), serverTime: TimeMs, agent: AgentView, contact: Nullable(ContactView) }),
  /** A request of this panel was refused; `of` is its `id`. */
  Type.Object({ type: Type.Literal('refused'), of: Nullable(Type.String()), code: Type.String(), message: Type.String() }),
  /** For those who watch (supervisors): who waits or is on the way to an agent, the longest first, and who works, at the desks in sight. */
  Type.Object({
    type: Type.Literal('floor'),
    serverTime: TimeMs,
    waiting: Type.Array(
      Type.Object({
        contactId: Type.String(),
        channel: Type.String(),
        state: Type.String(),
        desk: Nullable(Type.Object({ id: Type.String(), name: Type.String() })),
        party: Type.String({ description: 'name, or kind when there is no name' }),
        callingNumber: Nullable(Type.String()),
        arrivedAt: TimeMs,
        position: Nullable(Type.Integer({ description: '1 = next; null when it does not wait for an agent now' })),
        estimatedWaitMs: Nullable(Type.Integer({ description: 'from now on; null when it is not known' })),
        agent: Nullable(Type.String()),
      }),
    ),
    more: Type.Integer({ description: 'how many wait besides those who are listed' }),
    agents: Type.Array(
      Type.Object({
        agentId: Type.String(),
        name: Type.String(),
        desks: Type.Array(Type.String()),
        state: AgentStateView,
        reason: Nullable(Type.String()),
        stateSince: TimeMs,
        pending: Nullable(Type.String()),
        phone: Literals('browser', 'deskPhone'),
        panel: Literals('open', 'lost', 'closed'),
        party: Nullable(Type.String()),
      }),
    ),
  }),
  /** To those who watch and may change states: the last forced changes, newest first. At the beginning, and after each. */
  Type.Object({ type: Type.Literal('forcedChanges'), changes: Type.Array(ForcedChange) }),
  /** A supervisor has changed this agent's state, or (while busy) what comes next. */
  Type.Object({ type: Type.Literal('forced'), to: ForcedTo }),
  /** Another panel of the same agent took over; this one stops and does not reconnect. */
  Type.Object({ type: Type.Literal('takenOver') }),
]);

const Request = <const T extends Record<string, import('typebox').TSchema>>(type: string, fields: T) =>
  Type.Object({ id: Type.String({ maxLength: 64 }), ...fields }, { additionalProperties: false, description: type });
const short = { maxLength: 128 } as const;

export const ClientMessage = Type.Union([
  /** First message after connecting. `holdsCall`: this page's phone still has its call (it was not reloaded). */
  Request('hello', { type: Type.Literal('hello'), holdsCall: Type.Boolean() }),
  Request('logOn', { type: Type.Literal('logOn'), phone: Literals('browser', 'deskPhone') }),
  Request('logOff', { type: Type.Literal('logOff') }),
  Request('setReady', { type: Type.Literal('setReady') }),
  Request('setNotReady', { type: Type.Literal('setNotReady'), reason: ChosenReasonView }),
  Request('offerShown', { type: Type.Literal('offerShown'), offerId: Type.String(short) }),
  /** Of a message: there is no phone to answer. */
  Request('accept', { type: Type.Literal('accept'), offerId: Type.String(short) }),
  Request('decline', { type: Type.Literal('decline'), offerId: Type.String(short) }),
  Request('hangUp', { type: Type.Literal('hangUp'), offerId: Type.String(short) }),
  /** Calls whoever left the message that the agent listens to; the message is done with that. */
  Request('callBack', { type: Type.Literal('callBack'), contactId: Type.String(short) }),
  Request('wrapUp', {
    type: Type.Literal('wrapUp'),
    contactId: Type.String(short),
    disposition: Type.String({ minLength: 1, maxLength: 64 }),
    note: Type.String({ maxLength: 4000 }),
  }),
  Request('extendWrapUp', { type: Type.Literal('extendWrapUp') }),
  /** Of supervisors and administrators, for agents whom they see. */
  Request('forceState', { type: Type.Literal('forceState'), agentId: Type.String(short), to: ForcedTo }),
  Request('watch', { type: Type.Literal('watch'), on: Type.Boolean() }),
]);

export type ServerMessage = Static<typeof ServerMessage>;
export type ClientMessage = Static<typeof ClientMessage>;
export type AgentView = Static<typeof AgentView>;
export type ContactView = Static<typeof ContactView>;
export type CustomerView = Static<typeof CustomerView>;
export type PastContact = Static<typeof PastContact>;
export type ForcedChange = Static<typeof ForcedChange>;
export type FloorMessage = Extract<ServerMessage, { type: 'floor' }>;
