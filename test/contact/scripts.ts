/** Small dialogues of a few keys, for stories and random histories: what each scenario is there for, and nothing of how it is said. */

import type { Language } from '#src/base/ids.ts';
import type { Dialogue, DialogueAction, DialogueInput, DialogueResult, Values } from '#src/ivr/scenario.ts';

const SECOND = 1_000;
export const OUTSIDE = '+81312345600';
/** In a country that nobody may be put through to. */
export const ABROAD = '+442079460000';

const result = (dialogue: Dialogue, actions: readonly DialogueAction[], timeoutMs: number | null = null): DialogueResult => ({
  dialogue,
  actions,
  timeoutMs,
  notes: [],
  entered: [],
});

export function startScript(scenario: string, language: Language, variables: Values = {}): DialogueResult {
  const blank: Dialogue = { scenario, version: '1', step: 'ask', language, variables, digits: '', tries: 0, play: 0, playing: false };
  return ask(blank);
}

/** Asks, again when nothing comes, and gives up after that. */
function ask(d: Dialogue): DialogueResult {
  if (d.tries >= 2) return result(d, [{ type: 'hangUp', as: null }]);
  const play = d.play + 1;
  const text = [d.scenario, ...Object.values(d.variables)].join(' ');
  const asking: Dialogue = { ...d, step: 'ask', tries: d.tries + 1, play, playing: true };
  return result(asking, [{ type: 'play', play, prompts: [{ language: d.language, text }] }]);
}

const NOWHERE = { desk: null, priority: null, needs: null };

/** What a key means, by scenario; none: it is not understood. */
const KEYS: Readonly<Record<string, Readonly<Record<string, (d: Dialogue) => readonly DialogueAction[]>>>> = {
  survey: {
    1: () => [keep(1), { type: 'hangUp', as: null }],
    5: () => [keep(5), { type: 'hangUp', as: null }],
    0: () => [{ type: 'route', ...NOWHERE, desk: 'reception' }],
    7: () => [{ type: 'handBack', identified: true }],
  },
  notice: {
    1: () => [{ type: 'hangUp', as: 'confirmed' }],
    2: () => [{ type: 'route', ...NOWHERE }],
    4: () => [{ type: 'handBack', identified: true }],
    9: () => [{ type: 'hangUp', as: 'notReached' }],
  },
  'call-me': {
    1: () => [{ type: 'handBack', identified: true }],
    2: () => [{ type: 'route', ...NOWHERE, desk: 'reception' }],
    9: () => [{ type: 'hangUp', as: null }],
  },
  outside: {
    1: () => [{ type: 'transferOut', number: OUTSIDE, timeoutMs: 20 * SECOND }],
    2: () => [{ type: 'transferOut', number: ABROAD, timeoutMs: 20 * SECOND }],
    4: () => [{ type: 'handBack', identified: false }],
    9: () => [{ type: 'hangUp', as: 'done' }],
  },
};

const keep = (satisfaction: number): DialogueAction => ({ type: 'keep', answers: { satisfaction } });

export function stepScript(d: Dialogue, input: DialogueInput): DialogueResult {
  const waits = d.step === 'outside';
  switch (input.type) {
    case 'digit': {
      const meaning = waits ? undefined : KEYS[d.scenario]?.[input.digit];
      if (!meaning) return result(d, [], waits ? null : 5 * SECOND);
      const stop: DialogueAction[] = d.playing ? [{ type: 'stopPlay', play: d.play }] : [];
      const actions = meaning(d);
      const step = actions.some(({ type }) => type === 'transferOut') ? 'outside' : 'ask';
      return result({ ...d, step, playing: false }, [...stop, ...actions]);
    }
    case 'playFinished': {
      if (!d.playing || input.play !== d.play) return result(d, [], waits ? null : 5 * SECOND);
      const heard = d.scenario === 'notice' ? { ...d.variables, heard: 'true' } : d.variables;
      return result({ ...d, variables: heard, playing: false }, [], 5 * SECOND);
    }
    case 'transferFailed':
      return waits ? ask({ ...d, variables: { ...d.variables, cause: input.cause }, tries: 0 }) : result(d, [], 5 * SECOND);
    case 'timeout':
      return waits ? result(d, []) : ask(d);
    default:
      return result(d, [], waits ? null : 5 * SECOND);
  }
}

export const isScript = (scenario: string): boolean => Object.hasOwn(KEYS, scenario);
