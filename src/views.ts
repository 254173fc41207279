/** What panels see of the floor: pure, from the committed records, the directory and what the database adds. */
import type { AgentId, DeskId, EpochMs } from './base/ids.ts';
import type { FloorView } from './contact/floor.ts';
import type { Agent, Contact, FloorEvent, Offer } from './contact/model.ts';
import { byArrival } from './contact/place.ts';
import { visibleDesks as desksBelow } from './db/visibility.ts';
import type { RulesOfDesks } from './routing/desk-rules.ts';
import type { AgentProfile, Desk, Directory } from './routing/directory.ts';
import { type Principal, RequestRefused } from './web/backend.ts';
import type { AgentView, ContactView, CustomerView, FloorMessage, ForcedChange } from './web/messages.ts';

type Stage = ContactView['stage'];

/** Null for a contact that is in no agent's hands. */
function stageOf(contact: Contact, offer: Offer | undefined): Stage {
  if (contact.state === 'wrapUp') return 'wrapUp';
  if (contact.state === 'connected') return 'connected';
  if (offer?.state === 'accepted') return 'joining';
  return offer?.state === 'dialling' || offer?.state === 'ringing' ? offer.state : 'shown';
}

export function agentView(
  agentId: AgentId,
  floor: FloorView,
  directory: Directory,
  rulesOf: RulesOfDesks,
  waitingSince: ReadonlyMap<DeskId, EpochMs>,
  phone: { readonly sip: AgentView['phone']['sip']; readonly reachable: boolean },
): AgentView {
  const profile = directory.agents.get(agentId);
  if (!profile) throw new Error(`no agent ${agentId} in the directory`);
  const agent = floor.agents.get(agentId);
  const offer = floor.offers.get(agent?.offerId ?? '');
  const kind = agent?.phone ?? 'browser';
  return {
    agentId,
    name: profile.name,
    organisation: directory.organisations.get(profile.organisationId)?.name ?? profile.organisationId,
    role: profile.role,
    desks: profile.deskIds.map((id) => ({ id, name: directory.desks.get(id)?.name ?? id })),
    hasDeskPhone: profile.deskPhone !== null,
    state: agent?.state ?? 'loggedOff',
    reason: agent?.reason ?? null,
    stateSince: agent?.stateSince ?? 0,
    pending: agent?.pending
      ? { state: agent.pending.state, reason: agent.pending.state === 'notReady' ? agent.pending.reason : null }
      : null,
    phone: { kind, sip: kind === 'browser' && agent && agent.state !== 'loggedOff' ? phone.sip : null, reachable: phone.reachable },
    wrapUpEndsAt: agent?.timers.wrapUp ?? null,
    wrapUpExtensionMs: agent ? wrapUpExtensionMs(agent, floor, rulesOf) : null,
    legId: offer?.legId ?? null,
    waitingAtMyDesks: profile.deskIds.reduce((n, id) => n + floor.waitingCount(id), 0),
    longestCallSince: profile.deskIds.reduce<EpochMs | null>((oldest, id) => earlier(oldest, waitingSince.get(id)), null),
  };
}

const earlier = (a: EpochMs | null, b: EpochMs | undefined): EpochMs | null => (b === undefined || (a !== null && a <= b) ? a : b);

/** Since when the one who has held the line longest at a desk waits. Callbacks and notices keep nobody on the line. */
export function callsWaitingSince(floor: Pick<FloorView, 'contacts'>): ReadonlyMap<DeskId, EpochMs> {
  const since = new Map<DeskId, EpochMs>();
  for (const { state, channel, deskId, arrivedAt } of floor.contacts.values()) {
    if (state !== 'queued' || channel !== 'voice' || deskId === null) continue;
    since.set(deskId, Math.min(arrivedAt, since.get(deskId) ?? arrivedAt));
  }
  return since;
}

/** By how much a wrap-up can still be extended, by the rules of its contact's desk; null when there is none, or it can't ever. */
function wrapUpExtensionMs(agent: Agent, floor: FloorView, rulesOf: RulesOfDesks): number | null {
  const endsAt = agent.timers.wrapUp;
  const deskId = floor.contacts.get(agent.wrapUpContactId ?? '')?.deskId;
  if (agent.state !== 'workingAfterCall' || endsAt === undefined || !deskId) return null;
  const { extensionMs, mostMs } = rulesOf(deskId).wrapUp;
  return extensionMs === 0 ? null : Math.max(0, Math.min(extensionMs, agent.stateSince + mostMs - endsAt));
}

/** The contact that an agent has before him: offered, connected or in wrap-up. */
export function contactOf(agent: Agent | undefined, floor: FloorView): { contact: Contact; offer: Offer | undefined } | null {
  if (!agent) return null;
  const offer = floor.offers.get(agent.offerId ?? '');
  const contact = floor.contacts.get(offer?.contactId ?? agent.wrapUpContactId ?? '');
  return contact ? { contact, offer } : null;
}

export function contactView(
  contact: Contact,
  offer: Offer | undefined,
  agent: Agent,
  directory: Directory,
  customer: CustomerView,
): ContactView {
  const entry = directory.entries.find((e) => e.id === contact.entryId);
  const desk = contact.deskId ? directory.desks.get(contact.deskId) : undefined;
  return {
    contactId: contact.id,
    offerId: offer?.id ?? null,
    channel: contact.channel,
    origin: contact.origin,
    stage: stageOf(contact, offer),
    language: contact.language,
    callingNumber: contact.callingNumber.kind === 'valid' ? contact.callingNumber.e164 : null,
    numberKind: contact.callingNumber.kind,
    calledNumber: contact.calledNumber,
    maker: entry ? (directory.organisations.get(entry.makerId)?.name ?? null) : null,
    desk: { id: contact.deskId ?? '', name: desk?.name ?? '' },
    rule: contact.decision?.rule ?? null,
    why: [...(contact.decision?.why ?? [])],
    arrivedAt: contact.arrivedAt,
    connectedAt: contact.connectedAt,
    deadlineAt: offer?.timers.ring ?? offer?.timers.dial ?? agent.timers.wrapUp ?? null,
    question: contact.callMe?.question || null,
    pageUrl: contact.callMe?.pageUrl || null,
    message: contact.message ? { durationMs: contact.message.durationMs } : null,
    customer,
  };
}

/** When the database knows nobody: what the contact itself tells. */
export function strangerView(contact: Contact): CustomerView {
  return {
    customerId: null,
    customerCode: null,
    kind: contact.party.kind,
    name: contact.party.record?.name ?? contact.callMe?.name ?? '',
    nameKana: null,
    organisation: null,
    region: contact.party.record?.region ?? null,
    address: null,
    phones: contact.callingNumber.kind === 'valid' ? [contact.callingNumber.e164] : [],
    emails: [],
    note: null,
    products: [],
    lastContacts: [],
  };
}

const partyName = (contact: Contact): string => contact.party.record?.name || contact.callMe?.name || contact.party.kind;

/** Agents see their own desks; supervisors and administrators those of their organisation and of all that sell for it. */
export function visibleDesks(principal: Principal, directory: Directory): ReadonlyMap<DeskId, Desk> {
  const profile = directory.agents.get(principal.agentId);
  if (!profile) return new Map();
  const own = new Set(profile.deskIds);
  const below = profile.role === 'agent' ? own : desksBelow(directory, profile.organisationId);
  return new Map([...directory.desks].filter(([id]) => own.has(id) || below.has(id)));
}

/** Who works at one of these desks. */
const worksAt = (profile: AgentProfile, desks: ReadonlyMap<DeskId, Desk>): boolean => profile.deskIds.some((id) => desks.has(id));

/**
 * The desks whose agents this principal may send to another state: those that he or she sees.
 * @throws RequestRefused when that is nobody's business of this principal's
 */
export function desksToSupervise(principal: Principal, directory: Directory): ReadonlyMap<DeskId, Desk> {
  const role = directory.agents.get(principal.agentId)?.role;
  if (role !== 'supervisor' && role !== 'administrator') {
    throw new RequestRefused('notAllowed', 'only supervisors and administrators may do this', 403);
  }
  return visibleDesks(principal, directory);
}

/** @throws RequestRefused when this principal may not send this agent to another state: `notAllowed`, or `noSuchAgent` for one out of sight */
export function requireSupervised(principal: Principal, agentId: AgentId, directory: Directory): void {
  const desks = desksToSupervise(principal, directory);
  const profile = directory.agents.get(agentId);
  if (profile && worksAt(profile, desks)) return;
  throw new RequestRefused('noSuchAgent', 'there is no such agent at the desks that you may see', 404);
}

const FORCED_TO: ReadonlySet<unknown> = new Set<ForcedChange['to']>(['ready', 'notReady', 'loggedOff']);
const isForcedTo = (to: unknown): to is ForcedChange['to'] => FORCED_TO.has(to);

/** Whom a commit's events sent to another state from outside. */
export function forcedBy(events: readonly FloorEvent[]): readonly { readonly agentId: AgentId; readonly to: ForcedChange['to'] }[] {
  return events.flatMap(({ name, agentId, cause }) =>
    name === 'agentForced' && agentId && isForcedTo(cause) ? [{ agentId, to: cause }] : [],
  );
}

/** Nobody reads further down, and it goes to every watcher four times a second. */
const MOST_ROWS = 300;

export function floorView(principal: Principal, floor: FloorView, directory: Directory, now: number): FloorMessage {
  const desks = visibleDesks(principal, directory);
  const nameOf = (agentId: AgentId | null): string | null => (agentId ? (directory.agents.get(agentId)?.name ?? agentId) : null);
  // Whoever is not yet at a desk is seen by those who see the reception: somebody has to.
  const reception = [...desks.values()].some((d) => d.isReception);
  const estimateMs = estimates(floor);
  const unanswered = [...floor.contacts.values()].filter(
    (c) => c.state !== 'connected' && c.state !== 'wrapUp' && (c.deskId ? desks.has(c.deskId) : reception),
  );
  const waiting = unanswered
    .sort(byArrival)
    .slice(0, MOST_ROWS)
    .map((c) => {
      const position = floor.position(c.id);
      return {
        contactId: c.id,
        channel: c.channel,
        state: c.state,
        desk: c.deskId ? { id: c.deskId, name: desks.get(c.deskId)?.name ?? c.deskId } : null,
        party: partyName(c),
        callingNumber: c.callingNumber.kind === 'valid' ? c.callingNumber.e164 : null,
        arrivedAt: c.arrivedAt,
        position,
        estimatedWaitMs: position === null ? null : estimateMs(c, position),
        agent: nameOf(c.agentId),
      };
    });
  const agents = [...directory.agents.values()]
    .filter((profile) => worksAt(profile, desks))
    .map((profile) => {
      const agent = floor.agents.get(profile.id);
      const held = contactOf(agent, floor);
      return {
        agentId: profile.id,
        name: profile.name,
        desks: profile.deskIds.filter((id) => desks.has(id)).map((id) => desks.get(id)?.name ?? id),
        state: agent?.state ?? ('loggedOff' as const),
        reason: agent?.reason ?? null,
        stateSince: agent?.stateSince ?? 0,
        pending: agent?.pending?.state ?? null,
        phone: agent?.phone ?? ('browser' as const),
        panel: agent?.panel ?? ('closed' as const),
        party: held && (held.contact.deskId === null || desks.has(held.contact.deskId)) ? partyName(held.contact) : null,
      };
    });
  return { type: 'floor', serverTime: now, waiting, more: unanswered.length - waiting.length, agents };
}

/**
 * Estimated waits for a list: a desk's estimates grow with the place, so one of each desk is asked for (which walks through all
 * agents at work there), and the others are in proportion.
 */
function estimates(floor: FloorView): (contact: Contact, position: number) => number | null {
  const perPlaceMs = new Map<DeskId | null, number | null>();
  return ({ id, deskId }, position) => {
    let one = perPlaceMs.get(deskId);
    if (one === undefined) {
      const estimate = floor.estimatedWaitMs(id);
      one = estimate === null ? null : estimate / position;
      perPlaceMs.set(deskId, one);
    }
    return one === null ? null : Math.round(one * position);
  };
}
