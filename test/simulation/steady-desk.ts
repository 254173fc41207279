/**
 * One desk of the real floor under steady random traffic: Poisson arrivals, exponential handling and patience, no ringing, no wrap-up
 * to speak of. What queueing theory has formulas for.
 */
import { Floor, type FloorContext } from '#src/contact/floor.ts';
import type { Contact, FloorInput } from '#src/contact/model.ts';
import { take } from '#src/contact/step.ts';
import type { AgentProfile } from '#src/routing/directory.ts';
import { CONTEXT, customer, DIRECTORY, RULES } from '../contact/world.ts';
import { Random } from './random.ts';

export interface SteadyDesk {
  readonly seed: number;
  readonly calls: number;
  readonly agents: number;
  readonly callsPerHour: number;
  readonly ahtMs: number;
  /** Infinity: nobody gives up. */
  readonly patienceMs: number;
}

/** What became of one call. */
export interface Served {
  readonly waitMs: number;
  readonly answered: boolean;
  /** The wait that was estimated when it entered the queue; null when an agent was free. */
  readonly estimatedMs: number | null;
}

interface Due {
  readonly at: number;
  readonly what: () => void;
}

/** Plays the calls through `take`; a tenth as many come before them, uncounted, so that the empty beginning is forgotten. */
export function playSteadyDesk(desk: SteadyDesk): Served[] {
  const random = new Random(desk.seed);
  const agents = new Map<string, AgentProfile>();
  for (let i = 0; i < desk.agents; i++) {
    const id = `agent-${i}`;
    const queues = [{ queueId: 'sales', priority: 1 }];
    const phone = { language: 'ja', deskPhone: null } as const;
    agents.set(id, { id, name: id, organisationId: 'maker', deskIds: ['sales'], queues, skills: [], role: 'agent', ...phone });
  }
  const context: FloorContext = {
    ...CONTEXT,
    directory: { ...DIRECTORY, agents },
    rulesOf: () => ({ ...RULES, expectedHandlingMs: desk.ahtMs }),
  };
  const floor = new Floor('test');
  const agenda: Due[] = [];
  const served: Served[] = [];
  const before = Math.ceil(desk.calls / 10);
  let now = 0;
  let arrived = 0;

  const later = (ms: number, what: () => void): void => {
    const at = now + ms;
    let i = agenda.length;
    while (i > 0 && (agenda[i - 1] as Due).at <= at) i--; // the last one is next
    agenda.splice(i, 0, { at, what });
  };
  const give = (input: FloorInput): void => {
    const changes = take(floor, context, input, now);
    if (changes.failures?.length) throw changes.failures[0];
    for (const contact of changes.contacts.values()) if (contact.state === 'offered') later(0, () => answer(contact));
  };
  const note = (contact: Contact, answered: boolean): void => {
    if (arrived <= before) return;
    served.push({ waitMs: now - contact.arrivedAt, answered, estimatedMs: contact.estimatedWaitMs });
  };
  const answer = (contact: Contact): void => {
    const offerId = contact.offerId as string;
    const agentId = contact.agentId as string;
    note(contact, true);
    give({ type: 'offerShown', agentId, offerId });
    give({ type: 'legAnswered', leg: floor.offers.get(offerId)?.legId as string });
    later(random.exponentialMs(desk.ahtMs), () => {
      give({ type: 'agentHangUp', agentId, offerId });
      give({ type: 'wrapUp', agentId, contactId: contact.id, disposition: 'resolved', note: '' });
    });
  };
  const arrive = (): void => {
    if (arrived >= before + desk.calls) return;
    arrived++;
    const leg = `in-${arrived}`;
    const arrival = {
      callingNumber: '+81312345678',
      callingName: null,
      presentation: 'allowed',
      calledNumber: '1000',
      trusted: true,
    } as const;
    give({ type: 'legArrived', leg, arrival });
    const contactId = `test-${floor.lastContact}`;
    give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: customer('sales') });
    if (Number.isFinite(desk.patienceMs)) {
      later(random.exponentialMs(desk.patienceMs), () => {
        const contact = floor.contacts.get(contactId);
        if (contact?.state !== 'queued') return;
        note(contact, false);
        give({ type: 'legEnded', leg, cause: 'normalClearing' });
      });
    }
    later(random.exponentialMs(3_600_000 / desk.callsPerHour), arrive);
  };

  for (const agentId of agents.keys()) {
    give({ type: 'panelOpened', agentId, holdsCall: false });
    give({ type: 'agentLogOn', agentId, phone: 'browser' });
    give({ type: 'agentSetReady', agentId });
  }
  arrive();
  for (let next = agenda.pop(); next; next = agenda.pop()) {
    now = next.at;
    next.what();
  }
  return served;
}
