/** What panels are shown of a real floor: places, waits, wrap-up, and states that a supervisor gave. */
import { describe, expect, test } from 'vitest';
import { FloorView } from '#src/contact/floor.ts';
import type { WrapUpRules } from '#src/routing/desk-rules.ts';
import type { AgentProfile, Directory } from '#src/routing/directory.ts';
import { agentView, callsWaitingSince, floorView, forcedBy } from '#src/views.ts';
import { CONTEXT, customer, DIRECTORY, World } from '#test/contact/world.ts';

const supervisor = (id: string, role: AgentProfile['role'], deskIds: string[]): AgentProfile => ({
  id,
  name: id,
  organisationId: 'maker',
  deskIds,
  queues: deskIds.map((queueId) => ({ queueId, priority: 1 })),
  skills: [],
  role,
  language: 'ja',
  deskPhone: null,
});
const ORGANISATIONS: Directory['organisations'] = new Map([
  ['maker', { id: 'maker', kind: 'maker', name: 'Maker', sellsFor: [], regions: [] }],
]);
const WITH_CHIEF: Directory = {
  ...DIRECTORY,
  organisations: ORGANISATIONS,
  agents: new Map([...DIRECTORY.agents, ['chief', supervisor('chief', 'supervisor', [])]]),
};
const CHIEF = { agentId: 'chief', name: 'chief', role: 'supervisor' } as const;
const MINUTE = 60_000;

const seenIn = (world: World): FloorView => {
  const view = new FloorView(world.floor, () => world.at);
  const { contacts, offers, legs, agents } = world.floor;
  view.apply({ lastContact: 1, contacts, offers, legs, agents, events: [], orders: [] });
  return view;
};
const floorOf = (world: World) => floorView(CHIEF, seenIn(world), WITH_CHIEF, world.at);
const withWrapUp = (wrapUp: WrapUpRules): World => {
  const world = new World();
  const rules = { ...CONTEXT.rulesOf('sales'), wrapUp };
  world.context = { ...CONTEXT, rulesOf: () => rules };
  return world;
};
const viewOf = (world: World, agentId: string) =>
  agentView(agentId, seenIn(world), DIRECTORY, world.context.rulesOf, callsWaitingSince(seenIn(world)), { sip: null, reachable: true });
/** Ann has talked with a customer of sales, and notes what it was. */
const wrappingUp = (world: World): World => {
  world.ready('ann');
  const { leg, contactId } = world.customerCall('sales');
  world.answer(contactId);
  world.endLeg(leg);
  expect(world.agent('ann').state).toBe('workingAfterCall');
  return world;
};

describe('the list of the waiting', () => {
  test('has everybody’s place and how long they have probably still to wait, desk by desk', () => {
    const world = new World();
    world.ready('bob');
    const talking = world.customerCall('sales');
    world.answer(talking.contactId);
    const [first, second] = [world.customerCall('sales'), world.customerCall('sales')];
    const elsewhere = world.customerCall('support');
    const rows = new Map(floorOf(world).waiting.map((row) => [row.contactId, row]));
    const handlingMs = CONTEXT.rulesOf('sales').expectedHandlingMs;
    expect(rows.get(first.contactId)).toMatchObject({ position: 1, estimatedWaitMs: handlingMs });
    expect(rows.get(second.contactId)).toMatchObject({ position: 2, estimatedWaitMs: 2 * handlingMs });
    // Nobody works at that desk: a place, and no promise.
    expect(rows.get(elsewhere.contactId)).toMatchObject({ position: 1, estimatedWaitMs: null });
    // Who talks is seen beside the agent.
    expect(rows.has(talking.contactId)).toBe(false);
    expect(floorOf(world).agents.find(({ agentId }) => agentId === 'bob')).toMatchObject({ state: 'busy', party: 'Sato' });
  });

  test('tells the same waits as the floor, and of a very long list the beginning', () => {
    const world = new World();
    world.ready('ann', 'bob', 'cid');
    for (let count = 0; count < 3; count += 1)
      world.give({ type: 'agentSetNotReady', agentId: ['ann', 'bob', 'cid'][count] ?? '', reason: 'break' });
    for (let count = 0; count < 310; count += 1) world.customerCall(count % 3 === 0 ? 'support' : 'sales');
    const seen = seenIn(world);
    const { waiting, more } = floorOf(world);
    expect([waiting.length, more]).toEqual([300, 10]);
    for (const { contactId, estimatedWaitMs, position } of waiting) {
      const exactMs = seen.estimatedWaitMs(contactId) ?? -1;
      expect(position).toBe(seen.position(contactId));
      // Rounded once more than there, by half a millisecond for each place.
      expect(Math.abs((estimatedWaitMs ?? -2) - exactMs)).toBeLessThanOrEqual(1 + (position ?? 0) / 2);
    }
  });

  test('counts them for the agents of the desks', () => {
    const world = new World();
    world.customerCall('sales');
    world.customerCall('sales');
    world.customerCall('support');
    expect(viewOf(world, 'ann').waitingAtMyDesks).toBe(3);
    expect(viewOf(world, 'cid').waitingAtMyDesks).toBe(1);
  });

  test('tells agents since when a caller holds the line at their desks; callbacks hold none', () => {
    const world = new World();
    expect(viewOf(world, 'ann').longestCallSince).toBeNull();
    const [sales, support] = [world.customerCall('sales'), world.customerCall('support')];
    world.customerCall('sales');
    expect(viewOf(world, 'ann').longestCallSince).toBe(world.contact(sales.contactId).arrivedAt);
    expect(viewOf(world, 'cid').longestCallSince).toBe(world.contact(support.contactId).arrivedAt);
    world.endLeg(support.leg);
    expect(viewOf(world, 'cid').longestCallSince).toBeNull();
    const callMe = { to: { kind: 'phone', e164: '+81399990000' }, name: '', question: '', pageUrl: '', token: null } as never;
    const number = { kind: 'valid', e164: '+81399990000', country: 'JP' } as const;
    world.give({ type: 'callMeRequested', entryId: 'ja', language: 'ja', callMe, number });
    const contactId = [...world.contacts.values()].at(-1)?.id ?? '';
    world.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: customer('reception') });
    expect(viewOf(world, 'dee')).toMatchObject({ waitingAtMyDesks: 1, longestCallSince: null });
  });
});

describe('wrap-up', () => {
  test('shows by how much it can be extended, and nothing of the kind before', () => {
    const world = withWrapUp({ limitMs: 3 * MINUTE, extensionMs: 2 * MINUTE, mostMs: 6 * MINUTE });
    expect(viewOf(world, 'ann').wrapUpExtensionMs).toBeNull();
    wrappingUp(world);
    const began = world.agent('ann').stateSince;
    expect(viewOf(world, 'ann')).toMatchObject({ wrapUpEndsAt: began + 3 * MINUTE, wrapUpExtensionMs: 2 * MINUTE });
    world.give({ type: 'wrapUpExtended', agentId: 'ann' });
    expect(viewOf(world, 'ann')).toMatchObject({ wrapUpEndsAt: began + 5 * MINUTE, wrapUpExtensionMs: MINUTE });
  });

  test('what is shown is what the floor gives: no more when it is used up, and then it refuses', () => {
    const world = wrappingUp(withWrapUp({ limitMs: MINUTE, extensionMs: MINUTE, mostMs: 150_000 }));
    for (let left = viewOf(world, 'ann').wrapUpExtensionMs ?? 0; left > 0; left = viewOf(world, 'ann').wrapUpExtensionMs ?? 0) {
      const endsAt = viewOf(world, 'ann').wrapUpEndsAt ?? 0;
      world.give({ type: 'wrapUpExtended', agentId: 'ann' });
      expect(viewOf(world, 'ann').wrapUpEndsAt).toBe(endsAt + left);
    }
    expect(viewOf(world, 'ann')).toMatchObject({ wrapUpExtensionMs: 0, wrapUpEndsAt: world.agent('ann').stateSince + 150_000 });
    expect(() => world.give({ type: 'wrapUpExtended', agentId: 'ann' })).toThrow(expect.objectContaining({ code: 'extendedEnough' }));
  });

  test('of a desk without extensions offers none', () => {
    const world = wrappingUp(withWrapUp({ limitMs: MINUTE, extensionMs: 0, mostMs: 10 * MINUTE }));
    expect(viewOf(world, 'ann').wrapUpExtensionMs).toBeNull();
    expect(() => world.give({ type: 'wrapUpExtended', agentId: 'ann' })).toThrow(expect.objectContaining({ code: 'noExtension' }));
  });
});

describe('a state that a supervisor gave', () => {
  test('is told with whom it concerns, and shows as such', () => {
    const world = new World();
    world.ready('ann');
    const { events } = world.give({ type: 'agentForced', agentId: 'ann', to: 'notReady', by: 'chief' });
    expect(forcedBy(events)).toEqual([{ agentId: 'ann', to: 'notReady' }]);
    expect(events.find(({ name }) => name === 'agentForced')?.data).toMatchObject({ by: 'chief', from: 'ready' });
    expect(viewOf(world, 'ann')).toMatchObject({ state: 'notReady', reason: 'supervisor' });
    expect(forcedBy(world.give({ type: 'agentSetReady', agentId: 'ann' }).events)).toEqual([]);
  });

  test('shows as what comes next while there is a contact', () => {
    const world = new World();
    world.ready('ann');
    world.answer(world.customerCall('sales').contactId);
    world.give({ type: 'agentForced', agentId: 'ann', to: 'notReady', by: 'chief' });
    expect(viewOf(world, 'ann')).toMatchObject({ state: 'busy', pending: { state: 'notReady', reason: 'supervisor' } });
    expect(floorOf(world).agents.find(({ agentId }) => agentId === 'ann')).toMatchObject({ state: 'busy', pending: 'notReady' });
  });
});
