/**
 * The scenarios of a running house. Its folder is looked at all the time: files that are right become a new release, by which dialogues
 * begin from then on; files that are not change nothing, and what is wrong with them is told until it is put right. A dialogue under way
 * goes on by the release that it began with; those releases are kept in the database, so also after a restart.
 */
import { relative } from 'node:path';
import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type FileProblem, FileProblemsError, formatProblem } from './base/checked-yaml.ts';
import type { DomainId, EpochMs, Language } from './base/ids.ts';
import type { Logger } from './base/log.ts';
import type { FloorContext } from './contact/floor.ts';
import type { Contact } from './contact/model.ts';
import { type FloorStore, type Lease, LeaseLostError } from './contact/ports.ts';
import type { PromptFiles } from './cti/prompts.ts';
import type { Queryable } from './db/pool.ts';
import { findReleases, useRelease } from './db/releases.ts';
import { finitePrompts, prompt } from './ivr/prompts.ts';
import type { DialogueResult } from './ivr/scenario.ts';
import type { Services } from './ivr/services.ts';
import { startDialogue, stepDialogue } from './ivr/step.ts';
import { runScenarioTests, type ScenarioTestResult } from './ivr/talk.ts';
import { decideDesk } from './routing/control-logic.ts';
import type { DeskRules } from './routing/desk-rules.ts';
import { rulesOfDesks } from './routing/desk-rules-file.ts';
import type { Directory } from './routing/directory.ts';
import { type Files, readFolder, watchFolder } from './scenario-folder.ts';
import { type Checked, checkFiles, checkFilesInTurns, failedTests, type Release, readReleaseInTurns } from './scenario-release.ts';

export interface ScenariosOptions {
  readonly folder: string;
  readonly domainId: DomainId;
  readonly db: Queryable;
  readonly directory: () => Directory;
  /** What holds at desks where the control logic says nothing else. */
  readonly house: DeskRules;
  /** A release takes effect when all that it says is ready to be played. */
  readonly prompts: Pick<PromptFiles, 'renderAll'>;
  /** Those that are not over. Asked only while this node owns the domain. */
  readonly contacts: () => Iterable<Contact>;
  /** Other control logic holds from now on: the floor is to look again. Told only while this node owns the domain. */
  readonly logicChanged: () => Promise<unknown>;
  readonly now: () => EpochMs;
  readonly log: Logger;
  /** How often the folder is looked at; a change takes effect when two looks in a row have seen it. */
  readonly lookEveryMs?: number;
}

/** How the scenarios stand, for whoever watches the house. */
export interface ScenariosState {
  readonly release: Release;
  /** Since when dialogues begin on it. */
  readonly since: EpochMs;
  readonly tests: TestResults;
  /** What is wrong with the files as they are now, and since when. Empty: they are what is in use. */
  readonly problems: readonly FileProblem[];
  readonly problemsSince: EpochMs | null;
  /** The files are right and other ones than those in use: what they say is being made ready. */
  readonly preparing: boolean;
}

type TestResults = ReadonlyMap<string, readonly ScenarioTestResult[]>;

const LOOK_EVERY_MS = 1_000;
const READ_TRIES = 50;
const READ_AGAIN_MS = 100;
/** Rendering takes a second or two when everything is new; nobody wants to read more often than this. */
const TELL_EVERY_MS = 1_000;
/** What has no voice by then is rendered while we are open: whoever needs it first waits a moment, and goes before the rest. */
const START_WITHOUT_MS = 2_000;

/**
 * Reads the folder for the first time, and makes the prompts ready.
 * @param progress told how many of them are, as `12/80`
 * @throws FileProblemsError with all that is wrong in all files
 */
export async function openScenarios(options: ScenariosOptions, progress: (what: string) => void = () => undefined): Promise<Scenarios> {
  const { folder, directory, log } = options;
  const place = `${relative(process.cwd(), folder) || '.'}/`;
  const known = { files: await readQuietFolder(folder, place), directory: directory() };
  const checked = checkFiles(known.files, place, known.directory);
  if (Array.isArray(checked)) throw new FileProblemsError(checked);
  await makeReady(checked.release, options, progress, START_WITHOUT_MS);
  const { tests, problems } = await test(checked.release, place);
  // There is no better one to stay with; but they are told, and whatever comes next must pass its own.
  if (problems.length > 0) log.warn({ problems: problems.map(formatProblem) }, 'tests of the scenarios fail');
  return new Scenarios(options, place, { ...checked, tests, failing: problems, known });
}

interface Seen {
  readonly files: Files;
  readonly directory: Directory;
}

interface First extends Checked {
  readonly tests: TestResults;
  readonly failing: readonly FileProblem[];
  readonly known: Seen;
}

export class Scenarios {
  readonly #options: ScenariosOptions;
  readonly #place: string;
  #logic: Checked['logic'];
  #newest: Release;
  #since: EpochMs;
  #tests: TestResults;
  /** Tests of the newest that fail; only the one that was there at the start has any. */
  #failing: readonly FileProblem[];
  #problems: readonly FileProblem[];
  #problemsSince: EpochMs | null;
  /** By version: the newest, the one before it (a dialogue may have begun on it and not be committed yet), and those with dialogues. */
  #releases: ReadonlyMap<string, Release>;
  #lease: Lease | null = null;
  /** Looks at the folder, one after another; making a release's prompts ready may take minutes. */
  readonly #reads = new Turns();
  /** What changes the releases; a node that takes the domain over does not wait for prompts. */
  readonly #changes = new Turns();
  readonly #closed = new AbortController();
  /** What was looked at last, and need not be again. */
  #known: Seen | null;
  #preparing = false;
  readonly #stopWatching: () => Promise<void>;

  constructor(options: ScenariosOptions, place: string, { release, logic, tests, failing, known }: First) {
    this.#options = options;
    this.#place = place;
    this.#logic = logic;
    this.#newest = release;
    this.#since = options.now();
    this.#tests = tests;
    this.#failing = failing;
    this.#known = known;
    this.#problems = failing;
    this.#problemsSince = failing.length > 0 ? this.#since : null;
    this.#releases = new Map([[release.version, release]]);
    const everyMs = options.lookEveryMs ?? LOOK_EVERY_MS;
    this.#stopWatching = watchFolder({ folder: options.folder, everyMs, changed: () => this.#reads.take(() => this.#read()) });
  }

  get state(): ScenariosState {
    return {
      release: this.#newest,
      since: this.#since,
      tests: this.#tests,
      problems: this.#problems,
      problemsSince: this.#problemsSince,
      preparing: this.#preparing,
    };
  }

  /** What scenarios may ask, and by what they send: as the files have it now. */
  get services(): Services {
    return this.#newest.services;
  }

  /** The same for a dialogue that began with that release. */
  servicesOf(version: string): Services {
    return (this.#releases.get(version) ?? this.#newest).services;
  }

  /** For a floor that goes by this directory; to be asked anew for each decision. */
  context(
    directory: Directory,
  ): Pick<FloorContext, 'timeZone' | 'greetsEverybody' | 'startDialogue' | 'stepDialogue' | 'say' | 'decideDesk' | 'rulesOf'> {
    const { logic } = this.#logic;
    const newest = this.#newest;
    return {
      decideDesk: (facts, at) => {
        const { deskId, rule, why, closed, wishes } = decideDesk(logic, facts, directory, at);
        return { deskId, rule, why, closed, wishes };
      },
      rulesOf: rulesOfDesks(logic, this.#options.house, directory),
      timeZone: logic.timeZone,
      greetsEverybody: (name) => newest.set.scenarios.get(name)?.callers === 'everybody',
      startDialogue: (name, options, facts) =>
        newest.set.scenarios.has(name) ? startDialogue(newest.set, name, options, facts) : nowhere(name, newest.version, options.language),
      stepDialogue: (dialogue, input, facts) => stepDialogue((this.#releases.get(dialogue.version) ?? newest).set, dialogue, input, facts),
      say: (name, language, variables) => prompt(newest.wordings, name, language, variables),
    };
  }

  /**
   * The store, with which releases go: whoever gets the domain notes which one is used from then on, and reads those that dialogues under way
   * began with, before anything is decided.
   */
  storeOf(store: FloorStore): FloorStore {
    return {
      claim: async (domainId, owner, ttlMs) => {
        this.#lease = await store.claim(domainId, owner, ttlMs);
        return this.#lease;
      },
      renew: (lease, ttlMs) => store.renew(lease, ttlMs),
      release: (lease) => {
        this.#lease = null;
        return store.release(lease);
      },
      load: async (domainId) => {
        const records = await store.load(domainId);
        await this.#changes.take(() => this.#takeOver(records.contacts));
        return records;
      },
      commit: (batch) => store.commit(batch),
    };
  }

  /** Reads the folder now, changed or not: somebody said so, or the directory is another. */
  async reload(): Promise<void> {
    for (let tries = 1; (await this.#reads.take(() => this.#read())) === 'again' && tries < READ_TRIES; tries++) await sleep(READ_AGAIN_MS);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#stopWatching();
    await this.#reads.settled();
    await this.#changes.settled();
  }

  async #read(): Promise<'done' | 'again'> {
    if (this.#closed.signal.aborted) return 'done';
    const { folder, directory } = this.#options;
    const read = await readNow(folder, this.#place);
    if (read === null) return 'again';
    if ('problems' in read) {
      this.#known = null;
      this.#tell(read.problems);
      return 'again';
    }
    const found = { files: read.files, directory: directory() };
    if (this.#known?.directory === found.directory && isDeepStrictEqual(this.#known.files, found.files)) return 'done';
    const checked = await checkFilesInTurns(found.files, this.#place, found.directory);
    const answer = Array.isArray(checked) ? this.#refuse(checked) : await this.#take(checked);
    if (answer === 'done') this.#known = found;
    return answer;
  }

  #refuse(problems: readonly FileProblem[]): 'done' {
    this.#tell(problems);
    return 'done';
  }

  async #take({ release, logic }: Checked): Promise<'done' | 'again'> {
    const { log } = this.#options;
    const isNew = release.version !== this.#newest.version;
    if (isNew) {
      const { tests, problems } = await test(release, this.#place);
      if (problems.length > 0) return this.#refuse(problems);
      this.#preparing = true;
      try {
        await Promise.race([makeReady(release, this.#options), aborted(this.#closed.signal)]);
        if (this.#closed.signal.aborted) return 'done';
        await this.#changes.take(() => this.#use(release, tests));
      } catch (error) {
        log.warn({ err: error, release: release.version }, 'new scenarios wait until they can be noted in the database');
        return error instanceof LeaseLostError ? 'done' : 'again';
      } finally {
        this.#preparing = false;
      }
    }
    const isNewLogic = logic.text !== this.#logic.text;
    if (isNewLogic) {
      this.#logic = logic;
      if (this.#lease)
        await this.#options
          .logicChanged()
          .catch((error: unknown) => log.warn({ err: error }, 'the floor could not be told of new control logic'));
    }
    if (isNew || isNewLogic)
      log.info({ release: release.version, scenarios: isNew, logic: isNewLogic }, 'new files of scenarios are in use');
    this.#tell(this.#failing);
    return 'done';
  }

  async #use(release: Release, tests: TestResults): Promise<void> {
    const { db, now } = this.#options;
    if (this.#lease) await useRelease(db, this.#lease, release, now());
    this.#releases = new Map([...this.#inUse(), [this.#newest.version, this.#newest], [release.version, release]]);
    this.#newest = release;
    this.#since = now();
    this.#tests = tests;
    this.#failing = [];
  }

  /** Releases with a dialogue under way. */
  *#inUse(): Iterable<[string, Release]> {
    if (!this.#lease) return;
    for (const { dialogue } of this.#options.contacts()) {
      const release = dialogue && this.#releases.get(dialogue.version);
      if (release) yield [release.version, release];
    }
  }

  async #takeOver(contacts: readonly Contact[]): Promise<void> {
    const { db, domainId, now, log } = this.#options;
    if (!this.#lease) return;
    await useRelease(db, this.#lease, this.#newest, now());
    const wanted = new Set(contacts.flatMap(({ dialogue }) => dialogue?.version ?? []));
    const missing = [...wanted].filter((version) => !this.#releases.has(version));
    const found = new Map<string, Release>();
    for (const { version, files } of await findReleases(db, domainId, missing)) {
      const release = await readReleaseInTurns(files, '');
      // Written for another version of this program.
      if (Array.isArray(release))
        log.warn({ release: version, problems: release.map(formatProblem) }, 'an old release cannot be read any more');
      else found.set(version, { ...release, version });
    }
    this.#releases = new Map([...this.#releases, ...found]);
    const lost = missing.filter((version) => !found.has(version));
    if (lost.length > 0) log.warn({ releases: lost }, 'dialogues go on by the newest scenarios: their own are not there');
  }

  #tell(problems: readonly FileProblem[]): void {
    if (isDeepStrictEqual(problems, this.#problems)) return;
    this.#problems = problems;
    this.#problemsSince = problems.length > 0 ? this.#options.now() : null;
    if (problems.length > 0)
      this.#options.log.error({ problems: problems.map(formatProblem) }, 'files of scenarios are wrong: nothing was changed');
    else this.#options.log.info('files of scenarios are right again');
  }
}

/** What waits for its turn, one after another. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined); // told to whoever asked for it
    return done;
  }

  async settled(): Promise<void> {
    await this.#last;
  }
}

const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));

async function makeReady(
  { wordings, set }: Release,
  { prompts, log }: ScenariosOptions,
  progress: (what: string) => void = () => undefined,
  waitMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  let toldAt = performance.now();
  const tell = ({ done, total }: { readonly done: number; readonly total: number }): void => {
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = performance.now();
    progress(`${done}/${total}`);
  };
  const counts = await prompts.renderAll(finitePrompts(wordings, [...set.scenarios.values()]), tell, waitMs);
  if (counts.tones > 0) log.warn(counts, 'some prompts have no voice: tones take their place; see npm run prompts');
}

/** Others get their turn between scenarios: somebody may just have pressed a key. */
async function test(release: Release, place: string): Promise<{ readonly tests: TestResults; readonly problems: FileProblem[] }> {
  const tests = new Map<string, readonly ScenarioTestResult[]>();
  for (const name of release.set.scenarios.keys()) {
    tests.set(name, runScenarioTests(release.set, name));
    await breathe();
  }
  return { tests, problems: [...tests].flatMap(([name, results]) => failedTests(release, name, place, results)) };
}

/** Null: somebody is writing there. */
function readNow(folder: string, place: string): Promise<{ readonly files: Files } | { readonly problems: FileProblem[] } | null> {
  const unreadable = (error: unknown) => {
    const problem = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return { problems: [{ file: place, line: 1, column: 1, problem, remedy: 'SCENARIOS_DIR names the folder' }] };
  };
  return readFolder(folder).then((files) => files && { files }, unreadable);
}

async function readQuietFolder(folder: string, place: string): Promise<Files> {
  for (let tries = 1; ; tries++) {
    const read = await readNow(folder, place);
    if (read && 'files' in read) return read.files;
    if (read) throw new FileProblemsError(read.problems);
    if (tries === READ_TRIES) throw new Error(`somebody keeps writing in ${folder}`);
    await sleep(READ_AGAIN_MS);
  }
}

/** The directory names a scenario that no file has: the contact goes on to the control logic. */
const nowhere = (scenario: string, version: string, language: Language): DialogueResult => ({
  dialogue: { scenario, version, step: '', language, variables: {}, digits: '', tries: 0, play: 0, playing: false },
  actions: [{ type: 'handBack', identified: false }],
  timeoutMs: null,
  entered: [],
  notes: [{ name: 'scenarioGone', scenario, step: '', data: {} }],
});
