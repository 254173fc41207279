/**
 * What must be true of a floor after every step, whatever happened. One list, by name; the property tests, the simulation
 * and every story check all of them.
 */
import type { FloorContext } from '#src/contact/floor.ts';
import type { Agent, Contact } from '#src/contact/model.ts';
import { DEFAULT_OUTBOUND_POLICY } from '#src/contact/outside.ts';
import { byArrival } from '#src/contact/place.ts';
import { difference } from './rebuild.ts';
import type { World } from './world.ts';

type Check = (world: World) => string[];

const live = (world: World): Contact[] => [...world.floor.contacts.values()];

export const INVARIANTS: Readonly<Record<string, Check>> = {
  'nothing is lost: every contact is on the floor or ended with a cause': (w) =>
    [...w.contacts.values()]
      .filter((c) =>
        c.state === 'ended' ? c.cause === null || c.endedAt === null || w.floor.contacts.has(c.id) : !w.floor.contacts.has(c.id),
      )
      .map((c) => c.id),

  'every contact ends once': (w) => {
    const ended = new Map<string, number>();
    for (const e of w.events) if (e.name === 'contactEnded') ended.set(e.contactId as string, (ended.get(e.contactId as string) ?? 0) + 1);
    return [...w.contacts.values()].filter((c) => (ended.get(c.id) ?? 0) !== (c.state === 'ended' ? 1 : 0)).map((c) => c.id);
  },

  'a contact has one live offer, in the states that have one, and it names the contact': (w) =>
    live(w)
      .filter((c) => {
        const offers = [...w.floor.offers.values()].filter((o) => o.contactId === c.id);
        const expected = c.state === 'offered' || c.state === 'connected' ? 1 : 0;
        return offers.length !== expected || (expected === 1 ? offers[0]?.id !== c.offerId : c.offerId !== null);
      })
      .map((c) => `${c.id} (${c.state})`),

  'an agent has one offer at most, and only a busy one has any': (w) =>
    [...w.floor.agents.values()]
      .filter((a) => {
        const offers = [...w.floor.offers.values()].filter((o) => o.agentId === a.id);
        return a.state === 'busy' ? offers.length !== 1 || offers[0]?.id !== a.offerId : offers.length !== 0 || a.offerId !== null;
      })
      .map((a) => `${a.id} (${a.state})`),

  'an agent in wrap-up has a contact in wrap-up, and the other way round': (w) => {
    const wrapping = [...w.floor.agents.values()].filter((a) => a.state === 'workingAfterCall');
    const bad = wrapping.filter((a) => w.floor.contacts.get(a.wrapUpContactId ?? '')?.state !== 'wrapUp').map((a) => a.id);
    const held = new Set(wrapping.map((a) => a.wrapUpContactId));
    return [
      ...bad,
      ...live(w)
        .filter((c) => c.state === 'wrapUp' && !held.has(c.id))
        .map((c) => c.id),
    ];
  },

  'whoever waits for somebody has a deadline': (w) => {
    const bad: string[] = [];
    for (const c of live(w)) {
      const playing = c.dialogue?.playing === true;
      if (c.state === 'identifying' && c.timers.lookUp === undefined) bad.push(`${c.id} identifying`);
      const { scenario, lookUp, dial, outside } = c.timers;
      if (c.state === 'scenario' && !playing && [scenario, lookUp, dial, outside].every((t) => t === undefined))
        bad.push(`${c.id} scenario`);
      if (c.state === 'queued' && w.floor.legs.get(c.legId ?? '')?.state === 'up' && c.timers.announce === undefined)
        bad.push(`${c.id} queued`);
    }
    for (const o of w.floor.offers.values()) if (o.state !== 'accepted' && Object.keys(o.timers).length === 0) bad.push(o.id);
    for (const a of w.floor.agents.values()) {
      if (a.state === 'workingAfterCall' && a.timers.wrapUp === undefined) bad.push(`${a.id} wrapUp`);
      if (a.panel === 'lost' && a.timers.panel === undefined) bad.push(`${a.id} panel`);
    }
    return bad;
  },

  'nobody waits while somebody who may take it is ready': (w) => {
    if (w.context.switchAway) return [];
    const ready = [...w.floor.agents.values()].filter((a) => a.state === 'ready' && a.panel === 'open');
    const bad: string[] = [];
    for (const a of ready) {
      for (const deskId of w.context.directory.agents.get(a.id)?.deskIds ?? []) {
        for (const c of w.queue(deskId)) if (mayTake(w.context, a, c, w.at)) bad.push(`${a.id}: ${c.id} at ${deskId}`);
      }
    }
    return bad;
  },

  'a queue holds those who can be offered, and no others; of one class and kind whoever came first comes first': (w) => {
    const bad: string[] = [];
    const inQueues = new Set<string>();
    for (const deskId of w.context.directory.desks.keys()) {
      const queue = w.queue(deskId);
      queue.forEach((c, i) => {
        inQueues.add(c.id);
        if (c.state !== 'queued' || c.deskId !== deskId || isResting(w, c)) bad.push(`${c.id} in ${deskId}`);
        if (w.floor.queues.position(c.id, w.at) !== i + 1) bad.push(`${c.id}: place ${w.floor.queues.position(c.id, w.at)} is ${i + 1}`);
        const overtaken = queue.slice(i + 1).find((other) => isSameSort(c, other) && byArrival(other, c) < 0);
        if (overtaken) bad.push(`${overtaken.id} behind ${c.id}`);
      });
    }
    return [
      ...bad,
      ...live(w)
        .filter((c) => c.state === 'queued' && !isResting(w, c) && !inQueues.has(c.id) && c.notice?.scenario === undefined)
        .map((c) => c.id),
    ];
  },

  'nobody is dialled for whom no agent is kept': (w) =>
    live(w)
      .filter((c) => c.channel !== 'voice' && w.floor.legs.get(c.legId ?? '')?.state === 'dialling' && c.state === 'identifying')
      .map((c) => c.id),

  'a call in progress has its party on the line': (w) =>
    live(w)
      .filter((c) => c.channel === 'voice' && c.state !== 'wrapUp' && !w.floor.legs.has(c.legId ?? ''))
      .map((c) => `${c.id} (${c.state})`),

  'two who are connected both have a live leg, or the agent gets a new one': (w) =>
    live(w)
      .filter((c) => c.state === 'connected' && c.channel !== 'message')
      .filter((c) => {
        const offer = w.floor.offers.get(c.offerId ?? '');
        return !w.floor.legs.has(c.legId ?? '') || !(w.floor.legs.has(offer?.legId ?? '') || offer?.timers.reach !== undefined);
      })
      .map((c) => c.id),

  'a number outside is dialled for a caller who is in a scenario, and for no others; no such leg is left over': (w) => {
    const wanted = new Set(live(w).map((c) => c.outside?.legId));
    const left = [...w.floor.legs.values()].filter((l) => l.role === 'outside' && !wanted.has(l.id) && !w.unwanted.has(l.id));
    const wrong = live(w).filter((c) => {
      if (!c.outside?.legId) return false;
      const bothUp = w.floor.legs.get(c.outside.legId)?.role === 'outside' && w.floor.legs.get(c.legId ?? '')?.state === 'up';
      return c.state !== 'scenario' || !bothUp;
    });
    return [...left.map((l) => l.id), ...wrong.map((c) => `${c.id} (${c.state})`)];
  },

  'whom a scenario tells a notice has no agent, is dialled within the lines for that, and at once while there are any': (w) => {
    const told = live(w).filter((c) => c.notice?.scenario !== undefined);
    const onLine = told.filter((c) => c.legId !== null);
    const lines = (w.context.policy.outbound ?? DEFAULT_OUTBOUND_POLICY).noticeLines;
    const bad = told.filter((c) => {
      const deadline = Object.keys(c.timers).length > 0 || c.dialogue?.playing === true;
      if (c.state === 'queued') return c.legId !== null && (!deadline || w.floor.legs.get(c.legId)?.state === 'up');
      return c.state !== 'identifying' && (c.state !== 'scenario' || !deadline);
    });
    const kept = told.filter((c) => c.state === 'queued' && c.legId === null && c.timers.retry === undefined);
    return [
      ...bad.map((c) => `${c.id} (${c.state})`),
      ...(onLine.length > lines ? [`${onLine.length} at once`] : []),
      ...(onLine.length < lines && !w.context.switchAway ? kept.map((c) => `${c.id} waits`) : []),
    ];
  },

  'a survey is about one talk, and has its party’s leg from the agent’s hand-over on': (w) =>
    [...w.contacts.values()]
      .filter((c) => c.origin === 'survey' && w.contacts.get(c.continues ?? '')?.connectedAt === null)
      .map((c) => c.id),

  'a message has no leg, nothing rings for it, and all that the switch is told is to hand over its recording, once': (w) => {
    const messages = [...w.contacts.values()].filter((c) => c.channel === 'message');
    return messages
      .filter((c) => {
        const orders = w.ordersFor(c.id);
        const offers = [...w.floor.offers.values()].filter((o) => o.contactId === c.id);
        const rings = offers.some((o) => o.legId !== null || o.state === 'dialling' || o.state === 'ringing');
        const isAsItBegan = c.message !== null && c.continues !== null && c.legId === null && c.attempts === 0;
        return !isAsItBegan || rings || orders.join() !== 'keepRecording';
      })
      .map((c) => `${c.id} (${c.state}): ${w.ordersFor(c.id).join()}`);
  },

  'a message ends by an agent’s work alone': (w) =>
    [...w.contacts.values()]
      .filter((c) => c.channel === 'message' && c.state === 'ended' && (c.cause !== 'handled' || c.connectedAt === null))
      .map((c) => `${c.id} (${c.cause})`),

  'the events alone make the tables as they are': (w) => {
    const bad = (id: string, differences: string[]): string[] => differences.map((what) => `${id}: ${what}`);
    const { contacts = [], offers = [], agents = [] } = w.changed ?? {};
    return [
      ...[...contacts].flatMap(([id, c]) => bad(id, difference(w.rebuilt.contacts.get(id), c))),
      ...[...offers].flatMap(([id, o]) => bad(id, difference(w.rebuilt.offers.get(id), o))),
      // Nothing is told of one who has only opened the panel.
      ...[...agents]
        .filter(([id, a]) => a.state !== 'loggedOff' || w.rebuilt.agents.has(id))
        .flatMap(([id, a]) => bad(id, difference(w.rebuilt.agents.get(id), a))),
    ];
  },

  'whoever is logged off has nothing in hand': (w) =>
    [...w.floor.agents.values()].filter((a) => a.state === 'loggedOff' && (a.pending || a.timers.wrapUp !== undefined)).map((a) => a.id),
};

const isResting = (w: World, c: Contact): boolean => (c.timers.retry ?? 0) > w.at;

/** Class, kind and promise alike: between these nothing but arrival may decide. */
export const isSameSort = (a: Contact, b: Contact): boolean =>
  a.channel === b.channel &&
  a.decision?.wishes.priorityClass === b.decision?.wishes.priorityClass &&
  a.promisedAt === null &&
  b.promisedAt === null;

/** As far as it can be said simply: what calls-first and preferred agents leave waiting has a reference in test/routing/matching. */
export function mayTake(context: Pick<FloorContext, 'directory' | 'rulesOf'>, agent: Agent, contact: Contact, at: number): boolean {
  const { discipline } = context.rulesOf(contact.deskId as string);
  if (discipline.name === 'calls-first' && contact.channel !== 'voice') return false;
  if (contact.preferred && contact.preferred.until > at) return false;
  const wishes = contact.decision?.wishes;
  const ring = wishes?.rings.findLast(({ afterMs }) => at >= (contact.queuedAt ?? 0) + afterMs);
  const skills = context.directory.agents.get(agent.id)?.skills ?? [];
  return (ring ?? wishes)?.requirements.every((asked) => skills.some((s) => s.skill === asked.skill && s.level >= asked.level)) ?? true;
}

/** Names of the broken ones, with whom they concern. */
export function checkFloor(world: World): string[] {
  return Object.entries(INVARIANTS).flatMap(([name, check]) => {
    const bad = check(world);
    return bad.length > 0 ? [`${name}: ${bad.join(', ')}`] : [];
  });
}
