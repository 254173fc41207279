/**
 * What the matching engine is told of the floor, and what it answers: contacts that wait are its tasks, agents who are logged on its
 * workers. Kept by `Floor.apply`; nothing else tells it anything.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AgentId, ContactId, DeskId, EpochMs } from '../base/ids.ts';
import { type DeskRules, NO_WISHES, type RulesOfDesks } from '../routing/desk-rules.ts';
import type { Directory } from '../routing/directory.ts';
import { Matching } from '../routing/matching/matching.ts';
import type { Assignment, Availability, Kind, Task, Worker } from '../routing/matching/model.ts';
import type { Agent, Channel, Contact } from './model.ts';
import { serialOf } from './place.ts';

/** Calls, callbacks, notices and messages to listen to all want the whole person. Other channels have no contacts yet. */
const CAPACITY = { voice: 1, chat: 0, mail: 0 } as const;
const NO_LOAD = { voice: 0, chat: 0, mail: 0 } as const;
const KIND: Readonly<Record<Channel, Kind>> = { voice: 'call', callback: 'callback', notice: 'notice', message: 'message' };

/** By what the queues go. */
export interface QueueSettings {
  readonly directory: Directory;
  readonly rulesOf: RulesOfDesks;
}

export class Queues {
  readonly handling = new HandlingTimes();
  readonly #matching = new Matching();
  #settings: QueueSettings | null = null;
  readonly #rules = new Map<DeskId, DeskRules>();
  /** Agents who are at work, by desk. */
  readonly #present = new Map<DeskId, Set<AgentId>>();
  readonly #deskIds = new Map<AgentId, readonly DeskId[]>();
  readonly #free = new Set<AgentId>();

  /** Tells the engine all anew when directory or rules are other ones. */
  follow(settings: QueueSettings, contacts: Iterable<Contact>, agents: Iterable<Agent>): void {
    const before = this.#settings;
    this.#settings = settings;
    if (before?.directory === settings.directory && before.rulesOf === settings.rulesOf) return;
    for (const deskId of settings.directory.desks.keys()) {
      const rules = settings.rulesOf(deskId);
      if (isDeepStrictEqual(this.#rules.get(deskId), rules)) continue;
      this.#rules.set(deskId, rules);
      const { discipline, tieBreak, weights, promise, overflow } = rules;
      this.#matching.setPolicy({ queueId: deskId, discipline, tieBreak, weights, promise, overflow });
    }
    if (before === null) for (const contact of contacts) this.contactChanged(undefined, contact);
    for (const agent of agents) this.agentChanged(agent);
  }

  contactChanged(before: Contact | undefined, next: Contact): void {
    if (this.#settings === null) return;
    const task = taskOf(next);
    if (before?.state === 'queued') {
      if (task === null) this.#matching.remove(next.id);
      else if (isSameTask(before, next)) return;
      else if (!this.#matching.update(task)) this.#matching.add(task);
    } else if (task !== null) this.#matching.add(task);
    if (before?.state === 'offered' && next.state === 'connected') this.handling.begin(next.id, before.stateSince);
    else if (next.state === 'ended' && next.connectedAt !== null && next.deskId !== null) {
      this.handling.end(next.id, next.deskId, next.connectedAt, next.endedAt as EpochMs);
      this.#noteRate(next.deskId);
    }
  }

  agentChanged(next: Agent): void {
    if (this.#settings === null) return;
    const worker = this.#workerOf(next);
    if (worker === null) this.#matching.removeWorker(next.id);
    else this.#matching.setWorker(worker);
    if (worker?.availability === 'ready') this.#free.add(next.id);
    else this.#free.delete(next.id);
    this.#notePresence(next.id, worker === null ? NOWHERE : (this.#settings.directory.agents.get(next.id)?.deskIds ?? NOWHERE));
  }

  /** Who gets whom now. What is answered is done: an offer that is not made after all has to be told as a change of both. */
  decide(at: EpochMs): readonly Assignment[] {
    return this.#matching.decide(at);
  }

  nextDue(now: EpochMs): EpochMs | null {
    return this.#matching.nextDue(now);
  }

  /** 1 for the next in turn; null for one that rests or does not wait. */
  position(contactId: ContactId, now: EpochMs): number | null {
    return this.#matching.position(contactId, now);
  }

  /** How many can be offered at a desk. */
  waitingCount(deskId: DeskId): number {
    return this.#matching.waitingCount(deskId);
  }

  /** Those who can be offered at a desk, in its order. To be walked at once. */
  *waiting(deskId: DeskId, now: EpochMs): IterableIterator<ContactId> {
    for (const task of this.#matching.waiting(deskId, now)) yield task.id;
  }

  /** Whether anybody is at work at a desk, in whatever state. */
  isStaffed(deskId: DeskId): boolean {
    return (this.#present.get(deskId)?.size ?? 0) > 0;
  }

  /**
   * How long the one in this place will wait: until so many have been taken at the rate at which those at work take them,
   * place × handling time ÷ agents. An agent of several desks counts for each as far as its queue is of theirs.
   * @returns null when nobody is at work there
   */
  estimateMs(deskId: DeskId, position: number): number | null {
    let agents = 0;
    const own = Math.max(1, this.waitingCount(deskId));
    for (const agentId of this.#present.get(deskId) ?? []) {
      let all = 0;
      for (const other of this.#deskIds.get(agentId) ?? []) all += other === deskId ? own : this.waitingCount(other);
      agents += own / all;
    }
    if (agents === 0) return null;
    return Math.round((position * this.#handlingMs(deskId)) / agents);
  }

  /** How long somebody would wait who came now: not at all, when an agent is free and nobody waits. */
  newcomerWaitMs(deskId: DeskId): number | null {
    const waiting = this.waitingCount(deskId);
    return waiting === 0 && this.#isAnyFree(deskId) ? 0 : this.estimateMs(deskId, waiting + 1);
  }

  estimatedWaitMs(contactId: ContactId, deskId: DeskId, now: EpochMs): number | null {
    const position = this.position(contactId, now);
    return position === null ? null : this.estimateMs(deskId, position);
  }

  #isAnyFree(deskId: DeskId): boolean {
    for (const agentId of this.#present.get(deskId) ?? []) if (this.#free.has(agentId)) return true;
    return false;
  }

  #handlingMs(deskId: DeskId): number {
    return this.handling.meanMs(deskId) ?? this.#rules.get(deskId)?.expectedHandlingMs ?? 0;
  }

  /** Null for one who is logged off, or went without logging off and stays away. */
  #workerOf(agent: Agent): Worker | null {
    const profile = this.#settings?.directory.agents.get(agent.id);
    if (!profile || agent.state === 'loggedOff' || (agent.panel === 'closed' && agent.state === 'notReady')) return null;
    return {
      id: agent.id,
      availability: availabilityOf(agent),
      queues: profile.queues,
      skills: profile.skills,
      capacity: CAPACITY,
      load: NO_LOAD,
      idleSince: agent.idleSince,
      lastCallAssignedAt: agent.lastCallAssignedAt,
      busyMs: agent.busyMs,
      loggedOnMs: Math.max(0, agent.stateSince - agent.loggedOnAt),
      assignments: agent.assignments,
    };
  }

  #notePresence(agentId: AgentId, deskIds: readonly DeskId[]): void {
    const before = this.#deskIds.get(agentId) ?? [];
    if (before === deskIds || (before.length === 0 && deskIds.length === 0)) return;
    for (const id of before) this.#present.get(id)?.delete(agentId);
    for (const id of deskIds) {
      const present = this.#present.get(id);
      if (present) present.add(agentId);
      else this.#present.set(id, new Set([agentId]));
    }
    if (deskIds.length === 0) this.#deskIds.delete(agentId);
    else this.#deskIds.set(agentId, deskIds);
    for (const id of new Set([...before, ...deskIds])) this.#noteRate(id);
  }

  /** For desks that overflow by estimated wait. */
  #noteRate(deskId: DeskId): void {
    if (!this.#rules.get(deskId)?.overflow.some((rule) => rule.when === 'estimatedWaitMs')) return;
    const aheadMs = this.estimateMs(deskId, 1);
    this.#matching.setCompletionRate(deskId, aheadMs === null || aheadMs === 0 ? null : HOUR_MS / aheadMs);
  }
}

const HOUR_MS = 3_600_000;

/** How an agent in this state counts: one who is busy or in wrap-up will be back by itself. */
function availabilityOf(agent: Agent): Availability {
  switch (agent.state) {
    case 'ready':
      return agent.panel === 'open' ? 'ready' : 'finishing';
    case 'busy':
    case 'workingAfterCall':
      return agent.pending === null || agent.pending.state === 'ready' ? 'finishing' : 'away';
    default:
      return 'away';
  }
}

/** Null when it does not wait for an agent. */
function taskOf(contact: Contact): Task | null {
  // Whom a scenario tells waits for a line.
  if (contact.state !== 'queued' || contact.notice?.scenario !== undefined) return null;
  const { priorityClass, requirements, rings } = contact.decision?.wishes ?? NO_WISHES;
  return {
    id: contact.id,
    queueId: contact.deskId as DeskId,
    kind: KIND[contact.channel],
    channel: 'voice',
    priorityClass,
    arrivedAt: contact.arrivedAt,
    serial: serialOf(contact),
    queuedAt: contact.queuedAt ?? contact.arrivedAt,
    promisedAt: contact.promisedAt,
    requirements,
    rings,
    preferred: contact.preferred,
    notBefore: contact.timers.retry ?? null,
    excluded: NOBODY,
  };
}

const NOBODY: readonly AgentId[] = [];
const NOWHERE: readonly DeskId[] = [];

/** Whether two records of a contact that waits make the same task: what it was told, or hears, is not the queue's matter. */
function isSameTask(a: Contact, b: Contact): boolean {
  return (
    b.state === 'queued' &&
    a.notice?.scenario === b.notice?.scenario &&
    a.deskId === b.deskId &&
    a.decision === b.decision &&
    a.queuedAt === b.queuedAt &&
    a.promisedAt === b.promisedAt &&
    a.preferred === b.preferred &&
    a.timers.retry === b.timers.retry
  );
}

/** What handling a contact took lately, by desk, from the offer to the end of wrap-up: the mean, the latest counting most. */
class HandlingTimes {
  readonly #means = new Map<DeskId, number>();
  readonly #since = new Map<ContactId, EpochMs>();

  meanMs(deskId: DeskId): number | null {
    return this.#means.get(deskId) ?? null;
  }

  remember(deskId: DeskId, meanMs: number): void {
    this.#means.set(deskId, meanMs);
  }

  begin(contactId: ContactId, at: EpochMs): void {
    this.#since.set(contactId, at);
  }

  end(contactId: ContactId, deskId: DeskId, connectedAt: EpochMs, at: EpochMs): void {
    const tookMs = at - (this.#since.get(contactId) ?? connectedAt);
    this.#since.delete(contactId);
    const mean = this.#means.get(deskId);
    this.#means.set(deskId, mean === undefined ? tookMs : mean + (tookMs - mean) / REMEMBERED);
  }
}

/** About so many of the last ones make the mean. */
const REMEMBERED = 30;
