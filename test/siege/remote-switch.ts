/** The port of a switch that lives in another process. */

import type { SwitchEvent, SwitchPort, SwitchSnapshot } from '#src/cti/port.ts';
import {
  type Endpoint,
  type HangUpReason,
  type OriginateOrder,
  type RecordOrder,
  SwitchError,
  type SwitchErrorCode,
} from '#src/cti/port.ts';
import { RemoteError, type Wire } from './wire.ts';

/** As a real adapter's: a switch that says nothing for so long is asked again. */
const ORDER_TIMEOUT_MS = 5_000;
const CODES: ReadonlySet<string> = new Set<SwitchErrorCode>([
  'legGone',
  'bridgeGone',
  'recordingGone',
  'notConnected',
  'timeout',
  'refused',
  'failed',
]);

export class RemoteSwitch implements SwitchPort {
  readonly name = 'remote';
  readonly #wire: () => Wire;
  #listener: ((event: SwitchEvent) => void) | null = null;

  constructor(wire: () => Wire) {
    this.#wire = wire;
  }

  get connected(): boolean {
    return this.#listener !== null;
  }

  /** What the other process told. */
  hear(event: SwitchEvent): void {
    this.#listener?.(event);
  }

  async connect(listener: (event: SwitchEvent) => void): Promise<void> {
    this.#listener = listener;
    await this.#order('listen');
  }

  answer = (leg: string): Promise<void> => this.#order('answer', leg);
  hangUp = (leg: string, reason: HangUpReason): Promise<void> => this.#order('hangUp', leg, reason);
  originate = (order: OriginateOrder): Promise<void> => this.#order('originate', order);
  play = (leg: string, play: string, media: readonly string[]): Promise<void> => this.#order('play', leg, play, media);
  stopPlay = (play: string): Promise<void> => this.#order('stopPlay', play);
  record = (leg: string, recording: string, order: RecordOrder): Promise<void> => this.#order('record', leg, recording, order);
  stopRecord = (recording: string): Promise<void> => this.#order('stopRecord', recording);
  dropRecording = (recording: string): Promise<void> => this.#order('dropRecording', recording);
  startMusic = (leg: string): Promise<void> => this.#order('startMusic', leg);
  stopMusic = (leg: string): Promise<void> => this.#order('stopMusic', leg);
  join = (bridge: string, legs: readonly string[]): Promise<void> => this.#order('join', bridge, legs);
  leave = (bridge: string, leg: string): Promise<void> => this.#order('leave', bridge, leg);
  dropBridge = (bridge: string): Promise<void> => this.#order('dropBridge', bridge);
  hold = (leg: string): Promise<void> => this.#order('hold', leg);
  retrieve = (leg: string): Promise<void> => this.#order('retrieve', leg);
  renewLeases = (legs: readonly string[], ttlMs: number): Promise<void> => this.#order('renewLeases', legs, ttlMs);
  provision = (endpoints: readonly Endpoint[]): Promise<void> => this.#order('provision', endpoints);

  async fetchRecording(recording: string): Promise<Buffer> {
    const { data } = (await this.#ask('fetchRecording', recording)) as { data: number[] }; // a Buffer, as JSON has it
    return Buffer.from(data);
  }

  async snapshot(): Promise<SwitchSnapshot> {
    return (await this.#ask('snapshot')) as SwitchSnapshot;
  }

  async isReachable(endpoint: string): Promise<boolean> {
    return (await this.#ask('isReachable', endpoint)) as boolean;
  }

  async close(): Promise<void> {
    this.#listener = null;
  }

  async #order(method: string, ...args: unknown[]): Promise<void> {
    await this.#ask(method, ...args);
  }

  async #ask(method: string, ...args: unknown[]): Promise<unknown> {
    try {
      return await this.#wire().ask(method, args, ORDER_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const code = error.code === 'closed' ? 'notConnected' : CODES.has(error.code) ? (error.code as SwitchErrorCode) : 'failed';
      throw new SwitchError(code, error.message, { cause: error });
    }
  }
}
