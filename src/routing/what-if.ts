/**
 * A logged period played again: the same contacts come at the same moments, with the same patience and the same handling, and the
 * matching engine itself gives them out, under other rules or to other agents. Pure: time is virtual, chance comes from a seed.
 *
 * What the log cannot know is drawn, once, before anything is played, so that all plays of a period meet the same people:
 * - how long somebody who was answered would have waited: longer than he did; by the hazard of giving up that the log shows (`Patience`);
 * - what handling somebody would have taken who gave up: as somebody else at the same desk, taken at random.
 */
import type { AgentId, ContactId, DeskId, EpochMs } from '../base/ids.ts';
import type { DeskRules, RetryOutcome, RulesOfDesks, Wishes } from './desk-rules.ts';
import { Matching } from './matching/matching.ts';
import type { Assignment, Availability, Kind, Requirement } from './matching/model.ts';

const NEVER = Number.POSITIVE_INFINITY;

// ---------------------------------------------------------------- what the log tells

/** From the offer to the answer (screen, ringing, a callback's dialling), the talk, and the wrap-up; the agent is busy with all. */
export interface Handling {
  readonly answerMs: number;
  readonly talkMs: number;
  readonly wrapUpMs: number;
}

/** What calling somebody back takes. */
export interface Attempts {
  /** Attempts that came to nothing, in their order: how, and for how long an agent was kept busy. */
  readonly failures: readonly { readonly outcome: RetryOutcome; readonly occupiedMs: number }[];
  /** The last one; null: nobody was reached. */
  readonly handling: Handling | null;
  /** After this wait it was cancelled or stopped; null: it was not. */
  readonly withdrawnAfterMs: number | null;
}

/**
 * - `answered`: an agent and the party talked.
 * - `gaveUp`: the caller hung up.
 * - `calledBack`: the caller left the line for a callback; it goes on as `callback`.
 * - `withdrawn`: a callback or a notice that was cancelled or stopped.
 * - `failed`: a callback whose attempts are used up.
 * - `open`: cut off, or not over when the log was read: would have gone on.
 */
export type Ending = 'answered' | 'gaveUp' | 'calledBack' | 'withdrawn' | 'failed' | 'open';

/** A contact that came to a queue, as it really went. */
export interface LoggedContact {
  readonly id: ContactId;
  readonly kind: Extract<Kind, 'call' | 'callback' | 'notice' | 'message'>;
  readonly deskId: DeskId;
  readonly wishes: Wishes;
  /** Who handled this customer last, for rules that prefer that agent. */
  readonly lastAgentId: AgentId | null;
  readonly arrivedAt: EpochMs;
  readonly queuedAt: EpochMs;
  readonly promisedAt: EpochMs | null;
  readonly ending: Ending;
  /** From `queuedAt` to the answer or the ending. */
  readonly waitMs: number;
  /** Given up while an agent's phone rang: for how long it had rung. */
  readonly rangMs: number | null;
  /** For how long each of the offers kept an agent busy that came to nothing on the agent's side: not answered, declined, lost. */
  readonly lapsesMs: readonly number[];
  /** Of a call that was answered. */
  readonly handling: Handling | null;
  /** Of a callback or a notice; of a call: how it was called back later. Null: was not, or is not known. */
  readonly attempts: Attempts | null;
  /** Has a number to be called back at. */
  readonly hasNumber: boolean;
}

/** - `leaving`: goes as soon as nobody waits for this agent any more. */
export type Attendance = 'ready' | 'away' | 'off' | 'leaving';

export interface StaffMember {
  readonly id: AgentId;
  readonly queues: readonly { readonly queueId: DeskId; readonly priority: number }[];
  readonly skills: readonly Requirement[];
  /** When it comes and goes, ascending; `off` before the first. While busy with a contact, a change waits for its end. */
  readonly shift: readonly { readonly at: EpochMs; readonly attendance: Attendance }[];
  /** Busy at the beginning, with a contact from before it, until then; null: not. */
  readonly busyUntil: EpochMs | null;
}

// ---------------------------------------------------------------- patience

/** Below this many who wait that long, nothing is said of how many of them give up. */
const ENOUGH_AT_RISK = 50;

/**
 * How long callers wait before they give up, from waits that mostly ended otherwise (right-censored): the hazard at each wait is
 * the share of those still waiting who gave up then, added up (Nelson 1972, Aalen 1978; the same estimate as Kaplan and Meier's
 * 1958, in logarithms) and joined by straight lines. Beyond the waits that enough callers reached it is exponential, by all who
 * gave up per all time waited (maximum likelihood; Mandelbaum and Zeltyn 2007). Nobody gave up: everybody waits for ever.
 */
export class Patience {
  /** Waits at which somebody gave up, and the hazard added up so far; both ascending. */
  readonly #waits: number[] = [0];
  readonly #hazards: number[] = [0];
  readonly #tailRate: number;

  constructor(waits: Iterable<{ readonly waitMs: number; readonly gaveUp: boolean }>) {
    const sorted = [...waits].sort((a, b) => a.waitMs - b.waitMs);
    let [waitedMs, gaveUp, hazard] = [0, 0, 0];
    for (const [i, wait] of sorted.entries()) {
      waitedMs += wait.waitMs;
      if (!wait.gaveUp) continue;
      gaveUp += 1;
      const atRisk = sorted.length - i;
      if (atRisk < ENOUGH_AT_RISK) continue;
      hazard += 1 / atRisk;
      this.#waits.push(Math.max(1, wait.waitMs));
      this.#hazards.push(hazard);
    }
    this.#tailRate = gaveUp === 0 ? 0 : gaveUp / Math.max(1, waitedMs);
  }

  /**
   * How long somebody waits who has waited so long already: more than that.
   * @param chance evenly from 0 to less than 1
   */
  beyond(waitMs: number, chance: number): number {
    if (this.#tailRate === 0) return NEVER;
    const hazard = this.#hazardAt(waitMs) - Math.log1p(-chance);
    const [lastWait, lastHazard] = [this.#waits.at(-1) ?? 0, this.#hazards.at(-1) ?? 0];
    const at = hazard >= lastHazard ? lastWait + (hazard - lastHazard) / this.#tailRate : interpolated(hazard, this.#hazards, this.#waits);
    return Math.max(Math.round(at), waitMs + 1);
  }

  #hazardAt(waitMs: number): number {
    const [lastWait, lastHazard] = [this.#waits.at(-1) ?? 0, this.#hazards.at(-1) ?? 0];
    return waitMs >= lastWait ? lastHazard + (waitMs - lastWait) * this.#tailRate : interpolated(waitMs, this.#waits, this.#hazards);
  }
}

/** By the straight line between the two of `xs` that x lies between; from the last of equal ones. `x` is below the last of all. */
function interpolated(x: number, xs: readonly number[], ys: readonly number[]): number {
  let [low, high] = [0, xs.length - 1];
  while (low < high - 1) {
    const middle = (low + high) >> 1;
    if ((xs[middle] ?? 0) <= x) low = middle;
    else high = middle;
  }
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [xs[low], xs[high], ys[low], ys[high]];
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

// ---------------------------------------------------------------- who comes

/** A contact with all that a play needs to know of it. */
export interface Demand {
  readonly contact: LoggedContact;
  /** The contact's own; of a copy that more arrivals ask for, another. */
  readonly id: ContactId;
  readonly arrivedAt: EpochMs;
  readonly queuedAt: EpochMs;
  /** On the line it waits this long. */
  readonly patienceMs: number;
  /** After this wait it leaves the line for a callback. */
  readonly calledBackAfterMs: number;
  /** Offers that come to nothing before there is one that is taken. */
  readonly lapsesMs: readonly number[];
  /** Of a call. */
  readonly handling: Handling;
  /** Of a callback. */
  readonly attempts: Attempts;
}

export interface DemandOptions {
  /** Evenly from 0 to less than 1. */
  readonly random: () => number;
  /** Talk and wrap-up take this times as long. */
  readonly ahtFactor?: number;
  /** This times as many contacts: copies of some at another moment near by, or some left out. */
  readonly arrivalsFactor?: number;
}

/** A copy comes up to this much before or after its original. */
const COPY_WITHIN_MS = 15 * 60_000;
/** A desk of its own habits has at least this many calls to tell them from; below, all desks' count. */
const ENOUGH_CONTACTS = 30;
const ENOUGH_GIVEN_UP = 30;

/** What the log does not tell is drawn from what it does. In order of arrival; the same for the same `random`. */
export function demandsOf(contacts: readonly LoggedContact[], options: DemandOptions): Demand[] {
  const { random, ahtFactor = 1, arrivalsFactor = 1 } = options;
  const calls = contacts.filter(({ kind }) => kind === 'call');
  const patience = byDesk(
    calls,
    ({ ending }) => ending === 'gaveUp',
    ENOUGH_GIVEN_UP,
    (of) => new Patience(of.map(({ waitMs, ending }) => ({ waitMs, gaveUp: ending === 'gaveUp' }))),
  );
  const handled = byDesk(
    contacts,
    ({ handling }) => handling !== null,
    ENOUGH_CONTACTS,
    (of) => of.flatMap(({ handling }) => handling ?? []),
  );
  const attempted = byDesk(
    contacts,
    ({ attempts }) => attempts !== null,
    ENOUGH_CONTACTS,
    (of) => of.flatMap(({ attempts, ending }) => (attempts && attempts.withdrawnAfterMs === null && ending !== 'open' ? [attempts] : [])),
  );
  const oneOf = <T>(list: readonly T[], chance: number): T | undefined => list[Math.floor(chance * list.length)];
  const scaled = (handling: Handling): Handling => ({
    answerMs: handling.answerMs,
    talkMs: Math.round(handling.talkMs * ahtFactor),
    wrapUpMs: Math.round(handling.wrapUpMs * ahtFactor),
  });
  const demand = (contact: LoggedContact, copy: { readonly id: ContactId; readonly shiftMs: number } | null): Demand => {
    const { deskId, ending, waitMs } = contact;
    // As many draws for each, whatever is known of it, so that what one is given does not hang on another.
    const chances = [random(), random(), random()] as const;
    const known = copy === null;
    const drawn = oneOf(handled(deskId), chances[1]) ?? oneOf(attempted(deskId), chances[1])?.handling ?? NOTHING;
    const answerMs = known && contact.rangMs !== null ? Math.max(drawn.answerMs, contact.rangMs + 1) : drawn.answerMs;
    const handling = (known ? contact.handling : null) ?? { ...drawn, answerMs };
    const others = oneOf(attempted(deskId), chances[2]) ?? { failures: [], handling, withdrawnAfterMs: null };
    const attempts = (known ? contact.attempts : null) ?? others;
    // Cancelled or cut off, after attempts in vain or none: the next might have reached somebody.
    const isCut = attempts.withdrawnAfterMs !== null || ending === 'open';
    const last = attempts.handling ?? (isCut ? (others.handling ?? handling) : null);
    return {
      contact,
      id: copy?.id ?? contact.id,
      arrivedAt: contact.arrivedAt + (copy?.shiftMs ?? 0),
      queuedAt: contact.queuedAt + (copy?.shiftMs ?? 0),
      patienceMs: known && ending === 'gaveUp' ? waitMs : patience(deskId).beyond(known ? waitMs : 0, chances[0]),
      calledBackAfterMs: known && ending === 'calledBack' ? waitMs : NEVER,
      lapsesMs: known ? contact.lapsesMs : [],
      handling: scaled(handling),
      attempts: { ...attempts, handling: last && scaled(last) },
    };
  };
  const demands = contacts.map((contact) => demand(contact, null));
  if (arrivalsFactor === 1) return demands.sort(byArrival);
  const kept = demands.filter(() => arrivalsFactor >= 1 || random() < arrivalsFactor);
  for (const contact of contacts) {
    for (let more = arrivalsFactor - 1, n = 1; more > 0; more -= 1, n += 1) {
      const shiftMs = Math.round((2 * random() - 1) * COPY_WITHIN_MS);
      if (random() < more) kept.push(demand(contact, { id: `${contact.id}+${n}`, shiftMs }));
    }
  }
  return kept.sort(byArrival);
}

const NOTHING: Handling = { answerMs: 0, talkMs: 0, wrapUpMs: 0 };
const byArrival = (a: Demand, b: Demand): number => a.arrivedAt - b.arrivedAt || a.queuedAt - b.queuedAt || (a.id < b.id ? -1 : 1);

/** What a desk's own contacts tell, or all desks' where too few of its own tell something. */
function byDesk<T>(
  contacts: readonly LoggedContact[],
  tells: (contact: LoggedContact) => boolean,
  enough: number,
  learn: (contacts: readonly LoggedContact[]) => T,
): (deskId: DeskId) => T {
  const ofDesks = new Map([...Map.groupBy(contacts, ({ deskId }) => deskId)].filter(([, of]) => of.filter(tells).length >= enough));
  const learned = new Map([...ofDesks].map(([deskId, of]) => [deskId, learn(of)]));
  const all = learn(contacts);
  return (deskId) => learned.get(deskId) ?? all;
}

// ---------------------------------------------------------------- a play

export interface PlaySettings {
  /** The period whose contacts and agents' time count; others only stand in the way. */
  readonly from: EpochMs;
  readonly until: EpochMs;
  /** All desks there are. */
  readonly deskIds: Iterable<DeskId>;
  readonly rulesOf: RulesOfDesks;
  /** Decides the desk again, as of the moment at which it came to the queue; null: it stays at the logged one. */
  readonly decide: (demand: Demand) => { readonly deskId: DeskId; readonly wishes: Wishes } | null;
  /** The first moment from `at` on at which somebody may be called from this desk. */
  readonly nextTimeToCall: (deskId: DeskId, at: EpochMs) => EpochMs;
}

/** How a contact went, in the log or in a play. */
export interface ContactOutcome {
  readonly id: ContactId;
  readonly kind: LoggedContact['kind'];
  readonly deskId: DeskId;
  readonly ending: Ending;
  /** From the queue to the answer or the ending; of a callback from the time that was agreed, if that is later. */
  readonly waitMs: number;
}

/** Of an agent, within the period. */
export interface AgentTime {
  readonly id: AgentId;
  readonly deskIds: readonly DeskId[];
  /** With contacts: offered, talking, wrapping up. */
  readonly busyMs: number;
  /** Busy, or ready for it. */
  readonly staffedMs: number;
}

export interface Played {
  readonly contacts: readonly ContactOutcome[];
  readonly agents: readonly AgentTime[];
}

/** Plays contacts and agents until nothing more happens. Whoever still waits then is `open`. */
export function play(demands: readonly Demand[], staff: readonly StaffMember[], settings: PlaySettings): Played {
  return new Play(demands, staff, settings).run();
}

const CAPACITY = { voice: 1, chat: 0, mail: 0 } as const;
const NO_LOAD = { voice: 0, chat: 0, mail: 0 } as const;
const HOUR_MS = 3_600_000;

/** A contact that waits, or is with an agent. */
interface Waiting {
  readonly demand: Demand;
  readonly serial: number;
  readonly kind: LoggedContact['kind'];
  readonly deskId: DeskId;
  readonly wishes: Wishes;
  readonly queuedAt: EpochMs;
  /** Offers that came to nothing so far, by the agent and by the party. */
  lapses: number;
  failures: number;
  /** Whose phone rings, while the caller may still give up. */
  ringing: Member | null;
  isOver: boolean;
}

interface Member {
  readonly who: StaffMember;
  attendance: Attendance;
  isBusy: boolean;
  /** Until when its time is added up. */
  countedTo: EpochMs;
  busyMs: number;
  staffedMs: number;
  idleSince: EpochMs;
  loggedOnAt: EpochMs;
  /** Since log-on. */
  busySinceLogOnMs: number;
  busySince: EpochMs;
  assignments: number;
  lastCallAssignedAt: EpochMs | null;
}

class Play {
  readonly #settings: PlaySettings;
  readonly #demands: readonly Demand[];
  readonly #matching = new Matching();
  readonly #agenda = new Agenda();
  readonly #rules = new Map<DeskId, DeskRules>();
  readonly #members: readonly Member[];
  readonly #byId: ReadonlyMap<AgentId, Member>;
  readonly #waiting = new Map<ContactId, Waiting>();
  readonly #outcomes: ContactOutcome[] = [];
  /** Of desks that overflow by estimated wait: the mean of late, from offer to the end of wrap-up. */
  readonly #handlingMs = new Map<DeskId, number>();

  constructor(demands: readonly Demand[], staff: readonly StaffMember[], settings: PlaySettings) {
    this.#settings = settings;
    this.#demands = demands;
    this.#members = staff.map((who) => newMember(who, settings.from));
    this.#byId = new Map(this.#members.map((member) => [member.who.id, member]));
    for (const queueId of settings.deskIds) {
      const rules = settings.rulesOf(queueId);
      const { discipline, tieBreak, weights, promise, overflow } = rules;
      this.#rules.set(queueId, rules);
      this.#matching.setPolicy({ queueId, discipline, tieBreak, weights, promise, overflow });
      if (overflow.some((rule) => rule.when === 'estimatedWaitMs')) this.#handlingMs.set(queueId, rules.expectedHandlingMs);
    }
  }

  run(): Played {
    const { from, until } = this.#settings;
    for (const member of this.#members) {
      const { busyUntil, shift } = member.who;
      if (busyUntil !== null && busyUntil > from) {
        member.isBusy = true;
        this.#agenda.add(busyUntil, 'free', () => this.#free(member, busyUntil, busyUntil));
      }
      for (const { at, attendance } of shift) {
        const when = Math.max(at, from);
        this.#agenda.add(when, 'shift', () => this.#attend(member, attendance, when));
      }
    }
    for (const [serial, demand] of this.#demands.entries()) {
      const at = Math.max(demand.queuedAt, from);
      this.#agenda.add(at, 'queue', () => this.#arrive(demand, serial, at));
    }
    let due: EpochMs | null = null;
    let at = from;
    for (;;) {
      const next = Math.min(this.#agenda.next, due ?? NEVER);
      if (next === NEVER) break;
      at = next;
      for (let what = this.#agenda.take(at); what !== null; what = this.#agenda.take(at)) what();
      for (const assignment of this.#matching.decide(at)) this.#begin(assignment, at);
      for (const member of this.#members) {
        if (member.attendance === 'leaving' && !member.isBusy) this.#attend(member, 'off', at);
      }
      due = this.#matching.nextDue(at);
    }
    for (const waiting of this.#waiting.values()) this.#end(waiting, 'open', at);
    const agents = this.#members.map((member) => {
      this.#count(member, Math.max(at, until));
      const { busyMs, staffedMs, who } = member;
      return { id: who.id, deskIds: who.queues.map((q) => q.queueId), busyMs, staffedMs };
    });
    return { contacts: this.#outcomes, agents };
  }

  // ---------------------------------------------------------------- contacts

  #arrive(demand: Demand, serial: number, at: EpochMs): void {
    const { contact } = demand;
    const { deskId, wishes } = this.#settings.decide(demand) ?? contact;
    const { kind } = contact;
    const { queuedAt } = demand;
    this.#begins({ demand, serial, kind, deskId, wishes, queuedAt, lapses: 0, failures: 0, ringing: null, isOver: false }, at);
  }

  #begins(waiting: Waiting, at: EpochMs): void {
    this.#waiting.set(waiting.demand.id, waiting);
    this.#wait(waiting, at);
    const leavesAt = this.#leavesAt(waiting);
    if (leavesAt === NEVER) return;
    const when = Math.max(leavesAt, at);
    this.#agenda.add(when, 'leave', () => this.#leave(waiting, when));
  }

  #wait(waiting: Waiting, at: EpochMs, restsUntil: EpochMs = at): void {
    const { demand, kind, deskId, wishes, queuedAt, serial } = waiting;
    const { contact, id } = demand;
    const isDialled = kind === 'callback' || kind === 'notice';
    const preferred =
      wishes.preferLastAgentMs > 0 && contact.lastAgentId !== null
        ? { agentId: contact.lastAgentId, until: queuedAt + wishes.preferLastAgentMs }
        : null;
    const mayBeAt = isDialled ? this.#settings.nextTimeToCall(deskId, Math.max(restsUntil, contact.promisedAt ?? 0)) : at;
    this.#matching.add({
      id,
      queueId: deskId,
      kind,
      channel: 'voice',
      priorityClass: wishes.priorityClass,
      arrivedAt: demand.arrivedAt,
      serial,
      queuedAt,
      promisedAt: contact.promisedAt,
      requirements: wishes.requirements,
      rings: wishes.rings,
      preferred,
      notBefore: mayBeAt > at ? mayBeAt : null,
      excluded: NOBODY,
    });
  }

  /** When it is gone, if nobody has answered by then. */
  #leavesAt({ demand, kind, queuedAt }: Waiting): number {
    const { patienceMs, calledBackAfterMs, attempts } = demand;
    return queuedAt + (kind === 'call' ? Math.min(patienceMs, calledBackAfterMs) : (attempts.withdrawnAfterMs ?? NEVER));
  }

  #leave(waiting: Waiting, at: EpochMs): void {
    const { demand, kind, queuedAt, deskId } = waiting;
    if (waiting.isOver) return;
    if (waiting.ringing !== null) this.#free(waiting.ringing, at, null);
    else if (!this.#matching.remove(demand.id)) return; // an agent has it in hand
    const waitedMs = at - queuedAt;
    if (kind !== 'call') return this.#end(waiting, 'withdrawn', at);
    const choseCallback = demand.calledBackAfterMs <= waitedMs;
    this.#end(waiting, choseCallback ? 'calledBack' : 'gaveUp', at);
    const { afterAbandonMs } = this.#rulesOf(deskId).callbacks;
    const isOwed = demand.contact.hasNumber && afterAbandonMs !== null && waitedMs >= afterAbandonMs;
    if (choseCallback || isOwed) this.#begins({ ...waiting, kind: 'callback', queuedAt: at, ringing: null, isOver: false }, at);
  }

  #end(waiting: Waiting, ending: Ending, at: EpochMs): void {
    const { demand, kind, deskId, queuedAt } = waiting;
    waiting.isOver = true;
    this.#waiting.delete(demand.id);
    if (demand.queuedAt < this.#settings.from || demand.queuedAt >= this.#settings.until) return;
    const since = kind === 'call' ? queuedAt : Math.max(queuedAt, demand.contact.promisedAt ?? 0);
    this.#outcomes.push({ id: demand.id, kind, deskId, ending, waitMs: Math.max(0, at - since) });
  }

  // ---------------------------------------------------------------- contacts with agents

  #begin({ taskId, workerId }: Assignment, at: EpochMs): void {
    const waiting = this.#waiting.get(taskId) as Waiting;
    const member = this.#byId.get(workerId) as Member;
    const { demand, kind, failures, deskId } = waiting;
    this.#count(member, at);
    member.isBusy = true;
    member.busySince = at;
    member.assignments += 1;
    if (kind === 'call') member.lastCallAssignedAt = at;
    const lapseMs = demand.lapsesMs[waiting.lapses];
    if (lapseMs !== undefined) return this.#lapse(waiting, member, at + lapseMs);
    if (kind === 'call') return this.#talk(waiting, member, demand.handling, at);
    const { failures: known, handling } = demand.attempts;
    const failure = known[failures];
    if (!failure && handling !== null) return this.#talk(waiting, member, handling, at);
    if (!failure) {
      this.#end(waiting, 'failed', at);
      return this.#free(member, at, null);
    }
    const freeAt = at + failure.occupiedMs;
    this.#agenda.add(freeAt, 'free', () => {
      this.#free(member, freeAt, null);
      waiting.failures += 1;
      const { attempts, retry } = this.#rulesOf(deskId).callbacks;
      const alike = known.slice(0, waiting.failures).filter(({ outcome }) => outcome === failure.outcome).length;
      const isLast = waiting.failures >= attempts || alike >= retry[failure.outcome].attempts;
      if (isLast || (handling === null && waiting.failures === known.length)) return this.#end(waiting, 'failed', freeAt);
      this.#wait(waiting, freeAt, freeAt + retry[failure.outcome].pauseMs);
    });
  }

  /** The agent does not take it: it goes back to its place. */
  #lapse(waiting: Waiting, member: Member, freeAt: EpochMs): void {
    waiting.ringing = member;
    this.#agenda.add(freeAt, 'free', () => {
      if (waiting.isOver) return;
      waiting.ringing = null;
      waiting.lapses += 1;
      this.#free(member, freeAt, null);
      this.#wait(waiting, freeAt);
    });
  }

  #talk(waiting: Waiting, member: Member, { answerMs, talkMs, wrapUpMs }: Handling, at: EpochMs): void {
    const answeredAt = at + answerMs;
    if (waiting.kind === 'call' && this.#leavesAt(waiting) < answeredAt) {
      waiting.ringing = member;
      return;
    }
    this.#end(waiting, 'answered', answeredAt);
    const { limitMs, extensionMs, mostMs } = this.#rulesOf(waiting.deskId).wrapUp;
    const talkedTo = answeredAt + talkMs;
    const freeAt = talkedTo + Math.min(wrapUpMs, extensionMs > 0 ? mostMs : limitMs);
    this.#agenda.add(freeAt, 'free', () => {
      this.#learn(waiting.deskId, freeAt - at);
      this.#free(member, freeAt, talkedTo);
    });
  }

  /** @param idleSince the end of the talk; null when there was none, and the old one holds */
  #free(member: Member, at: EpochMs, idleSince: EpochMs | null): void {
    this.#count(member, at);
    member.isBusy = false;
    member.busySinceLogOnMs += at - member.busySince;
    if (idleSince !== null) member.idleSince = idleSince;
    this.#tell(member, at);
  }

  // ---------------------------------------------------------------- agents

  #attend(member: Member, attendance: Attendance, at: EpochMs): void {
    this.#count(member, at);
    if (member.attendance === 'off' && attendance !== 'off') {
      member.loggedOnAt = at;
      member.idleSince = at;
      member.busySinceLogOnMs = 0;
      member.assignments = 0;
      member.lastCallAssignedAt = null;
    }
    member.attendance = attendance;
    this.#tell(member, at);
  }

  #tell(member: Member, at: EpochMs): void {
    const { who, attendance, isBusy } = member;
    if (attendance === 'off' && !isBusy) this.#matching.removeWorker(who.id);
    else {
      this.#matching.setWorker({
        id: who.id,
        availability: availabilityOf(member),
        queues: who.queues,
        skills: who.skills,
        capacity: CAPACITY,
        load: NO_LOAD,
        idleSince: member.idleSince,
        lastCallAssignedAt: member.lastCallAssignedAt,
        busyMs: member.busySinceLogOnMs,
        loggedOnMs: at - member.loggedOnAt,
        assignments: member.assignments,
      });
    }
    for (const { queueId } of who.queues) if (this.#handlingMs.has(queueId)) this.#noteRate(queueId);
  }

  /** Adds up its time so far, before its state changes. */
  #count(member: Member, at: EpochMs): void {
    const { from, until } = this.#settings;
    const ms = Math.max(0, Math.min(at, until) - Math.max(member.countedTo, from));
    if (member.isBusy) member.busyMs += ms;
    if (member.isBusy || member.attendance === 'ready' || member.attendance === 'leaving') member.staffedMs += ms;
    member.countedTo = Math.max(member.countedTo, at);
  }

  // ---------------------------------------------------------------- desks

  #rulesOf(deskId: DeskId): DeskRules {
    return this.#rules.get(deskId) ?? this.#settings.rulesOf(deskId);
  }

  #learn(deskId: DeskId, tookMs: number): void {
    const mean = this.#handlingMs.get(deskId);
    if (mean === undefined) return;
    this.#handlingMs.set(deskId, mean + (tookMs - mean) / REMEMBERED);
    this.#noteRate(deskId);
  }

  /** Those at work take one after another: so many per handling time. */
  #noteRate(deskId: DeskId): void {
    const present = this.#members.filter(
      ({ attendance, who }) => attendance !== 'off' && who.queues.some((q) => q.queueId === deskId),
    ).length;
    const handlingMs = Math.max(1, this.#handlingMs.get(deskId) ?? 0);
    this.#matching.setCompletionRate(deskId, present === 0 ? null : (present * HOUR_MS) / handlingMs);
  }
}

const NOBODY: readonly AgentId[] = [];
/** About so many of the last ones make the mean. */
const REMEMBERED = 30;

function availabilityOf({ attendance, isBusy }: Member): Availability {
  if (attendance === 'away' || attendance === 'off') return 'away';
  return isBusy ? 'finishing' : 'ready';
}

const newMember = (who: StaffMember, from: EpochMs): Member => ({
  who,
  attendance: 'off',
  isBusy: false,
  countedTo: from,
  busyMs: 0,
  staffedMs: 0,
  idleSince: from,
  loggedOnAt: from,
  busySinceLogOnMs: 0,
  busySince: from,
  assignments: 0,
  lastCallAssignedAt: null,
});

/** Of the same moment: who comes and goes, who becomes free, who has lost patience, who arrives. */
const RANKS = { shift: 0, free: 1, leave: 2, queue: 3 } as const;

interface Entry {
  readonly at: EpochMs;
  readonly rank: number;
  /** As they were added. */
  readonly order: number;
  readonly what: () => void;
}

/** What will happen, earliest first: a binary heap. */
class Agenda {
  readonly #heap: Entry[] = [];
  #added = 0;

  get next(): number {
    return this.#heap[0]?.at ?? NEVER;
  }

  add(at: EpochMs, sort: keyof typeof RANKS, what: () => void): void {
    const heap = this.#heap;
    const entry: Entry = { at, rank: RANKS[sort], order: this.#added, what };
    this.#added += 1;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  /** The first that is due by then; null when none is. */
  take(by: EpochMs): (() => void) | null {
    const heap = this.#heap;
    const [top] = heap;
    if (top === undefined || top.at > by) return null;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return top.what;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const below = b !== undefined && isBefore(b, a) ? b : a;
      if (!isBefore(below, last)) break;
      heap[place] = below;
      place = below === a ? left : left + 1;
    }
    heap[place] = last;
    return top.what;
  }
}

const isBefore = (a: Entry, b: Entry): boolean => (a.at - b.at || a.rank - b.rank || a.order - b.order) < 0;

// ---------------------------------------------------------------- figures

/** Shares are from 0 to 1; null where there is nothing to divide by. */
export interface DeskFigures {
  /** Who waited on the line. */
  readonly calls: number;
  /** Share of all calls that were answered within the desk's target. */
  readonly serviceLevel: number | null;
  /** Mean wait of the calls that were answered. */
  readonly asaMs: number | null;
  /** Share of all calls that gave up. */
  readonly abandoned: number | null;
  readonly longestWaitMs: number;
  /** Busy share of the staffed time of the agents who serve the desk. */
  readonly occupancy: number | null;
  /** Callbacks and notices: how many, how many of them were reached, and how long that took on average. */
  readonly callbacks: number;
  readonly reached: number;
  readonly reachedAfterMs: number | null;
}

export interface Figures {
  /** By desk, of those that had contacts. */
  readonly desks: ReadonlyMap<DeskId, DeskFigures>;
  readonly all: DeskFigures;
}

/** @param withinMs the target of a desk */
export function figuresOf({ contacts, agents }: Played, withinMs: (deskId: DeskId) => number): Figures {
  const byDeskId = Map.groupBy(contacts, ({ deskId }) => deskId);
  const desks = new Map(
    [...byDeskId].map(([deskId, of]) => [
      deskId,
      deskFigures(
        of,
        agents.filter(({ deskIds }) => deskIds.includes(deskId)),
        withinMs,
      ),
    ]),
  );
  return { desks, all: deskFigures(contacts, agents, withinMs) };
}

function deskFigures(contacts: readonly ContactOutcome[], agents: readonly AgentTime[], withinMs: (deskId: DeskId) => number): DeskFigures {
  const calls = contacts.filter(({ kind }) => kind === 'call');
  const answered = calls.filter(({ ending }) => ending === 'answered');
  const inTime = answered.filter(({ deskId, waitMs }) => waitMs <= withinMs(deskId));
  const callbacks = contacts.filter(({ kind }) => kind !== 'call');
  const reached = callbacks.filter(({ ending }) => ending === 'answered');
  return {
    calls: calls.length,
    serviceLevel: share(inTime.length, calls.length),
    asaMs: share(waited(answered), answered.length),
    abandoned: share(calls.filter(({ ending }) => ending === 'gaveUp').length, calls.length),
    longestWaitMs: calls.reduce((longest, { waitMs }) => Math.max(longest, waitMs), 0),
    occupancy: share(
      agents.reduce((sum, { busyMs }) => sum + busyMs, 0),
      agents.reduce((sum, { staffedMs }) => sum + staffedMs, 0),
    ),
    callbacks: callbacks.length,
    reached: reached.length,
    reachedAfterMs: share(waited(reached), reached.length),
  };
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
const waited = (contacts: readonly ContactOutcome[]): number => contacts.reduce((sum, { waitMs }) => sum + waitMs, 0);
