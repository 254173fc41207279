/** Who may hear what was left on the phone: on the real floor and a real database, with a switch that hands its recordings over. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBackend } from '#src/backend.ts';
import type { EpochMs } from '#src/base/ids.ts';
import { pcmWav } from '#src/base/wav.ts';
import type { Contact, FloorInput } from '#src/contact/model.ts';
import { messageOfContact } from '#src/db/contacts.ts';
import { contactEvents } from '#src/db/events.ts';
import { PgRecordingStore } from '#src/db/recordings.ts';
import type { Dialogue, DialogueAction, DialogueResult } from '#src/ivr/scenario.ts';
import type { Directory } from '#src/routing/directory.ts';
import type { Principal, WebBackend } from '#src/web/backend.ts';
import { Centre, type Node, SLOW } from '../contact/centre.ts';
import { CONTEXT, DIRECTORY } from '../contact/world.ts';
import { until } from '../support/until.ts';

const SAID = pcmWav(Buffer.alloc(16_000 * 3, 5)); // three seconds
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let centre: Centre;
let node: Node;
let house: WebBackend;
let clock: EpochMs;

/** The maker sees all; the agency has the support desk, its supervisor sees that alone. */
const organisation = (id: string, kind: 'maker' | 'agency', sellsFor: string[]) => ({ id, kind, name: id, sellsFor, regions: [] });
const person = (id: string, role: Principal['role'], organisationId: string, deskIds: string[]) => {
  const [agent] = DIRECTORY.agents.values();
  return { ...(agent as NonNullable<typeof agent>), id, name: id, role, organisationId, deskIds, queues: [], deskPhone: null };
};
const directory: Directory = {
  ...DIRECTORY,
  organisations: new Map([organisation('maker', 'maker', []), organisation('agency', 'agency', ['maker'])].map((o) => [o.id, o])),
  desks: new Map([...DIRECTORY.desks].map(([id, desk]) => [id, id === 'support' ? { ...desk, organisationId: 'agency' } : desk])),
  agents: new Map(
    [
      ...DIRECTORY.agents.values(),
      person('boss', 'supervisor', 'maker', []),
      person('agency-boss', 'supervisor', 'agency', ['support']),
    ].map((a) => [a.id, a]),
  ),
};
const as = (agentId: string): Principal => ({ agentId, name: agentId, role: directory.agents.get(agentId)?.role ?? 'agent' });

/** A dialogue that records, leaves what was said for a desk, and hangs up. */
const stepWith = (dialogue: Dialogue, ...actions: DialogueAction[]): DialogueResult => ({
  dialogue,
  actions,
  timeoutMs: null,
  entered: [],
  notes: [],
});

beforeEach(async () => {
  clock = Date.UTC(2026, 10, 20, 2);
  centre = await Centre.open();
  centre.clock = { now: () => clock };
  centre.find = async () => null;
  centre.context = {
    ...CONTEXT,
    directory,
    policy: SLOW,
    startDialogue: (scenario, { language }) =>
      stepWith(
        { scenario, version: '1', step: 'record', language, variables: {}, digits: '', tries: 1, play: 0, playing: false, request: 1 },
        { type: 'record', request: 1, longestMs: 60_000, silenceMs: 0, beep: true },
      ),
    stepDialogue: (dialogue, input) =>
      input.type === 'recorded'
        ? stepWith(
            dialogue,
            { type: 'leaveMessage', request: 1, durationMs: input.durationMs, desk: 'sales' },
            { type: 'hangUp', as: null },
          )
        : stepWith(dialogue),
  };
  node = await centre.started('first');
  const nothing = async () => null;
  house = createBackend({
    controller: node.controller,
    directory: () => directory,
    rulesOf: CONTEXT.rulesOf,
    decideDesk: CONTEXT.decideDesk,
    contactOfToken: nothing,
    storedMessage: (contactId) => messageOfContact(centre.pool, 'test', contactId),
    recording: async (id) => (await new PgRecordingStore(centre.pool).read('test', id))?.wav ?? null,
    clock: () => clock,
    sip: { webSocketUrl: '', domain: '', password: () => '' },
    isReachable: () => true,
    onReachable: () => () => undefined,
    logIn: nothing,
    principalOf: nothing,
    logOut: async () => undefined,
    customerView: nothing,
    contactEvents: nothing,
    forcedChanges: async () => [],
    parts: () => ({}),
    metrics: async () => ({ contentType: '', text: '' }),
  });
});
afterEach(() => centre.close());

const submit = (input: FloorInput): Promise<void> => node.controller.submit(input);
const message = (): Promise<Contact> => until(() => [...node.controller.floor.contacts.values()].find((c) => c.channel === 'message'));

/** A caller says three seconds; the message waits at sales. */
async function left(): Promise<Contact> {
  const leg = centre.switch.arrive({ calledNumber: '1000', callingNumber: '+81312345678' });
  await until(() => centre.switch.recordings.length > 0 || centre.switch.seeAll().some((l) => l.leg === leg && l.state === 'up'));
  await vi.waitFor(() => expect([...node.controller.floor.contacts.values()].some((c) => c.state === 'scenario')).toBe(true));
  await vi.waitFor(() => expect(node.given.some((given) => given.startsWith('record'))).toBe(true));
  centre.switch.speak(leg, SAID);
  centre.switch.hangUpByParty(leg);
  return message();
}
const stored = (contactId: string): Promise<Buffer> =>
  vi.waitFor(() => house.messageAudio(as('boss'), contactId), { timeout: 10_000, interval: 10 });

async function atWork(agentId: string): Promise<void> {
  await submit({ type: 'panelOpened', agentId, holdsCall: false });
  await submit({ type: 'agentLogOn', agentId, phone: 'browser' });
  await submit({ type: 'agentSetReady', agentId });
}
const heardBy = async (contactId: string): Promise<(string | null)[]> => {
  const events = await contactEvents(centre.pool, 'test', contactId);
  return events.filter((e) => e.name === 'messageHeard').map((e) => e.agentId);
};
const refusal = (agentId: string, contactId: string): Promise<unknown> =>
  house.messageAudio(as(agentId), contactId).then(
    () => 'heard',
    (error: unknown) => (error as { code?: unknown }).code,
  );

describe('a message that was left', () => {
  test('is heard as it was said by those of its desk, and by whoever is above it; by nobody else', async () => {
    const { id } = await left();
    expect((await stored(id)).equals(SAID)).toBe(true);
    expect(await refusal('bob', id)).toBe('heard');
    expect(await refusal('boss', id)).toBe('heard');
    expect(await refusal('cid', id)).toBe('noSuchMessage');
    expect(await refusal('agency-boss', id)).toBe('noSuchMessage');
    expect(await refusal('stranger', id)).toBe('noSuchMessage');
    expect(await refusal('boss', 'test-999')).toBe('noSuchMessage');
    // The call in which it was left is none.
    expect(await refusal('boss', 'test-1')).toBe('noSuchMessage');
  });

  test('is heard by an agent of another desk while it is in that agent’s hands, and not afterwards', async () => {
    centre.context = {
      ...centre.context,
      rulesOf: (id) => ({ ...CONTEXT.rulesOf(id), overflow: id === 'sales' ? [{ to: 'support', when: 'nobody' }] : [] }),
    };
    const { id } = await left();
    await stored(id);
    await atWork('cid');
    const offer = await until(() => node.controller.floor.offers.get(node.controller.floor.contacts.get(id)?.offerId ?? ''));
    expect(offer.agentId).toBe('cid');
    expect(await refusal('cid', id)).toBe('heard');
    await submit({ type: 'offerAccepted', agentId: 'cid', offerId: offer.id });
    await submit({ type: 'agentHangUp', agentId: 'cid', offerId: offer.id });
    expect(await refusal('cid', id)).toBe('heard'); // noting what it was
    await submit({ type: 'wrapUp', agentId: 'cid', contactId: id, disposition: 'resolved', note: '' });
    expect(await refusal('cid', id)).toBe('noSuchMessage');
    expect(await refusal('bob', id)).toBe('heard');
  });

  test('can be heard while its customer is called back, and counts as the message', async () => {
    const { id } = await left();
    await stored(id);
    await atWork('bob');
    const offer = await until(() => node.controller.floor.offers.get(node.controller.floor.contacts.get(id)?.offerId ?? ''));
    await submit({ type: 'offerAccepted', agentId: 'bob', offerId: offer.id });
    await submit({ type: 'messageCallBack', agentId: 'bob', contactId: id });
    const callback = await until(() => [...node.controller.floor.contacts.values()].find((c) => c.continues === id));
    expect((await house.messageAudio(as('bob'), callback.id)).equals(SAID)).toBe(true);
    expect(await heardBy(id)).toEqual(['boss', 'bob']);
    expect(await heardBy(callback.id)).toEqual([]);
  });

  test('that the switch still has is not there yet', async () => {
    const { id } = await left();
    await stored(id);
    await centre.pool.query('delete from recording');
    expect(await refusal('boss', id)).toBe('notStoredYet');
    expect(await heardBy(id)).toEqual(['boss']);
  });
});

describe('who listens', () => {
  test('is in the log before anything is heard: once for each listening, however many pieces a player asks for', async () => {
    const { id } = await left();
    await stored(id);
    await Promise.all([1, 2, 3].map(() => house.messageAudio(as('bob'), id)));
    expect(await heardBy(id)).toEqual(['boss', 'bob']);
    clock += 11 * MINUTE;
    await house.messageAudio(as('bob'), id);
    expect(await heardBy(id)).toEqual(['boss', 'bob', 'bob']);
  });

  test('is in the log weeks after the message is over, too', async () => {
    const { id } = await left();
    await stored(id);
    await atWork('bob');
    const offer = await until(() => node.controller.floor.offers.get(node.controller.floor.contacts.get(id)?.offerId ?? ''));
    await submit({ type: 'offerAccepted', agentId: 'bob', offerId: offer.id });
    await submit({ type: 'agentHangUp', agentId: 'bob', offerId: offer.id });
    await submit({ type: 'wrapUp', agentId: 'bob', contactId: id, disposition: 'resolved', note: '' });
    clock += 20 * DAY;
    await house.messageAudio(as('boss'), id);
    const heard = (await contactEvents(centre.pool, 'test', id)).filter((e) => e.name === 'messageHeard');
    expect(heard.at(-1)).toMatchObject({ at: clock, agentId: 'boss', deskId: 'sales' });
  });

  test('hears nothing as long as it is not written down', async () => {
    const { id } = await left();
    await stored(id);
    const gate = Promise.withResolvers<void>();
    let commits = 0;
    node.store.before = async () => {
      commits += 1;
      await gate.promise;
    };
    const wishes: string[] = [];
    const listening = house.messageAudio(as('bob'), id).then(() => wishes.push('heard'));
    await until(() => commits > 0);
    wishes.push('written down');
    gate.resolve();
    await listening;
    expect(wishes).toEqual(['written down', 'heard']);
  });
});
