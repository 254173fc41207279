/**
 * Asterisk behind the port. Our leg and bridge ids are Asterisk's channel and bridge ids: an outgoing channel is made with
 * ours, an incoming one brings its own.
 *
 * How a leg is seen here. `legs` holds every leg that lives, from the first we hear of it (an event, our own order, or the list
 * after a reconnection) to its end, which is told once: ending takes the leg out of `legs`, and whatever comes afterwards about it
 * finds nothing. Its phase only goes forward.
 *
 *     arriving ──────────────┐
 *     dialling → ringing ────┴→ up → (ended)
 *
 * A connection's first act is to look what lives (`#resynchronise`). Events that come meanwhile are kept and applied afterwards;
 * since applying is by phase, one that the list has shown already changes nothing.
 *
 * Asterisk runs a channel's commands one after another, and a prompt or a recording is one, so an order for a leg that is playing
 * would wait for the prompt to end, and all other requests on our line behind it. Hence: orders stop what plays or records, or come
 * after it; and leases go `apart`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BridgeId, EpochMs, LegId, PlayId, RecordingId } from '../../base/ids.ts';
import { wavMs } from '../../base/wav.ts';
import {
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
import { AriError, type AriEvent, type AriMethod, type AriRequestOptions, type AriTransport, ariPath, reconnectDelayMs } from './ari.ts';
import { CAUSE_OF_REASON, Q850_OF_REASON, unansweredCause } from './causes.ts';
import { callerIdOf, dialStringOf, isEndpointName, mediaOf } from './dialling.ts';
import {
  type AriBridge,
  type AriChannel,
  readApplicationChannels,
  readArrival,
  readBridge,
  readBridges,
  readChannels,
  readEndpointState,
  readEvent,
  readReceivedPackets,
  readStartedAt,
  readStartupTime,
  readVariable,
  type SwitchedEvent,
  stasisArguments,
} from './events.ts';
import { fieldsOf, type PhoneSettings } from './phones.ts';
import { isRecordingName, wholeWav } from './recording.ts';

/** As much of a pino logger as is needed here. */
export interface SwitchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface AsteriskSwitchOptions {
  readonly ari: AriTransport;
  /** The Stasis application; the transport listens to the same. */
  readonly appName: string;
  /** PJSIP endpoint that numbers are called by; null: no number can be called. */
  readonly trunk: string | null;
  /** Media of the phones on 127.0.0.1 only. */
  readonly loopbackMedia: boolean;
  /** PJSIP endpoint that SIP addresses are called by; null: none may be. `anonymous` unless told otherwise. */
  readonly sipEndpoint?: string | null;
  /** Dialplan context of what the phones dial themselves. `from-phones` unless told otherwise. */
  readonly phoneContext?: string;
  readonly log: SwitchLog;
}

/** Set on every leg that we dial, so that a browser knows which leg its phone rings for. */
export const LEG_HEADER = 'X-Madoguchi-Leg';
/** Channel variable: the bridge that a held leg goes back to. Lives with the channel, so a new controller finds it. */
const HELD_FROM = 'MADOGUCHI_HELD_FROM';
/** It is on the same machine or next to it, and was written a moment ago. */
const MEASURE_TRIES = 3;
/** How long who joins a leg waits for its recording to be closed; Asterisk takes a millisecond. */
const RECORDING_ENDS_MS = 2_000;
/** Ended legs, plays and recordings are remembered for orders and events that come late. Far more than live at once. */
const REMEMBERED = 20_000;

type Phase = 'arriving' | 'dialling' | 'ringing' | 'up';

interface LegState {
  readonly direction: 'in' | 'out';
  readonly arrival: Arrival | null;
  phase: Phase;
  rang: boolean;
  /** Asked for by us; the first one counts. */
  hungUp: HangUpReason | null;
  hungUpByFarEnd: boolean;
  /** Asterisk is being stopped and hangs up everything. */
  shutDown: boolean;
  /** Of the originate, when its answer was lost: the leg may never have been. */
  unsure: boolean;
  /** It lived before this connection: it may be playing what we don't know of. */
  adopted: boolean;
  leaseTtlMs: number | null;
  leaseEndsAt: number | null;
  /** It was to be renewed while a prompt or recording was in the way. */
  leaseDue: boolean;
  /** Music is wanted; it starts again after a prompt. */
  music: boolean;
  heldFrom: BridgeId | null;
  readonly plays: Set<PlayId>;
  readonly recordings: Set<RecordingId>;
  /** Recordings that are over, and are looked at how long they are. Until that is told, the leg's end is not. */
  readonly measured: Set<RecordingId>;
  endCause: LegCause | null;
  lastDigit: string;
}

interface PlayState {
  readonly leg: LegId;
  stopped: boolean;
}

interface RecordingState {
  readonly leg: LegId;
  stopped: boolean;
  /** The order's answer was lost: it may never have begun. */
  unsure: boolean;
}

export class AsteriskSwitch implements SwitchPort {
  readonly name = 'asterisk';
  readonly #ari: AriTransport;
  readonly #options: AsteriskSwitchOptions;
  readonly #phones: PhoneSettings;
  readonly #legs = new Map<LegId, LegState>();
  readonly #endedLegs = new Remembered();
  readonly #plays = new Map<PlayId, PlayState>();
  readonly #finishedPlays = new Remembered();
  readonly #recordings = new Map<RecordingId, RecordingState>();
  readonly #finishedRecordings = new Remembered();
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #reachable = new Map<string, boolean>();
  #listener: ((event: SwitchEvent) => void) | null = null;
  #closed = false;
  /** One more with each connection and each loss: what was begun under another number is over. */
  #era = 0;
  /** Events that came while we looked what lives; null when we have looked. */
  #kept: AriEvent[] | null = [];
  #firstLook: { resolve(): void; reject(error: unknown): void } | null = null;
  /** Start of the Asterisk process that has our endpoints. */
  #provisionedAt: string | null = null;
  /** Of the Asterisk that was looked at last. */
  #startedAt: EpochMs | null = null;
  #wakeRetry: (() => void) | null = null;

  constructor(options: AsteriskSwitchOptions) {
    this.#options = options;
    this.#ari = options.ari;
    this.#phones = { context: options.phoneContext ?? 'from-phones', loopbackMedia: options.loopbackMedia };
  }

  get connected(): boolean {
    return this.#ari.connected && this.#kept === null;
  }

  /**
   * Waits for a switch that is not there yet, telling `disconnected` once; rejects with `refused` when the user or password is
   * wrong, and with `notConnected` when closed meanwhile.
   */
  async connect(listener: (event: SwitchEvent) => void): Promise<void> {
    if (this.#closed) throw new SwitchError('notConnected', 'this switch was closed');
    if (this.#listener !== null) throw new SwitchError('refused', 'already connected or connecting');
    this.#listener = listener;
    const firstLook = new Promise<void>((resolve, reject) => {
      this.#firstLook = { resolve, reject };
    });
    firstLook.catch(() => {}); // awaited below, unless connecting fails before
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#ari.connect({
          connected: () => this.#onConnected(),
          event: (event) => this.#onEvent(event),
          disconnected: (error) => this.#onDisconnected(error),
        });
        break;
      } catch (error) {
        if (error instanceof AriError && error.kind === 'unauthorised') {
          this.#listener = null;
          throw new SwitchError('refused', 'Asterisk refuses the ARI user or password', { cause: error });
        }
        if (this.#closed) throw new SwitchError('notConnected', 'this switch was closed', { cause: error });
        if (attempt === 0) {
          this.#options.log.warn({ err: error }, 'Asterisk is not there yet, trying on');
          this.#emit({ type: 'disconnected', error: messageOf(error) });
        }
        await this.#pause(reconnectDelayMs(attempt, { firstMs: 200, mostMs: 5000 }));
        if (this.#closed) throw new SwitchError('notConnected', 'this switch was closed', { cause: error });
      }
    }
    await firstLook;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#era += 1;
    this.#wakeRetry?.();
    this.#firstLook?.reject(new SwitchError('notConnected', 'this switch was closed'));
    this.#firstLook = null;
    this.#kept = [];
    await this.#ari.close();
    this.#listener = null;
  }

  // ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  answer(leg: LegId): Promise<void> {
    return this.#inOrder([leg], async () => {
      const state = this.#legs.get(leg);
      if (state?.phase === 'up' && !state.adopted) return;
      await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'answer'));
      if (state?.direction === 'in') state.phase = 'up';
    });
  }

  hangUp(leg: LegId, reason: HangUpReason): Promise<void> {
    return this.#inOrder([leg], async () => {
      const state = this.#legs.get(leg);
      if (state !== undefined && state.hungUp !== null) return; // legEnded is on its way
      if (state !== undefined) state.hungUp = reason;
      try {
        await this.#onLeg(leg, 'DELETE', ariPath('channels', leg), { query: { reason_code: Q850_OF_REASON[reason] } });
      } catch (error) {
        if (state !== undefined) state.hungUp = null; // so that a second try is one
        throw error;
      }
    });
  }

  originate(order: OriginateOrder): Promise<void> {
    const { leg } = order;
    return this.#inOrder([leg], async () => {
      const known = this.#legs.get(leg);
      if (this.#endedLegs.has(leg) || (known !== undefined && !known.unsure)) return;
      this.#checkConnected();
      const state = known ?? newLeg('out', 'dialling', null);
      this.#legs.set(leg, state); // before the order: events may come before its answer
      const dial = dialStringOf(order.to, { trunk: this.#options.trunk, sipEndpoint: this.#options.sipEndpoint ?? 'anonymous' });
      if (dial.kind === 'impossible') {
        this.#end(leg, dial.cause);
        return;
      }
      try {
        await this.#ari.request('POST', 'channels', {
          query: {
            endpoint: dial.dialString,
            app: this.#options.appName,
            appArgs: 'out',
            channelId: leg,
            callerId: callerIdOf(order.from),
            timeout: Math.max(1, Math.ceil(order.timeoutMs / 1000)),
          },
          body: { variables: { [`PJSIP_HEADER(add,${LEG_HEADER})`]: leg } },
        });
        state.unsure = false;
      } catch (error) {
        if (!(error instanceof AriError)) throw error;
        if (error.status === 409)
          state.unsure = false; // it exists: an earlier order had come through
        else if (error.kind === 'status') {
          // No such endpoint, or nowhere that it has registered from.
          this.#options.log.info({ legId: leg, err: error }, 'Asterisk could not dial a leg');
          this.#end(leg, 'unreachable');
        } else {
          state.unsure = true;
          throw this.#switchError(error);
        }
      }
    });
  }

  play(leg: LegId, play: PlayId, media: readonly string[]): Promise<void> {
    return this.#inOrder([leg], async () => {
      if (this.#plays.has(play) || this.#finishedPlays.has(play)) return;
      this.#checkConnected();
      const uris = mediaOf(media);
      if (uris === null) throw new SwitchError('refused', 'media must be absolute paths without comma, or tone:NAME');
      const state = this.#legs.get(leg);
      this.#plays.set(play, { leg, stopped: false });
      state?.plays.add(play);
      try {
        if (state?.adopted === true && (await this.#playsAlready(play))) return;
        // A prompt may be longer than what is left of the lease, which can't be renewed while it plays.
        if (state && isShort(state) && busyWith(state) === 1 && !state.adopted) await this.#lease(leg, state, state.leaseTtlMs);
        if (this.#plays.get(play)?.stopped === true) {
          this.#finishPlay(play, 'done'); // stopped before it began
          return;
        }
        await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'play', play), { query: { media: uris } });
        if (this.#plays.get(play)?.stopped === true) await this.stopPlay(play); // the stop may have been there before it
      } catch (error) {
        this.#plays.delete(play);
        state?.plays.delete(play);
        throw error;
      }
    });
  }

  async stopPlay(play: PlayId): Promise<void> {
    this.#checkConnected();
    const state = this.#plays.get(play);
    if (this.#finishedPlays.has(play)) return;
    if (state !== undefined) state.stopped = true;
    // Not found: it has finished, or never began.
    await this.#call('DELETE', ariPath('playbacks', play), {}, [404]);
  }

  record(leg: LegId, recording: RecordingId, order: RecordOrder): Promise<void> {
    return this.#inOrder([leg], async () => {
      const known = this.#recordings.get(recording);
      if ((known !== undefined && !known.unsure) || this.#finishedRecordings.has(recording)) return;
      this.#checkConnected();
      if (!isRecordingName(recording)) throw new SwitchError('refused', 'a recording is named by letters, digits, _ . and -');
      const state = this.#legs.get(leg);
      const isFirst = known === undefined && (state === undefined ? this.#endedLegs.has(leg) : !state.adopted);
      if (!isFirst && (await this.#takeUpRecording(leg, recording))) {
        if (order.silenceMs > 0) this.#watchSilence(leg, recording, order.silenceMs);
        return;
      }
      const made = known ?? { leg, stopped: false, unsure: false };
      this.#recordings.set(recording, made);
      state?.recordings.add(recording);
      try {
        if (state && isShort(state) && busyWith(state) === 1 && !state.adopted) await this.#lease(leg, state, state.leaseTtlMs);
        // Asterisk's own beep would swallow a stop that comes during it.
        if (order.beep) await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'play'), { query: { media: 'sound:beep' } });
        made.unsure = true;
        await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'record'), {
          query: {
            name: recording,
            format: 'wav',
            maxDurationSeconds: Math.max(1, Math.ceil(order.longestMs / 1000)),
            maxSilenceSeconds: order.silenceMs === 0 ? 0 : Math.max(1, Math.round(order.silenceMs / 1000)),
            // A file of that name which was there before the first order is of another centre's life, and none of this caller's words.
            ifExists: isFirst ? 'overwrite' : 'fail',
            beep: 'false',
            terminateOn: 'none',
          },
        });
        made.unsure = false;
        if (order.silenceMs > 0) this.#watchSilence(leg, recording, order.silenceMs);
      } catch (error) {
        if (made.unsure && error instanceof SwitchError) {
          if (error.code === 'timeout' || error.code === 'notConnected') throw error;
          // An order before it had come through after all.
          if (statusOf(error) === 409 && (await this.#takeUpRecording(leg, recording))) return;
        }
        this.#recordings.delete(recording);
        state?.recordings.delete(recording);
        throw error;
      }
    });
  }

  /** Asterisk hears silence only where it is sent. Of telephones that send nothing instead nothing comes: then it is stopped from here. */
  #watchSilence(leg: LegId, recording: RecordingId, silenceMs: number): void {
    const look = async (before: number | null): Promise<void> => {
      await sleep(Math.max(silenceMs, 1_000), undefined, { ref: false });
      if (!this.#recordings.has(recording) || this.#closed) return;
      if (!this.connected) return look(before);
      const packets = readReceivedPackets(await this.#call('GET', ariPath('channels', leg, 'rtp_statistics'), {}, [404]));
      if (packets === null) return;
      if (packets === before) await this.stopRecord(recording);
      else await look(packets);
    };
    look(null).catch((error: unknown) => {
      this.#options.log.warn({ err: error, legId: leg }, 'whether a recorded leg sends anything could not be seen');
    });
  }

  async stopRecord(recording: RecordingId): Promise<void> {
    this.#checkConnected();
    if (this.#finishedRecordings.has(recording)) return;
    const state = this.#recordings.get(recording);
    if (state !== undefined) state.stopped = true;
    // Not found: it is over, or never began. 409: it has been told before.
    await this.#call('POST', ariPath('recordings', 'live', recording, 'stop'), {}, [404, 409]);
  }

  async fetchRecording(recording: RecordingId): Promise<Buffer> {
    this.#checkConnected();
    const wav = await this.#stored(recording);
    if (wav === null) throw new SwitchError('recordingGone', 'Asterisk has no such recording');
    return wav;
  }

  async dropRecording(recording: RecordingId): Promise<void> {
    this.#checkConnected();
    if (!isRecordingName(recording)) return;
    await this.#call('DELETE', ariPath('recordings', 'stored', recording), {}, [404]);
  }

  startMusic(leg: LegId): Promise<void> {
    return this.#inOrder([leg], async () => {
      const state = this.#legs.get(leg);
      if (state !== undefined) state.music = true;
      if (state !== undefined && busyWith(state) > 0) return; // begins when the prompt ends
      await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'moh'));
    });
  }

  stopMusic(leg: LegId): Promise<void> {
    return this.#inOrder([leg], async () => {
      const state = this.#legs.get(leg);
      if (state !== undefined) state.music = false;
      if (state !== undefined && busyWith(state) > 0) return; // a prompt has stopped it already
      await this.#onLeg(leg, 'DELETE', ariPath('channels', leg, 'moh'));
    });
  }

  join(bridge: BridgeId, legs: readonly LegId[]): Promise<void> {
    return this.#inOrder([`bridge ${bridge}`, ...legs], async () => {
      this.#checkConnected();
      const found = await this.#bridge(bridge);
      // One that is in it already stays: adding it again would take it out and in, with a gap in what is said.
      const missing = legs.filter((leg) => found?.channels.includes(leg) !== true);
      for (const leg of missing) {
        const state = this.#legs.get(leg);
        if (state !== undefined) state.music = false;
        await this.#silence(leg);
        await this.#onLeg(leg, 'DELETE', ariPath('channels', leg, 'moh'));
      }
      if (found === null) {
        // dtmf_events: without it Asterisk passes digits between the two and tells nobody.
        await this.#call('POST', ariPath('bridges', bridge), { query: { type: 'mixing,dtmf_events', name: this.#options.appName } }, [409]);
      }
      if (missing.length > 0) await this.#add(bridge, missing);
      for (const leg of legs) {
        const state = this.#legs.get(leg);
        if (state !== undefined) state.heldFrom = null;
      }
    });
  }

  leave(bridge: BridgeId, leg: LegId): Promise<void> {
    return this.#inOrder([`bridge ${bridge}`, leg], async () => {
      await this.#silence(leg);
      await this.#take(bridge, leg);
    });
  }

  dropBridge(bridge: BridgeId): Promise<void> {
    return this.#inOrder([`bridge ${bridge}`], async () => {
      this.#checkConnected();
      // 409: it is just being removed.
      await this.#call('DELETE', ariPath('bridges', bridge), {}, [404, 409]);
    });
  }

  /** Out of its bridge, with music; the others in the bridge hear nothing. */
  hold(leg: LegId): Promise<void> {
    return this.#inOrder([leg], async () => {
      const state = this.#legs.get(leg);
      const bridge = (await this.#bridges()).find((candidate) => candidate.channels.includes(leg));
      await this.#silence(leg);
      if (bridge !== undefined) {
        await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'variable'), { query: { variable: HELD_FROM, value: bridge.id } });
        await this.#take(bridge.id, leg);
        if (state !== undefined) state.heldFrom = bridge.id;
      }
      if (state !== undefined) state.music = true;
      await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'moh'));
    });
  }

  /** Back into the bridge that `hold` took it out of. Nothing, when it is in none and was in none. */
  retrieve(leg: LegId): Promise<void> {
    return this.#inOrder([leg], async () => {
      const state = this.#legs.get(leg);
      await this.#silence(leg);
      if (state !== undefined) state.music = false;
      await this.#onLeg(leg, 'DELETE', ariPath('channels', leg, 'moh'));
      const heldFrom = state?.heldFrom ?? (await this.#heldFrom(leg));
      if (heldFrom === null) return;
      const bridge = await this.#bridge(heldFrom);
      if (bridge === null) throw new SwitchError('bridgeGone', 'the bridge that the leg was held from is gone');
      if (!bridge.channels.includes(leg)) await this.#add(heldFrom, [leg]);
      if (state !== undefined) state.heldFrom = null;
      await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'variable'), { query: { variable: HELD_FROM, value: '' } });
    });
  }

  async snapshot(): Promise<SwitchSnapshot> {
    this.#checkConnected();
    return (await this.#look()).snapshot;
  }

  async renewLeases(legs: readonly LegId[], ttlMs: number): Promise<void> {
    this.#checkConnected();
    await Promise.all(
      legs.map(async (leg) => {
        const state = this.#legs.get(leg);
        // A leg that is dialled has its own end, `timeoutMs`; it can't be told anything yet.
        if (state === undefined || (state.direction === 'out' && state.phase !== 'up')) return;
        state.leaseTtlMs = ttlMs;
        if (busyWith(state) > 0) {
          state.leaseDue = true; // renewed when the prompt ends
          return;
        }
        try {
          await this.#lease(leg, state, ttlMs);
        } catch (error) {
          // Gone: legEnded tells. Waiting for a prompt that we don't know of: done when that ends.
          if (!(error instanceof SwitchError) || (error.code !== 'legGone' && error.code !== 'timeout')) throw error;
        }
      }),
    );
  }

  async provision(endpoints: readonly Endpoint[]): Promise<void> {
    for (const endpoint of endpoints) {
      if (!isEndpointName(endpoint.name)) throw new SwitchError('refused', 'an endpoint name is made of letters, digits, _ . and -');
    }
    for (const endpoint of endpoints) this.#endpoints.set(endpoint.name, endpoint);
    this.#checkConnected();
    for (const endpoint of endpoints) await this.#push(endpoint);
    for (const endpoint of endpoints) await this.#tellReachable(endpoint.name);
  }

  async isReachable(endpoint: string): Promise<boolean> {
    this.#checkConnected();
    const found = await this.#call('GET', ariPath('endpoints', 'PJSIP', endpoint), {}, [404]);
    return readEndpointState(found) === 'online';
  }

  // ── the connection ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #onConnected(): void {
    this.#era += 1;
    this.#kept = [];
    void this.#resynchronise(this.#era); // its failures are logged and tried again
  }

  #onDisconnected(error: Error): void {
    this.#era += 1;
    this.#kept = [];
    this.#options.log.warn({ err: error }, 'the connection to Asterisk is lost');
    this.#emit({ type: 'disconnected', error: messageOf(error) });
  }

  async #resynchronise(era: number): Promise<void> {
    for (let attempt = 0; era === this.#era; attempt += 1) {
      try {
        await this.#pushAgainIfNew();
        const seen = await this.#look();
        if (era !== this.#era) return;
        const finished = await this.#finishedMeanwhile(seen.snapshot);
        const recorded = await this.#recordedMeanwhile();
        if (era !== this.#era) return;
        const kept = this.#kept ?? [];
        this.#kept = null; // connected from here on: the listener may give orders at once
        for (const [recording, ms] of recorded) this.#finishRecording(recording, ms === null ? 'failed' : 'completed', ms ?? 0);
        this.#adopt(seen.snapshot);
        this.#emit({ type: 'resynchronised', snapshot: seen.snapshot });
        for (const event of kept) this.#apply(readEvent(event));
        for (const play of finished) this.#finishPlay(play, 'done');
        this.#firstLook?.resolve();
        this.#firstLook = null;
        for (const name of this.#endpoints.keys()) await this.#tellReachable(name);
        return;
      } catch (error) {
        if (era !== this.#era) return; // the line is lost; the next one looks again
        this.#options.log.warn({ err: error }, 'could not look at what lives in Asterisk, trying again');
        if (this.#kept === null) return; // only the endpoints' states were missing
        await this.#pause(reconnectDelayMs(attempt, { firstMs: 200, mostMs: 5000 }));
      }
    }
  }

  /** What lives, and is ours. */
  async #look(): Promise<{ readonly snapshot: SwitchSnapshot }> {
    const app = this.#options.appName;
    const [application, channelList, bridgeList, info] = await Promise.all([
      this.#call('GET', ariPath('applications', app), {}, [404]),
      this.#call('GET', 'channels'),
      this.#call('GET', 'bridges'),
      this.#call('GET', 'asterisk/info', { query: { only: 'status' } }),
    ]);
    const followed = readApplicationChannels(application);
    const legs = readChannels(channelList).flatMap((channel) => liveLeg(channel, app, followed) ?? []);
    const ids = new Set(legs.map((leg) => leg.leg));
    const bridges = readBridges(bridgeList)
      .filter((bridge) => bridge.name === app)
      .map((bridge) => ({ bridge: bridge.id, legs: bridge.channels.filter((leg) => ids.has(leg)) }));
    return { snapshot: { startedAt: readStartedAt(info), legs, bridges } };
  }

  /** Takes over what lives; what we believed and is not there has ended meanwhile. */
  #adopt(snapshot: SwitchSnapshot): void {
    const live = new Map(snapshot.legs.map((leg) => [leg.leg, leg]));
    const isAnother = snapshot.startedAt !== this.#startedAt;
    this.#startedAt = snapshot.startedAt;
    for (const [leg, state] of [...this.#legs]) {
      if (live.has(leg)) continue;
      state.measured.clear(); // told by now
      if (state.unsure) this.#legs.delete(leg);
      else this.#end(leg, isAnother ? 'switchLost' : 'unheard');
    }
    for (const [leg, found] of live) {
      const known = this.#legs.get(leg);
      if (known === undefined) {
        const state = newLeg(found.direction, found.state, found.arrival);
        state.adopted = true;
        this.#legs.set(leg, state);
      } else {
        known.unsure = false;
        if (found.state !== 'arriving' && found.state !== 'dialling') known.phase = found.state;
        known.rang ||= found.state === 'ringing';
      }
    }
  }

  /** Prompts that ended while we could not hear of it. */
  async #finishedMeanwhile(snapshot: SwitchSnapshot): Promise<readonly PlayId[]> {
    const live = new Set(snapshot.legs.map((leg) => leg.leg));
    const finished: PlayId[] = [];
    for (const [play, state] of [...this.#plays]) {
      if (!live.has(state.leg)) continue; // ends with its leg
      if (!(await this.#playsAlready(play))) finished.push(play);
    }
    return finished;
  }

  /** Recordings that ended while we could not hear of it, with their lengths; null: there is nothing of it. */
  async #recordedMeanwhile(): Promise<ReadonlyMap<RecordingId, number | null>> {
    const over = new Map<RecordingId, number | null>();
    for (const [recording, { unsure }] of this.#recordings) {
      if (await this.#recordsNow(recording)) continue;
      const wav = await this.#stored(recording);
      if (wav !== null) over.set(recording, wavMs(wav));
      else if (!unsure) over.set(recording, null); // one that may never have begun is ordered again
    }
    return over;
  }

  /** One that was begun before: it goes on, or is over, which is told now. False: it never began. */
  async #takeUpRecording(leg: LegId, recording: RecordingId): Promise<boolean> {
    const isLive = await this.#recordsNow(recording);
    const wav = isLive ? null : await this.#stored(recording);
    if (!isLive && wav === null) return false;
    this.#followRecording(leg, recording);
    if (wav !== null) this.#finishRecording(recording, 'completed', wavMs(wav));
    return true;
  }

  /** One that goes on, or did until now. */
  #followRecording(leg: LegId, recording: RecordingId): void {
    if (this.#finishedRecordings.has(recording)) return; // told meanwhile
    const known = this.#recordings.get(recording);
    if (known === undefined) this.#recordings.set(recording, { leg, stopped: false, unsure: false });
    else known.unsure = false;
    this.#legs.get(leg)?.recordings.add(recording);
  }

  async #recordsNow(recording: RecordingId): Promise<boolean> {
    return (await this.#call('GET', ariPath('recordings', 'live', recording), {}, [404])) !== null;
  }

  /** The file of a recording; null when there is none. */
  async #stored(recording: RecordingId): Promise<Buffer | null> {
    if (!isRecordingName(recording)) return null;
    try {
      return wholeWav(await this.#ari.download(ariPath('recordings', 'stored', recording, 'file')));
    } catch (error) {
      if (error instanceof AriError && error.status === 404) return null;
      throw this.#switchError(error);
    }
  }

  async #playsAlready(play: PlayId): Promise<boolean> {
    return (await this.#call('GET', ariPath('playbacks', play), {}, [404])) !== null;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeRetry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #onEvent(event: AriEvent): void {
    if (this.#kept === null) this.#apply(readEvent(event));
    else this.#kept.push(event);
  }

  #apply(event: SwitchedEvent): void {
    switch (event.kind) {
      case 'entered':
        this.#onEntered(event.channel, event.args);
        return;
      case 'left':
        this.#onLeft(event.channel.id);
        return;
      case 'ringing': {
        const state = this.#legs.get(event.channel);
        if (state === undefined || state.direction === 'in') return;
        state.unsure = false;
        if (state.phase !== 'dialling') return;
        state.phase = 'ringing';
        state.rang = true;
        this.#emit({ type: 'legRinging', leg: event.channel });
        return;
      }
      case 'hangupAsked': {
        const state = this.#legs.get(event.channel);
        if (state === undefined || state.hungUp !== null) return;
        if (event.by === 'farEnd') state.hungUpByFarEnd = true;
        if (event.by === 'shutdown') state.shutDown = true;
        return;
      }
      case 'destroyed': {
        const state = this.#legs.get(event.channel);
        if (state === undefined) return;
        const unanswered = state.direction === 'out' && state.phase !== 'up';
        if (!unanswered || state.shutDown) this.#onLeft(event.channel);
        else if (state.hungUp !== null) this.#end(event.channel, 'cancelled');
        else this.#end(event.channel, unansweredCause(event.q850, event.sip, state.rang));
        return;
      }
      case 'digit': {
        const state = this.#legs.get(event.channel);
        // An event that reaches us by its channel and by its endpoint is one message with one time.
        const digit = `${event.digit}${event.stamp}`;
        if (state === undefined || state.lastDigit === digit || !/^[0-9A-D*#]$/.test(event.digit)) return;
        state.lastDigit = digit;
        this.#emit({ type: 'digit', leg: event.channel, digit: event.digit });
        return;
      }
      case 'played':
        this.#finishPlay(event.playback, event.state);
        return;
      case 'recording':
        // A stop that was told while it waited for its turn is forgotten when that comes.
        if (this.#recordings.get(event.recording)?.stopped !== true) return;
        this.stopRecord(event.recording).catch((error: unknown) => {
          this.#options.log.warn({ err: error }, 'a recording could not be stopped; it ends by itself');
        });
        return;
      case 'recorded':
        // Begun by a controller before us: told all the same.
        if (event.channel !== null && this.#legs.has(event.channel)) this.#followRecording(event.channel, event.recording);
        if (event.isThere) this.#measure(event.recording, this.#era);
        else this.#finishRecording(event.recording, 'failed', 0);
        return;
      case 'endpoint':
        this.#tellReachable(event.name).catch((error: unknown) => {
          // Told again after the next connection, or its next change.
          this.#options.log.warn({ err: error, endpoint: event.name }, 'could not ask for the state of an endpoint');
        });
        return;
      case 'ignored':
        return;
      default:
        return event satisfies never;
    }
  }

  #onEntered(channel: AriChannel, args: readonly string[]): void {
    const leg = channel.id;
    const known = this.#legs.get(leg);
    if (known !== undefined) {
      // An incoming one that is known was in the list; ours has been answered.
      if (known.direction === 'in' || known.phase === 'up') return;
      known.unsure = false;
      known.phase = 'up';
      this.#emit({ type: 'legAnswered', leg });
      return;
    }
    const arrival = readArrival(channel, args);
    if (arrival === null || this.#endedLegs.has(leg)) return;
    const state = newLeg('in', channel.state === 'Up' ? 'up' : 'arriving', arrival);
    this.#legs.set(leg, state);
    this.#emit({ type: 'legArrived', leg, arrival });
  }

  /** Out of the application: hung up. We never send a channel back into the dialplan. */
  #onLeft(leg: LegId): void {
    const state = this.#legs.get(leg);
    if (state === undefined) return;
    this.#end(leg, leftBecause(state));
  }

  #end(leg: LegId, cause: LegCause): void {
    const state = this.#legs.get(leg);
    if (state === undefined) return;
    state.endCause ??= cause;
    if (state.measured.size > 0) return; // told in a moment
    this.#legs.delete(leg);
    this.#endedLegs.add(leg);
    for (const play of [...state.plays]) this.#finishPlay(play, 'failed');
    for (const recording of [...state.recordings]) this.#finishRecording(recording, 'failed', 0); // Asterisk would have told before
    this.#emit({ type: 'legEnded', leg, cause: state.endCause });
  }

  #finishPlay(play: PlayId, state: string): void {
    const known = this.#plays.get(play);
    if (known === undefined) return;
    this.#plays.delete(play);
    this.#finishedPlays.add(play);
    const { leg } = known;
    const legState = this.#legs.get(leg);
    legState?.plays.delete(play);
    this.#emit({ type: 'playFinished', leg, play, outcome: known.stopped ? 'stopped' : state === 'done' ? 'completed' : 'failed' });
    if (legState !== undefined) this.#catchUp(leg, legState);
  }

  /** Looks how long a recording has become, then tells that it is over. Should the line be lost, whoever resynchronises looks again. */
  #measure(recording: RecordingId, era: number, tries = 1): void {
    const leg = this.#recordings.get(recording)?.leg;
    if (leg === undefined) return;
    const legState = this.#legs.get(leg);
    legState?.measured.add(recording);
    const told = (outcome: 'completed' | 'failed', durationMs: number): void => {
      if (era !== this.#era) return;
      legState?.measured.delete(recording);
      this.#finishRecording(recording, outcome, durationMs);
      if (legState?.endCause != null) this.#end(leg, legState.endCause);
    };
    this.#stored(recording).then(
      (wav) => told(wav === null ? 'failed' : 'completed', wav === null ? 0 : wavMs(wav)),
      (error: unknown) => {
        if (tries < MEASURE_TRIES && era === this.#era) return this.#measure(recording, era, tries + 1);
        this.#options.log.warn({ err: error, legId: leg }, 'how long a recording is could not be seen');
        told('failed', 0);
      },
    );
  }

  #finishRecording(recording: RecordingId, outcome: 'completed' | 'failed', durationMs: number): void {
    const known = this.#recordings.get(recording);
    if (known === undefined) return;
    this.#recordings.delete(recording);
    this.#finishedRecordings.add(recording);
    const { leg } = known;
    const legState = this.#legs.get(leg);
    legState?.recordings.delete(recording);
    this.#emit({ type: 'recordFinished', leg, recording, durationMs, outcome });
    if (legState !== undefined) this.#catchUp(leg, legState);
  }

  /** What had to wait for a prompt or recording to end, unless it is no longer wanted when its turn comes. */
  #catchUp(leg: LegId, legState: LegState): void {
    if (busyWith(legState) > 0) return;
    this.#inOrder([leg], async () => {
      if (busyWith(legState) > 0 || !this.#legs.has(leg)) return;
      if (legState.music) await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'moh'));
      if (legState.leaseDue || isShort(legState)) await this.#lease(leg, legState, legState.leaseTtlMs);
    }).catch((error: unknown) => {
      if (error instanceof SwitchError && (error.code === 'legGone' || error.code === 'notConnected')) return;
      this.#options.log.warn({ err: error, legId: leg }, 'what had waited for a prompt to end failed');
    });
  }

  #emit(event: SwitchEvent): void {
    try {
      this.#listener?.(event);
    } catch (error) {
      // The listener's fault; our own state must stay right whatever it does.
      this.#options.log.warn({ err: error, type: event.type }, 'a listener of switch events failed');
    }
  }

  // ── phones ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Dynamic configuration is in Asterisk's memory: another process than last time knows nothing of it. */
  async #pushAgainIfNew(): Promise<void> {
    if (this.#endpoints.size === 0) return;
    const startedAt = readStartupTime(await this.#call('GET', 'asterisk/info', { query: { only: 'status' } }));
    if (startedAt !== this.#provisionedAt) {
      for (const endpoint of this.#endpoints.values()) await this.#push(endpoint);
      this.#provisionedAt = startedAt;
    } else {
      // The process is the same, but our application may have been forgotten while nobody listened.
      for (const { name } of this.#endpoints.values()) await this.#follow(name);
    }
  }

  async #push(endpoint: Endpoint): Promise<void> {
    this.#provisionedAt ??= readStartupTime(await this.#call('GET', 'asterisk/info', { query: { only: 'status' } }));
    for (const { type, fields } of fieldsOf(endpoint, this.#phones)) {
      const path = ariPath('asterisk', 'config', 'dynamic', 'res_pjsip', type, endpoint.name);
      await this.#call('PUT', path, { body: { fields } });
    }
    await this.#follow(endpoint.name);
  }

  async #follow(name: string): Promise<void> {
    const path = ariPath('applications', this.#options.appName, 'subscription');
    await this.#call('POST', path, { query: { eventSource: `endpoint:PJSIP/${name}` } });
  }

  async #tellReachable(name: string): Promise<void> {
    if (!this.#endpoints.has(name)) return; // a trunk, or not ours
    const reachable = await this.isReachable(name);
    if (this.#reachable.get(name) === reachable) return;
    this.#reachable.set(name, reachable);
    this.#emit({ type: 'endpointReachable', endpoint: name, reachable });
  }

  // ── bridges and leases ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #bridge(bridge: BridgeId): Promise<AriBridge | null> {
    return readBridge(await this.#call('GET', ariPath('bridges', bridge), {}, [404]));
  }

  async #bridges(): Promise<readonly AriBridge[]> {
    this.#checkConnected();
    return readBridges(await this.#call('GET', 'bridges'));
  }

  async #heldFrom(leg: LegId): Promise<BridgeId | null> {
    const value = readVariable(await this.#call('GET', ariPath('channels', leg, 'variable'), { query: { variable: HELD_FROM } }, [404]));
    return value === '' ? null : value;
  }

  /** No connected-line updates: a re-INVITE for a changed name breaks some peers. */
  async #add(bridge: BridgeId, legs: readonly LegId[]): Promise<void> {
    try {
      await this.#call('POST', ariPath('bridges', bridge, 'addChannel'), {
        query: { channel: legs.join(','), inhibitConnectedLineUpdates: 'true' },
        apart: legs.some((leg) => this.#legs.get(leg)?.adopted === true),
      });
    } catch (error) {
      if (!(error instanceof SwitchError) || error.code !== 'refused') throw error;
      // Which one it was, Asterisk doesn't say.
      for (const leg of legs) {
        if ((await this.#call('GET', ariPath('channels', leg), {}, [404])) === null) throw legGone(error);
      }
      if ((await this.#bridge(bridge)) === null) throw new SwitchError('bridgeGone', 'the bridge is gone', { cause: error });
      throw error;
    }
  }

  async #take(bridge: BridgeId, leg: LegId): Promise<void> {
    this.#checkConnected();
    try {
      await this.#ari.request('POST', ariPath('bridges', bridge, 'removeChannel'), {
        query: { channel: leg },
        apart: this.#legs.get(leg)?.adopted === true,
      });
    } catch (error) {
      if (!(error instanceof AriError)) throw error;
      // 400: no such channel. 404: no such bridge, so it is in it no more. 409: one of them is just ending. 422: not in it.
      if (error.status === 400) throw legGone(error);
      if (error.status !== 404 && error.status !== 409 && error.status !== 422) throw this.#switchError(error, leg);
      if (!this.#legs.has(leg)) throw legGone(error);
    }
  }

  /** Stops what we know to be playing or recorded, see above. Its `playFinished` or `recordFinished` follows. */
  async #silence(leg: LegId): Promise<void> {
    const state = this.#legs.get(leg);
    for (const play of [...(state?.plays ?? [])]) await this.stopPlay(play);
    for (const recording of [...(state?.recordings ?? [])]) await this.stopRecord(recording);
    // Unlike a prompt, a leg that is recorded is not let into a bridge.
    for (let waitedMs = 0; (state?.recordings.size ?? 0) > 0 && waitedMs < RECORDING_ENDS_MS; waitedMs += 10) await sleep(10);
  }

  async #lease(leg: LegId, state: LegState, ttlMs: number | null): Promise<void> {
    if (ttlMs === null) return; // never renewed by us: it has the one that it arrived with
    await this.#onLeg(leg, 'POST', ariPath('channels', leg, 'variable'), {
      query: { variable: 'TIMEOUT(absolute)', value: (ttlMs / 1000).toFixed(3) },
    });
    state.leaseEndsAt = Date.now() + ttlMs;
    state.leaseDue = false;
  }

  // ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Orders about the same leg or bridge are done one after another, in the order given, whatever the transport does. */
  #inOrder(keys: readonly string[], order: () => Promise<void>): Promise<void> {
    const before = keys.flatMap((key) => this.#queues.get(key) ?? []);
    const done = before.length === 0 ? order() : Promise.allSettled(before).then(order);
    const settled = done.then(
      () => {},
      () => {}, // told to whoever gave the order; the next one goes on
    );
    for (const key of keys) this.#queues.set(key, settled);
    void settled.then(() => {
      for (const key of keys) if (this.#queues.get(key) === settled) this.#queues.delete(key);
    });
    return done;
  }

  #checkConnected(): void {
    if (!this.connected) throw new SwitchError('notConnected', 'not connected to Asterisk');
  }

  /** An order about one leg. One that lived before us may be playing what we don't know of: it goes apart. */
  async #onLeg(leg: LegId, method: AriMethod, path: string, options: AriRequestOptions = {}): Promise<unknown> {
    this.#checkConnected();
    if (this.#endedLegs.has(leg)) throw legGone();
    try {
      const apart = this.#legs.get(leg)?.adopted === true;
      return await this.#ari.request(method, path, apart ? { ...options, apart } : options);
    } catch (error) {
      throw this.#switchError(error, leg);
    }
  }

  /** Resolves to null for a status that the caller expects. */
  async #call(method: AriMethod, path: string, options: AriRequestOptions = {}, expected: readonly number[] = []): Promise<unknown> {
    try {
      return await this.#ari.request(method, path, options);
    } catch (error) {
      if (error instanceof AriError && error.status !== null && expected.includes(error.status)) return null;
      throw this.#switchError(error);
    }
  }

  #switchError(error: unknown, leg?: LegId): unknown {
    if (!(error instanceof AriError)) return error;
    switch (error.kind) {
      case 'timeout':
        return new SwitchError('timeout', 'Asterisk did not answer in time', { cause: error });
      case 'disconnected':
        return new SwitchError('notConnected', 'the connection to Asterisk is lost', { cause: error });
      case 'unauthorised':
        return new SwitchError('refused', 'Asterisk refuses the ARI user', { cause: error });
      case 'status': {
        const status = error.status ?? 0;
        if (leg !== undefined) {
          const state = this.#legs.get(leg);
          // 409 and 412, not in our application: not answered yet, or on its way out.
          const leaving = state === undefined || state.phase === 'up' || state.hungUp !== null || state.hungUpByFarEnd;
          if (status === 404 || ((status === 409 || status === 412) && leaving)) return legGone(error);
        }
        return new SwitchError(status >= 500 ? 'failed' : 'refused', `Asterisk refused an order (${status})`, { cause: error });
      }
      default:
        return error.kind satisfies never;
    }
  }
}

/**
 * Whether so much of a leg's lease is gone that it is renewed before something that it can't be renewed under. Not before and after every
 * prompt: in a menu these were half of all requests.
 */
const isShort = ({ leaseTtlMs, leaseEndsAt }: LegState): boolean =>
  leaseTtlMs !== null && (leaseEndsAt === null || leaseEndsAt - Date.now() < leaseTtlMs * 0.75);

function leftBecause(state: LegState): LegCause {
  const up = state.phase === 'up';
  if (state.shutDown) return 'switchLost';
  if (state.hungUpByFarEnd) return up ? 'normalClearing' : 'cancelled';
  if (state.hungUp !== null && up) return 'normalClearing';
  if (state.hungUp !== null) return state.direction === 'in' ? CAUSE_OF_REASON[state.hungUp] : 'cancelled';
  // Nobody asked for it. When its time was over (a clock of ours and one of Asterisk's: some slack), that was it.
  return state.leaseEndsAt !== null && Date.now() >= state.leaseEndsAt - 500 ? 'leaseExpired' : 'unknown';
}

function newLeg(direction: 'in' | 'out', phase: Phase, arrival: Arrival | null): LegState {
  return {
    direction,
    arrival,
    phase,
    rang: phase === 'ringing',
    hungUp: null,
    hungUpByFarEnd: false,
    shutDown: false,
    unsure: false,
    adopted: false,
    leaseTtlMs: null,
    leaseEndsAt: null,
    leaseDue: false,
    music: false,
    heldFrom: null,
    plays: new Set(),
    recordings: new Set(),
    measured: new Set(),
    endCause: null,
    lastDigit: '',
  };
}

/** What keeps Asterisk from carrying out anything else on it. */
function busyWith(state: LegState): number {
  return state.plays.size + state.recordings.size;
}

/** A channel as a leg of ours; null when it is somebody else's. */
function liveLeg(channel: AriChannel, app: string, followed: ReadonlySet<string>): LiveLeg | null {
  const args = stasisArguments(channel, app);
  if (args === null) {
    // Those that we dial are in the application only when answered, but it has their events from the first.
    if (!followed.has(channel.id) || channel.appName === 'Stasis') return null;
    const direction = channel.state === 'Ring' ? 'in' : 'out';
    if (direction === 'in') return null; // it entered before this list and has left
    return { leg: channel.id, direction, state: channel.state === 'Ringing' ? 'ringing' : 'dialling', arrival: null };
  }
  const arrival = readArrival(channel, args);
  if (arrival !== null) return { leg: channel.id, direction: 'in', state: channel.state === 'Up' ? 'up' : 'arriving', arrival };
  return args[0] === 'out' ? { leg: channel.id, direction: 'out', state: 'up', arrival: null } : null;
}

function legGone(cause?: unknown): SwitchError {
  return new SwitchError('legGone', 'the leg is gone', cause === undefined ? undefined : { cause });
}

/** Asterisk's answer behind an error; null when there was none. */
function statusOf(error: SwitchError): number | null {
  return error.cause instanceof AriError ? error.cause.status : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A set that forgets the oldest. */
class Remembered {
  readonly #items = new Set<string>();

  has(item: string): boolean {
    return this.#items.has(item);
  }

  add(item: string): void {
    this.#items.add(item);
    if (this.#items.size <= REMEMBERED) return;
    for (const oldest of this.#items) {
      this.#items.delete(oldest);
      return;
    }
  }
}
