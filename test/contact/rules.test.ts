/** What desks' rules make of waiting, callbacks, notices and agents: stories on the real floor, told in memory. */
import { describe, expect, it } from 'vitest';
import { InputRefused } from '#src/contact/agents.ts';
import type { FloorInput } from '#src/contact/model.ts';
import type { DeskRules, Wishes } from '#src/routing/desk-rules.ts';
import { NO_WISHES } from '#src/routing/desk-rules.ts';
import type { AgentProfile, Desk } from '#src/routing/directory.ts';
import { CONTEXT, customer, DIRECTORY, POLICY, RULES, World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

/** A world whose desks have these rules, whose contacts have these wishes, and whose agents are these. */
function worldOf(about: {
  rules?: Partial<Record<string, Partial<DeskRules>>>;
  wishes?: (name: string) => Partial<Wishes>;
  agents?: Partial<Record<string, Partial<AgentProfile>>>;
  desks?: Partial<Record<string, Partial<Desk>>>;
}): World {
  const w = new World();
  const rules = new Map([...DIRECTORY.desks.keys()].map((id) => [id, { ...RULES, ...about.rules?.[id] }]));
  const agents = new Map([...DIRECTORY.agents].map(([id, profile]) => [id, { ...profile, ...about.agents?.[id] }]));
  const desks = new Map([...DIRECTORY.desks].map(([id, desk]) => [id, { ...desk, ...about.desks?.[id] }]));
  w.context = {
    ...CONTEXT,
    directory: { ...DIRECTORY, agents, desks },
    rulesOf: (deskId) => rules.get(deskId) ?? RULES,
    decideDesk: (facts, at) => ({
      ...CONTEXT.decideDesk(facts, at),
      wishes: { ...NO_WISHES, ...about.wishes?.(facts.party.record?.name ?? '') },
    }),
  };
  return w;
}

/** A call of somebody known by this name. */
function callOf(w: World, name: string, about: Partial<ReturnType<typeof customer>> = {}, deskId = 'sales', from = '+81312345678') {
  const call = w.call(from);
  w.give({ type: 'partyLookedUp', contactId: call.contactId, by: 'callingNumber', record: { ...customer(deskId, name), ...about } });
  return call;
}

function callMe(w: World, more: Partial<Extract<FloorInput, { type: 'callMeRequested' }>> = {}, number = '+819012345678'): string {
  const changes = w.give({
    type: 'callMeRequested',
    entryId: 'ja',
    language: 'ja',
    callMe: { to: { kind: 'number', number }, name: 'Abe', question: '', pageUrl: '', token: `t-${w.at}` },
    number: { kind: 'valid', e164: number, country: 'JP' },
    ...more,
  });
  const id = [...changes.contacts.keys()][0] as string;
  w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customer('sales', 'Abe') });
  return id;
}

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof InputRefused) return error.code;
    throw error;
  }
  return 'accepted';
};

/** The agent talks with the contact and wraps up. */
function serve(w: World, contactId: string, talkMs = 0): void {
  const agentId = w.offerOf(contactId).agentId;
  w.answer(contactId);
  w.wait(talkMs);
  w.give({ type: 'agentHangUp', agentId, offerId: w.contact(contactId).offerId as string });
  w.give({ type: 'wrapUp', agentId, contactId, disposition: 'resolved', note: '' });
}

describe('a desk that takes calls first', () => {
  const callsFirst = { sales: { discipline: { name: 'calls-first', idleForCallbacksMs: 30 * SECOND } } } as const;

  it('gives a callback only to an agent to whom no call has been assigned for the set time', () => {
    const w = worldOf({ rules: callsFirst });
    w.ready('bob');
    const callback = callMe(w);
    expect(w.contact(callback).state).toBe('queued');
    w.wait(10 * SECOND);
    const call = callOf(w, 'Sato');
    expect(w.offerOf(call.contactId).agentId).toBe('bob');
    serve(w, call.contactId);
    w.wait(29 * SECOND);
    expect(w.contact(callback).state).toBe('queued');
    w.wait(2 * SECOND);
    expect(w.contact(callback)).toMatchObject({ state: 'offered', agentId: 'bob' });
  });
});

describe('skills', () => {
  const wishes = (name: string): Partial<Wishes> =>
    name === 'Smith'
      ? {
          requirements: [{ skill: 'english', level: 2 }],
          rings: [{ afterMs: 30 * SECOND, requirements: [{ skill: 'english', level: 1 }] }],
        }
      : {};
  const agents = { ann: { skills: [{ skill: 'english', level: 3 }] }, bob: { skills: [{ skill: 'english', level: 1 }] } };

  it('decide who is asked, and others who came later are not held up', () => {
    const w = worldOf({ wishes, agents });
    w.ready('bob');
    const smith = callOf(w, 'Smith');
    const sato = callOf(w, 'Sato');
    expect(w.contact(smith.contactId).state).toBe('queued');
    expect(w.offerOf(sato.contactId).agentId).toBe('bob');
    w.ready('ann');
    expect(w.offerOf(smith.contactId).agentId).toBe('ann');
  });

  it('are asked for less the longer somebody waits, also across a restart', () => {
    const w = worldOf({ wishes, agents });
    w.ready('bob');
    const smith = callOf(w, 'Smith');
    w.wait(20 * SECOND);
    w.restart();
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    expect(w.contact(smith.contactId).state).toBe('queued');
    w.wait(11 * SECOND);
    expect(w.offerOf(smith.contactId).agentId).toBe('bob');
  });
});

describe('the agent who talked with the customer last', () => {
  const wishes = (): Partial<Wishes> => ({ preferLastAgentMs: 20 * SECOND });

  it('is waited for a while when busy, and then whoever is free has the call', () => {
    const w = worldOf({ wishes });
    w.ready('ann', 'bob');
    const other = callOf(w, 'Sato', { lastAgentId: 'ann' });
    expect(w.offerOf(other.contactId).agentId).toBe('ann');
    const again = callOf(w, 'Sato', { lastAgentId: 'ann' });
    expect(w.contact(again.contactId).state).toBe('queued');
    w.wait(20 * SECOND);
    expect(w.offerOf(again.contactId).agentId).toBe('bob');
  });
});

describe('an agent of several desks', () => {
  it('serves first the one that is first for this agent, whoever came earlier elsewhere', () => {
    const queues = [
      { queueId: 'support', priority: 1 },
      { queueId: 'sales', priority: 2 },
    ];
    const w = worldOf({ agents: { ann: { queues } } });
    const early = callOf(w, 'Sato', {}, 'sales');
    const late = callOf(w, 'Ito', {}, 'support');
    w.ready('ann');
    expect(w.offerOf(late.contactId).agentId).toBe('ann');
    expect(w.contact(early.contactId).state).toBe('queued');
  });
});

describe('overflow to the next desk up', () => {
  it('comes after the set time, keeps the place, and is seen in the log', () => {
    const w = worldOf({ rules: { sales: { overflow: [{ to: 'reception', when: 'afterMs', afterMs: MINUTE }] } } });
    w.ready('dee');
    const call = callOf(w, 'Sato');
    w.wait(59 * SECOND);
    expect(w.contact(call.contactId)).toMatchObject({ state: 'queued', deskId: 'sales' });
    w.wait(SECOND);
    expect(w.offerOf(call.contactId)).toMatchObject({ agentId: 'dee', deskId: 'sales' });
    expect(w.events.find((e) => e.name === 'offered')?.data).toEqual({ via: 'reception' });
  });

  it('comes at once when nobody is logged on, and the caller is not told that nobody is there', () => {
    const w = worldOf({ rules: { sales: { overflow: [{ to: 'reception', when: 'nobody' }] } } });
    w.ready('dee');
    const first = callOf(w, 'Sato');
    expect(w.offerOf(first.contactId).agentId).toBe('dee');
    const second = callOf(w, 'Ito');
    expect(w.contact(second.contactId).announced?.kind).toBe('position');
  });

  it('comes while the estimated wait is too long', () => {
    const rules = { overflow: [{ to: 'reception', when: 'estimatedWaitMs', estimatedWaitMs: 5 * MINUTE }], expectedHandlingMs: 4 * MINUTE };
    const w = worldOf({ rules: { sales: rules as Partial<DeskRules> } });
    w.ready('bob', 'dee');
    const calls = ['A', 'B', 'C'].map((name) => callOf(w, name));
    // With the third caller the line is too long, and the first of it goes over.
    expect(calls.map((c) => w.contact(c.contactId).agentId)).toEqual(['bob', 'dee', null]);
  });
});

describe('waiting', () => {
  it('is estimated from the place, what handling takes and who is there; told; and kept to be compared', () => {
    const w = worldOf({ rules: { sales: { expectedHandlingMs: 4 * MINUTE } } });
    w.ready('bob');
    const [, second, third] = ['A', 'B', 'C'].map((name) => callOf(w, name));
    expect(w.contact(second?.contactId as string).estimatedWaitMs).toBe(4 * MINUTE);
    expect(w.contact(third?.contactId as string).estimatedWaitMs).toBe(8 * MINUTE);
    const told = w.ordersOf('play').map((o) => (o.type === 'play' ? o.prompts.map((p) => ('text' in p ? p.text : '')) : []));
    expect(told.at(-1)).toEqual(['queue.position 2', 'queue.wait 8']);
    expect(w.story(third?.contactId as string)).toContain('waitEstimated');
  });

  it('is estimated from what handling really took, once some was handled', () => {
    const w = worldOf({ rules: { sales: { expectedHandlingMs: 60 * MINUTE } } });
    w.ready('bob');
    serve(w, callOf(w, 'A').contactId, MINUTE);
    callOf(w, 'B');
    const waits = callOf(w, 'C');
    expect(w.contact(waits.contactId).estimatedWaitMs).toBeGreaterThanOrEqual(MINUTE);
    expect(w.contact(waits.contactId).estimatedWaitMs).toBeLessThan(2 * MINUTE);
  });

  it('too long a caller may turn into a callback by pressing 1, and keeps the place', () => {
    const w = worldOf({ rules: { sales: { callbacks: { ...RULES.callbacks, offerFromWaitMs: 3 * MINUTE } } } });
    w.ready('bob');
    const first = callOf(w, 'A', {}, 'sales', '+81311110001');
    const second = callOf(w, 'B', {}, 'sales', '+81311110002');
    const third = callOf(w, 'C', {}, 'sales', '+81311110003');
    expect(w.contact(second.contactId).announced).toMatchObject({ kind: 'position', callbackOffered: true });
    w.give({ type: 'digit', leg: second.leg, digit: '1' });
    w.expectEnded(second.contactId, 'callbackPromised');
    w.endLeg(second.leg);
    const [callback] = w.queue('sales');
    expect(callback).toMatchObject({ origin: 'queueCallback', arrivedAt: w.contact(second.contactId).arrivedAt });
    expect(callback?.callMe?.token).toBe(`token-${callback?.id}`);
    serve(w, first.contactId);
    expect(w.contact(callback?.id as string)).toMatchObject({ state: 'offered', agentId: 'bob' });
    expect(w.contact(third.contactId).state).toBe('queued');
  });

  it('shorter than that offers no key, and pressing it does nothing', () => {
    const w = worldOf({ rules: { sales: { callbacks: { ...RULES.callbacks, offerFromWaitMs: 30 * MINUTE } } } });
    w.ready('bob');
    callOf(w, 'A');
    const second = callOf(w, 'B');
    w.give({ type: 'digit', leg: second.leg, digit: '1' });
    expect(w.contact(second.contactId).state).toBe('queued');
  });
});

describe('a caller who gives up', () => {
  const rules = { sales: { callbacks: { ...RULES.callbacks, afterAbandonMs: 30 * SECOND } } };

  it('after the set time is called back at the old place', () => {
    const w = worldOf({ rules });
    const call = callOf(w, 'Sato');
    w.wait(31 * SECOND);
    w.endLeg(call.leg);
    w.expectEnded(call.contactId, 'abandonedInQueue');
    const [callback] = w.queue('sales');
    expect(callback).toMatchObject({
      channel: 'callback',
      origin: 'abandonedCallback',
      continues: call.contactId,
      arrivedAt: w.contact(call.contactId).arrivedAt,
    });
    w.ready('bob');
    w.clearOrders();
    w.give({ type: 'legAnswered', leg: w.contact(callback?.id as string).legId as string });
    expect(w.ordersOf('play')).toMatchObject([{ prompts: [{ text: 'callback.helloAgain' }] }]);
  });

  it('sooner is not', () => {
    const w = worldOf({ rules });
    const call = callOf(w, 'Sato');
    w.wait(29 * SECOND);
    w.endLeg(call.leg);
    expect(w.queue('sales')).toEqual([]);
  });

  it('and calls again needs no callback any more', () => {
    const w = worldOf({ rules });
    const call = callOf(w, 'Sato');
    w.wait(31 * SECOND);
    w.endLeg(call.leg);
    const callback = w.queue('sales')[0]?.id as string;
    const again = callOf(w, 'Sato');
    w.expectEnded(callback, 'calledAgain');
    expect(w.queue('sales').map((c) => c.id)).toEqual([again.contactId]);
  });
});

describe('a switch that dies', () => {
  const restarted = (w: World): void => {
    w.give({ type: 'resynchronised', snapshot: { startedAt: w.at + 1, legs: [], bridges: [] } });
  };

  it('has everybody who was on it called back, at the old place, by the agent who talked with them', () => {
    const w = worldOf({});
    w.ready('bob');
    const talking = callOf(w, 'A', {}, 'sales', '+81311110001');
    w.answer(talking.contactId);
    const waiting = callOf(w, 'B', {}, 'sales', '+81311110002');
    restarted(w);
    for (const call of [talking, waiting]) w.expectEnded(call.contactId, 'replacedByCallback');
    const callbacks = [...w.floor.contacts.values()];
    expect(callbacks).toMatchObject([
      { origin: 'lostCallback', continues: talking.contactId, arrivedAt: w.contact(talking.contactId).arrivedAt, agentId: 'bob' },
      { origin: 'lostCallback', continues: waiting.contactId, state: 'queued' },
    ]);
    expect(w.agent('bob').state).toBe('busy');
    expect(w.ordersOf('originate').at(-1)).toMatchObject({ to: { kind: 'number', number: '+81311110001' } });
  });

  it('has a callback that was under way go back to its place, and tried anew', () => {
    const w = worldOf({});
    w.ready('bob');
    const id = callMe(w);
    w.give({ type: 'legAnswered', leg: w.contact(id).legId as string });
    restarted(w);
    expect(w.contact(id)).toMatchObject({ state: 'offered', attempts: 2, agentId: 'bob' });
  });

  it('and somebody without a number is lost, and said to be', () => {
    const w = worldOf({});
    const { contactId } = w.call(null);
    restarted(w);
    w.expectEnded(contactId, 'switchLost');
  });

  it('is told apart from one that was out of sight: whoever hung up meanwhile gave up', () => {
    const w = worldOf({});
    const call = callOf(w, 'A');
    w.give({ type: 'resynchronised', snapshot: { startedAt: w.at - MINUTE, legs: [], bridges: [] } });
    w.expectEnded(call.contactId, 'abandonedInQueue');
    expect(w.floor.contacts.size).toBe(0);
  });
});

describe('a callback', () => {
  const openMornings = {
    sales: { hours: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday: weekday as 1, from: '09:00', to: '12:00' })) },
  };
  /** In Tokyo. */
  const nine = Date.UTC(2026, 3, 1, 0, 0);

  it('rests while nobody may be called, and is dialled when the desk opens', () => {
    const w = worldOf({ desks: openMornings });
    w.at = nine - 60 * MINUTE;
    w.ready('bob');
    const id = callMe(w);
    expect(w.contact(id)).toMatchObject({ state: 'queued', timers: { retry: nine } });
    w.wait(59 * MINUTE);
    expect(w.ordersOf('originate')).toEqual([]);
    w.wait(MINUTE + SECOND);
    expect(w.contact(id).state).toBe('offered');
  });

  it('that found no agent while people might be called waits for the next morning', () => {
    const w = worldOf({ desks: openMornings });
    w.at = nine;
    const id = callMe(w);
    w.wait(4 * 60 * MINUTE);
    w.ready('bob');
    expect(w.ordersOf('originate')).toEqual([]);
    expect(w.contact(id).timers.retry).toBe(nine + 24 * 60 * MINUTE);
    expect(w.agent('bob').state).toBe('ready');
  });

  it('for an agreed time rests until then, and comes before those who have only waited longer', () => {
    const w = worldOf({});
    const agreed = callMe(w, { promisedAt: w.at + 30 * MINUTE });
    w.wait(MINUTE);
    const call = callOf(w, 'A', {}, 'sales', '+81311110001');
    expect(w.queue('sales').map((c) => c.id)).toEqual([call.contactId]);
    w.wait(31 * MINUTE);
    expect(w.queue('sales').map((c) => c.id)).toEqual([agreed, call.contactId]);
  });

  it('can be moved by the customer until somebody has it in hand', () => {
    const w = worldOf({});
    const id = callMe(w);
    const at = w.at + 60 * MINUTE;
    w.give({ type: 'callbackMoved', contactId: id, to: at });
    expect(w.contact(id)).toMatchObject({ promisedAt: at, timers: { retry: at } });
    w.ready('bob');
    expect(w.contact(id).state).toBe('queued');
    w.give({ type: 'callbackMoved', contactId: id, to: null });
    expect(w.contact(id).state).toBe('offered');
    expect(refusal(() => w.give({ type: 'callbackMoved', contactId: id, to: at }))).toBe('tooLate');
    expect(refusal(() => w.give({ type: 'callbackMoved', contactId: 'nobody', to: at }))).toBe('contactGone');
  });

  it('cannot be moved to a time at which nobody is called', () => {
    const w = worldOf({ desks: openMornings });
    w.at = nine;
    const id = callMe(w);
    expect(refusal(() => w.give({ type: 'callbackMoved', contactId: id, to: nine + 5 * 60 * MINUTE }))).toBe('notAllowedThen');
    expect(w.contact(id).promisedAt).toBeNull();
  });

  it('is tried again by what went wrong: soon when busy, later when nobody answers, and so often at most', () => {
    const retry = {
      busy: { attempts: 3, pauseMs: MINUTE },
      noAnswer: { attempts: 2, pauseMs: 10 * MINUTE },
      failed: { attempts: 1, pauseMs: MINUTE },
    };
    const w = worldOf({ rules: { sales: { callbacks: { ...RULES.callbacks, attempts: 5, retry } } } });
    w.ready('bob');
    const id = callMe(w);
    const fail = (cause: 'busy' | 'noAnswer' | 'unreachable'): void => w.endLeg(w.contact(id).legId as string, cause);
    fail('busy');
    w.wait(MINUTE + 1);
    expect(w.contact(id)).toMatchObject({ state: 'offered', attempts: 2 });
    fail('noAnswer');
    w.wait(9 * MINUTE);
    expect(w.contact(id).state).toBe('queued');
    w.wait(61 * SECOND);
    expect(w.contact(id)).toMatchObject({ state: 'offered', attempts: 3, failedAttempts: { busy: 1, noAnswer: 1, failed: 0 } });
    fail('noAnswer');
    w.expectEnded(id, 'callbackFailed');
  });

  it('agent first: the agent is on the line when the customer is dialled, once', () => {
    const w = worldOf({ rules: { sales: { callbacks: { ...RULES.callbacks, first: 'agent' } } } });
    w.ready('bob');
    const id = callMe(w);
    expect(w.offerOf(id).state).toBe('shown');
    expect(w.contact(id).legId).toBeNull();
    w.answer(id);
    expect(w.offerOf(id).state).toBe('dialling');
    const dials = (): number => w.orders.filter((o) => o.type === 'originate' && o.to.kind === 'number').length;
    expect(dials()).toBe(1);
    const { playing, legId } = w.offerOf(id);
    w.give({ type: 'playFinished', leg: legId as string, play: playing as string });
    w.give({ type: 'legAnswered', leg: w.contact(id).legId as string });
    expect(w.contact(id).state).toBe('connected');
    expect(w.ordersOf('join')).toMatchObject([{ legs: [w.contact(id).legId, legId] }]);
    expect(dials()).toBe(1);
  });

  it('agent first: a customer who does not answer leaves the agent ready', () => {
    const w = worldOf({ rules: { sales: { callbacks: { ...RULES.callbacks, first: 'agent' } } } });
    w.ready('bob');
    const id = callMe(w);
    w.answer(id);
    w.endLeg(w.contact(id).legId as string, 'noAnswer');
    expect(w.agent('bob').state).toBe('ready');
    expect(w.contact(id)).toMatchObject({ state: 'queued', offerId: null });
  });

  it('is never dialled without an agent kept for it, however many there are', () => {
    const w = worldOf({});
    w.ready('bob', 'ann');
    for (let i = 0; i < 10; i++) callMe(w, {}, `+8190123456${10 + i}`);
    const dialled = w.orders.filter((o) => o.type === 'originate' && o.to.kind === 'number');
    expect(dialled).toHaveLength(2);
  });
});

describe('a notice', () => {
  const tell = (w: World, recipientId: string, noticeId = 'n1'): void => {
    const { contacts } = w.give({
      type: 'noticeTask',
      noticeId,
      recipientId,
      deskId: 'sales',
      language: 'ja',
      number: { kind: 'valid', e164: `+8190000000${recipientId.slice(1)}`, country: 'JP' },
      name: 'Mori',
      text: 'we are closed on Monday',
    });
    for (const contactId of contacts.keys())
      w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: customer('support', 'Mori') });
  };

  it('is told between calls: to each recipient once, after all who wait for themselves', () => {
    const w = worldOf({});
    tell(w, 'r10');
    tell(w, 'r11');
    tell(w, 'r10');
    w.wait(MINUTE);
    const call = callOf(w, 'A');
    expect(w.queue('sales').map((c) => c.notice?.recipientId ?? 'call')).toEqual(['call', 'r10', 'r11']);
    w.ready('bob');
    serve(w, call.contactId);
    const [notice] = [...w.floor.contacts.values()].filter((c) => c.state === 'offered');
    expect(notice).toMatchObject({
      channel: 'notice',
      deskId: 'sales',
      notice: { recipientId: 'r10' },
      callMe: { question: 'we are closed on Monday' },
      party: { record: { name: 'Mori' } },
    });
    w.clearOrders();
    w.give({ type: 'legAnswered', leg: notice?.legId as string });
    expect(w.ordersOf('play')).toMatchObject([{ prompts: [{ text: 'notice.hello' }] }]);
  });

  it('that is stopped is told to nobody else; whoever is on the line is not cut off', () => {
    const w = worldOf({});
    w.ready('bob');
    tell(w, 'r10');
    tell(w, 'r11');
    tell(w, 'r12', 'n2');
    const [underWay] = [...w.floor.contacts.values()].filter((c) => c.state === 'offered');
    w.give({ type: 'noticeStopped', noticeId: 'n1' });
    const left = [...w.floor.contacts.values()].map((c) => c.notice?.recipientId);
    expect(left).toEqual([underWay?.notice?.recipientId, 'r12']);
    expect([...w.contacts.values()].filter((c) => c.cause === 'noticeStopped')).toHaveLength(1);
  });
});

describe('wrap-up', () => {
  it('ends after its time, can be extended, and not for ever', () => {
    const w = worldOf({});
    w.ready('bob');
    const call = callOf(w, 'A');
    w.answer(call.contactId);
    w.endLeg(call.leg);
    const endsAt = w.at + RULES.wrapUp.limitMs;
    w.give({ type: 'wrapUpExtended', agentId: 'bob' }, 0);
    expect(w.agent('bob').timers.wrapUp).toBe(endsAt + RULES.wrapUp.extensionMs);
    w.give({ type: 'wrapUpExtended', agentId: 'bob' });
    expect(refusal(() => w.give({ type: 'wrapUpExtended', agentId: 'bob' }))).toBe('extendedEnough');
    w.wait(RULES.wrapUp.mostMs);
    expect(w.agent('bob').state).toBe('ready');
    expect(refusal(() => w.give({ type: 'wrapUpExtended', agentId: 'bob' }))).toBe('notInWrapUp');
  });

  it('is not extended at a desk that does not want it', () => {
    const w = worldOf({ rules: { sales: { wrapUp: { limitMs: MINUTE, extensionMs: 0, mostMs: MINUTE } } } });
    w.ready('bob');
    const call = callOf(w, 'A');
    w.answer(call.contactId);
    w.endLeg(call.leg);
    expect(refusal(() => w.give({ type: 'wrapUpExtended', agentId: 'bob' }))).toBe('noExtension');
  });
});

describe('a supervisor', () => {
  const force = (w: World, agentId: string, to: 'ready' | 'notReady' | 'loggedOff') =>
    w.give({ type: 'agentForced', agentId, to, by: 'dee' });

  it('makes an idle agent ready, not ready, or logs the agent off; who did it is in the log', () => {
    const w = worldOf({});
    w.ready('bob');
    force(w, 'bob', 'notReady');
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'supervisor' });
    force(w, 'bob', 'ready');
    expect(w.agent('bob').state).toBe('ready');
    force(w, 'bob', 'loggedOff');
    expect(w.agent('bob').state).toBe('loggedOff');
    expect(w.events.filter((e) => e.name === 'agentForced').map((e) => [e.agentId, e.cause, e.data])).toEqual([
      ['bob', 'notReady', { by: 'dee', from: 'ready' }],
      ['bob', 'ready', { by: 'dee', from: 'notReady' }],
      ['bob', 'loggedOff', { by: 'dee', from: 'ready' }],
    ]);
    expect(refusal(() => force(w, 'bob', 'ready'))).toBe('loggedOff');
    expect(refusal(() => force(w, 'nobody', 'ready'))).toBe('unknownAgent');
  });

  it('lets a talk go on, and the change comes after it', () => {
    const w = worldOf({});
    w.ready('bob');
    const call = callOf(w, 'A');
    w.answer(call.contactId);
    force(w, 'bob', 'notReady');
    expect(w.agent('bob')).toMatchObject({ state: 'busy', pending: { state: 'notReady', reason: 'supervisor' } });
    serveEnd(w, call.contactId);
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'supervisor' });
  });

  it('ends a wrap-up at once, and the contact with it', () => {
    const w = worldOf({});
    w.ready('bob');
    const call = callOf(w, 'A');
    w.answer(call.contactId);
    w.endLeg(call.leg);
    force(w, 'bob', 'ready');
    expect(w.agent('bob').state).toBe('ready');
    w.expectEnded(call.contactId, 'handled');
  });

  it('cannot make ready whose panel is not there', () => {
    const w = worldOf({});
    w.ready('bob');
    w.give({ type: 'panelClosed', agentId: 'bob' });
    w.wait(POLICY.panelGraceMs);
    expect(refusal(() => force(w, 'bob', 'ready'))).toBe('notReadyNow');
  });
});

function serveEnd(w: World, contactId: string): void {
  const { agentId } = w.offerOf(contactId);
  w.give({ type: 'agentHangUp', agentId, offerId: w.contact(contactId).offerId as string });
  w.give({ type: 'wrapUp', agentId, contactId, disposition: 'resolved', note: '' });
}

describe('a phone that goes away', () => {
  const reachable = (w: World, is: boolean): void => {
    w.give({ type: 'phoneReachable', agentId: 'bob', phone: 'browser', reachable: is });
  };

  it('makes its agent not ready after the grace time, and ready again when it is back', () => {
    const w = worldOf({});
    w.ready('bob');
    reachable(w, false);
    w.wait(POLICY.panelGraceMs - 1);
    expect(w.agent('bob').state).toBe('ready');
    w.wait(1);
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'phoneUnreachable' });
    reachable(w, true);
    expect(w.agent('bob').state).toBe('ready');
  });

  it('for a moment only changes nothing', () => {
    const w = worldOf({});
    w.ready('bob');
    reachable(w, false);
    reachable(w, true);
    w.wait(POLICY.panelGraceMs);
    expect(w.agent('bob')).toMatchObject({ state: 'ready', timers: {} });
  });

  it('and could not be rung puts its agent back to work when it is there again; a break stays a break', () => {
    const w = worldOf({});
    w.ready('bob', 'ann');
    const call = callOf(w, 'A');
    const { agentId } = w.offerOf(call.contactId);
    expect(agentId).toBe('bob');
    w.shown(w.offerOf(call.contactId));
    w.wait(5 * SECOND);
    w.endLeg(w.offerOf(call.contactId).legId as string, 'unreachable');
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'phoneUnreachable' });
    reachable(w, true);
    expect(w.agent('bob').state).toBe('ready');
    w.give({ type: 'agentSetNotReady', agentId: 'bob', reason: 'lunch' });
    reachable(w, true);
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'lunch' });
  });
});

describe('a panel that comes back', () => {
  it('soon makes its agent ready again; the next morning it does not', () => {
    const w = worldOf({});
    w.ready('bob', 'ann');
    for (const agentId of ['bob', 'ann']) w.give({ type: 'panelClosed', agentId });
    w.wait(MINUTE);
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    expect(w.agent('bob').state).toBe('ready');
    w.wait(12 * 60 * MINUTE);
    w.give({ type: 'panelOpened', agentId: 'ann', holdsCall: false });
    expect(w.agent('ann')).toMatchObject({ state: 'notReady', reason: 'panelLost' });
  });
});

describe('the directory changes', () => {
  it('an agent who is not on the list any more is logged off, after the talk', () => {
    const w = worldOf({});
    w.ready('ann', 'bob');
    const call = callOf(w, 'A');
    expect(w.offerOf(call.contactId).agentId).toBe('ann');
    w.answer(call.contactId);
    w.context = { ...w.context, directory: { ...w.context.directory, agents: new Map() } };
    w.give({ type: 'directoryChanged' });
    expect(w.agent('bob').state).toBe('loggedOff');
    expect(w.agent('ann')).toMatchObject({ state: 'busy', pending: { state: 'loggedOff' } });
    serveEnd(w, call.contactId);
    expect(w.agent('ann').state).toBe('loggedOff');
  });

  it('callers at a desk that is gone are decided anew and keep their place', () => {
    const w = worldOf({});
    const call = callOf(w, 'A');
    const { arrivedAt } = w.contact(call.contactId);
    const desks = new Map([...w.context.directory.desks].filter(([id]) => id !== 'sales'));
    const decideDesk: typeof w.context.decideDesk = (facts, at) => ({ ...CONTEXT.decideDesk(facts, at), deskId: 'reception' });
    w.context = { ...w.context, decideDesk, directory: { ...w.context.directory, desks } };
    w.give({ type: 'directoryChanged' });
    expect(w.contact(call.contactId)).toMatchObject({ state: 'queued', deskId: 'reception', arrivedAt });
    w.ready('dee');
    expect(w.offerOf(call.contactId).agentId).toBe('dee');
  });

  it('new rules hold for those who wait already', () => {
    const w = worldOf({});
    w.ready('dee');
    const call = callOf(w, 'A');
    expect(w.contact(call.contactId).state).toBe('queued');
    const rules: DeskRules = { ...RULES, overflow: [{ to: 'reception', when: 'nobody' }] };
    w.context = { ...w.context, rulesOf: (deskId) => (deskId === 'sales' ? rules : RULES) };
    w.give({ type: 'directoryChanged' });
    expect(w.offerOf(call.contactId).agentId).toBe('dee');
  });
});
