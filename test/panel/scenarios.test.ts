/** A supervisor looks at scenarios and tries one, in a real browser; behind it real files, a real Postgres, and the desk that the house has. */

import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Contact } from '#src/contact/model.ts';
import { stepCounts } from '#src/db/scenario-counts.ts';
import type { Directory } from '#src/routing/directory.ts';
import { scenarioDesk } from '#src/scenario-desk.ts';
import type { Scenarios } from '#src/scenarios.ts';
import { DIRECTORY as CENTRE } from '../contact/world.ts';
import { ScenarioStage } from '../scenarios/stage.ts';
import { type House, type Stage, startStage, until } from './stage.ts';

const RECEPTION = `name: identify
callers: everybody
languages: [ja, en]
start: greet
steps:
  greet:
    say: { ja: お電話ありがとうございます。, en: Thank you for calling. }
    bargeIn: true
    next: choose
  choose:
    menu:
      prompt: { ja: 製品のことは1を、修理は2を押してください。, en: 'For products press 1, for repairs press 2.' }
      onSilence: { ja: 入力が確認できませんでした。, en: We did not receive any digits. }
      onInvalid: { ja: その番号は使えません。, en: That key is not in use. }
      choices: { '1': code, '2': hours }
      tries: 3
    failed: people
  code:
    ask:
      prompt: { ja: お客様番号をどうぞ。, en: Please enter your customer number. }
      digits: { min: 4, max: 8 }
      end: '#'
      saveAs: code
    next: find
    failed: people
  find:
    lookUp: { customerCode: code }
    found: welcome
    notFound: { again: code, say: { ja: 見つかりません。, en: We could not find it. } }
  welcome: { say: { ja: ありがとうございます。, en: '<script>alert(1)</script> & thanks' }, next: known }
  known: { handBack: identified }
  hours: { hours: support, open: waiting, closed: message }
  waiting: { queue: { desk: support, announce: { every: 30s, position: { ja: '{position:number}番目です。', en: 'You are number {position:number}.' } }, offers: { '1': message } } }
  message: { record: { prompt: { ja: メッセージをどうぞ。, en: Please leave a message. }, end: '#' }, next: leave, failed: people }
  leave: { leaveMessage: { desk: support }, next: bye }
  bye: { say: { ja: 失礼いたします。, en: Goodbye. }, next: over }
  over: { hangUp: true }
  people: { route: reception }
tests:
  - { name: a known customer, language: en, caller: ['1', '10023#'], known: ['10023'], hears: [customer number], ends: handBack identified }
  - { name: nobody answers, language: ja, caller: [], ends: route reception }
`;

let browsers: Stage;
beforeAll(async () => {
  browsers = await startStage();
});
afterAll(() => browsers.close());

let stage: ScenarioStage;
let scenarios: Scenarios;
let contacts: Contact[];
let house: House;
const byDay = ([1, 2, 3, 4, 5, 6, 7] as const).map((weekday) => ({ weekday, from: '09:00', to: '18:00' }));
const profile = CENTRE.agents.get('dee')!;
const directory: Directory = {
  ...CENTRE,
  organisations: new Map([['maker', { id: 'maker', kind: 'maker', name: 'Maker', sellsFor: [], regions: [] }]]),
  desks: new Map([...CENTRE.desks].map(([id, desk]) => [id, { ...desk, hours: byDay }])),
  agents: new Map(
    (['supervisor', 'agent'] as const).map((role) => {
      const id = role === 'agent' ? 'agent-tanaka' : 'agent-sato';
      return [id, { ...profile, id, name: id, role }];
    }),
  ),
};
beforeEach(async () => {
  stage = await ScenarioStage.open();
  stage.directory = directory;
  stage.write('identify.yaml', RECEPTION);
  scenarios = await stage.scenarios();
  contacts = [];
  house = await browsers.open({
    change: {
      scenarios: scenarioDesk({
        state: () => scenarios.state,
        contacts: () => contacts,
        counts: (from, until) => stepCounts(stage.centre.pool, 'test', from, until),
        directory: () => directory,
        now: Date.now,
        log: pino({ level: 'silent' }),
      }),
    },
  });
});
afterEach(async () => {
  await house.close();
  await stage.close();
});

const open = async (options = {}): Promise<Page> => {
  const page = await house.panel('sato', { path: '/supervisor/scenarios', ...options });
  await page.locator('.scenario-drawing svg').waitFor({ timeout: 30_000 });
  return page;
};
const at = (step: string, version = scenarios.state.release.version): Contact =>
  ({ state: 'scenario', dialogue: { scenario: 'identify', step, version } }) as unknown as Contact;
/** Events and ended contacts of callers: `came` to these steps, and gave up at the last of them or not. */
async function lately(came: readonly string[], gaveUp: boolean, daysAgo = 0): Promise<void> {
  const { rows } = await stage.centre.pool.query<{ n: number }>('select count(*)::integer as n from contact');
  const id = `c${rows[0]?.n ?? 0}`;
  await stage.centre.pool.query(
    `insert into event (domain_id, seq, n, at, name, cause, contact_id, data)
     values ('test', (select coalesce(max(seq), 0) + 1 from event), 1, now() - $2 * interval '1 day', 'scenarioStep', 'entered', $1, $3)`,
    [id, daysAgo, { steps: came.map((step) => `identify.${step}`) }],
  );
  await stage.centre.pool.query(
    `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, ended_at, cause, doc)
     values ('test', $1, 'voice', 'call', 'ended', 'ja', '', 'unknown', now(), now() - $2 * interval '1 day', $3, $4)`,
    [id, daysAgo, gaveUp ? 'abandonedInScenario' : 'handled', { dialogue: gaveUp ? { scenario: 'identify', step: came.at(-1) } : null }],
  );
}
const step = (page: Page, name: string) => page.locator(`#step-${name}`);

describe('scenarios on the supervisor’s screen', () => {
  it('are drawn, with tests and coverage; an agent has no such tab, and no such answer', async () => {
    const page = await open();
    const card = page.getByTestId('scenario-identify');
    expect(await card.innerText()).toMatch(/identify[\s\S]*greets everybody at 1000[\s\S]*✓ Tests 2\/2[\s\S]*\d+ % of steps tested/);
    expect(await page.getByTestId('release').innerText()).toContain(scenarios.state.release.version);
    expect(await page.locator('g.step').count()).toBe(13);
    const agent = await house.panel('tanaka');
    await agent.getByRole('button', { name: 'Start my shift' }).waitFor();
    expect(await agent.getByRole('button', { name: 'Scenarios' }).count()).toBe(0);
    const answers = await agent.evaluate(async () =>
      Promise.all(
        [
          fetch('/api/scenarios'),
          fetch('/api/scenarios/identify/drawing?language=ja'),
          fetch('/api/scenarios/talks', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({
              scenario: 'identify',
              language: 'ja',
              from: null,
              at: null,
              party: 'new',
              known: null,
              staffed: true,
              services: 'found',
              speech: false,
            }),
          }),
        ].map(async (answer) => (await answer).status),
      ),
    );
    expect(answers).toEqual([403, 403, 403]);
  });

  it('show who is where now, as callers move', async () => {
    contacts = [at('choose'), at('choose'), at('choose'), at('waiting'), at('gone', 'older'), at('code', 'older')];
    const page = await open();
    await step(page, 'choose').locator('.mark.now').getByText('● 3').waitFor();
    await step(page, 'waiting').locator('.mark.now').getByText('● 1').waitFor();
    expect(await page.getByTestId('scenario-identify').innerText()).toContain('● 6 now');
    expect(await page.getByTestId('release').innerText()).toContain('2 callers go on by an older release');
    await page.getByText('1 at steps that this release does not have').waitFor();
    contacts = [at('choose')];
    await step(page, 'choose').locator('.mark.now').getByText('● 1').waitFor();
    expect(await step(page, 'waiting').locator('.mark.now').count()).toBe(0);
  });

  it('show where callers gave up, today and in seven days, with their share, in the drawing and as a table', async () => {
    for (let i = 0; i < 3; i++) await lately(['greet', 'choose'], true);
    for (let i = 0; i < 9; i++) await lately(['greet', 'choose', 'code'], false);
    await lately(['greet', 'choose', 'code', 'code', 'code'], true);
    for (let i = 0; i < 4; i++) await lately(['greet'], true, 3);
    await lately(['greet'], true, 30);
    const page = await open();
    const mark = step(page, 'choose').locator('.mark.gave-up');
    await mark.getByText('✕ 3 · 23 %').waitFor();
    expect(await mark.getAttribute('class')).toContain('many');
    await step(page, 'code').locator('.mark.gave-up').getByText('✕ 1 · 10 %').waitFor();
    expect(await step(page, 'choose').locator('title').textContent()).toMatch(/For products press 1[\s\S]*13 came, 3 gave up \(23 %\)/);
    expect(await step(page, 'greet').locator('.mark').count()).toBe(0);
    await page.getByRole('button', { name: '7 days' }).click();
    await step(page, 'greet').locator('.mark.gave-up').getByText('✕ 4 · 24 %').waitFor();
    await page.getByRole('button', { name: 'As a table' }).click();
    expect(await page.getByRole('row', { name: /^greet/ }).innerText()).toMatch(/greet\s+0\s+17\s+4\s+24 %/);
  });

  it('tell what is wrong with a file, with its place, until it is put right', async () => {
    const page = await open();
    const before = scenarios.state.release.version;
    stage.write('identify.yaml', RECEPTION.replace('next: known', 'next: knwon'));
    const problems = page.getByTestId('file-problems');
    await problems.waitFor();
    expect(await problems.innerText()).toMatch(/identify\.yaml:30:88\s+there is no step 'knwon'; did you mean 'known'\?/);
    expect(await problems.innerText()).toContain(`Callers go on hearing release ${before}`);
    stage.write('identify.yaml', RECEPTION.replace('Thank you for calling.', 'Good morning.'));
    await problems.waitFor({ state: 'detached' });
    await step(page, 'greet').getByText('Good morning.', { exact: true }).waitFor();
    expect(await page.getByTestId('release').innerText()).not.toContain(before);
  });

  it('what staff write stays text, whatever it looks like', async () => {
    const nasty = `</title><img src=x onerror=document.title='owned'><script>document.title='owned'</script>"'`;
    stage.write('identify.yaml', RECEPTION.replace('Thank you for calling.', JSON.stringify(nasty)));
    await until('the release is taken', () =>
      scenarios.state.release.set.scenarios
        .get('identify')
        ?.texts.some((text) => text.en === undefined || JSON.stringify(text).includes('owned')),
    );
    const errors: string[] = [];
    const page = await house.panel('sato', { path: '/supervisor/scenarios' });
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.locator('.scenario-drawing svg').waitFor();
    expect(await step(page, 'greet').locator('title').textContent()).toContain(nasty);
    expect(await page.locator('.scenarios script, .scenarios img').count()).toBe(0);
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('button', { name: 'Begin' }).click();
    await page.getByTestId('talk').getByText('onerror=', { exact: false }).waitFor();
    expect(await page.title()).not.toBe('owned');
    expect(errors).toEqual([]);
  });
});

describe('a talk in the browser', () => {
  it('goes by keys of the screen and the keyboard, and shows where it is, what is said and how it ends', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Try it' }).click();
    const talk = page.getByTestId('talk');
    await talk.getByLabel('Code that is found').fill('10023');
    await talk.getByRole('button', { name: 'Begin' }).click();
    await talk.getByText('For products press 1, for repairs press 2.').waitFor();
    await page.locator('#step-choose.current').waitFor();
    await talk.getByRole('button', { name: '1', exact: true }).click();
    await talk.getByText('Please enter your customer number.').waitFor();
    await page.locator('#step-code.current').waitFor();
    await page.keyboard.type('99999#');
    await talk.getByText('We could not find it.').waitFor();
    await page.keyboard.type('10023#');
    await talk.getByText('Over: handBack identified').waitFor();
    expect(await talk.locator('.talk-lines').innerText()).toContain('<script>alert(1)</script> & thanks');
    expect(await page.locator('.step.current').count()).toBe(0);
    await talk.getByRole('button', { name: 'Once more' }).click();
    await page.locator('#step-choose.current').waitFor();
    await talk.getByRole('button', { name: 'Silence' }).click();
    await talk.getByText('We did not receive any digits.').waitFor();
    await page.keyboard.type('199');
    await talk
      .locator('[data-who=caller]')
      .getByText(/(?<!\d)99$/)
      .waitFor();
    await talk.getByRole('button', { name: 'Hang up' }).click();
    await talk.getByText('Over: abandoned').waitFor();
  });

  it('waits, records and is answered without anybody being called', async () => {
    const page = await open();
    await page.getByRole('button', { name: '日本語' }).click();
    await page.getByRole('button', { name: '試してみる' }).click();
    const talk = page.getByTestId('talk');
    await talk.getByLabel('日時').fill('2026-11-20T10:00');
    await talk.getByRole('button', { name: '始める' }).click();
    await page.locator('#step-choose.current').waitFor();
    await page.keyboard.press('2');
    await talk.getByText('2番目です。').waitFor();
    await talk.getByRole('button', { name: '担当者が応答' }).click();
    await talk.getByText('終了: connected').waitFor();
    await talk.getByRole('button', { name: 'もう一度' }).click();
    await page.locator('#step-choose.current').waitFor();
    await page.keyboard.press('2');
    await page.locator('#step-waiting.current').waitFor();
    await page.keyboard.press('1');
    await talk.getByText('メッセージをどうぞ。').waitFor();
    await talk.getByRole('button', { name: '5秒話す' }).click();
    await talk.getByText('leaveMessage support').waitFor();
    await talk.getByText('終了: hangUp').waitFor();
    expect((await stage.centre.pool.query('select from contact')).rowCount).toBe(0);
  });

  it('is at the hour that was chosen, by the desks’ business hours', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Try it' }).click();
    const talk = page.getByTestId('talk');
    for (const [hour, step] of [
      ['2026-11-20T22:30', 'message'],
      ['2026-11-20T10:30', 'waiting'],
    ] as const) {
      await talk.getByLabel('Hour').fill(hour);
      await talk.getByRole('button', { name: 'Begin' }).click();
      await page.locator('#step-choose.current').waitFor();
      await page.keyboard.press('2');
      await page.locator(`#step-${step}.current`).waitFor();
      await talk.getByRole('button', { name: 'Settings' }).click();
    }
  });

  it('is nobody else’s, is told when it is gone, and goes on by its release when the files change', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Try it' }).click();
    const talk = page.getByTestId('talk');
    const answered = page.waitForResponse((response) => response.url().endsWith('/api/scenarios/talks'));
    await talk.getByRole('button', { name: 'Begin' }).click();
    const { id } = (await (await answered).json()) as { id: string };
    stage.write('identify.yaml', RECEPTION.replace('For products press 1', 'For cars press 1'));
    await talk.getByText('which is not the newest', { exact: false }).waitFor();
    await talk.getByRole('button', { name: 'Silence' }).click();
    await talk.getByText('We did not receive any digits.').waitFor();
    expect(await talk.getByText('For products press 1, for repairs press 2.').count()).toBe(2);
    const others = await page.evaluate(
      async (talks) =>
        Promise.all(
          talks.map(
            async (one) =>
              (
                await fetch(`/api/scenarios/talks/${one}`, {
                  method: 'POST',
                  headers: { 'content-type': 'application/json' },
                  body: JSON.stringify({ does: 'key', key: '1' }),
                })
              ).status,
          ),
        ),
      [id, '0'.repeat(32), 'x'],
    );
    expect(others).toEqual([200, 404, 400]);
  });
});
