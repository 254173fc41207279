/** Voicemail: what a customer leaves is listened to by an agent at the screen, exactly once, and no phone rings for it. */
import { describe, expect, it } from 'vitest';
import { InputRefused } from '#src/contact/agents.ts';
import type { DeskRules } from '#src/routing/desk-rules.ts';
import { CONTEXT, customer, DIRECTORY, POLICY, RULES, World } from './world.ts';

const SECOND = 1_000;

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof InputRefused) return error.code;
    throw error;
  }
  return 'accepted';
};

/** A desk whose rules are these; the others work as ever. */
function worldWhere(deskId: string, rules: Partial<DeskRules>): World {
  const w = new World();
  w.context = { ...CONTEXT, rulesOf: (id) => (id === deskId ? { ...RULES, ...rules } : RULES) };
  return w;
}

/** A caller gets as far as leaving a message, and hangs up. */
function leave(w: World, deskId: string | null = 'sales', from: string | null = '+81312345678'): string {
  const { contactId, leg } = w.call(from);
  if (from !== null) w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: null });
  w.wait(20 * SECOND);
  const message = w.leaveMessage(contactId, deskId);
  w.endLeg(leg);
  return message;
}

const done = (w: World, message: string): void => {
  const { agentId, id } = w.offerOf(message);
  w.give({ type: 'agentHangUp', agentId, offerId: id });
};

describe('a caller leaves a message', () => {
  it('it waits at the desk, with all that is known of the caller, from the moment that it was left', () => {
    const w = new World();
    const { contactId, leg } = w.customerCall('support');
    w.wait(30 * SECOND);
    const message = w.leaveMessage(contactId, 'sales', 8_000);
    const leftAt = w.at;
    w.endLeg(leg);
    w.wait(60 * SECOND);
    expect(w.contact(message)).toMatchObject({
      channel: 'message',
      origin: 'voicemail',
      state: 'queued',
      deskId: 'sales',
      continues: contactId,
      arrivedAt: leftAt,
      queuedAt: leftAt,
      language: 'ja',
      callingNumber: { kind: 'valid', e164: '+81312345678' },
      calledNumber: '1000',
      party: { record: customer('support') },
      message: { recording: `${contactId}.r1`, durationMs: 8_000 },
    });
    expect(w.contact(contactId).state).toBe('ended');
    expect(w.story(message)).toEqual(['contactArrived', 'deskDecided(message)', 'queued']);
  });

  it('the switch is told to hand the recording over', () => {
    const w = new World();
    const message = leave(w);
    expect(w.orders.filter((o) => o.type === 'keepRecording')).toEqual([
      { type: 'keepRecording', contactId: message, recording: w.contact(message).message?.recording },
    ]);
  });

  it('for no desk in particular, or for one that does not exist, the control logic decides', () => {
    const w = new World();
    const call = w.customerCall('support');
    expect(w.contact(w.leaveMessage(call.contactId, null))).toMatchObject({ deskId: 'support', decision: { rule: 'test' } });
    const other = w.customerCall('sales');
    expect(w.contact(w.leaveMessage(other.contactId, 'garden'))).toMatchObject({ deskId: 'sales', decision: { rule: 'test' } });
  });

  it('a caller who withholds the number can leave one as well', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w, 'sales', null);
    w.accept(message);
    expect(w.contact(message).state).toBe('connected');
  });

  it('it waits as long as nobody is there, without any timer, and is offered to whoever comes', () => {
    const w = new World();
    const message = leave(w);
    w.wait(14 * 3_600 * SECOND);
    expect(w.contact(message)).toMatchObject({ state: 'queued', timers: {} });
    w.ready('bob');
    expect(w.offerOf(message).agentId).toBe('bob');
  });

  it('it does not mind at which hours people may be called', () => {
    const w = worldWhere('sales', { callbacks: { ...RULES.callbacks, hours: { from: '00:00', to: '00:01' } } });
    w.ready('bob');
    const message = leave(w);
    expect(w.offerOf(message).agentId).toBe('bob');
  });

  it('who calls again is another matter: the message is listened to all the same', () => {
    const w = new World();
    const message = leave(w);
    w.call();
    expect(w.contact(message).state).toBe('queued');
  });

  it('the visitor cannot take it back as a callback could be', () => {
    const w = new World();
    const message = leave(w);
    expect(refusal(() => w.give({ type: 'callMeCancelled', contactId: message }))).toBe('contactGone');
    expect(refusal(() => w.give({ type: 'callbackMoved', contactId: message, to: null }))).toBe('contactGone');
  });
});

describe('an agent gets a message', () => {
  it('sees it, accepts it on the screen, listens, says done, and notes what it was', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    const offer = w.offerOf(message);
    expect(offer).toMatchObject({ agentId: 'bob', state: 'shown', deskId: 'sales' });
    expect(w.agent('bob').state).toBe('busy');
    w.shown(offer);
    w.wait(5 * SECOND);
    w.accept(message);
    expect(w.contact(message)).toMatchObject({ state: 'connected', agentId: 'bob', connectedAt: w.at, timers: {} });
    w.wait(40 * SECOND);
    done(w, message);
    expect(w.contact(message)).toMatchObject({ state: 'wrapUp', cause: 'handled' });
    w.give({ type: 'wrapUp', agentId: 'bob', contactId: message, disposition: 'resolved', note: 'wants a brochure' });
    expect(w.contact(message)).toMatchObject({ state: 'ended', cause: 'handled', disposition: 'resolved', agentId: 'bob' });
    expect(w.agent('bob').state).toBe('ready');
    expect(w.story(message)).toEqual([
      'contactArrived',
      'deskDecided(message)',
      'queued',
      'offered',
      'agentBusy',
      'screenPopped',
      'established',
      'connectionCleared(agent)',
      'wrapUpStarted',
      'agentWorkingAfterCall',
      'wrapUpCompleted(agent)',
      'contactEnded(handled)',
    ]);
  });

  it('no phone rings, whether the panel says that it shows it or not', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const message = leave(w);
    w.wait(POLICY.popMs + 5 * SECOND);
    w.accept(message);
    w.wait(60 * SECOND);
    done(w, message);
    expect(w.ordersFor(message)).toEqual(['keepRecording']);
    expect([...w.legs.values()].filter((leg) => leg.contactId === message)).toEqual([]);
  });

  it('accepting twice, or accepting what is somebody else’s or over, changes nothing', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    const { id } = w.offerOf(message);
    expect(refusal(() => w.give({ type: 'offerAccepted', agentId: 'ann', offerId: id }))).toBe('offerGone');
    w.accept(message);
    const { stateSince } = w.contact(message);
    w.give({ type: 'offerAccepted', agentId: 'bob', offerId: id });
    expect(w.contact(message).stateSince).toBe(stateSince);
    done(w, message);
    expect(refusal(() => w.give({ type: 'offerAccepted', agentId: 'bob', offerId: id }))).toBe('offerGone');
  });

  it('may accept it before the panel has said that it shows it', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    const offer = w.offerOf(message);
    w.accept(message);
    w.shown(offer);
    w.wait(60 * SECOND);
    expect(w.contact(message).state).toBe('connected');
    expect(w.offerOf(message)).toMatchObject({ state: 'accepted', timers: {} });
  });

  it('a call is not accepted on the screen: it is answered', () => {
    const w = new World();
    w.ready('bob');
    const call = w.customerCall('sales');
    const { id } = w.offerOf(call.contactId);
    expect(refusal(() => w.give({ type: 'offerAccepted', agentId: 'bob', offerId: id }))).toBe('answerOnPhone');
  });

  it('does nothing about it: it goes to the next agent, at its old place, and the first is not ready any more', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    const { arrivedAt } = w.contact(message);
    w.shown(w.offerOf(message));
    w.wait(POLICY.ringMs + 1);
    expect(w.contact(message)).toMatchObject({ state: 'queued', arrivedAt });
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'noAnswer' });
    w.ready('ann');
    expect(w.offerOf(message).agentId).toBe('ann');
  });

  it('declines it: it goes on to the next', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const message = leave(w);
    const first = w.offerOf(message);
    w.give({ type: 'offerDeclined', agentId: first.agentId, offerId: first.id });
    expect(w.agent(first.agentId)).toMatchObject({ state: 'notReady', reason: 'declined' });
    expect(w.offerOf(message).agentId).not.toBe(first.agentId);
  });

  it('loses the panel before accepting: it moves on at once', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const message = leave(w);
    const { agentId } = w.offerOf(message);
    w.give({ type: 'panelClosed', agentId });
    expect(w.offerOf(message).agentId).not.toBe(agentId);
  });

  it.each(['browser', 'deskPhone'] as const)('loads the panel anew while listening (with a %s): the message is still there', (phone) => {
    const w = new World();
    w.give({ type: 'panelOpened', agentId: 'ann', holdsCall: false });
    w.give({ type: 'agentLogOn', agentId: 'ann', phone });
    w.give({ type: 'agentSetReady', agentId: 'ann' });
    const message = leave(w);
    w.accept(message);
    w.give({ type: 'panelClosed', agentId: 'ann' });
    w.wait(POLICY.panelGraceMs - 1);
    w.give({ type: 'panelOpened', agentId: 'ann', holdsCall: false }, 0);
    w.wait(60 * SECOND);
    expect(w.contact(message)).toMatchObject({ state: 'connected', agentId: 'ann' });
  });

  it.each(['browser', 'deskPhone'] as const)('stays away while listening (with a %s): it goes back to its place', (phone) => {
    const w = new World();
    w.give({ type: 'panelOpened', agentId: 'ann', holdsCall: false });
    w.give({ type: 'agentLogOn', agentId: 'ann', phone });
    w.give({ type: 'agentSetReady', agentId: 'ann' });
    const message = leave(w);
    w.accept(message);
    w.give({ type: 'panelClosed', agentId: 'ann' });
    w.wait(POLICY.panelGraceMs);
    expect(w.contact(message)).toMatchObject({ state: 'queued', agentId: null });
    w.ready('bob');
    expect(w.offerOf(message).agentId).toBe('bob');
  });

  it('is made not ready by a supervisor while listening: it may be done first', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    w.accept(message);
    w.give({ type: 'agentForced', agentId: 'bob', to: 'notReady', by: 'dee' });
    expect(w.contact(message).state).toBe('connected');
    done(w, message);
    w.give({ type: 'wrapUp', agentId: 'bob', contactId: message, disposition: 'resolved', note: '' });
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'supervisor' });
  });

  it('logs off while listening: goes home when it is done', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    w.accept(message);
    w.give({ type: 'agentLogOff', agentId: 'bob' });
    done(w, message);
    w.give({ type: 'wrapUp', agentId: 'bob', contactId: message, disposition: 'resolved', note: '' });
    expect(w.agent('bob').state).toBe('loggedOff');
  });

  it('is listening when the controller is killed: goes on, and nobody else gets it', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const message = leave(w);
    const { agentId } = w.offerOf(message);
    w.accept(message);
    w.restart();
    w.give({ type: 'resynchronised', snapshot: { startedAt: null, legs: [], bridges: [] } });
    for (const id of ['ann', 'bob']) w.give({ type: 'panelOpened', agentId: id, holdsCall: false });
    w.wait(60 * SECOND);
    expect(w.contact(message)).toMatchObject({ state: 'connected', agentId });
    done(w, message);
    expect(w.contact(message).state).toBe('wrapUp');
  });

  it('can go on listening while the switch is away', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    w.context = { ...w.context, switchAway: true };
    w.accept(message);
    done(w, message);
    expect(w.contact(message).state).toBe('wrapUp');
  });
});

describe('the desk of a message', () => {
  it('is taken off the list: the control logic sends it on, and it keeps its place', () => {
    const w = new World();
    const message = leave(w, 'support');
    const { arrivedAt } = w.contact(message);
    const desks = new Map([...DIRECTORY.desks].filter(([id]) => id !== 'support'));
    w.context = { ...w.context, directory: { ...DIRECTORY, desks } };
    w.give({ type: 'directoryChanged' });
    expect(w.contact(message)).toMatchObject({ state: 'queued', deskId: 'reception', arrivedAt });
  });

  it('takes calls first: a message waits until an agent has had no call for the set time', () => {
    const w = worldWhere('sales', { discipline: { name: 'calls-first', idleForCallbacksMs: 30 * SECOND } });
    w.ready('bob');
    const message = leave(w);
    const call = w.customerCall('sales');
    expect(w.offerOf(call.contactId).agentId).toBe('bob');
    w.answer(call.contactId);
    done(w, call.contactId);
    w.give({ type: 'wrapUp', agentId: 'bob', contactId: call.contactId, disposition: 'resolved', note: '' });
    w.wait(29 * SECOND);
    expect(w.contact(message).state).toBe('queued');
    w.wait(2 * SECOND);
    expect(w.offerOf(message).agentId).toBe('bob');
  });

  it('takes whoever waits on the line before what was left over night', () => {
    const w = new World();
    const message = leave(w);
    w.wait(10 * 3_600 * SECOND);
    const call = w.customerCall('sales');
    w.ready('bob');
    expect(w.offerOf(call.contactId).agentId).toBe('bob');
    expect(w.contact(message).state).toBe('queued');
    w.ready('ann');
    expect(w.offerOf(message).agentId).toBe('ann');
  });

  it('takes all in the order in which they came, if it is told to', () => {
    const w = worldWhere('sales', { weights: { ...RULES.weights, message: 1 } });
    const message = leave(w);
    const call = w.customerCall('sales');
    w.wait(SECOND);
    w.ready('bob');
    expect(w.offerOf(message).agentId).toBe('bob');
    expect(w.contact(call.contactId).state).toBe('queued');
  });
});

describe('the agent calls back whoever left a message', () => {
  it('the message is handled, and the customer is called at its place, by this agent, who has only one to note', () => {
    const w = new World();
    w.ready('ann');
    const message = leave(w);
    w.accept(message);
    w.ready('bob');
    w.wait(20 * SECOND);
    w.give({ type: 'messageCallBack', agentId: 'ann', contactId: message });
    w.expectEnded(message, 'handled');
    const callback = [...w.contacts.values()].find((c) => c.continues === message);
    expect(callback).toMatchObject({
      channel: 'callback',
      origin: 'messageCallback',
      deskId: 'sales',
      arrivedAt: w.contact(message).arrivedAt,
      message: w.contact(message).message,
      callMe: { to: { kind: 'number', number: '+81312345678' } },
      state: 'offered',
      agentId: 'ann',
    });
    expect(w.ordersFor(callback?.id as string)).toEqual(['originate']);
    expect(w.story(message).slice(-5)).toEqual([
      'established',
      'connectionCleared(agent)',
      'offerEnded(completed)',
      'callbackRequested',
      'contactEnded(handled)',
    ]);
  });

  it('agent first, where the desk calls so', () => {
    const w = worldWhere('sales', { callbacks: { ...RULES.callbacks, first: 'agent' } });
    w.ready('bob');
    const message = leave(w);
    w.accept(message);
    w.give({ type: 'messageCallBack', agentId: 'bob', contactId: message });
    const callback = [...w.contacts.values()].find((c) => c.continues === message)?.id as string;
    w.shown(w.offerOf(callback));
    expect(w.offerOf(callback)).toMatchObject({ agentId: 'bob', state: 'ringing' });
  });

  it('at a desk that takes calls first as well: having listened is no call', () => {
    const w = worldWhere('sales', { discipline: { name: 'calls-first', idleForCallbacksMs: 30 * SECOND } });
    w.ready('bob');
    w.wait(31 * SECOND);
    const message = leave(w);
    w.accept(message);
    w.give({ type: 'messageCallBack', agentId: 'bob', contactId: message });
    const callback = [...w.contacts.values()].find((c) => c.continues === message)?.id as string;
    expect(w.offerOf(callback).agentId).toBe('bob');
  });

  it('the agent has a break to come: the message is done, and the customer is called by the next who is free', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    w.accept(message);
    w.give({ type: 'agentSetNotReady', agentId: 'bob', reason: 'lunch' });
    w.give({ type: 'messageCallBack', agentId: 'bob', contactId: message });
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'lunch' });
    w.ready('ann');
    const callback = [...w.contacts.values()].find((c) => c.continues === message)?.id as string;
    expect(w.offerOf(callback).agentId).toBe('ann');
  });

  it('nobody can be called whose number is not known', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w, 'sales', null);
    w.accept(message);
    expect(refusal(() => w.give({ type: 'messageCallBack', agentId: 'bob', contactId: message }))).toBe('noNumber');
    expect(w.contact(message).state).toBe('connected');
  });

  it('only by the agent who has accepted it, and once', () => {
    const w = new World();
    w.ready('bob');
    const message = leave(w);
    const again = (agentId: string) => refusal(() => w.give({ type: 'messageCallBack', agentId, contactId: message }));
    expect(again('bob')).toBe('notInHand');
    w.accept(message);
    expect(again('ann')).toBe('notInHand');
    expect(again('bob')).toBe('accepted');
    expect(again('bob')).toBe('notInHand');
  });
});
