/**
 * What Asterisk sends, read at the door: events and the channels, bridges, endpoints inside them. Only what is used is read,
 * and what is not as expected becomes null or `ignored`, since a newer Asterisk may send anything.
 */
import type { EpochMs } from '../../base/ids.ts';
import type { Arrival } from '../port.ts';
import type { AriEvent } from './ari.ts';

export interface AriChannel {
  readonly id: string;
  /** Down, Ring (they call us), Ringing (we call them), Up, … */
  readonly state: string;
  readonly callerNumber: string;
  readonly callerName: string;
  readonly exten: string;
  /** What the dialplan runs: `Stasis` while it is ours. */
  readonly appName: string;
  readonly appData: string;
}

export interface AriBridge {
  readonly id: string;
  readonly name: string;
  readonly channels: readonly string[];
}

/** Events in a shape that the adapter can switch on. */
export type SwitchedEvent =
  | { readonly kind: 'entered'; readonly channel: AriChannel; readonly args: readonly string[] }
  | { readonly kind: 'left'; readonly channel: AriChannel }
  | { readonly kind: 'ringing'; readonly channel: string }
  | { readonly kind: 'hangupAsked'; readonly channel: string; readonly by: 'farEnd' | 'order' | 'shutdown' }
  | { readonly kind: 'destroyed'; readonly channel: string; readonly q850: number; readonly sip: number | null }
  | { readonly kind: 'digit'; readonly channel: string; readonly digit: string; readonly stamp: string }
  | { readonly kind: 'played'; readonly playback: string; readonly state: string }
  | { readonly kind: 'recording'; readonly recording: string }
  | {
      readonly kind: 'recorded';
      readonly recording: string;
      /** Null: not one of a channel. */
      readonly channel: string | null;
      /** There is a file; how long it is, Asterisk tells in whole seconds, rounded now up, now down. */
      readonly isThere: boolean;
    }
  | { readonly kind: 'endpoint'; readonly name: string }
  | { readonly kind: 'ignored' };

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}
function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function readChannel(value: unknown): AriChannel | null {
  const channel = fields(value);
  if (channel === null || text(channel['id']) === '') return null;
  const caller = fields(channel['caller']);
  const dialplan = fields(channel['dialplan']);
  return {
    id: text(channel['id']),
    state: text(channel['state']),
    callerNumber: text(caller?.['number']),
    callerName: text(caller?.['name']),
    exten: text(dialplan?.['exten']),
    appName: text(dialplan?.['app_name']),
    appData: text(dialplan?.['app_data']),
  };
}

export function readChannels(value: unknown): readonly AriChannel[] {
  return list(value).flatMap((item) => readChannel(item) ?? []);
}

export function readBridge(value: unknown): AriBridge | null {
  const bridge = fields(value);
  if (bridge === null || text(bridge['id']) === '') return null;
  return { id: text(bridge['id']), name: text(bridge['name']), channels: list(bridge['channels']).map(text) };
}

export function readBridges(value: unknown): readonly AriBridge[] {
  return list(value).flatMap((item) => readBridge(item) ?? []);
}

/** `channel_ids` of an application: every channel that it gets events of. */
export function readApplicationChannels(value: unknown): ReadonlySet<string> {
  return new Set(list(fields(value)?.['channel_ids']).map(text));
}

/** `state` of an endpoint: `online`, `offline`, `unknown`. */
export function readEndpointState(value: unknown): string {
  return text(fields(value)?.['state']);
}

/** `status.startup_time` of `GET /asterisk/info`: another one means another process, which has forgotten what was pushed. */
export function readStartupTime(value: unknown): string {
  return text(fields(fields(value)?.['status'])?.['startup_time']);
}

/** The same as a time; null when it can't be read. */
export function readStartedAt(value: unknown): EpochMs | null {
  const startedAt = Date.parse(readStartupTime(value).replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  return Number.isNaN(startedAt) ? null : startedAt;
}

/** `rxcount` of `GET …/rtp_statistics`: packets that came; null when it is not told. */
export function readReceivedPackets(value: unknown): number | null {
  return number(fields(value)?.['rxcount']);
}

/** `value` of `GET …/variable`. */
export function readVariable(value: unknown): string {
  return text(fields(value)?.['value']);
}

/** Puts an event of the REST Interface into our shape; what we don't use is `ignored`. */
export function readEvent(event: AriEvent): SwitchedEvent {
  const channel = readChannel(event['channel']);
  switch (event.type) {
    case 'StasisStart':
      return channel === null ? IGNORED : { kind: 'entered', channel, args: list(event['args']).map(text) };
    case 'StasisEnd':
      return channel === null ? IGNORED : { kind: 'left', channel };
    case 'ChannelStateChange':
      return channel?.state === 'Ringing' ? { kind: 'ringing', channel: channel.id } : IGNORED;
    case 'Dial': {
      // PROGRESS (183) is early media: somebody is there.
      const peer = readChannel(event['peer']);
      const rings = event['dialstatus'] === 'RINGING' || event['dialstatus'] === 'PROGRESS';
      return peer !== null && rings ? { kind: 'ringing', channel: peer.id } : IGNORED;
    }
    case 'ChannelHangupRequest':
      if (channel === null) return IGNORED;
      // `soft`: by an order, ours or the console's. Its cause is then a flag of channel.h, no Q.850.
      if (event['soft'] !== true) return { kind: 'hangupAsked', channel: channel.id, by: 'farEnd' };
      return { kind: 'hangupAsked', channel: channel.id, by: event['cause'] === SOFTHANGUP_SHUTDOWN ? 'shutdown' : 'order' };
    case 'ChannelDestroyed':
      return channel === null
        ? IGNORED
        : { kind: 'destroyed', channel: channel.id, q850: number(event['cause']) ?? 0, sip: number(event['tech_cause']) };
    case 'ChannelDtmfReceived':
      return channel === null
        ? IGNORED
        : { kind: 'digit', channel: channel.id, digit: text(event['digit']), stamp: text(event['timestamp']) };
    case 'PlaybackFinished': {
      const playback = fields(event['playback']);
      return { kind: 'played', playback: text(playback?.['id']), state: text(playback?.['state']) };
    }
    case 'RecordingStarted':
      return { kind: 'recording', recording: text(fields(event['recording'])?.['name']) };
    case 'RecordingFinished':
    case 'RecordingFailed': {
      const recording = fields(event['recording']);
      const target = text(recording?.['target_uri']);
      return {
        kind: 'recorded',
        recording: text(recording?.['name']),
        channel: target.startsWith('channel:') ? target.slice('channel:'.length) : null,
        // Whoever hangs up in front of it leaves one that is `done`, but has no length and no file.
        isThere: event.type === 'RecordingFinished' && number(recording?.['duration']) !== null,
      };
    }
    case 'ContactStatusChange':
    case 'PeerStatusChange':
      return { kind: 'endpoint', name: text(fields(event['endpoint'])?.['resource']) };
    default:
      return IGNORED;
  }
}
/** `AST_SOFTHANGUP_SHUTDOWN`: Asterisk is being stopped. */
const SOFTHANGUP_SHUTDOWN = 4;
const IGNORED: SwitchedEvent = { kind: 'ignored' };

/** The arguments of `Stasis(app,…)` in `dialplan.app_data`, without the application's name. Null when it is another's. */
export function stasisArguments(channel: AriChannel, app: string): readonly string[] | null {
  if (channel.appName !== 'Stasis') return null;
  const [name, ...args] = channel.appData.split(',');
  return name === app ? args : null;
}

/** From the channel and `in,<trusted|public>,<CALLERID(num-pres)>,<number dialled>` (conf/extensions.conf). Null: no arrival. */
export function readArrival(channel: AriChannel, args: readonly string[]): Arrival | null {
  const [direction, trust = '', shown = '', ...dialled] = args;
  if (direction !== 'in') return null;
  // Without a P-Asserted-Identity, RFC 3323 puts `anonymous` into the From.
  const anonymous = /^anonymous$/i.test(channel.callerNumber);
  const presentation =
    shown.startsWith('prohib') || anonymous
      ? 'restricted'
      : shown.startsWith('unavailable') || channel.callerNumber === ''
        ? 'unavailable'
        : 'allowed';
  const allowed = presentation === 'allowed';
  return {
    callingNumber: allowed ? channel.callerNumber : null,
    callingName: allowed && channel.callerName !== '' ? channel.callerName : null,
    presentation,
    calledNumber: dialled.length > 0 && dialled[0] !== '' ? dialled.join(',') : channel.exten,
    trusted: trust === 'trusted',
  };
}
