/** A prompt of many parts, played by a real Asterisk: more than a request line can hold, and each of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeWav } from '../../src/base/wav.ts';
import type { AriOptions, AriTransport } from '../../src/cti/asterisk/ari.ts';
import { AriClientTransport } from '../../src/cti/asterisk/ari-client.ts';
import { AriWebSocket } from '../../src/cti/asterisk/ari-ws.ts';
import { Heard } from '../contract/switch.ts';
import { asteriskHarness, type RealAsterisk, startBothSides } from '../cti/asterisk-harness.ts';

const PARTS = 200;
const PART_MS = 40;

let asterisk: RealAsterisk;
let dir = '';
beforeAll(async () => {
  asterisk = await startBothSides();
  dir = join(mkdtempSync(join(tmpdir(), 'parts-')), 'a folder of an installation', 'scenarios', 'prompts', 'ja');
  mkdirSync(dir, { recursive: true });
}, 60_000);
afterAll(async () => {
  await asterisk?.stop();
  if (dir !== '') rmSync(join(dir, '../../../..'), { recursive: true, force: true });
}, 30_000);

describe.each<[string, (options: AriOptions) => AriTransport]>([
  ['ari-ws', (options) => new AriWebSocket(options)],
  ['ari-client', (options) => new AriClientTransport(options)],
])('by %s', (_, makeTransport) => {
  it(`a prompt of ${PARTS} parts is played to its end`, async () => {
    const samples = Int16Array.from({ length: PART_MS * 8 }, (__, i) => Math.round(8000 * Math.sin(i / 3)));
    const media = Array.from({ length: PARTS }, (__, i) => join(dir, `0123456789abcdef${i}`));
    for (const file of media) writeFileSync(`${file}.wav`, writeWav({ rate: 8000, samples }));

    const harness = await asteriskHarness(asterisk, makeTransport);
    const port = harness.makeSwitch();
    const heard = new Heard();
    await port.connect(heard.listener);
    try {
      const calling = harness.callIn({ from: '+819012345678', to: '1000' });
      const { leg } = await heard.first('legArrived');
      await port.answer(leg);
      await calling;
      const startedAt = performance.now();
      await port.play(leg, 'play-1', media);
      expect(await heard.first('playFinished', { play: 'play-1' }, 25_000)).toMatchObject({ outcome: 'completed' });
      // What is left out makes it shorter; nothing can.
      expect(performance.now() - startedAt).toBeGreaterThan(PARTS * PART_MS * 0.95);
    } finally {
      await port.close();
      await harness.dispose();
    }
  });
});
