/**
 * The agent's one state (CSTA, ECMA-269) and the pending one for "after this". One row, changed only here.
 *
 * An offer makes an agent `busy`, from the moment that it is on the screen. What the device does (registered, panel open)
 * is evidence kept beside the state, never a second truth.
 */
import type { AgentId, DeskId, EpochMs } from '../base/ids.ts';
import type { WrapUpRules } from '../routing/desk-rules.ts';
import { endContact } from './end.ts';
import type { Draft } from './floor.ts';
import { withoutTimers } from './floor.ts';
import type { Agent, AgentState, ChosenReason, Contact, EventName, NotReadyReason, OfferOutcome, PendingState } from './model.ts';

const EVENT: Record<AgentState, EventName> = {
  loggedOff: 'agentLoggedOff',
  notReady: 'agentNotReady',
  ready: 'agentReady',
  busy: 'agentBusy',
  workingAfterCall: 'agentWorkingAfterCall',
};

/** An input that makes no sense in the present state: named in the log, changes nothing, and whoever asked is told. */
export class InputRefused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'InputRefused';
    this.code = code;
  }
}

export function requireAgent(draft: Draft, agentId: AgentId): Agent {
  const agent = draft.agent(agentId);
  if (!agent) throw new InputRefused('unknownAgent', `there is no agent ${agentId}`);
  return agent;
}

const isEngaged = (agent: Agent): boolean => agent.state === 'busy' || agent.state === 'workingAfterCall';

function change(draft: Draft, agent: Agent, state: AgentState, more: Partial<Agent> = {}, contactId: string | null = null): Agent {
  const next: Agent = {
    ...agent,
    reason: null,
    pending: null,
    offerId: null,
    wrapUpContactId: null,
    ...more,
    state,
    stateSince: draft.at,
    busyMs: agent.busyMs + (isEngaged(agent) ? draft.at - agent.stateSince : 0),
    // Logged off there is nothing to wait for: not for a lost panel either.
    ...(state === 'loggedOff' ? { timers: {}, panel: agent.panel === 'open' ? ('open' as const) : ('closed' as const) } : {}),
  };
  draft.put('agent', next);
  const contact = contactId ? draft.contact(contactId) : undefined;
  const offer = draft.offer(next.offerId);
  draft.event(EVENT[state], { contact, offer, agentId: agent.id, cause: next.reason, data: { from: agent.state } });
  return next;
}

export function onLogOn(draft: Draft, agentId: AgentId, phone: Agent['phone']): void {
  const agent = requireAgent(draft, agentId);
  if (agent.state !== 'loggedOff') throw new InputRefused('alreadyLoggedOn', `this agent is ${agent.state} already`);
  if (phone === 'deskPhone' && !draft.context.directory.agents.get(agentId)?.deskPhone) {
    throw new InputRefused('noDeskPhone', 'no desk phone is set up for this agent');
  }
  const fresh: Agent = { ...agent, loggedOnAt: draft.at, idleSince: draft.at, busyMs: 0, assignments: 0, lastCallAssignedAt: null };
  change(draft, fresh, 'notReady', { reason: 'loggedOn', phone });
  draft.event('agentLoggedOn', { agentId, data: { phone } });
}

export function onLogOff(draft: Draft, agentId: AgentId): void {
  const agent = requireAgent(draft, agentId);
  if (agent.state === 'loggedOff') return;
  if (agent.state === 'busy' || agent.state === 'workingAfterCall') return setPending(draft, agent, { state: 'loggedOff' });
  change(draft, agent, 'loggedOff');
}

export function onSetReady(draft: Draft, agentId: AgentId): void {
  const agent = requireAgent(draft, agentId);
  if (agent.state === 'loggedOff') throw new InputRefused('loggedOff', 'log on first');
  if (agent.state === 'ready') return;
  if (agent.state === 'busy' || agent.state === 'workingAfterCall') return setPending(draft, agent, { state: 'ready' });
  change(draft, agent, 'ready');
}

export function onSetNotReady(draft: Draft, agentId: AgentId, reason: ChosenReason): void {
  const agent = requireAgent(draft, agentId);
  if (agent.state === 'loggedOff') throw new InputRefused('loggedOff', 'log on first');
  if (agent.state === 'busy' || agent.state === 'workingAfterCall') return setPending(draft, agent, { state: 'notReady', reason });
  if (agent.state === 'notReady' && agent.reason === reason) return;
  change(draft, agent, 'notReady', { reason });
}

function setPending(draft: Draft, agent: Agent, pending: PendingState): void {
  draft.put('agent', { ...agent, pending });
  draft.event('agentPendingState', {
    agentId: agent.id,
    cause: pending.state === 'notReady' ? pending.reason : pending.state,
    data: { pending: pending.state },
  });
}

/** An offer (or a promise of one, while a callback's party is dialled) takes the agent. */
export function occupy(draft: Draft, agent: Agent, contact: Contact): void {
  const { offerId } = contact;
  const lastCallAssignedAt = contact.channel === 'voice' ? draft.at : agent.lastCallAssignedAt;
  const more = { offerId, pending: agent.pending, timers: agent.timers, assignments: agent.assignments + 1, lastCallAssignedAt };
  change(draft, agent, 'busy', more, contact.id);
}

/** Outcomes that are the agent's (or the agent's phone's) doing, and the reason that they leave behind. */
const FAULT: Partial<Record<OfferOutcome, NotReadyReason>> = {
  noAnswer: 'noAnswer',
  declined: 'declined',
  panelLost: 'panelLost',
  phoneUnreachable: 'phoneUnreachable',
};

/** The offer came to nothing: the agent goes back to where the fault, or what was pending, says. Keeps its idle time. */
export function releaseAfterOffer(draft: Draft, agentId: AgentId, outcome: OfferOutcome): void {
  const agent = draft.agent(agentId);
  if (agent?.state !== 'busy') return;
  const reason = outcome === 'agentLeft' ? (agent.panel === 'open' ? 'phoneUnreachable' : 'panelLost') : FAULT[outcome];
  if (agent.pending?.state === 'loggedOff') change(draft, agent, 'loggedOff');
  else if (reason && agent.pending?.state !== 'notReady') change(draft, agent, 'notReady', { reason });
  else toPending(draft, agent);
}

/** The talk is over: what it was about is noted now, for a limited time. */
export function beginWrapUp(draft: Draft, agentId: AgentId, contactId: string): void {
  const agent = draft.agent(agentId);
  if (agent?.state !== 'busy') return;
  change(
    draft,
    agent,
    'workingAfterCall',
    {
      wrapUpContactId: contactId,
      pending: agent.pending,
      idleSince: draft.at,
      timers: { ...agent.timers, wrapUp: draft.at + wrapUpRules(draft, contactId).limitMs },
    },
    contactId,
  );
}

/**
 * Ends wrap-up and with it the contact; the agent becomes what is pending, else ready.
 * @param by `agent` with a disposition, `timer` when the time for it is over, or `supervisor`
 */
export function endWrapUp(
  draft: Draft,
  agent: Agent,
  by: 'agent' | 'timer' | 'supervisor',
  disposition: string | null,
  note: string | null,
): void {
  const contact = agent.wrapUpContactId ? draft.contact(agent.wrapUpContactId) : undefined;
  if (contact) {
    const noted = draft.put('contact', { ...contact, disposition, note });
    draft.event('wrapUpCompleted', { contact: noted, agentId: agent.id, cause: by, data: { disposition } });
    endContact(draft, contact.id, 'handled');
  }
  toPending(draft, { ...agent, timers: withoutTimers(agent, 'wrapUp') });
}

export function onWrapUp(draft: Draft, agentId: AgentId, contactId: string, disposition: string, note: string): void {
  const agent = requireAgent(draft, agentId);
  if (agent.state !== 'workingAfterCall' || agent.wrapUpContactId !== contactId) {
    throw new InputRefused('notInWrapUp', 'this contact is not being wrapped up by this agent');
  }
  endWrapUp(draft, agent, 'agent', disposition, note || null);
}

/** One who wraps up a contact has its desk's time for it. */
function wrapUpRules(draft: Draft, contactId: string | null): WrapUpRules {
  return draft.context.rulesOf(draft.contact(contactId ?? '')?.deskId as DeskId).wrapUp;
}

/** @throws InputRefused when there is no wrap-up, or it has been long enough */
export function onWrapUpExtended(draft: Draft, agentId: AgentId): void {
  const agent = requireAgent(draft, agentId);
  const endsAt = agent.timers.wrapUp;
  if (agent.state !== 'workingAfterCall' || endsAt === undefined) throw new InputRefused('notInWrapUp', 'nothing is being wrapped up');
  const { extensionMs, mostMs } = wrapUpRules(draft, agent.wrapUpContactId);
  if (extensionMs === 0) throw new InputRefused('noExtension', 'wrap-up is not extended at this desk');
  const until: EpochMs = Math.min(endsAt + extensionMs, agent.stateSince + mostMs);
  if (until <= endsAt) throw new InputRefused('extendedEnough', 'wrap-up cannot be extended any more');
  draft.put('agent', { ...agent, timers: { ...agent.timers, wrapUp: until } });
  const contact = agent.wrapUpContactId ? draft.contact(agent.wrapUpContactId) : undefined;
  draft.event('wrapUpExtended', { contact, agentId, data: { until } });
}

/**
 * A supervisor changes an agent's state. Whoever talks goes on talking, and the change comes afterwards; wrap-up ends at once.
 * @throws InputRefused for an agent who is logged off, or whose panel is not there to be made ready
 */
export function onAgentForced(draft: Draft, agentId: AgentId, to: 'ready' | 'notReady' | 'loggedOff', by: AgentId): void {
  const agent = requireAgent(draft, agentId);
  if (agent.state === 'loggedOff') throw new InputRefused('loggedOff', 'this agent is logged off');
  if (to === 'ready' && agent.panel !== 'open') throw new InputRefused('notReadyNow', 'this agent’s panel is not open');
  draft.event('agentForced', { agentId, cause: to, data: { by, from: agent.state } });
  const pending: PendingState = to === 'notReady' ? { state: to, reason: 'supervisor' } : { state: to };
  if (agent.state === 'busy') return setPending(draft, agent, pending);
  if (agent.state === 'workingAfterCall') return endWrapUp(draft, { ...agent, pending }, 'supervisor', null, null);
  toPending(draft, { ...agent, pending });
}

function toPending(draft: Draft, agent: Agent): void {
  const { pending } = agent;
  if (pending?.state === 'loggedOff') change(draft, agent, 'loggedOff');
  else if (pending?.state === 'notReady') change(draft, agent, 'notReady', { reason: pending.reason });
  else if (agent.panel !== 'open') change(draft, agent, 'notReady', { reason: 'panelLost' });
  else change(draft, agent, 'ready');
}

/** Whoever went home without logging off, and opens the page the next morning, is not to be rung at once. */
const BACK_WITHIN_MS = 30 * 60_000;
const isBriefly = (draft: Draft, agent: Agent): boolean => agent.state === 'notReady' && draft.at - agent.stateSince <= BACK_WITHIN_MS;

/** The panel shows itself: first time, after a reload, or after the network or this controller was away. */
export function panelBack(draft: Draft, agent: Agent): Agent {
  const back: Agent = { ...agent, panel: 'open', timers: withoutTimers(agent, 'panel') };
  draft.put('agent', back);
  if (agent.panel === 'lost') draft.event('panelBack', { agentId: agent.id });
  // Not ready for no fault but the lost panel: it goes on where it was.
  if (back.reason === 'panelLost' && isBriefly(draft, back)) return change(draft, back, 'ready');
  return back;
}

/** The panel is gone; it has a grace time to come back in. A logged-off agent's is just closed. */
export function panelGone(draft: Draft, agent: Agent): Agent {
  if (agent.state === 'loggedOff') return draft.put('agent', { ...agent, panel: 'closed', timers: {} });
  const lost = draft.put('agent', {
    ...agent,
    panel: 'lost',
    timers: { ...agent.timers, panel: draft.at + draft.context.policy.panelGraceMs },
  });
  draft.event('panelLost', { agentId: agent.id });
  return lost;
}

/** The grace is over. A ready agent cannot be offered anything any more; talk and offers are the floor's matter. */
export function panelStaysAway(draft: Draft, agent: Agent): Agent {
  const closed = draft.put('agent', { ...agent, panel: 'closed', timers: withoutTimers(agent, 'panel') });
  return closed.state === 'ready' ? change(draft, closed, 'notReady', { reason: 'panelLost' }) : closed;
}

/**
 * An agent's phone registered or is gone. One that stays away cannot be rung, and whoever is not ready for no fault but that goes on
 * when it is back. A call that it rings for, or that is talked on it, has events of its own.
 */
export function onPhoneReachable(draft: Draft, agentId: AgentId, phone: Agent['phone'], reachable: boolean): void {
  const agent = draft.agent(agentId);
  if (!agent || agent.phone !== phone || agent.state === 'loggedOff') return;
  if (!reachable) {
    if (agent.state !== 'ready' || agent.timers.phone !== undefined) return;
    draft.put('agent', { ...agent, timers: { ...agent.timers, phone: draft.at + draft.context.policy.panelGraceMs } });
    return;
  }
  const back: Agent = { ...agent, timers: withoutTimers(agent, 'phone') };
  if (agent.timers.phone !== undefined) draft.put('agent', back);
  if (back.reason === 'phoneUnreachable' && isBriefly(draft, back)) toPending(draft, back);
}

export function phoneStaysAway(draft: Draft, agent: Agent): void {
  const without = draft.put('agent', { ...agent, timers: withoutTimers(agent, 'phone') });
  if (without.state === 'ready') change(draft, without, 'notReady', { reason: 'phoneUnreachable' });
}
