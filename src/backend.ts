/** The house as the web edge sees it: answers from the committed floor, the directory and the database; gives inputs to the floor. */
import { randomBytes } from 'node:crypto';
import { browserEndpoint } from './base/endpoint.ts';
import type { AgentId, DeskId } from './base/ids.ts';
import { callingNumberOf } from './channels/call-me.ts';
import { InputRefused } from './contact/agents.ts';
import type { Controller } from './contact/controller.ts';
import type { Contact } from './contact/model.ts';
import type { Address } from './cti/port.ts';
import type { Directory } from './routing/directory.ts';
import { agentView, contactOf, contactView, floorView, strangerView, visibleDesks } from './views.ts';
import { type CallMeStatus, type Principal, RequestRefused, type WebBackend } from './web/backend.ts';
import type { AgentView, CustomerView } from './web/messages.ts';

export interface BackendParts {
  readonly controller: Controller;
  readonly directory: () => Directory;
  readonly clock: () => number;
  /** Where browsers' phones register, and the password of one agent's. */
  readonly sip: { readonly webSocketUrl: string; readonly domain: string; readonly password: (agentId: AgentId) => string };
  readonly isReachable: (endpoint: string) => boolean;
  /** Calls back when a phone registers or goes; gives the way to stop it. */
  readonly onReachable: (listener: (endpoint: string) => void) => () => void;
  readonly logIn: WebBackend['logIn'];
  readonly principalOf: WebBackend['principalOf'];
  readonly logOut: WebBackend['logOut'];
  /** The party's card, as far as this agent may see it; null when there is none. */
  readonly customerView: (contact: Contact, agentId: AgentId) => Promise<CustomerView | null>;
  /** A call-me contact that may be over: its cause, or null when there is none of this token. */
  readonly endedCallMe: (token: string) => Promise<{ readonly cause: string | null } | null>;
  readonly contactEvents: (
    contactId: string,
  ) => Promise<{ readonly deskId: string | null; readonly events: readonly Record<string, unknown>[] } | null>;
  readonly parts: () => Readonly<Record<string, 'ok' | string>>;
  readonly metrics: WebBackend['metrics'];
}

/** Quick enough to be called live, and slow enough that a busy desk's hundred panels are not sent something for each caller. */
const QUEUES_TOLD_MS = 250;

export function createBackend(house: BackendParts): WebBackend {
  const { controller, directory } = house;

  const submit: WebBackend['submit'] = async (input) => {
    try {
      await controller.submit(input);
    } catch (error) {
      if (error instanceof InputRefused) throw new RequestRefused(error.code, error.message, 409);
      throw error;
    }
  };

  const liveCallMe = (token: string): Contact | undefined => [...controller.floor.contacts.values()].find((c) => c.callMe?.token === token);

  return {
    logIn: house.logIn,
    principalOf: house.principalOf,
    logOut: house.logOut,
    submit,
    metrics: house.metrics,

    async agentView(agentId) {
      const endpoint = phoneOf(agentId, controller, directory());
      const sip: AgentView['phone']['sip'] = {
        webSocketUrl: house.sip.webSocketUrl,
        uri: `sip:${browserEndpoint(directory().domainId, agentId)}@${house.sip.domain}`,
        password: house.sip.password(agentId),
      };
      // The card is read first: what is shown beside it is then as new as it can be.
      const before = contactOf(controller.floor.agents.get(agentId), controller.floor);
      const card = before ? await house.customerView(before.contact, agentId) : null;
      const view = agentView(agentId, controller.floor, directory(), { sip, reachable: house.isReachable(endpoint) });
      const agent = controller.floor.agents.get(agentId);
      const held = contactOf(agent, controller.floor);
      if (!agent || !held) return { agent: view, contact: null };
      const customer = held.contact.id === before?.contact.id && card ? card : strangerView(held.contact);
      return { agent: view, contact: contactView(held.contact, held.offer, agent, directory(), customer) };
    },

    floorView: (principal) => floorView(principal, controller.floor, directory(), house.clock()),

    onChange(listener) {
      // Who works at a desk sees how many wait there, also while nothing happens to them: told together, not for each caller.
      const lengths = new Map<DeskId, number>();
      let soon: NodeJS.Timeout | null = null;
      const tellOfQueues = (): void => {
        soon = null;
        const { floor } = controller;
        const changed = [...new Set([...lengths.keys(), ...floor.queuedDesks])].filter((desk) => {
          const length = floor.queue(desk).length;
          const before = lengths.get(desk) ?? 0;
          if (length > 0) lengths.set(desk, length);
          else lengths.delete(desk);
          return length !== before;
        });
        if (changed.length === 0) return;
        const deskIdsOf = (agentId: AgentId): readonly DeskId[] => directory().agents.get(agentId)?.deskIds ?? [];
        const onShift = [...floor.agents.values()].filter((agent) => agent.state !== 'loggedOff').map((agent) => agent.id);
        listener(new Set(onShift.filter((id) => deskIdsOf(id).some((desk) => changed.includes(desk)))));
      };
      const stops = [
        controller.onCommitted((committed) => {
          listener(committed.agents);
          soon ??= setTimeout(tellOfQueues, QUEUES_TOLD_MS);
        }),
        () => clearTimeout(soon ?? undefined),
        house.onReachable((endpoint) => {
          const agents = [...directory().agents.keys()].filter((id) => phoneOf(id, controller, directory()) === endpoint);
          if (agents.length > 0) listener(new Set(agents));
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },

    async callMe(request) {
      const entry = directory().entries.find((e) => e.id === request.entryId || e.numbers.includes(request.entryId));
      if (!entry) throw new RequestRefused('noSuchEntry', 'this page names an entry that does not exist', 404);
      const waits = [...controller.floor.contacts.values()].some(
        (c) => c.callMe && c.state !== 'wrapUp' && sameTarget(c.callMe.to, request.to),
      );
      if (waits) throw new RequestRefused('alreadyWaiting', 'a call to this number is on its way already', 409);
      const token = randomBytes(18).toString('base64url');
      await submit({
        type: 'callMeRequested',
        entryId: entry.id,
        language: request.language,
        number: callingNumberOf(request.to),
        callMe: { to: request.to, name: request.name, question: request.question, pageUrl: request.pageUrl, token },
      });
      return { token };
    },

    async callMeStatus(token) {
      const contact = liveCallMe(token);
      if (contact) return statusOf(contact, controller);
      const ended = await house.endedCallMe(token);
      return ended && { state: ENDED[ended.cause ?? ''] ?? 'done', position: null };
    },

    async cancelCallMe(token) {
      const contact = liveCallMe(token);
      if (!contact) return false;
      await submit({ type: 'callMeCancelled', contactId: contact.id });
      return true;
    },

    health() {
      const parts = house.parts();
      return { ready: controller.trouble === null && Object.values(parts).every((p) => p === 'ok'), parts };
    },

    async contactEvents(principal: Principal, contactId) {
      const found = await house.contactEvents(contactId);
      const desks = visibleDesks(principal, directory());
      const may = found && (found.deskId === null ? [...desks.values()].some((d) => d.isReception) : desks.has(found.deskId));
      if (!may) throw new RequestRefused('noSuchContact', 'there is no such contact among those that you may see', 404);
      return found.events;
    },
  };
}

const ENDED: Readonly<Record<string, CallMeStatus['state']>> = {
  callbackFailed: 'notReached',
  callbackCancelled: 'cancelled',
};

function statusOf(contact: Contact, controller: Controller): CallMeStatus {
  if (contact.state === 'wrapUp') return { state: 'done', position: null };
  if (contact.state === 'connected') return { state: 'connected', position: null };
  const leg = controller.floor.legs.get(contact.legId ?? '');
  if (leg?.state === 'up') return { state: 'connectingAgent', position: null };
  if (leg) return { state: 'calling', position: null };
  const place = contact.deskId ? controller.floor.queue(contact.deskId).findIndex((c) => c.id === contact.id) : -1;
  return { state: 'waiting', position: place < 0 ? null : place + 1 };
}

const sameTarget = (a: Address, b: Address): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The endpoint on which this agent is rung. */
function phoneOf(agentId: AgentId, controller: Controller, directory: Directory): string {
  const deskPhone = directory.agents.get(agentId)?.deskPhone;
  return controller.floor.agents.get(agentId)?.phone === 'deskPhone' && deskPhone
    ? deskPhone
    : browserEndpoint(directory.domainId, agentId);
}
