/**
 * Callers, visitors of a web page, and agents with their phones and panels. They know nothing of nodes: callers hear the switch,
 * panels speak with whoever decides at present. Nobody waits for somebody else's process: who gets no answer tries again, as
 * people do.
 */
import { browserEndpoint } from '#src/base/endpoint.ts';
import type { FloorInput } from '#src/contact/model.ts';
import type { MemorySwitch, SeenLeg } from '#src/cti/memory/switch.ts';
import type { Address, LegCause, SwitchEvent } from '#src/cti/port.ts';
import type { Random } from '../simulation/random.ts';
import type { View } from './messages.ts';
import type { Recorder } from './record.ts';
import { AGENTS, DOMAIN } from './world.ts';

export interface PeopleParts {
  readonly switch: () => MemorySwitch;
  readonly recorder: Recorder;
  readonly random: Random;
  /** Mean, calls and callbacks together. */
  readonly arrivalsPerSecond: number;
  /** Given to whoever decides at present. Rejects when that one refuses, or does not answer. */
  readonly ask: (input: FloorInput) => Promise<void>;
}

/** No more arrive while so many are there: an outage is not to end in a queue that no eight agents can serve. */
const MOST_PARTIES = 16;
const ANSWERED_AT_THE_LATEST_MS = 120_000;
const PATIENCE_MS = 60_000;
const PANEL_EVERY_MS = 100;
const ASK_AGAIN_MS = 1_000;

interface Party {
  readonly timers: NodeJS.Timeout[];
  hasMusic: boolean;
}

interface Robot {
  readonly agentId: string;
  readonly endpoint: string;
  view: View | null;
  panelOpen: boolean;
  /** What it is about to do, and when; a situation that lasts is acted on again. */
  about: string | null;
  dueAt: number;
}

export class People {
  readonly #parts: PeopleParts;
  readonly #parties = new Map<string, Party>();
  readonly #probes = new Map<string, () => void>();
  readonly #robots: readonly Robot[];
  #arrivals: NodeJS.Timeout | null = null;
  #tokens = 0;
  #calls = 0;
  #going = false;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#robots = AGENTS.map((agentId) => ({
      agentId,
      endpoint: browserEndpoint(DOMAIN, agentId),
      view: null,
      panelOpen: false,
      about: null,
      dueAt: 0,
    }));
    setInterval(() => this.#actAll(), PANEL_EVERY_MS);
  }

  // ── the load ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  begin(): void {
    this.#going = true;
    this.#nextArrival();
  }

  /** Nobody arrives any more, and no agent takes a break: what is there is served to the end. */
  stop(): void {
    this.#going = false;
    if (this.#arrivals) clearTimeout(this.#arrivals);
  }

  /** Resolves when a call that arrives now was answered: somebody decides, and commits. */
  async probe(): Promise<void> {
    const leg = this.#call(`+81312345${String(this.#calls % 1_000).padStart(3, '0')}0`);
    await new Promise<void>((resolve) => this.#probes.set(leg, resolve));
  }

  #nextArrival(): void {
    const { random, arrivalsPerSecond } = this.#parts;
    this.#arrivals = setTimeout(
      () => {
        if (!this.#going) return;
        if (this.#switch.seeAll().filter(isParty).length < MOST_PARTIES) {
          if (random.chance(0.2)) this.#callMe();
          else this.#call(random.chance(0.08) ? null : this.#number());
        }
        this.#nextArrival();
      },
      random.exponentialMs(1_000 / arrivalsPerSecond),
    );
  }

  /** The last digit says who it is, see `node-process.ts`. */
  #number(): string {
    return `+8131234${String(Math.floor(this.#parts.random.next() * 100_000)).padStart(5, '0')}`;
  }

  #call(callingNumber: string | null): string {
    this.#calls += 1;
    const presentation = callingNumber === null ? 'restricted' : 'allowed';
    const leg = this.#switch.arrive({ callingNumber, presentation, calledNumber: '1000' });
    this.#parts.recorder.note({ what: 'arrived', leg });
    this.#later(leg, ANSWERED_AT_THE_LATEST_MS, () => this.#parties.get(leg) === undefined && this.#switch.hangUpByParty(leg));
    return leg;
  }

  #callMe(): void {
    const token = `visitor-${++this.#tokens}`;
    const number = this.#number();
    const callMe = { to: { kind: 'number', number }, name: 'Visitor', question: '', pageUrl: '/', token } as const;
    const calling = { kind: 'valid', e164: number, country: 'JP' } as const;
    this.#parts.ask({ type: 'callMeRequested', entryId: 'ja', language: 'ja', callMe, number: calling }).then(
      () => this.#parts.recorder.note({ what: 'callMe', token, acknowledged: true }),
      () => this.#parts.recorder.note({ what: 'callMe', token, acknowledged: false }),
    );
  }

  // ── at the telephone ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What becomes of a leg that is dialled. */
  onDial(to: Address): 'ring' | 'silent' | LegCause {
    const luck = this.#parts.random.next();
    if (to.kind === 'endpoint') return luck < 0.02 ? 'rejected' : 'ring';
    return luck < 0.1 ? 'busy' : luck < 0.14 ? 'unreachable' : luck < 0.17 ? 'silent' : 'ring';
  }

  onEvent(event: SwitchEvent): void {
    const { random } = this.#parts;
    if (event.type === 'legRinging' && random.chance(0.94)) {
      this.#later(event.leg, 100 + random.next() * 400, () => this.#switch.answerLeg(event.leg));
    } else if (event.type === 'legAnswered') {
      const leg = this.#switch.see(event.leg);
      if (leg && isParty(leg)) this.#isAnswered(event.leg);
    } else if (event.type === 'legEnded') {
      for (const timer of this.#parties.get(event.leg)?.timers ?? []) clearTimeout(timer);
      this.#parties.delete(event.leg);
      this.#probes.delete(event.leg);
    }
  }

  /** An order was carried out, and whom it concerns notices. */
  onOrder(method: string, args: readonly unknown[]): void {
    if (method === 'answer') this.#isAnswered(args[0] as string);
    if (method === 'startMusic') {
      const party = this.#parties.get(args[0] as string);
      if (party) party.hasMusic = true;
    }
    if (method === 'join') this.#talk(args[0] as string, args[1] as readonly string[]);
  }

  #isAnswered(leg: string): void {
    if (this.#parties.has(leg)) return;
    this.#parties.set(leg, { timers: [], hasMusic: false });
    const { random } = this.#parts;
    const patienceMs = random.chance(0.15) ? 300 + random.next() * 4_000 : PATIENCE_MS;
    this.#partyLater(leg, patienceMs, () => this.#switch.hangUpByParty(leg));
    this.#partyLater(leg, 1_200, () => this.#dialCode(leg));
    this.#probes.get(leg)?.();
    this.#probes.delete(leg);
  }

  /** Who still has no music is in the dialogue, which wants four digits. */
  #dialCode(leg: string): void {
    if (this.#parties.get(leg)?.hasMusic !== false) return;
    if (this.#parts.random.chance(0.1)) return this.#switch.hangUpByParty(leg);
    this.#switch.digits(leg, '1234#');
    this.#partyLater(leg, 1_500, () => this.#dialCode(leg));
  }

  /** Two are put together, for the first time or once more: they talk a while, and one of them ends it. */
  #talk(bridge: string, legs: readonly string[]): void {
    const { random } = this.#parts;
    const party = legs.find((leg) => this.#parties.has(leg));
    const phone = legs.find((leg) => leg !== party);
    if (party === undefined || phone === undefined) return;
    const talked = this.#parties.get(party);
    for (const timer of talked?.timers.splice(0) ?? []) clearTimeout(timer);
    const talkMs = 300 + random.next() * 1_200;
    const luck = random.next();
    if (luck < 0.5) this.#partyLater(party, talkMs, () => this.#switch.hangUpByParty(party));
    else if (luck < 0.75) this.#partyLater(party, talkMs, () => this.#switch.hangUpByParty(phone));
    else {
      const to = this.#switch.see(phone)?.to;
      const agentId = this.#robots.find(({ endpoint }) => to?.kind === 'endpoint' && to.endpoint === endpoint)?.agentId ?? '';
      const offerId = bridge.slice(0, -'.b'.length);
      this.#partyLater(party, talkMs, () => this.#give({ type: 'agentHangUp', agentId, offerId }));
      this.#partyLater(party, talkMs + 3_000, () => this.#switch.hangUpByParty(phone)); // the panel did not help
    }
    this.#partyLater(party, PATIENCE_MS, () => this.#switch.hangUpByParty(party)); // should the agent's phone vanish
  }

  // ── at the panels ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Another node decides from now on: every panel shows itself to it. */
  onOwner(): void {
    for (const robot of this.#robots) Object.assign(robot, { view: null, panelOpen: false, about: null });
  }

  onViews(views: readonly View[]): void {
    for (const view of views) {
      const robot = this.#robots.find(({ agentId }) => agentId === view.agentId);
      if (robot) robot.view = view;
    }
    this.#actAll();
  }

  #actAll(): void {
    for (const robot of this.#robots) this.#act(robot);
  }

  #act(robot: Robot): void {
    const situation = this.#situation(robot);
    const now = Date.now();
    if (robot.about !== (situation?.about ?? null)) {
      robot.about = situation?.about ?? null;
      robot.dueAt = now + (situation?.afterMs() ?? 0);
    }
    if (!situation || now < robot.dueAt) return;
    robot.dueAt = now + ASK_AGAIN_MS;
    this.#give(situation.input);
  }

  /** What an agent does about what the panel shows, and after how long. */
  #situation(robot: Robot): { readonly about: string; readonly afterMs: () => number; readonly input: FloorInput } | null {
    const { random } = this.#parts;
    const { agentId, view } = robot;
    if (view?.panel !== 'open') {
      const holdsCall = this.#switch.seeAll().some((leg) => leg.to?.kind === 'endpoint' && leg.to.endpoint === robot.endpoint);
      return { about: 'open', afterMs: () => random.next() * 300, input: { type: 'panelOpened', agentId, holdsCall } };
    }
    switch (view.state) {
      case 'loggedOff':
        return { about: 'logOn', afterMs: () => random.next() * 2_000, input: { type: 'agentLogOn', agentId, phone: 'browser' } };
      case 'notReady':
        return { about: 'ready', afterMs: () => 200 + random.next() * 1_000, input: { type: 'agentSetReady', agentId } };
      case 'ready': {
        if (!this.#going) return null;
        const input: FloorInput = random.chance(0.3)
          ? { type: 'agentLogOff', agentId }
          : { type: 'agentSetNotReady', agentId, reason: 'break' };
        return { about: 'break', afterMs: () => random.exponentialMs(20_000), input };
      }
      case 'busy': {
        if (view.offerState !== 'shown' || view.offerId === null) return null;
        const luck = random.next();
        const type = luck < 0.03 ? 'offerDeclined' : 'offerShown';
        // Some panels are slow: the phone rings all the same.
        const afterMs = (): number => (luck > 0.9 ? 5_000 : 20 + random.next() * 80);
        return { about: `offer ${view.offerId}`, afterMs, input: { type, agentId, offerId: view.offerId } };
      }
      case 'workingAfterCall': {
        const contactId = view.wrapUpContactId ?? '';
        const input: FloorInput = { type: 'wrapUp', agentId, contactId, disposition: 'done', note: '' };
        return { about: `wrapUp ${contactId}`, afterMs: () => (random.chance(0.1) ? 5_000 : 100 + random.next() * 300), input };
      }
      default:
        return null;
    }
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #switch(): MemorySwitch {
    return this.#parts.switch();
  }

  /** What is refused, or gets no answer, is tried again while the panel still shows cause for it. */
  #give(input: FloorInput): void {
    this.#parts.ask(input).catch(() => undefined);
  }

  #later(leg: string, ms: number, what: () => void): void {
    setTimeout(() => {
      if (this.#switch.see(leg)) what();
    }, ms);
  }

  /** Forgotten when the party's leg ends. */
  #partyLater(leg: string, ms: number, what: () => void): void {
    this.#parties.get(leg)?.timers.push(setTimeout(what, ms));
  }
}

export const isParty = (leg: SeenLeg): boolean => leg.direction === 'in' || leg.to?.kind === 'number';
