/**
 * Tests of scenario files as real calls: a real floor on a real Postgres and a real Asterisk, whose callers press real keys. Each test has a
 * number of its own (a line), and what it is given is so for whoever calls that: known codes, answers of services, closed desks.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { isMap, parseDocument } from 'yaml';
import { unwrap } from '#src/base/checked-yaml.ts';
import type { ContactId, LegId } from '#src/base/ids.ts';
import { tonesToWav } from '#src/base/tones.ts';
import { Controller } from '#src/contact/controller.ts';
import type { FloorContext } from '#src/contact/floor.ts';
import { readCallingNumber } from '#src/contact/identify.ts';
import type { Contact, FloorEvent } from '#src/contact/model.ts';
import { AriWebSocket } from '#src/cti/asterisk/ari-ws.ts';
import { AsteriskSwitch } from '#src/cti/asterisk/switch.ts';
import type { SwitchEvent } from '#src/cti/port.ts';
import { loadDemo } from '#src/db/demo.ts';
import { loadDirectory } from '#src/db/directory.ts';
import { ensureEventPartitions } from '#src/db/events.ts';
import { createPool } from '#src/db/pool.ts';
import { PgRecordingStore } from '#src/db/recordings.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { prompt } from '#src/ivr/prompts.ts';
import type { Dialogue, DialogueNote, DialogueResult } from '#src/ivr/scenario.ts';
import type { ScenarioTest } from '#src/ivr/scenario-schema.ts';
import { type DialogueFacts, startDialogue, stepDialogue } from '#src/ivr/step.ts';
import { isAsking } from '#src/ivr/steps.ts';
import { dryRunOf, worldOf } from '#src/ivr/talk.ts';
import { decideDesk } from '#src/routing/control-logic.ts';
import { DEFAULT_DESK_RULES } from '#src/routing/desk-rules.ts';
import { rulesOfDesks } from '#src/routing/desk-rules-file.ts';
import type { Directory } from '#src/routing/directory.ts';
import type { PartyRecord } from '#src/routing/party.ts';
import { type Files, readFolder } from '#src/scenario-folder.ts';
import { checkFiles, type Release } from '#src/scenario-release.ts';
import { behaviours } from '#test/support/far-side.ts';
import { freshDatabase } from '#test/support/postgres.ts';
import { SipCaller } from '#test/support/sip-caller.ts';
import { APP, ARI_PASSWORD, ARI_USER, type RealAsterisk, startBothSides } from '../cti/asterisk-harness.ts';
import { until } from './house.ts';

const SCENARIOS = join(import.meta.dirname, '../../scenarios');
/** Time-outs as callers have them would make it a long test; these are still far more than keys take on a busy machine. */
const QUICK = { firstDigit: '4s', betweenDigits: '2500ms', silence: '1s' } as const;
const PROMPT_MS = 900;
const LONG_PROMPT_MS = 6_000;
/** Of a caller who records: long enough for every scenario, short enough for a test. */
const SPEAKS_MS = 3_000;
/** Too short for any. */
const SPEAKS_SHORTLY_MS = 400;

/** How a caller's keys go out. `lossy`: as RFC 4733 events, of whose packets one in twenty is lost. */
export type Keys = 'rfc4733' | 'inband' | 'info' | 'lossy';

export interface Line {
  readonly scenario: string;
  readonly test: ScenarioTest;
  readonly keys: Keys;
  readonly number: string;
  /** The calling number. */
  readonly from: string;
}

/** Whoever calls, by whichever means. */
interface Caller {
  readonly hasEnded: boolean;
  sendDigits(digits: string): Promise<void>;
  /** Speaks, and is silent from then on. */
  speak(ms: number): Promise<void>;
  hangUp(): Promise<unknown>;
}

/** How a call went, or a dry run, in the same words. */
export interface Course {
  readonly way: readonly string[];
  readonly notes: readonly string[];
  readonly does: readonly string[];
  readonly ends: string;
}

export class Lines {
  readonly asterisk: RealAsterisk;
  readonly release: Release;
  readonly controller: Controller;
  readonly recordings: PgRecordingStore;
  readonly #lines: Line[] = [];
  readonly #events = new Map<ContactId, FloorEvent[]>();
  readonly #contactOf = new Map<LegId, ContactId>();
  readonly #legOf = new Map<string, LegId>();
  readonly #digits = new Map<LegId, string>();
  #directory: Directory;
  readonly #dispose: () => Promise<void>;
  #began = Date.now();

  private constructor(parts: {
    asterisk: RealAsterisk;
    release: Release;
    directory: Directory;
    makeController: (lines: Lines) => Controller;
    recordings: PgRecordingStore;
    dispose: () => Promise<void>;
  }) {
    this.asterisk = parts.asterisk;
    this.release = parts.release;
    this.#directory = parts.directory;
    this.recordings = parts.recordings;
    this.#dispose = parts.dispose;
    this.controller = parts.makeController(this);
    this.controller.onCommitted(({ events }) => {
      for (const event of events) {
        if (event.contactId === null) continue;
        if (event.name === 'contactArrived' && event.legId !== null) this.#contactOf.set(event.legId, event.contactId);
        const known = this.#events.get(event.contactId);
        if (known) known.push(event);
        else this.#events.set(event.contactId, [event]);
      }
    });
  }

  static async open(files: Files): Promise<Lines> {
    const [asterisk, database] = await Promise.all([startBothSides(), freshDatabase()]);
    const dir = mkdtempSync(join(tmpdir(), 'ivr-'));
    const pool = createPool(database.url, { log: () => undefined, name: 'ivr' });
    const dispose = async (): Promise<void> => {
      await pool.end();
      await database.drop();
      await asterisk.stop();
      rmSync(dir, { recursive: true, force: true });
    };
    try {
      await ensureEventPartitions(pool);
      await loadDemo(pool, { domainId: 'demo', password: 'not-a-real-one' });
      const directory = await loadDirectory(pool, 'demo');
      const { release, logic } = unwrap(checkFiles(files, '', directory));
      for (const [name, ms] of [
        ['prompt', PROMPT_MS],
        ['long', LONG_PROMPT_MS],
      ] as const) {
        writeFileSync(join(dir, `${name}.wav`), tonesToWav([{ hz: [440], ms, level: 0.3 }]));
      }
      const recordings = new PgRecordingStore(pool);
      const ari = new AriWebSocket({ url: asterisk.ariUrl, user: ARI_USER, password: ARI_PASSWORD, app: APP });
      const log = pino({ level: 'silent' });
      const sw = new AsteriskSwitch({ ari, appName: APP, trunk: asterisk.trunk, loopbackMedia: true, log });
      asterisk.far.onIncoming('*', behaviours.answers());
      const makeController = (lines: Lines): Controller =>
        new Controller({
          domainId: 'demo',
          owner: 'test',
          store: new PgFloorStore(pool),
          switch: lines.#overhear(sw),
          finder: { find: async (_domain, by, value) => lines.#find(by, value) },
          prompts: {
            media: async (prompts) => [join(dir, prompts.some((p) => p.text.includes('(long)')) ? 'long' : 'prompt')],
          },
          recordings,
          services: {
            ask: async (service, _values, version) => {
              const answer = worldOf(lines.#lineOf(version).test).services[service] ?? 'failed';
              return typeof answer === 'string' ? { outcome: answer, values: {} } : { outcome: 'found', values: answer };
            },
            send: async () => undefined,
            recognise: async () => null,
          },
          context: () => ({
            directory: lines.#directory,
            policy: {
              popMs: 60_000,
              ringMs: 60_000,
              dialMs: 20_000,
              panelGraceMs: 60_000,
              announceEveryMs: 60_000,
              lookUpMs: 10_000,
            },
            rulesOf: rulesOfDesks(logic.logic, DEFAULT_DESK_RULES, lines.#directory),
            decideDesk: (facts, at) => decideDesk(logic.logic, facts, lines.#directory, at),
            tokenOf: (contactId) => `token-${contactId}`,
            timeZone: logic.logic.timeZone,
            greetsEverybody: () => true,
            say: (name, language, variables) => prompt(release.wordings, name, language, variables),
            readCallingNumber,
            ...lines.#dialogues(),
          }),
          // Office hours, whenever the test is run.
          clock: { now: () => worldOf({ name: '', language: 'ja', caller: [], ends: '' }).at + Date.now() - lines.#began },
          leaseTtlMs: 60_000,
          legLeaseMs: 600_000,
          log,
          onReachable: () => undefined,
          onLost: (error) => {
            throw error;
          },
        });
      return new Lines({ asterisk, release, directory, makeController, recordings, dispose });
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  /** The id of the desk that scenarios call so. */
  get reception(): string {
    return [...this.#directory.desks.values()].find(({ isReception }) => isReception)?.id ?? '';
  }

  async start(): Promise<void> {
    this.#began = Date.now();
    await this.controller.start();
  }

  async close(): Promise<void> {
    await this.controller.stop();
    await this.#dispose();
  }

  /** A number for a test. */
  line(scenario: string, test: ScenarioTest, keys: Keys): Line {
    const index = this.#lines.length;
    const line = { scenario, test, keys, number: `7${1000 + index}`, from: `+8190${10_000_000 + index}` };
    this.#lines.push(line);
    const some = this.#directory.entries.find(({ country }) => country === 'JP');
    if (!some) throw new Error('the demo has no Japanese entry');
    const entry = { ...some, id: `line-${index}`, numbers: [line.number], language: test.language, scenario: `line-${index}` };
    this.#directory = { ...this.#directory, entries: [...this.#directory.entries, entry] };
    return line;
  }

  /** Calls that number: resolves when the call was answered. */
  async call(line: Line): Promise<Call> {
    const caller = await this.#caller(line);
    const leg = await until(`${line.number} is called`, () => this.#legOf.get(line.number));
    const contactId = await until('there is a contact', () => this.#contactOf.get(leg));
    return new Call(this, line, caller, leg, contactId);
  }

  async #caller({ number, from, keys, test }: Line): Promise<Caller> {
    const withheld = test.given?.from === 'withheld';
    if (keys === 'lossy') {
      const seed = Number(number);
      const sut = { host: '127.0.0.1', port: this.asterisk.sipPort };
      const caller = await SipCaller.call({ sut, from, to: number, withheld, loss: { percent: 5, seed } });
      const speak = (): Promise<void> => Promise.reject(new Error('this caller says nothing'));
      return {
        get hasEnded() {
          return caller.hasEnded;
        },
        sendDigits: (digits) => caller.sendDigits(digits),
        speak,
        hangUp: () => caller.hangUp(),
      };
    }
    const party = await this.asterisk.far.call({ from, to: number, keys, withheld });
    await party.answered();
    await party.sendSilence(true);
    return {
      get hasEnded() {
        return party.hasEnded;
      },
      sendDigits: (digits) => party.sendDigits(digits, { durationMs: 120, betweenMs: 100 }),
      speak: async (ms) => {
        await party.sendSilence(false);
        await party.playTone(1000, ms);
        await party.sendSilence(true);
      },
      hangUp: () => party.hangUp(),
    };
  }

  events(contactId: ContactId): readonly FloorEvent[] {
    return this.#events.get(contactId) ?? [];
  }

  /** Contacts that a contact has led to. */
  continued(contactId: ContactId): Contact[] {
    return [...this.controller.floor.contacts.values()].filter(({ continues }) => continues === contactId);
  }

  /** What Asterisk still has of recordings, by name. */
  leftRecordings(): readonly string[] {
    return readdirSync(this.asterisk.recordingDir);
  }

  digits(leg: LegId): string {
    return this.#digits.get(leg) ?? '';
  }

  #lineOf(tag: string): Line {
    const line = this.#lines[Number(/line-(\d+)$/.exec(tag)?.[1])];
    if (!line) throw new Error(`there is no line ${tag}`);
    return line;
  }

  /** What is asked of the database: the line is in front of the value. */
  #find(by: string, asked: string): PartyRecord | null {
    const named = /^(line-\d+)\|(.*)$/.exec(asked);
    const line = named ? this.#lineOf(named[1] ?? '') : this.#lines.find(({ from }) => from === asked);
    if (!line) return null;
    const { party = { kind: 'new' } } = line.test.given ?? {};
    const isKnown = named ? (line.test.known ?? []).includes(named[2] ?? '') : by === 'callingNumber' && party.kind === 'customer';
    if (!isKnown) return null;
    const { name = 'Sato', language = null, region = null, customerCode = '10023' } = party;
    return {
      kind: 'customer',
      customerId: `customer-${customerCode}`,
      customerCode,
      organisationId: null,
      name,
      region,
      language,
      handlingDeskId: party.handlingDesk ?? null,
      lastDeskId: party.lastDesk ?? null,
      lastAgentId: null,
    };
  }

  /** Dialogues as the house has them, each in the world of its line. */
  #dialogues(): Pick<FloorContext, 'startDialogue' | 'stepDialogue'> {
    const { set } = this.release;
    const tagged = (tag: string, result: DialogueResult): DialogueResult => ({
      ...result,
      dialogue: { ...result.dialogue, version: `${set.version}|${tag}` },
      actions: result.actions.map((action) => (action.type === 'lookUp' ? { ...action, value: `${tag}|${action.value}` } : action)),
    });
    const factsOf = (line: Line, facts: DialogueFacts): DialogueFacts => {
      const world = worldOf(line.test);
      const at = world.at + Date.now() - this.#began;
      return { ...facts, at, isOpen: world.isOpen };
    };
    return {
      startDialogue: (name, options, facts) => {
        if (!name.startsWith('line-')) return startDialogue(set, name, options, facts);
        const line = this.#lineOf(name);
        const variables = line.test.variables as Dialogue['variables'] | undefined;
        return tagged(name, startDialogue(set, line.scenario, { ...options, ...(variables && { variables }) }, factsOf(line, facts)));
      },
      stepDialogue: (dialogue, input, facts) => {
        const tag = /line-\d+$/.exec(dialogue.version)?.[0];
        if (tag === undefined) return stepDialogue(set, dialogue, input, facts);
        const line = this.#lineOf(tag);
        const given = input.type === 'announceDue' ? { ...input, sight: worldOf(line.test).sight } : input;
        return tagged(tag, stepDialogue(set, dialogue, given, factsOf(line, facts)));
      },
    };
  }

  /** The switch as it is, and who called which number and pressed what. */
  #overhear(sw: AsteriskSwitch): AsteriskSwitch {
    const hear = (event: SwitchEvent): void => {
      if (event.type === 'legArrived') this.#legOf.set(event.arrival.calledNumber, event.leg);
      if (event.type === 'digit') this.#digits.set(event.leg, this.digits(event.leg) + event.digit);
    };
    return new Proxy(sw, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name !== 'connect') return value.bind(target);
        return (listener: (event: SwitchEvent) => void) =>
          target.connect((event) => {
            hear(event);
            listener(event);
          });
      },
    });
  }
}

/**
 * The scenarios that are shipped, with shorter time-outs.
 * @param more files beside them: their names with their texts
 */
export async function scenarioFiles(more: Files): Promise<Files> {
  const shipped = await until('nobody writes in the folder', () => readFolder(SCENARIOS));
  return Object.fromEntries(Object.entries({ ...shipped, ...more }).map(([name, text]) => [name, quickened(text)]));
}

/** One call to a line. */
export class Call {
  readonly line: Line;
  readonly contactId: ContactId;
  readonly leg: LegId;
  readonly #lines: Lines;
  readonly #caller: Caller;
  #pressed = '';
  #isHangingUp = false;

  constructor(lines: Lines, line: Line, caller: Caller, leg: LegId, contactId: ContactId) {
    this.#lines = lines;
    this.line = line;
    this.#caller = caller;
    this.leg = leg;
    this.contactId = contactId;
  }

  get events(): readonly FloorEvent[] {
    return this.#lines.events(this.contactId);
  }

  get dialogue(): Dialogue | null {
    return this.#lines.controller.floor.contacts.get(this.contactId)?.dialogue ?? null;
  }

  /** The scenario is over, or the caller is gone. */
  get isOver(): boolean {
    return this.events.some(
      ({ name, data }) => name === 'scenarioEnded' || name === 'contactEnded' || (name === 'established' && data['with'] === 'outside'),
    );
  }

  get hasHungUp(): boolean {
    return this.#caller.hasEnded;
  }

  /** Steps that it came to, as `scenario.step`. */
  get way(): string[] {
    return this.events.flatMap(({ name, cause, data }) =>
      name === 'scenarioStep' && cause === 'entered' ? (data['steps'] as string[]) : [],
    );
  }

  /** It is the caller's turn: nothing is said any more, and something is waited for. */
  async turn(): Promise<void> {
    await this.until('it is the caller’s turn', () => {
      const { dialogue } = this;
      if (dialogue === null || dialogue.playing) return false;
      const step = this.#lines.release.set.scenarios.get(dialogue.scenario)?.steps.get(dialogue.step);
      return step !== undefined && (isAsking(step) || step.kind === 'record' || step.kind === 'queue');
    });
  }

  /** Until something is so, or it is all over. */
  async until(what: string, look: () => boolean): Promise<void> {
    await until(`${this.line.scenario}, ${this.line.test.name}: ${what}`, () => this.isOver || look(), 40_000);
  }

  /** Presses keys; resolves when all of them have been taken in. */
  async press(keys: string): Promise<void> {
    this.#pressed += keys;
    await this.#caller.sendDigits(keys).catch((error: unknown) => {
      if (!this.#isHangingUp && !this.#caller.hasEnded) throw error; // whoever hangs up presses nothing more
    });
    await this.until(
      `${this.#pressed} is heard, not ${this.#lines.digits(this.leg)}`,
      () => this.#lines.digits(this.leg).length >= this.#pressed.length,
    );
    await this.#settled();
  }

  /** Does nothing until that has consequences. */
  async silence(): Promise<void> {
    const mark = (): string => JSON.stringify([this.dialogue, this.events.length]);
    const before = mark();
    await this.until('silence means something', () => mark() !== before);
  }

  /** Speaks after the beep. */
  async say(ms: number): Promise<void> {
    await sleep(600);
    if (ms > 0) await this.#caller.speak(ms);
  }

  async #record(ms: number): Promise<void> {
    await this.say(ms);
    const { request } = this.dialogue ?? {};
    await this.until('the recording is over', () => this.dialogue?.request !== request || this.dialogue?.recorded !== undefined);
  }

  async hangUp(): Promise<void> {
    this.#isHangingUp = true;
    await this.#caller.hangUp();
  }

  /** What the caller of a test does, and whatever follows until the scenario is over. */
  async follow(): Promise<void> {
    for (const does of this.line.test.caller) {
      if (this.isOver) break;
      if (!does.startsWith('!')) await this.turn();
      if (this.isOver) break;
      const [, verb = '', rest = ''] = /^(\S+)(?: (.+))?$/.exec(does) ?? [];
      if (verb === 'silence') await this.silence();
      else if (verb === 'hangUp') await this.hangUp();
      else if (verb === 'records') await this.#record(Number.parseInt(rest, 10) > 1 ? SPEAKS_MS : SPEAKS_SHORTLY_MS);
      else await this.press(does.replace('!', ''));
    }
    await this.until('the scenario is over', () => false);
    await this.#settled();
  }

  /** The caller is gone, and so is everything of the call. */
  async over(): Promise<string> {
    await this.hangUp();
    await until(`the contact of ${this.line.test.name} is over`, () => this.events.some(({ name }) => name === 'contactEnded'), 20_000);
    return this.events.flatMap(({ name, cause }) => (name === 'contactEnded' ? (cause ?? '') : [])).join();
  }

  get course(): Course {
    const notes = this.events.flatMap(({ name, cause, data }) => {
      if (name !== 'scenarioStep' || cause === 'entered' || cause === 'leftQueue') return [];
      const { scenario, step, ...rest } = data;
      return [noteText({ name: cause ?? '', scenario: String(scenario), step: String(step), data: rest as DialogueNote['data'] })];
    });
    return { way: this.way, notes: notes.filter(isNoted), does: this.#does, ends: this.#ends };
  }

  get #does(): string[] {
    return this.events.flatMap(({ name, data }) => {
      if (name === 'scenarioAnswered') return [`keep${listed(data)}`];
      if (name === 'callbackRequested') return ['callBack'];
      return [];
    });
  }

  get #ends(): string {
    for (const { name, cause, data } of this.events) {
      if (name === 'established' && data['with'] === 'outside') return 'transferOut';
      if (name === 'contactEnded') return 'abandoned';
      if (name !== 'scenarioEnded') continue;
      if (cause === 'hungUp') return data['disposition'] === undefined ? 'hangUp' : `hangUp ${data['disposition']}`;
      if (cause !== 'routed') return `handBack ${cause}`;
      const desk = this.events.find((event) => event.name === 'queued')?.deskId ?? '';
      return `route ${desk}`;
    }
    return 'nothing';
  }

  /** Everything that was heard so far is committed. */
  async #settled(): Promise<void> {
    await this.#lines.controller.submit({ type: 'tick' });
  }
}

/** What a dry run of that test says. */
export function courseOf(lines: Lines, { scenario, test }: Pick<Line, 'scenario' | 'test'>): Course {
  const run = dryRunOf(lines.release.set, scenario, test);
  const does = run.does.flatMap((done) => (done.startsWith('keep') ? done : done.startsWith('callBack') ? 'callBack' : []));
  const ended = run.ends ?? 'waiting';
  const ends = ended === 'route reception' ? `route ${lines.reception}` : ended;
  return {
    way: run.way.map(({ scenario: of, step }) => `${of}.${step}`),
    notes: run.notes.map(noteText).filter(isNoted),
    does,
    ends: ends.startsWith('transferOut') ? 'transferOut' : ends,
  };
}

/** What a telephone can do in a short time: nobody waits for minutes, speaks to a recogniser, or has an agent answer. */
export function isPlayable({ caller, ends, given = {} }: ScenarioTest): boolean {
  const { transfer = 'answered', callBack = 'promised', speech = false, from = '' } = given;
  if (caller.some((does) => /^(agent|says|waits)/.test(does)) || ['waiting', 'connected'].includes(ends)) return false;
  return transfer === 'answered' && callBack === 'promised' && !speech && (from === '' || from === 'withheld' || from.startsWith('+81'));
}

/** How long exactly a recording is, which scenario is called (its steps follow), and whether a key came into a prompt or just after it, is not the scenario's. */
const isNoted = (text: string): boolean => !text.startsWith('bargedIn');
const noteText = ({ name, scenario, step, data }: DialogueNote): string => {
  const { durationMs: _exactly, scenario: _called, ...rest } = data;
  return `${name} at ${scenario}.${step}${listed(rest)}`;
};
const listed = (values: Readonly<Record<string, unknown>>): string =>
  Object.keys(values)
    .sort()
    .map((name) => ` ${name}=${String(values[name])}`)
    .join('');

/** A scenario file with shorter time-outs: they are no part of what its tests say. */
function quickened(text: string): string {
  const document = parseDocument(text);
  const steps = document.get('steps');
  if (!isMap(steps)) return text;
  for (const { value: step } of steps.items) {
    if (!isMap(step)) continue;
    for (const verb of ['ask', 'menu', 'yesNo', 'chooseLanguage', 'record']) {
      const does = step.get(verb);
      if (!isMap(does)) continue;
      if (verb === 'record') does.set('silence', QUICK.silence);
      else does.set('firstDigit', QUICK.firstDigit);
      if (verb === 'ask') does.set('betweenDigits', QUICK.betweenDigits);
    }
  }
  return document.toString();
}
