/** What scenarios do with a contact: waiting with offers, callbacks, messages, services, and callers whom everybody knows. */
import { describe, expect, it } from 'vitest';
import type { OrderBody } from '#src/contact/model.ts';
import { customer, VARIED, World } from './world.ts';

function menu(from: string | null = '+81312345678'): {
  w: World;
  leg: string;
  id: string;
  press: (keys: string) => void;
  heard: () => string[];
} {
  const w = new World();
  w.context = VARIED;
  const { leg, contactId: id } = w.call(from, '3000');
  if (from !== null) w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: null });
  const press = (keys: string): void => {
    for (const digit of keys) w.give({ type: 'digit', leg, digit });
  };
  return { w, leg, id, press, heard: () => w.orders.flatMap((o) => (o.type === 'play' ? o.prompts.map((p) => p.text) : [])) };
}
const last = <T extends OrderBody['type']>(w: World, type: T): Extract<OrderBody, { type: T }> =>
  w.ordersOf(type).at(-1) as Extract<OrderBody, { type: T }>;

describe('waiting in a scenario', () => {
  it('is told by the scenario, again and again, with music between', () => {
    const { w, id, leg, press, heard } = menu();
    press('2');
    expect(w.contact(id)).toMatchObject({
      state: 'queued',
      deskId: 'support',
      decision: { rule: 'scenario:everything', wishes: { priorityClass: 50 } },
    });
    expect(heard().slice(-1)).toEqual(['offers']); // nobody is there, for which it has no words
    w.clearOrders();
    w.give({ type: 'playFinished', leg, play: `${id}.s${w.contact(id).dialogue?.play}` });
    expect(last(w, 'startMusic')).toEqual({ type: 'startMusic', leg, contactId: id });
    w.wait(20_000);
    expect(heard()).toEqual(['offers']);
  });

  it('a key leads out of the queue, and back into it at the same place', () => {
    const { w, id, press } = menu();
    press('2');
    const later = w.call('+81312345670', '3000');
    w.give({ type: 'partyLookedUp', contactId: later.contactId, by: 'callingNumber', record: null });
    w.give({ type: 'digit', leg: later.leg, digit: '2' });
    press('3');
    expect(w.contact(id).state).toBe('scenario');
    w.ready('ann');
    w.shown(w.offerOf(later.contactId)); // whoever does not wait is not offered
    press('2');
    expect(w.queue('support').map((c) => c.id)).toEqual([id]);
    w.give({ type: 'offerDeclined', agentId: 'ann', offerId: w.offerOf(later.contactId).id });
    expect(w.queue('support').map((c) => c.id)).toEqual([id, later.contactId]);
    expect(w.story(id)).toContain('dequeued(everything)');
  });

  it('a declined offer brings it back as it was; the talk ends the dialogue', () => {
    const { w, id, leg, press } = menu();
    press('2');
    const { dialogue, timers } = w.contact(id);
    w.ready('ann');
    w.give({ type: 'offerDeclined', agentId: 'ann', offerId: w.offerOf(id).id });
    expect(w.contact(id)).toMatchObject({ state: 'queued', dialogue: { step: dialogue?.step }, timers: { scenario: timers.scenario } });
    w.ready('cid');
    w.clearOrders();
    w.answer(id);
    expect(w.contact(id)).toMatchObject({ state: 'connected', dialogue: null });
    expect(w.orders.map((o) => o.type)).toEqual(expect.arrayContaining(['stopPlay', 'join']));
    press('1'); // what is pressed into the talk is the talk's
    expect(w.contact(id).state).toBe('connected');
    w.endLeg(leg);
    expect(w.contact(id).state).toBe('wrapUp');
  });

  it('waits no longer than it is to, but never leaves an agent who is asked already', () => {
    const { w, id, press } = menu();
    press('2');
    w.wait(119_000);
    w.ready('ann');
    w.wait(5_000);
    expect(w.contact(id).state).toBe('offered');
    w.give({ type: 'offerDeclined', agentId: 'ann', offerId: w.offerOf(id).id });
    w.wait(5_000);
    expect(w.contact(id)).toMatchObject({ state: 'scenario', dialogue: { step: 'speak' } });
  });

  it('survives a new controller', () => {
    const { w, id, press } = menu();
    press('2');
    w.restart();
    press('1');
    w.wait(60_000); // the thanks are said, as nobody says that they are over
    w.expectEnded(id, 'callbackPromised');
  });
});

describe('a callback that a scenario promises', () => {
  it('has the place of the call, whether or not the caller hears the thanks', () => {
    const { w, id, leg, press } = menu();
    const { arrivedAt } = w.contact(id);
    press('2');
    w.wait(30_000);
    press('1');
    const callback = [...w.contacts.values()].find((c) => c.continues === id);
    expect(callback).toMatchObject({ channel: 'callback', origin: 'queueCallback', deskId: 'support', arrivedAt, state: 'queued' });
    w.endLeg(leg);
    w.expectEnded(id, 'callbackPromised');
    expect([...w.contacts.values()].filter((c) => c.continues === id)).toHaveLength(1);
  });

  it('is not promised to whom nobody can call', () => {
    const { w, id, press } = menu(null);
    press('7');
    expect(w.contact(id)).toMatchObject({ state: 'scenario', dialogue: { step: 'top' } });
    expect(w.story(id)).toContain('scenarioStep(callBackRefused)');
    expect(w.contacts.size).toBe(1);
  });

  it('is made once, also where the switch dies right after', () => {
    const { w, id, leg, press } = menu();
    press('7');
    w.endLeg(leg, 'switchLost');
    expect([...w.contacts.values()].filter((c) => c.channel === 'callback')).toHaveLength(1);
    w.expectEnded(id, 'callbackPromised');
  });
});

describe('a message', () => {
  const speak = (durationMs: number, outcome: 'completed' | 'failed' = 'completed') => {
    const call = menu();
    const { w, id, leg, press } = call;
    press('3');
    w.give({ type: 'playFinished', leg, play: `${id}.s${w.contact(id).dialogue?.play}` });
    const { recording } = last(w, 'record');
    w.give({ type: 'recordFinished', leg, recording, durationMs, outcome });
    return { ...call, recording };
  };
  it('goes to the desk, also of a caller who hangs up as soon as it is said', () => {
    const { w, id, leg, recording } = speak(7_000);
    w.endLeg(leg);
    w.expectEnded(id, 'messageLeft');
    const message = [...w.contacts.values()].find((c) => c.continues === id);
    expect(message).toMatchObject({ channel: 'message', state: 'queued', deskId: 'support', message: { recording, durationMs: 7_000 } });
    expect(last(w, 'keepRecording')).toMatchObject({ recording, contactId: message?.id });
    expect(w.ordersOf('dropRecording')).toEqual([]);
  });
  it.each([
    ['too short', 300, 'completed'],
    ['not recorded', 9_000, 'failed'],
  ] as const)('that is %s is nobody’s, and not kept', (_, durationMs, outcome) => {
    const { w, id, recording } = speak(durationMs, outcome);
    expect(w.contact(id)).toMatchObject({ state: 'scenario', dialogue: { step: 'top' } });
    expect(last(w, 'dropRecording')).toMatchObject({ recording });
    expect(w.contacts.size).toBe(1);
  });
  it('the end key ends the recording', () => {
    const { w, id, leg, press } = menu();
    press('3');
    w.give({ type: 'playFinished', leg, play: `${id}.s${w.contact(id).dialogue?.play}` });
    press('5#');
    expect(last(w, 'stopRecord')).toMatchObject({ recording: last(w, 'record').recording });
  });
});

describe('callers and what is known of them', () => {
  it('a scenario for everybody greets customers too, and knows them', () => {
    const w = new World();
    w.context = VARIED;
    const { contactId: id } = w.call('+81312345678', '3000');
    w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customer('sales') });
    expect(w.contact(id)).toMatchObject({ state: 'scenario', party: { kind: 'customer' }, dialogue: { scenario: 'everything' } });
    const other = w.customerCall('sales');
    expect(w.contact(other.contactId).state).toBe('queued'); // by the other entry's, which is for strangers only
  });

  it('a code that nobody has does not make a customer a stranger', () => {
    const w = new World();
    w.context = VARIED;
    const { leg, contactId: id } = w.call('+81312345678', '3000');
    w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customer('sales') });
    for (const digit of '19999#') w.give({ type: 'digit', leg, digit });
    w.give({ type: 'partyLookedUp', contactId: id, by: 'customerCode', record: null });
    expect(w.contact(id)).toMatchObject({ party: { kind: 'customer' }, dialogue: { scenario: 'identify', step: 'ask' } });
  });

  it('what a service answers late, or twice, or to an earlier question, changes nothing', () => {
    const { w, id, press } = menu();
    press('6');
    const { request, values } = last(w, 'askService');
    expect(values).toEqual({ number: '+81312345678' });
    w.give({ type: 'serviceAnswered', contactId: id, request: request + 1, outcome: 'found', values: { status: 'wrong' } });
    expect(w.contact(id).dialogue?.step).toBe('service');
    w.give({ type: 'serviceAnswered', contactId: id, request, outcome: 'found', values: { status: 'sent' } });
    expect(w.contact(id).dialogue).toMatchObject({ step: 'told', variables: { state: 'sent' } });
    w.give({ type: 'serviceAnswered', contactId: id, request, outcome: 'failed', values: {} });
    expect(w.contact(id).dialogue?.step).toBe('told');
  });

  it('one that never answers is given up', () => {
    const { w, id, press } = menu();
    press('6');
    w.wait(10_000);
    expect(w.story(id)).toContain('scenarioStep(serviceFailed)');
    expect(w.contact(id)).toMatchObject({ state: 'queued', dialogue: { step: 'wait' } });
  });

  it('answers are in the log, and the word of the end is the disposition', () => {
    const { w, id, leg, press } = menu();
    press('8');
    expect(w.events.find((e) => e.name === 'scenarioAnswered')?.data).toEqual({ answer: 'good' });
    expect(last(w, 'sendHook')).toMatchObject({ hook: 'sms', values: { to: '+81312345678' }, key: `${id}.m1` });
    w.expectEnded(id, 'hungUpByScenario');
    expect(w.contact(id).disposition).toBe('done');
    expect(w.legs.get(leg)?.state).not.toBe('dialling');
  });
});
