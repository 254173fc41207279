import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '../../src/base/checked-yaml.ts';
import { finitePrompts, PROMPT_VARIABLES, parsePrompts, prompt } from '../../src/ivr/prompts.ts';

const text = readFileSync(new URL('../../scenarios/prompts.yaml', import.meta.url), 'utf8');
const prompts = unwrap(parsePrompts(text, 'p.yaml'));
const problems = (changed: string): string[] => {
  const parsed = parsePrompts(changed, 'p.yaml');
  return Array.isArray(parsed) ? parsed.map(formatProblem) : [];
};

describe('what the house says', () => {
  it.each(Object.keys(PROMPT_VARIABLES))('%s is there in both languages', (name) => {
    for (const language of ['ja', 'en'] as const) {
      const said = prompt(prompts, name, language, { position: 3 });
      expect(said.language).toBe(language);
      expect(said.text.length).toBeGreaterThan(3);
      expect(said.text).not.toMatch(/[{}]|undefined/);
    }
  });

  it('tells the position up to twenty, and beyond that that there are more', () => {
    expect(prompt(prompts, 'queue.position', 'en', { position: 3 }).text).toContain('You are number 3 in the queue');
    expect(prompt(prompts, 'queue.position', 'ja', { position: 20 })).toMatchObject({
      text: expect.stringContaining('20番目'),
      parts: expect.arrayContaining(['二', '十番目']),
    });
    expect(prompt(prompts, 'queue.position', 'en', { position: 21 }).text).toContain('Twenty callers or more');
    expect(prompt(prompts, 'queue.position', 'ja', { position: 21 }).text).not.toContain('21');
  });

  it('a name that nobody wrote a text for is a slip of the program, and told as such', () => {
    expect(() => prompt(prompts, 'queue.positoin', 'ja')).toThrow("there is no prompt 'queue.positoin'");
  });
});

describe('what can be made ready beforehand', () => {
  const scenario = {
    languages: ['en'],
    texts: [
      { en: 'Hello {name}, you have {count:number} messages.' },
      { en: 'Goodbye', ja: 'さようなら' },
      { en: 'You have {count:number} messages, {name}.', recording: 'messages' },
    ],
  } as const;
  const all = finitePrompts(prompts, [scenario]);

  it('is every fixed word and every piece of a value, each once; never what is in a variable as it is', () => {
    for (let position = 1; position <= 25; position++) {
      for (const language of ['ja', 'en'] as const) {
        const { text, parts } = prompt(prompts, 'queue.position', language, { position });
        for (const part of parts ?? [text]) expect(all).toContainEqual({ language, text: part });
      }
    }
    for (const text of ['Hello', ', you have', 'messages.', 'seventeen', 'Goodbye']) expect(all).toContainEqual({ language: 'en', text });
    expect(all.some((p) => p.text === 'さようなら')).toBe(false); // the scenario does not speak it
    expect(all.some((p) => p.recording === undefined && p.text.includes('{'))).toBe(false);
    expect(new Set(all.map((p) => `${p.language}${p.text}`)).size).toBe(all.length);
  });

  it('has what is asked for by name, with the words to be said where there is no such file', () => {
    const recorded = all.find((p) => p.recording === 'messages');
    expect(recorded?.parts).toContain('You have');
    expect(recorded?.parts).toContain('seventeen');
  });
});

describe('a wrong prompts file', () => {
  it('that lacks a prompt, or misspells one, is told so', () => {
    expect(problems(text.replace('  queue.next:', '  queue.nexd:'))).toEqual([
      "p.yaml:6:1: the prompt 'queue.next' is missing; add 'queue.next:' with ja and en",
      expect.stringMatching(/^p\.yaml:14:3: nobody says 'queue\.nexd'; did you mean 'queue\.next'\?$/),
    ]);
  });
  it('that names an unknown variable is told so', () => {
    expect(problems(text.replace('You are number {position:', 'You are number {positon:'))).toEqual([
      expect.stringMatching(/^p\.yaml:9:\d+: there is no variable 'positon'; did you mean 'position'\?$/),
    ]);
  });
  it('that lacks a language is told so', () => {
    expect(problems(text.replace('    en: Thank you for calling. We are closed at the moment.\n', ''))).toEqual([
      expect.stringMatching(/^p\.yaml:\d+:3: the field 'en' is missing; add 'en: …', a text$/),
    ]);
  });
  it('that does not say how a number is read out is told so', () => {
    expect(problems(text.replace('number {position:number} in', 'number {position} in'))).toEqual([
      expect.stringMatching(/^p\.yaml:9:\d+: how is \{position\} read out\?; write \{position:number\}/),
    ]);
    expect(problems(text.replace('{position:number}', '{position:numbr}'))).toEqual([
      expect.stringMatching(/^p\.yaml:9:\d+: nothing is read out as 'numbr'; did you mean 'number'\?$/),
    ]);
  });
  it('that gives a range, and not what is said beyond it, is told so', () => {
    expect(problems(text.replace('  queue.next:\n', '  queue.next:\n    numbers: { minutes: { from: 1, to: 2 } }\n'))).toEqual([
      expect.stringContaining("there is no variable 'minutes'"),
      expect.stringContaining('nothing is said when minutes is over 2'),
    ]);
  });
});
