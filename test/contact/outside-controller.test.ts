/** Lines to numbers outside and lines that are handed over, on a real Postgres, across controllers that are killed and a switch that dies. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LeaseLostError } from '#src/contact/ports.ts';
import { until } from '../support/until.ts';
import { Centre, type Node, SLOW } from './centre.ts';
import { CONTEXT, DIRECTORY, RULES } from './world.ts';

let centre: Centre;
beforeEach(async () => {
  centre = await Centre.open();
  centre.context = {
    ...CONTEXT,
    policy: SLOW,
    rulesOf: () => ({ ...RULES, survey: 'survey' }),
    directory: {
      ...DIRECTORY,
      entries: DIRECTORY.entries.flatMap((e) => [e, { ...e, id: 'out', numbers: ['2000'], scenario: 'outside' }]),
    },
  };
});
afterEach(() => centre.close());

const outsideLeg = () => centre.legs(({ leg, to }) => to?.kind === 'number' && leg.includes('.x'))[0];
const causes = async (): Promise<string[]> => (await centre.rows('contact')).map((row) => String(row['cause']));

/** A caller who has asked for the number outside, which rings. */
async function asked(): Promise<string> {
  const leg = centre.switch.arrive({ calledNumber: '2000', callingNumber: null, presentation: 'restricted' });
  await until(() => (centre.switch.see(leg)?.plays.length ?? 0) > 0);
  centre.switch.digits(leg, '1');
  await until(() => outsideLeg()?.state === 'ringing');
  return leg;
}

async function takenOver(first: Node): Promise<Node> {
  await first.kill();
  await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
  return centre.started('second');
}

it('what was answered while no controller was there is joined by the next one, whose lease then keeps the line outside, too', async () => {
  const first = await centre.started('first');
  const leg = await asked();
  await first.kill();
  centre.switch.answerLeg(outsideLeg()?.leg ?? '');
  await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
  const renewed: string[][] = [];
  const renewLeases = centre.switch.renewLeases.bind(centre.switch);
  vi.spyOn(centre.switch, 'renewLeases').mockImplementation((legs, ttlMs) => {
    renewed.push([...legs]);
    return renewLeases(legs, ttlMs);
  });
  const second = await centre.started('second');
  const bridge = await until(() => outsideLeg()?.bridge);
  expect(centre.switch.see(leg)?.bridge).toBe(bridge);
  await second.controller.renewLegs();
  expect(renewed.at(-1)?.sort()).toEqual([leg, outsideLeg()?.leg].sort());
  centre.switch.hangUpByParty(outsideLeg()?.leg ?? '');
  await until(() => centre.legs().length === 0);
  await until(async () => (await causes()).join() === 'transferredOut');
  expect(await centre.disagreements()).toEqual([]);
});

it('nobody rings on outside when the caller hung up while no controller was there', async () => {
  const first = await centre.started('first');
  const leg = await asked();
  await first.kill();
  centre.switch.hangUpByParty(leg);
  await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
  await centre.started('second');
  await until(() => centre.legs().length === 0);
  expect(await causes()).toEqual(['abandonedInScenario']);
});

it('a controller that lost its lease dials nobody, and the number outside is dialled once', async () => {
  const first = await centre.started('first');
  let wake = (): void => undefined;
  const asleep = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const leg = centre.switch.arrive({ calledNumber: '2000', callingNumber: null, presentation: 'restricted' });
  await until(() => (centre.switch.see(leg)?.plays.length ?? 0) > 0);
  let isHeld = false;
  first.store.before = async () => {
    isHeld = true;
    await asleep;
  };
  centre.switch.digits(leg, '1');
  await until(() => isHeld);
  await centre.switch.close();
  await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
  const second = await centre.started('second');
  wake();
  await until(() => first.lost[0] instanceof LeaseLostError);
  // The key was pressed to the one that is gone; pressed again, it counts.
  centre.switch.digits(leg, '1');
  await until(() => outsideLeg()?.state === 'ringing');
  expect(first.given.filter((order) => order.startsWith('originate'))).toEqual([]);
  expect(second.given.filter((order) => order.startsWith('originate'))).toHaveLength(1);
});

it('a switch that dies takes both lines with it, and the contact ends with its cause', async () => {
  await centre.started('first');
  await asked();
  centre.switch.answerLeg(outsideLeg()?.leg ?? '');
  await until(() => outsideLeg()?.bridge);
  centre.switch.restart();
  await until(async () => (await causes()).join() === 'switchLost');
  await until(async () => (await centre.rows('leg')).every((row) => row['ended_at'] !== null));
});

it('a survey whose talk ended just before the controller did is heard from the next one', async () => {
  const first = await centre.started('first');
  await first.controller.submit({ type: 'panelOpened', agentId: 'bob', holdsCall: false });
  await first.controller.submit({ type: 'agentLogOn', agentId: 'bob', phone: 'browser' });
  await first.controller.submit({ type: 'agentSetReady', agentId: 'bob' });
  const leg = centre.switch.arrive({ calledNumber: '1000', callingNumber: '+81312345678' });
  const offer = await until(() => [...first.controller.floor.offers.values()][0]);
  await first.controller.submit({ type: 'offerShown', agentId: 'bob', offerId: offer.id });
  const agentLeg = await until(() => centre.agentLegs()[0]?.leg);
  await until(() => centre.switch.see(agentLeg)?.state === 'ringing');
  centre.switch.answerLeg(agentLeg);
  await until(() => centre.switch.see(leg)?.bridge);
  // Committed, and gone before any order left.
  first.store.after = ({ orders }) => (orders.length > 0 ? first.kill() : undefined);
  void first.controller.submit({ type: 'agentHangUp', agentId: 'bob', offerId: offer.id }).catch(() => undefined);
  await until(() => first.killed);
  await takenOver(first);
  await until(() => centre.switch.see(leg)?.plays[0]);
  expect(centre.switch.see(leg)?.bridge).toBeNull();
  await until(() => centre.agentLegs().length === 0);
  centre.switch.digits(leg, '5');
  await until(async () => (await causes()).includes('surveyDone'));
  const { rows } = await centre.pool.query('select agent_id, question, answer from survey_answer');
  expect(rows).toEqual([{ agent_id: 'bob', question: 'satisfaction', answer: '5' }]);
});
