/** Records of the floor to commit, complete but for what a test says itself. */
import type { Agent, Contact, FloorEvent, Leg, Offer } from '#src/contact/model.ts';
import type { CommitBatch } from '#src/contact/ports.ts';
import { UNKNOWN_PARTY } from '#src/routing/party.ts';

export const NOON = Date.UTC(2026, 10, 20, 3);

export function contact(id: string, given: Partial<Contact> = {}): Contact {
  return {
    id,
    domainId: 'a',
    channel: 'voice',
    origin: 'call',
    state: 'queued',
    stateSince: NOON,
    arrivedAt: NOON,
    entryId: 'ja',
    language: 'ja',
    callingNumber: { kind: 'valid', e164: '+81312345678', country: 'JP' },
    calledNumber: '1000',
    party: UNKNOWN_PARTY,
    decision: null,
    deskId: 'maker-desk',
    queuedAt: NOON,
    promisedAt: null,
    preferred: null,
    estimatedWaitMs: null,
    connectedAt: null,
    dialogue: null,
    legId: null,
    offerId: null,
    agentId: null,
    callMe: null,
    attempts: 0,
    failedAttempts: { busy: 0, noAnswer: 0, failed: 0 },
    notice: null,
    message: null,
    offers: 0,
    announced: null,
    plays: 0,
    playing: null,
    continues: null,
    timers: {},
    cause: null,
    endedAt: null,
    disposition: null,
    note: null,
    ...given,
  };
}

export function offer(id: string, given: Partial<Offer> = {}): Offer {
  return {
    id,
    domainId: 'a',
    contactId: 'c1',
    agentId: 'tanaka',
    deskId: 'maker-desk',
    state: 'shown',
    stateSince: NOON,
    createdAt: NOON,
    shownAt: null,
    legId: null,
    legs: 0,
    playing: null,
    bridgeId: `b-${id}`,
    timers: {},
    outcome: null,
    endedAt: null,
    ...given,
  };
}

export function leg(id: string, given: Partial<Leg> = {}): Leg {
  return {
    id,
    domainId: 'a',
    contactId: 'c1',
    role: 'party',
    agentId: null,
    state: 'up',
    closing: false,
    createdAt: NOON,
    answeredAt: NOON,
    endedAt: null,
    cause: null,
    ...given,
  };
}

export function agent(id: string, given: Partial<Agent> = {}): Agent {
  return {
    id,
    domainId: 'a',
    state: 'ready',
    reason: null,
    stateSince: NOON,
    idleSince: NOON,
    loggedOnAt: NOON,
    busyMs: 0,
    assignments: 0,
    lastCallAssignedAt: null,
    pending: null,
    phone: 'browser',
    panel: 'open',
    offerId: null,
    wrapUpContactId: null,
    timers: {},
    ...given,
  };
}

export function event(name: FloorEvent['name'], given: Partial<FloorEvent> = {}): FloorEvent {
  return {
    at: NOON,
    name,
    contactId: null,
    customerId: null,
    deskId: null,
    agentId: null,
    offerId: null,
    legId: null,
    cause: null,
    data: {},
    ...given,
  };
}

export function batch(fence: number, seq: number, given: Partial<CommitBatch> = {}): CommitBatch {
  return {
    domainId: 'a',
    fence,
    seq,
    lastContact: seq,
    contacts: [],
    offers: [],
    legs: [],
    agents: [],
    events: [],
    orders: [],
    done: [],
    ...given,
  };
}
