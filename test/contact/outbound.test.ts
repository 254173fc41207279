/** Numbers outside, questions after a talk, notices that a scenario tells, callbacks that a key connects: stories on the real floor. */
import { describe, expect, it } from 'vitest';
import { dialoguePlayId } from '#src/contact/legs.ts';
import type { OutboundPolicy } from '#src/contact/model.ts';
import { DEFAULT_OUTBOUND_POLICY } from '#src/contact/outside.ts';
import type { DeskRules } from '#src/routing/desk-rules.ts';
import { ABROAD, OUTSIDE } from './scripts.ts';
import { CONTEXT, customer, DIRECTORY, POLICY, RULES, World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** @param about rules of all desks, limits, and whom the entry's scenario greets */
function worldOf(about: { rules?: Partial<DeskRules>; outbound?: Partial<OutboundPolicy>; scenario?: string } = {}): World {
  const w = new World();
  const rules: DeskRules = { ...RULES, ...about.rules };
  w.context = {
    ...CONTEXT,
    policy: { ...POLICY, outbound: { ...DEFAULT_OUTBOUND_POLICY, ...about.outbound } },
    rulesOf: () => rules,
    directory: { ...DIRECTORY, entries: DIRECTORY.entries.map((e) => ({ ...e, scenario: about.scenario ?? e.scenario })) },
  };
  return w;
}

const partyLeg = (w: World, contactId: string): string => w.contact(contactId).legId ?? 'none';
const key = (w: World, contactId: string, digit: string): void => {
  w.give({ type: 'digit', leg: partyLeg(w, contactId), digit });
};
const heard = (w: World, contactId: string): void => {
  const { dialogue } = w.contact(contactId);
  w.give({ type: 'playFinished', leg: partyLeg(w, contactId), play: dialoguePlayId(w.contact(contactId), dialogue?.play ?? 0) });
};
const answered = (w: World, leg: string): void => {
  w.give({ type: 'legRinging', leg });
  w.give({ type: 'legAnswered', leg });
};
const lastText = (w: World): string | undefined =>
  w.orders.flatMap((o) => (o.type === 'play' ? o.prompts.map(({ text }) => text) : [])).at(-1);
const hungUp = (w: World): string[] => w.orders.flatMap((o) => (o.type === 'hangUp' ? [o.leg] : []));

describe('a scenario that puts the caller through to a number outside', () => {
  function asked(about: Parameters<typeof worldOf>[0] = {}, digit = '1') {
    const w = worldOf({ scenario: 'outside', ...about });
    const call = w.call(null);
    w.clearOrders();
    key(w, call.contactId, digit);
    return { w, ...call, outside: `${call.contactId}.x1` };
  }

  it('has it dialled while the caller hears music, joins the two, and is over when the other side hangs up', () => {
    const { w, leg, contactId, outside } = asked();
    expect(w.orders).toMatchObject([
      { type: 'stopPlay' },
      { type: 'startMusic', leg },
      {
        type: 'originate',
        leg: outside,
        to: { kind: 'number', number: OUTSIDE },
        timeoutMs: 20 * SECOND,
        shows: { number: '+81312340000' },
      },
    ]);
    expect(w.contact(contactId).state).toBe('scenario');
    answered(w, outside);
    expect(w.orders.at(-1)).toEqual({ contactId, type: 'join', bridge: `${outside}.b`, legs: [leg, outside] });
    w.wait(10 * MINUTE);
    expect(w.contact(contactId).state).toBe('scenario');
    w.endLeg(outside);
    w.expectEnded(contactId, 'transferredOut');
    expect(hungUp(w)).toEqual([leg]);
    w.endLeg(leg);
    expect(w.story(contactId).slice(-6)).toEqual([
      'scenarioStarted(outside)',
      'originated',
      'delivered',
      'established',
      'connectionCleared(outside)',
      'contactEnded(transferredOut)',
    ]);
  });

  it('is over, too, when the caller hangs up first, and the other side is not left on the line', () => {
    const { w, leg, contactId, outside } = asked();
    answered(w, outside);
    w.endLeg(leg);
    w.expectEnded(contactId, 'transferredOut');
    expect(hungUp(w)).toEqual([outside]);
  });

  it('stops ringing outside when the caller gives up meanwhile', () => {
    const { w, leg, contactId, outside } = asked();
    w.give({ type: 'legRinging', leg: outside });
    w.endLeg(leg);
    w.expectEnded(contactId, 'abandonedInScenario');
    expect(hungUp(w)).toEqual([outside]);
    w.give({ type: 'legAnswered', leg: outside }); // answered in the same moment: told after it
    w.endLeg(outside, 'cancelled');
    expect(w.floor.legs.size).toBe(0);
  });

  it.each([
    ['busy', 'busy'],
    ['noAnswer', 'noAnswer'],
    ['unreachable', 'failed'],
  ] as const)('goes on in the scenario when the number is %s, without music', (cause, told) => {
    const { w, leg, contactId, outside } = asked();
    w.endLeg(outside, cause);
    expect(lastText(w)).toBe(`outside ${told}`);
    expect(w.ordersOf('stopMusic')).toMatchObject([{ leg }]);
    key(w, contactId, '1');
    expect(w.ordersOf('originate').at(-1)).toMatchObject({ leg: `${contactId}.x2` });
  });

  it('goes on in the scenario when the switch never says what became of it', () => {
    const { w, outside } = asked();
    w.wait(25 * SECOND);
    expect(hungUp(w)).toEqual([outside]);
    expect(lastText(w)).toBe('outside noAnswer');
  });

  it('waits on while the switch is away: it may ring', () => {
    const { w, outside } = asked();
    w.context = { ...w.context, switchAway: true };
    w.wait(25 * SECOND);
    expect(hungUp(w)).toEqual([]);
    w.context = { ...w.context, switchAway: false };
    answered(w, outside);
    expect(w.ordersOf('join')).toHaveLength(1);
  });

  it('refuses a number in a country that is not allowed, and says so in the log', () => {
    const { w, contactId } = asked({}, '2');
    expect(w.ordersOf('originate')).toEqual([]);
    expect(lastText(w)).toBe('outside refused');
    expect(w.story(contactId)).toContain('failed(refused)');
    expect(w.events.find((e) => e.cause === 'refused')?.data).toMatchObject({ with: 'outside', why: 'country' });
  });

  it('dials abroad where the settings allow the country', () => {
    const { w } = asked({ outbound: { countries: ['GB'] } }, '2');
    expect(w.ordersOf('originate')).toMatchObject([{ to: { number: ABROAD } }]);
  });

  it('refuses the next when so many are put through already, until one of them is over', () => {
    const { w, outside } = asked({ outbound: { outsideAtOnce: 1 } });
    const other = w.call(null);
    key(w, other.contactId, '1');
    expect(lastText(w)).toBe('outside refused');
    w.endLeg(outside, 'busy');
    key(w, other.contactId, '1');
    expect(w.ordersOf('originate').at(-1)).toMatchObject({ leg: `${other.contactId}.x2` });
  });

  it('hangs up after ten tries, whatever the scenario says', () => {
    const { w, contactId } = asked({}, '2');
    for (let n = 0; n < 12 && w.contact(contactId).state !== 'ended'; n++) key(w, contactId, '2');
    w.expectEnded(contactId, 'hungUpByScenario');
    expect(w.events.filter((e) => e.name === 'failed')).toHaveLength(10);
  });

  it('ends a talk outside that takes too long', () => {
    const { w, leg, contactId, outside } = asked({ outbound: { outsideMs: 30 * MINUTE } });
    answered(w, outside);
    w.wait(30 * MINUTE);
    w.expectEnded(contactId, 'transferredOut');
    expect(hungUp(w).sort()).toEqual([leg, outside].sort());
  });

  it('takes no key for its own while they talk outside', () => {
    const { w, contactId, outside } = asked();
    answered(w, outside);
    key(w, contactId, '9');
    expect(w.contact(contactId).state).toBe('scenario');
  });

  it('goes on after a restart: what was answered unheard is joined, what hung up unheard is over', () => {
    const { w, leg, contactId, outside } = asked();
    w.restart();
    w.clearOrders();
    const up = (id: string, direction: 'in' | 'out') => ({ leg: id, direction, state: 'up', arrival: null }) as const;
    const both = { startedAt: 0, legs: [up(leg, 'in'), up(outside, 'out')], bridges: [] };
    w.give({ type: 'resynchronised', snapshot: both });
    expect(w.ordersOf('join')).toContainEqual({ contactId, type: 'join', bridge: `${outside}.b`, legs: [leg, outside] });
    w.restart();
    w.clearOrders();
    w.give({ type: 'resynchronised', snapshot: both });
    expect(w.ordersOf('join')).toHaveLength(1);
    w.give({ type: 'resynchronised', snapshot: { ...both, legs: [up(leg, 'in')] } });
    w.expectEnded(contactId, 'transferredOut');
    expect(hungUp(w)).toEqual([leg]);
  });

  it('ends as lost when the switch dies under the talk, and nobody is called back for it', () => {
    const w = worldOf({ scenario: 'outside' });
    const { leg, contactId } = w.call('+81312345678');
    w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: null });
    key(w, contactId, '1');
    answered(w, `${contactId}.x1`);
    w.endLeg(leg, 'switchLost');
    w.endLeg(`${contactId}.x1`, 'switchLost');
    w.expectEnded(contactId, 'switchLost');
    expect(w.contacts.size).toBe(1);
  });
});

describe('a desk that asks after the talk', () => {
  const rules = { survey: 'survey' };

  /** A talk whose agent has hung up; the survey that became of it. */
  function asking(w = worldOf({ rules })) {
    w.ready('bob');
    const call = w.customerCall();
    w.answer(call.contactId);
    const { id: offerId, bridgeId, legId: agentLeg } = w.offerOf(call.contactId);
    w.clearOrders();
    w.give({ type: 'agentHangUp', agentId: 'bob', offerId });
    const survey = [...w.contacts.values()].find((c) => c.origin === 'survey');
    return { w, ...call, bridgeId, agentLeg, survey: survey?.id ?? 'none' };
  }

  it('hands the caller to its scenario when the agent hangs up, and the agent wraps up meanwhile', () => {
    const { w, leg, contactId, survey, bridgeId, agentLeg } = asking();
    expect(w.contact(contactId)).toMatchObject({ state: 'wrapUp', legId: null, cause: 'handled' });
    expect(w.agent('bob').state).toBe('workingAfterCall');
    expect(w.contact(survey)).toMatchObject({ state: 'scenario', channel: 'voice', legId: leg, continues: contactId, language: 'ja' });
    expect(w.contact(survey).party.record?.name).toBe('Sato');
    expect(hungUp(w)).toEqual([agentLeg]);
    // Out of the talk's bridge first, and not before what was ordered for the talk.
    expect(w.orders.filter((o) => 'contactId' in o && o.contactId === survey)).toMatchObject([
      { type: 'dropBridge', bridge: bridgeId, after: contactId },
      { type: 'play', leg },
    ]);
    key(w, survey, '5');
    w.expectEnded(survey, 'surveyDone');
    expect(hungUp(w)).toEqual([agentLeg, leg]);
    expect(w.events.find((e) => e.name === 'scenarioAnswered')).toMatchObject({ contactId: survey, data: { satisfaction: 5 } });
    w.give({ type: 'wrapUp', agentId: 'bob', contactId, disposition: 'resolved', note: '' });
    w.expectEnded(contactId, 'handled');
  });

  it('asks nobody who hung up first, or was told a notice', () => {
    const w = worldOf({ rules });
    w.ready('bob');
    const call = w.customerCall();
    w.answer(call.contactId);
    w.endLeg(call.leg);
    expect(w.contact(call.contactId).state).toBe('wrapUp');
    expect(w.contacts.size).toBe(1);
  });

  it('ends as given up when the caller hangs up in it', () => {
    const { w, leg, survey } = asking();
    w.endLeg(leg);
    w.expectEnded(survey, 'abandonedInScenario');
  });

  it('takes a hand-back for its end, and asks for no agent unless its scenario routes', () => {
    const { w, survey } = asking();
    key(w, survey, '7');
    w.expectEnded(survey, 'surveyDone');
  });

  it('does not ask again who wanted an agent after the survey', () => {
    const { w, leg, survey } = asking();
    w.ready('dee');
    key(w, survey, '0');
    expect(w.offerOf(survey).agentId).toBe('dee');
    w.answer(survey);
    w.give({ type: 'agentHangUp', agentId: 'dee', offerId: w.offerOf(survey).id });
    expect(w.contact(survey).state).toBe('wrapUp');
    expect([...w.contacts.values()].filter((c) => c.origin === 'survey')).toHaveLength(1);
    expect(hungUp(w)).toContain(leg);
  });

  it('asks after a callback as well', () => {
    const w = worldOf({ rules });
    w.ready('bob');
    const id = callMe(w);
    answered(w, partyLeg(w, id));
    w.answer(id);
    w.give({ type: 'playFinished', leg: w.offerOf(id).legId as string, play: w.offerOf(id).playing as string });
    w.give({ type: 'agentHangUp', agentId: 'bob', offerId: w.offerOf(id).id });
    expect([...w.contacts.values()].at(-1)).toMatchObject({ origin: 'survey', state: 'scenario', continues: id });
  });

  it('ends as lost when the switch dies in it: nobody is called back to be asked', () => {
    const { w, leg, survey } = asking();
    w.endLeg(leg, 'switchLost');
    w.expectEnded(survey, 'switchLost');
    expect(w.contacts.size).toBe(2);
  });
});

function callMe(w: World, number = '+819012345678'): string {
  const changes = w.give({
    type: 'callMeRequested',
    entryId: 'ja',
    language: 'ja',
    callMe: { to: { kind: 'number', number }, name: 'Abe', question: 'prices', pageUrl: '', token: `t-${w.at}` },
    number: { kind: 'valid', e164: number, country: 'JP' },
  });
  const id = [...changes.contacts.keys()][0] as string;
  w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customer('sales', 'Abe') });
  return id;
}

describe('a notice that a scenario tells', () => {
  function tell(w: World, recipientId = '1'): string {
    const changes = w.give({
      type: 'noticeTask',
      noticeId: 'n1',
      recipientId,
      deskId: 'sales',
      language: 'ja',
      number: { kind: 'valid', e164: `+8190123456${recipientId.padStart(2, '0')}`, country: 'JP' },
      name: 'Abe',
      text: 'closed on Monday',
      scenario: 'notice',
    });
    const id = [...changes.contacts.keys()][0] ?? 'none';
    if (w.contacts.has(id)) w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: null });
    return id;
  }

  it('needs no agent: it is dialled at once, told, and confirmed by a key', () => {
    const w = worldOf();
    const id = tell(w);
    const leg = partyLeg(w, id);
    expect(w.ordersOf('originate')).toMatchObject([{ leg, to: { number: '+819012345601' } }]);
    answered(w, leg);
    expect(lastText(w)).toContain('notice');
    heard(w, id);
    key(w, id, '1');
    w.expectEnded(id, 'noticeTold');
    expect(w.contact(id)).toMatchObject({ disposition: 'confirmed', agentId: null, attempts: 1 });
    expect(hungUp(w)).toEqual([leg]);
  });

  it('takes no agent who is free', () => {
    const w = worldOf();
    w.ready('bob');
    const id = tell(w);
    expect(w.agent('bob').state).toBe('ready');
    answered(w, partyLeg(w, id));
    expect(w.agent('bob').state).toBe('ready');
  });

  it('counts as heard for who hangs up after it was told, and is not told again', () => {
    const w = worldOf();
    const id = tell(w);
    answered(w, partyLeg(w, id));
    heard(w, id);
    w.endLeg(partyLeg(w, id));
    w.expectEnded(id, 'noticeTold');
    expect(w.contact(id).disposition).toBe('heard');
  });

  it('is told again later to who hung up before that, as to who did not answer', () => {
    const w = worldOf();
    const id = tell(w);
    answered(w, partyLeg(w, id));
    w.endLeg(partyLeg(w, id));
    expect(w.contact(id)).toMatchObject({ state: 'queued', attempts: 1, failedAttempts: { noAnswer: 1 }, dialogue: null });
    w.wait(60 * SECOND);
    expect(w.ordersOf('originate')).toHaveLength(2);
    w.endLeg(partyLeg(w, id), 'busy');
    w.expectEnded(id, 'callbackFailed');
  });

  it('is tried again where its scenario says that nobody was reached, as by an answering machine', () => {
    const w = worldOf();
    const id = tell(w);
    const leg = partyLeg(w, id);
    answered(w, leg);
    key(w, id, '9');
    expect(hungUp(w)).toEqual([leg]);
    w.endLeg(leg);
    expect(w.contact(id)).toMatchObject({ state: 'queued', attempts: 1 });
    w.wait(60 * SECOND);
    expect(w.contact(id).attempts).toBe(2);
  });

  it('is told to no more at once than there are lines for it', () => {
    const w = worldOf({ outbound: { noticeLines: 2 } });
    const ids = ['1', '2', '3', '4'].map((n) => tell(w, n));
    const dialled = (): (string | undefined)[] =>
      w.ordersOf('originate').map((o) => ('to' in o && o.to.kind === 'number' ? o.to.number : undefined));
    expect(dialled()).toEqual(['+819012345601', '+819012345602']);
    const first = partyLeg(w, ids[0] as string);
    answered(w, first);
    expect(dialled()).toHaveLength(2);
    key(w, ids[0] as string, '1');
    expect(dialled()).toEqual(['+819012345601', '+819012345602', '+819012345603']);
  });

  it('waits for an agent like a caller when the scenario asks for one', () => {
    const w = worldOf();
    const id = tell(w);
    const leg = partyLeg(w, id);
    answered(w, leg);
    key(w, id, '2');
    expect(w.contact(id)).toMatchObject({ state: 'queued', legId: leg, deskId: 'sales' });
    w.ready('bob');
    expect(w.offerOf(id).agentId).toBe('bob');
    w.answer(id);
    w.give({ type: 'playFinished', leg: w.offerOf(id).legId as string, play: w.offerOf(id).playing as string });
    expect(w.contact(id).state).toBe('connected');
    w.endLeg(leg);
    w.give({ type: 'wrapUp', agentId: 'bob', contactId: id, disposition: 'resolved', note: '' });
    w.expectEnded(id, 'handled');
  });

  it('is dialled by the next controller if the first one died before that, and not twice', () => {
    const w = worldOf({ outbound: { noticeLines: 1 } });
    const [first, second] = [tell(w, '1'), tell(w, '2')];
    w.restart();
    expect(tell(w, '1')).toBe('none');
    expect(w.ordersOf('originate')).toHaveLength(1);
    w.endLeg(partyLeg(w, first as string), 'noAnswer');
    expect(w.contact(second as string).legId).not.toBeNull();
    expect(w.ordersOf('originate')).toHaveLength(2);
  });

  it('dials nobody when people may not be called, nor while the switch is away', () => {
    const w = worldOf({ rules: { callbacks: { ...RULES.callbacks, hours: { from: '09:00', to: '10:00' } } } });
    w.at = Date.parse('2026-11-20T23:00:00+09:00');
    const id = tell(w);
    expect(w.ordersOf('originate')).toEqual([]);
    w.context = { ...w.context, switchAway: true };
    w.wait(10 * 60 * MINUTE + SECOND);
    expect(w.ordersOf('originate')).toEqual([]);
    w.context = { ...w.context, switchAway: false };
    w.give({ type: 'tick' });
    expect(w.contact(id).legId).not.toBeNull();
  });

  it('dials nobody for a scenario that is gone, and everybody when it is back', () => {
    const w = worldOf();
    const { startDialogue } = w.context;
    const gone: typeof startDialogue = (...about) => ({
      ...startDialogue(...about),
      notes: [{ name: 'scenarioGone', scenario: 'notice', step: '', data: {} }],
    });
    w.context = { ...w.context, startDialogue: gone };
    w.mayFail = true;
    const id = tell(w);
    w.wait(5 * MINUTE);
    expect(w.ordersOf('originate')).toEqual([]);
    expect(w.failures.length).toBeGreaterThan(0);
    w.context = { ...w.context, startDialogue };
    w.wait(MINUTE);
    expect(w.contact(id).legId).not.toBeNull();
  });

  it('that is stopped is told to nobody who is not being dialled yet', () => {
    const w = worldOf({ outbound: { noticeLines: 1 } });
    const [first, second] = [tell(w, '1'), tell(w, '2')] as [string, string];
    w.give({ type: 'noticeStopped', noticeId: 'n1' });
    w.expectEnded(second, 'noticeStopped');
    expect(w.contact(first).state).toBe('queued');
    answered(w, partyLeg(w, first));
    key(w, first, '1');
    w.expectEnded(first, 'noticeTold');
  });

  it('is called again, uncounted, by who was cut off when the switch died', () => {
    const w = worldOf();
    const id = tell(w);
    answered(w, partyLeg(w, id));
    w.endLeg(partyLeg(w, id), 'switchLost');
    expect(w.contact(id)).toMatchObject({ attempts: 2, failedAttempts: { noAnswer: 0, busy: 0, failed: 0 } });
  });
});

describe('a callback that is connected on pressing a key', () => {
  const rules = { callMe: 'call-me' };

  /** Its party has answered, and hears the scenario; an agent is kept. */
  function speaking(about: Parameters<typeof worldOf>[0] = {}) {
    const w = worldOf({ rules, ...about });
    w.ready('bob');
    const id = callMe(w);
    answered(w, partyLeg(w, id));
    return { w, id, leg: partyLeg(w, id) };
  }

  it('rings the agent when the key is pressed, and not before', () => {
    const { w, id, leg } = speaking();
    expect(w.contact(id).state).toBe('offered');
    expect(w.offerOf(id)).toMatchObject({ agentId: 'bob', state: 'dialling' });
    expect(lastText(w)).toContain('call-me');
    key(w, id, '1');
    expect(w.offerOf(id).state).toBe('shown');
    expect(w.orders.at(-1)).toMatchObject({ type: 'startMusic', leg });
    w.answer(id);
    w.give({ type: 'playFinished', leg: w.offerOf(id).legId as string, play: w.offerOf(id).playing as string });
    expect(w.contact(id).state).toBe('connected');
  });

  it('frees the agent and tries again later when its scenario hangs up: it may be a machine', () => {
    const { w, id, leg } = speaking();
    heard(w, id);
    w.wait(5 * SECOND);
    heard(w, id);
    w.wait(5 * SECOND);
    expect(hungUp(w)).toEqual([leg]);
    w.endLeg(leg);
    expect(w.contact(id)).toMatchObject({ state: 'queued', attempts: 1, failedAttempts: { noAnswer: 1 } });
    expect(w.agent('bob').state).toBe('ready');
  });

  it('does so, too, for who hangs up without pressing anything', () => {
    const { w, id, leg } = speaking();
    w.endLeg(leg);
    expect(w.contact(id)).toMatchObject({ state: 'queued', failedAttempts: { noAnswer: 1 } });
  });

  it('holds no agent for ever', () => {
    const { w, id, leg } = speaking({ outbound: { announcementMs: 30 * SECOND } });
    w.give({ type: 'legRinging', leg }); // nothing more is heard
    for (let n = 0; n < 5; n++) w.wait(6 * SECOND);
    w.wait(6 * SECOND);
    expect(w.agent('bob').state).toBe('ready');
    expect(w.contact(id)).toMatchObject({ state: 'queued', attempts: 1 });
  });

  it('lets the party wait for the next agent, with music, when the one kept for it goes', () => {
    const { w, id, leg } = speaking();
    w.clearOrders();
    w.give({ type: 'panelClosed', agentId: 'bob' });
    expect(w.contact(id)).toMatchObject({ state: 'queued', dialogue: null, legId: leg });
    expect(w.orders).toMatchObject([
      { type: 'stopPlay', leg },
      { type: 'startMusic', leg },
    ]);
    w.ready('ann');
    expect(w.offerOf(id)).toMatchObject({ agentId: 'ann', state: 'shown' });
  });

  it('goes on beside the offer after a restart', () => {
    const { w, id } = speaking();
    w.restart();
    w.give({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
    key(w, id, '1');
    expect(w.offerOf(id).state).toBe('shown');
  });

  it('is not asked for anything where the agent is on the line already', () => {
    const w = worldOf({ rules: { ...rules, callbacks: { ...RULES.callbacks, first: 'agent' } } });
    w.ready('bob');
    const id = callMe(w);
    w.answer(id);
    answered(w, partyLeg(w, id));
    expect(w.contact(id)).toMatchObject({ state: 'connected', dialogue: null });
  });

  it('is connected as ever when the scenario cannot be begun', () => {
    const w = worldOf({ rules });
    const { startDialogue } = w.context;
    w.context = {
      ...w.context,
      startDialogue: (scenario, ...more) => {
        if (scenario === 'call-me') throw new Error('no such scenario');
        return startDialogue(scenario, ...more);
      },
    };
    w.mayFail = true;
    w.ready('bob');
    const id = callMe(w);
    answered(w, partyLeg(w, id));
    expect(w.offerOf(id).state).toBe('shown');
    expect(w.failures).toHaveLength(1);
  });
});
