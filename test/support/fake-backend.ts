/**
 * A house behind the web edge that lives in memory: one centre, a few log-ins, one contact at a time for each agent. It
 * obeys the inputs as the floor would, roughly, so that screens can be looked at and the web edge tested without database or switch.
 */
import type { AgentId, EpochMs } from '../../src/base/ids.ts';
import { beginningOf, recognisable } from '../../src/channels/call-me.ts';
import type { FloorInput } from '../../src/contact/model.ts';
import type { Callback, CallMeRequest, CallMeStatus, EntryWait, Principal, WebBackend } from '../../src/web/backend.ts';
import { RequestRefused } from '../../src/web/backend.ts';
import type { AgentView, ContactView, CustomerView, FloorMessage, ForcedChange } from '../../src/web/messages.ts';

export const FAKE_PASSWORD = 'only-for-looking-at-screens';

const OSAKA = { id: 'desk-osaka', name: '大阪サービス窓口' };
const LONDON = { id: 'desk-london', name: 'London service desk' };

/** Wrap-up: at first, more at a time, and the most in all. */
const WRAP_UP = { limitMs: 60_000, extensionMs: 30_000, mostMs: 120_000 } as const;

export const FAKE_CUSTOMER: CustomerView = {
  customerId: 'customer-23',
  customerCode: '10023',
  kind: 'customer',
  name: '山田 花子',
  nameKana: 'ヤマダ ハナコ',
  organisation: null,
  region: 'JP-27',
  address: '大阪府大阪市北区梅田1-2-3',
  phones: ['+81312345678', '+819012345678'],
  emails: ['hanako.yamada@example.jp'],
  note: '日中は携帯電話を希望',
  products: [
    { code: 'KX-200', name: '業務用洗浄機 KX-200', boughtOn: '2024-04-18', serial: 'KX2-008812' },
    { code: 'KX-FLT', name: '交換フィルター', boughtOn: '2026-02-03', serial: null },
  ],
  lastContacts: [
    {
      contactId: 'c-old-2',
      at: Date.UTC(2026, 9, 2, 1, 12),
      channel: 'voice',
      desk: OSAKA.name,
      agent: '佐藤 健',
      cause: 'handled',
      disposition: 'repairArranged',
      note: '排水の異音。部品手配済み。',
      messageMs: null,
    },
    {
      contactId: 'c-old-1',
      at: Date.UTC(2026, 5, 21, 5, 40),
      channel: 'callback',
      desk: OSAKA.name,
      agent: '田中 美咲',
      cause: 'handled',
      disposition: 'answered',
      note: 'フィルターの交換時期について。',
      messageMs: null,
    },
  ],
};

type Row = FloorMessage['waiting'][number];
export type WaitingRow = Omit<Row, 'estimatedWaitMs'> & Partial<Pick<Row, 'estimatedWaitMs'>>;

interface FakeAgent {
  readonly principal: Principal;
  view: AgentView;
  contact: ContactView | null;
  panel: 'open' | 'lost' | 'closed';
}

export interface FakeBackend extends WebBackend {
  /** Everything submitted, in order. */
  readonly inputs: FloorInput[];
  /** Everything asked for by call-me, in order. */
  readonly callMeRequests: CallMeRequest[];
  readonly userNames: readonly string[];
  /** A contact is put before the agent: stage `shown`. */
  offer(agentId: AgentId, contact?: Partial<ContactView>): ContactView;
  /** Moves the agent's contact on. */
  stage(agentId: AgentId, stage: ContactView['stage']): void;
  /** The caller hangs up: an offer disappears, a talk goes to wrap-up. */
  callerHangsUp(agentId: AgentId): void;
  setAgent(agentId: AgentId, change: Partial<AgentView>): void;
  viewOf(agentId: AgentId): { agent: AgentView; contact: ContactView | null };
  /** What was handed out, in order. */
  readonly callMeTokens: readonly string[];
  callMeStateOf(token: string): CallMeStatus['state'] | null;
  setCallMe(token: string, status: Partial<CallMeStatus>): void;
  /** What the page behind a request's link shows beside its state. */
  setCallback(token: string, change: Partial<Omit<Callback, 'status'>>): void;
  /** What an entry's visitors are told; null: as when somebody is free. */
  setEntryWait(wait: EntryWait | null): void;
  /** Every request to move a callback, in order. */
  readonly moves: readonly { readonly token: string; readonly to: EpochMs | null }[];
  /** Rows without an estimate have none. */
  setWaiting(waiting: readonly WaitingRow[], more?: number): void;
  /** The next submit is refused with this code. */
  refuseNext(code: string): void;
  /** The next submit fails as when the database is away. */
  failNext(): void;
  /** What can be heard of a contact; null: nothing yet. Contacts that are not given here have none. */
  setRecording(contactId: string, wav: Buffer | null): void;
  /** Who listened to what, in order. */
  readonly heard: readonly { readonly agentId: AgentId; readonly contactId: string }[];
  setHealth(health: ReturnType<WebBackend['health']>): void;
  /** Says that these agents changed, without any change. */
  touch(...agents: AgentId[]): void;
  /** Sessions that live. */
  readonly sessions: ReadonlyMap<string, Principal>;
  endSessions(): void;
}

/** Log-ins: `tanaka` (agent, 大阪), `smith` (agent, London), `sato` (supervisor, both). All with `FAKE_PASSWORD`. */
export function createFakeBackend(options: { readonly now?: () => EpochMs; readonly sip?: AgentView['phone']['sip'] } = {}): FakeBackend {
  const now = options.now ?? Date.now;
  const inputs: FloorInput[] = [];
  const callMeRequests: CallMeRequest[] = [];
  const sessions = new Map<string, Principal>();
  const callMeTokens: string[] = [];
  const callMe = new Map<string, Callback>();
  const moves: { token: string; to: EpochMs | null }[] = [];
  const recordings = new Map<string, Buffer | null>();
  const heard: { agentId: AgentId; contactId: string }[] = [];
  let entryWait: EntryWait = { estimatedWaitMs: 240_000, because: null, opensAt: null };
  /** Every half hour from ten to four, by Tokyo's clock, for three days. */
  const times = (): EpochMs[] => {
    const halfHour = 1_800_000;
    const first = Math.ceil((now() + 600_000) / halfHour) * halfHour;
    const all = Array.from({ length: 144 }, (_, i) => first + i * halfHour);
    return all.filter((at) => new Date(at + 9 * 3_600_000).getUTCHours() >= 10 && new Date(at + 9 * 3_600_000).getUTCHours() < 16);
  };
  const changeStatus = (token: string, status: Partial<CallMeStatus>): void => {
    const known = callMe.get(token);
    const blank = { state: 'waiting', position: null, estimatedWaitMs: null, callAt: null, timeZone: 'Asia/Tokyo' } as const;
    if (known) callMe.set(token, { ...known, status: { ...blank, ...status } });
  };
  const listeners = new Set<Parameters<WebBackend['onChange']>[0]>();
  let forcedChanges: readonly ForcedChange[] = [];
  let waiting: FloorMessage['waiting'] = [];
  let more = 0;
  let refusal: string | null = null;
  let failing = false;
  let counter = 0;
  let health: ReturnType<WebBackend['health']> = { ready: true, parts: { database: 'ok', switch: 'ok', floor: 'ok' } };

  const makeAgent = (
    agentId: string,
    name: string,
    role: Principal['role'],
    desks: AgentView['desks'],
    hasDeskPhone: boolean,
  ): FakeAgent => ({
    principal: { agentId, name, role },
    contact: null,
    panel: 'closed',
    view: {
      agentId,
      name,
      organisation: '株式会社窓口製作所',
      role,
      desks,
      hasDeskPhone,
      state: 'loggedOff',
      reason: null,
      stateSince: now(),
      pending: null,
      phone: { kind: 'browser', sip: options.sip ?? null, reachable: true },
      wrapUpEndsAt: null,
      wrapUpExtensionMs: null,
      legId: null,
      waitingAtMyDesks: 0,
      longestCallSince: null,
    },
  });
  const users = new Map([
    ['tanaka', makeAgent('agent-tanaka', '田中 美咲', 'agent', [OSAKA], true)],
    ['smith', makeAgent('agent-smith', 'John Smith', 'agent', [LONDON], false)],
    ['sato', makeAgent('agent-sato', '佐藤 健', 'supervisor', [OSAKA, LONDON], true)],
  ]);
  const byId = new Map([...users.values()].map((agent) => [agent.principal.agentId, agent]));

  const agentOf = (agentId: AgentId): FakeAgent => {
    const agent = byId.get(agentId);
    if (agent === undefined) throw new RequestRefused('noSuchAgent', `There is no agent ${agentId}.`, 404);
    return agent;
  };
  const touch = (...agents: AgentId[]): void => {
    for (const listener of listeners) listener(new Set(agents), []);
  };
  const setAgent = (agentId: AgentId, change: Partial<AgentView>): void => {
    const agent = agentOf(agentId);
    const moved = change.state !== undefined && change.state !== agent.view.state;
    agent.view = { ...agent.view, ...(moved ? { stateSince: now() } : {}), ...change };
    touch(agentId);
  };
  const setContact = (agentId: AgentId, contact: ContactView | null): void => {
    agentOf(agentId).contact = contact;
  };
  const afterContact = (agentId: AgentId): void => {
    const { pending } = agentOf(agentId).view;
    setContact(agentId, null);
    const state = pending?.state === 'notReady' ? 'notReady' : pending?.state === 'loggedOff' ? 'loggedOff' : 'ready';
    const over = { pending: null, wrapUpEndsAt: null, wrapUpExtensionMs: null, legId: null };
    setAgent(agentId, { ...over, state, reason: pending?.reason ?? null });
  };
  const toWrapUp = (agentId: AgentId): void => {
    const { contact } = agentOf(agentId);
    if (contact === null) return;
    const stateSince = now();
    const wrapUpEndsAt = stateSince + WRAP_UP.limitMs;
    setContact(agentId, { ...contact, stage: 'wrapUp', deadlineAt: wrapUpEndsAt });
    setAgent(agentId, { state: 'workingAfterCall', stateSince, wrapUpEndsAt, wrapUpExtensionMs: WRAP_UP.extensionMs, legId: null });
  };

  const obey = (input: FloorInput): void => {
    if (!('agentId' in input)) return;
    const agent = agentOf(input.agentId);
    const engaged = agent.view.state === 'busy' || agent.view.state === 'workingAfterCall';
    switch (input.type) {
      case 'panelOpened':
        agent.panel = 'open';
        return touch(input.agentId);
      case 'panelClosed':
        agent.panel = 'lost';
        return touch(input.agentId);
      case 'agentLogOn':
        return setAgent(input.agentId, {
          state: engaged ? agent.view.state : 'notReady',
          reason: engaged ? agent.view.reason : 'loggedOn',
          phone: { ...agent.view.phone, kind: input.phone },
        });
      case 'agentLogOff':
        return setAgent(input.agentId, engaged ? { pending: { state: 'loggedOff', reason: null } } : { state: 'loggedOff', reason: null });
      case 'agentSetReady':
        if (agent.view.state === 'loggedOff') throw new RequestRefused('notLoggedOn', 'Log on first.');
        if (agent.view.state === 'workingAfterCall') return afterContact(input.agentId);
        return setAgent(input.agentId, engaged ? { pending: { state: 'ready', reason: null } } : { state: 'ready', reason: null });
      case 'agentSetNotReady':
        if (agent.view.state === 'loggedOff') throw new RequestRefused('notLoggedOn', 'Log on first.');
        return setAgent(
          input.agentId,
          engaged ? { pending: { state: 'notReady', reason: input.reason } } : { state: 'notReady', reason: input.reason },
        );
      case 'offerShown':
        if (agent.contact?.offerId !== input.offerId) throw new RequestRefused('offerGone', 'The offer is no longer there.');
        if (agent.contact.stage !== 'shown') return; // taken already
        setContact(input.agentId, {
          ...agent.contact,
          stage: agent.contact.channel === 'message' ? 'shown' : 'ringing',
          deadlineAt: now() + 20_000,
        });
        return touch(input.agentId);
      case 'offerAccepted':
        if (agent.contact?.offerId !== input.offerId) throw new RequestRefused('offerGone', 'The offer is no longer there.');
        setContact(input.agentId, { ...agent.contact, stage: 'connected', connectedAt: now(), deadlineAt: null });
        return touch(input.agentId);
      case 'messageCallBack': {
        const { contact } = agent;
        if (contact?.contactId !== input.contactId) throw new RequestRefused('notInHand', 'This message is not in your hands.');
        const callback = { channel: 'callback', origin: 'messageCallback', stage: 'dialling', offerId: `o-${++counter}` } as const;
        setContact(input.agentId, { ...contact, ...callback, contactId: `c-${counter}`, connectedAt: null });
        return touch(input.agentId);
      }
      case 'offerDeclined':
        if (agent.contact?.offerId !== input.offerId) throw new RequestRefused('offerGone', 'The offer is no longer there.');
        setContact(input.agentId, null);
        return setAgent(input.agentId, { state: 'notReady', reason: 'declined', legId: null });
      case 'agentHangUp':
        if (agent.contact?.offerId !== input.offerId) throw new RequestRefused('offerGone', 'There is no such call.');
        return toWrapUp(input.agentId);
      case 'wrapUp':
        if (agent.contact?.contactId !== input.contactId) throw new RequestRefused('noWrapUp', 'There is nothing to wrap up.');
        return afterContact(input.agentId);
      case 'wrapUpExtended': {
        const { wrapUpEndsAt, wrapUpExtensionMs, stateSince } = agent.view;
        if (wrapUpEndsAt === null) throw new RequestRefused('notInWrapUp', 'There is nothing to wrap up.');
        if (!wrapUpExtensionMs) throw new RequestRefused('extendedEnough', 'It cannot be longer.');
        const endsAt = wrapUpEndsAt + wrapUpExtensionMs;
        const left = Math.max(0, Math.min(WRAP_UP.extensionMs, stateSince + WRAP_UP.mostMs - endsAt));
        return setAgent(input.agentId, { wrapUpEndsAt: endsAt, wrapUpExtensionMs: left });
      }
      case 'agentForced': {
        if (agent.view.state === 'loggedOff') throw new RequestRefused('agentLoggedOff', 'This agent is not on shift.');
        const next = { state: input.to, reason: input.to === 'notReady' ? 'supervisor' : null };
        setAgent(input.agentId, { pending: next });
        if (agent.view.state === 'workingAfterCall') return afterContact(input.agentId);
        return engaged ? undefined : setAgent(input.agentId, { ...next, pending: null });
      }
      default:
        return;
    }
  };

  const submit = async (input: FloorInput): Promise<void> => {
    if (failing) {
      failing = false;
      throw new Error('the database is away');
    }
    if (refusal !== null) {
      const code = refusal;
      refusal = null;
      throw new RequestRefused(code, `Refused: ${code}.`);
    }
    obey(input);
    inputs.push(input);
  };

  return {
    inputs,
    callMeRequests,
    callMeTokens,
    callMeStateOf: (token) => callMe.get(token)?.status.state ?? null,
    moves,
    sessions,
    userNames: [...users.keys()],
    async logIn(userName, password) {
      const user = users.get(userName);
      if (user === undefined || password !== FAKE_PASSWORD) return null;
      const session = `session-${++counter}-${crypto.randomUUID()}`;
      sessions.set(session, user.principal);
      return { principal: user.principal, session, expiresAt: now() + 12 * 3_600_000 };
    },
    async principalOf(session) {
      return sessions.get(session) ?? null;
    },
    async logOut(session) {
      sessions.delete(session);
    },
    submit,
    async forceState(principal, agentId, to) {
      if (principal.role === 'agent') throw new RequestRefused('notAllowed', 'Only supervisors may do this.', 403);
      const agent = agentOf(agentId);
      const from = agent.view.state;
      await submit({ type: 'agentForced', agentId, to, by: principal.agentId });
      const change = { at: now(), agentId, agent: agent.view.name, byId: principal.agentId, by: principal.name, from, to };
      forcedChanges = [{ id: `f-${++counter}`, ...change }, ...forcedChanges];
      for (const listener of listeners) listener(new Set([agentId]), [{ agentId, to }]);
    },
    async forcedChanges() {
      return forcedChanges;
    },
    async agentView(agentId) {
      const agent = agentOf(agentId);
      const mine = waiting.filter((row) => agent.view.desks.some((desk) => desk.id === row.desk?.id));
      const since = mine.filter((row) => row.channel === 'voice').map((row) => row.arrivedAt);
      const longestCallSince = since.length === 0 ? null : Math.min(...since);
      return { agent: { ...agent.view, waitingAtMyDesks: mine.length, longestCallSince }, contact: agent.contact };
    },
    floorView(principal) {
      const { desks } = agentOf(principal.agentId).view;
      if (desks.length === 0) throw new RequestRefused('notAllowed', 'You may see no desk.', 403);
      const seen = new Set(desks.map((desk) => desk.id));
      return {
        type: 'floor',
        serverTime: now(),
        waiting: waiting.filter((row) => row.desk !== null && seen.has(row.desk.id)),
        more,
        agents: [...byId.values()]
          .filter((agent) => agent.view.desks.some((desk) => seen.has(desk.id)))
          .map(({ view, panel, contact }) => ({
            agentId: view.agentId,
            name: view.name,
            desks: view.desks.map((desk) => desk.name),
            state: view.state,
            reason: view.reason,
            stateSince: view.stateSince,
            pending: view.pending?.state ?? null,
            phone: view.phone.kind,
            panel,
            party: contact?.customer.name ?? null,
          })),
      };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async callMe(request) {
      if (!['1000', '2000'].includes(request.entryId)) throw new RequestRefused('noSuchEntry', `There is no entry ${request.entryId}.`);
      callMeRequests.push(request);
      const token = `token-${++counter}-${crypto.randomUUID()}`;
      callMeTokens.push(token);
      const { callAt, language, to, name, question } = request;
      const place = callMeRequests.length;
      const waits = { state: 'waiting', position: place, estimatedWaitMs: place * 120_000 } as const;
      const rests = { state: 'agreed', position: null, estimatedWaitMs: null } as const;
      const status: CallMeStatus = { ...(callAt === null ? waits : rests), callAt, timeZone: 'Asia/Tokyo' };
      const shown = { to: recognisable(to), name: beginningOf(name, 1), question: beginningOf(question, 12) };
      callMe.set(token, {
        status,
        language,
        origin: 'callMe',
        askedAt: now(),
        ...shown,
        desk: OSAKA.name,
        times: [],
      });
      return { token };
    },
    async callMeStatus(token) {
      return callMe.get(token)?.status ?? null;
    },
    async cancelCallMe(token) {
      const status = callMe.get(token)?.status;
      if (status === undefined || ['done', 'notReached', 'cancelled'].includes(status.state)) return false;
      if (status.state === 'connected') throw new RequestRefused('tooLate', 'you are connected already', 409);
      changeStatus(token, { state: 'cancelled' });
      return true;
    },
    async callback(token) {
      const known = callMe.get(token);
      const movable = known !== undefined && ['waiting', 'agreed', 'resting', 'closed'].includes(known.status.state);
      return known === undefined ? null : { ...known, times: movable ? times() : [] };
    },
    async moveCallMe(token, to) {
      const known = callMe.get(token);
      if (known === undefined || ['done', 'notReached', 'cancelled'].includes(known.status.state)) return false;
      if (!['waiting', 'agreed', 'resting', 'closed'].includes(known.status.state))
        throw new RequestRefused('tooLate', 'you are being called just now', 409);
      if (to !== null && !times().includes(to)) throw new RequestRefused('notAllowedThen', 'nobody is called at that time', 409);
      moves.push({ token, to });
      changeStatus(token, to === null ? { state: 'waiting', position: 1 } : { state: 'agreed', callAt: to });
      return true;
    },
    entryWait: (entryId) => (['1000', '2000'].includes(entryId) ? entryWait : null),
    entryTimes: (entryId) => (['1000', '2000'].includes(entryId) ? { timeZone: 'Asia/Tokyo', times: times() } : null),
    health: () => health,
    async metrics() {
      return {
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        text: '# TYPE madoguchi_contacts_waiting gauge\nmadoguchi_contacts_waiting 0\n',
      };
    },
    async messageAudio({ agentId }, contactId) {
      const wav = recordings.get(contactId);
      if (wav === undefined) throw new RequestRefused('noSuchMessage', 'There is no such message, or you may not hear it.', 404);
      if (wav === null) throw new RequestRefused('notStoredYet', 'The recording is still on its way.', 404);
      heard.push({ agentId, contactId });
      return wav;
    },
    async contactEvents(principal, contactId) {
      if (contactId !== 'c-1') throw new RequestRefused('noSuchContact', 'There is no such contact, or you may not see it.', 404);
      return [{ at: now(), name: 'contactArrived', contactId, agentId: principal.agentId }];
    },

    offer(agentId, change = {}) {
      const number = ++counter;
      const contact: ContactView = {
        contactId: `c-${number}`,
        offerId: `o-${number}`,
        channel: 'voice',
        origin: 'call',
        stage: 'shown',
        language: 'ja',
        callingNumber: '+81312345678',
        numberKind: 'valid',
        calledNumber: '+81663456789',
        maker: '株式会社窓口製作所',
        desk: OSAKA,
        rule: 'customer-last-desk',
        why: [
          { en: 'the calling number belongs to customer 10023', ja: '発信者番号からお客様 10023 と判明' },
          { en: 'the desk 大阪サービス窓口 handles this customer', ja: '大阪サービス窓口がこのお客様の担当です' },
        ],
        arrivedAt: now() - 12_000,
        connectedAt: null,
        deadlineAt: now() + 1_000,
        question: null,
        pageUrl: null,
        message: null,
        customer: FAKE_CUSTOMER,
        ...change,
      };
      setContact(agentId, contact);
      setAgent(agentId, { state: 'busy', reason: null, legId: contact.channel === 'message' ? null : `leg-${number}` });
      return contact;
    },
    stage(agentId, stage) {
      const { contact } = agentOf(agentId);
      if (contact === null) throw new Error('no contact to move on');
      if (stage === 'wrapUp') return toWrapUp(agentId);
      setContact(agentId, { ...contact, stage, ...(stage === 'connected' ? { connectedAt: now(), deadlineAt: null } : {}) });
      touch(agentId);
    },
    callerHangsUp(agentId) {
      const { contact } = agentOf(agentId);
      if (contact?.stage === 'connected') return toWrapUp(agentId);
      afterContact(agentId);
    },
    setAgent,
    viewOf(agentId) {
      const { view, contact } = agentOf(agentId);
      return { agent: view, contact };
    },
    setCallMe: changeStatus,
    setCallback(token, change) {
      const known = callMe.get(token);
      if (known) callMe.set(token, { ...known, ...change });
    },
    setEntryWait(wait) {
      entryWait = wait ?? { estimatedWaitMs: 0, because: null, opensAt: null };
    },
    setWaiting(rows, others = 0) {
      more = others;
      waiting = rows.map((row) => ({ estimatedWaitMs: null, ...row }));
      touch();
    },
    refuseNext(code) {
      refusal = code;
    },
    failNext() {
      failing = true;
    },
    setRecording(contactId, wav) {
      recordings.set(contactId, wav);
    },
    heard,
    setHealth(value) {
      health = value;
    },
    touch,
    endSessions() {
      sessions.clear();
    },
  };
}
