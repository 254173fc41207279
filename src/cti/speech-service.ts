/**
 * A speech service by HTTP: `POST {"language": "ja", "text": "…"}` is answered with `audio/wav` (16 bit, any rate, mono or
 * stereo). For better voices than Debian's: a program of your own in front of whatever engine you have.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Language } from '../base/ids.ts';
import { readWav, type Sound } from '../base/wav.ts';
import type { VoiceEngine } from './voices.ts';

export interface SpeechService {
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token: string | null;
  /** For one text, with all tries. */
  readonly timeoutMs: number;
}

/** Three minutes at 44.1 kHz. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Between two tries of a service that is busy (503), unless it says how long; then twice as long each time. */
const AGAIN_MS = 200;

/** A voice by a service. Its name is the address, so that another service makes other files. */
export const serviceVoice = (service: SpeechService, language: Language): VoiceEngine => ({
  voice: `http/${service.url}`,
  language,
  render: (text) => speak(service, language, text),
});

async function speak({ url, token, timeoutMs }: SpeechService, language: Language, text: string): Promise<Sound> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    for (let againMs = AGAIN_MS; ; againMs *= 2) {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'audio/wav',
          ...(token !== null && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ language, text }),
        // The token is for this address only.
        redirect: 'error',
        signal,
      });
      if (response.status !== 503) return readWav(await soundOf(response));
      await response.body?.cancel();
      const wishedMs = Number(response.headers.get('retry-after') ?? Number.NaN) * 1000;
      await sleep(Number.isFinite(wishedMs) ? Math.max(0, wishedMs) : againMs, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`the speech service has not answered within ${timeoutMs} ms`, { cause: error });
  }
}

async function soundOf(response: Response): Promise<Buffer> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? 'nothing';
  if (response.status !== 200 || !['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave'].includes(type)) {
    await response.body?.cancel();
    throw new Error(`the speech service answered ${response.status} with ${type}, not 200 with audio/wav`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size > MOST_BYTES) throw new Error(`the speech service's answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
