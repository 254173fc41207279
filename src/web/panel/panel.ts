/**
 * All that the panel knows, as signals, and all that can be done with it. Views read and call; they hold nothing of
 * their own but drafts of a form. The truth is the server's last `state`: nothing here guesses what comes next.
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from '@preact/signals';
import type { AgentView, ContactView, FloorMessage, ForcedChange, ServerMessage } from '../messages.ts';
import { logOut, socketUrl, whoAmI } from './api.ts';
import { createI18n, duration, type I18n } from './i18n.ts';
import { type BrowserPhone, createBrowserPhone } from './phone.ts';
import { askForNotifications, createRinger, notify } from './ring.ts';
import { type ClientRequest, type Link, PanelSocket } from './socket.ts';

export type Session = 'checking' | 'loggedOut' | 'open' | 'takenOver';
export type Tab = 'desk' | 'floor' | 'notices' | 'scenarios' | 'history';

const TAB_PATHS: Readonly<Record<Tab, string>> = {
  desk: '/panel',
  floor: '/supervisor',
  notices: '/supervisor/notices',
  scenarios: '/supervisor/scenarios',
  history: '/supervisor/history',
};
/** `floor` last: the others lie below it. */
const tabAt = (path: string): Tab =>
  (['notices', 'scenarios', 'history', 'floor'] as const).find((tab) => path.startsWith(TAB_PATHS[tab])) ?? 'desk';

export interface Toast {
  readonly id: number;
  readonly text: string;
}

/** One line of "my last contacts": what this panel has seen of a contact. */
export interface SeenContact {
  readonly contactId: string;
  readonly at: number;
  readonly name: string;
  readonly kind: string;
  readonly origin: string;
  readonly desk: string;
  readonly talkedMs: number | null;
  readonly disposition: string | null;
}

/** What the agent has typed for a contact; kept over a reload until the wrap-up is over. */
export interface Draft {
  readonly contactId: string;
  readonly disposition: string;
  readonly note: string;
}

export interface Panel {
  readonly i18n: I18n;
  readonly phone: BrowserPhone;
  readonly session: ReadonlySignal<Session>;
  readonly sessionExpired: ReadonlySignal<boolean>;
  readonly link: ReadonlySignal<Link>;
  readonly agent: ReadonlySignal<AgentView | null>;
  readonly contact: ReadonlySignal<ContactView | null>;
  readonly floor: ReadonlySignal<FloorMessage | null>;
  /** The last changes by supervisors, newest first; null until they are known. */
  readonly forcedChanges: ReadonlySignal<readonly ForcedChange[] | null>;
  readonly tab: ReadonlySignal<Tab>;
  readonly mayWatch: ReadonlySignal<boolean>;
  /** The server's clock, in steps of half a second. */
  readonly now: ReadonlySignal<number>;
  readonly toasts: ReadonlySignal<readonly Toast[]>;
  readonly announcement: ReadonlySignal<string>;
  readonly seen: ReadonlySignal<readonly SeenContact[]>;
  readonly draft: ReadonlySignal<Draft>;
  readonly helpOpen: Signal<boolean>;
  readonly reasonsOpen: Signal<boolean>;
  readonly keypadOpen: Signal<boolean>;
  readonly letterKeys: ReadonlySignal<boolean>;
  setLetterKeys(on: boolean): void;
  loggedIn(): void;
  logOut(): Promise<void>;
  useHere(): void;
  showTab(tab: Tab): void;
  /** Sends, or says in a toast that it can't be sent. */
  request(request: ClientRequest): boolean;
  logOn(phone: 'browser' | 'deskPhone'): Promise<boolean>;
  answer(): void;
  /** Takes a message that is offered. */
  accept(): void;
  decline(): void;
  hangUp(): void;
  /** Calls whoever left the message. */
  callBack(): void;
  /** Plays the message in hand, or pauses it. */
  togglePlay(): void;
  toggleMute(): void;
  setDraft(change: Partial<Omit<Draft, 'contactId'>>): void;
  finishWrapUp(): boolean;
  extendWrapUp(): void;
  toast(text: string): void;
  dropToast(id: number): void;
}

const NO_DRAFT: Draft = { contactId: '', disposition: '', note: '' };
const SEEN_LIMIT = 30;
const TOAST_MS = 8_000;
const LETTER_KEYS = 'madoguchi.letterKeys';
/** When the time for wrap-up runs out, what has been typed is sent this long before. */
const SAVE_BEFORE_END_MS = 2_000;
/** Said aloud this long before the end, once. */
const WARN_BEFORE_END_MS = 15_000;

/** The name to show; a party without one is "not known". */
export function contactName(contact: ContactView, i18n: I18n): string {
  return contact.customer.name.trim() === '' ? i18n.t('contact.nameUnknown') : contact.customer.name;
}

/** What the browser's tab and a notification show of an offer. */
const titleOf = ({ channel }: ContactView) => (channel === 'message' ? 'title.message' : 'title.offer');

/** `Ready → Not ready`, and whether that waits for the end of a contact. */
export function forcedChangeText({ from, to }: ForcedChange, i18n: I18n): string {
  return i18n.t(from === 'busy' ? 'audit.after' : 'audit.change', { from: i18n.word('state', from), to: i18n.word('state', to) });
}

function readStored<T>(key: string, check: (value: unknown) => value is T, fallback: T): T {
  const text = sessionStorage.getItem(key);
  if (text === null) return fallback;
  try {
    const value: unknown = JSON.parse(text);
    return check(value) ? value : fallback;
  } catch {
    // Written by an older version of this page: worth nothing.
    return fallback;
  }
}

const isDraft = (value: unknown): value is Draft =>
  typeof value === 'object' && value !== null && 'contactId' in value && 'disposition' in value && 'note' in value;
const isSeenList = (value: unknown): value is SeenContact[] => Array.isArray(value);

export function createPanel(audio: HTMLAudioElement): Panel {
  const i18n = createI18n(document.documentElement, localStorage, navigator.languages);
  const { t } = i18n;
  const ringer = createRinger();

  const session = signal<Session>('checking');
  const sessionExpired = signal(false);
  const link = signal<Link>('connecting');
  const phone = createBrowserPhone(audio, () => link.peek() === 'open');
  const agent = signal<AgentView | null>(null);
  const contact = signal<ContactView | null>(null);
  const floor = signal<FloorMessage | null>(null);
  const forcedChanges = signal<readonly ForcedChange[] | null>(null);
  const tab = signal<Tab>(tabAt(location.pathname));
  const offsetMs = signal(0);
  const now = signal(Date.now());
  const toasts = signal<readonly Toast[]>([]);
  const announcement = signal('');
  const seen = signal<readonly SeenContact[]>([]);
  const draft = signal<Draft>(readStored('madoguchi.draft', isDraft, NO_DRAFT));
  const helpOpen = signal(false);
  const reasonsOpen = signal(false);
  const keypadOpen = signal(false);
  const letterKeys = signal(localStorage.getItem(LETTER_KEYS) !== 'off');
  const mayWatch = computed(() => agent.value !== null && agent.value.role !== 'agent');

  let toastId = 0;
  let shownOffer = '';
  let savedWrapUp = '';
  let warnedOf = 0;
  let takeBackNotification = (): void => undefined;

  const dropToast = (id: number): void => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  };
  const toast = (text: string): void => {
    toastId += 1;
    const id = toastId;
    toasts.value = [...toasts.value.filter((one) => one.text !== text), { id, text }].slice(-3);
    setTimeout(() => dropToast(id), TOAST_MS);
  };

  const remember = (change: Partial<SeenContact> & { contactId: string }): void => {
    const old = seen.value.find((one) => one.contactId === change.contactId);
    if (old === undefined) return;
    seen.value = seen.value.map((one) => (one === old ? { ...old, ...change } : one));
    if (agent.value !== null) sessionStorage.setItem(`madoguchi.seen.${agent.value.agentId}`, JSON.stringify(seen.value));
  };

  /** Compares what was with what is: says aloud what a glance at the screen would tell, and keeps the list of contacts. */
  const onContactChange = (before: ContactView | null, after: ContactView | null): void => {
    const isOffer = (view: ContactView | null): boolean => view !== null && ['dialling', 'shown', 'ringing'].includes(view.stage);
    const isNew = after !== null && after.contactId !== before?.contactId;
    if (after !== null && isOffer(after) && (isNew || after.offerId !== before?.offerId)) {
      const who = contactName(after, i18n);
      const kind = i18n.word('kind', after.customer.kind);
      const said = after.channel === 'message' ? 'announce.message' : 'announce.offer';
      announcement.value = t(said, { who, kind, desk: after.desk.name, duration: duration(after.message?.durationMs ?? 0) });
      if (after.channel === 'message') ringer.chime();
      takeBackNotification();
      takeBackNotification = notify(t(titleOf(after), { who }), `${kind} · ${after.desk.name}`);
      keypadOpen.value = false;
      reasonsOpen.value = false;
      showTab('desk');
    }
    if (!isOffer(after)) takeBackNotification();
    if (after?.stage === 'connected' && before?.stage !== 'connected')
      announcement.value = t(after.channel === 'message' ? 'announce.accepted' : 'announce.connected', { who: contactName(after, i18n) });
    if (after?.stage === 'wrapUp' && before?.stage !== 'wrapUp') {
      announcement.value = t(after.channel === 'message' ? 'announce.messageDone' : 'announce.wrapUp');
      keypadOpen.value = false;
    }
    if (after === null && isOffer(before)) announcement.value = t('announce.gone');

    if (after !== null && after.connectedAt !== null) {
      if (!seen.value.some((one) => one.contactId === after.contactId)) {
        const line: SeenContact = {
          contactId: after.contactId,
          at: after.connectedAt,
          name: contactName(after, i18n),
          kind: after.customer.kind,
          origin: after.origin,
          desk: after.desk.name,
          talkedMs: null,
          disposition: null,
        };
        seen.value = [line, ...seen.value].slice(0, SEEN_LIMIT);
        remember(line);
      }
      if (after.stage === 'wrapUp' && before?.stage !== 'wrapUp') {
        const endedAt = agent.value?.state === 'workingAfterCall' ? agent.value.stateSince : now.peek();
        remember({ contactId: after.contactId, talkedMs: endedAt - after.connectedAt });
      }
    }
    if (after !== null && draft.value.contactId !== after.contactId) setDraftWhole({ ...NO_DRAFT, contactId: after.contactId });
    if (after === null && draft.value.contactId !== '') setDraftWhole(NO_DRAFT);
  };

  const onMessage = (message: ServerMessage): void => {
    switch (message.type) {
      case 'state': {
        const before = contact.value;
        const stateBefore = agent.value?.state;
        if (agent.value?.agentId !== message.agent.agentId) {
          seen.value = readStored(`madoguchi.seen.${message.agent.agentId}`, isSeenList, []);
        }
        batch(() => {
          offsetMs.value = message.serverTime - Date.now();
          now.value = message.serverTime;
          agent.value = message.agent;
          contact.value = message.contact;
          onContactChange(before, message.contact);
          if (stateBefore !== message.agent.state) {
            if (message.agent.state === 'ready') announcement.value = t('announce.ready');
            if (message.agent.state === 'notReady' && stateBefore !== 'loggedOff') announcement.value = t('announce.notReady');
            reasonsOpen.value = false;
          }
        });
        phone.follow(message.agent, message.contact);
        return;
      }
      case 'floor':
        batch(() => {
          offsetMs.value = message.serverTime - Date.now();
          floor.value = message;
        });
        return;
      case 'forcedChanges': {
        const newest = message.changes[0];
        // The outcome of what this supervisor did; what others do is in the list.
        if (newest !== undefined && newest.byId === agent.value?.agentId && forcedChanges.value?.every(({ id }) => id !== newest.id)) {
          announcement.value = t('announce.forced', { name: newest.agent, change: forcedChangeText(newest, i18n) });
        }
        forcedChanges.value = message.changes;
        return;
      }
      case 'forced': {
        const { state } = agent.value ?? {};
        toast(state === 'busy' ? t('forced.pending', { state: t(`pending.${message.to}`) }) : t(`forced.${message.to}`));
        return;
      }
      case 'refused': {
        const known = i18n.word('refused', message.code);
        toast(known === message.code ? t('refused.generic', { message: message.message }) : known);
        return;
      }
      case 'takenOver':
        socket.close();
        phone.retire();
        session.value = 'takenOver';
        forget();
        return;
      default:
        message satisfies never;
    }
  };

  const forget = (): void => {
    batch(() => {
      agent.value = null;
      contact.value = null;
      floor.value = null;
      forcedChanges.value = null;
    });
    shownOffer = '';
    ringer.stop();
  };

  const socket = new PanelSocket({
    url: socketUrl(location),
    holdsCall: () => phone.holdsCall(agent.value?.legId ?? null),
    onMessage,
    onLink(next) {
      link.value = next;
      // The server may not have got the confirmation before the line went: it is given again with the next state.
      if (next !== 'open') shownOffer = '';
    },
    onLoggedOut() {
      sessionExpired.value = true;
      phone.retire();
      forget();
      session.value = 'loggedOut';
    },
    checkSession: whoAmI,
  });

  const request = (wanted: ClientRequest): boolean => {
    if (socket.send(wanted) !== null) return true;
    toast(t('refused.notConnected'));
    return false;
  };

  const openPanel = (): void => {
    sessionExpired.value = false;
    session.value = 'open';
    socket.open();
  };

  const showTab = (next: Tab): void => {
    if (tab.value === next) return;
    tab.value = next;
    history.pushState(null, '', TAB_PATHS[next]);
  };

  const setDraftWhole = (next: Draft): void => {
    draft.value = next;
    if (next.contactId === '') sessionStorage.removeItem('madoguchi.draft');
    else sessionStorage.setItem('madoguchi.draft', JSON.stringify(next));
  };

  const sendWrapUp = (disposition: string): boolean => {
    const view = contact.peek();
    if (view === null || view.stage !== 'wrapUp') return false;
    const sent = request({ type: 'wrapUp', contactId: view.contactId, disposition, note: draft.peek().note.slice(0, 4000) });
    if (sent) remember({ contactId: view.contactId, disposition });
    return sent;
  };

  // ------------------------------------------------------------ what follows from the state by itself

  // The phone rings only after the customer is on screen: tell the server once the paint is through (two frames: the first
  // callback runs before the paint that shows it). A hidden tab gets no frames, so there it is told at once.
  effect(() => {
    const view = contact.value;
    if (link.value !== 'open' || view === null || view.stage !== 'shown' || view.offerId === null || view.offerId === shownOffer) return;
    const { offerId } = view;
    shownOffer = offerId;
    const confirm = (): void => {
      const shown = contact.peek();
      if (shown?.offerId === offerId && shown.stage === 'shown') socket.send({ type: 'offerShown', offerId });
    };
    if (document.visibilityState === 'hidden') confirm();
    else {
      // A tab that is hidden in between would wait for its frames: whichever comes first counts.
      let done = false;
      const once = (): void => {
        if (done) return;
        done = true;
        confirm();
      };
      requestAnimationFrame(() => requestAnimationFrame(once));
      setTimeout(once, 300);
    }
  });

  effect(() => {
    const view = contact.value;
    const ringing = view?.stage === 'ringing' && agent.value?.phone.kind === 'browser' && phone.call.value?.state !== 'answering';
    if (ringing) ringer.start();
    else ringer.stop();
  });

  effect(() => {
    const view = contact.value;
    const isOffer = view !== null && ['dialling', 'shown', 'ringing'].includes(view.stage);
    const base = t('app.name');
    if (view !== null && isOffer) document.title = t(titleOf(view), { who: contactName(view, i18n) });
    else document.title = agent.value === null ? base : `${i18n.word('state', agent.value.state)} · ${base}`;
  });

  // The live list is asked for while it is on screen, and again after each reconnection.
  effect(() => {
    const wanted = tab.value === 'floor' && mayWatch.value;
    if (link.value === 'open' && mayWatch.value) socket.send({ type: 'watch', on: wanted });
  });

  // What was typed is not lost when the time for wrap-up runs out.
  effect(() => {
    const endsAt = agent.value?.wrapUpEndsAt ?? null;
    const view = contact.value;
    if (endsAt === null || view?.stage !== 'wrapUp' || savedWrapUp === view.contactId) return;
    if (now.value < endsAt - SAVE_BEFORE_END_MS) return;
    const { disposition, note } = draft.peek();
    if (disposition === '' && note.trim() === '') return;
    savedWrapUp = view.contactId;
    untracked(() => sendWrapUp(disposition === '' ? 'other' : disposition));
  });

  effect(() => {
    const endsAt = agent.value?.wrapUpEndsAt ?? null;
    if (endsAt === null || warnedOf === endsAt || now.value < endsAt - WARN_BEFORE_END_MS) return;
    warnedOf = endsAt;
    announcement.value = t('announce.wrapUpSoon', { seconds: Math.max(0, Math.ceil((endsAt - now.value) / 1000)) });
  });

  setInterval(() => {
    now.value = Date.now() + offsetMs.value;
  }, 500);
  window.addEventListener('popstate', () => {
    tab.value = tabAt(location.pathname);
  });
  // Browsers keep sound back until the first click or key; after a reload that may be any.
  const unlockOnce = (): void => ringer.unlock();
  window.addEventListener('pointerdown', unlockOnce, { once: true });
  window.addEventListener('keydown', unlockOnce, { once: true });

  // The session may be there already (a reload, a second tab). A centre that is away: the socket keeps trying.
  void whoAmI().then((who) => {
    if (who === 'loggedOut') session.value = 'loggedOut';
    else openPanel();
  });

  return {
    i18n,
    phone,
    session,
    sessionExpired,
    link,
    agent,
    contact,
    floor,
    forcedChanges,
    tab,
    mayWatch,
    now,
    toasts,
    announcement,
    seen,
    draft,
    helpOpen,
    reasonsOpen,
    keypadOpen,
    letterKeys,
    setLetterKeys(on) {
      letterKeys.value = on;
      localStorage.setItem(LETTER_KEYS, on ? 'on' : 'off');
    },
    loggedIn: openPanel,
    async logOut() {
      const id = agent.value?.agentId;
      socket.close();
      phone.retire();
      // Names of callers do not stay behind for the next one at this computer.
      if (id !== undefined) sessionStorage.removeItem(`madoguchi.seen.${id}`);
      setDraftWhole(NO_DRAFT);
      forget();
      await logOut();
      session.value = 'loggedOut';
    },
    useHere: openPanel,
    showTab,
    request,
    async logOn(kind) {
      ringer.unlock();
      if (kind === 'browser' && !(await phone.checkMicrophone())) return false;
      askForNotifications();
      return request({ type: 'logOn', phone: kind });
    },
    answer() {
      if (agent.value?.phone.kind !== 'browser') return;
      const offerId = contact.value?.offerId ?? null;
      phone.answer(offerId);
      // Normally the call is here already, or a moment later. Whoever pressed and hears nothing should know why.
      setTimeout(() => {
        if (phone.call.value === null && contact.value?.stage === 'ringing' && contact.value.offerId === offerId)
          toast(t('refused.noPhone'));
      }, 1_000);
    },
    accept() {
      const view = contact.value;
      if (view?.channel !== 'message' || view.offerId === null) return;
      ringer.unlock();
      request({ type: 'accept', offerId: view.offerId });
    },
    decline() {
      const offerId = contact.value?.offerId;
      if (offerId == null) return;
      // Without a line to the server the phone itself can still say no: the switch tells the server.
      if (socket.send({ type: 'decline', offerId }) === null) {
        if (phone.call.value === null) toast(t('refused.notConnected'));
        else phone.hangUp();
      }
    },
    hangUp() {
      const offerId = contact.value?.offerId;
      if (offerId == null) return;
      if (socket.send({ type: 'hangUp', offerId }) === null) {
        if (phone.call.value === null) toast(t('refused.notConnected'));
        else phone.hangUp();
      }
    },
    callBack() {
      const view = contact.value;
      if (view?.channel === 'message' && view.callingNumber !== null) request({ type: 'callBack', contactId: view.contactId });
    },
    togglePlay() {
      const player = document.querySelector<HTMLAudioElement>('audio.voicemail[data-main=true]');
      if (player === null) return;
      if (!player.paused) return player.pause();
      // What keeps it from playing, the player's own error event tells.
      player.play().catch(() => undefined);
    },
    toggleMute() {
      const call = phone.call.value;
      if (call?.state === 'up') phone.setMuted(!call.muted);
    },
    setDraft(change) {
      setDraftWhole({ ...draft.value, ...change });
    },
    finishWrapUp() {
      const { disposition } = draft.value;
      return disposition !== '' && sendWrapUp(disposition);
    },
    extendWrapUp() {
      if (agent.value?.state !== 'workingAfterCall' || agent.value.wrapUpExtensionMs === null) return;
      if (agent.value.wrapUpExtensionMs === 0) toast(t('wrapUp.noMore'));
      else request({ type: 'extendWrapUp' });
    },
    toast,
    dropToast,
  };
}
