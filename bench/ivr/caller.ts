/**
 * A caller who listens: SIP and RTP by hand, as little as a menu needs, so that the moments of a key and of the prompt that answers
 * it are taken at the socket. It talks all the time (silence, fifty packets a second), as telephones do.
 *
 * A key is an RFC 4733 event of 100 ms. Its moment is when its first end packet leaves: only then does Asterisk tell anybody of
 * it, the controller and its own dialplan alike. The answer's moment is when the first packet of the next level's pitch is here.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEVEL_HZ, PROMPT_MS } from './menu.ts';

export interface Answered {
  /** Whether the key was pressed into the prompt, and stopped it. */
  readonly bargedIn: boolean;
  /** By the clock that all processes share, `clockMs`. */
  readonly pressedAtMs: number;
  readonly delayMs: number;
  readonly from: string;
}

/** The machine's monotonic clock: the same in every process. */
export const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const PACKET_MS = 20;
const SAMPLES = 160;
const EVENT_MS = 100;
const PT_EVENT = 96;
/** A prompt that has not come by then does not come: the menu has asked again meanwhile. The first one has more time: all come at once. */
const PATIENCE_MS = 5_000;
const FIRST_PATIENCE_MS = 20_000;

interface Target {
  readonly host: string;
  readonly port: number;
}

/** All listening callers of one address share one SIP socket. */
export class Callers {
  readonly #sip: Socket;
  readonly #host: string;
  readonly #target: Target;
  readonly #calls = new Map<string, Call>();

  private constructor(sip: Socket, host: string, target: Target) {
    this.#sip = sip;
    this.#host = host;
    this.#target = target;
    sip.on('message', (message) => {
      const text = message.toString('latin1');
      this.#calls.get(header(text, 'call-id'))?.onMessage(text);
    });
  }

  static async open(host: string, target: Target): Promise<Callers> {
    const sip = createSocket('udp4');
    sip.bind(0, host);
    await once(sip, 'listening');
    return new Callers(sip, host, target);
  }

  /** Calls, and resolves with the call when it is answered. */
  async call(from: string, to: string): Promise<Call> {
    const rtp = createSocket({ type: 'udp4', recvBufferSize: 1 << 18 });
    rtp.bind(0, this.#host);
    await once(rtp, 'listening');
    const send = (text: string): void => this.#sip.send(text, this.#target.port, this.#target.host);
    const call = new Call({ from, to, rtp, send, host: this.#host, sipPort: this.#sip.address().port, target: this.#target });
    this.#calls.set(call.id, call);
    void call.ended.then(() => this.#calls.delete(call.id));
    await call.begin();
    return call;
  }

  close(): void {
    for (const call of this.#calls.values()) call.drop();
    this.#sip.close();
  }
}

interface CallParts {
  readonly from: string;
  readonly to: string;
  readonly rtp: Socket;
  readonly send: (text: string) => void;
  readonly host: string;
  readonly sipPort: number;
  readonly target: Target;
}

export class Call {
  readonly id = `${crypto.randomUUID()}@bench`;
  readonly from: string;
  readonly ended: Promise<void>;
  readonly #parts: CallParts;
  readonly #tag = crypto.randomUUID().slice(0, 8);
  readonly #answered = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;
  #provisional = false;
  #to: string;
  #contact = '';
  #media: Target | null = null;
  #sequence = Math.floor(Math.random() * 0x8000);
  #timestamp = Math.floor(Math.random() * 0x8000_0000);
  readonly #source = Math.floor(Math.random() * 0x1_0000_0000);
  #voice: NodeJS.Timeout | null = null;
  /** Packets of the event under way that are still to go; null: voice. */
  #event: { sent: number; timestamp: number; ended: (atMs: number) => void } | null = null;
  #expects: { level: number; here: (atMs: number) => void } | null = null;
  /** The level whose prompt was heard last. */
  level = -1;
  #promptSince = 0;

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.from = parts.from;
    this.ended = this.#ended.promise;
    this.#to = `<sip:${parts.to}@${parts.target.host}:${parts.target.port}>`;
    parts.rtp.on('message', (packet) => this.#onSound(packet));
  }

  /** Invites, again and again as RFC 3261 has it, until somebody answers. */
  async begin(): Promise<void> {
    const { host, rtp } = this.#parts;
    const { port } = rtp.address();
    const sdp = [
      'v=0',
      `o=bench 1 1 IN IP4 ${host}`,
      's=-',
      `c=IN IP4 ${host}`,
      't=0 0',
      `m=audio ${port} RTP/AVP 0 ${PT_EVENT}`,
      'a=rtpmap:0 PCMU/8000',
      `a=rtpmap:${PT_EVENT} telephone-event/8000`,
      `a=fmtp:${PT_EVENT} 0-15`,
      'a=ptime:20',
      '',
    ].join('\r\n');
    const uri = `sip:${this.#parts.to}@${this.#parts.target.host}:${this.#parts.target.port}`;
    const invite = this.#request('INVITE', uri, 1, sdp);
    let isAnswered = false;
    const answered = this.#answered.promise.then(() => {
      isAnswered = true;
    });
    for (let waitMs = 500; waitMs < 32_000 && !isAnswered && !this.#isOver; waitMs *= 2) {
      if (!this.#provisional) this.#parts.send(invite);
      await Promise.race([answered, sleep(waitMs, undefined, { ref: false })]);
    }
    if (isAnswered) return;
    this.drop();
    throw new Error(`nobody answered the call to ${this.#parts.to}`);
  }

  /** Whether a prompt is heard before long. */
  async prompted(withinMs = FIRST_PATIENCE_MS): Promise<boolean> {
    for (const end = clockMs() + withinMs; this.level < 0 && !this.#isOver && clockMs() < end; ) await sleep(PACKET_MS);
    return this.level >= 0;
  }

  /** Presses 1: when it was let go, and when the next level's prompt began; null when that was not heard in time. */
  async press(): Promise<Answered | null> {
    const level = (this.level + 1) % LEVEL_HZ.length;
    const bargedIn = clockMs() - this.#promptSince < PROMPT_MS - EVENT_MS;
    const answer = new Promise<number>((here) => {
      this.#expects = { level, here };
    });
    const pressed = new Promise<number>((ended) => {
      this.#event = { sent: 0, timestamp: this.#timestamp, ended };
    });
    const over = this.ended.then(() => null);
    const pressedAtMs = await Promise.race([pressed, over]);
    const heardAtMs = await Promise.race([answer, sleep(PATIENCE_MS, null, { ref: false }), over]);
    this.#expects = null;
    return pressedAtMs === null || heardAtMs === null ? null : { bargedIn, pressedAtMs, delayMs: heardAtMs - pressedAtMs, from: this.from };
  }

  /** Says goodbye, and waits until that is confirmed. */
  async hangUp(): Promise<void> {
    if (this.#isOver) return;
    const bye = this.#request('BYE', this.#contact, 2);
    for (let tries = 0; tries < 5 && !this.#isOver; tries++) {
      this.#parts.send(bye);
      await Promise.race([this.ended, sleep(500 << tries, undefined, { ref: false })]);
    }
    this.drop();
  }

  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#voice) clearInterval(this.#voice);
    this.#parts.rtp.close();
    this.#ended.resolve();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  onMessage(text: string): void {
    const cseq = header(text, 'cseq');
    if (!text.startsWith('SIP/2.0')) {
      // The other side's requests in this call: its goodbye, or a question whether we are here.
      const copied = ['via', 'from', 'to', 'call-id', 'cseq'].map((name) => `${name}: ${header(text, name)}`);
      if (!text.startsWith('ACK')) this.#parts.send(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
      if (text.startsWith('BYE')) this.drop();
      return;
    }
    const status = Number(text.slice(8, 11));
    if (cseq.endsWith('BYE')) {
      if (status >= 200) this.drop();
      return;
    }
    this.#provisional = true;
    if (status < 200) return;
    this.#to = header(text, 'to');
    if (status >= 300) {
      this.#parts.send(this.#request('ACK', `sip:${this.#parts.to}@${this.#parts.target.host}`, 1));
      this.#answered.reject(new Error(`the call to ${this.#parts.to} was refused: ${status}`));
      return this.drop();
    }
    this.#contact = /<([^>]+)>/.exec(header(text, 'contact'))?.[1] ?? '';
    this.#parts.send(this.#request('ACK', this.#contact, 1));
    if (this.#media) return; // its answer once more: our ACK was lost
    const host = /^c=IN IP4 (\S+)/m.exec(text)?.[1];
    const port = Number(/^m=audio (\d+)/m.exec(text)?.[1]);
    if (host === undefined || !port) return this.#answered.reject(new Error('an answer without a place for sound'));
    this.#media = { host, port };
    this.#voice = setInterval(() => this.#speak(), PACKET_MS);
    this.#answered.resolve();
  }

  #request(method: string, uri: string, cseq: number, sdp = ''): string {
    const { host, sipPort, from } = this.#parts;
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${host}:${sipPort};branch=z9hG4bK${this.#tag}${method}${cseq};rport`,
      `From: <sip:${from}@${host}:${sipPort}>;tag=${this.#tag}`,
      `To: ${this.#to}`,
      `Call-ID: ${this.id}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:bench@${host}:${sipPort}>`,
      'Max-Forwards: 70',
      ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${sdp.length}`,
      '',
      sdp,
    ].join('\r\n');
  }

  /** One packet each 20 ms: of the event that is under way, else silence. */
  #speak(): void {
    const event = this.#event;
    if (event === null) return this.#packet(0, this.#timestamp, SILENCE, false);
    event.sent += 1;
    const updates = EVENT_MS / PACKET_MS;
    const isEnd = event.sent > updates;
    const payload = Buffer.alloc(4);
    payload[0] = 1; // the key
    payload[1] = (isEnd ? 0x80 : 0) | 10; // end, and -10 dBm0
    payload.writeUInt16BE(Math.min(event.sent, updates) * SAMPLES, 2);
    this.#packet(PT_EVENT, event.timestamp, payload, event.sent === 1);
    if (event.sent === updates + 1) event.ended(clockMs());
    // The end goes out three times (RFC 4733, 2.5.1.4).
    if (event.sent === updates + 3) this.#event = null;
  }

  #packet(type: number, timestamp: number, payload: Buffer, marker: boolean): void {
    if (this.#isOver || !this.#media) return;
    const header = Buffer.alloc(12);
    header[0] = 0x80;
    header[1] = (marker ? 0x80 : 0) | type;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(timestamp >>> 0, 4);
    header.writeUInt32BE(this.#source, 8);
    this.#timestamp = (this.#timestamp + SAMPLES) >>> 0;
    this.#parts.rtp.send([header, payload], this.#media.port, this.#media.host);
  }

  #onSound(packet: Buffer): void {
    const atMs = clockMs();
    if (packet.length < 12 + SAMPLES || ((packet[1] ?? 0) & 0x7f) !== 0) return;
    const level = levelOf(packet.subarray(12, 12 + SAMPLES));
    if (level < 0 || level === this.level) return;
    this.level = level;
    this.#promptSince = atMs;
    if (this.#expects?.level === level) this.#expects.here(atMs);
  }
}

const SILENCE = Buffer.alloc(SAMPLES, 0xff);

function header(text: string, name: string): string {
  return new RegExp(`^${name}\\s*:\\s*(.*?)\\s*$`, 'im').exec(text)?.[1] ?? '';
}

/** G.711 µ-law to linear, as in ITU-T G.191. */
const LINEAR = Float64Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
  return (code & 0x80 ? -magnitude : magnitude) / 32_768;
});

const COEFFICIENT = LEVEL_HZ.map((hz) => 2 * Math.cos((2 * Math.PI * hz) / 8_000));

/** Which level's pitch makes up most of 20 ms of sound (Goertzel); -1 for none. */
function levelOf(sound: Buffer): number {
  let energy = 0;
  for (const byte of sound) energy += (LINEAR[byte] ?? 0) ** 2;
  if (energy < SAMPLES * 1e-4) return -1;
  for (const [level, coefficient] of COEFFICIENT.entries()) {
    let last = 0;
    let beforeLast = 0;
    for (const byte of sound) {
      const next = (LINEAR[byte] ?? 0) + coefficient * last - beforeLast;
      beforeLast = last;
      last = next;
    }
    const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
    if ((2 * power) / SAMPLES > 0.6 * energy) return level;
  }
  return -1;
}
