/**
 * The tables, made again from nothing but the log: what reports are made of must be in the events, whole and in order.
 */
import type { Agent, Contact, FloorEvent, Offer } from '#src/contact/model.ts';

type ContactColumns = Pick<
  Contact,
  'channel' | 'origin' | 'state' | 'deskId' | 'agentId' | 'arrivedAt' | 'queuedAt' | 'connectedAt' | 'endedAt' | 'cause' | 'disposition'
>;
type OfferColumns = Pick<Offer, 'contactId' | 'agentId' | 'deskId' | 'createdAt' | 'endedAt' | 'outcome'>;
type AgentColumns = Pick<Agent, 'state' | 'reason' | 'stateSince' | 'offerId'>;

const AGENT_STATE: Partial<Record<FloorEvent['name'], Agent['state']>> = {
  agentLoggedOff: 'loggedOff',
  agentNotReady: 'notReady',
  agentReady: 'ready',
  agentBusy: 'busy',
  agentWorkingAfterCall: 'workingAfterCall',
};

export class Rebuilt {
  readonly contacts = new Map<string, ContactColumns>();
  readonly offers = new Map<string, OfferColumns>();
  readonly agents = new Map<string, AgentColumns>();

  read(event: FloorEvent): void {
    if (event.contactId) this.#contact(event.contactId, event);
    if (event.offerId) this.#offer(event.offerId, event);
    const state = AGENT_STATE[event.name];
    if (state && event.agentId) {
      const reason = event.cause as Agent['reason'];
      this.agents.set(event.agentId, { state, reason, stateSince: event.at, offerId: state === 'busy' ? event.offerId : null });
    }
  }

  #contact(id: string, event: FloorEvent): void {
    const set = (more: Partial<ContactColumns>): void => {
      const before = this.contacts.get(id);
      if (before) this.contacts.set(id, { ...before, ...more });
    };
    const { at, agentId, deskId, cause, data } = event;
    // Most events change no column.
    switch (event.name as string) {
      case 'contactArrived': {
        const isMessage = data['channel'] === 'message';
        // A survey is about the one that it continues, and has a place of its own.
        const before =
          typeof data['continues'] === 'string' && data['origin'] !== 'survey' ? this.contacts.get(data['continues']) : undefined;
        this.contacts.set(id, {
          channel: data['channel'] as Contact['channel'],
          origin: (data['origin'] ?? 'call') as Contact['origin'],
          state: 'identifying',
          deskId: event.deskId,
          agentId: null,
          // A message is as old as itself; a callback has the place of what it continues.
          arrivedAt: (isMessage ? undefined : before?.arrivedAt) ?? at,
          queuedAt: (isMessage ? undefined : before?.queuedAt) ?? null,
          connectedAt: null,
          endedAt: null,
          cause: null,
          disposition: null,
        });
        return;
      }
      case 'scenarioStarted':
        if (!event.offerId) set({ state: 'scenario' }); // else it speaks beside the offer
        return;
      case 'scenarioEnded':
        if (typeof data['disposition'] === 'string') set({ disposition: data['disposition'] });
        return;
      case 'deskDecided':
        return set({ deskId });
      case 'queued':
        return set({ state: 'queued', agentId: null, queuedAt: this.contacts.get(id)?.queuedAt ?? at });
      case 'dequeued':
        return set({ state: 'scenario' });
      case 'offered':
        return set({ state: 'offered', agentId });
      case 'established':
        if (event.offerId) set({ state: 'connected', connectedAt: this.contacts.get(id)?.connectedAt ?? at });
        return;
      case 'wrapUpStarted':
        return set({ state: 'wrapUp', cause: 'handled' });
      case 'wrapUpCompleted':
        return set({ disposition: (data['disposition'] ?? null) as string | null });
      case 'contactEnded':
        return set({ state: 'ended', cause: cause as Contact['cause'], endedAt: at, agentId });
    }
  }

  #offer(id: string, event: FloorEvent): void {
    const { at, contactId, agentId, deskId, cause } = event;
    const end = (outcome: Offer['outcome']): void => {
      const before = this.offers.get(id);
      if (before) this.offers.set(id, { ...before, endedAt: at, outcome });
    };
    // Most events change no column.
    switch (event.name as string) {
      case 'offered':
        this.offers.set(id, {
          contactId: contactId as string,
          agentId: agentId as string,
          deskId: deskId as string,
          createdAt: at,
          endedAt: null,
          outcome: null,
        });
        return;
      case 'diverted':
      case 'offerEnded':
        return end(cause as Offer['outcome']);
      case 'wrapUpStarted':
        return end('completed');
    }
  }
}

/** What the log makes of a record and what its table says, where they differ. */
export function difference<T extends object>(fromLog: T | undefined, table: T): string[] {
  if (!fromLog) return ['is not in the log'];
  return Object.entries(fromLog)
    .filter(([key, value]) => (table as Record<string, unknown>)[key] !== value)
    .map(([key, value]) => `${key} is ${String((table as Record<string, unknown>)[key])}, by the log ${String(value)}`);
}
