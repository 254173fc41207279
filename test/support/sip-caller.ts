/**
 * A caller made by hand: SIP and RTP as they go over the wire, for what no well-behaved telephone can be brought to do. Its packets get
 * lost, by a seed; it offers events and sends tones; its INFO has whichever content type is wanted.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { mulberry32 } from '#src/base/random.ts';

export interface SipCallerOptions {
  readonly sut: { readonly host: string; readonly port: number };
  /** Its own address: the one of the trunk that is trusted, unless told otherwise. */
  readonly host?: string;
  readonly from: string;
  readonly to: string;
  /** From is anonymous, and nobody asserts a number. */
  readonly withheld?: boolean;
  /** Whether RFC 4733 events are in the SDP. True unless told otherwise. */
  readonly offersEvents?: boolean;
  /** Of 100 RTP packets so many are lost on their way, which ones by the seed. */
  readonly loss?: { readonly percent: number; readonly seed: number };
}

export interface KeyOptions {
  readonly by?: 'rfc4733' | 'inband' | 'info';
  readonly holdMs?: number;
  readonly betweenMs?: number;
  /** Of an INFO. */
  readonly contentType?: 'application/dtmf-relay' | 'application/dtmf';
}

const PACKET_MS = 20;
const SAMPLES = 160;
const EVENTS_PT = 101;
const KEYS = '0123456789*#ABCD';
/** ITU-T Q.23: the low and the high tone of each key. */
const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
const PAD = ['123A', '456B', '789C', '*0#D'];

export class SipCaller {
  readonly #options: SipCallerOptions;
  readonly #sip: Socket;
  readonly #rtp: Socket;
  readonly #host: string;
  readonly #id = Math.random().toString(36).slice(2);
  readonly #random: () => number;
  readonly #answers = new Map<string, (answer: Message) => void>();
  #remote: { readonly host: string; readonly port: number } | null = null;
  #toHeader = '';
  #contact = '';
  #cseq = 0;
  #sequence = 0;
  #timestamp = 0;
  /** What goes out with the next packets; silence when there is nothing. */
  readonly #queue: (() => Buffer)[] = [];
  #sending = false;
  #over = Promise.withResolvers<void>();
  hasEnded = false;
  /** RTP packets that were lost, and all. */
  readonly packets = { lost: 0, all: 0 };

  private constructor(options: SipCallerOptions, sip: Socket, rtp: Socket) {
    this.#options = options;
    this.#sip = sip;
    this.#rtp = rtp;
    this.#host = sip.address().address;
    this.#random = mulberry32(options.loss?.seed ?? 1);
    sip.on('message', (data) => this.#onMessage(parse(data.toString())));
  }

  /** Resolves when the call was answered. */
  static async call(options: SipCallerOptions): Promise<SipCaller> {
    const [sip, rtp] = await Promise.all([bound(options.host ?? '127.0.0.2'), bound(options.host ?? '127.0.0.2')]);
    const caller = new SipCaller(options, sip, rtp);
    await caller.#invite();
    void caller.#stream();
    return caller;
  }

  ended(): Promise<void> {
    return this.#over.promise;
  }

  /** Presses keys; resolves when the last one has been let go. */
  async sendDigits(digits: string, { by = 'rfc4733', holdMs = 80, betweenMs = 80, contentType }: KeyOptions = {}): Promise<void> {
    for (const digit of digits) {
      if (by === 'info') {
        const relay = contentType !== 'application/dtmf';
        await this.#request('INFO', contentType ?? 'application/dtmf-relay', relay ? `Signal=${digit}\r\nDuration=${holdMs}\r\n` : digit);
        await sleep(betweenMs);
        continue;
      }
      this.#queue.push(...(by === 'rfc4733' ? this.#event(digit, holdMs) : this.#tone(digit, holdMs)));
      for (let ms = 0; ms < betweenMs; ms += PACKET_MS) this.#queue.push(() => this.#audio(SILENCE));
      while (this.#queue.length > 0 && !this.hasEnded) await sleep(5);
    }
  }

  async hangUp(): Promise<void> {
    if (!this.hasEnded) await this.#request('BYE');
    this.#end();
  }

  // ── RTP ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A packet every 20 ms, by the clock: what a busy machine was late with is sent at once. */
  async #stream(): Promise<void> {
    this.#sending = true;
    const began = performance.now();
    for (let sent = 0; this.#sending; ) {
      for (; sent * PACKET_MS <= performance.now() - began; sent += 1) {
        const packet = (this.#queue.shift() ?? (() => this.#audio(SILENCE)))();
        this.#timestamp += SAMPLES;
        this.packets.all += 1;
        if (this.#random() * 100 < (this.#options.loss?.percent ?? 0)) this.packets.lost += 1;
        else if (this.#remote !== null && this.#sending) this.#rtp.send(packet, this.#remote.port, this.#remote.host);
      }
      await sleep(5);
    }
  }

  #packet(type: number, timestamp: number, marker: boolean, payload: Buffer): Buffer {
    const header = Buffer.alloc(12);
    header[0] = 0x80;
    header[1] = type | (marker ? 0x80 : 0);
    header.writeUInt16BE(this.#sequence & 0xffff, 2);
    header.writeUInt32BE(timestamp >>> 0, 4);
    header.writeUInt32BE(0x12345678, 8);
    this.#sequence += 1;
    return Buffer.concat([header, payload]);
  }

  #audio(samples: Buffer): Buffer {
    return this.#packet(0, this.#timestamp, false, samples);
  }

  /** RFC 4733, 2.5.1: one timestamp, a growing duration, and the end told three times. */
  #event(digit: string, holdMs: number): (() => Buffer)[] {
    const event = KEYS.indexOf(digit.toUpperCase());
    const updates = Math.max(1, Math.round(holdMs / PACKET_MS));
    let began = 0;
    return Array.from({ length: updates + 3 }, (_, index) => () => {
      if (index === 0) began = this.#timestamp;
      const isEnd = index >= updates;
      const payload = Buffer.from([event, (isEnd ? 0x80 : 0) | 10, 0, 0]);
      payload.writeUInt16BE(Math.min(index + 1, updates) * SAMPLES, 2);
      return this.#packet(EVENTS_PT, began, index === 0, payload);
    });
  }

  #tone(digit: string, holdMs: number): (() => Buffer)[] {
    const row = PAD.findIndex((keys) => keys.includes(digit.toUpperCase()));
    const [low = 0, high = 0] = [LOW[row], HIGH[PAD[row]?.indexOf(digit.toUpperCase()) ?? -1]];
    return Array.from({ length: Math.max(1, Math.round(holdMs / PACKET_MS)) }, (_, index) => () => {
      const samples = Buffer.alloc(SAMPLES);
      for (let i = 0; i < SAMPLES; i += 1) {
        const t = (2 * Math.PI * (index * SAMPLES + i)) / 8000;
        samples[i] = muLaw(8_000 * Math.sin(low * t) + 8_000 * Math.sin(high * t));
      }
      return this.#audio(samples);
    });
  }

  // ── SIP ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #invite(): Promise<void> {
    const events = this.#options.offersEvents ?? true;
    const rtp = this.#rtp.address();
    const sdp = [
      'v=0',
      `o=- 1 1 IN IP4 ${rtp.address}`,
      's=-',
      `c=IN IP4 ${rtp.address}`,
      't=0 0',
      `m=audio ${rtp.port} RTP/AVP 0${events ? ` ${EVENTS_PT}` : ''}`,
      'a=rtpmap:0 PCMU/8000',
      ...(events ? [`a=rtpmap:${EVENTS_PT} telephone-event/8000`, `a=fmtp:${EVENTS_PT} 0-15`] : []),
      'a=ptime:20',
      'a=sendrecv',
      '',
    ].join('\r\n');
    const answer = await this.#request('INVITE', 'application/sdp', sdp);
    if (answer.status !== 200) throw new Error(`the call was answered with ${answer.status}`);
    this.#toHeader = answer.headers.get('to') ?? '';
    this.#contact = /<([^>]+)>/.exec(answer.headers.get('contact') ?? '')?.[1] ?? '';
    const host = /^c=IN IP4 (\S+)/m.exec(answer.body)?.[1];
    const port = /^m=audio (\d+)/m.exec(answer.body)?.[1];
    if (host === undefined || port === undefined) throw new Error('the answer has no address for sound');
    this.#remote = { host, port: Number(port) };
    this.#send('ACK', this.#cseq, `z9hG4bK${this.#id}ack`);
  }

  /** Resolves with the final answer. */
  async #request(method: string, contentType = '', body = ''): Promise<Message> {
    this.#cseq += 1;
    const cseq = this.#cseq;
    const branch = `z9hG4bK${this.#id}${cseq}`;
    const answered = new Promise<Message>((resolve) => this.#answers.set(`${cseq} ${method}`, resolve));
    this.#send(method, cseq, branch, contentType, body);
    const late = sleep(10_000, undefined, { ref: false }).then(() => {
      throw new Error(`no answer to ${method}`);
    });
    return Promise.race([answered, late]);
  }

  #send(method: string, cseq: number, branch: string, contentType = '', body = ''): void {
    const { to, sut, withheld = false } = this.#options;
    const from = withheld ? 'anonymous' : this.#options.from;
    const { address, port } = this.#sip.address();
    const uri = this.#contact || `sip:${to}@${sut.host}:${sut.port}`;
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: <sip:${from}@${address}>;tag=${this.#id}`,
      `To: ${this.#toHeader || `<sip:${to}@${sut.host}>`}`,
      `Call-ID: ${this.#id}@${address}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:${from}@${address}:${port}>`,
      ...(withheld ? ['Privacy: id'] : [`P-Asserted-Identity: <sip:${from}@${address}>`]),
      ...(contentType === '' ? [] : [`Content-Type: ${contentType}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.#sip.send(`${lines.join('\r\n')}\r\n\r\n${body}`, sut.port, sut.host);
  }

  #onMessage(message: Message): void {
    if (message.status !== null) {
      if (message.status < 200) return;
      const key = message.headers.get('cseq') ?? '';
      this.#answers.get(key)?.(message);
      this.#answers.delete(key);
      return;
    }
    if (message.method === 'ACK') return;
    const copied = ['via', 'from', 'to', 'call-id', 'cseq'].map((name) => `${name}: ${message.headers.get(name) ?? ''}`);
    const answer = ['SIP/2.0 200 OK', ...copied, 'content-length: 0', '', ''].join('\r\n');
    this.#sip.send(answer, this.#options.sut.port, this.#options.sut.host);
    if (message.method === 'BYE') this.#end();
  }

  #end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#sending = false;
    // What is asked again because our answer got lost is answered for a moment yet.
    setTimeout(() => this.#sip.close(), 200).unref();
    this.#rtp.close();
    this.#over.resolve();
  }
}

interface Message {
  /** Null: a request. */
  readonly status: number | null;
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function parse(text: string): Message {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const [first = '', ...lines] = head.split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(at + 1).trim());
  }
  const status = /^SIP\/2\.0 (\d{3})/.exec(first)?.[1];
  return { status: status === undefined ? null : Number(status), method: first.split(' ')[0] ?? '', headers, body };
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  return socket;
}

const SILENCE = Buffer.alloc(SAMPLES, 0xff);

/** ITU-T G.711 of a 16 bit sample. */
function muLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(32_635, Math.abs(Math.round(sample))) + 132;
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}
