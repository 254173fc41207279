/**
 * The speech hook: what a caller said goes to a recogniser, over HTTP or over a WebSocket, and comes back as words. Off unless
 * SPEECH_RECOGNITION_URL is set. docs/services.md has both forms; the one over HTTP is the usual multipart form of transcription servers.
 */
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { WebSocket } from 'ws';
import type { Language } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { exchange, HttpError, type HttpFailure, parseJson } from './http.ts';

export interface SpeechSettings {
  /** `http:`, `https:`, `ws:` or `wss:`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token: string | null;
  /** From 0 to 1: what the recogniser is less sure of was not understood. */
  readonly confidence: number;
  readonly timeoutMs: number;
}

export interface SpeechOptions extends SpeechSettings {
  readonly log: Logger;
  readonly onHeard?: (outcome: 'understood' | 'notUnderstood' | 'failed', tookMs: number) => void;
}

const Answer = Type.Object({
  text: Type.String({ maxLength: 2_000 }),
  confidence: Type.Optional(Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 1 })])),
});

class SpeechError extends Error {}

const MOST_BYTES = 64 * 1024;

export class SpeechClient {
  readonly #options: SpeechOptions;
  readonly #stopping = new AbortController();

  constructor(options: SpeechOptions) {
    this.#options = options;
  }

  /**
   * Never rejects: who is not understood is asked again, and can press keys.
   * @param audio a WAV file
   * @param expects words that would fit, for recognisers that can make use of them
   * @returns null when nothing was said or understood, or the recogniser did not answer
   */
  async recognise(audio: Uint8Array<ArrayBuffer>, language: Language, expects: readonly string[]): Promise<string | null> {
    const { url, confidence: needed, log, onHeard } = this.#options;
    const began = performance.now();
    const tell = (outcome: 'understood' | 'notUnderstood' | 'failed'): void => onHeard?.(outcome, performance.now() - began);
    try {
      const text = await (url.startsWith('ws') ? this.#overWebSocket(audio, language, expects) : this.#overHttp(audio, language, expects));
      const answer = readAnswer(text);
      const words = answer.text.trim();
      const isUnderstood = words !== '' && (answer.confidence ?? 1) >= needed;
      tell(isUnderstood ? 'understood' : 'notUnderstood');
      return isUnderstood ? words : null;
    } catch (error) {
      if (!(error instanceof SpeechError) && !(error instanceof HttpError)) throw error;
      log.warn({ reason: error.message, tookMs: Math.round(performance.now() - began) }, 'the speech recogniser did not answer as agreed');
      tell('failed');
      return null;
    }
  }

  /** What is under way is not understood. */
  close(): void {
    this.#stopping.abort();
  }

  async #overHttp(audio: Uint8Array<ArrayBuffer>, language: Language, expects: readonly string[]): Promise<string> {
    const { url, timeoutMs } = this.#options;
    const body = new FormData();
    body.set('file', new Blob([audio], { type: 'audio/wav' }), 'caller.wav');
    body.set('language', language);
    body.set('prompt', expects.join(', '));
    body.set('expects', JSON.stringify(expects));
    const headers = { accept: 'application/json', ...this.#authorization() };
    const { status, text } = await exchange({ url, method: 'POST', headers, body }, timeoutMs, this.#stopping.signal);
    if (status < 200 || status > 299) throw new SpeechError(`status ${status}`);
    return text ?? '';
  }

  #overWebSocket(audio: Uint8Array, language: Language, expects: readonly string[]): Promise<string> {
    const { url, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { headers: this.#authorization(), maxPayload: MOST_BYTES, perMessageDeflate: false });
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#stopping.signal.removeEventListener('abort', stop);
        settle();
        socket.terminate();
      };
      const fail = (reason: HttpFailure, code: string | null = null): void => end(() => reject(new HttpError(reason, code)));
      const stop = (): void => fail('stopping');
      const timer = setTimeout(() => fail('timeout'), timeoutMs);
      this.#stopping.signal.addEventListener('abort', stop, { once: true });
      socket.on('open', () => {
        socket.send(JSON.stringify({ language, expects, format: 'wav' }));
        socket.send(audio);
      });
      socket.on('message', (data, isBinary) => (isBinary ? fail('unreachable', 'BINARY') : end(() => resolve(String(data)))));
      socket.on('close', () => fail('unreachable', 'CLOSED'));
      socket.on('error', (error) => fail('unreachable', 'code' in error ? String(error.code) : null));
      if (this.#stopping.signal.aborted) stop();
    });
  }

  #authorization(): Record<string, string> {
    const { token } = this.#options;
    return token === null ? {} : { authorization: `Bearer ${token}` };
  }
}

function readAnswer(text: string): Static<typeof Answer> {
  const answer = parseJson(text);
  if (Check(Answer, answer)) return answer;
  throw new SpeechError('not as agreed');
}
