/**
 * The outside world for tests and for trying things out: a second Asterisk that plays the carrier, callers from anywhere and
 * desk phones, all driven by scripts. Its calls are real SIP and real audio. It dies with the process that started it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdMusicWav, tonesToWav } from '../base/tones.ts';
import { fillInFolder, renderConfiguration } from '../cti/asterisk/server/configuration.ts';
import { assertUdpFree } from '../cti/asterisk/server/port-check.ts';
import { defaultPrefix, readPrefix } from '../cti/asterisk/server/prefix.ts';
import {
  endProcess,
  type InstancePaths,
  instancePaths,
  remoteCommand,
  type StartedProcess,
  spawnAsterisk,
  waitUntilBooted,
  writeInstance,
} from '../cti/asterisk/server/process.ts';
import { freePort, freeRtpPorts } from './far-side/free-ports.ts';

export interface FarSideOptions {
  /** Where the system under test listens for SIP. */
  readonly sutSip: { readonly host: string; readonly port: number };
  /** Where Asterisk is installed; see `defaultPrefix`. */
  readonly prefix?: string;
  /** Address of the carrier, which the system under test trusts. 127.0.0.2 and a free port unless told otherwise. */
  readonly carrier?: { readonly host?: string; readonly port?: number };
  /** Address that callers from anywhere and desk phones have. 127.0.0.1 unless told otherwise. */
  readonly publicHost?: string;
  /** Left behind after `stop`. Unless given, a temporary one that is removed. */
  readonly runDir?: string;
}

export interface CallOptions {
  /** The caller's number, as in From. */
  readonly from: string;
  readonly fromName?: string;
  /** The number or name dialled. */
  readonly to: string;
  /** By the trusted carrier (the default), or straight from anywhere. */
  readonly via?: 'trunk' | 'public';
  /** From is anonymous, `Privacy: id` is set; the carrier still asserts the number (RFC 3323, 3325). */
  readonly withheld?: boolean;
  /** P-Asserted-Identity. By trunk it is `from` unless told otherwise; null: none. From the public none unless given. */
  readonly assertedNumber?: string | null;
  readonly ringTimeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** How this caller's keys go out: as RFC 4733 events (the default, as almost every carrier has it), as tones, or as SIP INFO. By trunk only. */
  readonly keys?: 'rfc4733' | 'inband' | 'info';
}

/** How a call ended: Q.850 cause (16 normal, 17 busy, 19 no answer, 21 rejected, 1 unallocated, ...) and its name. */
export interface CallEnd {
  readonly cause: number;
  readonly text: string;
}

/** The call ended before what was waited for happened. */
export class CallEndedError extends Error {
  readonly end: CallEnd;
  constructor(end: CallEnd) {
    super(`the call ended: ${end.text} (${end.cause})`);
    this.name = 'CallEndedError';
    this.end = end;
  }
}

/** ARI refused something that the far side wanted. */
export class FarSideError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'FarSideError';
    this.status = status;
  }
}

export interface DigitOptions {
  readonly durationMs?: number;
  readonly betweenMs?: number;
}

interface Ari {
  request(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<unknown>;
  /** Resolves when the playback or recording of this name is over; true if it went well. */
  finished(name: string): Promise<boolean>;
  started(channel: string): Promise<void>;
  readonly paths: InstancePaths;
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  const made = Promise.withResolvers<T>();
  // It may fail before anybody waits for it, or nobody ever does; whoever waits sees the failure all the same.
  made.promise.catch(() => {});
  return made;
}

/** One end of a call that a script plays. */
export class ScriptedParty {
  /** Channel id in the far side's own Asterisk. */
  readonly id: string;
  readonly #ari: Ari;
  readonly #ringing = deferred<void>();
  readonly #answered = deferred<void>();
  readonly #ended = deferred<CallEnd>();
  #end: CallEnd | null = null;
  #playback: string | null = null;
  #recording: { readonly name: string; readonly snoop: string; readonly finished: Promise<boolean> } | null = null;

  constructor(id: string, ari: Ari) {
    this.id = id;
    this.#ari = ari;
  }

  /** The other side rings. Rejects with `CallEndedError` if it ends without. */
  ringing(): Promise<void> {
    return this.#ringing.promise;
  }

  /** Audio flows. Rejects with `CallEndedError` if the call ends without. */
  answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** Resolves when the call is over, whoever ended it. */
  ended(): Promise<CallEnd> {
    return this.#ended.promise;
  }

  get hasEnded(): boolean {
    return this.#end !== null;
  }

  /** Presses keys; resolves when the last has been let go. */
  async sendDigits(digits: string, options: DigitOptions = {}): Promise<void> {
    const duration = options.durationMs ?? 100;
    const between = options.betweenMs ?? 100;
    const query = new URLSearchParams({ dtmf: digits, duration: String(duration), between: String(between) });
    await this.#ari.request('POST', `channels/${this.id}/dtmf?${query}`);
    await sleep(digits.length * (duration + between));
  }

  /** Says a pure tone; resolves when it is over. */
  async playTone(hz: number, ms: number): Promise<void> {
    const file = join(this.#ari.paths.runDir, `tone-${hz}-${ms}.wav`);
    if (!existsSync(file)) writeFileSync(file, tonesToWav([{ hz: [hz], ms, level: 0.5 }]));
    await this.playFile(file);
  }

  /** Says what is in a WAV file (8 kHz, 16 bit, mono; or another format that Asterisk knows); resolves when it is over. */
  async playFile(file: string): Promise<void> {
    const path = resolve(file);
    if (!existsSync(path)) throw new Error(`there is no file ${path}`);
    const playback = newId('play');
    const over = this.#ari.finished(playback);
    const media = `sound:${path.slice(0, path.length - extname(path).length)}`;
    await this.#ari.request('POST', `channels/${this.id}/play/${playback}?${new URLSearchParams({ media })}`);
    this.#playback = playback;
    await Promise.race([over, this.#ended.promise]);
  }

  /** From now on silence is sent while nothing is said, as telephones do; or nothing is, as those do that detect voice. */
  async sendSilence(on: boolean): Promise<void> {
    await this.#ari.request(on ? 'POST' : 'DELETE', `channels/${this.id}/silence`);
  }

  /** Stops what is being played. */
  async stopPlaying(): Promise<void> {
    if (this.#playback !== null) await ignoringGone(this.#ari.request('DELETE', `playbacks/${this.#playback}`));
    this.#playback = null;
  }

  /** From now on what this party hears is kept. Resolves when it really is. */
  async startRecording(): Promise<void> {
    if (this.#recording !== null) throw new Error('this party is being recorded already');
    const snoop = newId('snoop');
    const name = newId('heard');
    const started = this.#ari.started(snoop);
    await this.#ari.request('POST', `channels/${this.id}/snoop/${snoop}?spy=in&app=${appName}&appArgs=snoop`);
    await started;
    const finished = this.#ari.finished(name);
    await this.#ari.request('POST', `channels/${snoop}/record?name=${name}&format=wav&ifExists=overwrite`);
    this.#recording = { name, snoop, finished };
  }

  /** Ends the recording (the call's end has done so already, perhaps): path of a WAV file with what this party heard. */
  async heard(): Promise<string> {
    const recording = this.#recording;
    if (recording === null) throw new Error('this party is not being recorded: startRecording() first');
    this.#recording = null;
    await ignoringGone(this.#ari.request('POST', `recordings/live/${recording.name}/stop`));
    await recording.finished;
    await ignoringGone(this.#ari.request('DELETE', `channels/${recording.snoop}`));
    return join(this.#ari.paths.recordingDir, `${recording.name}.wav`);
  }

  /** Hangs up; resolves when the call is over. Fine when it is over already. */
  async hangUp(reasonCode = 16): Promise<CallEnd> {
    if (this.#end === null) await ignoringGone(this.#ari.request('DELETE', `channels/${this.id}?reason_code=${reasonCode}`));
    return this.#ended.promise;
  }

  /** For `FarSide` only: what its Asterisk says of this call. */
  note(what: 'ringing' | 'answered' | CallEnd): void {
    if (what === 'ringing') this.#ringing.resolve();
    else if (what === 'answered') {
      this.#ringing.resolve();
      this.#answered.resolve();
    } else if (this.#end === null) {
      this.#end = what;
      const error = new CallEndedError(what);
      this.#ringing.reject(error);
      this.#answered.reject(error);
      this.#ended.resolve(what);
    }
  }

  /** For `IncomingCall` only. */
  protected async order(path: string): Promise<void> {
    await this.#ari.request('POST', `channels/${this.id}/${path}`);
  }
}

/** A call that a script makes. */
export class ScriptedCall extends ScriptedParty {}

/** A call that the system under test makes to a number of the carrier's, or to a phone. */
export class IncomingCall extends ScriptedParty {
  /** What was called: a number, or a phone's user. */
  readonly number: string;
  readonly from: { readonly number: string; readonly name: string };

  constructor(id: string, ari: Ari, number: string, from: { readonly number: string; readonly name: string }) {
    super(id, ari);
    this.number = number;
    this.from = from;
  }

  /** 180 Ringing. */
  async ring(): Promise<void> {
    await this.order('ring');
    this.note('ringing');
  }

  async answer(): Promise<void> {
    await this.order('answer');
    this.note('answered');
  }

  /** 486 Busy Here. */
  busy(): Promise<CallEnd> {
    return this.hangUp(17);
  }

  /** 403 Forbidden, as a phone whose owner presses "decline". */
  decline(): Promise<CallEnd> {
    return this.hangUp(21);
  }

  /** 404 Not Found. */
  unknownNumber(): Promise<CallEnd> {
    return this.hangUp(1);
  }
}

export type IncomingHandler = (call: IncomingCall) => Promise<unknown>;

/** What called parties usually do, for `onIncoming`. */
export const behaviours = {
  /** Rings, then answers. */
  answers:
    (afterMs = 200): IncomingHandler =>
    async (call) => {
      await call.ring();
      await sleep(afterMs);
      await call.answer();
    },
  busy: (): IncomingHandler => (call) => call.busy(),
  /** Rings for ever. */
  noAnswer: (): IncomingHandler => (call) => call.ring(),
  declines:
    (afterMs = 0): IncomingHandler =>
    async (call) => {
      await call.ring();
      await sleep(afterMs);
      await call.decline();
    },
  unknownNumber: (): IncomingHandler => (call) => call.unknownNumber(),
} as const;

/** A SIP desk phone that has registered with the system under test. */
export interface ScriptedPhone {
  readonly user: string;
  /** Every call to it from now on. Without one, calls ring and wait for `nextCall`. */
  onCall(handler: IncomingHandler): void;
  /** The next call to it, already ringing; one that rings already, if nobody has taken it. */
  nextCall(timeoutMs?: number): Promise<IncomingCall>;
  /** Unregisters. */
  unregister(): Promise<void>;
}

const appName = 'far';
const ariUser = 'far';

/** The endpoint in far-side/pjsip.conf that a call goes out by. */
function lineOf(via: 'trunk' | 'public', keys: 'rfc4733' | 'inband' | 'info'): string {
  if (via === 'public') return 'public';
  return keys === 'rfc4733' ? 'carrier' : `carrier-${keys}`;
}

function newId(kind: string): string {
  return `${kind}-${randomBytes(6).toString('hex')}`;
}

/** For orders about something that may be over meanwhile. */
async function ignoringGone(order: Promise<unknown>): Promise<void> {
  try {
    await order;
  } catch (error) {
    if (!(error instanceof FarSideError && (error.status === 404 || error.status === 409))) throw error;
  }
}

interface Waiting {
  handler: IncomingHandler | null;
  readonly ringing: IncomingCall[];
  waiters: Deferred<IncomingCall>[];
}

export class FarSide {
  readonly carrier: { readonly host: string; readonly port: number };
  readonly publicAddress: { readonly host: string; readonly port: number };
  readonly #options: FarSideOptions;
  readonly #launcher: string;
  readonly #process: StartedProcess;
  readonly #ari: Ari & { close(): void };
  readonly #parties = new Map<string, ScriptedParty>();
  readonly #lines = new Map<string, Waiting>();
  readonly #finished = new Map<string, Deferred<boolean>>();
  readonly #started = new Map<string, Deferred<void>>();
  #failure: Error | null = null;

  /** Starts the far side's Asterisk; ready to call and be called when it resolves. */
  static async start(options: FarSideOptions): Promise<FarSide> {
    const installation = readPrefix(options.prefix ?? defaultPrefix());
    const runDir = options.runDir ?? mkdtempSync(join(tmpdir(), 'far-side-'));
    const paths = instancePaths(runDir);
    const carrierHost = options.carrier?.host ?? '127.0.0.2';
    const publicHost = options.publicHost ?? '127.0.0.1';
    const carrier = { host: carrierHost, port: options.carrier?.port ?? (await freePort(carrierHost)) };
    const publicAddress = { host: publicHost, port: await freePort(publicHost) };
    const httpPort = await freePort();
    const password = randomBytes(12).toString('hex');
    await assertUdpFree(carrier.host, carrier.port, 'the far side');
    mkdirSync(join(runDir, 'moh'), { recursive: true });
    writeFileSync(join(runDir, 'moh', 'hold.wav'), holdMusicWav());
    const settings = {
      sipHost: carrier.host,
      sipPort: carrier.port,
      httpPort,
      rtpPorts: await freeRtpPorts(400, carrierHost),
      ariUser,
      ariPassword: password,
      appName,
      trunks: [],
    };
    const folders = { runDir: paths.runDir, controlDir: paths.controlDir, musicDir: join(runDir, 'moh') };
    const files = renderConfiguration(settings, installation, folders, []);
    const values = new Map([
      ['SIPHOST', carrier.host],
      ['SIPPORT', String(carrier.port)],
      ['PUBLICHOST', publicAddress.host],
      ['PUBLICPORT', String(publicAddress.port)],
      ['SUTHOST', options.sutSip.host],
      ['APP', appName],
    ]);
    for (const [name, text] of fillInFolder(join(import.meta.dirname, 'far-side'), values, installation)) files.set(name, text);
    files.set('modules.conf', `${files.get('modules.conf') ?? ''}load = res_pjsip_outbound_registration.so\n`);
    writeInstance(paths, files);
    const started = await spawnAsterisk(
      installation.launcher,
      paths,
      options.runDir === undefined ? 'tethered, leaving nothing' : 'tethered',
    );
    try {
      await waitUntilBooted(installation.launcher, paths, started, 30_000);
      const side = new FarSide(options, carrier, publicAddress, installation.launcher, started, paths, httpPort, password);
      await side.#connect(httpPort, password);
      return side;
    } catch (error) {
      await endProcess(installation.launcher, paths, started, 1000);
      started.release();
      if (options.runDir === undefined) rmSync(runDir, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(
    options: FarSideOptions,
    carrier: FarSide['carrier'],
    publicAddress: FarSide['publicAddress'],
    launcher: string,
    started: StartedProcess,
    paths: InstancePaths,
    httpPort: number,
    password: string,
  ) {
    this.#options = options;
    this.carrier = carrier;
    this.publicAddress = publicAddress;
    this.#launcher = launcher;
    this.#process = started;
    const authorization = `Basic ${Buffer.from(`${ariUser}:${password}`).toString('base64')}`;
    this.#ari = {
      paths,
      close: () => {},
      request: async (method, path, body) => {
        if (this.#failure !== null) throw this.#failure;
        const response = await fetch(`http://127.0.0.1:${httpPort}/ari/${path}`, {
          method,
          headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
          ...(body ? { body: JSON.stringify(body) } : {}),
          signal: AbortSignal.timeout(10_000),
        });
        const text = await response.text();
        if (!response.ok) throw new FarSideError(response.status, `${method} ${path.replace(/\?.*/, '')}: ${response.status} ${text}`);
        return text === '' ? null : JSON.parse(text);
      },
      finished: (name) => this.#waitFor(this.#finished, name),
      started: (channel) => this.#waitFor(this.#started, channel),
    };
  }

  /** Places a call; resolves when the INVITE is on its way. See `answered()` of what it returns. */
  async call(options: CallOptions): Promise<ScriptedCall> {
    const via = options.via ?? 'trunk';
    const { host, port } = this.#options.sutSip;
    const variables: Record<string, string> = {
      // From is made of the connected line. `i`: nobody needs to be told of the change.
      'CONNECTEDLINE(num,i)': options.from,
      'CONNECTEDLINE(name,i)': options.fromName ?? '',
      'CONNECTEDLINE(num-pres,i)': options.withheld ? 'prohib' : 'allowed',
      'CONNECTEDLINE(name-pres,i)': options.withheld ? 'prohib' : 'allowed',
    };
    const asserted = options.assertedNumber === undefined ? (via === 'trunk' ? options.from : null) : options.assertedNumber;
    if (asserted !== null) {
      const name = options.fromName ? `"${options.fromName}" ` : '';
      variables['PJSIP_HEADER(add,P-Asserted-Identity)'] = `${name}<sip:${asserted}@${this.carrier.host}>`;
    }
    if (options.withheld) variables['PJSIP_HEADER(add,Privacy)'] = 'id';
    for (const [name, value] of Object.entries(options.headers ?? {})) variables[`PJSIP_HEADER(add,${name})`] = value;
    const call = new ScriptedCall(newId('call'), this.#ari);
    this.#parties.set(call.id, call);
    try {
      await this.#ari.request('POST', 'channels', {
        endpoint: `PJSIP/${lineOf(via, options.keys ?? 'rfc4733')}/sip:${options.to.replaceAll('#', '%23')}@${host}:${port}`,
        app: appName,
        appArgs: 'call',
        channelId: call.id,
        formats: 'ulaw',
        timeout: Math.ceil((options.ringTimeoutMs ?? 60_000) / 1000),
        variables,
      });
    } catch (error) {
      this.#parties.delete(call.id);
      throw error;
    }
    return call;
  }

  /**
   * What happens when the system under test calls this number (by the carrier; `*`: any that has no own). Replaces what
   * was said before; null: not known, 404. See `behaviours`.
   */
  onIncoming(number: string, handler: IncomingHandler | null): void {
    if (handler === null) this.#lines.delete(number);
    else this.#line(number).handler = handler;
  }

  /** The next call to this number, already ringing; one that rings already, if nobody has taken it. */
  async nextCall(number: string, timeoutMs = 15_000): Promise<IncomingCall> {
    const line = this.#line(number);
    const there = line.ringing.shift();
    if (there && !there.hasEnded) return there;
    const waiter = deferred<IncomingCall>();
    line.waiters.push(waiter);
    const timer = setTimeout(() => waiter.reject(new Error(`nobody called within ${timeoutMs} ms`)), timeoutMs);
    try {
      return await waiter.promise;
    } finally {
      clearTimeout(timer);
      line.waiters = line.waiters.filter((other) => other !== waiter);
    }
  }

  /** Registers a desk phone with the system under test; resolves when that has accepted it. */
  async registerPhone(phone: { user: string; password: string; timeoutMs?: number }): Promise<ScriptedPhone> {
    const { user, password } = phone;
    const { host, port } = this.#options.sutSip;
    const configuration = 'asterisk/config/dynamic';
    const registration = `${configuration}/res_pjsip/registration/${user}`;
    const fields = (values: Record<string, string>) => ({
      fields: Object.entries(values).map(([attribute, value]) => ({ attribute, value })),
    });
    this.#line(user);
    await this.#ari.request('PUT', `${configuration}/res_pjsip/auth/${user}`, fields({ auth_type: 'userpass', username: user, password }));
    await this.#ari.request(
      'PUT',
      registration,
      fields({
        transport: 'public-transport',
        server_uri: `sip:${host}:${port}`,
        client_uri: `sip:${user}@${host}:${port}`,
        contact_user: user,
        outbound_auth: user,
        retry_interval: '2',
        forbidden_retry_interval: '2',
        max_random_initial_delay: '0',
        auth_rejection_permanent: 'no',
        expiration: '300',
      }),
    );
    const until = Date.now() + (phone.timeoutMs ?? 10_000);
    for (;;) {
      const shown = await this.rx('pjsip show registrations');
      const line = shown.split('\n').find((text) => text.trim().startsWith(`${user}/`)) ?? '';
      if (/ Registered/.test(line)) break;
      if (Date.now() > until) throw new Error(`the phone ${user} could not register: ${line.trim() || shown.trim()}`);
      await sleep(100);
    }
    return {
      user,
      onCall: (handler) => this.onIncoming(user, handler),
      nextCall: (timeoutMs) => this.nextCall(user, timeoutMs),
      unregister: async () => {
        await this.#ari.request('DELETE', registration);
        // Its password stays: the REGISTER which takes it off is challenged, too.
        this.#lines.delete(user);
      },
    };
  }

  /** Runs a command of the far side's own console. */
  rx(command: string): Promise<string> {
    return remoteCommand(this.#launcher, this.#ari.paths, command);
  }

  /** Asterisk's log, for when something is odd. */
  get logFile(): string {
    return this.#ari.paths.logFile;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Hangs up what lives, ends its Asterisk, removes its folder. */
  async stop(): Promise<void> {
    const live = [...this.#parties.values()].filter((party) => !party.hasEnded);
    // Best effort: the process is ended next, whatever becomes of the goodbyes.
    await Promise.race([Promise.allSettled(live.map((party) => party.hangUp())), sleep(3000, undefined, { ref: false })]);
    this.#failure ??= new Error('the far side was stopped');
    this.#ari.close();
    await endProcess(this.#launcher, this.#ari.paths, this.#process);
    this.#process.release();
    if (this.#options.runDir === undefined) {
      rmSync(this.#ari.paths.runDir, { recursive: true, force: true });
      rmSync(this.#ari.paths.controlDir, { recursive: true, force: true });
    }
  }

  #line(number: string): Waiting {
    const known = this.#lines.get(number);
    if (known) return known;
    const line: Waiting = { handler: null, ringing: [], waiters: [] };
    this.#lines.set(number, line);
    return line;
  }

  #waitFor<T>(waiting: Map<string, Deferred<T>>, name: string): Promise<T> {
    const wait = deferred<T>();
    waiting.set(name, wait);
    if (this.#failure !== null) wait.reject(this.#failure);
    return wait.promise;
  }

  async #connect(httpPort: number, password: string): Promise<void> {
    const query = new URLSearchParams({ app: appName, api_key: `${ariUser}:${password}` });
    const socket = new WebSocket(`ws://127.0.0.1:${httpPort}/ari/events?${query}`);
    const open = deferred<void>();
    socket.addEventListener('open', () => open.resolve());
    socket.addEventListener('error', () => open.reject(new Error('the far side does not let us listen to its events')));
    socket.addEventListener('message', (message) => this.#onEvent(JSON.parse(String(message.data))));
    socket.addEventListener('close', () => this.#fail(new Error('the far side has gone')));
    this.#ari.close = () => socket.close();
    await open.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const wait of [...this.#finished.values(), ...this.#started.values()]) wait.reject(error);
    for (const party of this.#parties.values()) party.note({ cause: 0, text: 'the far side has gone' });
  }

  #onEvent(event: AriEvent): void {
    const channel = event.channel?.id ?? '';
    switch (event.type) {
      case 'StasisStart':
        this.#started.get(channel)?.resolve();
        this.#started.delete(channel);
        if (event.args?.[0] === 'call') this.#parties.get(channel)?.note('answered');
        if (event.args?.[0] === 'incoming') this.#onIncomingCall(event, event.args[1] ?? '');
        break;
      case 'ChannelStateChange':
        if (event.channel?.state === 'Ringing') this.#parties.get(channel)?.note('ringing');
        break;
      case 'ChannelDestroyed':
        this.#parties.get(channel)?.note({ cause: event.cause ?? 0, text: event.cause_txt ?? 'unknown' });
        this.#parties.delete(channel);
        break;
      case 'PlaybackFinished':
        this.#finish(event.playback?.id, event.playback?.state === 'done');
        break;
      case 'RecordingFinished':
      case 'RecordingFailed':
        this.#finish(event.recording?.name, event.type === 'RecordingFinished');
        break;
    }
  }

  #finish(name: string | undefined, well: boolean): void {
    if (name === undefined) return;
    this.#finished.get(name)?.resolve(well);
    this.#finished.delete(name);
  }

  #onIncomingCall(event: AriEvent, number: string): void {
    const id = event.channel?.id ?? '';
    const caller = { number: event.channel?.caller?.number ?? '', name: event.channel?.caller?.name ?? '' };
    const call = new IncomingCall(id, this.#ari, number, caller);
    this.#parties.set(id, call);
    const line = this.#lines.get(number) ?? this.#lines.get('*');
    // An incoming channel's end is told only to who asks for it.
    const subscribed = this.#ari.request('POST', `applications/${appName}/subscription?eventSource=channel:${id}`);
    const handle = async (): Promise<void> => {
      await subscribed;
      if (line === undefined) await call.unknownNumber();
      else if (line.handler !== null) {
        const handled: Promise<unknown> = line.handler(call);
        await handled;
      } else {
        await call.ring();
        const waiter = line.waiters.shift();
        if (waiter) waiter.resolve(call);
        else line.ringing.push(call);
      }
    };
    handle().catch((error: unknown) => {
      // The caller may give up at any moment of it; that is no failure of the script.
      if (error instanceof FarSideError && (error.status === 404 || error.status === 409)) {
        call.note({ cause: 16, text: 'given up by the caller' });
      } else this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
  }
}

/** As much of ARI's events as is looked at. */
interface AriEvent {
  readonly type: string;
  readonly args?: readonly string[];
  readonly channel?: {
    readonly id: string;
    readonly state?: string;
    readonly caller?: { readonly number?: string; readonly name?: string };
  };
  readonly cause?: number;
  readonly cause_txt?: string;
  readonly playback?: { readonly id: string; readonly state: string };
  readonly recording?: { readonly name: string };
}
