/**
 * A switch in memory, for tests of what stands on the port: the same behaviour as a real one by `test/contract/switch.ts`, at
 * once and without audio. The methods under "the other side" are what callers, phones and faults do.
 *
 * Events are told in microtasks, never inside an order, as a real switch's come later than the call that caused them.
 */
import type { BridgeId, LegId, PlayId, RecordingId } from '../../base/ids.ts';
import { pcmWav, WAV_HEADER_BYTES, wavMs } from '../../base/wav.ts';
import {
  type Address,
  type Arrival,
  type Endpoint,
  type HangUpReason,
  type LegCause,
  type LiveLeg,
  type OriginateOrder,
  type RecordOrder,
  SwitchError,
  type SwitchEvent,
  type SwitchPort,
  type SwitchSnapshot,
} from '../port.ts';

interface MemoryLeg {
  readonly leg: LegId;
  readonly direction: 'in' | 'out';
  readonly arrival: Arrival | null;
  readonly to: Address | null;
  state: LiveLeg['state'];
  music: boolean;
  bridge: BridgeId | null;
  heldFrom: BridgeId | null;
  /** In the order in which they are heard. */
  readonly plays: { readonly play: PlayId; readonly media: readonly string[] }[];
  timers: { dial: NodeJS.Timeout | null; lease: NodeJS.Timeout | null };
}

const NOTHING = pcmWav(Buffer.alloc(0));

interface MemoryRecording {
  readonly leg: LegId;
  readonly order: RecordOrder;
  /** Null: dropped. */
  wav: Buffer | null;
  isLive: boolean;
  /** Whoever listens now was told, or will be. */
  followed: boolean;
  timers: { longest: NodeJS.Timeout | null; silence: NodeJS.Timeout | null };
}

export interface MemorySwitchOptions {
  /** How long a medium plays; null (the default for all): until `finishPlay` or `stopPlay`. */
  readonly mediumMs?: (medium: string) => number | null;
  /** Says what becomes of an outgoing leg when it is dialled: `ring` (the default) rings and waits for `answerLeg`. */
  readonly onDial?: (to: Address) => 'ring' | 'silent' | 'answer' | LegCause;
}

/** What a test may look at, of one leg. */
export interface SeenLeg {
  readonly leg: LegId;
  readonly direction: 'in' | 'out';
  readonly state: LiveLeg['state'];
  readonly to: Address | null;
  readonly music: boolean;
  readonly bridge: BridgeId | null;
  readonly plays: readonly { readonly play: PlayId; readonly media: readonly string[] }[];
}

export class MemorySwitch implements SwitchPort {
  readonly name = 'memory';
  readonly #options: MemorySwitchOptions;
  readonly #legs = new Map<LegId, MemoryLeg>();
  readonly #known = new Set<LegId>();
  readonly #bridges = new Set<BridgeId>();
  readonly #recordings = new Map<RecordingId, MemoryRecording>();
  readonly #finishedPlays = new Set<PlayId>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #registered = new Set<string>();
  /** What this listener believes to live: for `switchLost`, as a real adapter tells it. */
  readonly #told = new Set<LegId>();
  #startedAt = Date.now();
  #restarted = false;
  #listener: ((event: SwitchEvent) => void) | null = null;
  #connected = false;
  #closed = false;
  #lastIncoming = 0;

  constructor(options: MemorySwitchOptions = {}) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
  }

  async connect(listener: (event: SwitchEvent) => void): Promise<void> {
    if (this.#listener !== null) throw new SwitchError('refused', 'already connected or connecting');
    this.#closed = false;
    this.#listener = listener;
    for (const recording of this.#recordings.values()) recording.followed = recording.isLive;
    this.restoreConnection();
    await tick();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    this.#listener = null;
    this.#told.clear();
  }

  // ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async answer(leg: LegId): Promise<void> {
    this.#live(leg).state = 'up';
  }

  async hangUp(leg: LegId, reason: HangUpReason): Promise<void> {
    const found = this.#live(leg);
    const refused = reason === 'normal' ? 'normalClearing' : reason;
    this.#end(leg, found.state === 'up' ? 'normalClearing' : found.direction === 'out' ? 'cancelled' : refused);
  }

  async originate(order: OriginateOrder): Promise<void> {
    this.#checkConnected();
    const { leg, to } = order;
    if (this.#known.has(leg)) return;
    this.#known.add(leg);
    const made = newLeg(leg, 'out', null, to, 'dialling');
    this.#legs.set(leg, made);
    this.#told.add(leg);
    await tick();
    const unreachable = to.kind === 'endpoint' && !this.#registered.has(to.endpoint);
    const fate = unreachable ? 'unreachable' : (this.#options.onDial?.(to) ?? 'ring');
    if (this.#legs.get(leg) !== made) return; // hung up meanwhile
    if (fate !== 'ring' && fate !== 'silent' && fate !== 'answer') {
      this.#end(leg, fate);
      return;
    }
    made.timers.dial = setTimeout(() => this.#end(leg, made.state === 'ringing' ? 'noAnswer' : 'unreachable'), order.timeoutMs);
    if (fate === 'silent') return;
    made.state = 'ringing';
    this.#tell({ type: 'legRinging', leg });
    if (fate === 'answer') this.answerLeg(leg);
  }

  async play(leg: LegId, play: PlayId, media: readonly string[]): Promise<void> {
    const found = this.#live(leg);
    if (this.#finishedPlays.has(play) || found.plays.some((other) => other.play === play)) return;
    if (media.length === 0 || !media.every((item) => item.startsWith('/') || item.startsWith('tone:'))) {
      throw new SwitchError('refused', 'media must be absolute paths, or tone:NAME');
    }
    found.plays.push({ play, media });
    const lengths = media.map((medium) => this.#options.mediumMs?.(medium) ?? null);
    if (lengths.includes(null)) return;
    const totalMs = lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0);
    setTimeout(() => this.finishPlay(play, 'completed'), totalMs).unref();
  }

  async stopPlay(play: PlayId): Promise<void> {
    this.#checkConnected();
    this.finishPlay(play, 'stopped');
  }

  async record(leg: LegId, recording: RecordingId, order: RecordOrder): Promise<void> {
    this.#checkConnected();
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(recording)) throw new SwitchError('refused', 'not the name of a recording');
    const known = this.#recordings.get(recording);
    if (known !== undefined) {
      if (!known.followed) this.#tellRecorded(recording, known);
      return;
    }
    const { state } = this.#live(leg);
    if (state !== 'up') throw new SwitchError('refused', 'the leg was not answered yet');
    const made: MemoryRecording = { leg, order, wav: NOTHING, isLive: true, followed: true, timers: { longest: null, silence: null } };
    this.#recordings.set(recording, made);
    made.timers.longest = setTimeout(() => this.finishRecording(recording), order.longestMs).unref();
    this.#awaitSilence(recording, made);
  }

  async stopRecord(recording: RecordingId): Promise<void> {
    this.#checkConnected();
    this.finishRecording(recording);
  }

  async fetchRecording(recording: RecordingId): Promise<Buffer> {
    this.#checkConnected();
    const found = this.#recordings.get(recording);
    if (found === undefined || found.wav === null) throw new SwitchError('recordingGone', 'there is no such recording');
    return found.wav;
  }

  async dropRecording(recording: RecordingId): Promise<void> {
    this.#checkConnected();
    const found = this.#recordings.get(recording);
    if (found?.isLive === false) found.wav = null;
  }

  async startMusic(leg: LegId): Promise<void> {
    this.#live(leg).music = true;
  }

  async stopMusic(leg: LegId): Promise<void> {
    this.#live(leg).music = false;
  }

  async join(bridge: BridgeId, legs: readonly LegId[]): Promise<void> {
    this.#checkConnected();
    const found = legs.map((leg) => this.#live(leg));
    this.#bridges.add(bridge);
    for (const leg of found) {
      for (const { play } of [...leg.plays]) this.finishPlay(play, 'stopped');
      this.#endRecordings(leg.leg);
      leg.music = false;
      leg.heldFrom = null;
      leg.bridge = bridge;
    }
  }

  async leave(bridge: BridgeId, leg: LegId): Promise<void> {
    const found = this.#live(leg);
    if (found.bridge === bridge) found.bridge = null;
  }

  async dropBridge(bridge: BridgeId): Promise<void> {
    this.#checkConnected();
    this.#bridges.delete(bridge);
    for (const leg of this.#legs.values()) if (leg.bridge === bridge) leg.bridge = null;
  }

  async hold(leg: LegId): Promise<void> {
    const found = this.#live(leg);
    found.heldFrom = found.bridge ?? found.heldFrom;
    found.bridge = null;
    found.music = true;
  }

  async retrieve(leg: LegId): Promise<void> {
    const found = this.#live(leg);
    found.music = false;
    if (found.heldFrom === null) return;
    if (!this.#bridges.has(found.heldFrom)) throw new SwitchError('bridgeGone', 'the bridge that the leg was held from is gone');
    found.bridge = found.heldFrom;
    found.heldFrom = null;
  }

  async snapshot(): Promise<SwitchSnapshot> {
    this.#checkConnected();
    return this.#snapshot();
  }

  async renewLeases(legs: readonly LegId[], ttlMs: number): Promise<void> {
    this.#checkConnected();
    for (const leg of legs) {
      const found = this.#legs.get(leg);
      if (found === undefined || (found.direction === 'out' && found.state !== 'up')) continue;
      if (found.timers.lease !== null) clearTimeout(found.timers.lease);
      found.timers.lease = setTimeout(() => this.#end(leg, 'leaseExpired'), ttlMs);
      found.timers.lease.unref();
    }
  }

  async provision(endpoints: readonly Endpoint[]): Promise<void> {
    for (const endpoint of endpoints) this.#endpoints.set(endpoint.name, endpoint);
    this.#checkConnected();
    for (const { name } of endpoints) this.#tell({ type: 'endpointReachable', endpoint: name, reachable: this.#registered.has(name) });
  }

  async isReachable(endpoint: string): Promise<boolean> {
    this.#checkConnected();
    return this.#registered.has(endpoint);
  }

  // ── the other side ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Somebody calls in: the new leg. What is not given is an ordinary caller from a trusted trunk. */
  arrive(arrival: Partial<Arrival> & { readonly calledNumber: string }): LegId {
    this.#lastIncoming += 1;
    const leg: LegId = `memory-${this.#lastIncoming}`;
    const full: Arrival = {
      callingNumber: null,
      callingName: null,
      presentation: arrival.callingNumber == null ? 'unavailable' : 'allowed',
      trusted: true,
      ...arrival,
    };
    this.#known.add(leg);
    this.#legs.set(leg, newLeg(leg, 'in', full, null, 'arriving'));
    if (this.#connected) this.#told.add(leg);
    this.#tell({ type: 'legArrived', leg, arrival: full });
    return leg;
  }

  /** Whoever is at the end of the leg presses keys. */
  digits(leg: LegId, digits: string): void {
    for (const digit of digits) if (this.#legs.has(leg)) this.#tell({ type: 'digit', leg, digit });
  }

  /** Whoever was called answers. */
  answerLeg(leg: LegId): void {
    const found = this.#legs.get(leg);
    if (found === undefined || found.state === 'up') return;
    found.state = 'up';
    if (found.timers.dial !== null) clearTimeout(found.timers.dial);
    this.#tell({ type: 'legAnswered', leg });
  }

  /** Whoever is at the end of the leg hangs up, or does not take the call: with that cause. */
  hangUpByParty(leg: LegId, cause?: LegCause): void {
    const found = this.#legs.get(leg);
    if (found === undefined) return;
    this.#end(leg, cause ?? (found.state === 'up' ? 'normalClearing' : found.direction === 'in' ? 'cancelled' : 'rejected'));
  }

  /** A play comes to its end. */
  finishPlay(play: PlayId, outcome: 'completed' | 'stopped' | 'failed' = 'completed'): void {
    for (const leg of this.#legs.values()) {
      const at = leg.plays.findIndex((other) => other.play === play);
      if (at < 0) continue;
      leg.plays.splice(at, 1);
      this.#finishedPlays.add(play);
      this.#tell({ type: 'playFinished', leg: leg.leg, play, outcome });
    }
  }

  /** Whoever is at the end of the leg says something: a WAV file as `SwitchPort.fetchRecording` gives it. */
  speak(leg: LegId, wav: Buffer): void {
    for (const [recording, found] of this.#recordings) {
      if (found.leg !== leg || !found.isLive || found.wav === null) continue;
      found.wav = pcmWav(Buffer.concat([found.wav.subarray(WAV_HEADER_BYTES), wav.subarray(WAV_HEADER_BYTES)]));
      this.#awaitSilence(recording, found);
    }
  }

  /** A recording comes to its end: by silence, or because it has taken too long. */
  finishRecording(recording: RecordingId): void {
    const found = this.#recordings.get(recording);
    if (found === undefined || !found.isLive) return;
    found.isLive = false;
    if (found.timers.longest !== null) clearTimeout(found.timers.longest);
    if (found.timers.silence !== null) clearTimeout(found.timers.silence);
    found.followed = this.#connected;
    if (this.#connected) this.#tellRecorded(recording, found);
  }

  /** Those that are not dropped yet. */
  get recordings(): readonly RecordingId[] {
    return [...this.#recordings].flatMap(([recording, { wav }]) => (wav === null ? [] : recording));
  }

  /** A phone registers, or is gone. */
  register(endpoint: string, registered = true): void {
    if (registered === this.#registered.has(endpoint)) return;
    if (registered) this.#registered.add(endpoint);
    else this.#registered.delete(endpoint);
    if (this.#endpoints.has(endpoint)) this.#tell({ type: 'endpointReachable', endpoint, reachable: registered });
  }

  /** The line is cut; what lives in the switch goes on. */
  loseConnection(): void {
    if (!this.#connected) return;
    this.#tell({ type: 'disconnected', error: 'connection lost' });
    this.#connected = false;
  }

  /** The line is there again. */
  restoreConnection(): void {
    if (this.#connected || this.#closed) return;
    this.#connected = true;
    for (const [recording, found] of this.#recordings) {
      // Those of whoever listened before, and of nobody else: another one asks.
      if (!found.isLive && !found.followed && this.#told.has(found.leg)) this.#tellRecorded(recording, found);
    }
    for (const leg of this.#told) {
      if (!this.#legs.has(leg)) this.#tell({ type: 'legEnded', leg, cause: this.#restarted ? 'switchLost' : 'unheard' });
    }
    this.#restarted = false;
    this.#told.clear();
    for (const leg of this.#legs.keys()) this.#told.add(leg);
    this.#tell({ type: 'resynchronised', snapshot: this.#snapshot() });
  }

  /** The switch dies and comes back empty. */
  restart(): void {
    this.loseConnection();
    for (const leg of this.#legs.values()) {
      stopTimers(leg);
      this.#endRecordings(leg.leg);
    }
    this.#legs.clear();
    this.#bridges.clear();
    this.#registered.clear();
    this.#startedAt = Date.now();
    this.#restarted = true;
    this.restoreConnection();
  }

  /** Undefined when it is gone. */
  see(leg: LegId): SeenLeg | undefined {
    const found = this.#legs.get(leg);
    if (found === undefined) return undefined;
    const { direction, state, to, music, bridge, plays } = found;
    return { leg, direction, state, to, music, bridge, plays: [...plays] };
  }

  /** Those that live, oldest first. */
  seeAll(): readonly SeenLeg[] {
    return [...this.#legs.keys()].flatMap((leg) => this.see(leg) ?? []);
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkConnected(): void {
    if (!this.#connected) throw new SwitchError('notConnected', 'not connected');
  }

  #live(leg: LegId): MemoryLeg {
    this.#checkConnected();
    const found = this.#legs.get(leg);
    if (found === undefined) throw new SwitchError('legGone', 'the leg is gone');
    return found;
  }

  #snapshot(): SwitchSnapshot {
    const legs = [...this.#legs.values()];
    return {
      startedAt: this.#startedAt,
      legs: legs.map(({ leg, direction, state, arrival }) => ({ leg, direction, state, arrival })),
      bridges: [...this.#bridges].map((bridge) => ({
        bridge,
        legs: legs.filter((leg) => leg.bridge === bridge).map(({ leg }) => leg),
      })),
    };
  }

  #end(leg: LegId, cause: LegCause): void {
    const found = this.#legs.get(leg);
    if (found === undefined) return;
    stopTimers(found);
    for (const { play } of [...found.plays]) this.finishPlay(play, 'failed');
    this.#endRecordings(leg);
    this.#legs.delete(leg);
    if (this.#connected) this.#told.delete(leg);
    this.#tell({ type: 'legEnded', leg, cause });
  }

  #endRecordings(leg: LegId): void {
    for (const [recording, found] of this.#recordings) if (found.leg === leg) this.finishRecording(recording);
  }

  #awaitSilence(recording: RecordingId, found: MemoryRecording): void {
    if (found.timers.silence !== null) clearTimeout(found.timers.silence);
    if (found.order.silenceMs > 0) found.timers.silence = setTimeout(() => this.finishRecording(recording), found.order.silenceMs).unref();
  }

  #tellRecorded(recording: RecordingId, found: MemoryRecording): void {
    found.followed = true;
    if (found.isLive || found.wav === null) return; // it will be told, or was
    this.#tell({ type: 'recordFinished', leg: found.leg, recording, durationMs: wavMs(found.wav), outcome: 'completed' });
  }

  #tell(event: SwitchEvent): void {
    if (!this.#connected) return; // nobody hears it
    const listener = this.#listener;
    queueMicrotask(() => listener?.(event));
  }
}

function newLeg(leg: LegId, direction: 'in' | 'out', arrival: Arrival | null, to: Address | null, state: LiveLeg['state']): MemoryLeg {
  return {
    leg,
    direction,
    arrival,
    to,
    state,
    music: false,
    bridge: null,
    heldFrom: null,
    plays: [],
    timers: { dial: null, lease: null },
  };
}

function stopTimers(leg: MemoryLeg): void {
  if (leg.timers.dial !== null) clearTimeout(leg.timers.dial);
  if (leg.timers.lease !== null) clearTimeout(leg.timers.lease);
}

/** Lets what was told in microtasks be heard. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
