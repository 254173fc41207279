import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '../../src/base/checked-yaml.ts';
import { parseScenario } from '../../src/ivr/parse.ts';
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
    expect(prompt(prompts, 'queue.position', 'ja', { position: 20 }).text).toContain('20番目');
    expect(prompt(prompts, 'queue.position', 'en', { position: 21 }).text).toContain('Twenty callers or more');
    expect(prompt(prompts, 'queue.position', 'ja', { position: 21 }).text).not.toContain('21');
  });

  it('a name that nobody wrote a text for is a slip of the program, and told as such', () => {
    expect(() => prompt(prompts, 'queue.positoin', 'ja')).toThrow("there is no prompt 'queue.positoin'");
  });
});

describe('what can be made ready beforehand', () => {
  const scenario = unwrap(
    parseScenario(
      'name: x\nlanguages: [en]\nvariables: [name]\nstart: a\nsteps:\n  a:\n    say: { en: "Hello {name}" }\n    next: b\n  b:\n    say: { en: Goodbye }\n    next: c\n  c: { hangUp: true }\n',
      's.yaml',
    ),
  );
  const all = finitePrompts(prompts, [scenario]);
  it('is every text without variables, every position, each once', () => {
    for (let position = 1; position <= 21; position++) {
      for (const language of ['ja', 'en'] as const) {
        expect(all).toContainEqual(prompt(prompts, 'queue.position', language, { position }));
      }
    }
    expect(all).toContainEqual({ language: 'en', text: 'Goodbye' });
    expect(all.some((p) => p.text.includes('Hello') && p.text.includes('{'))).toBe(false);
    expect(new Set(all.map((p) => `${p.language}${p.text}`)).size).toBe(all.length);
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
    expect(problems(text.replace('You are number {position}', 'You are number {positon}'))).toEqual([
      expect.stringMatching(/^p\.yaml:9:\d+: there is no variable 'positon'; did you mean 'position'\?$/),
    ]);
  });
  it('that lacks a language is told so', () => {
    expect(problems(text.replace('    en: Thank you for calling. We are closed at the moment.\n', ''))).toEqual([
      expect.stringMatching(/^p\.yaml:\d+:3: the field 'en' is missing; add 'en: …', a text$/),
    ]);
  });
  it('that gives no range for a number is told so', () => {
    expect(problems(text.replace('    numbers: { position: { from: 1, to: 20 } }\n', ''))[0]).toContain(
      'the range of {position} is missing',
    );
  });
});
