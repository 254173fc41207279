/**
 * What every switch adapter does, whatever switch is behind it. `switchContract(name, makeHarness)` runs it; the harness plays
 * the outside world: callers, called parties, phones, and a line that breaks.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LegId, RecordingId } from '../../src/base/ids.ts';
import type { Address, LegCause, OriginateOrder, RecordOrder, SwitchEvent, SwitchPort, SwitchSnapshot } from '../../src/cti/port.ts';
import { durationMs, isSilent, toneStrength } from '../../src/tools/far-side/audio.ts';

/** One end of a call, outside of the switch. */
export interface RemoteParty {
  answered(): Promise<unknown>;
  ended(): Promise<unknown>;
  readonly hasEnded: boolean;
  sendDigits(digits: string): Promise<void>;
  hangUp(): Promise<unknown>;
}

export interface CalledParty extends RemoteParty {
  /** As the called party sees it. */
  readonly from: { readonly number: string; readonly name: string };
  answer(): Promise<void>;
}

export type CalledBehaviour = 'busy' | 'declines' | 'noAnswer' | 'unknownNumber';

export interface SwitchHarness {
  /** A new, unconnected adapter on the one switch: a controller that starts. */
  makeSwitch(): SwitchPort;
  /** Absolute paths without ending: half a second or so, and ten seconds or more. */
  readonly media: { readonly short: string; readonly long: string };
  callIn(call: { from: string; fromName?: string; to: string; withheld?: boolean }): Promise<RemoteParty>;
  /** The next call to this number, ringing. */
  nextCall(number: string): Promise<CalledParty>;
  behave(number: string, behaviour: CalledBehaviour): void;
  registerPhone(user: string, password: string): Promise<{ nextCall(): Promise<CalledParty>; unregister(): Promise<void> }>;
  /** Whether `to` hears what `from` says now. */
  hears(to: RemoteParty, from: RemoteParty): Promise<boolean>;
  /** Says a pure tone, and is silent afterwards; resolves when the tone is over. */
  says(party: RemoteParty, hz: number, ms: number): Promise<void>;
  /** Falls silent altogether, as telephones do that send nothing where there is nothing to be heard. */
  saysNothing(party: RemoteParty): Promise<void>;
  /** Whether there is any sound at this party's ear. */
  hearsSound(to: RemoteParty): Promise<boolean>;
  cutLine(): Promise<void>;
  mendLine(): Promise<void>;
  /** The switch dies and comes back empty. */
  restartSwitch(): Promise<void>;
  dispose(): Promise<void>;
}

type EventOf<Type extends SwitchEvent['type']> = Extract<SwitchEvent, { type: Type }>;

/** Everything that an adapter told, and a way to wait for what comes. */
export class Heard {
  readonly events: SwitchEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly listener = (event: SwitchEvent): void => {
    this.events.push(event);
    for (const look of [...this.#waiting]) look();
  };

  of<Type extends SwitchEvent['type']>(type: Type, about: Partial<EventOf<Type>> = {}): EventOf<Type>[] {
    const fits = (event: SwitchEvent): event is EventOf<Type> =>
      event.type === type && Object.entries(about).every(([name, value]) => Reflect.get(event, name) === value);
    return this.events.filter(fits);
  }

  /** The first of these events that has come or comes, from index `after` on. */
  async first<Type extends SwitchEvent['type']>(type: Type, about: Partial<EventOf<Type>> = {}, timeoutMs = 8000): Promise<EventOf<Type>> {
    return this.until(() => this.of(type, about)[0], `${type} ${JSON.stringify(about)}`, timeoutMs);
  }

  async until<T>(look: () => T | undefined, what: string, timeoutMs = 8000): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = (): void => {
      const found = look();
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(
      () => reject(new Error(`no ${what} within ${timeoutMs} ms; heard ${JSON.stringify(this.events.map(summary))}`)),
      timeoutMs,
    );
    this.#waiting.add(check);
    check();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(check);
    }
  }
}

function summary(event: SwitchEvent): string {
  const { type, ...rest } = event;
  return type === 'resynchronised' ? type : `${type} ${JSON.stringify(rest)}`;
}

const FROM = { number: '+81355550100', name: 'Madoguchi' };

export function switchContract(name: string, makeHarness: () => Promise<SwitchHarness>): void {
  describe(`${name} as a switch`, { timeout: 30_000 }, () => {
    let harness: SwitchHarness;
    let port: SwitchPort;
    let heard: Heard;

    beforeAll(async () => {
      harness = await makeHarness();
    }, 60_000);
    afterAll(async () => {
      await harness?.dispose();
    }, 30_000);
    beforeEach(async () => {
      port = harness.makeSwitch();
      heard = new Heard();
      await port.connect(heard.listener);
    });
    afterEach(async () => {
      await clear(port);
      await port.close();
    });

    const id = (kind: string): string => `${kind}-${randomUUID()}`;
    /** Somebody has called and was answered. */
    async function talking(from = '+81312345678'): Promise<{ leg: LegId; party: RemoteParty }> {
      const before = heard.of('legArrived').length;
      const party = await harness.callIn({ from, to: '1000' });
      const { leg } = await heard.until(() => heard.of('legArrived')[before], 'legArrived');
      await port.answer(leg);
      await party.answered();
      return { leg, party };
    }
    function order(to: Address, timeoutMs = 20_000): OriginateOrder {
      return { leg: id('leg'), to, from: FROM, timeoutMs };
    }
    const number = (digits: string): Address => ({ kind: 'number', number: digits });
    /** Somebody was called by us and has answered. */
    async function called(digits: string): Promise<{ leg: LegId; party: CalledParty }> {
      const given = order(number(digits));
      await port.originate(given);
      const party = await harness.nextCall(digits);
      await party.answer();
      await heard.first('legAnswered', { leg: given.leg });
      return { leg: given.leg, party };
    }
    async function endOf(leg: LegId, timeoutMs?: number): Promise<LegCause> {
      const { cause } = await heard.first('legEnded', { leg }, timeoutMs);
      await sleep(150); // a second one would come at once
      expect(heard.of('legEnded', { leg })).toHaveLength(1);
      return cause;
    }

    describe('a caller', () => {
      it('arrives with number, name and the number dialled, and is heard answered', async () => {
        const party = await harness.callIn({ from: '+81312345678', fromName: 'Sato', to: '1000' });
        const { leg, arrival } = await heard.first('legArrived');
        expect(arrival).toEqual({
          callingNumber: '+81312345678',
          callingName: 'Sato',
          presentation: 'allowed',
          calledNumber: '1000',
          trusted: true,
        });
        expect((await port.snapshot()).legs).toContainEqual({ leg, direction: 'in', state: 'arriving', arrival });
        await port.answer(leg);
        await port.answer(leg);
        await party.answered();
        expect((await port.snapshot()).legs).toContainEqual({ leg, direction: 'in', state: 'up', arrival });
        expect(heard.of('legArrived')).toHaveLength(1);
        expect(heard.of('legAnswered')).toEqual([]);
      });

      it('who withholds the number arrives without it', async () => {
        await harness.callIn({ from: '+81312345678', fromName: 'Sato', to: '1000', withheld: true });
        const { arrival } = await heard.first('legArrived');
        expect(arrival).toMatchObject({ callingNumber: null, callingName: null, presentation: 'restricted', calledNumber: '1000' });
      });

      it('who gives up before the answer has cancelled', async () => {
        const party = await harness.callIn({ from: '+81312345678', to: '1000' });
        const { leg } = await heard.first('legArrived');
        await party.hangUp();
        expect(await endOf(leg)).toBe('cancelled');
      });

      it('who hangs up ends the leg once', async () => {
        const { leg, party } = await talking();
        await party.hangUp();
        expect(await endOf(leg)).toBe('normalClearing');
        expect((await port.snapshot()).legs.map((live) => live.leg)).not.toContain(leg);
      });

      it('is hung up by us', async () => {
        const { leg, party } = await talking();
        await port.hangUp(leg, 'normal');
        await party.ended();
        expect(await endOf(leg)).toBe('normalClearing');
      });

      it('is refused as busy without an answer', async () => {
        const party = await harness.callIn({ from: '+81312345678', to: '1000' });
        const { leg } = await heard.first('legArrived');
        await port.hangUp(leg, 'busy');
        await party.ended();
        expect(await endOf(leg)).toBe('busy');
      });

      it('presses keys, each told once', async () => {
        const { leg, party } = await talking();
        await party.sendDigits('10023#');
        await heard.until(() => (heard.of('digit', { leg }).length >= 6 ? true : undefined), 'six digits');
        await sleep(150);
        expect(heard.of('digit', { leg }).map((event) => event.digit)).toEqual([...'10023#']);
      });
    });

    describe('a prompt', () => {
      it('of several media is played to its end, and told once', async () => {
        const { leg, party } = await talking();
        const play = id('play');
        await port.play(leg, play, [harness.media.short, harness.media.short]);
        await port.play(leg, play, [harness.media.short, harness.media.short]);
        expect(await harness.hearsSound(party)).toBe(true);
        expect(await heard.first('playFinished', { play })).toMatchObject({ leg, outcome: 'completed' });
        await port.play(leg, play, [harness.media.short]);
        await port.stopPlay(play);
        await sleep(150);
        expect(heard.of('playFinished', { play })).toHaveLength(1);
      });

      it('is stopped by the first key', async () => {
        const { leg, party } = await talking();
        const play = id('play');
        await port.play(leg, play, [harness.media.long]);
        await party.sendDigits('5');
        await heard.first('digit', { leg, digit: '5' });
        await Promise.all([port.stopPlay(play), port.stopPlay(play)]);
        expect(await heard.first('playFinished', { play }, 2000)).toMatchObject({ leg, outcome: 'stopped' });
        await sleep(150);
        expect(heard.of('playFinished', { play })).toHaveLength(1);
      });

      it('holds nothing else up: leases and other legs go on at once', async () => {
        const [one, two] = [await talking(), await talking('+81312340002')];
        await port.renewLeases([one.leg, two.leg], 60_000);
        await port.play(one.leg, id('play'), [harness.media.long]);
        const began = Date.now();
        await Promise.all([port.renewLeases([one.leg, two.leg], 60_000), port.startMusic(one.leg), port.startMusic(two.leg)]);
        await port.snapshot();
        expect(Date.now() - began).toBeLessThan(1500);
      });

      it('ends with its leg', async () => {
        const { leg, party } = await talking();
        const play = id('play');
        await port.play(leg, play, [harness.media.long]);
        await party.hangUp();
        await endOf(leg);
        expect(heard.of('playFinished', { play }).map((event) => event.outcome)).toEqual(['failed']);
      });

      it('that can not be said safely is refused', async () => {
        const { leg } = await talking();
        await expect(port.play(leg, id('play'), ['relative/path'])).rejects.toMatchObject({ code: 'refused' });
        await expect(port.play(leg, id('play'), [])).rejects.toMatchObject({ code: 'refused' });
      });
    });

    describe('a recording', () => {
      const LONG: RecordOrder = { longestMs: 60_000, silenceMs: 0, beep: false };
      /** What was recorded, as a file. */
      async function fetched(recording: RecordingId): Promise<string> {
        const file = join(folder, `${recording}.wav`);
        writeFileSync(file, await port.fetchRecording(recording));
        return file;
      }
      let folder: string;
      beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), 'recordings-'));
      });
      afterEach(() => rmSync(folder, { recursive: true }));

      it('holds what was said until it is stopped, and is told once', async () => {
        const { leg, party } = await talking();
        const recording = id('recording');
        await port.record(leg, recording, LONG);
        await port.record(leg, recording, LONG);
        await harness.says(party, 1000, 1500);
        await Promise.all([port.stopRecord(recording), port.stopRecord(recording)]);
        const finished = await heard.first('recordFinished', { recording });
        expect(finished).toMatchObject({ leg, outcome: 'completed' });
        await port.record(leg, recording, LONG);
        await port.stopRecord(recording);
        const file = await fetched(recording);
        expect(toneStrength(file, 1000)).toBeGreaterThan(0.8);
        expect(durationMs(file)).toBeGreaterThan(1000);
        expect(finished.durationMs).toBe(Math.floor(durationMs(file)));
        await sleep(150);
        expect(heard.of('recordFinished', { recording })).toHaveLength(1);
      });

      it('ends by silence, which is not in it', async () => {
        const { leg, party } = await talking();
        const recording = id('recording');
        await port.record(leg, recording, { ...LONG, silenceMs: 1000 });
        await harness.says(party, 1000, 1500);
        await heard.first('recordFinished', { recording, outcome: 'completed' });
        const file = await fetched(recording);
        expect(toneStrength(file, 1000, { toMs: 1000 })).toBeGreaterThan(0.8);
        expect(durationMs(file)).toBeLessThan(2400);
      });

      it('of one who says nothing is as good as empty', async () => {
        const { leg, party } = await talking();
        await harness.says(party, 1000, 100);
        const recording = id('recording');
        await port.record(leg, recording, { ...LONG, silenceMs: 1000 });
        const { durationMs: length } = await heard.first('recordFinished', { recording });
        expect(length).toBeLessThan(500);
      });

      it('ends by silence also where silence is not sent', async () => {
        const { leg, party } = await talking();
        const recording = id('recording');
        await port.record(leg, recording, { ...LONG, silenceMs: 1000 });
        await harness.says(party, 1000, 700);
        await harness.saysNothing(party);
        await heard.first('recordFinished', { recording, outcome: 'completed' });
        expect(toneStrength(await fetched(recording), 1000)).toBeGreaterThan(0.5);
      });

      it('ends when it has taken long enough', async () => {
        const { leg, party } = await talking();
        const recording = id('recording');
        await port.record(leg, recording, { ...LONG, longestMs: 1000 });
        const saying = harness.says(party, 1000, 3000);
        await heard.first('recordFinished', { recording, outcome: 'completed' });
        await saying;
        expect(isSilent(await fetched(recording))).toBe(false);
      });

      it('may be stopped in its beep', async () => {
        const { leg, party } = await talking();
        const recording = id('recording');
        await harness.says(party, 1000, 100);
        await port.record(leg, recording, { ...LONG, beep: true });
        await port.stopRecord(recording);
        await heard.first('recordFinished', { recording }, 3000);
        expect(durationMs(await fetched(recording))).toBeLessThan(1000);
      });

      it('begins when the prompt before it is over, and lets keys be heard', async () => {
        const { leg, party } = await talking();
        const [play, recording] = [id('play'), id('recording')];
        await port.play(leg, play, [harness.media.short]);
        await port.record(leg, recording, LONG);
        await heard.first('playFinished', { play, outcome: 'completed' });
        await harness.says(party, 1000, 700);
        await party.sendDigits('#');
        await heard.first('digit', { leg, digit: '#' });
        await port.stopRecord(recording);
        await heard.first('recordFinished', { recording, outcome: 'completed' });
        expect(isSilent(await fetched(recording))).toBe(false);
      });

      it('holds nothing else up: leases, music and other legs go on at once', async () => {
        const [one, two] = [await talking(), await talking('+81312340002')];
        const recording = id('recording');
        await port.renewLeases([one.leg], 60_000);
        await port.record(one.leg, recording, LONG);
        const began = Date.now();
        await Promise.all([port.renewLeases([one.leg, two.leg], 60_000), port.startMusic(one.leg), port.startMusic(two.leg)]);
        await port.snapshot();
        expect(Date.now() - began).toBeLessThan(1500);
        await harness.says(one.party, 1000, 100);
        await port.stopRecord(recording);
        await heard.first('recordFinished', { recording });
        await sleep(100);
        expect(await harness.hearsSound(one.party)).toBe(true);
      });

      it('keeps what was said when the caller hangs up, and is told before that', async () => {
        const { leg, party } = await talking();
        const recording = id('recording');
        await port.record(leg, recording, { ...LONG, silenceMs: 4000 });
        await harness.says(party, 1000, 1200);
        await party.hangUp();
        await endOf(leg);
        expect(heard.events.flatMap((event) => (event.type === 'recordFinished' || event.type === 'legEnded' ? event.type : []))).toEqual([
          'recordFinished',
          'legEnded',
        ]);
        expect(heard.of('recordFinished')).toMatchObject([{ leg, recording, outcome: 'completed' }]);
        expect(toneStrength(await fetched(recording), 1000)).toBeGreaterThan(0.8);
      });

      it('ends when its leg is joined with another', async () => {
        const [one, two] = [await talking(), await talking('+81312340002')];
        const recording = id('recording');
        await port.record(one.leg, recording, LONG);
        await harness.says(one.party, 1000, 700);
        await port.join(id('bridge'), [one.leg, two.leg]);
        await heard.first('recordFinished', { recording, outcome: 'completed' });
        expect(await harness.hears(two.party, one.party)).toBe(true);
        expect(isSilent(await fetched(recording))).toBe(false);
      });

      it('goes on while the line is cut; what ended meanwhile is told with the leg', async () => {
        const [stays, goes] = [await talking(), await talking('+81312340002')];
        const [one, two] = [id('recording'), id('recording')];
        await port.record(stays.leg, one, LONG);
        await port.record(goes.leg, two, LONG);
        await harness.says(goes.party, 1000, 1200);
        await harness.cutLine();
        await heard.first('disconnected');
        await goes.party.hangUp();
        await harness.mendLine();
        await heard.until(() => heard.of('resynchronised')[1], 'second resynchronised', 15_000);
        expect(await endOf(goes.leg)).toBe('unheard');
        expect(heard.of('recordFinished')).toMatchObject([{ leg: goes.leg, recording: two, outcome: 'completed' }]);
        expect(toneStrength(await fetched(two), 1000)).toBeGreaterThan(0.8);
        await harness.says(stays.party, 700, 700);
        await port.stopRecord(one);
        await heard.first('recordFinished', { recording: one, outcome: 'completed' });
        expect(toneStrength(await fetched(one), 700)).toBeGreaterThan(0.3);
      });

      it('is found by another controller: going on, over, or over with its leg', async () => {
        const [stays, stopped, goes] = [await talking(), await talking('+81312340002'), await talking('+81312340003')];
        const [one, two, three] = [id('recording'), id('recording'), id('recording')];
        await port.record(stays.leg, one, LONG);
        await port.record(stopped.leg, two, { ...LONG, longestMs: 1000 });
        await port.record(goes.leg, three, LONG);
        await Promise.all([
          harness.says(stays.party, 1000, 700),
          harness.says(stopped.party, 700, 1300),
          harness.says(goes.party, 500, 700),
        ]);
        await heard.first('recordFinished', { recording: two });
        await port.close();
        await goes.party.hangUp();

        port = harness.makeSwitch();
        heard = new Heard();
        await port.connect(heard.listener);
        expect(heard.of('recordFinished')).toEqual([]);
        await port.record(stays.leg, one, LONG);
        await port.record(stopped.leg, two, LONG);
        await port.record(goes.leg, three, LONG);
        await heard.first('recordFinished', { recording: two, leg: stopped.leg, outcome: 'completed' });
        await heard.first('recordFinished', { recording: three, leg: goes.leg, outcome: 'completed' });
        expect(heard.of('recordFinished', { recording: one })).toEqual([]);
        await harness.says(stays.party, 1000, 700);
        await port.stopRecord(one);
        await heard.first('recordFinished', { recording: one, outcome: 'completed' });
        expect(durationMs(await fetched(one))).toBeGreaterThan(1300);
        expect(toneStrength(await fetched(two), 700)).toBeGreaterThan(0.8);
        expect(toneStrength(await fetched(three), 500)).toBeGreaterThan(0.3);
      });

      it('is there until it is dropped', async () => {
        const { leg, party } = await talking();
        const recording = id('recording');
        await port.record(leg, recording, LONG);
        await harness.says(party, 1000, 300);
        await port.stopRecord(recording);
        await heard.first('recordFinished', { recording });
        await port.fetchRecording(recording);
        await port.dropRecording(recording);
        await port.dropRecording(recording);
        await expect(port.fetchRecording(recording)).rejects.toMatchObject({ code: 'recordingGone' });
        await port.stopRecord(recording);
        await port.record(leg, recording, LONG);
        await sleep(150);
        expect(heard.of('recordFinished', { recording })).toHaveLength(1);
      });

      it('has a safe name, and a leg that lives', async () => {
        const { leg, party } = await talking();
        for (const name of ['../evil', 'a/b', '.hidden', '', 'a b'])
          await expect(port.record(leg, name, LONG)).rejects.toMatchObject({ code: 'refused' });
        await expect(port.fetchRecording('../../etc/passwd')).rejects.toMatchObject({ code: 'recordingGone' });
        await party.hangUp();
        await endOf(leg);
        await expect(port.record(leg, id('recording'), LONG)).rejects.toMatchObject({ code: 'legGone' });
        await port.stopRecord(id('never'));
        expect(heard.of('recordFinished')).toEqual([]);
      });
    });

    describe('music', () => {
      it('sounds until it is stopped, and goes on after a prompt', async () => {
        const { leg, party } = await talking();
        expect(await harness.hearsSound(party)).toBe(false);
        await port.startMusic(leg);
        await port.startMusic(leg);
        expect(await harness.hearsSound(party)).toBe(true);
        const play = id('play');
        await port.play(leg, play, [harness.media.short]);
        await heard.first('playFinished', { play });
        await sleep(100);
        expect(await harness.hearsSound(party)).toBe(true);
        await port.stopMusic(leg);
        await port.stopMusic(leg);
        await sleep(100);
        expect(await harness.hearsSound(party)).toBe(false);
      });
    });

    describe('somebody whom we call', () => {
      it('rings, answers, sees our number, and hangs up', async () => {
        const given = order(number('+81300000001'));
        await port.originate(given);
        await port.originate(given);
        const party = await harness.nextCall('+81300000001');
        expect(party.from.number).toBe(FROM.number);
        await heard.first('legRinging', { leg: given.leg });
        expect((await port.snapshot()).legs).toContainEqual({ leg: given.leg, direction: 'out', state: 'ringing', arrival: null });
        await port.originate(given);
        await party.answer();
        await heard.first('legAnswered', { leg: given.leg });
        expect((await port.snapshot()).legs.filter((leg) => leg.direction === 'out')).toEqual([
          { leg: given.leg, direction: 'out', state: 'up', arrival: null },
        ]);
        await party.hangUp();
        expect(await endOf(given.leg)).toBe('normalClearing');
        expect(heard.of('legRinging', { leg: given.leg })).toHaveLength(1);
        expect(heard.of('legAnswered', { leg: given.leg })).toHaveLength(1);
        expect(heard.of('legArrived')).toEqual([]);
        await port.originate(given);
        await sleep(300);
        expect((await port.snapshot()).legs).toEqual([]);
      });

      it.each([
        ['busy', 'busy', 20_000],
        ['declines', 'rejected', 20_000],
        ['unknownNumber', 'invalidNumber', 20_000],
        ['noAnswer', 'noAnswer', 1000],
      ] as const)('who is %s: %s', async (behaviour, cause, timeoutMs) => {
        harness.behave('+81300000002', behaviour);
        const given = order(number('+81300000002'), timeoutMs);
        await port.originate(given);
        expect(await endOf(given.leg)).toBe(cause);
        expect(heard.of('legAnswered')).toEqual([]);
      });

      it('by a number or address that may not be dialled: invalidNumber', async () => {
        for (const to of [number('100,Dial'), number('1&PJSIP/2'), { kind: 'sip', uri: 'sip:a@b;x=y\r\nEvil: 1' }] as const) {
          const given = order(to);
          await port.originate(given);
          expect(await endOf(given.leg)).toBe('invalidNumber');
        }
      });

      it('and cancel while it rings', async () => {
        const given = order(number('+81300000003'));
        await port.originate(given);
        const party = await harness.nextCall('+81300000003');
        await port.hangUp(given.leg, 'normal');
        await party.ended();
        expect(await endOf(given.leg)).toBe('cancelled');
      });
    });

    describe('two legs', () => {
      it('joined hear each other, also when joined twice; alone they hear nothing, and live', async () => {
        const caller = await talking();
        await port.startMusic(caller.leg);
        const agent = await called('+81300000004');
        const bridge = id('bridge');
        await port.join(bridge, [caller.leg, agent.leg]);
        await port.join(bridge, [caller.leg, agent.leg]);
        expect(await harness.hears(caller.party, agent.party)).toBe(true);
        expect(await harness.hears(agent.party, caller.party)).toBe(true);
        const { bridges } = await port.snapshot();
        expect(bridges.find((live) => live.bridge === bridge)?.legs.toSorted()).toEqual([caller.leg, agent.leg].toSorted());

        await caller.party.sendDigits('7');
        await heard.first('digit', { leg: caller.leg, digit: '7' });

        await port.leave(bridge, agent.leg);
        await port.leave(bridge, agent.leg);
        expect(await harness.hears(caller.party, agent.party)).toBe(false);
        await port.join(bridge, [agent.leg]);
        expect(await harness.hears(caller.party, agent.party)).toBe(true);

        await port.dropBridge(bridge);
        await port.dropBridge(bridge);
        expect(await harness.hears(caller.party, agent.party)).toBe(false);
        expect((await port.snapshot()).legs).toHaveLength(2);
        expect((await port.snapshot()).bridges.map((live) => live.bridge)).not.toContain(bridge);
        expect(heard.of('legEnded')).toEqual([]);
      });

      it('are joined at once though one hears a prompt', async () => {
        const [one, two] = [await talking(), await talking('+81312340002')];
        const play = id('play');
        await port.startMusic(one.leg);
        await port.play(one.leg, play, [harness.media.long]);
        const began = Date.now();
        await port.join(id('bridge'), [one.leg, two.leg]);
        expect(Date.now() - began).toBeLessThan(1500);
        expect(await heard.first('playFinished', { play })).toMatchObject({ outcome: 'stopped' });
        expect(await harness.hears(two.party, one.party)).toBe(true);
        await sleep(200);
        expect(await harness.hearsSound(one.party)).toBe(false); // no music under the talk
      });

      it('when one hangs up the other lives on', async () => {
        const [one, two] = [await talking(), await talking('+81312340002')];
        await port.join(id('bridge'), [one.leg, two.leg]);
        await two.party.hangUp();
        expect(await endOf(two.leg)).toBe('normalClearing');
        expect((await port.snapshot()).legs.map((live) => live.leg)).toEqual([one.leg]);
        expect(one.party.hasEnded).toBe(false);
      });

      it('one is held with music, and retrieved', async () => {
        const [one, two] = [await talking(), await talking('+81312340002')];
        await port.join(id('bridge'), [one.leg, two.leg]);
        await port.hold(one.leg);
        await port.hold(one.leg);
        expect(await harness.hearsSound(one.party)).toBe(true);
        expect(await harness.hears(two.party, one.party)).toBe(false);
        await port.retrieve(one.leg);
        await port.retrieve(one.leg);
        expect(await harness.hears(two.party, one.party)).toBe(true);
        expect(await harness.hears(one.party, two.party)).toBe(true);
      });
    });

    describe('an order', () => {
      it('about a leg that is gone is told so', async () => {
        const { leg, party } = await talking();
        await party.hangUp();
        await endOf(leg);
        const gone = { code: 'legGone' };
        for (const dead of [leg, id('never')]) {
          await expect(port.answer(dead)).rejects.toMatchObject(gone);
          await expect(port.hangUp(dead, 'normal')).rejects.toMatchObject(gone);
          await expect(port.play(dead, id('play'), [harness.media.short])).rejects.toMatchObject(gone);
          await expect(port.startMusic(dead)).rejects.toMatchObject(gone);
          await expect(port.stopMusic(dead)).rejects.toMatchObject(gone);
          await expect(port.hold(dead)).rejects.toMatchObject(gone);
          await expect(port.retrieve(dead)).rejects.toMatchObject(gone);
          await expect(port.join(id('bridge'), [dead])).rejects.toMatchObject(gone);
          await expect(port.leave(id('bridge'), dead)).rejects.toMatchObject(gone);
          await port.renewLeases([dead], 60_000);
        }
        await port.stopPlay(id('never'));
        await port.dropBridge(id('never'));
        expect(heard.of('legEnded')).toHaveLength(1);
      });

      it('given without a connection is refused as notConnected', async () => {
        const { leg } = await talking();
        await harness.cutLine();
        try {
          await heard.first('disconnected');
          expect(port.connected).toBe(false);
          const refused = { code: 'notConnected' };
          await expect(port.startMusic(leg)).rejects.toMatchObject(refused);
          await expect(port.originate(order(number('+81300000009')))).rejects.toMatchObject(refused);
          await expect(port.snapshot()).rejects.toMatchObject(refused);
        } finally {
          await harness.mendLine();
        }
        await heard.until(() => heard.of('resynchronised')[1], 'second resynchronised', 15_000);
        expect(port.connected).toBe(true);
        await port.startMusic(leg);
      });
    });

    describe('after the line was cut', () => {
      it('tells what lived on, what ended, and what arrived meanwhile', async () => {
        const stays = await talking('+81312340001');
        const goes = await talking('+81312340002');
        const bridge = id('bridge');
        await port.join(bridge, [stays.leg]);
        await harness.cutLine();
        await heard.first('disconnected');
        await goes.party.hangUp();
        const comer = await harness.callIn({ from: '+81312340003', to: '2000' });
        expect(stays.party.hasEnded).toBe(false);
        await harness.mendLine();

        const { snapshot } = await heard.until(() => heard.of('resynchronised')[1], 'second resynchronised', 15_000);
        expect(snapshot.legs.find((leg) => leg.leg === stays.leg)).toMatchObject({ direction: 'in', state: 'up' });
        expect(snapshot.legs.map((leg) => leg.leg)).not.toContain(goes.leg);
        expect(snapshot.bridges).toContainEqual({ bridge, legs: [stays.leg] });
        expect(await endOf(goes.leg)).toBe('unheard');

        // Either it is in the snapshot or it arrives afterwards, not both.
        const calledHere = (): LegId[] => [
          ...snapshot.legs.filter((leg) => leg.arrival?.calledNumber === '2000').map((leg) => leg.leg),
          ...heard.of('legArrived').flatMap((event) => (event.arrival.calledNumber === '2000' ? [event.leg] : [])),
        ];
        await heard.until(() => calledHere()[0], 'the caller of 2000', 10_000);
        await sleep(200);
        expect(calledHere()).toHaveLength(1);
        await port.answer(calledHere()[0] ?? '');
        await comer.answered();

        await stays.party.sendDigits('1');
        await heard.first('digit', { leg: stays.leg, digit: '1' });
        await stays.party.hangUp();
        expect(await endOf(stays.leg)).toBe('normalClearing');
      });

      it('another controller takes over what lives', async () => {
        const caller = await talking();
        const agent = await called('+81300000005');
        const bridge = id('bridge');
        await port.join(bridge, [caller.leg, agent.leg]);
        await port.close();

        expect(await harness.hears(caller.party, agent.party)).toBe(true);
        port = harness.makeSwitch();
        heard = new Heard();
        const ordered: Promise<unknown>[] = [];
        await port.connect((event) => {
          heard.listener(event);
          // Orders may be given as soon as it is told what lives.
          if (event.type === 'resynchronised') ordered.push(port.renewLeases([caller.leg, agent.leg], 60_000));
        });
        await Promise.all(ordered);
        expect(ordered).toHaveLength(1);
        const { snapshot } = await heard.first('resynchronised');
        expect(heard.events[0]?.type).toBe('resynchronised');
        const found: Pick<SwitchSnapshot, 'legs'> = { legs: snapshot.legs.toSorted((a, b) => a.direction.localeCompare(b.direction)) };
        expect(found.legs).toMatchObject([
          { leg: caller.leg, direction: 'in', state: 'up', arrival: { callingNumber: '+81312345678', calledNumber: '1000' } },
          { leg: agent.leg, direction: 'out', state: 'up', arrival: null },
        ]);
        expect(snapshot.bridges.find((live) => live.bridge === bridge)?.legs).toHaveLength(2);
        await port.join(bridge, [caller.leg, agent.leg]);
        await port.hangUp(agent.leg, 'normal');
        expect(await endOf(agent.leg)).toBe('normalClearing');
        await port.leave(bridge, caller.leg);
        await port.startMusic(caller.leg);
        expect(await harness.hearsSound(caller.party)).toBe(true);
        await caller.party.hangUp();
        expect(await endOf(caller.leg)).toBe('normalClearing');
      });
    });

    describe('another controller', () => {
      it('finds who arrived and was not answered, and what still plays', async () => {
        const waiting = await harness.callIn({ from: '+81312340004', to: '3000' });
        await heard.first('legArrived');
        const hearing = await talking('+81312340005');
        const play = id('play');
        await port.play(hearing.leg, play, [harness.media.long]);
        await port.close();

        port = harness.makeSwitch();
        heard = new Heard();
        await port.connect(heard.listener);
        const { snapshot } = await heard.first('resynchronised');
        const late = snapshot.legs.find((leg) => leg.arrival?.calledNumber === '3000');
        expect(late).toMatchObject({ state: 'arriving', arrival: { callingNumber: '+81312340004', trusted: true } });
        await port.answer(late?.leg ?? '');
        await waiting.answered();

        // The order of the one before, given again: it goes on, and is not played twice.
        await port.play(hearing.leg, play, [harness.media.long]);
        const began = Date.now();
        await port.snapshot();
        await port.stopPlay(play);
        expect(await heard.first('playFinished', { play })).toMatchObject({ leg: hearing.leg, outcome: 'stopped' });
        expect(Date.now() - began).toBeLessThan(2000);
        await sleep(200);
        expect(await harness.hearsSound(hearing.party)).toBe(false);
        expect(heard.of('legArrived')).toEqual([]);
      });
    });

    describe('a lease', () => {
      it('that is renewed keeps a leg; one that is not lets it die', async () => {
        const [kept, left] = [await talking(), await talking('+81312340002')];
        await port.renewLeases([kept.leg, left.leg], 1500);
        await port.renewLeases([kept.leg], 60_000);
        expect(await endOf(left.leg, 4000)).toBe('leaseExpired');
        await left.party.ended();
        await sleep(500);
        expect(heard.of('legEnded', { leg: kept.leg })).toEqual([]);
      });
    });

    describe('a phone', () => {
      const phone = { name: `phone-${randomUUID().slice(0, 8)}`, kind: 'deskPhone', password: 'Very-secret-1' } as const;

      it('that is let in registers, is called, and is gone', async () => {
        await port.provision([phone]);
        await port.provision([phone]);
        expect(await port.isReachable(phone.name)).toBe(false);
        const nobody = order({ kind: 'endpoint', endpoint: phone.name }, 3000);
        await port.originate(nobody);
        expect(await endOf(nobody.leg)).toBe('unreachable');

        const registered = await harness.registerPhone(phone.name, phone.password);
        await heard.first('endpointReachable', { endpoint: phone.name, reachable: true });
        expect(await port.isReachable(phone.name)).toBe(true);
        const given = order({ kind: 'endpoint', endpoint: phone.name });
        await port.originate(given);
        const party = await registered.nextCall();
        await party.answer();
        await heard.first('legAnswered', { leg: given.leg });
        await party.sendDigits('12');
        await heard.first('digit', { leg: given.leg, digit: '2' });
        await sleep(150);
        expect(heard.of('digit', { leg: given.leg }).map((event) => event.digit)).toEqual(['1', '2']);
        await port.hangUp(given.leg, 'normal');
        expect(await endOf(given.leg)).toBe('normalClearing');

        await registered.unregister();
        const last = (): boolean | undefined => heard.of('endpointReachable', { endpoint: phone.name }).at(-1)?.reachable;
        await heard.until(() => (last() === false ? true : undefined), 'endpointReachable false');
        expect(await port.isReachable(phone.name)).toBe(false);
      });

      it('is let in again after the switch died, and every leg has ended', async () => {
        const { leg } = await talking();
        const again = { ...phone, name: `${phone.name}b` };
        await port.provision([again]);
        await harness.restartSwitch();
        const { snapshot } = await heard.until(() => heard.of('resynchronised')[1], 'second resynchronised', 20_000);
        expect(snapshot).toMatchObject({ legs: [], bridges: [] });
        expect(snapshot.startedAt).toBeGreaterThan(heard.of('resynchronised')[0]?.snapshot.startedAt ?? Number.NaN);
        expect(await endOf(leg)).toBe('switchLost');
        const registered = await harness.registerPhone(again.name, again.password);
        await heard.first('endpointReachable', { endpoint: again.name, reachable: true });
        await registered.unregister();
      });
    });
  });
}

/** Leaves nothing behind for the next test. */
async function clear(port: SwitchPort): Promise<void> {
  if (!port.connected) return;
  const { legs, bridges } = await port.snapshot();
  await Promise.allSettled(legs.map((leg) => port.hangUp(leg.leg, 'normal'))); // they may be gone by themselves
  await Promise.allSettled(bridges.map((bridge) => port.dropBridge(bridge.bridge)));
  for (let tries = 0; tries < 50 && (await port.snapshot()).legs.length > 0; tries += 1) await sleep(20);
}
