/** Where supervisors see scenarios, count who is where, and try one out. Everything that a browser may know of them goes through here. */
import { randomBytes } from 'node:crypto';
import type { AgentId, DeskId, EpochMs } from './base/ids.ts';
import type { Logger } from './base/log.ts';
import type { Contact } from './contact/model.ts';
import type { StepCount } from './db/scenario-counts.ts';
import type { Scenario } from './ivr/parse.ts';
import type { Values } from './ivr/scenario.ts';
import type { Service } from './ivr/services.ts';
import { DryRun, SOME_WORLD, type World } from './ivr/talk.ts';
import type { Desk, Directory } from './routing/directory.ts';
import { isOpen, wallClock } from './routing/hours.ts';
import { Drawings, TooTangled } from './scenario-drawings.ts';
import type { ScenariosState } from './scenarios.ts';
import { desksToSupervise } from './views.ts';
import { RequestRefused } from './web/backend.ts';
import type { ScenarioDrawingView, ScenarioListView, ScenarioSummaryView, TalkAct, TalkDraft, TalkView } from './web/scenario-messages.ts';
import type { ScenarioDesk } from './web/scenarios.ts';

export interface ScenarioDeskParts {
  readonly state: () => ScenariosState;
  /** Those that are not over. */
  readonly contacts: () => Iterable<Contact>;
  /** How many callers came to each step within a time, and hung up there. */
  readonly counts: (from: EpochMs, until: EpochMs) => Promise<readonly StepCount[]>;
  readonly directory: () => Directory;
  readonly now: () => EpochMs;
  readonly log: Logger;
}

/** Walking the floor, and counting the day's events: however many watch, no more often than this. */
const LIVE_AGE_MS = 1_000;
const COUNTS_AGE_MS = 60_000;
const DAY_MS = 86_400_000;
const PROBLEMS_SHOWN = 50;

const TALKS_EACH = 3;
const TALKS_IN_ALL = 200;
const TALK_IDLE_MS = 15 * 60_000;
/** No caller does more; whoever goes on and on in a queue that nobody answers has seen it. */
const MOST_ACTS = 500;

type AtStep = Map<string, number>;
const stepKey = (scenario: string, step: string): string => `${scenario}/${step}`;
const NOTHING = { entered: 0, gaveUp: 0 };

export function scenarioDesk(parts: ScenarioDeskParts): ScenarioDesk {
  const { state, directory, now } = parts;
  const liveNow = liveCounter(parts);
  const lately = latelyCounter(parts);
  const talks = new Talks(parts);
  const drawings = new Drawings();

  const known = (name: string): Scenario => {
    const scenario = state().release.set.scenarios.get(name);
    if (!scenario) throw new RequestRefused('noSuchScenario', 'there is no such scenario', 404);
    return scenario;
  };

  return {
    list(principal): ScenarioListView {
      const desks = desksToSupervise(principal, directory());
      const { release, since, tests, problems, problemsSince, preparing } = state();
      const live = liveNow();
      const { today, week, countedAt } = lately();
      const reached = new Set(
        [...tests.values()].flat().flatMap(({ talk }) => talk.way.map(({ scenario, step }) => stepKey(scenario, step))),
      );
      const summary = (scenario: Scenario): ScenarioSummaryView => {
        const { name, languages, callers, steps } = scenario;
        const results = tests.get(name) ?? [];
        return {
          name,
          languages: [...languages],
          callers,
          entries: directory().entries.flatMap((entry) => (entry.scenario === name ? (entry.numbers[0] ?? entry.id) : [])),
          steps: [...steps.keys()].map((step) => {
            const key = stepKey(name, step);
            return { name: step, now: live.at.get(key) ?? 0, today: today.get(key) ?? NOTHING, week: week.get(key) ?? NOTHING };
          }),
          tests: {
            passed: results.filter(({ failures }) => failures.length === 0).length,
            total: results.length,
            stepsReached: [...steps.keys()].filter((step) => reached.has(stepKey(name, step))).length,
          },
          elsewhere: live.elsewhere.get(name) ?? 0,
        };
      };
      return {
        serverTime: now(),
        release: { version: release.version, since, preparing },
        olderReleases: live.older,
        problems: problems.slice(0, PROBLEMS_SHOWN).map((problem) => ({ ...problem })),
        problemCount: problems.length,
        problemsSince,
        countedAt,
        // The front doors first.
        scenarios: [...release.set.scenarios.values()]
          .map(summary)
          .sort((a, b) => Math.sign(b.entries.length) - Math.sign(a.entries.length) || (a.name < b.name ? -1 : 1)),
        desks: [...desks.values()].map(({ id, name }) => ({ id, name })),
      };
    },

    async draw(principal, name, language): Promise<ScenarioDrawingView> {
      desksToSupervise(principal, directory());
      const scenario = known(name);
      const { version } = state().release;
      try {
        return { name, version, svg: await drawings.draw(version, scenario, language) };
      } catch (error) {
        if (!(error instanceof TooTangled)) throw error;
        throw new RequestRefused('tooTangled', error.message);
      }
    },

    begin(principal, draft) {
      desksToSupervise(principal, directory());
      known(draft.scenario);
      return talks.begin(principal.agentId, draft);
    },

    act(principal, talk, act) {
      desksToSupervise(principal, directory());
      return talks.act(principal.agentId, talk, act);
    },
  };
}

/** Counts anew when the last count is old, whoever asks. */
function liveCounter(parts: ScenarioDeskParts): () => ReturnType<typeof countLive> {
  let last: { readonly at: EpochMs; readonly counted: ReturnType<typeof countLive> } | null = null;
  return () => {
    const at = parts.now();
    if (last === null || Math.abs(at - last.at) >= LIVE_AGE_MS) last = { at, counted: countLive(parts) };
    return last.counted;
  };
}

/** Who is at which step; those for whom an agent's phone rings, too, as they hear what the step says. */
function countLive({ contacts, state }: ScenarioDeskParts) {
  const { release } = state();
  const at: AtStep = new Map();
  const elsewhere = new Map<string, number>();
  let older = 0;
  for (const { dialogue, state: contactState } of contacts()) {
    if (!dialogue || !['scenario', 'queued', 'offered'].includes(contactState)) continue;
    const { scenario, step, version } = dialogue;
    if (version !== release.version) older += 1;
    const key = stepKey(scenario, step);
    if (release.set.scenarios.get(scenario)?.steps.has(step)) at.set(key, (at.get(key) ?? 0) + 1);
    else elsewhere.set(scenario, (elsewhere.get(scenario) ?? 0) + 1);
  }
  return { at, elsewhere, older };
}

type Counts = ReadonlyMap<string, { readonly entered: number; readonly gaveUp: number }>;

interface Lately {
  readonly today: Counts;
  readonly week: Counts;
  /** Null: not yet. */
  readonly countedAt: EpochMs | null;
}

/**
 * What was counted last, today and in the seven days that end with it. It is counted anew beside whoever asks: nobody waits for it. Days that
 * are over are counted once.
 */
function latelyCounter({ counts, directory, now, log }: ScenarioDeskParts): () => Lately {
  let last: Lately = { today: new Map(), week: new Map(), countedAt: null };
  let begunAt = Number.NEGATIVE_INFINITY;
  let counting = false;
  let over = new Map<EpochMs, readonly StepCount[]>();
  const count = async (countedAt: EpochMs): Promise<void> => {
    const { hour, minute } = wallClock(countedAt, receptionOf(directory())?.timeZone ?? SOME_WORLD.timeZone);
    const midnight = countedAt - (hour * 60 + minute) * 60_000 - (countedAt % 60_000);
    const today = await counts(midnight, countedAt);
    const before = new Map<EpochMs, readonly StepCount[]>();
    for (let from = midnight - 6 * DAY_MS; from < midnight; from += DAY_MS) {
      before.set(from, over.get(from) ?? (await counts(from, from + DAY_MS)));
    }
    over = before;
    last = { today: byStep(today), week: byStep([...today, ...[...before.values()].flat()]), countedAt };
  };
  return () => {
    if (!counting && now() - begunAt >= COUNTS_AGE_MS) {
      counting = true;
      begunAt = now();
      void count(begunAt)
        .catch((error: unknown) => log.warn({ err: error }, 'steps of scenarios could not be counted'))
        .finally(() => {
          counting = false;
        });
    }
    return last;
  };
}

function byStep(found: readonly StepCount[]): Counts {
  const counts = new Map<string, { entered: number; gaveUp: number }>();
  for (const { scenario, step, entered, gaveUp } of found) {
    const key = stepKey(scenario, step);
    const sum = counts.get(key) ?? NOTHING;
    counts.set(key, { entered: sum.entered + entered, gaveUp: sum.gaveUp + gaveUp });
  }
  return counts;
}

const receptionOf = ({ desks }: Directory): Desk | undefined =>
  [...desks.values()].find((desk) => desk.isReception) ?? [...desks.values()][0];

interface Talk {
  readonly id: string;
  readonly by: AgentId;
  readonly version: string;
  readonly run: DryRun;
  readonly lines: { who: 'house' | 'caller' | 'system'; text: string }[];
  heard: number;
  done: number;
  acts: number;
  at: EpochMs;
}

/** Talks under way: few, and none for long. They go with this process; whoever had one begins another. */
class Talks {
  readonly #parts: ScenarioDeskParts;
  /** The longest untouched first. */
  readonly #talks = new Map<string, Talk>();

  constructor(parts: ScenarioDeskParts) {
    this.#parts = parts;
  }

  begin(by: AgentId, draft: TalkDraft): TalkView {
    const { release } = this.#parts.state();
    const own = [...this.#talks.values()].filter((talk) => talk.by === by);
    for (const { id } of own.slice(0, Math.max(0, own.length - TALKS_EACH + 1))) this.#talks.delete(id);
    const run = new DryRun(release.set, draft.scenario, { language: draft.language }, this.#worldOf(draft));
    run.listen();
    const id = randomBytes(16).toString('hex');
    const talk: Talk = { id, by, version: release.version, run, lines: [], heard: 0, done: 0, acts: 0, at: 0 };
    return this.#show(talk);
  }

  act(by: AgentId, id: string, act: TalkAct): TalkView {
    this.#forgetIdle();
    const talk = this.#talks.get(id);
    if (!talk || talk.by !== by) throw new RequestRefused('noSuchTalk', 'this talk is not there any more; begin another', 404);
    const { run } = talk;
    if (run.ends !== null) return this.#show(talk);
    talk.acts += 1;
    const last = talk.lines.at(-1);
    if (act.does === 'key' && last?.who === 'caller' && /^[0-9*#]+$/.test(last.text)) last.text += act.key;
    else talk.lines.push({ who: 'caller', text: wordsOf(act) });
    if (talk.acts > MOST_ACTS) run.hangUp();
    else carryOut(run, act);
    run.listen();
    return this.#show(talk);
  }

  #show(talk: Talk): TalkView {
    const { run } = talk;
    talk.at = this.#parts.now();
    this.#talks.delete(talk.id);
    this.#talks.set(talk.id, talk);
    this.#forgetIdle();
    for (const text of run.hears.slice(talk.heard)) talk.lines.push({ who: 'house', text });
    for (const text of run.does.slice(talk.done)) talk.lines.push({ who: 'system', text });
    talk.heard = run.hears.length;
    talk.done = run.does.length;
    const { scenario, step, listening } = run.dialogue;
    return {
      id: talk.id,
      version: talk.version,
      scenario,
      step,
      lines: talk.lines.map((line) => ({ ...line })),
      awaits: run.awaits,
      listening: listening !== undefined,
      ends: run.ends,
    };
  }

  #forgetIdle(): void {
    const idle = this.#parts.now() - TALK_IDLE_MS;
    for (const { id, at } of this.#talks.values()) {
      if (at >= idle && this.#talks.size <= TALKS_IN_ALL) break;
      this.#talks.delete(id);
    }
  }

  #someAnswers(outcome: TalkDraft['services']): World['services'] {
    const { services } = this.#parts.state().release.services;
    const answerOf = (gives: Service['gives']): Values =>
      Object.fromEntries(Object.entries(gives).map(([field, type]) => [field, SOME[type]]));
    return Object.fromEntries([...services].map(([name, { gives }]) => [name, outcome === 'found' ? answerOf(gives) : outcome]));
  }

  #worldOf(draft: TalkDraft): World {
    const directory = this.#parts.directory();
    const at = draft.at ?? this.#parts.now();
    const reception = receptionOf(directory);
    const entry = directory.entries.find(({ scenario }) => scenario === draft.scenario) ?? directory.entries[0];
    const isDeskOpen = (id: DeskId): boolean => {
      const desk = id === 'reception' ? reception : directory.desks.get(id);
      return desk !== undefined && isOpen(desk, at);
    };
    return {
      ...SOME_WORLD,
      at,
      timeZone: reception?.timeZone ?? SOME_WORLD.timeZone,
      from: draft.from,
      party: { kind: draft.party },
      entry: entry?.id ?? SOME_WORLD.entry,
      isOpen: isDeskOpen,
      sight: { ...SOME_WORLD.sight, staffed: draft.staffed },
      known: draft.known === null ? [] : [draft.known],
      services: this.#someAnswers(draft.services),
      speech: draft.speech,
    };
  }
}

/** What a service could answer, by what each of its fields is. */
const SOME = { string: 'ABC', int: 3, double: 2.5, bool: true } as const;

function carryOut(run: DryRun, act: TalkAct): void {
  switch (act.does) {
    case 'key':
      return run.key(act.key);
    case 'silence':
      return run.silence();
    case 'hangUp':
      return run.hangUp();
    case 'agent':
      return run.agent();
    case 'says':
      return run.says(act.words);
    case 'records':
      return run.records(act.seconds * 1_000);
  }
}

/** As the tests inside scenario files write it. */
function wordsOf(act: TalkAct): string {
  switch (act.does) {
    case 'key':
      return act.key;
    case 'says':
      return `says ${act.words}`;
    case 'records':
      return `records ${act.seconds}s`;
    default:
      return act.does;
  }
}
