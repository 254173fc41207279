import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { SpeechClient } from '#src/channels/speech.ts';
import { loadConfig } from '#src/config.ts';
import { FarServer, json } from './far-server.ts';

const WAV = new Uint8Array([82, 73, 70, 70, 0, 1, 2, 255]);

let log: string[];
let heard: string[];
beforeEach(() => {
  log = [];
  heard = [];
});
const clientOf = (url: string, timeoutMs = 5_000): SpeechClient =>
  new SpeechClient({
    url,
    token: 'geheim',
    confidence: 0.5,
    timeoutMs,
    log: pino({ level: 'debug' }, { write: (line) => void log.push(line) }),
    onHeard: (outcome) => heard.push(outcome),
  });

describe('a recogniser', () => {
  const settings = (env: Record<string, string>) => {
    const loaded = loadConfig(env, [], () => '');
    return loaded.kind === 'config' ? loaded.config.speech : loaded.text;
  };

  it('is not there unless its address is set', () => {
    expect(settings({ SPEECH_RECOGNITION_TOKEN: 'geheim' })).toBeNull();
    expect(settings({ SPEECH_RECOGNITION_URL: 'wss://speech.example.jp/listen', SPEECH_RECOGNITION_TOKEN: 'geheim' })).toEqual({
      url: 'wss://speech.example.jp/listen',
      token: 'geheim',
      confidence: 0.5,
      timeoutMs: 3_000,
    });
  });

  it('has to be one that can be reached', () => {
    expect(settings({ SPEECH_RECOGNITION_URL: 'file:///speech' })).toContain('SPEECH_RECOGNITION_URL (environment)');
    expect(settings({ SPEECH_CONFIDENCE: '101' })).toContain('SPEECH_CONFIDENCE (environment)');
  });
});

describe('a recogniser over HTTP', () => {
  let far: FarServer;
  beforeEach(async () => {
    far = await FarServer.start();
  });
  afterEach(() => far.stop());

  it('gets the sound, the language and what would fit, and gives the words', async () => {
    far.answer = (response) => json(response, { text: ' 営業をお願いします。 ', confidence: 0.9 });
    expect(await clientOf(far.url).recognise(WAV, 'ja', ['営業', '修理'])).toBe('営業をお願いします。');
    const [asked] = far.asked;
    expect(asked).toMatchObject({ method: 'POST', headers: { authorization: 'Bearer geheim' } });
    const form = await new Response(Buffer.from(asked?.body ?? '', 'latin1'), {
      headers: { 'content-type': asked?.headers['content-type'] ?? '' },
    }).formData();
    const file = form.get('file');
    if (!(file instanceof File)) throw new Error('no file');
    expect(file.type).toBe('audio/wav');
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(WAV);
    expect([form.get('language'), form.get('prompt'), form.get('expects')]).toEqual(['ja', '営業, 修理', '["営業","修理"]']);
    expect(heard).toEqual(['understood']);
  });

  it.each([
    ['it is not sure', { text: '営業', confidence: 0.4 }],
    ['nothing was said', { text: '  ' }],
  ])('understood nothing when %s', async (_, answer) => {
    far.answer = (response) => json(response, answer);
    expect(await clientOf(far.url).recognise(WAV, 'ja', [])).toBeNull();
    expect([heard, log]).toEqual([['notUnderstood'], []]);
  });

  it('that does not say how sure it is, is believed', async () => {
    far.answer = (response) => json(response, { text: 'sales', confidence: null });
    expect(await clientOf(far.url).recognise(WAV, 'en', [])).toBe('sales');
  });

  it.each([
    ['says 500', (response: Parameters<FarServer['answer']>[0]) => void response.writeHead(500).end('{"text":"x"}')],
    ['answers no JSON', (response: Parameters<FarServer['answer']>[0]) => void response.end('sales')],
    ['answers another form', (response: Parameters<FarServer['answer']>[0]) => json(response, { words: 'sales' })],
    ['is sure beyond reason', (response: Parameters<FarServer['answer']>[0]) => json(response, { text: 'sales', confidence: 80 })],
    ['answers at length', (response: Parameters<FarServer['answer']>[0]) => json(response, { text: 'x'.repeat(100_000) })],
    ['hangs up', (response: Parameters<FarServer['answer']>[0]) => void response.destroy()],
  ])('that %s is not understood, and what was said is in no log', async (_, answer) => {
    far.answer = answer;
    expect(await clientOf(far.url).recognise(WAV, 'en', [])).toBeNull();
    expect(heard).toEqual(['failed']);
    expect(log).toHaveLength(1);
    expect(log[0]).not.toMatch(/sales|geheim/);
  });

  it('that is slow is not waited for', async () => {
    far.answer = () => undefined;
    expect(await clientOf(far.url, 100).recognise(WAV, 'en', [])).toBeNull();
    expect(heard).toEqual(['failed']);
  });
});

describe('a recogniser over a WebSocket', () => {
  let server: WebSocketServer;
  let got: string[];
  /** What it does when it has all. */
  let answer: (socket: WebSocket) => void;
  beforeEach(async () => {
    got = [];
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket, request) => {
      got.push(`${request.headers.authorization}`);
      socket.on('message', (data: RawData, isBinary) => {
        got.push(isBinary ? `binary ${Buffer.from(data as Buffer).toString('hex')}` : String(data));
        if (isBinary) answer(socket);
      });
    });
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const url = (): string => `ws://127.0.0.1:${(server.address() as AddressInfo).port}/listen`;

  it('gets the question as JSON and then the sound, and gives the words', async () => {
    answer = (socket) => socket.send('{"text":"sales","confidence":0.8}');
    expect(await clientOf(url()).recognise(WAV, 'en', ['sales'])).toBe('sales');
    expect(got).toEqual(['Bearer geheim', '{"language":"en","expects":["sales"],"format":"wav"}', 'binary 52494646000102ff']);
    expect(heard).toEqual(['understood']);
    await expect.poll(() => server.clients.size).toBe(0);
  });

  it.each<[string, (socket: WebSocket) => void]>([
    ['hangs up', (socket) => socket.close()],
    ['is cut off', (socket) => socket.terminate()],
    ['answers no JSON', (socket) => socket.send('sales')],
    ['answers bytes', (socket) => socket.send(WAV)],
    ['answers at length', (socket) => socket.send(`{"text":"${'x'.repeat(100_000)}"}`)],
  ])('that %s is not understood', async (_, how) => {
    answer = how;
    expect(await clientOf(url()).recognise(WAV, 'en', [])).toBeNull();
    expect(heard).toEqual(['failed']);
  });

  it('that is slow is not waited for, nor one that is not there', async () => {
    answer = () => undefined;
    expect(await clientOf(url(), 100).recognise(WAV, 'en', [])).toBeNull();
    await expect.poll(() => server.clients.size).toBe(0);
    expect(await clientOf('ws://127.0.0.1:9/').recognise(WAV, 'en', [])).toBeNull();
    expect(heard).toEqual(['failed', 'failed']);
  });

  it('is let go when the house closes', async () => {
    let asked = false;
    answer = () => {
      asked = true;
    };
    const client = clientOf(url());
    const hearing = client.recognise(WAV, 'en', []);
    await expect.poll(() => asked).toBe(true);
    client.close();
    expect(await hearing).toBeNull();
    expect(await client.recognise(WAV, 'en', [])).toBeNull();
  });

  it('does not lead elsewhere', async () => {
    const far = await FarServer.start();
    far.answer = (response) => response.writeHead(302, { location: url() }).end();
    expect(await clientOf(far.url.replace('http', 'ws')).recognise(WAV, 'en', [])).toBeNull();
    expect([heard, got]).toEqual([['failed'], []]);
    await far.stop();
  });
});
