/** Scenarios by telephone: what their tests say comes true in real calls, whichever way keys come, and whatever callers do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import type { ScenarioTest } from '#src/ivr/scenario-schema.ts';
import { dryRunOf } from '#src/ivr/talk.ts';
import { readRelease } from '#src/scenario-release.ts';
import { durationMs, toneStrength } from '#test/support/audio.ts';
import { until } from './house.ts';
import { courseOf, isPlayable, type Keys, type Line, Lines, scenarioFiles } from './ivr-lines.ts';

/** Calls at once: so many that it does not take long, and so few that a busy machine plays them without a stutter. */
const AT_ONCE = 16;

/** Every way to dial. The scenario itself sees whether what arrives is what was dialled. */
const DIALLING = `
name: dialling
callers: everybody
languages: [en]
start: greet
steps:
  greet: { say: { en: Nobody takes keys here (long) }, bargeIn: false, next: code }
  code:
    ask:
      prompt: { en: Your code please }
      digits: { min: 4, max: 4 }
      tries: 3
      saveAs: code
      check: 'code == "1123"'
    next: menu
    failed: wrong
  menu:
    menu: { prompt: { en: 'A long text, which everybody knows by heart (long)' }, choices: { '7': right } }
    failed: wrong
  right: { hangUp: right }
  wrong: { hangUp: wrong }
tests:
  - { name: the right code, language: en, caller: ['1123', '7'], ends: hangUp right }
  - { name: the right code at the second try, language: en, caller: ['9999', '1123', '!7'], ends: hangUp right }
`;

const LEAVING = `
name: leaving
callers: everybody
languages: [en]
start: message
steps:
  message:
    record: { prompt: { en: Leave a message after the tone }, longest: 20s, end: '#', beep: true }
    next: leave
    failed: nothing
  leave: { leaveMessage: { desk: reception }, next: thanks }
  thanks: { say: { en: Thank you }, next: done }
  done: { hangUp: left }
  nothing: { hangUp: nothing }
tests:
  - { name: somebody speaks, language: en, caller: ['records 3s'], does: [leaveMessage reception], ends: hangUp left }
  - { name: nobody speaks, language: en, caller: [silence], ends: hangUp nothing }
`;

const FILES = await scenarioFiles({ 'dialling.yaml': DIALLING, 'leaving.yaml': LEAVING });
const { 'control-logic.yaml': _notOfARelease, ...ofRelease } = FILES;
const { set } = unwrap(readRelease(ofRelease, ''));

type Wanted = Pick<Line, 'scenario' | 'test' | 'keys'>;
const stories: { readonly name: string; readonly wanted: readonly Wanted[]; readonly play: (lines: readonly Line[]) => Promise<void> }[] =
  [];
const played = new Map<string, Promise<void>>();

/** All are played side by side, from the start; each is looked at by itself. Tried once more (in CI), it is played once more. */
function story(name: string, wanted: readonly Wanted[], play: (lines: readonly Line[]) => Promise<void>): void {
  stories.push({ name, wanted, play });
  let looks = 0;
  it(name, () => {
    looks += 1;
    return looks === 1 ? played.get(name) : play(linesOf(wanted));
  });
}
const linesOf = (wanted: readonly Wanted[]): Line[] => wanted.map(({ scenario, test, keys }) => lines.line(scenario, test, keys));

let lines: Lines;
beforeAll(async () => {
  lines = await Lines.open(FILES);
  const waiting = stories.map(({ name, wanted, play }) => {
    const given = linesOf(wanted);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined); // seen by the one who looks at it
    played.set(name, promise);
    return () => play(given).then(resolve, reject);
  });
  await lines.start();
  for (let i = 0; i < AT_ONCE; i += 1) {
    void (async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next();
    })();
  }
});
afterAll(async () => {
  await Promise.allSettled(played.values());
  await lines?.close();
});

const WAYS: readonly Keys[] = ['rfc4733', 'inband', 'info', 'lossy'];
const speaks = ({ caller }: ScenarioTest): boolean => caller.some((does) => does.startsWith('records'));

describe('a scenario’s test is a call', () => {
  let others = 0;
  for (const { name: scenario, tests } of set.scenarios.values()) {
    for (const test of tests.filter(isPlayable)) {
      const ways = WAYS.filter((keys) => keys !== 'lossy' || !speaks(test));
      others += 1;
      // What every centre has, by each of them; of the others each by one.
      const chosen = ['identify', 'dialling'].includes(scenario) ? ways : [ways[others % ways.length] as Keys];
      for (const keys of chosen) {
        story(`${scenario}: ${test.name} (${keys})`, [{ scenario, test, keys }], async ([line]) => {
          const call = await lines.call(line as Line);
          await call.follow();
          const { course } = call;
          const cause = await call.over();
          expect(course).toEqual(courseOf(lines, line as Line));
          expect(cause).not.toBe('');
        });
      }
    }
  }
});

const dialling = (keys: Keys = 'rfc4733'): Wanted => ({
  scenario: 'dialling',
  test: { name: 'by hand', language: 'en', caller: [], ends: 'hangUp right' },
  keys,
});

describe('callers', () => {
  story('may take their time between two keys, but not too much', [dialling(), dialling('inband')], async (all) => {
    await Promise.all(
      all.map(async (line) => {
        const call = await lines.call(line);
        await call.turn();
        for (const key of '112') {
          await call.press(key);
          await sleep(900); // 2.5 s is the limit
        }
        // The last one comes too late: three keys are no code.
        await call.until('the time is over', () => call.course.notes.some((note) => note.startsWith('invalid')));
        await call.turn();
        for (const key of '1123') {
          await call.press(key);
          await sleep(900);
        }
        await call.press('7');
        await call.until('it is over', () => false);
        expect(call.course.notes).toEqual([
          'invalid at dialling.code count=3 try=1',
          'digits at dialling.code count=4',
          'chosen at dialling.menu key=7 to=right',
        ]);
        expect(call.course.ends).toBe('hangUp right');
        await call.over();
      }),
    );
  });

  story('press keys in vain where a prompt lets nobody interrupt', [dialling('info'), dialling('lossy')], async (all) => {
    await Promise.all(
      all.map(async (line) => {
        const call = await lines.call(line);
        await call.press('99');
        expect(call.dialogue).toMatchObject({ step: 'greet', playing: true });
        await call.turn();
        await call.press('1123');
        await call.press('7');
        await call.until('it is over', () => false);
        expect(call.course.notes).toEqual(['digits at dialling.code count=4', 'chosen at dialling.menu key=7 to=right']);
        await call.over();
      }),
    );
  });

  story('who know a prompt by heart interrupt it: it is not heard to its end', WAYS.map(dialling), async (all) => {
    await Promise.all(
      all.map(async (line) => {
        const call = await lines.call(line);
        await call.turn();
        await call.press('1123');
        expect(call.dialogue).toMatchObject({ step: 'menu', playing: true });
        await call.press('7');
        await call.until('it is over', () => false);
        expect(call.events.flatMap(({ name, cause }) => (name === 'scenarioStep' ? (cause ?? '') : []))).toContain('bargedIn');
        expect(call.course.ends).toBe('hangUp right');
        await call.over();
      }),
    );
  });

  // The longest way through each, and every step of it once.
  for (const scenario of ['identify', 'reception', 'waiting', 'call-back']) {
    const wayOf = (test: ScenarioTest): string[] => dryRunOf(set, scenario, test).way.map(({ scenario: of, step }) => `${of}.${step}`);
    const tests = (set.scenarios.get(scenario)?.tests ?? []).filter((test) => isPlayable(test) && !speaks(test));
    const test = tests.toSorted((a, b) => new Set(wayOf(b)).size - new Set(wayOf(a)).size)[0] as ScenarioTest;
    const way = wayOf(test);
    for (const step of new Set(way)) {
      const at = way.indexOf(step);
      story(`may hang up at any step: ${scenario}, ${step}`, [{ scenario, test, keys: WAYS[at % WAYS.length] as Keys }], async ([line]) => {
        const call = await lines.call(line as Line);
        const talking = call.follow();
        await until(`it comes to ${step}`, () => call.way.length > at, 40_000);
        const cause = await call.over();
        await talking;
        expect(['abandonedInScenario', 'abandonedInQueue', 'callbackPromised', 'hungUpByScenario']).toContain(cause);
        // Where the scenario hangs up, the switch says so a moment later.
        await until('its leg is gone', () => !lines.controller.floor.legs.has(call.leg));
      });
    }
  }
});

describe('a message', () => {
  const speaking: Wanted = {
    scenario: 'leaving',
    test: { name: 'hangs up', language: 'en', caller: [], ends: 'abandoned' },
    keys: 'rfc4733',
  };
  story('is kept with what was said, though the caller hangs up in the middle of it', [speaking], async ([line]) => {
    const call = await lines.call(line as Line);
    await call.turn();
    await call.say(2_000);
    expect(await call.over()).toBe('messageLeft');
    const [message] = lines.continued(call.contactId);
    expect(message).toMatchObject({ channel: 'message', message: { recording: `${call.contactId}.r1` } });
    const kept = await until('the recording is kept', () => lines.recordings.read('demo', `${call.contactId}.r1`));
    expect(kept.contactId).toBe(message?.id);
    const folder = mkdtempSync(join(tmpdir(), 'message-'));
    const file = join(folder, 'said.wav');
    writeFileSync(file, kept.wav);
    expect(toneStrength(file, 1_000)).toBeGreaterThan(0.6);
    expect(Math.floor(durationMs(file))).toBe(message?.message?.durationMs);
    rmSync(folder, { recursive: true });
  });
});

it('there were enough of them, and nothing of any is left', async () => {
  expect(stories.length).toBeGreaterThan(50);
  await Promise.allSettled(played.values());
  await until('every leg is gone', () => lines.controller.floor.legs.size === 0);
  expect(await lines.asterisk.rx('core show channels count')).toContain('0 active channels');
  expect([...lines.controller.floor.contacts.values()].filter(({ origin }) => origin === 'call')).toEqual([]);
  expect(lines.leftRecordings()).toEqual([]);
});
