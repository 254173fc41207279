/** What callers do and scenarios say that nobody thought of when the scenario was written. */
import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '#src/base/checked-yaml.ts';
import { parseScenarios } from '#src/ivr/parse.ts';
import type { Dialogue, DialogueInput } from '#src/ivr/scenario.ts';
import { startDialogue, stepDialogue } from '#src/ivr/step.ts';
import { DryRun, follow, SOME_WORLD, type World } from '#src/ivr/talk.ts';

const HEAD = 'languages: [ja, en]\nvariables: { s: string, n: int, d: double, twice: string }\n';
const END = '  end: { hangUp: true }\n';
const parse = (...files: readonly string[]) => parseScenarios(files.map((text, n) => ({ file: `${n}.yaml`, text })));
const setOf = (steps: string) => unwrap(parse(`name: x\n${HEAD}start: a\nsteps:\n${steps}${END}`));
const problemsOf = (steps: string): string => {
  const parsed = parse(`name: x\n${HEAD}start: a\nsteps:\n${steps}${END}`);
  return Array.isArray(parsed) ? parsed.map(formatProblem).join('\n') : '';
};
function talk(steps: string, does: readonly string[], world: Partial<World> = {}, language: 'ja' | 'en' = 'en'): DryRun {
  const run = new DryRun(setOf(steps), 'x', { language }, { ...SOME_WORLD, ...world });
  follow(run, does);
  return run;
}

const silence = 'silence';

describe('a language', () => {
  it('that the scenario which one comes back to does not speak, is not gone on in: something is said', () => {
    const set = unwrap(
      parse(
        `name: x\nlanguages: [ja]\nstart: a\nsteps:\n  a: { call: other, then: { done: b } }\n  b: { say: { ja: 戻りました }, next: end }\n${END}`,
        `name: other\nlanguages: [ja, en]\nstart: o\nsteps:\n  o: { chooseLanguage: { prompt: { ja: 日本語は1, en: press 2 }, choices: { '1': ja, '2': en } }, next: d }\n  d: { handBack: done }\n`,
      ),
    );
    const run = new DryRun(set, 'x', { language: 'ja' }, SOME_WORLD);
    follow(run, ['2']);
    expect(run.hears).toEqual(['日本語は1', 'press 2', '戻りました']);
  });

  it('that two keys stand for is offered once', () => {
    const steps = `  a: { chooseLanguage: { prompt: { ja: 日本語は1か3, en: press 2 }, choices: { '1': ja, '2': en, '3': ja } }, next: end }\n`;
    expect(talk(steps, ['hangUp']).hears).toEqual(['日本語は1か3', 'press 2']);
  });
});

describe('a value', () => {
  it('does not grow without end: one that is longer than a page changes nothing', () => {
    const steps = Array.from({ length: 60 }, (_, n) => `  s${n}: { set: { s: s + s }, next: s${n + 1} }\n`).join('');
    const run = talk(`  a: { set: { s: '"0123456789"' }, next: s0 }\n${steps}  s60: { keep: { s: s }, next: end }\n`, []);
    expect(JSON.stringify(run.dialogue).length).toBeLessThan(10_000);
    expect(run.ends).toBe('hangUp');
    expect(run.notes.map(({ name }) => name)).toContain('noValue');
  });

  it('is a number that there is', () => {
    const run = talk(
      `  a: { set: { d: 1.0 / 0.0 }, next: b }\n  b: { set: { n: '9007199254740993' }, next: c }\n  c: { keep: { d: d, n: n }, next: end }\n`,
      [],
    );
    expect(run.does).toEqual(['keep d=0 n=0']);
  });
});

describe('a pattern', () => {
  const when = (pattern: string): string =>
    problemsOf(`  a: { when: [{ if: 's.matches(${pattern})', to: end }], otherwise: b }\n  b: { say: { ja: b, en: b }, next: end }\n`);
  it.each(['"^0[789]0[0-9]{8}$"', '"^(03|06)[0-9]+$"', '"^[0-9]{4}(-[0-9]{4})?$"', '"[)+(]+"', '"^([0-9]{4})+$"', 'r"^\\d+$"'])(
    '%s is fine',
    (pattern) => {
      expect(when(pattern)).toBe('');
    },
  );
  it.each(['"(a+)+$"', '"^([0-9]+-?)*$"', '"(a|ab)*c"', '"((x{2,})y?){3,}"', 's'])(
    '%s, which may take for ever on what somebody dials, is refused with its place',
    (pattern) => {
      expect(when(pattern)).toMatch(/^0\.yaml:6:\d+: .*pattern/);
    },
  );
});

describe('what takes long to say', () => {
  const steps = `  a: { say: { ja: '{s}', en: '{s}' }, next: end }\n`;
  const text = 'Please return the heater. '.repeat(70);
  it('as the text of a notice, is said to its end', () => {
    const run = new DryRun(setOf(steps), 'x', { language: 'en', variables: { s: text } }, SOME_WORLD);
    expect(run.hears).toEqual([text]);
  });
  it('as a speaker’s recording, is not cut off for the few words that are written', () => {
    const facts = { at: 0, timeZone: 'UTC', conditions: () => ({}) as never, isOpen: () => true, readPhone: () => null, speech: false };
    const set = setOf(`  a: { say: { ja: 案内, en: hours, recording: hours }, next: end }\n`);
    expect(startDialogue(set, 'x', { language: 'en' }, facts).timeoutMs).toBeGreaterThan(120_000);
  });
  it('is not cut off for a key that means nothing', () => {
    const facts = { timeZone: 'UTC', conditions: () => ({}) as never, isOpen: () => true, readPhone: () => null, speech: false };
    const set = setOf(steps);
    const begun = startDialogue(set, 'x', { language: 'en', variables: { s: text } }, { ...facts, at: 0 });
    const pressed = stepDialogue(set, begun.dialogue, { type: 'digit', digit: '5' }, { ...facts, at: 10_000 });
    expect(pressed.timeoutMs).toBe(Number(begun.timeoutMs) - 10_000);
  });
});

describe('what is secret in one scenario', () => {
  const caller = (say: string): string =>
    `name: x\nlanguages: [en]\nvariables: { pin: string }\nstart: a\nsteps:\n  a: { call: other, then: { done: b } }\n  b: { say: { en: '${say}' }, next: end }\n${END}`;
  const called = (secret: boolean): string =>
    `name: other\nlanguages: [en]\nstart: o\nsteps:\n  o: { ask: { prompt: { en: p }, digits: { min: 4, max: 4 }, saveAs: pin, secret: ${secret} }, next: d, failed: d }\n  d: { handBack: done }\n`;
  const problems = (...files: readonly string[]): string => {
    const parsed = parse(...files);
    return Array.isArray(parsed) ? parsed.map(formatProblem).join('\n') : '';
  };
  it('is not told by the one that calls it', () => {
    expect(problems(caller('You dialled {pin}'), called(true))).toMatch(/'pin' is secret in 'other', and not here/);
    expect(problems(caller('You dialled {pin}'), called(false))).toBe('');
  });
});

describe('a recording', () => {
  const steps = `  a: { record: { prompt: { ja: p, en: p }, end: '#' }, next: b, failed: end }\n  b: { leaveMessage: {}, next: end }\n`;
  it('that is ended by its key is there, in a dry run too', () => {
    expect(talk(steps, ['#'])).toMatchObject({ does: ['leaveMessage controlLogic'], ends: 'hangUp' });
  });
  it('is not of any length, and can be long enough', () => {
    expect(problemsOf(steps.replace("end: '#'", 'longest: 600m'))).toMatch(/30m is the most/);
    expect(problemsOf(steps.replace("end: '#'", 'longest: 5s, shortest: 6s'))).toMatch(/shortest is longer/);
  });
});

describe('the end key behind an entry that was as long as can be', () => {
  const steps =
    `  a: { ask: { prompt: { ja: code, en: code }, digits: { min: 1, max: 4 }, end: '#', saveAs: s, check: 's != "9999"' }, next: b, failed: end, empty: end }\n` +
    `  b: { menu: { prompt: { ja: p, en: p }, onInvalid: { ja: i, en: i }, choices: { '1': c, '#': end } }, failed: end }\n` +
    `  c: { say: { ja: c, en: c }, next: end }\n`;
  it('is no answer to what is asked next', () => {
    expect(talk(steps, ['1234#', '1']).hears).toEqual(['code', 'p', 'c']);
  });
  it('nor to the same question, where the entry was wrong', () => {
    expect(talk(steps, ['9999#', '1234', '1']).hears).toEqual(['code', 'code', 'p', 'c']);
  });
  it('counts when it is pressed later, or again', () => {
    expect(talk(steps, ['1234##']).hears).toEqual(['code', 'p']);
    expect(talk(steps, ['1234', silence, '#']).hears).toEqual(['code', 'p', 'p']);
  });
});

describe('who may speak', () => {
  const steps =
    `  a: { menu: { prompt: { ja: p, en: p }, onSilence: { ja: s, en: s }, choices: { '1': b, '2': c }, words: { '1': [sales] }, speech: true, firstDigit: 6s }, failed: end }\n` +
    `  b: { say: { ja: b, en: b }, next: end }\n  c: { say: { ja: c, en: c }, next: end }\n`;
  const set = setOf(steps);

  /** At the menu, after its prompt. */
  function asked() {
    let at = 1_000_000;
    const facts = () => ({
      at,
      timeZone: 'Asia/Tokyo',
      conditions: () => {
        throw new Error('not asked');
      },
      isOpen: () => true,
      readPhone: () => null,
      speech: true,
    });
    let result = startDialogue(set, 'x', { language: 'en' }, facts());
    const give = (input: DialogueInput, afterMs = 0) => {
      at += afterMs;
      result = stepDialogue(set, JSON.parse(JSON.stringify(result.dialogue)) as Dialogue, input, facts());
      return result;
    };
    give({ type: 'playFinished', play: 1 });
    return { give, request: () => result.dialogue.listening?.request ?? -1, result: () => result };
  }

  it('has as long to begin as who dials: a second of silence is no answer', () => {
    const { give, request } = asked();
    const first = request();
    expect(give({ type: 'heard', request: first, words: null }, 1_300).actions).toMatchObject([{ type: 'listen' }]);
    expect(request()).not.toBe(first);
    give({ type: 'heard', request: request(), words: null }, 1_300);
    expect(give({ type: 'heard', request: request(), words: 'sales' }, 2_000).dialogue.step).toBe('b');
  });

  it('is asked again when that is over', () => {
    const { give, request, result } = asked();
    for (let n = 0; n < 10 && result().dialogue.tries === 1; n++) give({ type: 'heard', request: request(), words: null }, 1_300);
    expect(result().dialogue.tries).toBe(2);
    expect(result().actions.at(-1)).toMatchObject({ type: 'play', prompts: [{ text: 's' }, { text: 'p' }] });
  });

  it('can still dial where nothing can be recorded', () => {
    const { give, request } = asked();
    const { actions, timeoutMs } = give({ type: 'heard', request: request(), words: null }, 20);
    expect([actions, timeoutMs]).toEqual([[], 5_980]);
    expect(give({ type: 'digit', digit: '2' }).dialogue.step).toBe('c');
  });

  it.each([
    ['I know the phone number', 'en', 'i'],
    ['修理にお願いします', 'ja', 'i'],
    ['一般の問い合わせ', 'ja', 'i'],
    ['two, please', 'en', 'c'],
    ['2番', 'ja', 'c'],
    ['二番です', 'ja', 'c'],
    ['に', 'ja', 'c'],
  ] as const)('"%s" is understood for what it is', (words, language, then) => {
    const invalid = steps.replace('onSilence', 'onInvalid: { ja: i, en: i }, onSilence');
    expect(talk(invalid, [`says ${words}`, 'hangUp'], { speech: true }, language).hears[1]).toBe(then);
  });

  it('does not say no by knowing something', () => {
    const yesNo = `  a: { yesNo: { prompt: { ja: p, en: p }, onInvalid: { ja: i, en: i }, speech: true }, yes: b, no: c, failed: end }\n${steps.split('\n').slice(1).join('\n')}`;
    expect(talk(yesNo, ['says I know it', 'hangUp'], { speech: true }).hears[1]).toBe('i');
    expect(talk(yesNo, ['says no, thank you'], { speech: true }).hears[1]).toBe('c');
    expect(talk(yesNo, ['says はい、そうです'], { speech: true }, 'ja').hears[1]).toBe('b');
  });
});
