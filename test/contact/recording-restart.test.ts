/** A message is being left, and the controller is killed: what was said reaches the desk, whatever the caller does meanwhile. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LegId } from '#src/base/ids.ts';
import { pcmWav } from '#src/base/wav.ts';
import type { Contact } from '#src/contact/model.ts';
import { PgRecordingStore } from '#src/db/recordings.ts';
import { until } from '../support/until.ts';
import { Centre, type Node, SLOW } from './centre.ts';
import { VARIED } from './world.ts';

const SAID = pcmWav(Buffer.alloc(16_000 * 3, 7)); // three seconds

let centre: Centre;
beforeEach(async () => {
  centre = await Centre.open();
  centre.context = { ...VARIED, policy: SLOW };
  centre.find = async () => null;
});
afterEach(() => centre.close());

const contacts = (node: Node): Contact[] => [...node.controller.floor.contacts.values()];
const hearToEnd = (leg: LegId): void => {
  for (const { play } of centre.switch.see(leg)?.plays ?? []) centre.switch.finishPlay(play);
};

/** A caller who has begun to speak. */
async function speaking(node: Node): Promise<{ readonly leg: LegId; readonly contact: Contact }> {
  const leg = centre.switch.arrive({ calledNumber: '3000', callingNumber: '+81312345678' });
  await until(() => centre.switch.see(leg)?.plays.length);
  centre.switch.digits(leg, '3');
  await until(() => contacts(node).some(({ dialogue }) => dialogue?.step === 'speak' && dialogue.playing));
  await until(() => centre.switch.see(leg)?.plays.length);
  hearToEnd(leg);
  await until(() => centre.switch.recordings.length);
  centre.switch.speak(leg, SAID);
  const contact = await until(() => contacts(node).find(({ legId }) => legId === leg));
  return { leg, contact };
}

async function expectMessage(node: Node, from: Contact): Promise<void> {
  const message = await until(() => contacts(node).find(({ continues }) => continues === from.id));
  const recording = `${from.id}.r1`;
  expect(message).toMatchObject({ channel: 'message', message: { recording, durationMs: 3_000 } });
  await until(() => centre.switch.recordings.length === 0);
  const kept = await new PgRecordingStore(centre.pool).read('test', recording);
  expect(kept).toMatchObject({ contactId: message.id, durationMs: 3_000 });
  expect(kept?.wav.equals(SAID)).toBe(true);
}

it('the recording goes on, and its end is told to the next', async () => {
  const first = await centre.started();
  const { leg, contact } = await speaking(first);
  await first.kill();
  const next = await centre.started();
  centre.switch.digits(leg, '#');
  await expectMessage(next, contact);
});

it('the recording ended while nobody listened', async () => {
  const first = await centre.started();
  const { contact } = await speaking(first);
  await first.kill();
  centre.switch.finishRecording(`${contact.id}.r1`);
  const next = await centre.started();
  await expectMessage(next, contact);
});

it('the caller hung up while nobody listened', async () => {
  const first = await centre.started();
  const { leg, contact } = await speaking(first);
  await first.kill();
  centre.switch.hangUpByParty(leg);
  const next = await centre.started();
  await expectMessage(next, contact);
  await until(() => !next.controller.floor.contacts.has(contact.id));
  expect(next.controller.floor.legs.size).toBe(0);
  const { rows } = await centre.pool.query('select cause from contact where id = $1', [contact.id]);
  expect(rows).toEqual([{ cause: 'messageLeft' }]);
  await vi.waitFor(async () => expect(await centre.rows('outbox')).toEqual([]), { timeout: 10_000 });
});
