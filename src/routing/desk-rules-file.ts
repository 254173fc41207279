/** The `desks:` of a control logic file: how each desk gives out, merged from the house, the file's `default` and the desk's own. */
import type { SourceFile } from '../base/checked-yaml.ts';
import type { DeskId } from '../base/ids.ts';
import { suggest } from '../base/nearest.ts';
import type { DeskRules, RetryOutcome, RetryRule, RulesOfDesks } from './desk-rules.ts';
import type { Desk, Directory } from './directory.ts';
import { type DeskSection, durationMs } from './logic-schema.ts';
import { type Discipline, MAX_OVERFLOW_RULES, type OverflowRule } from './matching/model.ts';

type Sections = Readonly<Record<DeskId, DeskSection>>;

const DEFAULT = 'default';
/** In place of a desk's id: the one that takes over from a desk. */
const NEXT_UP = 'nextUp';

/** Adds what the schema can't see. With a directory, desks are looked up in it, too. */
export function checkDeskSections(source: SourceFile, sections: Sections, directory?: Directory): void {
  const known = directory ? [...directory.desks.keys()] : null;
  for (const [id, { overflow = [], wrapUp, callbacks }] of Object.entries(sections)) {
    const at = ['desks', id] as const;
    if (known && id !== DEFAULT && !known.includes(id)) {
      source.add(at, `there is no desk '${id}'`, suggest(id, [...known, DEFAULT]), 'key');
    }
    if (overflow.length > MAX_OVERFLOW_RULES) {
      source.add([...at, 'overflow'], `these are ${overflow.length}`, `give at most ${MAX_OVERFLOW_RULES}`);
    }
    for (const [n, { to }] of overflow.entries()) {
      const path = [...at, 'overflow', n, 'to'];
      if (to === id) source.add(path, `'${id}' does not overflow to itself`, `name another desk, or ${NEXT_UP}`);
      else if (known && to !== NEXT_UP && !known.includes(to))
        source.add(path, `there is no desk '${to}'`, suggest(to, [...known, NEXT_UP]));
    }
    if (wrapUp?.limit !== undefined && wrapUp.most !== undefined && durationMs(wrapUp.most) < durationMs(wrapUp.limit)) {
      source.add([...at, 'wrapUp', 'most'], `${wrapUp.most} is shorter than the limit`, `write ${wrapUp.limit} or more`);
    }
    const [from, to] = callbacks?.hours?.split('-') ?? [];
    if (from !== undefined && from === to) {
      source.add([...at, 'callbacks', 'hours'], 'these hours end when they begin', 'all day is 00:00-24:00');
    }
  }
}

/** Scenarios that desks' rules name, and where in the file: whoever reads the scenarios checks that there are such. */
export function scenariosOfDesks(sections: Sections): readonly { readonly name: string; readonly path: readonly string[] }[] {
  return Object.entries(sections).flatMap(([id, section]) =>
    (['survey', 'callMe'] as const).flatMap((rule) => {
      const name = section[rule];
      return name === undefined || name === 'none' ? [] : [{ name, path: ['desks', id, rule] }];
    }),
  );
}

/** The last answer for each directory, which is replaced whole and never changed. A pure memo. */
const answers = new WeakMap<Directory, { readonly sections: Sections; readonly house: DeskRules; readonly rulesOf: RulesOfDesks }>();

/**
 * What holds at each desk: its own section of the file, over `default`, over the house's rules. `nextUp` is replaced by the desk that
 * is; rules that lead to no desk, or to the desk itself, are left out.
 * @returns the same object for the same desk of the same directory, every time
 */
export function rulesOfDesks(logic: { readonly desks: Sections }, house: DeskRules, directory: Directory): RulesOfDesks {
  const last = answers.get(directory);
  if (last?.sections === logic.desks && last.house === house) return last.rulesOf;
  const common = over(house, logic.desks[DEFAULT] ?? {});
  const rulesOf = new Map<DeskId, DeskRules>();
  for (const desk of directory.desks.values()) {
    const own = Object.hasOwn(logic.desks, desk.id) ? logic.desks[desk.id] : undefined;
    const merged = own ? over(common, own) : common;
    rulesOf.set(desk.id, { ...merged, overflow: overflowOf(merged, desk, directory) });
  }
  const nowhere: DeskRules = { ...common, overflow: [] };
  const answer: RulesOfDesks = (deskId) => rulesOf.get(deskId) ?? nowhere;
  answers.set(directory, { sections: logic.desks, house, rulesOf: answer });
  return answer;
}

function overflowOf(rules: DeskRules, desk: Desk, directory: Directory): OverflowRule[] {
  return rules.overflow
    .map((rule) => (rule.to === NEXT_UP ? { ...rule, to: desk.nextUp ?? '' } : rule))
    .filter((rule) => rule.to !== desk.id && directory.desks.has(rule.to));
}

const msOr = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : durationMs(text));

function over(rules: DeskRules, section: DeskSection): DeskRules {
  const { discipline, tieBreak, weights, promise, overflow, callbacks, wrapUp, survey, callMe, serviceLevel, expectedHandling } = section;
  const limitMs = msOr(wrapUp?.limit, rules.wrapUp.limitMs);
  const retry = (outcome: RetryOutcome): RetryRule => ({
    attempts: callbacks?.retry?.[outcome]?.attempts ?? rules.callbacks.retry[outcome].attempts,
    pauseMs: msOr(callbacks?.retry?.[outcome]?.pause, rules.callbacks.retry[outcome].pauseMs),
  });
  return {
    discipline: discipline === undefined ? rules.discipline : disciplineOf(discipline),
    tieBreak: tieBreak ?? rules.tieBreak,
    weights: { ...rules.weights, ...weights },
    promise: { leadMs: msOr(promise?.lead, rules.promise.leadMs), weight: promise?.weight ?? rules.promise.weight },
    overflow: overflow?.map(overflowRule) ?? rules.overflow,
    callbacks: {
      first: callbacks?.first ?? rules.callbacks.first,
      offerFromWaitMs: unless('nobody', callbacks?.offerFromWait, rules.callbacks.offerFromWaitMs),
      afterAbandonMs: unless('never', callbacks?.afterAbandon, rules.callbacks.afterAbandonMs),
      hours: hoursOf(callbacks?.hours, rules.callbacks.hours),
      retry: { busy: retry('busy'), noAnswer: retry('noAnswer'), failed: retry('failed') },
      attempts: callbacks?.attempts ?? rules.callbacks.attempts,
    },
    wrapUp: {
      limitMs,
      extensionMs: msOr(wrapUp?.extension, rules.wrapUp.extensionMs),
      mostMs: Math.max(limitMs, msOr(wrapUp?.most, rules.wrapUp.mostMs)),
    },
    survey: unlessNone(survey, rules.survey),
    callMe: unlessNone(callMe, rules.callMe),
    serviceLevel: {
      share: serviceLevel?.share === undefined ? rules.serviceLevel.share : serviceLevel.share / 100,
      withinMs: msOr(serviceLevel?.within, rules.serviceLevel.withinMs),
    },
    expectedHandlingMs: msOr(expectedHandling, rules.expectedHandlingMs),
  };
}

const disciplineOf = (written: NonNullable<DeskSection['discipline']>): Discipline =>
  typeof written === 'string'
    ? { name: 'one-queue' }
    : { name: 'calls-first', idleForCallbacksMs: durationMs(written.callsFirst.idleForCallbacks) };

function overflowRule(written: NonNullable<DeskSection['overflow']>[number]): OverflowRule {
  const { to } = written;
  if ('after' in written) return { to, when: 'afterMs', afterMs: durationMs(written.after) };
  if ('estimatedWait' in written) return { to, when: 'estimatedWaitMs', estimatedWaitMs: durationMs(written.estimatedWait) };
  return { to, when: 'nobody' };
}

/** Null for `none`. */
const unlessNone = (text: string | undefined, otherwise: string | null): string | null =>
  text === undefined ? otherwise : text === 'none' ? null : text;

/** Null for the word that means "not at all". */
function unless(word: string, text: string | undefined, otherwise: number | null): number | null {
  if (text === undefined) return otherwise;
  return text === word ? null : durationMs(text);
}

function hoursOf(text: string | undefined, otherwise: DeskRules['callbacks']['hours']): DeskRules['callbacks']['hours'] {
  if (text === undefined) return otherwise;
  const [from = '', to = ''] = text.split('-');
  return text === 'whileOpen' ? null : { from, to };
}
