/** Voicemail at the web edge: the recording for players, and what a panel says about it. */
import { expect, test } from 'vitest';
import { pcmWav } from '#src/base/wav.ts';
import { byteRange } from '#src/web/message-routes.ts';
import { startHarness, until } from './harness.ts';

const WAV = pcmWav(Buffer.from(Array.from({ length: 16_000 }, (_, i) => i % 251)));

async function withMessage() {
  const h = await startHarness();
  h.backend.setRecording('c-1', WAV);
  const cookie = await h.cookieOf('tanaka');
  const audio = (headers: Record<string, string> = {}, id = 'c-1') =>
    h.request(`/api/messages/${id}/audio`, { headers: { cookie, ...headers } });
  return { h, audio };
}
const bytes = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

test('a player gets the whole recording, which nobody on the way may keep', async () => {
  const { audio } = await withMessage();
  const response = await audio();
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'audio/wav',
    'cache-control': 'private, no-store',
    'accept-ranges': 'bytes',
    'content-length': String(WAV.length),
    'x-content-type-options': 'nosniff',
  });
  expect((await bytes(response)).equals(WAV)).toBe(true);
});

test.each([
  ['bytes=0-', 0, WAV.length - 1],
  ['bytes=44-143', 44, 143],
  ['bytes=16000-999999', 16_000, WAV.length - 1],
  ['bytes=-10', WAV.length - 10, WAV.length - 1],
  ['bytes=-999999', 0, WAV.length - 1],
  ['BYTES=0-0', 0, 0],
])('a player that jumps gets the part that it asks for: %s', async (range, from, to) => {
  const { audio } = await withMessage();
  const response = await audio({ range });
  expect(response.status).toBe(206);
  expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to}/${WAV.length}`);
  expect((await bytes(response)).equals(WAV.subarray(from, to + 1))).toBe(true);
});

test.each(['bytes=99999-', 'bytes=-0'])('a part behind the end is refused: %s', async (range) => {
  const { audio } = await withMessage();
  const response = await audio({ range });
  expect(response.status).toBe(416);
  expect(response.headers.get('content-range')).toBe(`bytes */${WAV.length}`);
});

test.each(['bytes=5-2', 'bytes=-', 'items=0-1', 'bytes=0-1,4-5', 'bytes=a-b', ''])(
  'what is no range that we know gives all of it: "%s"',
  (range) => {
    expect(byteRange(range, 100)).toBeNull();
  },
);

test('who asks for a part "if it is still the same" gets all of it: there is nothing by which that could be told', async () => {
  const { audio } = await withMessage();
  expect((await audio({ range: 'bytes=0-9', 'if-range': '"abc"' })).status).toBe(200);
});

test('nobody listens without a session; and not a word is kept of a refusal either', async () => {
  const { h } = await withMessage();
  const response = await h.request('/api/messages/c-1/audio');
  expect(response.status).toBe(401);
  expect(response.headers.get('cache-control')).toContain('no-store');
  expect(h.backend.heard).toEqual([]);
});

test('a recording that the switch has not handed over yet is told from one that this agent may not hear', async () => {
  const { h, audio } = await withMessage();
  h.backend.setRecording('c-2', null);
  const notYet = await audio({}, 'c-2');
  expect([notYet.status, await notYet.json()]).toMatchObject([404, { code: 'notStoredYet' }]);
  const others = await audio({}, 'c-3');
  expect([others.status, await others.json()]).toMatchObject([404, { code: 'noSuchMessage' }]);
});

test('an agent accepts a message, and has whoever left it called, by the panel', async () => {
  const h = await startHarness();
  const panel = await h.panel('tanaka');
  const { contactId, offerId } = h.backend.offer('agent-tanaka', {
    channel: 'message',
    origin: 'voicemail',
    message: { durationMs: 9_000 },
  });
  panel.send({ type: 'accept', offerId });
  panel.send({ type: 'callBack', contactId });
  await until('both have come', () => h.backend.inputs.some(({ type }) => type === 'messageCallBack'));
  expect(h.backend.inputs.slice(-2)).toEqual([
    { type: 'offerAccepted', agentId: 'agent-tanaka', offerId },
    { type: 'messageCallBack', agentId: 'agent-tanaka', contactId },
  ]);
});
