/**
 * The one telephony interface, in the language of legs. A switch (Asterisk, FreeSWITCH, memory) sits behind it, and
 * nothing of the vendor's passes through: no Stasis, no ESL, no INVITE. Every adapter passes `test/contract/switch.ts`.
 *
 * Orders are idempotent: giving the same one twice has the effect of giving it once. An order about a leg that is
 * already gone rejects with `SwitchError` code `legGone`; the leg's own `legEnded` has then been, or is about to be, sent.
 */
import type { BridgeId, EpochMs, LegId, PlayId, RecordingId } from '../base/ids.ts';

/** Why a leg ended, as far as the switch can tell. From Q.850/SIP by `asterisk/causes.ts` and its like. */
export type LegCause =
  | 'normalClearing' // hung up after it was answered
  | 'cancelled' // hung up by its maker before it was answered
  | 'busy'
  | 'noAnswer'
  | 'rejected'
  | 'unreachable' // not registered, no route, network failure
  | 'invalidNumber'
  | 'congestion'
  | 'leaseExpired' // the controller stopped renewing
  | 'switchLost' // the switch died, and the leg with it
  | 'unheard' // it ended while nobody listened to the switch, who knows why
  | 'unknown';

/** What a switch can be asked for when it hangs up. */
export type HangUpReason = 'normal' | 'busy' | 'rejected' | 'congestion' | 'noAnswer';

/** Where a leg is dialled to. The adapter makes its own dial string of it. */
export type Address =
  | { readonly kind: 'endpoint'; readonly endpoint: string } // one that we provisioned: an agent's browser or desk phone
  | { readonly kind: 'number'; readonly number: string } // E.164, out by the trunk
  | { readonly kind: 'sip'; readonly uri: string }; // sip:user@host, any

/** What is known of an incoming leg from its signalling, before anything is looked up. */
export interface Arrival {
  /** As sent: P-Asserted-Identity when the peer is trusted, else From. Null when there is none or it is withheld. */
  readonly callingNumber: string | null;
  readonly callingName: string | null;
  /** `restricted`: the caller withholds the number. `unavailable`: the network has none. */
  readonly presentation: 'allowed' | 'restricted' | 'unavailable';
  /** The dialled number or short code (DNIS), as sent. */
  readonly calledNumber: string;
  /** Whether it came by a trunk that we trust, or from anybody. */
  readonly trusted: boolean;
}

export interface LiveLeg {
  readonly leg: LegId;
  readonly direction: 'in' | 'out';
  readonly state: 'arriving' | 'dialling' | 'ringing' | 'up';
  /** Set for incoming legs, so that one that arrived while nobody listened can be taken in late. */
  readonly arrival: Arrival | null;
}

export interface LiveBridge {
  readonly bridge: BridgeId;
  readonly legs: readonly LegId[];
}

export interface SwitchSnapshot {
  /** When the switch began to run, by its own clock: legs that are older died with the one before. Null: not known. */
  readonly startedAt: EpochMs | null;
  readonly legs: readonly LiveLeg[];
  readonly bridges: readonly LiveBridge[];
}

/** A phone that the switch lets register: an agent's browser (WebRTC) or desk phone (SIP). */
export interface Endpoint {
  readonly name: string;
  readonly kind: 'browser' | 'deskPhone';
  readonly password: string;
}

export type SwitchEvent =
  | { readonly type: 'legArrived'; readonly leg: LegId; readonly arrival: Arrival }
  | { readonly type: 'legRinging'; readonly leg: LegId }
  /** An outgoing leg was answered. Incoming legs have none: the controller answers them itself. */
  | { readonly type: 'legAnswered'; readonly leg: LegId }
  /** Once for each leg, whatever happens. */
  | { readonly type: 'legEnded'; readonly leg: LegId; readonly cause: LegCause }
  /** One of 0-9 * # A-D, once per key press. */
  | { readonly type: 'digit'; readonly leg: LegId; readonly digit: string }
  | {
      readonly type: 'playFinished';
      readonly leg: LegId;
      readonly play: PlayId;
      readonly outcome: 'completed' | 'stopped' | 'failed';
    }
  /**
   * Once for each recording that was begun, and before its leg's `legEnded`: what was said up to then is kept. `completed`: it can be
   * fetched, be it all but empty. `failed`: there is nothing.
   */
  | {
      readonly type: 'recordFinished';
      readonly leg: LegId;
      readonly recording: RecordingId;
      readonly durationMs: number;
      readonly outcome: 'completed' | 'failed';
    }
  | { readonly type: 'endpointReachable'; readonly endpoint: string; readonly reachable: boolean }
  /** Sent after every (re)connection: what lives there now. What we believed and is not in it, ended meanwhile. */
  | { readonly type: 'resynchronised'; readonly snapshot: SwitchSnapshot }
  | { readonly type: 'disconnected'; readonly error: string };

export type SwitchErrorCode = 'legGone' | 'bridgeGone' | 'recordingGone' | 'notConnected' | 'timeout' | 'refused' | 'failed';

/** A failed order. `message` holds no caller's data; the vendor's answer is the `cause`. */
export class SwitchError extends Error {
  readonly code: SwitchErrorCode;
  constructor(code: SwitchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SwitchError';
    this.code = code;
  }
}

export interface OriginateOrder {
  /** Ours, made beforehand: a second originate with the same leg is recognised and does nothing. */
  readonly leg: LegId;
  readonly to: Address;
  /** The number shown to whom we call. */
  readonly from: { readonly number: string; readonly name: string };
  readonly timeoutMs: number;
}

export interface RecordOrder {
  /** It ends by itself after so long; switches count in whole seconds. */
  readonly longestMs: number;
  /** It ends when nothing was said for so long, which is then not in it; 0: silence ends nothing. In whole seconds, too. */
  readonly silenceMs: number;
  /** A tone before it, which is not in it. */
  readonly beep: boolean;
}

export interface SwitchPort {
  readonly name: string;
  /** Resolves when connected for the first time and `resynchronised` has been sent; reconnects by itself ever after. */
  connect(listener: (event: SwitchEvent) => void): Promise<void>;
  readonly connected: boolean;

  answer(leg: LegId): Promise<void>;
  hangUp(leg: LegId, reason: HangUpReason): Promise<void>;
  originate(order: OriginateOrder): Promise<void>;
  /** Plays media one after another; `playFinished` follows. Media are absolute paths without ending, or `tone:NAME`. */
  play(leg: LegId, play: PlayId, media: readonly string[]): Promise<void>;
  stopPlay(play: PlayId): Promise<void>;
  /**
   * Records what comes from the leg, until silence, the longest time, `stopRecord`, or the leg's end; `recordFinished` follows. What is
   * played to it comes before or after; joining it with others ends the recording. The id is letters, digits, `_`, `-` and `.`, and is
   * used once for ever.
   *
   * Given again, it changes nothing. By another controller, it tells how it stands: the recording goes on and its end will be told, or
   * that is told at once, also when the leg is gone; only what was never begun is begun now.
   */
  record(leg: LegId, recording: RecordingId, order: RecordOrder): Promise<void>;
  /** Ends a recording; what was said is kept. Nothing, when it is over. */
  stopRecord(recording: RecordingId): Promise<void>;
  /** What was recorded: a WAV file, 16 bit PCM, 8 kHz, mono. The switch keeps it until it is dropped. @throws SwitchError `recordingGone` */
  fetchRecording(recording: RecordingId): Promise<Buffer>;
  /** The switch may forget it. Nothing, when there is none. */
  dropRecording(recording: RecordingId): Promise<void>;
  startMusic(leg: LegId): Promise<void>;
  stopMusic(leg: LegId): Promise<void>;
  /** Makes the bridge if it is not there, and sees to it that these legs (and their music off) are in it. */
  join(bridge: BridgeId, legs: readonly LegId[]): Promise<void>;
  /** Takes a leg out; the others stay. */
  leave(bridge: BridgeId, leg: LegId): Promise<void>;
  /** Removes the bridge; legs in it stay alive, alone. */
  dropBridge(bridge: BridgeId): Promise<void>;
  hold(leg: LegId): Promise<void>;
  retrieve(leg: LegId): Promise<void>;

  snapshot(): Promise<SwitchSnapshot>;
  /** Each leg dies by itself unless this is called again within `ttlMs`: no orphan lives for ever. */
  renewLeases(legs: readonly LegId[], ttlMs: number): Promise<void>;
  /** Lets these phones register. Kept by the adapter and pushed again when the switch comes back empty. */
  provision(endpoints: readonly Endpoint[]): Promise<void>;
  isReachable(endpoint: string): Promise<boolean>;
  /** Stops listening. Legs live on. */
  close(): Promise<void>;
}
