import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FAKE_PASSWORD, getReady, type House, logIn, type Stage, startStage, until } from './stage.ts';

let stage: Stage;
let house: House;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  house = await stage.open();
});
afterEach(() => house.close());

/** Puts the page's agent into a talk. */
async function talk(page: Page): Promise<{ readonly contactId: string; readonly offerId: string | null }> {
  const contact = house.backend.offer('agent-tanaka');
  await page.locator('.contact[data-stage=ringing]').waitFor();
  house.backend.stage('agent-tanaka', 'connected');
  await page.getByText('Talking for').waitFor();
  return contact;
}

const inputsOf = (type: string) => house.backend.inputs.filter((input) => input.type === type);

describe('logging in', () => {
  test('a wrong password is said clearly, the right one leads to the choice of the phone, and a reload stays logged in', async () => {
    const { page } = await house.visitor();
    await page.goto(`${house.web.url}/panel`);
    await logIn(page, 'tanaka', 'not this one');
    await page.getByRole('alert').getByText('Name or password is wrong.').waitFor();
    expect(await page.inputValue('input[name=username]')).toBe('tanaka');

    await logIn(page, 'tanaka');
    await page.getByRole('radio', { name: /This browser/ }).waitFor();
    expect(await page.getByRole('radio', { name: /My desk phone/ }).isEnabled()).toBe(true);

    await page.reload();
    await page.getByRole('heading', { name: 'Hello, 田中 美咲' }).waitFor();
  });

  test('who tried too often is told how long to wait', async () => {
    await house.close();
    house = await stage.open({ change: { loginPerName: { failures: 1, windowMs: 45_000 } } });
    const { page } = await house.visitor();
    await page.goto(`${house.web.url}/panel`);
    await logIn(page, 'tanaka', 'wrong');
    await page.getByText('Name or password is wrong.').waitFor();
    await logIn(page, 'tanaka');
    await page.getByText(/Too many attempts\. Please wait 4\d seconds/).waitFor();
  });

  test('an agent without a desk phone can’t choose one, and starts with a refused microphone only after being told why not', async () => {
    const { page } = await house.visitor();
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await page.goto(`${house.web.url}/panel`);
    await logIn(page, 'smith');
    expect(await page.getByRole('radio', { name: /My desk phone/ }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Start my shift' }).click();
    await page.getByText('This browser may not use the microphone.').waitFor();
    expect(inputsOf('agentLogOn')).toEqual([]);
  });

  test('a session that has ended leads back to the log-in page, which says so', async () => {
    const page = await house.panel('tanaka');
    await page.getByRole('heading', { name: /Hello/ }).waitFor();
    house.backend.endSessions();
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await page.getByText('Your session has ended. Please log in again.').waitFor();
  });
});

describe('a contact', () => {
  test('is on screen with all that is known before the panel lets it ring', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    // Holds the confirmation back: what is visible without it is visible before the phone rings.
    house.backend.refuseNext('offerGone');
    house.backend.offer('agent-tanaka');
    const contact = page.getByTestId('contact');
    await contact.getByRole('heading', { name: '山田 花子' }).waitFor();
    for (const text of [
      '+81 3-1234-5678',
      'Customer',
      'Japanese',
      '10023',
      '株式会社窓口製作所',
      'customer-last-desk',
      'handles this customer',
      '業務用洗浄機 KX-200',
      '排水の異音。部品手配済み。',
      '日中は携帯電話を希望',
    ]) {
      expect(await contact.getByText(text).first().isVisible(), text).toBe(true);
    }
    expect(await page.getByTestId('stage').textContent()).toBe('Coming to you');
    expect(await page.getByRole('button', { name: /Answer/ }).isDisabled()).toBe(true);
    expect(await page.getByTestId('announcement').textContent()).toBe('Incoming contact: 山田 花子, Customer, desk 大阪サービス窓口.');
    expect(await page.title()).toBe('☎ 山田 花子');
  });

  test('rings once the panel has confirmed, is declined by a key, and the panel says where it went', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const { offerId } = house.backend.offer('agent-tanaka');
    await page.locator('[data-stage=ringing]').first().waitFor();
    expect(inputsOf('offerShown')).toEqual([{ type: 'offerShown', agentId: 'agent-tanaka', offerId }]);
    await page.getByText(/Rings for another \d+ s/).waitFor();

    await page.keyboard.press('d');
    await page.getByText('You declined a contact; it went on to someone else.').waitFor();
    expect(inputsOf('offerDeclined')).toEqual([{ type: 'offerDeclined', agentId: 'agent-tanaka', offerId }]);
  });

  test('disappears at once when the caller hangs up while it rings', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    house.backend.offer('agent-tanaka');
    await page.locator('[data-stage=ringing]').first().waitFor();
    house.backend.callerHangsUp('agent-tanaka');
    await page.getByRole('heading', { name: 'You are ready' }).waitFor();
    expect(await page.getByTestId('announcement').textContent()).toMatch(/The contact has gone|You are ready/);
  });

  test('is hung up by a key, wrapped up with disposition and note written while talking, and remembered in my list', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const { contactId, offerId } = await talk(page);

    // Keys are letters while one types.
    await page.fill('textarea[name=note]', '');
    await page.locator('textarea[name=note]').pressSequentially('hard drain, parts ordered');
    expect(inputsOf('agentHangUp')).toEqual([]);
    await page.reload();
    await page.getByText('Talking for').waitFor();
    expect(await page.inputValue('textarea[name=note]')).toBe('hard drain, parts ordered');

    await page.keyboard.press('h');
    await page.getByTestId('wrap-up-left').waitFor();
    expect(inputsOf('agentHangUp')).toEqual([{ type: 'agentHangUp', agentId: 'agent-tanaka', offerId }]);
    await page.getByRole('button', { name: 'Finish' }).click();
    await page.getByText('Please choose what came of it.').waitFor();
    await page.getByLabel('What came of it?').selectOption({ label: 'Follow-up needed' });
    await page.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('heading', { name: 'You are ready' }).waitFor();
    expect(inputsOf('wrapUp')).toEqual([
      { type: 'wrapUp', agentId: 'agent-tanaka', contactId, disposition: 'followUp', note: 'hard drain, parts ordered' },
    ]);
    await page
      .getByRole('region', { name: 'My last contacts' })
      .getByText(/Follow-up needed/)
      .waitFor();
  });

  test('keeps what was written when the time for the wrap-up runs out', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const { contactId } = await talk(page);
    await page.fill('textarea[name=note]', 'half a sentence');
    house.backend.callerHangsUp('agent-tanaka');
    await page.getByTestId('wrap-up-left').waitFor();
    house.backend.setAgent('agent-tanaka', { wrapUpEndsAt: Date.now() + 1_500 });
    await until('the wrap-up arrives', () => inputsOf('wrapUp').length > 0);
    expect(inputsOf('wrapUp')).toEqual([
      { type: 'wrapUp', agentId: 'agent-tanaka', contactId, disposition: 'other', note: 'half a sentence' },
    ]);
  });

  test('from the web shows the question as text and the page as a link, and a withheld caller is named as such', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    house.backend.offer('agent-tanaka', {
      channel: 'callback',
      origin: 'callMe',
      stage: 'dialling',
      question: '<img src=x> where?',
      pageUrl: 'https://www.example.jp/kx',
      callingNumber: null,
      numberKind: 'withheld',
      customer: {
        customerId: null,
        customerCode: null,
        kind: 'unknown',
        name: '',
        nameKana: null,
        organisation: null,
        region: null,
        address: null,
        phones: [],
        emails: [],
        note: null,
        products: [],
        lastContacts: [],
      },
    });
    await page.getByRole('heading', { name: 'Caller not known' }).waitFor();
    await page.getByText('<img src=x> where?').waitFor();
    await page.getByText('Number withheld').waitFor();
    await page.getByText('First contact. Nothing on record yet.').waitFor();
    expect(await page.getByRole('link').getAttribute('href')).toBe('https://www.example.jp/kx');
    expect(await page.getByTestId('stage').textContent()).toBe('Calling the customer…');
    // A pageUrl is the visitor's word; a script is no page.
    house.backend.offer('agent-tanaka', { question: 'again', pageUrl: 'javascript:alert(1)' });
    await page.getByText('javascript:alert(1)').waitFor();
    expect(await page.getByRole('link').count()).toBe(0);
  });
});

describe('the agent’s state', () => {
  test('is chosen with keys alone, with a reason, and what comes next is shown', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await page.keyboard.press('n');
    await page.getByRole('menuitem', { name: 'Break' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByTestId('state').getByText('Lunch').waitFor();
    expect(inputsOf('agentSetNotReady')).toEqual([{ type: 'agentSetNotReady', agentId: 'agent-tanaka', reason: 'lunch' }]);

    await talk(page);
    await page.keyboard.press('r');
    await page.getByTestId('pending').getByText('Next: Ready').waitFor();
  });

  test('in wrap-up can be prolonged by key or button, also while typing, until that is used up', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await talk(page);
    await page.fill('textarea[name=note]', 'not done yet');
    house.backend.callerHangsUp('agent-tanaka');
    const left = page.getByTestId('wrap-up-left');
    await left.getByText(/^(1:00|0:5\d) left$/).waitFor();

    await page.locator('textarea[name=note]').press('Control+Shift+Enter');
    await left.getByText(/^1:[0-3]\d left$/).waitFor();
    expect(inputsOf('wrapUpExtended')).toEqual([{ type: 'wrapUpExtended', agentId: 'agent-tanaka' }]);
    expect(await page.inputValue('textarea[name=note]')).toBe('not done yet');

    await page.getByRole('button', { name: 'Extend the wrap-up by 0:30' }).click();
    await left.getByText(/^(2:00|1:5\d) left$/).waitFor();
    expect(inputsOf('wrapUpExtended')).toHaveLength(2);

    // Two minutes in all is the most here.
    const button = page.getByRole('button', { name: /Extend the wrap-up/ });
    await until('it is used up', () => button.isDisabled());
    await page.locator('#wrap-up-no-more').getByText('This wrap-up can’t be extended any further.').waitFor();
    await page.getByRole('heading', { name: '山田 花子' }).click();
    await page.keyboard.press('e');
    await page.getByRole('alert').getByText('This wrap-up can’t be extended any further.').waitFor();
    expect(inputsOf('wrapUpExtended')).toHaveLength(2);
    expect(inputsOf('wrapUp')).toEqual([]);
  });

  test('in wrap-up has no button to prolong it where the desk does not allow that', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await talk(page);
    house.backend.callerHangsUp('agent-tanaka');
    house.backend.setAgent('agent-tanaka', { wrapUpExtensionMs: null });
    await page.getByTestId('wrap-up-left').waitFor();
    await until('the button has gone', async () => (await page.getByRole('button', { name: /Extend the wrap-up/ }).count()) === 0);
  });

  test('as a supervisor sets it is said to the agent, with what it means now', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const sato = { agentId: 'agent-sato', name: '佐藤 健', role: 'supervisor' } as const;
    await house.backend.forceState(sato, 'agent-tanaka', 'notReady');
    await page.getByTestId('state').getByText('Set by a supervisor').waitFor();
    await page.getByRole('alert').getByText('A supervisor has set you to not ready.').waitFor();
    await page.getByText('A supervisor set you to not ready.').waitFor();

    await house.backend.forceState(sato, 'agent-tanaka', 'ready');
    await page.getByRole('heading', { name: 'You are ready' }).waitFor();
    await talk(page);
    await house.backend.forceState(sato, 'agent-tanaka', 'loggedOff');
    await page.getByRole('alert').getByText('A supervisor has set what comes after this contact: Log off.').waitFor();
    await page.getByTestId('pending').getByText('Next: Log off').waitFor();
    house.backend.callerHangsUp('agent-tanaka');
    await page.getByLabel('What came of it?').selectOption('resolved');
    await page.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('button', { name: 'Start my shift' }).waitFor();
  });

  test('stands beside how many wait at the own desks, and how long the first of them already holds the line', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const desk = { id: 'desk-osaka', name: '大阪サービス窓口' };
    const row = { contactId: 'a', channel: 'voice', state: 'queued', desk, party: 'A', callingNumber: null, position: 1, agent: null };
    house.backend.setWaiting([{ ...row, arrivedAt: Date.now() - 125_000 }]);
    house.backend.touch('agent-tanaka');
    await page
      .getByTestId('longest-wait')
      .getByText(/^On the line for 2:[01]\d already$/)
      .waitFor();
    house.backend.setWaiting([{ ...row, channel: 'callback', arrivedAt: Date.now() - 125_000 }]);
    house.backend.touch('agent-tanaka');
    await page.getByTestId('longest-wait').waitFor({ state: 'detached' });
    expect(await page.getByTestId('waiting-count').textContent()).toBe('1');
  });

  test('letter keys can be switched off', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).getByLabel('Switch letter keys off').check();
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    expect(await page.getByRole('menuitem').count()).toBe(0);
  });

  test('a refusal is shown, in words', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    house.backend.refuseNext('stopping');
    await page.keyboard.press('r');
    await page.getByText('The centre is restarting. Please try again in a moment.').waitFor();
  });

  test('timers follow the server’s clock, whatever this computer’s says', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    house.backend.setAgent('agent-tanaka', { state: 'notReady', reason: 'break' });
    await page.clock.install({ time: Date.now() + 3_600_000 });
    await page.reload();
    await page
      .getByTestId('state')
      .getByText(/^0:0\d$/)
      .waitFor();
  });
});

describe('language', () => {
  test('is switched on the spot, and remembered', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    house.backend.offer('agent-tanaka');
    await page.getByRole('button', { name: '日本語' }).click();
    await page.getByRole('button', { name: '応答' }).waitFor();
    await page.getByRole('heading', { name: 'この窓口になった理由' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('ja');
    await page.reload();
    await page.getByRole('button', { name: '応答' }).waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('button', { name: 'Answer' }).waitFor();
  });
});

describe('the line to the centre', () => {
  test('says that it reconnects when the centre is away, and comes back by itself to the same contact', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await talk(page);

    const { port } = house.web;
    const { backend } = house;
    await house.web.close();
    await page.getByTestId('reconnecting').waitFor();
    expect(await page.getByRole('heading', { name: '山田 花子' }).isVisible()).toBe(true);
    await page.keyboard.press('h');
    await page.getByText('No connection to the centre just now.').waitFor();

    const again = await stage.open({ backend, port });
    try {
      await page.getByTestId('reconnecting').waitFor({ state: 'detached' });
      await page.keyboard.press('h');
      await page.getByTestId('wrap-up-left').waitFor();
    } finally {
      await page.context().close();
      await again.close();
    }
  });

  test('confirms an offer again when the line broke before the answer', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    house.backend.refuseNext('offerGone');
    const { offerId } = house.backend.offer('agent-tanaka');
    await page.getByText('This contact is no longer offered to you.').waitFor();
    expect(inputsOf('offerShown')).toEqual([]);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until('the offer is confirmed', () => inputsOf('offerShown').length > 0);
    expect(inputsOf('offerShown')).toEqual([{ type: 'offerShown', agentId: 'agent-tanaka', offerId }]);
  });

  test('a second window takes over, the first says so and does not fight, and can take back', async () => {
    const first = await house.panel('tanaka');
    await getReady(first);
    const second = await first.context().newPage();
    await second.goto(`${house.web.url}/panel`);
    await second.getByRole('heading', { name: 'You are ready' }).waitFor();
    await first.getByRole('heading', { name: 'You are working in another window' }).waitFor();
    expect(inputsOf('panelOpened')).toHaveLength(2);

    await first.getByRole('button', { name: 'Use here' }).click();
    await first.getByRole('heading', { name: 'You are ready' }).waitFor();
    await second.getByRole('heading', { name: 'You are working in another window' }).waitFor();
  });

  test('logging out ends the session, and leaves no names behind', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await talk(page);
    await page.fill('textarea[name=note]', 'something private');
    house.backend.callerHangsUp('agent-tanaka');
    await page.getByLabel('What came of it?').selectOption('resolved');
    await page.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('heading', { name: 'You are ready' }).waitFor();
    await page.getByRole('button', { name: 'Log off' }).click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    await until('the session is gone', () => house.backend.sessions.size === 0);
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('山田');
    await page.reload();
    await logIn(page, 'tanaka', FAKE_PASSWORD);
    await page.getByRole('heading', { name: /Hello/ }).waitFor();
  });
});

describe('the floor', () => {
  const OSAKA = { id: 'desk-osaka', name: '大阪サービス窓口' };
  const LONDON = { id: 'desk-london', name: 'London service desk' };
  const waitingFor = (contactId: string, party: string, desk: typeof OSAKA, seconds: number, position: number) => ({
    contactId,
    channel: 'voice',
    state: 'queued',
    desk,
    party,
    callingNumber: '+81312345678',
    arrivedAt: Date.now() - seconds * 1000,
    position,
    agent: null,
  });

  test('shows a supervisor who waits and who works, live, sorted and filtered as wished', async () => {
    const page = await house.panel('sato', { path: '/supervisor' });
    const waiting = page.getByTestId('floor-waiting');
    await waiting.getByText('Nobody is waiting. Well done.').waitFor();

    house.backend.setWaiting([waitingFor('a', 'Zoë', OSAKA, 90, 1), waitingFor('b', 'Adam', LONDON, 30, 1)]);
    await waiting.getByText('Adam').waitFor();
    const names = () => waiting.locator('tbody tr td:nth-child(2) strong').allTextContents();
    expect(await names()).toEqual(['Zoë', 'Adam']);
    await waiting.getByText(/^1:3\d$/).waitFor();
    await waiting.getByRole('button', { name: 'Party' }).click();
    expect(await names()).toEqual(['Adam', 'Zoë']);
    await page.locator('select[name=desk]').selectOption(LONDON.name);
    expect(await names()).toEqual(['Adam']);
    await page.locator('select[name=desk]').selectOption('');

    const agents = page.getByTestId('floor-agents');
    await agents.getByText('No agents at these desks.').waitFor();
    house.backend.setAgent('agent-tanaka', { state: 'ready' });
    await agents.getByRole('row', { name: /田中 美咲 Ready/ }).waitFor();
    house.backend.offer('agent-tanaka');
    await agents.getByRole('row', { name: /田中 美咲 On a contact .* 山田 花子/ }).waitFor();
  });

  test('shows how long each has probably still to wait, where that is known', async () => {
    const page = await house.panel('sato', { path: '/supervisor' });
    house.backend.setWaiting([
      { ...waitingFor('a', 'Zoë', OSAKA, 90, 1), estimatedWaitMs: 150_000 },
      waitingFor('b', 'Adam', LONDON, 30, 1),
    ]);
    const waiting = page.getByTestId('floor-waiting');
    await waiting.getByRole('row', { name: /Zoë .* ≈ 2:30/ }).waitFor();
    await waiting.getByRole('row', { name: /Adam .* –$/ }).waitFor();
    house.backend.setWaiting(
      [waitingFor('b', 'Adam', LONDON, 30, 1), { ...waitingFor('a', 'Zoë', OSAKA, 90, 1), estimatedWaitMs: 1 }],
      700,
    );
    await waiting.getByRole('heading', { name: 'Waiting contacts 2 listed, 700 more wait' }).waitFor();
    await waiting.getByRole('button', { name: 'Still to wait' }).click();
    expect(await waiting.locator('tbody tr td:nth-child(2) strong').allTextContents()).toEqual(['Zoë', 'Adam']);
  });

  test('lets a supervisor change an agent’s state with keys alone; what came of it is seen, and kept in the list', async () => {
    house.backend.setAgent('agent-tanaka', { state: 'ready' });
    await house.backend.submit({ type: 'panelOpened', agentId: 'agent-tanaka', holdsCall: false });
    const page = await house.panel('sato', { path: '/supervisor' });
    const audit = page.getByTestId('audit');
    await audit.getByText('Nobody’s state has been changed by a supervisor.').waitFor();
    const button = page.getByRole('button', { name: 'Change the state of 田中 美咲' });
    await button.focus();
    await page.keyboard.press('Enter');
    const menu = page.getByRole('menu', { name: 'Change the state of 田中 美咲' });
    expect(await menu.getByRole('menuitem', { name: 'Make ready' }).isDisabled()).toBe(true);
    await until('the first that can be done has the focus', () =>
      menu.getByRole('menuitem', { name: 'Make not ready' }).evaluate((item) => item === document.activeElement),
    );
    // The list is told anew all the time, and rows move: the menu stays.
    house.backend.setAgent('agent-smith', { state: 'busy' });
    await page.getByRole('row', { name: /John Smith On a contact/ }).waitFor();
    await page.keyboard.press('Enter');

    await page.getByRole('row', { name: /田中 美咲 Not ready Set by a supervisor/ }).waitFor();
    expect(inputsOf('agentForced')).toEqual([{ type: 'agentForced', agentId: 'agent-tanaka', to: 'notReady', by: 'agent-sato' }]);
    await audit.getByRole('listitem').getByText('Ready → Not ready').waitFor();
    expect(await audit.getByRole('listitem').textContent()).toMatch(/^田中 美咲\d\d:\d\d.*by 佐藤 健$/);
    expect(await page.getByTestId('announcement').textContent()).toBe('田中 美咲: Ready → Not ready.');
    expect(await menu.count()).toBe(0);

    // Escape closes it without anything, and the focus is back at the button.
    await button.focus();
    await page.keyboard.press('Enter');
    await menu.waitFor();
    await page.keyboard.press('Escape');
    await menu.waitFor({ state: 'detached' });
    expect(await button.evaluate((one) => one === document.activeElement)).toBe(true);
    expect(inputsOf('agentForced')).toHaveLength(1);
  });

  test('asks before it logs somebody off, and says what waits for the end of a contact', async () => {
    await house.backend.submit({ type: 'panelOpened', agentId: 'agent-tanaka', holdsCall: false });
    house.backend.setAgent('agent-tanaka', { state: 'busy' });
    const page = await house.panel('sato', { path: '/supervisor' });
    const button = page.getByRole('button', { name: 'Change the state of 田中 美咲' });
    const dialog = page.getByRole('dialog', { name: 'Log 田中 美咲 off?' });
    await button.click();
    await page.getByText('Takes effect after the contact').waitFor();
    await page.getByRole('menuitem', { name: 'Log off…' }).click();
    await dialog.getByText('The present contact goes on; the shift ends after it.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).last().click();
    await dialog.waitFor({ state: 'detached' });
    expect(inputsOf('agentForced')).toEqual([]);

    await button.click();
    await page.getByRole('menuitem', { name: 'Log off…' }).click();
    await dialog.getByRole('button', { name: 'Log off' }).click();
    await page.getByRole('row', { name: /田中 美咲 On a contact ?Next: Log off/ }).waitFor();
    await page.getByTestId('audit').getByText('On a contact → Off shift (after the contact)').waitFor();

    // A panel that is not there can't be made ready; one who is off shift has nothing to be changed.
    await house.backend.submit({ type: 'panelClosed', agentId: 'agent-tanaka' });
    await button.click();
    await page.getByText('Panel not open: can’t be made ready').waitFor();
    expect(await page.getByRole('menuitem', { name: 'Make ready' }).isDisabled()).toBe(true);
    await page.getByRole('heading', { name: /^Agents/ }).click();
    await page.getByRole('menu').waitFor({ state: 'detached' });
    house.backend.setAgent('agent-tanaka', { state: 'loggedOff', pending: null });
    await page.getByLabel('Show off-shift agents').check();
    await until('nothing can be changed', () => button.isDisabled());
  });

  test('shows a refusal of a change in words', async () => {
    await house.backend.submit({ type: 'panelOpened', agentId: 'agent-tanaka', holdsCall: false });
    house.backend.setAgent('agent-tanaka', { state: 'ready' });
    const page = await house.panel('sato', { path: '/supervisor' });
    await page.getByRole('button', { name: 'Change the state of 田中 美咲' }).click();
    house.backend.refuseNext('noSuchAgent');
    await page.getByRole('menuitem', { name: 'Make not ready' }).click();
    await page.getByText('There is no such agent at the desks that you may see.').waitFor();
    await page.getByTestId('audit').getByText('Nobody’s state has been changed').waitFor();
  });

  test('a contact that comes to a supervisor is brought to the front', async () => {
    const page = await house.panel('sato', { path: '/supervisor' });
    await page.getByTestId('floor-waiting').waitFor();
    house.backend.offer('agent-sato');
    await page.getByRole('heading', { name: '山田 花子' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/panel');
  });

  test('is not for agents', async () => {
    const page = await house.panel('tanaka', { path: '/supervisor' });
    await page.getByText('Only supervisors can watch the floor.').waitFor();
  });
});

test('all of it fits on one screen of 1280 × 720 without scrolling the page', async () => {
  const page = await house.panel('tanaka');
  await getReady(page);
  house.backend.offer('agent-tanaka');
  for (const step of ['ringing', 'connected', 'wrapUp'] as const) {
    if (step !== 'ringing') house.backend.stage('agent-tanaka', step);
    await page.locator(`.contact[data-stage=${step}]`).waitFor();
    const size = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    expect(size, step).toEqual([1280, 720]);
  }
});
