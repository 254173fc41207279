/** A voice by HTTP, against a real server on this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sound, writeWav } from '../../src/base/wav.ts';
import { loadConfig } from '../../src/config.ts';
import { type SpeechService, serviceVoice } from '../../src/cti/speech-service.ts';

const sound: Sound = { rate: 24_000, samples: Int16Array.from({ length: 4800 }, (_, i) => Math.round(8000 * Math.sin(i / 8))) };
const wav = writeWav(sound);

interface Heard {
  readonly method: string | undefined;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}
let heard: Heard[] = [];
let answers: ((response: ServerResponse) => void)[] = [];
const server = createServer((request: IncomingMessage, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => {
    body += text;
  });
  request.on('end', () => {
    const { authorization, 'content-type': type } = request.headers;
    heard.push({ method: request.method, type, authorization, body: JSON.parse(body) });
    (answers.length > 1 ? answers.shift() : answers[0])?.(response);
  });
});
let url = '';
beforeEach(async () => {
  heard = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/speak`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const good = (response: ServerResponse): void => void response.writeHead(200, { 'content-type': 'audio/wav' }).end(wav);
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end('no');
const speak = (more: Partial<SpeechService> = {}): Promise<Sound> =>
  serviceVoice({ url, token: null, timeoutMs: 20_000, ...more }, 'ja').render('こんにちは', '/nowhere');

describe('a speech service', () => {
  it('gets language and text as JSON, with its token, and answers with sound of any rate', async () => {
    answers = [good];
    expect(await speak({ token: 'secret' })).toEqual(sound);
    await speak();
    expect(heard).toEqual([
      { method: 'POST', type: 'application/json', authorization: 'Bearer secret', body: { language: 'ja', text: 'こんにちは' } },
      expect.objectContaining({ authorization: undefined }),
    ]);
  });

  it('that is busy is asked again, when it wishes or soon', async () => {
    answers = [status(503), status(503, { 'retry-after': '0' }), good];
    expect(await speak()).toEqual(sound);
    expect(heard).toHaveLength(3);
  });

  it('that stays busy, or never answers, is given up in time', async () => {
    answers = [status(503, { 'retry-after': '3600' })];
    await expect(speak({ timeoutMs: 300 })).rejects.toThrow('has not answered within 300 ms');
    answers = [() => undefined];
    await expect(speak({ timeoutMs: 300 })).rejects.toThrow('has not answered within 300 ms');
    // Also in the middle of its answer.
    answers = [(response) => void response.writeHead(200, { 'content-type': 'audio/wav' }).write(wav.subarray(0, 100))];
    await expect(speak({ timeoutMs: 300 })).rejects.toThrow('has not answered within 300 ms');
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['refuses', status(401), 'answered 401 with nothing, not 200 with audio/wav'],
    ['breaks', status(500, { 'content-type': 'text/html; charset=utf-8' }), 'answered 500 with text/html'],
    ['answers something else', status(200, { 'content-type': 'audio/mpeg' }), 'answered 200 with audio/mpeg'],
    ['answers no sound at all', status(200, { 'content-type': 'audio/wav' }), 'WAVE'],
    ['sends us elsewhere, where the token must not go', status(307, { location: 'http://127.0.0.1:9/' }), 'fetch failed'],
    ['hangs up', (response) => void response.destroy(), 'fetch failed'],
  ])('that %s is told so, and not asked again', async (_, answer, message) => {
    answers = [answer];
    await expect(speak()).rejects.toThrow(message);
    expect(heard).toHaveLength(1);
  });

  it('may not fill our memory', async () => {
    let sent = 0;
    let isOpen = true;
    answers = [
      (response) => {
        response.writeHead(200, { 'content-type': 'audio/wav' });
        response.on('close', () => {
          isOpen = false;
        });
        const more = (): void => {
          while (isOpen && response.write(Buffer.alloc(65_536))) sent += 65_536;
          if (isOpen) response.once('drain', more);
        };
        more();
      },
    ];
    await expect(speak()).rejects.toThrow('longer than');
    await expect.poll(() => isOpen).toBe(false);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('has a voice by its address, so that another one makes other files', () => {
    expect(serviceVoice({ url: 'http://a/', token: null, timeoutMs: 1 }, 'en').voice).toBe('http/http://a/');
  });
});

describe('settings of voices', () => {
  const load = (env: Record<string, string>) => loadConfig(env, [], () => '');
  it('name a service and who speaks which language', () => {
    const env = { SPEECH_SYNTHESIS_URL: 'https://speech.example/say', SPEECH_SYNTHESIS_TOKEN: 'secret', VOICE_EN: 'flite' };
    expect(load(env)).toMatchObject({
      config: {
        voices: {
          engines: { ja: null, en: 'flite' },
          service: { url: 'https://speech.example/say', token: 'secret', timeoutMs: 10_000 },
        },
      },
    });
    expect(load({})).toMatchObject({ config: { voices: { engines: { ja: null, en: null }, service: null } } });
  });
  it('that ask for a service without its address, or for what speaks no Japanese, are told so', () => {
    expect(load({ VOICE_JA: 'http' })).toMatchObject({
      mistakes: [{ setting: 'VOICE_JA', problem: "'http' needs a speech service", remedy: 'set SPEECH_SYNTHESIS_URL' }],
    });
    expect(load({ VOICE_JA: 'flite' })).toMatchObject({ mistakes: [{ setting: 'VOICE_JA', remedy: 'write one of open_jtalk, http' }] });
  });
});
