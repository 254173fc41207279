/**
 * The agent's one state (CSTA, ECMA-269) and the pending one for "after this". One row, changed only here.
 *
 * An offer makes an agent `busy`, from the moment that it is on the screen. What the device does (registered, panel open)
 * is evidence kept beside the state, never a second truth.
 */
import type { AgentId, OfferId } from '../base/ids.ts';
import { endContact } from './end.ts';
import type { Draft } from './floor.ts';
import { withoutTimers } from './floor.ts';
import type { Agent, AgentState, ChosenReason, EventName, NotReadyReason, OfferOutcome, PendingState } from './model.ts';

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
    // Logged off there is nothing to wait for: not for a lost panel either.
    ...(state === 'loggedOff' ? { timers: {}, panel: agent.panel === 'open' ? ('open' as const) : ('closed' as const) } : {}),
  };
  draft.put('agent', next);
  const contact = contactId ? draft.contact(contactId) : undefined;
  draft.event(EVENT[state], { contact, agentId: agent.id, cause: next.reason, data: { from: agent.state } });
  return next;
}

export function onLogOn(draft: Draft, agentId: AgentId, phone: Agent['phone']): void {
  const agent = requireAgent(draft, agentId);
  if (agent.state !== 'loggedOff') throw new InputRefused('alreadyLoggedOn', `this agent is ${agent.state} already`);
  if (phone === 'deskPhone' && !draft.context.directory.agents.get(agentId)?.deskPhone) {
    throw new InputRefused('noDeskPhone', 'no desk phone is set up for this agent');
  }
  change(draft, agent, 'notReady', { reason: 'loggedOn', phone, idleSince: draft.at });
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
export function occupy(draft: Draft, agent: Agent, offerId: OfferId, contactId: string): void {
  change(draft, agent, 'busy', { offerId, pending: agent.pending, timers: agent.timers }, contactId);
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
      timers: { ...agent.timers, wrapUp: draft.at + draft.context.policy.wrapUpMs },
    },
    contactId,
  );
}

/**
 * Ends wrap-up and with it the contact; the agent becomes what is pending, else ready.
 * @param by `agent` with a disposition, or `timer` when the time for it is over
 */
export function endWrapUp(draft: Draft, agent: Agent, by: 'agent' | 'timer', disposition: string | null, note: string | null): void {
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

function toPending(draft: Draft, agent: Agent): void {
  const { pending } = agent;
  if (pending?.state === 'loggedOff') change(draft, agent, 'loggedOff');
  else if (pending?.state === 'notReady') change(draft, agent, 'notReady', { reason: pending.reason });
  else if (agent.panel !== 'open') change(draft, agent, 'notReady', { reason: 'panelLost' });
  else change(draft, agent, 'ready');
}

/** The panel shows itself: first time, after a reload, or after the network or this controller was away. */
export function panelBack(draft: Draft, agent: Agent): Agent {
  const back: Agent = { ...agent, panel: 'open', timers: withoutTimers(agent, 'panel') };
  draft.put('agent', back);
  if (agent.panel === 'lost') draft.event('panelBack', { agentId: agent.id });
  // Not ready for no fault but the lost panel: it goes on where it was.
  if (back.state === 'notReady' && back.reason === 'panelLost') return change(draft, back, 'ready');
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
