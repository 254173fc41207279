/** The house as the web edge sees it: answers from the committed floor, the directory and the database; gives inputs to the floor. */
import { randomBytes } from 'node:crypto';
import { browserEndpoint } from './base/endpoint.ts';
import type { AgentId, ContactId, DeskId, EpochMs } from './base/ids.ts';
import { type CallHours, callbackView, callMeStatus, entryWait, isShown, timesToCall } from './callback-view.ts';
import { callingNumberOf } from './channels/call-me.ts';
import { InputRefused } from './contact/agents.ts';
import type { Controller } from './contact/controller.ts';
import type { FloorContext } from './contact/floor.ts';
import type { Contact } from './contact/model.ts';
import type { Address } from './cti/port.ts';
import { type MessageAudioParts, messageAudio } from './message-audio.ts';
import { nextTimeToCall } from './routing/call-hours.ts';
import type { RulesOfDesks } from './routing/desk-rules.ts';
import type { Desk, Directory, Entry } from './routing/directory.ts';
import { UNKNOWN_PARTY } from './routing/party.ts';
import {
  agentView,
  callsWaitingSince,
  contactOf,
  contactView,
  desksToSupervise,
  floorView,
  forcedBy,
  requireSupervised,
  strangerView,
  visibleDesks,
} from './views.ts';
import { type Principal, RequestRefused, type WebBackend } from './web/backend.ts';
import type { AgentView, CustomerView, ForcedChange } from './web/messages.ts';

export interface BackendParts extends Pick<MessageAudioParts, 'storedMessage' | 'recording'> {
  readonly controller: Controller;
  readonly directory: () => Directory;
  readonly rulesOf: RulesOfDesks;
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
  readonly decideDesk: FloorContext['decideDesk'];
  /** The contact that a customer's link leads to, which may be over; null when the token was never given out. */
  readonly contactOfToken: (token: string) => Promise<Contact | null>;
  readonly contactEvents: (
    contactId: string,
  ) => Promise<{ readonly deskId: string | null; readonly events: readonly Record<string, unknown>[] } | null>;
  /** The last forced changes of those who work at these desks, newest first. */
  readonly forcedChanges: (desks: ReadonlySet<DeskId>) => Promise<readonly ForcedChange[]>;
  readonly parts: () => Readonly<Record<string, 'ok' | string>>;
  readonly metrics: WebBackend['metrics'];
}

/** Quick enough to be called live, and slow enough that a busy desk's hundred panels are not sent something for each caller. */
const QUEUES_TOLD_MS = 250;
/** Links whose contacts are remembered at most; the others are looked up each time. */
const MOST_TOKENS = 20_000;

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

  /** Who holds the line longest, desk by desk: read through all contacts, so for all panels together, and not for each commit. */
  let longest: { readonly readAt: EpochMs; readonly since: ReadonlyMap<DeskId, EpochMs> } = {
    readAt: Number.NEGATIVE_INFINITY,
    since: new Map(),
  };
  const readLongest = (): ReadonlyMap<DeskId, EpochMs> => {
    longest = { readAt: house.clock(), since: callsWaitingSince(controller.floor) };
    return longest.since;
  };
  const longestNow = (): ReadonlyMap<DeskId, EpochMs> =>
    Math.abs(house.clock() - longest.readAt) < QUEUES_TOLD_MS ? longest.since : readLongest();

  /** Which contact a link leads to: pages ask every few seconds, and should not ask the database. */
  const contactIds = new Map<string, ContactId>();

  /** As it stands now, or how it ended; null when there is nothing (any more) behind the token. */
  const contactOfToken = async (token: string): Promise<Contact | null> => {
    const live = controller.floor.contacts.get(contactIds.get(token) ?? '');
    if (live) return live;
    const stored = await house.contactOfToken(token);
    if (!stored || !isShown(stored, house.clock())) return null;
    if (stored.state !== 'ended') {
      contactIds.delete(token);
      contactIds.set(token, stored.id);
      const [oldest] = contactIds.keys();
      if (contactIds.size > MOST_TOKENS && oldest !== undefined) contactIds.delete(oldest);
    }
    return controller.floor.contacts.get(stored.id) ?? stored;
  };

  /** The entry, and the desk from which somebody would be called of whom nothing is known yet. */
  const deskOfEntry = (entryId: string): { readonly entry: Entry; readonly desk: Desk; readonly hours: CallHours } | null => {
    const entry = directory().entries.find((e) => e.id === entryId || e.numbers.includes(entryId));
    if (!entry) return null;
    const facts = { party: UNKNOWN_PARTY, entry, channel: 'callback', callingNumber: { kind: 'missing' } } as const;
    const { deskId } = house.decideDesk(facts, house.clock());
    const desk = directory().desks.get(deskId);
    return desk ? { entry, desk, hours: house.rulesOf(deskId).callbacks.hours } : null;
  };

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
      const phone = { sip, reachable: house.isReachable(endpoint) };
      const view = agentView(agentId, controller.floor, directory(), house.rulesOf, longestNow(), phone);
      const agent = controller.floor.agents.get(agentId);
      const held = contactOf(agent, controller.floor);
      if (!agent || !held) return { agent: view, contact: null };
      const customer = held.contact.id === before?.contact.id && card ? card : strangerView(held.contact);
      return { agent: view, contact: contactView(held.contact, held.offer, agent, directory(), customer) };
    },

    floorView: (principal) => floorView(principal, controller.floor, directory(), house.clock()),

    async forceState(principal, agentId, to) {
      requireSupervised(principal, agentId, directory());
      try {
        await submit({ type: 'agentForced', agentId, to, by: principal.agentId });
      } catch (error) {
        if (!(error instanceof RequestRefused) || error.code !== 'loggedOff') throw error;
        // Said to the agent it means "log on first"; the supervisor is to read whom it is about.
        throw new RequestRefused('agentLoggedOff', 'this agent is not on shift', error.status);
      }
    },

    async forcedChanges(principal) {
      return house.forcedChanges(new Set(desksToSupervise(principal, directory()).keys()));
    },

    onChange(listener) {
      // Who works at a desk sees how many wait there, also while nothing happens to them: told together, not for each caller.
      const told = new Map<DeskId, string>();
      let soon: NodeJS.Timeout | null = null;
      const tellOfQueues = (): void => {
        soon = null;
        const { floor } = controller;
        const since = readLongest();
        const changed = [...directory().desks.keys()].filter((desk) => {
          const queue = `${floor.waitingCount(desk)}, since ${since.get(desk)}`;
          const before = told.get(desk) ?? '0, since undefined';
          told.set(desk, queue);
          return queue !== before;
        });
        if (changed.length === 0) return;
        const deskIdsOf = (agentId: AgentId): readonly DeskId[] => directory().agents.get(agentId)?.deskIds ?? [];
        const onShift = [...floor.agents.values()].filter((agent) => agent.state !== 'loggedOff').map((agent) => agent.id);
        listener(new Set(onShift.filter((id) => deskIdsOf(id).some((desk) => changed.includes(desk)))), []);
      };
      const stops = [
        controller.onCommitted((committed) => {
          listener(committed.agents, forcedBy(committed.events));
          soon ??= setTimeout(tellOfQueues, QUEUES_TOLD_MS);
        }),
        () => clearTimeout(soon ?? undefined),
        house.onReachable((endpoint) => {
          const agents = [...directory().agents.keys()].filter((id) => phoneOf(id, controller, directory()) === endpoint);
          if (agents.length > 0) listener(new Set(agents), []);
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },

    async callMe(request) {
      const found = deskOfEntry(request.entryId);
      if (!found) throw new RequestRefused('noSuchEntry', 'this page names an entry that does not exist', 404);
      const { entry, desk, hours } = found;
      const { callAt, to, name, question, pageUrl } = request;
      const waits = [...controller.floor.contacts.values()].some(
        (c) => c.channel === 'callback' && c.callMe && c.state !== 'wrapUp' && sameTarget(c.callMe.to, to),
      );
      if (waits) throw new RequestRefused('alreadyWaiting', 'a call to this number is on its way already', 409);
      if (callAt !== null && nextTimeToCall(desk, hours, callAt) !== callAt)
        throw new RequestRefused('timeOutsideHours', 'nobody is called at that time');
      const token = randomBytes(18).toString('base64url');
      await submit({
        type: 'callMeRequested',
        entryId: entry.id,
        language: request.language,
        number: callingNumberOf(to),
        callMe: { to, name, question, pageUrl, token },
        promisedAt: callAt !== null && callAt > house.clock() ? callAt : null,
      });
      return { token };
    },

    async callMeStatus(token) {
      const contact = await contactOfToken(token);
      return contact && callMeStatus(contact, directory().desks.get(contact.deskId ?? ''), controller.floor, house.clock());
    },

    async cancelCallMe(token) {
      const contact = await contactOfToken(token);
      if (!contact || contact.state === 'ended') return false;
      await submit({ type: 'callMeCancelled', contactId: contact.id });
      return true;
    },

    async callback(token) {
      const contact = await contactOfToken(token);
      if (!contact) return null;
      const desk = directory().desks.get(contact.deskId ?? '');
      const hours = desk ? house.rulesOf(desk.id).callbacks.hours : null;
      return callbackView(contact, desk, hours, controller.floor, house.clock());
    },

    async moveCallMe(token, to) {
      const contact = await contactOfToken(token);
      if (!contact || contact.state === 'ended') return false;
      await submit({ type: 'callbackMoved', contactId: contact.id, to });
      return true;
    },

    entryWait(entryId) {
      const found = deskOfEntry(entryId);
      return found && entryWait(found.desk, found.hours, controller.floor, house.clock());
    },

    entryTimes(entryId) {
      const found = deskOfEntry(entryId);
      return found && { timeZone: found.desk.timeZone, times: timesToCall(found.desk, found.hours, house.clock()) };
    },

    health() {
      const parts = house.parts();
      return { ready: controller.trouble === null && Object.values(parts).every((p) => p === 'ok'), parts };
    },

    messageAudio: messageAudio(house),

    async contactEvents(principal: Principal, contactId) {
      const found = await house.contactEvents(contactId);
      const desks = visibleDesks(principal, directory());
      const may = found && (found.deskId === null ? [...desks.values()].some((d) => d.isReception) : desks.has(found.deskId));
      if (!may) throw new RequestRefused('noSuchContact', 'there is no such contact among those that you may see', 404);
      return found.events;
    },
  };
}

const sameTarget = (a: Address, b: Address): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The endpoint on which this agent is rung. */
function phoneOf(agentId: AgentId, controller: Controller, directory: Directory): string {
  const deskPhone = directory.agents.get(agentId)?.deskPhone;
  return controller.floor.agents.get(agentId)?.phone === 'deskPhone' && deskPhone
    ? deskPhone
    : browserEndpoint(directory.domainId, agentId);
}
