/**
 * What a scenario says: a text per language, with `{name}` for a variable as it is, and `{name:format}` for one that is read
 * out as what it is (docs/prompts.md has the formats). Pure.
 *
 * A text becomes a sequence of parts, each with a sound file of its own: its fixed words, and pieces from a small vocabulary. So
 * everything but free text (a name, what a service answered) can be rendered, or recorded by a speaker, beforehand.
 */

import type { Language } from '../base/ids.ts';
import { suggest } from '../base/nearest.ts';
import type { Prompt, Values } from './scenario.ts';
import { FORMATS } from './speaking/formats.ts';

/** `recording`: a speaker's, by its name in `scenarios/prompts/<language>/`; it takes the place of the words. */
export type Text = Readonly<Partial<Record<Language, string>>> & { readonly recording?: string };

/** As long as a text of a scenario may be, or that of a notice. No voice is made to read more. */
const LONGEST_VALUE = 2_000;

type Element = string | { readonly variable: string; readonly format: string | null };

const VARIABLE = /^([A-Za-z][\w.]*)(?::([A-Za-z]*))?$/;

/** Fixed words and variables, in order. What is no variable is words. */
function elementsOf(words: string): Element[] {
  return words.split(/(\{[^{}]*\})/).flatMap((part): Element[] => {
    const [, variable, format] = (part.startsWith('{') && VARIABLE.exec(part.slice(1, -1))) || [];
    if (variable !== undefined) return [{ variable, format: format ?? null }];
    return part === '' ? [] : [part];
  });
}

/** Unknown variables, unknown formats, stray braces. `start` counts characters of `words`. */
export function textProblems(words: string, variables: readonly string[]): { start: number; problem: string; remedy: string }[] {
  const problems: { start: number; problem: string; remedy: string }[] = [];
  for (const match of words.matchAll(/\{([^{}]*)\}|[{}]/g)) {
    const [written, inner] = match;
    const start = match.index + 1;
    if (inner === undefined) {
      problems.push({ start: match.index, problem: `a stray '${written}'`, remedy: 'write a variable as {name} or {name:number}' });
      continue;
    }
    const [, name, format] = VARIABLE.exec(inner) ?? [];
    if (name === undefined) {
      problems.push({ start, problem: `'${written}' is no variable`, remedy: 'write {name} or {name:number}, without spaces' });
      continue;
    }
    if (!variables.includes(name)) problems.push({ start, problem: `there is no variable '${name}'`, remedy: suggest(name, variables) });
    if (format !== undefined && !FORMATS.has(format)) {
      problems.push({
        start: start + name.length + 1,
        problem: `nothing is read out as '${format}'`,
        remedy: suggest(format, [...FORMATS.keys()]),
      });
    }
  }
  return problems;
}

/**
 * A text with its values put in. A variable without a value is left out; a value that does not have the form of its format is
 * read as text.
 */
export function promptOf(text: Text, language: Language, values: Values): Prompt {
  let whole = '';
  const parts: string[] = [];
  const elements = elementsOf(text[language] ?? '');
  for (const element of elements) {
    if (typeof element === 'string') {
      whole += element;
      parts.push(element.trim());
      continue;
    }
    const value = Object.hasOwn(values, element.variable) ? values[element.variable] : undefined;
    if (value === undefined) continue;
    const spoken = element.format === null ? null : FORMATS.get(element.format)?.read(value, language);
    const asText = String(value).slice(0, LONGEST_VALUE).toWellFormed();
    whole += spoken?.written ?? asText;
    parts.push(...(spoken?.pieces ?? [asText.trim()]));
  }
  const audible = parts.filter(isAudible);
  return {
    language,
    text: whole,
    ...(elements.some((element) => typeof element !== 'string') && audible.length > 0 && { parts: audible }),
    ...(text.recording !== undefined && { recording: text.recording }),
  };
}

/** Everything of a text that can be rendered beforehand: its fixed words, and the vocabulary of the formats that it uses. */
export function fixedParts(text: Text, language: Language): string[] {
  const parts = new Set<string>();
  for (const element of elementsOf(text[language] ?? '')) {
    if (typeof element === 'string') parts.add(element.trim());
    else for (const piece of FORMATS.get(element.format ?? '')?.vocabulary(language) ?? []) parts.add(piece);
  }
  return [...parts].filter(isAudible);
}

/** No voice makes a sound of a full stop alone. */
const isAudible = (part: string): boolean => /[\p{L}\p{N}]/u.test(part);
