import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '../../src/base/checked-yaml.ts';
import { parseScenarios, type ScenarioSet } from '../../src/ivr/parse.ts';
import type { Dialogue, DialogueAction, DialogueInput, DialogueResult } from '../../src/ivr/scenario.ts';
import { type DialogueFacts, startDialogue, stepDialogue } from '../../src/ivr/step.ts';
import { DryRun, follow, runScenarioTests, SOME_WORLD } from '../../src/ivr/talk.ts';

const folder = new URL('../../scenarios/', import.meta.url);
const OTHERS = ['control-logic.yaml', 'prompts.yaml', 'services.yaml'];
const files = readdirSync(folder).filter((f) => f.endsWith('.yaml') && !OTHERS.includes(f));
const shipped = unwrap(parseScenarios(files.map((file) => ({ file, text: readFileSync(new URL(file, folder), 'utf8') }))));

describe.each([...shipped.scenarios.keys()])('the shipped scenario %s', (name) => {
  it.each(runScenarioTests(shipped, name).map((r) => [r.name, r.failures] as const))('%s', (_, failures) => {
    expect(failures).toEqual([]);
  });
});

const setOf = (text: string, desks?: readonly string[]): ScenarioSet =>
  unwrap(parseScenarios([{ file: 's.yaml', text }], desks ? { desks } : {}));
const FACTS: DialogueFacts = {
  at: Date.parse('2026-11-20T10:00:00+09:00'),
  timeZone: 'Asia/Tokyo',
  conditions: () => {
    throw new Error('nothing was asked');
  },
  isOpen: () => true,
  readPhone: () => null,
  speech: false,
};
/** What a scripted caller hears, and how it ends. */
function talk(set: ScenarioSet, caller: { language: 'ja' | 'en'; does: readonly string[] }): DryRun {
  const [name = ''] = set.scenarios.keys();
  const run = new DryRun(set, name, caller, SOME_WORLD);
  follow(run, caller.does);
  return run;
}

const TEXT = `
name: test
languages: [ja, en]
variables: [company]
start: greet
steps:
  greet:
    say: { ja: "{company}です", en: "This is {company}" }
    next: ask
  ask:
    ask:
      prompt: { ja: 番号, en: number }
      digits: { min: 2, max: 4 }
      end: '#'
      firstDigit: 5s
      betweenDigits: 2.5s
      tries: 2
      onSilence: { ja: 無言, en: silent }
      onInvalid: { ja: 不正, en: wrong }
      saveAs: code
    next: find
    failed: menu
  find:
    lookUp: { customerCode: code }
    found: good
    notFound: { again: ask, say: { ja: 不明, en: nobody } }
  good:
    handBack: identified
  menu:
    menu:
      prompt: { ja: 一か二, en: one or two }
      bargeIn: false
      tries: 2
      choices: { '1': sales, '2': bye }
    failed: bye
  sales:
    route: reception
  bye:
    say: { ja: さようなら, en: goodbye }
    bargeIn: true
    next: end
  end:
    hangUp: true
`;
const scenario = setOf(TEXT);

/** A dialogue in hand, to give one input after another. */
function dialogue(of: ScenarioSet = scenario) {
  let result = startDialogue(of, 'test', { language: 'en', variables: { company: 'Acme' } }, FACTS);
  return {
    get now(): DialogueResult {
      return result;
    },
    give(...inputs: (DialogueInput | string)[]): DialogueResult {
      for (const input of inputs) {
        const next: DialogueInput = typeof input !== 'string' ? input : { type: 'digit', digit: input };
        result = stepDialogue(of, result.dialogue, next, FACTS);
      }
      return result;
    },
    played(): DialogueResult {
      return this.give({ type: 'playFinished', play: result.dialogue.play });
    },
  };
}
const said = (actions: readonly DialogueAction[]): string[] =>
  actions.flatMap((a) => (a.type === 'play' ? a.prompts.map((p) => p.text) : []));

describe('a dialogue', () => {
  it('greets with its variables in the caller’s language, then asks', () => {
    const d = dialogue();
    expect(d.now.actions).toEqual([
      { type: 'play', play: 1, prompts: [{ language: 'en', text: 'This is Acme', parts: ['This is', 'Acme'] }] },
    ]);
    expect(said(d.played().actions)).toEqual(['number']);
    expect(said(startDialogue(scenario, 'test', { language: 'ja', variables: { company: 'アクメ' } }, FACTS).actions)).toEqual([
      'アクメです',
    ]);
  });

  it('in a language that it does not speak, speaks its first one', () => {
    const onlyJapanese = setOf(TEXT.replace('[ja, en]', '[ja]'));
    expect(startDialogue(onlyJapanese, 'test', { language: 'en' }, FACTS).dialogue.language).toBe('ja');
  });

  it('waits for the first digit from the end of the prompt on, and anew between digits', () => {
    const d = dialogue();
    d.played();
    expect(d.played().timeoutMs).toBe(5000);
    expect(d.give('1').timeoutMs).toBe(2500);
  });

  it('while something plays waits much longer than it can take, and goes on if the switch never says that it ended', () => {
    const d = dialogue();
    expect(d.now.timeoutMs).toBeGreaterThan(15_000);
    expect(said(d.give({ type: 'timeout' }).actions)).toEqual(['number']);
  });

  it('a key stops the prompt and counts as the first digit; the late end of that prompt changes nothing', () => {
    const d = dialogue();
    const asked = d.played().dialogue.play;
    expect(d.give('1').actions).toEqual([{ type: 'stopPlay', play: asked }]);
    const late = d.give({ type: 'playFinished', play: asked });
    expect(late).toMatchObject({ actions: [], timeoutMs: 2500, dialogue: { digits: '1', playing: false } });
  });

  it('the late end of an older prompt does not begin the time for the first digit', () => {
    const d = dialogue();
    d.played();
    const old = d.now.dialogue.play;
    d.give('1', '#'); // invalid: asked again, in a new playback
    expect(d.now.dialogue.play).toBe(old + 1);
    const late = d.give({ type: 'playFinished', play: old });
    expect(late.dialogue.playing).toBe(true);
    expect(late.timeoutMs).not.toBe(5000);
  });

  it('takes the digits at the end key, at the greatest length, or after silence', () => {
    for (const keys of [
      ['1', '2', '#'],
      ['1', '2', '3', '4'],
    ]) {
      const d = dialogue();
      d.played();
      const done = d.give(...keys);
      expect(done.actions.at(-1)).toEqual({ type: 'lookUp', by: 'customerCode', value: keys.filter((k) => k !== '#').join('') });
      expect(done.timeoutMs).toBeNull();
    }
    const d = dialogue();
    d.played();
    expect(d.give('1', '2', { type: 'timeout' }).actions).toEqual([{ type: 'lookUp', by: 'customerCode', value: '12' }]);
  });

  it('says what was wrong before it asks again', () => {
    const silent = dialogue();
    silent.played();
    silent.played();
    expect(said(silent.give({ type: 'timeout' }).actions)).toEqual(['silent', 'number']);
    const short = dialogue();
    short.played();
    expect(said(short.give('1', '#').actions)).toEqual(['wrong', 'number']);
    const unknown = dialogue();
    unknown.played();
    expect(said(unknown.give('1', '2', '#', { type: 'lookedUp', found: false }).actions)).toEqual(['nobody', 'number']);
  });

  it('counts silence, wrong entries and unknown numbers as tries of the same step', () => {
    expect(talk(scenario, { language: 'en', does: ['12#', '1#', '1'] })).toMatchObject({ ends: 'route reception' });
    expect(talk(scenario, { language: 'en', does: ['silence', '99#', '2'] })).toMatchObject({ ends: 'hangUp' });
  });

  it('keys into a prompt that may not be interrupted are not heard', () => {
    const d = dialogue();
    d.played();
    d.give('1', '#');
    d.give('1', '#'); // both tries used: the menu
    expect(said(d.now.actions)).toEqual(['one or two']);
    expect(d.give('1')).toMatchObject({ actions: [], dialogue: { step: 'menu', playing: true } });
    d.played();
    expect(d.give('1').actions).toEqual([{ type: 'route', desk: 'reception', priority: null, needs: null }]);
  });

  it('a key into a text that may be interrupted skips it, and is the answer to the question after it', () => {
    const text = TEXT.replace('next: ask\n', 'bargeIn: true\n    next: ask\n');
    const d = dialogue(setOf(text));
    expect(d.give('7')).toMatchObject({
      actions: [{ type: 'stopPlay', play: 1 }],
      dialogue: { step: 'ask', digits: '7' },
      timeoutMs: 2500,
    });
  });

  it('never writes digits down', () => {
    const d = dialogue();
    d.played();
    const notes = [...d.give('7', '3', '9', '#').notes, ...d.give({ type: 'lookedUp', found: true }).notes];
    expect(notes).toContainEqual({ name: 'lookUp', scenario: 'test', step: 'find', data: {} });
    expect(JSON.stringify(notes)).not.toMatch(/739/);
    const entered = stepDialogue(
      scenario,
      { ...startDialogue(scenario, 'test', { language: 'en' }, FACTS).dialogue, step: 'ask', playing: false, digits: '739' },
      { type: 'digit', digit: '#' },
      FACTS,
    );
    expect(entered.notes[0]).toEqual({ name: 'digits', scenario: 'test', step: 'ask', data: { count: 3 } });
  });

  it('goes on in a new version of its file, and goes to the control logic when its step is gone', () => {
    const d = dialogue();
    d.played();
    const newer = setOf(`${TEXT}# a remark\n`);
    expect(newer.version).not.toBe(scenario.version);
    expect(stepDialogue(newer, d.now.dialogue, { type: 'digit', digit: '1' }, FACTS).dialogue.digits).toBe('1');
    const gone = stepDialogue(newer, { ...d.now.dialogue, step: 'elsewhere' }, { type: 'timeout' }, FACTS);
    expect(gone.actions).toEqual([{ type: 'handBack', identified: false }]);
  });

  it('is plain data: kept as JSON and taken up again, it goes on the same', () => {
    const d = dialogue();
    d.played();
    d.give('1');
    const kept = JSON.parse(JSON.stringify(d.now.dialogue)) as typeof d.now.dialogue;
    expect(stepDialogue(scenario, kept, { type: 'digit', digit: '2' }, FACTS)).toEqual(d.give('2'));
  });
});

const END = new Set(['handBack', 'route', 'hangUp']);
const key = fc.constantFrom(...'0123456789*#A'.split(''));
const anyInput = fc.oneof(
  key.map((digit): DialogueInput => ({ type: 'digit', digit })),
  fc.integer({ min: -1, max: 12 }).map((play): DialogueInput => ({ type: 'playFinished', play })),
  fc.constant<DialogueInput>({ type: 'timeout' }),
  fc.boolean().map((found): DialogueInput => ({ type: 'lookedUp', found })),
  fc.constant<DialogueInput>({ type: 'started' }),
);

describe.each([
  ['test', scenario],
  ['identify', shipped],
] as const)('whatever comes in, %s', (name, of) => {
  const kindAt = ({ scenario: at, step }: Dialogue): string | undefined => of.scenarios.get(at)?.steps.get(step)?.kind;
  it('never throws, never plays two things at once, and always waits for something until it ends', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 60 }), (inputs) => {
        let result = startDialogue(of, name, { language: 'ja' }, FACTS);
        let ended = false;
        for (const input of inputs) {
          if (ended) break;
          const before = result.dialogue;
          result = stepDialogue(of, before, input, FACTS);
          ended = result.actions.some((a) => END.has(a.type));
          const looksUp = kindAt(result.dialogue) === 'lookUp';
          if (!ended && !looksUp) expect(result.timeoutMs).toBeGreaterThan(0);
          const plays = result.actions.filter((a) => a.type === 'play');
          expect(plays.length).toBeLessThanOrEqual(1);
          if (before.playing && plays.length > 0 && input.type !== 'playFinished') {
            expect(result.actions.some((a) => a.type === 'stopPlay')).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('ends within its tries, whatever the caller presses and whether or not anything is found', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.record({ key: fc.option(key), found: fc.boolean() })), (caller) => {
        let result = startDialogue(of, name, { language: 'en' }, FACTS);
        let inputs = 0;
        for (const { key: pressed, found } of caller) {
          if (result.actions.some((a) => END.has(a.type))) break;
          const { dialogue: d } = result;
          const looksUp = kindAt(d) === 'lookUp';
          const next: DialogueInput = looksUp
            ? { type: 'lookedUp', found }
            : d.playing && pressed === null
              ? { type: 'playFinished', play: d.play }
              : pressed === null
                ? { type: 'timeout' }
                : { type: 'digit', digit: pressed };
          // A key into a text that may not be interrupted changes nothing; the caller is patient then.
          const after = stepDialogue(of, d, next, FACTS);
          const ignored = after.dialogue.playing && after.dialogue.play === d.play && d.playing;
          result = ignored ? stepDialogue(of, d, { type: 'playFinished', play: d.play }, FACTS) : after;
          inputs += 1;
          expect(inputs).toBeLessThan(200);
        }
        expect(result.actions.filter((a) => END.has(a.type))).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a wrong scenario', () => {
  const problems = (text: string): string[] => {
    const parsed = parseScenarios([{ file: 's.yaml', text }], { desks: ['osaka-desk'] });
    return Array.isArray(parsed) ? parsed.map(formatProblem) : [];
  };
  const steps = (lines: string, start = 'a'): string => `name: x\nlanguages: [ja, en]\nstart: ${start}\nsteps:\n${lines}`;
  const END_STEP = '  z: { hangUp: true }\n';
  it.each<[string, string, string[]]>([
    [
      'a next that is not there',
      steps(`  a:\n    say: { ja: あ, en: a }\n    next: zz\n${END_STEP}`),
      ["s.yaml:7:11: there is no step 'zz'; did you mean 'z'?"],
    ],
    [
      'no next',
      steps(`  a:\n    say: { ja: あ, en: a }\n${END_STEP}`),
      ["s.yaml:5:3: the field 'next' is missing; add 'next: …', the name of a step"],
    ],
    ['a start that is not there', steps(END_STEP, 'begin'), ["s.yaml:3:8: there is no step 'begin'; there is: z"]],
    [
      'a step that no way leads to',
      steps(`  a: { hangUp: true }\n${END_STEP}`),
      ["s.yaml:6:3: no way leads to the step 'z'; name it as the next of another step, or take it out"],
    ],
    [
      'an unknown variable in a text',
      steps(`  a:\n    say: { ja: あ, en: "hello {nam}" }\n    next: z\n${END_STEP}`).replace('start', 'variables: [name]\nstart'),
      ["s.yaml:7:31: there is no variable 'nam'; did you mean 'name'?"],
    ],
    [
      'a stray brace',
      steps(`  a:\n    say: { ja: あ, en: 'a } b' }\n    next: z\n${END_STEP}`),
      ["s.yaml:6:26: a stray '}'; write a variable as {name} or {name:number}"],
    ],
    [
      'a language that is missing',
      steps(`  a:\n    say: { ja: あ }\n    next: z\n${END_STEP}`),
      ["s.yaml:6:5: the text has no 'en'; add en: …, or take en out of 'languages'"],
    ],
    [
      'a language that nobody speaks',
      'name: x\nlanguages: [jp]\nstart: z\nsteps:\n  z: { hangUp: true }\n',
      ["s.yaml:2:13: 'jp' is not known here; did you mean 'ja'?"],
    ],
    [
      'an unknown verb',
      steps(`  a:\n    sya: { ja: あ, en: a }\n    next: z\n${END_STEP}`),
      ["s.yaml:6:5: there is no field 'sya' here; did you mean 'say'?"],
    ],
    [
      'a duration without a unit',
      steps(`  a:\n    menu: { prompt: { ja: あ, en: a }, firstDigit: '6', choices: { '1': z } }\n    failed: z\n${END_STEP}`),
      ["s.yaml:6:51: '6' does not fit here; write a duration, as 6s or 1500ms"],
    ],
    [
      'too many tries',
      steps(`  a:\n    menu: { prompt: { ja: あ, en: a }, tries: 99, choices: { '1': z } }\n    failed: z\n${END_STEP}`),
      ['s.yaml:6:46: 99 is out of range; write how often it asks in all, from 1 to 10'],
    ],
    [
      'a way round that never ends',
      steps('  a:\n    say: { ja: あ, en: a }\n    next: b\n  b:\n    say: { ja: い, en: b }\n    next: a\n'),
      ['s.yaml:5:3: this way round never ends: a → b → a; lead one of its steps to handBack, route or hangUp'],
    ],
    [
      'a look-up of something that was never asked',
      steps(`  a:\n    lookUp: { customerCode: code }\n    found: z\n    notFound: z\n${END_STEP}`),
      ["s.yaml:6:29: there is no variable 'code'; there is none yet"],
    ],
    [
      'a desk that is not there',
      steps('  a:\n    route: osaka-dsk\n'),
      ["s.yaml:6:12: there is no desk 'osaka-dsk'; did you mean 'osaka-desk'?"],
    ],
    [
      'a hand-back to nobody',
      steps('  a:\n    handBack: identifed\n'),
      ["s.yaml:6:15: no scenario calls this one, so nobody knows 'identifed'; did you mean 'identified'?"],
    ],
    ['two steps of one name', steps(`${END_STEP}${END_STEP}`, 'z'), ["s.yaml:6:3: there is 'z' twice; take one of them out"]],
  ])('%s is named with its place and with what is right', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('may go round by answers: every asking is a try, so it ends', () => {
    const text = steps(`  a:\n    menu: { prompt: { ja: あ, en: a }, choices: { '9': a, '1': z } }\n    failed: z\n${END_STEP}`);
    const run = talk(setOf(text), { language: 'en', does: Array<string>(50).fill('9') });
    expect(run).toMatchObject({ ends: 'hangUp', hears: Array(30).fill('a') });
  });

  it('any text at all is read or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(TEXT.length), fc.nat(40), (noise, at, length) => {
        const parsed = parseScenarios([{ file: 's.yaml', text: TEXT.slice(0, at) + noise + TEXT.slice(at + length) }]);
        if (Array.isArray(parsed)) for (const p of parsed) expect(p.line).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });

  it('a test inside it that fails shows how', () => {
    const text = `${steps('  a:\n    handBack: identified\n')}tests:\n  - { name: t, language: ja, caller: ['1'], hears: [hello], ends: hangUp }\n`;
    expect(runScenarioTests(setOf(text), 'x')[0]?.failures).toEqual([
      "ends: expected 'hangUp', got 'handBack identified'",
      "hears: 'hello' was not said",
    ]);
  });
});
