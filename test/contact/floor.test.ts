import { describe, expect, it } from 'vitest';
import { InputRefused } from '#src/contact/agents.ts';
import { CONTEXT, customer, POLICY, RULES, World } from './world.ts';

const callMe = (w: World): string => {
  w.give({
    type: 'callMeRequested',
    entryId: 'ja',
    language: 'ja',
    callMe: { to: { kind: 'number', number: '+819012345678' }, name: 'Web', question: 'price?', pageUrl: 'http://a/', token: 't' },
    number: { kind: 'valid', e164: '+819012345678', country: 'JP' },
  });
  const id = [...w.contacts.values()].find((c) => c.origin === 'callMe')?.id as string;
  w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customer('sales', 'Web') });
  return id;
};

describe('a call from a known customer', () => {
  it('is identified, decided, queued, shown, rung, joined, cleared and wrapped up, each step an event', () => {
    const w = new World();
    w.ready('bob');
    const { leg, contactId } = w.customerCall();
    const offer = w.offerOf(contactId);
    expect(offer).toMatchObject({ state: 'shown', agentId: 'bob' });
    expect(w.ordersOf('originate')).toHaveLength(0); // the screen before the phone
    w.answer(contactId);
    expect(w.contact(contactId).state).toBe('connected');
    expect(w.ordersOf('join')).toMatchObject([{ legs: [leg, offer.id + '.a1'] }]);
    w.endLeg(leg);
    expect(w.agent('bob')).toMatchObject({ state: 'workingAfterCall', wrapUpContactId: contactId });
    w.give({ type: 'wrapUp', agentId: 'bob', contactId, disposition: 'solved', note: 'fine' });
    w.expectEnded(contactId, 'handled');
    expect(w.contact(contactId)).toMatchObject({ disposition: 'solved', note: 'fine', agentId: 'bob' });
    expect(w.agent('bob').state).toBe('ready');
    expect(w.story(contactId)).toEqual([
      'contactArrived',
      'partyIdentified(callingNumber)',
      'deskDecided(test)',
      'queued',
      'offered',
      'agentBusy',
      'screenPopped',
      'originated',
      'delivered',
      'established',
      'connectionCleared(party)',
      'wrapUpStarted',
      'agentWorkingAfterCall',
      'wrapUpCompleted(agent)',
      'contactEnded(handled)',
    ]);
    expect(
      w.events.filter((e) => e.contactId === contactId && e.name !== 'contactArrived').every((e) => e.customerId === 'customer-Sato'),
    ).toBe(true);
  });

  it('rings the phone after a second though the panel does not confirm', () => {
    const w = new World();
    w.ready('bob');
    w.customerCall();
    w.wait(POLICY.popMs);
    expect(w.ordersOf('originate')).toHaveLength(1);
    expect(w.events.some((e) => e.name === 'screenPopped')).toBe(false);
  });

  it('goes to the agent who has been idle longest', () => {
    const w = new World();
    w.ready('bob');
    w.wait(1_000);
    w.ready('ann');
    expect(w.offerOf(w.customerCall().contactId).agentId).toBe('bob');
    expect(w.offerOf(w.customerCall().contactId).agentId).toBe('ann');
  });

  it('waits behind those who came before, and moves up when they are served', () => {
    const w = new World();
    w.ready('bob');
    const [first, second, third] = [w.customerCall(), w.customerCall(), w.customerCall()];
    expect(w.contact(third.contactId).announced?.kind).toBe('position');
    expect(w.events.findLast(({ name }) => name === 'announced')).toMatchObject({ contactId: third.contactId, data: { position: 2 } });
    w.answer(first.contactId);
    w.endLeg(first.leg);
    w.give({ type: 'wrapUp', agentId: 'bob', contactId: first.contactId, disposition: 'x', note: '' });
    expect(w.offerOf(second.contactId).agentId).toBe('bob');
    expect(w.queue('sales').map((c) => c.id)).toEqual([third.contactId]);
  });

  it('is told again where it stands, and has music in between', () => {
    const w = new World();
    w.ready('bob');
    w.answer(w.customerCall().contactId);
    const { leg, contactId } = w.customerCall();
    w.clearOrders();
    w.give({ type: 'playFinished', leg, play: w.contact(contactId).playing as string });
    expect(w.ordersOf('startMusic')).toHaveLength(1);
    w.clearOrders();
    w.wait(POLICY.announceEveryMs);
    expect(w.ordersOf('play')).toMatchObject([{ leg, prompts: [{ text: 'queue.next' }] }]);
  });
});

describe('an offer that comes to nothing', () => {
  it('declined: goes to the next at once, and the agent is not ready', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const { contactId } = w.customerCall();
    const offer = w.offerOf(contactId);
    w.give({ type: 'offerDeclined', agentId: offer.agentId, offerId: offer.id });
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'declined' });
    expect(w.offerOf(contactId).agentId).toBe('ann');
  });

  it('not answered: the agent is not ready (RONA), and the caller keeps the place', () => {
    const w = new World();
    w.ready('bob');
    const first = w.customerCall();
    const second = w.customerCall();
    w.shown(w.offerOf(first.contactId));
    const leg = w.offerOf(first.contactId).legId;
    w.wait(POLICY.ringMs);
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'noAnswer' });
    expect(w.ordersOf('hangUp')).toMatchObject([{ leg, reason: 'noAnswer' }]);
    expect(w.queue('sales').map((c) => c.id)).toEqual([first.contactId, second.contactId]);
    w.ready('ann');
    expect(w.offerOf(first.contactId).agentId).toBe('ann');
  });

  it('browser killed while ringing: moves on at once, and back in the browser the agent is ready again', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const { contactId } = w.customerCall();
    w.shown(w.offerOf(contactId));
    w.give({ type: 'panelClosed', agentId: 'bob' });
    expect(w.offerOf(contactId).agentId).toBe('ann');
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'panelLost' });
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    expect(w.agent('bob').state).toBe('ready');
  });

  it('phone about to register: is rung again, and answers', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const { contactId } = w.customerCall();
    w.shown(w.offerOf(contactId));
    w.endLeg(w.offerOf(contactId).legId as string, 'unreachable');
    w.wait(1_000);
    w.answer(contactId);
    expect(w.contact(contactId)).toMatchObject({ state: 'connected', agentId: 'bob' });
  });

  it('phone not registered: after three seconds the next one is asked, and the agent learns why', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const { contactId } = w.customerCall();
    w.shown(w.offerOf(contactId));
    const since = w.at;
    while (w.offerOf(contactId).agentId === 'bob') {
      const leg = w.offerOf(contactId).legId;
      if (leg) w.endLeg(leg, 'unreachable');
      w.wait(100);
    }
    expect(w.at - since).toBeLessThan(3_500);
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'phoneUnreachable' });
    expect(w.offerOf(contactId).agentId).toBe('ann');
  });

  it('caller hangs up while it rings: the offer is gone at once and the agent is as before', () => {
    const w = new World();
    w.ready('bob');
    const { leg, contactId } = w.customerCall();
    w.shown(w.offerOf(contactId));
    const idleSince = w.agent('bob').idleSince;
    w.endLeg(leg);
    w.expectEnded(contactId, 'abandonedWhileRinging');
    expect(w.contact(contactId).agentId).toBeNull(); // nobody has talked with this caller
    expect(w.events.find((e) => e.name === 'connectionCleared')).toMatchObject({ legId: leg, cause: 'normalClearing' });
    expect(w.floor.offers.size).toBe(0);
    expect(w.agent('bob')).toMatchObject({ state: 'ready', idleSince });
    expect(w.ordersOf('hangUp')).toHaveLength(1);
  });
});

describe('a caller who hangs up', () => {
  it.each([
    ['before it is known who it is', 'abandonedIdentifying', (w: World) => w.call()],
    ['in the IVR', 'abandonedInScenario', (w: World) => w.call(null)],
    ['in the queue', 'abandonedInQueue', (w: World) => w.customerCall()],
  ] as const)('%s ends as %s', (_where, cause, make) => {
    const w = new World();
    const { leg, contactId } = make(w);
    w.endLeg(leg);
    w.endLeg(leg); // told twice
    w.expectEnded(contactId, cause);
  });
});

describe('a caller whom nobody knows', () => {
  it('withheld: is asked for the code and goes to the desk that it leads to', () => {
    const w = new World();
    const { leg, contactId } = w.call(null);
    for (const digit of '1234#') w.give({ type: 'digit', leg, digit });
    expect(w.ordersOf('lookUpParty')).toMatchObject([{ by: 'customerCode', value: '1234' }]);
    w.give({ type: 'partyLookedUp', contactId, by: 'customerCode', record: customer('support') });
    expect(w.contact(contactId)).toMatchObject({ state: 'queued', deskId: 'support', party: { foundBy: 'customerCode' } });
  });

  it('unknown number, silent three times: goes to the reception', () => {
    const w = new World();
    const { leg, contactId } = w.call();
    w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: null });
    w.give({ type: 'playFinished', leg, play: `${contactId}.s1` });
    w.wait(60_000);
    expect(w.contact(contactId)).toMatchObject({ state: 'queued', deskId: 'reception', party: { kind: 'new' } });
  });

  it('goes on without a name when the database does not answer', () => {
    const w = new World();
    const { contactId } = w.call();
    w.wait(POLICY.lookUpMs);
    expect(w.contact(contactId).state).toBe('scenario');
  });

  it('a number that leads nowhere is refused, and remembered', () => {
    const w = new World();
    const { leg } = w.call('+81312345678', '9999');
    expect(w.ordersOf('hangUp')).toMatchObject([{ leg, reason: 'rejected' }]);
    expect([...w.contacts.values()]).toMatchObject([{ state: 'ended', cause: 'noSuchEntry' }]);
  });
});

describe('nobody logged on', () => {
  it('the caller is told, presses 1, and is called back at the old place', () => {
    const w = new World();
    const { leg, contactId } = w.customerCall();
    expect(w.contact(contactId).announced?.kind).toBe('nobody');
    const arrivedAt = w.contact(contactId).arrivedAt;
    w.wait(5_000);
    w.give({ type: 'digit', leg, digit: '1' });
    w.expectEnded(contactId, 'callbackPromised');
    const said = w.orders.findLast((o) => o.type === 'play');
    w.clearOrders();
    w.give({ type: 'playFinished', leg, play: said?.type === 'play' ? said.play : '' });
    expect(w.ordersOf('hangUp')).toMatchObject([{ leg }]);
    w.endLeg(leg);
    expect(w.queue('sales')).toMatchObject([{ channel: 'callback', origin: 'queueCallback', arrivedAt, continues: contactId }]);
    w.ready('bob');
    expect(w.ordersOf('originate')).toMatchObject([{ to: { kind: 'number', number: '+81312345678' } }]);
  });

  it('the promise is heard to its end, though the key cuts the announcement short', () => {
    const w = new World();
    const { leg, contactId } = w.customerCall();
    const announcement = w.contact(contactId).playing as string;
    w.give({ type: 'digit', leg, digit: '1' });
    const promise = w.orders.findLast((o) => o.type === 'play');
    w.clearOrders();
    w.give({ type: 'playFinished', leg, play: announcement }); // stopped
    expect(w.ordersOf('hangUp')).toHaveLength(0);
    w.give({ type: 'playFinished', leg, play: promise?.type === 'play' ? promise.play : '' });
    expect(w.ordersOf('hangUp')).toMatchObject([{ leg }]);
  });

  it('is told so too when the agents only closed their browsers, and stay away', () => {
    const w = new World();
    w.ready('bob', 'ann');
    for (const agentId of ['bob', 'ann']) w.give({ type: 'panelClosed', agentId });
    w.wait(POLICY.panelGraceMs);
    expect(w.contact(w.customerCall().contactId).announced?.kind).toBe('nobody');
  });

  it('another key does nothing', () => {
    const w = new World();
    const { leg, contactId } = w.customerCall();
    w.give({ type: 'digit', leg, digit: '5' });
    expect(w.contact(contactId).state).toBe('queued');
  });
});

describe('call-me', () => {
  it('rings the visitor when its turn comes, then the agent, who hears whence, then joins both', () => {
    const w = new World();
    w.ready('bob');
    const before = w.customerCall(); // has the agent
    const id = callMe(w);
    expect(w.contact(id).state).toBe('queued');
    w.endLeg(before.leg);
    expect(w.offerOf(id)).toMatchObject({ state: 'dialling', agentId: 'bob' });
    const visitor = w.contact(id).legId as string;
    w.clearOrders();
    w.give({ type: 'legAnswered', leg: visitor });
    expect(w.ordersOf('play')).toMatchObject([{ leg: visitor, prompts: [{ text: 'callMe.callingOperator' }] }]);
    w.shown(w.offerOf(id));
    const agentLeg = w.offerOf(id).legId as string;
    w.clearOrders();
    w.give({ type: 'legAnswered', leg: agentLeg });
    expect(w.ordersOf('play')).toMatchObject([{ leg: agentLeg, prompts: [{ text: 'callMe.callerFromWebWaiting' }] }]);
    expect(w.ordersOf('join')).toHaveLength(0);
    w.give({ type: 'playFinished', leg: agentLeg, play: w.offerOf(id).playing as string });
    expect(w.ordersOf('join')).toMatchObject([{ legs: [visitor, agentLeg] }]);
    expect(w.contact(id).state).toBe('connected');
  });

  it('is tried again later when nobody answers, and given up after the last attempt', () => {
    const w = new World();
    w.ready('bob');
    const id = callMe(w);
    w.endLeg(w.contact(id).legId as string, 'busy');
    expect(w.agent('bob').state).toBe('ready');
    expect(w.queue('sales')).toHaveLength(0); // rests
    w.wait(RULES.callbacks.retry.busy.pauseMs);
    expect(w.contact(id)).toMatchObject({ attempts: 2, state: 'offered' });
    w.endLeg(w.contact(id).legId as string, 'noAnswer');
    w.expectEnded(id, 'callbackFailed');
  });

  it('stays with the next agent when the first does not answer: the visitor is not rung twice', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const id = callMe(w);
    w.give({ type: 'legAnswered', leg: w.contact(id).legId as string });
    w.shown(w.offerOf(id));
    w.clearOrders();
    w.wait(POLICY.ringMs);
    expect(w.offerOf(id)).toMatchObject({ agentId: 'ann' });
    expect(w.ordersOf('originate').filter((o) => o.type === 'originate' && o.to.kind === 'number')).toHaveLength(0);
  });

  it('can be cancelled until it is connected', () => {
    const w = new World();
    w.ready('bob');
    const id = callMe(w);
    w.give({ type: 'callMeCancelled', contactId: id });
    w.expectEnded(id, 'callbackCancelled');
    expect(w.agent('bob').state).toBe('ready');
  });
});

describe('the browser goes while talking', () => {
  const talk = (): { w: World; leg: string; contactId: string } => {
    const w = new World();
    w.ready('bob');
    const call = w.customerCall();
    w.answer(call.contactId);
    return { w, ...call };
  };

  it('killed: after the grace time the caller is told and has the old place back', () => {
    const { w, leg, contactId } = talk();
    w.give({ type: 'panelClosed', agentId: 'bob' });
    expect(w.contact(contactId).state).toBe('connected');
    w.clearOrders();
    w.wait(POLICY.panelGraceMs);
    expect(w.contact(contactId).state).toBe('queued');
    expect(w.ordersOf('play')).toMatchObject([{ leg, prompts: [{ text: 'queue.reconnecting' }] }]);
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'panelLost' });
    w.ready('ann');
    expect(w.offerOf(contactId).agentId).toBe('ann');
  });

  it('only the connection blinked: the talk goes on', () => {
    const { w, contactId } = talk();
    w.give({ type: 'panelClosed', agentId: 'bob' });
    w.wait(POLICY.panelGraceMs - 1);
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: true });
    w.wait(POLICY.panelGraceMs * 2);
    expect(w.contact(contactId).state).toBe('connected');
  });

  it('reloaded: the call is put through to the new page', () => {
    const { w, leg, contactId } = talk();
    w.give({ type: 'panelClosed', agentId: 'bob' });
    const old = w.offerOf(contactId).legId as string;
    w.clearOrders();
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    const fresh = w.offerOf(contactId).legId as string;
    expect(fresh).not.toBe(old);
    w.endLeg(old);
    w.give({ type: 'legAnswered', leg: fresh });
    expect(w.ordersOf('join')).toMatchObject([{ legs: [leg, fresh] }]);
    expect(w.contact(contactId).state).toBe('connected');
  });
});

describe('a page that was reloaded while talking', () => {
  it('is rung again until its phone has registered, but not for ever', () => {
    const w = new World();
    w.ready('bob');
    const { contactId } = w.customerCall();
    w.answer(contactId);
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    for (let tries = 0; tries < 3; tries++) {
      w.endLeg(w.offerOf(contactId).legId as string, 'unreachable');
      expect(w.contact(contactId).state).toBe('connected');
      w.wait(400);
    }
    const leg = w.offerOf(contactId).legId as string;
    w.give({ type: 'legAnswered', leg });
    expect(w.offerOf(contactId).timers).toEqual({});

    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    w.endLeg(w.offerOf(contactId).legId as string, 'unreachable');
    w.wait(POLICY.ringMs);
    expect(w.contact(contactId).state).toBe('queued');
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'phoneUnreachable' });
  });
});

describe('agent states', () => {
  it('a wish while talking is kept for afterwards', () => {
    const w = new World();
    w.ready('bob');
    const { leg, contactId } = w.customerCall();
    w.answer(contactId);
    w.give({ type: 'agentSetNotReady', agentId: 'bob', reason: 'lunch' });
    expect(w.agent('bob').state).toBe('busy');
    w.endLeg(leg);
    w.give({ type: 'wrapUp', agentId: 'bob', contactId, disposition: 'x', note: '' });
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'lunch' });
  });

  it('a break asked for while it rings is taken, though the browser is lost or the call not answered', () => {
    const w = new World();
    w.ready('bob');
    w.shown(w.offerOf(w.customerCall().contactId));
    w.give({ type: 'agentSetNotReady', agentId: 'bob', reason: 'lunch' });
    w.give({ type: 'panelClosed', agentId: 'bob' });
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'lunch' });
  });

  it('wrap-up ends by itself when its time is over', () => {
    const w = new World();
    w.ready('bob');
    const { leg, contactId } = w.customerCall();
    w.answer(contactId);
    w.endLeg(leg);
    w.wait(RULES.wrapUp.limitMs);
    w.expectEnded(contactId, 'handled');
    expect(w.agent('bob').state).toBe('ready');
  });

  it('what makes no sense is refused by name and changes nothing', () => {
    const w = new World();
    expect(() => w.give({ type: 'agentSetReady', agentId: 'bob' })).toThrow(InputRefused);
    expect(() => w.give({ type: 'agentLogOn', agentId: 'cid', phone: 'deskPhone' })).toThrow(/desk phone/);
    expect(() => w.give({ type: 'agentLogOn', agentId: 'nobody', phone: 'browser' })).toThrow(/no agent/);
    expect(w.agents.size).toBe(0);
  });
});

describe('a new controller takes over', () => {
  it('goes on with one caller in the IVR, one queued, one ringing and one talking', () => {
    const w = new World();
    w.ready('bob', 'ann');
    const talking = w.customerCall();
    w.answer(talking.contactId);
    const ringing = w.customerCall();
    w.shown(w.offerOf(ringing.contactId));
    const queued = w.customerCall();
    const inIvr = w.call(null);
    const offers = [w.offerOf(talking.contactId), w.offerOf(ringing.contactId)];
    w.restart();
    w.clearOrders();
    w.give({
      type: 'resynchronised',
      snapshot: {
        startedAt: null,
        legs: [...w.floor.legs.values()].map((l) => ({
          leg: l.id,
          direction: 'in',
          state: l.state === 'up' ? 'up' : 'ringing',
          arrival: null,
        })),
        bridges: [{ bridge: offers[0]?.bridgeId as string, legs: [talking.leg, offers[0]?.legId as string] }],
      },
    });
    expect(w.contact(talking.contactId).state).toBe('connected');
    expect(w.offerOf(ringing.contactId).id).toBe(offers[1]?.id);
    expect(w.queue('sales').map((c) => c.id)).toEqual([queued.contactId]);
    expect(w.contact(inIvr.contactId).state).toBe('scenario');
    expect(w.ordersOf('hangUp')).toHaveLength(0);
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: true });
    w.give({ type: 'panelOpened', agentId: 'ann', holdsCall: true });
    w.give({ type: 'legAnswered', leg: w.offerOf(ringing.contactId).legId as string });
    expect(w.contact(ringing.contactId).state).toBe('connected');
  });

  it('plays what it missed: a hang-up, an answer, a new call', () => {
    const w = new World();
    w.ready('bob');
    const ringing = w.customerCall();
    w.shown(w.offerOf(ringing.contactId));
    const gone = w.customerCall();
    w.restart();
    w.give({
      type: 'resynchronised',
      snapshot: {
        startedAt: null,
        legs: [
          { leg: ringing.leg, direction: 'in', state: 'up', arrival: null },
          { leg: w.offerOf(ringing.contactId).legId as string, direction: 'out', state: 'up', arrival: null },
          {
            leg: 'late',
            direction: 'in',
            state: 'up',
            arrival: { callingNumber: '+81399998888', callingName: null, presentation: 'allowed', calledNumber: '1000', trusted: true },
          },
        ],
        bridges: [],
      },
    });
    expect(w.contact(ringing.contactId).state).toBe('connected');
    w.expectEnded(gone.contactId, 'abandonedInQueue');
    expect([...w.contacts.values()].find((c) => c.legId === 'late')?.state).toBe('identifying');
  });
});

describe('timers', () => {
  it('one that fails, for a wrong rule or a missing entry, stops no other', () => {
    const w = new World();
    w.ready('bob');
    const ringing = w.customerCall();
    w.shown(w.offerOf(ringing.contactId));
    w.wait(POLICY.ringMs - POLICY.lookUpMs);
    const poisoned = w.call();
    w.mayFail = true;
    w.context = {
      ...CONTEXT,
      startDialogue: () => {
        throw new Error('no such scenario');
      },
    };
    w.give({ type: 'tick' }, POLICY.lookUpMs + 1);
    expect(w.failures).toHaveLength(1);
    expect(w.agent('bob')).toMatchObject({ state: 'notReady', reason: 'noAnswer' });
    expect(w.contact(poisoned.contactId).state).toBe('identifying');
    w.context = CONTEXT;
    w.wait(10_000);
    expect(w.contact(poisoned.contactId).state).toBe('scenario'); // tried again, and done when it can be
  });

  it('a thousand at once are told their places in turn, each its own', () => {
    const w = new World();
    w.ready('bob');
    w.answer(w.customerCall().contactId);
    const callers = Array.from({ length: 250 }, () => w.customerCall());
    w.endLeg((callers[0] as { leg: string }).leg);
    const before = w.events.length;
    const first = w.give({ type: 'tick' }, POLICY.announceEveryMs);
    expect(first.events.length).toBeLessThan(callers.length); // others have their turn in between
    w.wait(POLICY.announceEveryMs - 1);
    const told = w.events.slice(before).filter((e) => e.name === 'announced');
    expect(told.map((e) => e.data['position'])).toEqual(callers.slice(1).map((_, i) => i + 1));
  });

  it('one that another of the same moment has set anew waits its new time', () => {
    const w = new World();
    const { leg, contactId } = w.call(null);
    for (const digit of '1234#') w.give({ type: 'digit', leg, digit });
    w.context = {
      ...CONTEXT,
      stepDialogue: (d) => ({ dialogue: { ...d, tries: d.tries + 1 }, actions: [], entered: [], timeoutMs: 5_000, notes: [] }),
    };
    w.give({ type: 'digit', leg, digit: '5' });
    const { lookUp, scenario } = w.contact(contactId).timers;
    // A process that was away finds both due, and the look-up's answer starts a new question.
    w.give({ type: 'tick' }, Math.max(lookUp as number, scenario as number) - w.at);
    expect(w.contact(contactId).timers.scenario).toBe(w.at + 5_000);
    expect(w.contact(contactId).dialogue?.tries).toBe(3);
  });
});

describe('the switch is away', () => {
  it('nobody is offered anything, and nobody is blamed for a phone that cannot ring', () => {
    const w = new World();
    w.ready('bob');
    const ringing = w.customerCall();
    w.shown(w.offerOf(ringing.contactId));
    w.context = { ...CONTEXT, switchAway: true };
    w.ready('ann');
    const second = w.customerCall();
    w.wait(POLICY.ringMs * 1.5);
    expect(w.agent('bob').state).toBe('busy');
    expect(w.agent('ann').state).toBe('ready');
    w.context = CONTEXT;
    const agentLeg = w.offerOf(ringing.contactId).legId as string;
    const up = (leg: string) => ({ leg, direction: 'out' as const, state: 'up' as const, arrival: null });
    w.give({ type: 'resynchronised', snapshot: { startedAt: null, legs: [up(ringing.leg), up(second.leg), up(agentLeg)], bridges: [] } });
    expect(w.contact(ringing.contactId).state).toBe('connected'); // answered meanwhile
    expect(w.offerOf(second.contactId).agentId).toBe('ann');
  });

  it('a leg made after the switch was asked what lives is not missed', () => {
    const w = new World();
    const { leg, contactId } = w.customerCall();
    const settled = new Set(w.floor.legs.keys());
    const snapshot = { startedAt: null, legs: [{ leg, direction: 'in' as const, state: 'up' as const, arrival: null }], bridges: [] };
    w.ready('bob');
    w.shown(w.offerOf(contactId));
    w.give({ type: 'resynchronised', snapshot, settled });
    expect(w.offerOf(contactId)).toMatchObject({ state: 'ringing', agentId: 'bob' });
  });

  it('a leg of ours that lives though we believe it gone is hung up', () => {
    const w = new World();
    w.ready('bob');
    const { contactId } = w.customerCall();
    w.shown(w.offerOf(contactId));
    const leg = w.offerOf(contactId).legId as string;
    w.endLeg(leg, 'unreachable'); // so the order's failure said
    w.clearOrders();
    w.give({ type: 'legRinging', leg });
    w.give({ type: 'legAnswered', leg });
    w.give({ type: 'legAnswered', leg: 'somebody-elses.leg' });
    expect(w.ordersOf('hangUp')).toMatchObject([{ leg, contactId }, { leg }]);
  });
});

describe('the page is reloaded while it rings, and nobody was there to see it', () => {
  it('rings in the new page', () => {
    const w = new World();
    w.ready('bob');
    const { contactId } = w.customerCall();
    w.shown(w.offerOf(contactId));
    const old = w.offerOf(contactId).legId as string;
    w.give({ type: 'legRinging', leg: old });
    w.restart();
    w.clearOrders();
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    const fresh = w.offerOf(contactId).legId as string;
    expect(w.ordersOf('hangUp')).toMatchObject([{ leg: old }]);
    expect(w.ordersOf('originate')).toMatchObject([{ leg: fresh }]);
    w.endLeg(old, 'cancelled');
    w.give({ type: 'legAnswered', leg: fresh });
    expect(w.contact(contactId).state).toBe('connected');
  });
});
