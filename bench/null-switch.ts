/**
 * A switch that answers every order at once and carries no voice: what is left is the cost of deciding and committing. Whoever is
 * dialled rings and answers, whoever is joined to somebody has said it all in a moment, unless `talks` says that they go on.
 */
import type { BridgeId, LegId, PlayId, RecordingId } from '../src/base/ids.ts';
import { pcmWav } from '../src/base/wav.ts';
import type { Arrival, LiveLeg, OriginateOrder, SwitchEvent, SwitchPort, SwitchSnapshot } from '../src/cti/port.ts';

export class NullSwitch implements SwitchPort {
  readonly name = 'null';
  readonly connected = true;
  readonly #legs = new Map<LegId, LiveLeg>();
  readonly #plays = new Map<PlayId, LegId>();
  readonly #talksGoOn: boolean;
  #listener: (event: SwitchEvent) => void = () => undefined;
  #arrived = 0;

  constructor(options: { readonly talksGoOn?: boolean; readonly legs?: Iterable<LiveLeg> } = {}) {
    this.#talksGoOn = options.talksGoOn ?? false;
    for (const leg of options.legs ?? []) this.#legs.set(leg.leg, leg);
  }

  async connect(listener: (event: SwitchEvent) => void): Promise<void> {
    this.#listener = listener;
    listener({ type: 'resynchronised', snapshot: await this.snapshot() });
  }

  /** Somebody calls in. */
  arrive(callingNumber: string, calledNumber: string): LegId {
    this.#arrived += 1;
    const leg = `null-${this.#arrived}`;
    const arrival: Arrival = { callingNumber, callingName: null, presentation: 'allowed', calledNumber, trusted: true };
    this.#legs.set(leg, { leg, direction: 'in', state: 'arriving', arrival });
    this.#tell({ type: 'legArrived', leg, arrival });
    return leg;
  }

  async answer(leg: LegId): Promise<void> {
    const found = this.#legs.get(leg);
    if (found) this.#legs.set(leg, { ...found, state: 'up' });
  }
  async hangUp(leg: LegId): Promise<void> {
    this.#end(leg);
  }
  async originate({ leg }: OriginateOrder): Promise<void> {
    this.#legs.set(leg, { leg, direction: 'out', state: 'up', arrival: null });
    this.#tell({ type: 'legRinging', leg });
    this.#tell({ type: 'legAnswered', leg });
  }
  async play(leg: LegId, play: PlayId): Promise<void> {
    this.#plays.set(play, leg);
  }
  async stopPlay(play: PlayId): Promise<void> {
    const leg = this.#plays.get(play);
    this.#plays.delete(play);
    if (leg !== undefined) this.#tell({ type: 'playFinished', leg, play, outcome: 'stopped' });
  }
  async record(leg: LegId, recording: RecordingId): Promise<void> {
    this.#tell({ type: 'recordFinished', leg, recording, durationMs: 0, outcome: 'completed' });
  }
  async stopRecord(): Promise<void> {}
  async fetchRecording(): Promise<Buffer> {
    return pcmWav(Buffer.alloc(0));
  }
  async dropRecording(): Promise<void> {}
  async startMusic(): Promise<void> {}
  async stopMusic(): Promise<void> {}
  async join(_bridge: BridgeId, legs: readonly LegId[]): Promise<void> {
    const party = legs[0];
    if (party !== undefined && !this.#talksGoOn) this.#end(party);
  }
  async leave(): Promise<void> {}
  async dropBridge(): Promise<void> {}
  async hold(): Promise<void> {}
  async retrieve(): Promise<void> {}
  async snapshot(): Promise<SwitchSnapshot> {
    return { startedAt: null, legs: [...this.#legs.values()], bridges: [] };
  }
  async renewLeases(): Promise<void> {}
  async provision(): Promise<void> {}
  async isReachable(): Promise<boolean> {
    return true;
  }
  async close(): Promise<void> {
    this.#listener = () => undefined;
  }

  #end(leg: LegId): void {
    if (this.#legs.delete(leg)) this.#tell({ type: 'legEnded', leg, cause: 'normalClearing' });
  }

  /** Never inside an order: a real switch's events come later, too. */
  #tell(event: SwitchEvent): void {
    queueMicrotask(() => this.#listener(event));
  }
}
