/**
 * A switch as far as a browser phone can tell: SIP over WebSocket (RFC 7118) that takes registrations and sends INVITEs with
 * a leg's header. The media of the other side come from another page of the same browser, so real audio flows.
 */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './stage.ts';

interface SipMessage {
  readonly first: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface FarSwitch {
  readonly url: string;
  /** Registrations seen, by their expiry in seconds (0: taken back). */
  readonly registrations: number[];
  /** Everything else received: methods of requests, and status lines of answers. */
  readonly received: string[];
  /** Rings the registered phone. Resolves with the answer's SDP, or the failure's status line. */
  invite(leg: string, sdp: string): Promise<{ readonly sdp: string } | { readonly refused: string }>;
  /** Ends the call from this side. */
  bye(): void;
  cancel(): void;
  /** Drops every connection, as a switch that restarts. */
  dropAll(): void;
  /** Does not hear the next registration, as a switch that is just starting. */
  loseNextRegistration(): void;
  close(): Promise<void>;
}

function parse(text: string): SipMessage {
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
  const [first = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { first, headers, body };
}

export async function startFarSwitch(): Promise<FarSwitch> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'sip' });
  await new Promise((listening) => server.once('listening', listening));
  const registrations: number[] = [];
  const received: string[] = [];
  let losesNext = false;
  let phone: { socket: WebSocket; contact: string } | null = null;
  let call: {
    id: string;
    leg: string;
    from: string;
    to: string;
    target: string;
    branch: string;
    cseq: number;
    answer: ((message: SipMessage) => void) | null;
  } | null = null;

  const send = (first: string, headers: Readonly<Record<string, string>>, body = ''): void => {
    const lines = Object.entries({ ...headers, 'Content-Length': String(Buffer.byteLength(body)) }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    phone?.socket.send(`${first}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  };
  const request = (method: string, branch: string, cseq: number, extra: Readonly<Record<string, string>> = {}, body = ''): void => {
    if (call === null) return;
    send(
      `${method} ${call.target} SIP/2.0`,
      {
        Via: `SIP/2.0/WS far.invalid;branch=${branch}`,
        'Max-Forwards': '70',
        From: call.from,
        To: call.to,
        'Call-ID': call.id,
        CSeq: `${cseq} ${method}`,
        Contact: '<sip:switch@far.invalid;transport=ws>',
        ...extra,
      },
      body,
    );
  };

  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const message = parse(String(data));
      if (message.first.startsWith('SIP/2.0')) {
        if (message.first.startsWith('SIP/2.0 1')) return;
        received.push(message.first);
        if (call !== null && message.headers.get('cseq')?.endsWith('INVITE') === true) {
          call.to = message.headers.get('to') ?? call.to;
          call.target = /<([^>]+)>/.exec(message.headers.get('contact') ?? '')?.[1] ?? call.target;
          const accepted = message.first.startsWith('SIP/2.0 2');
          // An ACK to a failure belongs to the INVITE's own transaction (RFC 3261 section 17.1.1.3).
          request('ACK', accepted ? `z9hG4bK${randomBytes(6).toString('hex')}` : call.branch, call.cseq);
          call.answer?.(message);
          call.answer = null;
        }
        return;
      }
      const method = message.first.split(' ')[0] ?? '';
      const echo = Object.fromEntries(['via', 'from', 'to', 'call-id', 'cseq'].map((name) => [name, message.headers.get(name) ?? '']));
      if (method === 'ACK') return;
      if (method === 'REGISTER') {
        if (losesNext) {
          losesNext = false;
          return;
        }
        const expires = Number(message.headers.get('expires') ?? /expires=(\d+)/.exec(message.headers.get('contact') ?? '')?.[1] ?? 0);
        registrations.push(expires);
        phone = { socket, contact: /<([^>]+)>/.exec(message.headers.get('contact') ?? '')?.[1] ?? '' };
        send('SIP/2.0 200 OK', {
          ...echo,
          to: `${echo['to']};tag=far`,
          ...(expires > 0 ? { contact: `<${phone.contact}>;expires=${expires}` } : {}),
        });
        return;
      }
      received.push(method);
      send('SIP/2.0 200 OK', echo);
    });
  });

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    registrations,
    received,
    async invite(leg, sdp) {
      const { contact } = await until('a phone is registered', () => phone ?? undefined);
      const answer = new Promise<SipMessage>((resolve) => {
        call = {
          id: randomBytes(8).toString('hex'),
          leg,
          from: '<sip:switch@far.invalid>;tag=far',
          to: `<${contact}>`,
          target: contact,
          branch: `z9hG4bK${randomBytes(6).toString('hex')}`,
          cseq: 1,
          answer: resolve,
        };
        request('INVITE', call.branch, 1, { 'Content-Type': 'application/sdp', 'X-Madoguchi-Leg': leg }, sdp);
      });
      const message = await answer;
      return message.first.startsWith('SIP/2.0 2') ? { sdp: message.body } : { refused: message.first };
    },
    loseNextRegistration() {
      losesNext = true;
    },
    bye() {
      if (call !== null) request('BYE', `z9hG4bK${randomBytes(6).toString('hex')}`, ++call.cseq);
    },
    cancel() {
      if (call !== null) request('CANCEL', call.branch, call.cseq);
    },
    dropAll() {
      for (const client of server.clients) client.terminate();
    },
    async close() {
      for (const client of server.clients) client.terminate();
      await new Promise((closed) => server.close(closed));
    },
  };
}
