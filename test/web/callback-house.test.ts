/** Callbacks as their customers see them, on the real floor and a real database: nothing here is made up but the phones. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBackend } from '#src/backend.ts';
import type { EpochMs } from '#src/base/ids.ts';
import type { Contact, FloorInput } from '#src/contact/model.ts';
import { contactOfToken } from '#src/db/contacts.ts';
import type { WebBackend } from '#src/web/backend.ts';
import { Centre, type Node, SLOW } from '../contact/centre.ts';
import { CONTEXT, DIRECTORY, RULES } from '../contact/world.ts';
import { until } from '../support/until.ts';

/** A Friday, eleven in Tokyo. */
const NOW = Date.UTC(2026, 10, 20, 2);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let centre: Centre;
let node: Node;
let house: WebBackend;
let clock: EpochMs;
/** Another controller takes the centre, in another process. */
let open: (owner: string) => Promise<void>;

beforeEach(async () => {
  clock = NOW;
  centre = await Centre.open();
  centre.clock = { now: () => clock };
  centre.find = async () => null;
  // Everybody is open from nine to six on weekdays, and people are called from ten to five, on any day.
  const hours = ([1, 2, 3, 4, 5] as const).map((weekday) => ({ weekday, from: '09:00', to: '18:00' }));
  const desks = new Map([...DIRECTORY.desks].map(([id, desk]) => [id, { ...desk, hours }]));
  const callbacks = { ...RULES.callbacks, hours: { from: '10:00', to: '17:00' } };
  const rules = { ...RULES, callbacks };
  const directory = { ...DIRECTORY, desks };
  centre.context = { ...CONTEXT, policy: SLOW, directory, rulesOf: () => rules };
  open = async (owner) => {
    node = await centre.started(owner);
    const nothing = async () => null;
    house = createBackend({
      controller: node.controller,
      directory: () => directory,
      rulesOf: () => rules,
      decideDesk: (facts, at) => centre.context.decideDesk(facts, at),
      contactOfToken: (token) => contactOfToken(centre.pool, 'test', token),
      clock: () => clock,
      sip: { webSocketUrl: '', domain: '', password: () => '' },
      isReachable: () => true,
      onReachable: () => () => undefined,
      logIn: nothing,
      principalOf: nothing,
      logOut: async () => undefined,
      customerView: nothing,
      storedMessage: nothing,
      recording: nothing,
      contactEvents: nothing,
      forcedChanges: async () => [],
      parts: () => ({}),
      metrics: async () => ({ contentType: '', text: '' }),
    });
  };
  await open('first');
});
afterEach(() => centre.close());

const submit = (input: FloorInput): Promise<void> => node.controller.submit(input);
async function atWork(agentId: string): Promise<void> {
  await submit({ type: 'panelOpened', agentId, holdsCall: false });
  await submit({ type: 'agentLogOn', agentId, phone: 'browser' });
}
let lines = 0;
async function ask(callAt: EpochMs | null = null): Promise<string> {
  const to = { kind: 'number', number: `+8131234${String(++lines).padStart(4, '0')}` } as const;
  const request = { entryId: 'ja', language: 'ja', name: '山田', question: 'いつ届きますか', pageUrl: '', to, callAt } as const;
  const { token } = await house.callMe(request);
  // Whoever they are is looked up first.
  await until(async () => (await house.callback(token))?.desk);
  return token;
}
const becomes = (token: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.callMeStatus(token)).toMatchObject({ state }), { timeout: 10_000, interval: 5 });
const contactOf = async (token: string): Promise<Contact> => {
  const stored = await contactOfToken(centre.pool, 'test', token);
  if (!stored) throw new Error('no such contact');
  return stored;
};

describe('asking to be called now', () => {
  test('tells place and wait, and the entry tells those who have not asked yet', async () => {
    expect(house.entryWait('ja')).toEqual({ estimatedWaitMs: null, because: 'nobody', opensAt: null });
    await atWork('dee');
    const [first, second] = [await ask(), await ask()];
    expect(await house.callMeStatus(first)).toMatchObject({ state: 'waiting', position: 1, timeZone: 'Asia/Tokyo' });
    const { position, estimatedWaitMs } = (await house.callMeStatus(second)) ?? {};
    expect(position).toBe(2);
    expect(estimatedWaitMs).toBeGreaterThan(0);
    const wait = house.entryWait('1000');
    expect(wait).toMatchObject({ because: null, opensAt: null });
    expect(wait?.estimatedWaitMs).toBeGreaterThan(estimatedWaitMs ?? 0);
    expect(house.entryWait('nowhere')).toBeNull();
  });

  test('goes through calling to the talk and its end; the link shows it for a day, and then nothing', async () => {
    await atWork('dee');
    await submit({ type: 'agentSetReady', agentId: 'dee' });
    const token = await ask();
    await becomes(token, 'calling');
    await expect(house.moveCallMe(token, NOW + HOUR)).rejects.toMatchObject({ code: 'tooLate' });
    const party = await until(async () => centre.legs((leg) => leg.to?.kind === 'number')[0]?.leg);
    centre.switch.answerLeg(party);
    await becomes(token, 'connectingAgent');
    const { offerId } = await contactOf(token);
    await submit({ type: 'offerShown', agentId: 'dee', offerId: offerId ?? '' });
    const agent = await until(async () => centre.agentLegs()[0]?.leg);
    centre.switch.answerLeg(agent);
    // The agent hears first that it is a callback.
    centre.switch.finishPlay(await until(async () => centre.switch.see(agent)?.plays[0]?.play));
    await becomes(token, 'connected');
    await expect(house.cancelCallMe(token)).rejects.toMatchObject({ code: 'tooLate' });
    centre.switch.hangUpByParty(party);
    await becomes(token, 'done');
    const { id } = await contactOf(token);
    await submit({ type: 'wrapUp', agentId: 'dee', contactId: id, disposition: 'answered', note: '' });
    expect((await house.callback(token))?.status.state).toBe('done');
    expect(await house.cancelCallMe(token)).toBe(false);
    expect(await house.moveCallMe(token, null)).toBe(false);
    clock += DAY + MINUTE;
    expect(await house.callback(token)).toBeNull();
    expect(await house.callMeStatus(token)).toBeNull();
    expect(await house.cancelCallMe(token)).toBe(false);
  });

  test('who is not reached sees when the next try is, and may have it at another time', async () => {
    await atWork('dee');
    await submit({ type: 'agentSetReady', agentId: 'dee' });
    const token = await ask();
    await becomes(token, 'calling');
    centre.switch.hangUpByParty(await until(async () => centre.legs((leg) => leg.to?.kind === 'number')[0]?.leg), 'busy');
    await becomes(token, 'resting');
    expect(await house.callMeStatus(token)).toMatchObject({ position: null, estimatedWaitMs: null, callAt: NOW + MINUTE });
    expect(await house.moveCallMe(token, NOW + 3 * HOUR)).toBe(true);
    expect(await house.callMeStatus(token)).toMatchObject({ state: 'agreed', callAt: NOW + 3 * HOUR });
  });

  test('when nobody is called at this hour, it says when it is', async () => {
    clock = NOW + 7 * HOUR; // six in the evening
    const opensAt = NOW + 23 * HOUR;
    expect(house.entryWait('ja')).toEqual({ estimatedWaitMs: null, because: 'closed', opensAt });
    const token = await ask();
    expect(await house.callMeStatus(token)).toMatchObject({ state: 'closed', callAt: opensAt });
  });
});

describe('asking to be called at a time', () => {
  test('the entry offers half hours within the hours for calls, for fourteen days', async () => {
    const { timeZone, times } = house.entryTimes('ja') ?? { timeZone: '', times: [] };
    expect(timeZone).toBe('Asia/Tokyo');
    expect(times[0]).toBe(NOW + HOUR / 2);
    const hour = (at: EpochMs): string => new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' }).format(at);
    expect(new Set(times.map(hour))).toEqual(new Set(times.slice(0, 40).map(hour)));
    expect(times.map(hour)).toContain('10:00');
    expect(times.map(hour)).toContain('16:30');
    expect(times.every((at) => hour(at) >= '10:00' && hour(at) < '17:00')).toBe(true);
    // 11 today and 14 on each of thirteen days; of the last one what lies within fourteen times twenty-four hours.
    expect(times).toHaveLength(11 + 13 * 14 + 3);
    expect(times.at(-1)).toBe(NOW + 14 * DAY);
    // What is almost now is not offered, and what lies behind never.
    clock = NOW + 25 * MINUTE;
    expect(house.entryTimes('ja')?.times[0]).toBe(NOW + HOUR);
    clock = NOW + 2 * HOUR;
    expect(house.entryTimes('ja')?.times[0]).toBe(NOW + 2.5 * HOUR);
    expect(house.entryTimes('ja')?.times.at(-1)).toBe(NOW + 14 * DAY + 2 * HOUR);
    expect(house.entryTimes('nowhere')).toBeNull();
  });

  test('it is agreed, moved, made as soon as possible, and cancelled', async () => {
    const token = await ask(NOW + 4 * HOUR);
    expect(await house.callback(token)).toMatchObject({
      status: { state: 'agreed', callAt: NOW + 4 * HOUR, position: null, estimatedWaitMs: null },
      origin: 'callMe',
      askedAt: NOW,
      name: '山…',
      question: 'いつ届きますか',
      desk: 'reception',
    });
    expect((await house.callback(token))?.times).toEqual(house.entryTimes('ja')?.times);
    expect(await house.moveCallMe(token, NOW + DAY)).toBe(true);
    expect(await house.callMeStatus(token)).toMatchObject({ state: 'agreed', callAt: NOW + DAY });
    await expect(house.moveCallMe(token, NOW + 12 * HOUR)).rejects.toMatchObject({ code: 'notAllowedThen' });
    expect(await house.moveCallMe(token, null)).toBe(true);
    expect(await house.callMeStatus(token)).toMatchObject({ state: 'waiting', position: 1, callAt: null });
    expect(await house.cancelCallMe(token)).toBe(true);
    expect(await house.callback(token)).toMatchObject({ status: { state: 'cancelled' }, times: [] });
    expect(await house.cancelCallMe(token)).toBe(false);
  });

  test('a time outside the hours is refused at once', async () => {
    await expect(ask(NOW + 12 * HOUR)).rejects.toMatchObject({ code: 'timeOutsideHours' });
    expect((await centre.rows('contact')).length).toBe(0);
  });

  test('the link knows it again after another controller took over', async () => {
    const token = await ask(NOW + 4 * HOUR);
    await node.controller.stop();
    await open('second');
    expect((await house.callMeStatus(token))?.state).toBe('agreed');
    expect(await house.cancelCallMe(token)).toBe(true);
  });
});

describe('links', () => {
  test('one that was never given out leads nowhere', async () => {
    expect(await house.callback('made-up')).toBeNull();
    expect(await house.callMeStatus('made-up')).toBeNull();
    expect(await house.cancelCallMe('made-up')).toBe(false);
    expect(await house.moveCallMe('made-up', null)).toBe(false);
  });

  test('leads on to the callback that took the place of one whose talk was cut off', async () => {
    const token = await ask();
    const { id, arrivedAt } = await contactOf(token);
    const next = { ...(await contactOf(token)), id: 'test-99', continues: id, origin: 'lostCallback' };
    await centre.pool.query(
      `update contact set state = 'ended', cause = 'replacedByCallback', ended_at = now(),
         doc = (doc::jsonb || '{"state": "ended", "cause": "replacedByCallback"}')::json where id = $1`,
      [id],
    );
    await centre.pool.query(
      `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, continues_id, call_me_token, doc)
       values ('test', 'test-99', 'callback', 'lostCallback', 'queued', 'ja', '1000', 'unknown', to_timestamp($1::float8 / 1000), $2, 'token-99', $3)`,
      [arrivedAt, id, JSON.stringify(next)],
    );
    expect((await contactOfToken(centre.pool, 'test', token))?.id).toBe('test-99');
    expect((await contactOfToken(centre.pool, 'test', 'token-99'))?.id).toBe('test-99');
    expect(await contactOfToken(centre.pool, 'other', token)).toBeNull();
  });
});
