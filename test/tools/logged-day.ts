/**
 * A day's work at some desks, written into the log as the floor writes it. What happens is found by a small simulation of its own:
 * first come first served, to whoever is idle longest.
 */

import { randomNumbers } from '#src/base/random.ts';
import type { Agent, Contact, EventName, FloorEvent, Offer } from '#src/contact/model.ts';
import type { Lease } from '#src/contact/ports.ts';
import type { PgFloorStore } from '#src/db/store.ts';
import { NO_WISHES } from '#src/routing/desk-rules.ts';
import type { PartyRecord } from '#src/routing/party.ts';
import { batch, contact, event, offer } from '../db/floor-records.ts';

export interface DeskDay {
  readonly deskId: string;
  readonly agents: readonly string[];
  readonly calls: number;
  readonly talkMs: number;
  readonly wrapUpMs: number;
  readonly patienceMs: number;
}

export interface Records {
  readonly contacts: Contact[];
  readonly offers: Offer[];
  readonly events: FloorEvent[];
}

interface Worker {
  readonly id: string;
  isBusy: boolean;
  isAway: boolean;
  idleSince: number;
}
interface Caller {
  readonly record: Contact;
  readonly answerMs: number;
  readonly talkMs: number;
  readonly wrapUpMs: number;
  readonly leavesAt: number;
}

const customer = (deskId: string, code: string): PartyRecord => ({
  kind: 'customer',
  customerId: `demo-${code}`,
  customerCode: code,
  organisationId: null,
  name: 'A customer',
  region: '13',
  language: 'ja',
  handlingDeskId: deskId,
  lastDeskId: deskId,
  lastAgentId: null,
});

/** Calls at random between two moments. Each agent logs on at the first, has a break of half an hour, and logs off after the last call. */
export function workedDay(domainId: string, desks: readonly DeskDay[], from: number, until: number, seed: number): Records {
  const random = randomNumbers(seed);
  const records: Records = { contacts: [], offers: [], events: [] };
  for (const desk of desks) workAt(desk, { domainId, from, until, random, records });
  return records;
}

interface Day {
  readonly domainId: string;
  readonly from: number;
  readonly until: number;
  readonly random: () => number;
  readonly records: Records;
}

function workAt(desk: DeskDay, { domainId, from, until, random, records }: Day): void {
  const agenda: { at: number; what: (at: number) => void }[] = [];
  const plan = (at: number, what: (at: number) => void): void => {
    const place = agenda.findIndex((entry) => entry.at > at);
    agenda.splice(place < 0 ? agenda.length : place, 0, { at, what });
  };
  const exponential = (mean: number): number => Math.round(-mean * Math.log1p(-random())) + 1;
  const state = (at: number, name: EventName, agentId: string, more: Partial<FloorEvent> = {}): void => {
    records.events.push(event(name, { at, agentId, ...more }));
  };
  const queue: Caller[] = [];
  const workers = desk.agents.map((id): Worker => ({ id, isBusy: false, isAway: true, idleSince: 0 }));

  const free = (worker: Worker, at: number): void => {
    worker.isBusy = false;
    state(at, worker.isAway ? 'agentNotReady' : 'agentReady', worker.id, { cause: worker.isAway ? 'lunch' : null });
    give(at);
  };
  const give = (at: number): void => {
    const [worker] = workers.filter(({ isBusy, isAway }) => !isBusy && !isAway).sort((a, b) => a.idleSince - b.idleSince);
    const caller = queue[0];
    if (!worker || !caller) return;
    queue.shift();
    worker.isBusy = true;
    state(at, 'agentBusy', worker.id, { contactId: caller.record.id });
    const offered = offer(`${caller.record.id}.1`, {
      domainId,
      contactId: caller.record.id,
      agentId: worker.id,
      deskId: desk.deskId,
      state: 'ended',
      createdAt: at,
    });
    const answeredAt = at + caller.answerMs;
    if (caller.leavesAt < answeredAt) {
      plan(caller.leavesAt, (when) => {
        records.offers.push({ ...offered, outcome: 'callerGone', endedAt: when });
        end(caller, when, { cause: 'abandonedWhileRinging' });
        free(worker, when);
      });
      return give(at);
    }
    plan(answeredAt + caller.talkMs, (talkedTo) => {
      worker.idleSince = talkedTo;
      records.offers.push({ ...offered, outcome: 'completed', endedAt: talkedTo });
      records.events.push(event('wrapUpStarted', { at: talkedTo, contactId: caller.record.id, agentId: worker.id }));
      state(talkedTo, 'agentWorkingAfterCall', worker.id, { contactId: caller.record.id });
      plan(talkedTo + caller.wrapUpMs, (when) => {
        end(caller, when, { cause: 'handled', connectedAt: answeredAt, agentId: worker.id });
        free(worker, when);
      });
    });
    give(at);
  };
  const end = ({ record }: Caller, at: number, given: Partial<Contact>): void => {
    records.contacts.push({ ...record, state: 'ended', endedAt: at, stateSince: at, ...given });
  };

  for (let n = 0; n < desk.calls; n += 1) {
    const at = Math.round(from + 60_000 + random() * (until - from - 120_000));
    const id = `${desk.deskId}-${n}`;
    const party = { kind: 'customer', record: customer(desk.deskId, String(10_001 + n)), foundBy: 'callingNumber' } as const;
    const decision = { deskId: desk.deskId, rule: 'the desk in charge of the customer', why: [], closed: false, wishes: NO_WISHES };
    const record = contact(id, { domainId, deskId: desk.deskId, arrivedAt: at, queuedAt: at + 40, party, decision });
    const caller: Caller = {
      record,
      answerMs: 1_000 + Math.round(random() * 6_000),
      talkMs: exponential(desk.talkMs),
      wrapUpMs: exponential(desk.wrapUpMs),
      leavesAt: at + 40 + exponential(desk.patienceMs),
    };
    plan(at + 40, (when) => {
      queue.push(caller);
      plan(caller.leavesAt, (leaves) => {
        const place = queue.indexOf(caller);
        if (place < 0) return;
        queue.splice(place, 1);
        end(caller, leaves, { cause: 'abandonedInQueue' });
      });
      give(when);
    });
  }
  for (const [n, worker] of workers.entries()) {
    plan(from + 1_000 * (n + 1), (at) => {
      worker.isAway = false;
      worker.idleSince = at;
      state(at, 'agentNotReady', worker.id, { cause: 'loggedOn' });
      state(at, 'agentReady', worker.id);
      give(at);
    });
    const lunch = from + Math.round((until - from) * (0.3 + 0.1 * n));
    plan(lunch, (at) => {
      worker.isAway = true;
      if (worker.isBusy) state(at, 'agentPendingState', worker.id, { cause: 'lunch', data: { pending: 'notReady' } });
      else state(at, 'agentNotReady', worker.id, { cause: 'lunch' });
    });
    plan(lunch + 30 * 60_000, (at) => {
      worker.isAway = false;
      if (worker.isBusy) state(at, 'agentPendingState', worker.id, { cause: 'ready', data: { pending: 'ready' } });
      else state(at, 'agentReady', worker.id);
      give(at);
    });
    plan(until + 4 * 3_600_000, (at) => state(at, 'agentLoggedOff', worker.id));
  }
  for (let next = agenda.shift(); next !== undefined; next = agenda.shift()) next.what(next.at);
}

/** As the floor commits: in the order in which it happened. @returns the number of the last commit */
export async function write(store: PgFloorStore, lease: Lease, { contacts, offers, events }: Records, seq: number): Promise<number> {
  const PER_COMMIT = 400;
  const inTime = events.toSorted((a, b) => a.at - b.at);
  const agents: Agent[] = [];
  let last = seq;
  for (let i = 0; i < Math.max(contacts.length, offers.length, inTime.length); i += PER_COMMIT) {
    const part = <T>(list: readonly T[]): T[] => list.slice(i, i + PER_COMMIT);
    last += 1;
    const records = { domainId: lease.domainId, contacts: part(contacts), offers: part(offers), events: part(inTime), agents };
    await store.commit(batch(lease.fence, last, records));
  }
  return last;
}
