/** What scenarios do on the phone beside greeting callers, by real calls: numbers outside, questions after a talk, notices with a key to confirm. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import { toneStrength } from '#test/support/audio.ts';
import type { FarSide } from '#test/support/far-side.ts';
import { CALLBACKS_AT_ANY_HOUR, type Office, Scene, type TestHouse, until } from './house.ts';

const { customer, unknownInOsaka } = DEMO_EXAMPLES;
const OUTSIDE = '+81355550001';

/** Callers whom nobody knows may have an outside line. */
const IDENTIFY = `name: identify
languages: [en, ja]
start: ask
steps:
  ask:
    menu:
      prompt: { ja: 外線は1を押してください。, en: Press 1 for an outside line. }
      choices: { '1': out, '2': known }
      firstDigit: 20s
    failed: nobody
  out: { transferOut: { to: '${OUTSIDE}', timeout: 15s }, failed: engaged }
  engaged: { say: { ja: お話し中です。, en: The line is engaged. }, next: end }
  nobody: { handBack: notIdentified }
  known: { handBack: identified }
  end: { hangUp: engaged }
`;
const SURVEY = `name: asked
languages: [en, ja]
start: ask
steps:
  ask:
    ask:
      prompt: { ja: 満足度を1から5で押してください。, en: Press 1 to 5 for how satisfied you are. }
      digits: { min: 1, max: 1 }
      firstDigit: 20s
      saveAs: satisfaction
      as: number
    next: keep
    failed: end
  keep: { keep: { satisfaction: satisfaction }, next: thanks }
  thanks: { say: { ja: ありがとうございました。, en: Thank you. }, next: end }
  end: { hangUp: true }
`;

const TELL = `name: tell
languages: [en, ja]
variables: { text: string, heard: string }
start: text
steps:
  text: { say: { ja: '{text}', en: '{text}' }, next: heard }
  heard: { set: { heard: '"true"' }, next: confirm }
  confirm:
    menu:
      prompt: { ja: 1を押してください。, en: Press 1 to confirm. }
      choices: { '1': done }
      firstDigit: 20s
    failed: end
  done: { hangUp: confirmed }
  end: { hangUp: heard }
`;

let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;

beforeAll(async () => {
  scene = await Scene.open({
    desks: { default: { ...CALLBACKS_AT_ANY_HOUR, survey: 'asked', callMe: 'call-me' } },
    files: { 'identify.yaml': IDENTIFY, 'asked.yaml': SURVEY, 'tell.yaml': TELL },
  });
  ({ house, far, office } = scene);
}, 180_000);
afterAll(() => scene?.close());
afterEach(() => scene.clear());

describe('a caller who is put through to a number outside', () => {
  it('hears music, then whoever answers there, and is over when that one hangs up', async () => {
    const { party, id } = await scene.call({ from: '+81312345678', to: '1000', withheld: true, assertedNumber: null });
    await house.waitForState(id, 'scenario');
    const ringing = far.nextCall(OUTSIDE, 15_000);
    await party.sendDigits('1');
    const outside = await ringing;
    await outside.answer();
    await house.waitForEvent(id, 'established');
    await party.startRecording();
    await outside.startRecording();
    await Promise.all([party.playTone(1_000, 3_000), outside.playTone(600, 3_000)]);
    expect(toneStrength(await party.heard(), 600, { fromMs: 500, toMs: 2_500 })).toBeGreaterThan(0.8);
    expect(toneStrength(await outside.heard(), 1_000, { fromMs: 500, toMs: 2_500 })).toBeGreaterThan(0.8);
    await outside.hangUp();
    expect((await party.ended()).cause).toBe(16);
    await house.waitForState(id, 'ended');
    expect(await house.contact(id)).toMatchObject({ cause: 'transferredOut' });
    expect((await house.story(id)).slice(-5)).toEqual([
      'originated',
      'delivered',
      'established',
      'connectionCleared(outside)',
      'contactEnded(transferredOut)',
    ]);
  });

  it('is told that it is engaged when it is', async () => {
    const { party, id } = await scene.call({ from: '+81312345678', to: '1000', withheld: true, assertedNumber: null });
    await house.waitForState(id, 'scenario');
    const ringing = far.nextCall(OUTSIDE, 15_000);
    await party.sendDigits('1');
    await (await ringing).hangUp(17);
    await party.ended();
    await house.waitForState(id, 'ended');
    expect(await house.contact(id)).toMatchObject({ cause: 'hungUpByScenario', disposition: 'engaged' });
    expect(await house.story(id)).toContain('failed(busy)');
  });

  it('lets nobody ring on outside when it gives up', async () => {
    const { party, id } = await scene.call({ from: '+81312345678', to: '1000', withheld: true, assertedNumber: null });
    await house.waitForState(id, 'scenario');
    const ringing = far.nextCall(OUTSIDE, 15_000);
    await party.sendDigits('1');
    const outside = await ringing;
    await party.hangUp();
    await outside.ended();
    await house.waitForState(id, 'ended');
    expect(await house.contact(id)).toMatchObject({ cause: 'abandonedInScenario' });
  });
});

describe('a customer who is asked after the talk', () => {
  it('answers when the agent has hung up, while the agent wraps up', async () => {
    const tanaka = await office.ready('tanaka');
    const { party, id } = await scene.call({ from: customer.number, to: '1000' });
    await tanaka.talk();
    await tanaka.page.getByRole('button', { name: 'Hang up' }).click();
    const survey = await house.contactIn('scenario');
    await tanaka.finish('resolved');
    await party.sendDigits('4');
    expect((await party.ended()).cause).toBe(16);
    await house.waitForState(survey, 'ended');
    expect(await house.contact(survey)).toMatchObject({ cause: 'surveyDone' });
    expect(await house.contact(id)).toMatchObject({ cause: 'handled', agentId: 'tanaka' });
    const { rows } = await house.db.query('select talk_id, agent_id, desk_id, question, answer from survey_answer');
    expect(rows).toEqual([{ talk_id: id, agent_id: 'tanaka', desk_id: customer.desk, question: 'satisfaction', answer: '4' }]);
    const yoshida = await office.seat('yoshida');
    await yoshida.page.getByRole('button', { name: 'Floor' }).click();
    await yoshida.page.getByText('Answers of callers, last 30 days').click();
    await yoshida.page.getByRole('row', { name: /satisfaction .* All 1 4\.0 4 × 1/ }).waitFor();
  });
});

describe('a notice that a supervisor has told by a scenario', () => {
  it('is confirmed by key 1 without any agent, and seen as confirmed; who only listens has heard it', async () => {
    const yoshida = await office.seat('yoshida');
    const { page } = yoshida;
    await page.getByRole('button', { name: 'Notices' }).click();
    await page.getByRole('button', { name: 'New notice' }).click();
    await page.getByLabel('What is to be told').fill('We are closed on Monday.');
    await page.getByLabel('Desk whose agents tell it').selectOption(customer.desk);
    await page.locator('select[name=language]').selectOption('en');
    await page.getByLabel('Told by').selectOption('tell');
    await page.getByLabel('or paste from a spreadsheet').fill(`${customer.number}\t${customer.name}\n${unknownInOsaka.number}\tSuzuki`);
    await page.getByRole('button', { name: 'Check the list' }).click();
    const rings = [far.nextCall(customer.number, 20_000), far.nextCall(unknownInOsaka.number, 20_000)] as const;
    await page.getByRole('button', { name: 'Call 2 recipients' }).click();
    const [confirms, listens] = await Promise.all(rings);
    await Promise.all([confirms.answer(), listens.answer()]);
    const told = async (n: string): Promise<boolean> =>
      (
        await house.db.query(
          `select from contact where notice_recipient_id = $1 and doc -> 'dialogue' -> 'variables' ->> 'heard' = 'true'`,
          [n],
        )
      ).rowCount === 1;
    await until('both have heard it', async () => (await told('1')) && (await told('2')), 30_000);
    await confirms.sendDigits('1');
    expect((await confirms.ended()).cause).toBe(16);
    await listens.hangUp();
    const card = page.getByTestId('notice-1');
    await card.getByText('Done', { exact: true }).waitFor({ timeout: 30_000 });
    await card.getByRole('button', { name: 'Details' }).click();
    await card.getByText('Confirmed by key 1').waitFor();
    await card.getByText('Heard, not confirmed 1').waitFor();
    const { rows } = await house.db.query(
      `select notice_recipient_id as recipient, cause, disposition, agent_id as agent from contact where notice_id = '1' order by 1`,
    );
    expect(rows).toEqual([
      { recipient: '1', cause: 'noticeTold', disposition: 'confirmed', agent: null },
      { recipient: '2', cause: 'noticeTold', disposition: 'heard', agent: null },
    ]);
  });
});

describe('a visitor who is called back by a desk that asks for a key first', () => {
  it('reaches the agent by pressing 1; nobody is rung before', async () => {
    const tanaka = await office.ready('tanaka');
    const rings = scene.phoneRings(customer.number);
    const asked = await fetch(`${house.url}/api/call-me`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: house.url },
      body: JSON.stringify({
        entry: '1000',
        language: 'en',
        country: 'JP',
        to: customer.number,
        name: '',
        question: 'prices',
        pageUrl: '',
      }),
    });
    expect([asked.status, asked.ok ? '' : await asked.text()]).toEqual([201, '']);
    const phone = await rings;
    await phone.answer();
    const id = await house.contactIn('offered');
    await house.waitForEvent(id, 'scenarioStarted(call-me)');
    await tanaka.contactIn('dialling');
    expect((await house.db.query(`select from leg where contact_id = $1 and role = 'agent'`, [id])).rowCount).toBe(0);
    await phone.sendDigits('1');
    await phone.sendDigits('1'); // the first one may have cut short what comes before the question
    await tanaka.talk();
    await phone.hangUp();
    await tanaka.finish('resolved');
    await house.waitForState(id, 'ended');
    expect(await house.contact(id)).toMatchObject({ cause: 'handled', agentId: 'tanaka' });
  });
});
