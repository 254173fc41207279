/**
 * The panels' sockets: what comes in is checked and given to the floor, what changes goes out as whole views.
 *
 * A panel is `greeting` (connected, no `hello` yet) → `current` (the agent's one panel) → `gone` (closed, or taken over by
 * another panel of the same agent). Only the loss of the current one is told to the floor: a panel that was taken over is
 * not missed. When the house closes, nothing is told either: the panels come back to the next controller by themselves.
 *
 * An agent's inputs are submitted one after another, in the order in which they came, over all of the agent's panels: "close"
 * of an old one and "open" of a new one must not change places on their way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Compile } from 'typebox/compile';
import type { RawData, WebSocket } from 'ws';
import type { AgentId, EpochMs } from '../base/ids.ts';
import type { FloorInput } from '../contact/model.ts';
import { type Principal, RequestRefused, type WebBackend } from './backend.ts';
import { ClientMessage, type ServerMessage } from './messages.ts';

export interface PanelLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface PanelLimits {
  /** A connection that says no hello within this time is closed. */
  readonly helloMs: number;
  /** A ping goes out this often; whoever has not answered by the next one is dead. Found after twice this at the latest. */
  readonly heartbeatMs: number;
  /** Messages per second in the long run, and at once. A busy agent sends about one per second. */
  readonly messagesPerSecond: number;
  readonly burst: number;
  /** Requests of one agent waiting for the floor, at most (the database is away). */
  readonly queued: number;
  readonly floorMs: number;
  /** A socket with more unsent bytes is too slow to be right, and is dropped: it comes back to one fresh view. */
  readonly bufferedBytes: number;
  /** After a failure (view not to be had, loss not to be told): again after this. */
  readonly retryMs: number;
  /** How often it is asked whether a panel's session still lives. */
  readonly sessionMs: number;
}

export const PANEL_LIMITS: PanelLimits = {
  helloMs: 5_000,
  heartbeatMs: 4_000,
  messagesPerSecond: 20,
  burst: 40,
  queued: 100,
  floorMs: 250,
  bufferedBytes: 1 << 20,
  retryMs: 1_000,
  sessionMs: 60_000,
};

/** Close codes; those from 4000 on are ours (RFC 6455 section 7.4.2). */
export const CLOSE = {
  restart: 1012,
  policy: 1008,
  failed: 1011,
  takenOver: 4001,
  loggedOut: 4003,
} as const;

/** The longest message: a note of 4000 characters, each written as \uXXXX. */
export const MAX_MESSAGE_BYTES = 32 * 1024;

const checkClientMessage = Compile(ClientMessage);

interface Panel {
  readonly socket: WebSocket;
  readonly principal: Principal;
  readonly session: string;
  stage: 'greeting' | 'current' | 'gone';
  watching: boolean;
  alive: boolean;
  /** Messages that may still come at once, and when that was so. */
  allowance: number;
  allowanceAt: EpochMs;
  /** Has a contact, as far as the panel was told. */
  engaged: boolean;
  helloTimer: NodeJS.Timeout | null;
}

interface Push {
  /** Something changed while the view was being computed. */
  again: boolean;
}

export interface PanelHub {
  /** Takes an authenticated connection. */
  accept(socket: WebSocket, principal: Principal, session: string): void;
  /** Its session has ended: its panels go to the log-in page. */
  endSession(session: string): void;
  readonly size: number;
  /** Sends everybody away to come back (1012), and waits until they have gone. */
  close(): Promise<void>;
}

type Checked =
  | { readonly ok: true; readonly message: ClientMessage }
  | { readonly ok: false; readonly of: string | null; readonly what: string };

/** Reads one message of a panel. Never throws, whatever it is. */
export function readClientMessage(data: RawData, isBinary: boolean): Checked {
  if (isBinary) return { ok: false, of: null, what: 'Messages are JSON text.' };
  let value: unknown;
  try {
    value = JSON.parse(String(data));
  } catch {
    // Whatever it is, it is not JSON; the sender is told.
    return { ok: false, of: null, what: 'Messages are JSON text.' };
  }
  if (checkClientMessage.Check(value)) return { ok: true, message: value };
  const fields: { id?: unknown; type?: unknown } = typeof value === 'object' && value !== null ? value : {};
  const of = typeof fields.id === 'string' && fields.id.length <= 64 ? fields.id : null;
  const type = typeof fields.type === 'string' && /^[A-Za-z]{1,32}$/u.test(fields.type) ? ` of type ${fields.type}` : '';
  return { ok: false, of, what: `The message${type} does not have the form that is agreed (src/web/messages.ts).` };
}

type Forcing = Extract<ClientMessage, { type: 'forceState' }>;
type OwnRequest = Exclude<ClientMessage, { type: 'forceState' | 'watch' }>;

/** What an agent's request for him- or herself means to the floor. */
function floorInput(agentId: AgentId, message: OwnRequest): FloorInput {
  switch (message.type) {
    case 'hello':
      return { type: 'panelOpened', agentId, holdsCall: message.holdsCall };
    case 'logOn':
      return { type: 'agentLogOn', agentId, phone: message.phone };
    case 'logOff':
      return { type: 'agentLogOff', agentId };
    case 'setReady':
      return { type: 'agentSetReady', agentId };
    case 'setNotReady':
      return { type: 'agentSetNotReady', agentId, reason: message.reason };
    case 'offerShown':
      return { type: 'offerShown', agentId, offerId: message.offerId };
    case 'accept':
      return { type: 'offerAccepted', agentId, offerId: message.offerId };
    case 'decline':
      return { type: 'offerDeclined', agentId, offerId: message.offerId };
    case 'hangUp':
      return { type: 'agentHangUp', agentId, offerId: message.offerId };
    case 'callBack':
      return { type: 'messageCallBack', agentId, contactId: message.contactId };
    case 'wrapUp':
      return { type: 'wrapUp', agentId, contactId: message.contactId, disposition: message.disposition, note: message.note };
    case 'extendWrapUp':
      return { type: 'wrapUpExtended', agentId };
  }
}

export function panelHub(options: {
  readonly backend: WebBackend;
  readonly log: PanelLog;
  readonly limits?: Partial<PanelLimits>;
  readonly now?: () => EpochMs;
}): PanelHub {
  const { backend, log } = options;
  const limits = { ...PANEL_LIMITS, ...options.limits };
  const now = options.now ?? Date.now;

  const panels = new Set<Panel>();
  const current = new Map<AgentId, Panel>();
  const pushes = new Map<string, Push>();
  /** Ends of the agents' lines of inputs. */
  const lines = new Map<AgentId, { length: number; end: Promise<void> }>();
  const timers = new Set<NodeJS.Timeout>();
  const stop = new AbortController();
  let closing = false;
  /** The list will be sent to those who watch it. */
  let floorDue = false;
  let floorAt = Number.NEGATIVE_INFINITY;
  let onEmpty: (() => void) | null = null;

  function later(delayMs: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
    }, delayMs);
    timers.add(timer);
    return timer;
  }

  function cancel(timer: NodeJS.Timeout | null): void {
    if (timer === null) return;
    clearTimeout(timer);
    timers.delete(timer);
  }

  async function rest(): Promise<void> {
    try {
      await sleep(limits.retryMs, undefined, { signal: stop.signal });
    } catch {
      // Closing: whoever rests looks at `closing` next.
    }
  }

  function send(panel: Panel, message: ServerMessage): void {
    if (panel.socket.readyState !== panel.socket.OPEN) return;
    if (panel.socket.bufferedAmount > limits.bufferedBytes) {
      log.warn({ agentId: panel.principal.agentId, bufferedBytes: panel.socket.bufferedAmount }, 'panel is too slow, dropped');
      panel.socket.terminate();
      return;
    }
    panel.socket.send(JSON.stringify(message));
  }

  function refuse(panel: Panel, of: string | null, code: string, message: string): void {
    send(panel, { type: 'refused', of, code, message });
  }

  // ---------------------------------------------------------------- in: an agent's inputs, one after another

  /** Runs when all that was asked for this agent before is done. The action handles its own failures. */
  function inLine(agentId: AgentId, action: () => Promise<void>): void {
    const line = lines.get(agentId) ?? { length: 0, end: Promise.resolve() };
    line.length += 1;
    line.end = line.end.then(action).finally(() => {
      line.length -= 1;
      if (line.length === 0) lines.delete(agentId);
    });
    lines.set(agentId, line);
  }

  /** Whoever asked gets an answer when it was not done. @returns why not: the code of a refusal, or `internal`; null when it was */
  async function attempt(panel: Panel, message: ClientMessage, action: () => Promise<void>): Promise<string | null> {
    try {
      await action();
      return null;
    } catch (error) {
      if (error instanceof RequestRefused) {
        refuse(panel, message.id, error.code, error.message);
        return error.code;
      }
      log.error({ err: error, agentId: panel.principal.agentId, request: message.type }, 'panel request failed');
      refuse(panel, message.id, 'internal', 'This could not be done now. Try again.');
      return 'internal';
    }
  }

  async function submit(panel: Panel, message: OwnRequest): Promise<void> {
    const { agentId } = panel.principal;
    const failure = await attempt(panel, message, () => backend.submit(floorInput(agentId, message)));
    if (message.type !== 'hello') return;
    // An opening that the floor doesn't know of can't stand: the panel comes back and tries again.
    if (failure === 'internal') panel.socket.close(CLOSE.failed, 'not opened');
    else pushState(agentId);
  }

  /** Power over others is not left to a session that has ended since the panel was opened. */
  async function force(panel: Panel, message: Forcing): Promise<void> {
    const { agentId: target, to } = message;
    const failure = await attempt(panel, message, async () => {
      const principal = await backend.principalOf(panel.session);
      if (principal === null) throw new RequestRefused('notLoggedIn', 'Your session has ended. Log in again.', 401);
      await backend.forceState(principal, target, to);
    });
    if (failure === null) return;
    log.warn({ agentId: panel.principal.agentId, target, to, code: failure }, 'forced change of a state was refused');
    if (failure === 'notLoggedIn') await checkSession(panel);
  }

  /** Tells the floor that the agent's panel is lost, until it knows or another panel is there. */
  async function tellLoss(agentId: AgentId): Promise<void> {
    while (!closing && !current.has(agentId)) {
      try {
        return await backend.submit({ type: 'panelClosed', agentId });
      } catch (error) {
        if (error instanceof RequestRefused) return log.warn({ agentId, code: error.code }, 'loss of a panel was refused');
        log.error({ err: error, agentId }, 'loss of a panel could not be told, trying again');
        await rest();
      }
    }
  }

  function onMessage(panel: Panel, data: RawData, isBinary: boolean): void {
    if (closing || panel.stage === 'gone' || panel.socket.readyState !== panel.socket.OPEN) return;
    panel.alive = true;
    if (!spend(panel)) {
      log.warn({ agentId: panel.principal.agentId }, 'panel sends too many messages, closed');
      panel.socket.close(CLOSE.policy, 'too many messages');
      // Who floods does not read the close either.
      later(limits.retryMs, () => panel.socket.terminate());
      return;
    }
    const checked = readClientMessage(data, isBinary);
    if (!checked.ok) return refuse(panel, checked.of, 'malformed', checked.what);
    const { message } = checked;
    const { agentId } = panel.principal;
    if (message.type === 'hello') {
      takeOver(panel);
    } else if (panel.stage === 'greeting') {
      refuse(panel, message.id, 'helloFirst', 'The first message must be hello.');
      panel.socket.close(CLOSE.policy, 'hello expected');
      return;
    }
    if (message.type === 'watch') return watch(panel, message.id, message.on);
    if ((lines.get(agentId)?.length ?? 0) >= limits.queued) {
      return refuse(panel, message.id, 'busy', 'Earlier requests are still under way. Try again in a moment.');
    }
    inLine(agentId, () => (message.type === 'forceState' ? force(panel, message) : submit(panel, message)));
  }

  function spend(panel: Panel): boolean {
    const at = now();
    panel.allowance = Math.min(limits.burst, panel.allowance + (Math.max(0, at - panel.allowanceAt) * limits.messagesPerSecond) / 1000);
    panel.allowanceAt = at;
    panel.allowance -= 1;
    return panel.allowance >= 0;
  }

  /** From now on this is the agent's panel; another one is sent away. */
  function takeOver(panel: Panel): void {
    cancel(panel.helloTimer);
    panel.helloTimer = null;
    const { agentId } = panel.principal;
    const other = current.get(agentId);
    current.set(agentId, panel);
    panel.stage = 'current';
    if (other === undefined || other === panel) return;
    other.stage = 'gone';
    send(other, { type: 'takenOver' });
    other.socket.close(CLOSE.takenOver, 'taken over');
  }

  function onClose(panel: Panel): void {
    panels.delete(panel);
    cancel(panel.helloTimer);
    const { agentId } = panel.principal;
    const wasCurrent = current.get(agentId) === panel;
    panel.stage = 'gone';
    if (wasCurrent) {
      current.delete(agentId);
      if (!closing) inLine(agentId, () => tellLoss(agentId));
    }
    if (panels.size === 0) onEmpty?.();
  }

  // ---------------------------------------------------------------- out: state of each agent, list for those who watch

  /** Makes and sends something for an agent's panel; at most one of a kind at a time, and always one that is newer than the last change. */
  function push(agentId: AgentId, what: string, wanted: (panel: Panel) => boolean, make: () => Promise<ServerMessage>): void {
    const isWanted = (): boolean => {
      const panel = current.get(agentId);
      return !closing && panel !== undefined && wanted(panel);
    };
    const key = `${what} ${agentId}`;
    const running = pushes.get(key);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    if (!isWanted()) return;
    const one: Push = { again: false };
    pushes.set(key, one);
    const run = async (): Promise<void> => {
      do {
        one.again = false;
        try {
          const message = await make();
          const panel = current.get(agentId);
          if (panel !== undefined && isWanted()) send(panel, message);
        } catch (error) {
          if (error instanceof RequestRefused) return log.warn({ agentId, code: error.code }, `${what} was refused`);
          log.error({ err: error, agentId }, `${what} could not be made, trying again`);
          await rest();
          one.again = true;
        }
      } while (one.again && isWanted());
    };
    void run().finally(() => pushes.delete(key));
  }

  function pushState(agentId: AgentId): void {
    push(
      agentId,
      'view of an agent',
      () => true,
      async () => {
        const view = await backend.agentView(agentId);
        const panel = current.get(agentId);
        if (panel !== undefined) panel.engaged = view.contact !== null;
        return { type: 'state', serverTime: now(), ...view };
      },
    );
  }

  function pushForcedChanges(panel: Panel): void {
    const { principal } = panel;
    push(
      principal.agentId,
      'list of forced changes',
      ({ watching }) => watching && principal.role !== 'agent',
      async () => ({ type: 'forcedChanges', changes: [...(await backend.forcedChanges(principal))] }),
    );
  }

  function watch(panel: Panel, of: string, on: boolean): void {
    panel.watching = on;
    if (on) sendFloor(panel, of);
    if (panel.watching) pushForcedChanges(panel);
  }

  function sendFloor(panel: Panel, of: string | null): void {
    try {
      send(panel, backend.floorView(panel.principal));
    } catch (error) {
      panel.watching = false;
      if (error instanceof RequestRefused) return refuse(panel, of, error.code, error.message);
      log.error({ err: error, agentId: panel.principal.agentId }, 'view of the floor could not be made');
      refuse(panel, of, 'internal', 'The list cannot be shown now. Try again.');
    }
  }

  function pushFloor(): void {
    floorDue = false;
    floorAt = now();
    for (const panel of current.values()) if (panel.watching) sendFloor(panel, null);
  }

  const stopListening = backend.onChange((agents, forced) => {
    if (closing) return;
    for (const { agentId, to } of forced) {
      const panel = current.get(agentId);
      if (panel !== undefined) send(panel, { type: 'forced', to });
    }
    for (const agentId of agents) pushState(agentId);
    if (forced.length > 0) for (const panel of current.values()) pushForcedChanges(panel);
    if (floorDue) return;
    floorDue = true;
    later(Math.min(limits.floorMs, Math.max(0, floorAt + limits.floorMs - now())), pushFloor);
  });

  // ---------------------------------------------------------------- who still lives

  const heartbeat = setInterval(() => {
    for (const panel of panels) {
      if (!panel.alive) {
        panel.socket.terminate();
        continue;
      }
      panel.alive = false;
      if (panel.socket.readyState === panel.socket.OPEN) panel.socket.ping();
    }
  }, limits.heartbeatMs);

  async function checkSession(panel: Panel): Promise<void> {
    try {
      // Nobody is cut off while talking because a night's sleep has run out; the next round finds them.
      if (panel.engaged || (await backend.principalOf(panel.session)) !== null) return;
      panel.socket.close(CLOSE.loggedOut, 'session ended');
    } catch (error) {
      log.warn({ err: error, agentId: panel.principal.agentId }, 'session of a panel could not be checked');
    }
  }
  const sessionCheck = setInterval(() => {
    for (const panel of panels) void checkSession(panel);
  }, limits.sessionMs);

  return {
    accept(socket, principal, session) {
      const panel: Panel = {
        socket,
        principal,
        session,
        stage: 'greeting',
        watching: false,
        alive: true,
        allowance: limits.burst,
        allowanceAt: now(),
        engaged: false,
        helloTimer: null,
      };
      panels.add(panel);
      socket.on('message', (data, isBinary) => onMessage(panel, data, isBinary));
      socket.on('pong', () => {
        panel.alive = true;
      });
      socket.on('close', () => onClose(panel));
      // Broken frames, too long messages, resets: `close` always follows, and is where it is dealt with.
      socket.on('error', (error) => log.warn({ err: error, agentId: principal.agentId }, 'panel connection failed'));
      if (closing) return socket.close(CLOSE.restart, 'restarting');
      panel.helloTimer = later(limits.helloMs, () => socket.close(CLOSE.policy, 'hello expected'));
    },
    endSession(session) {
      for (const panel of panels) if (panel.session === session) panel.socket.close(CLOSE.loggedOut, 'logged out');
    },
    get size() {
      return panels.size;
    },
    async close() {
      if (closing) return;
      closing = true;
      stop.abort();
      stopListening();
      clearInterval(heartbeat);
      clearInterval(sessionCheck);
      for (const panel of panels) panel.socket.close(CLOSE.restart, 'restarting');
      if (panels.size > 0) {
        const gone = new Promise<void>((resolve) => {
          onEmpty = resolve;
        });
        // Whoever doesn't answer the close within a second is not there.
        const force = setTimeout(() => {
          for (const panel of panels) panel.socket.terminate();
        }, 1_000);
        await gone;
        clearTimeout(force);
      }
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      // Inputs that were given are waited for: their outcome belongs to the log, not to a process that is gone.
      await Promise.all([...lines.values()].map((line) => line.end));
    },
  };
}
