/**
 * `npm run logic`: asks the control logic which desk a contact would go to and why, checks its file, runs the tests in it, and
 * writes the JSON Schemas that editors check the files of `scenarios/` with.
 */
import { writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { TSchema } from 'typebox';
import { unwrap } from '../base/checked-yaml.ts';
import { suggest } from '../base/nearest.ts';
import { partyFor, readCallingNumber } from '../contact/identify.ts';
import { loadDirectory } from '../db/directory.ts';
import { findParty } from '../db/party.ts';
import { PromptsFile, ScenarioFile } from '../ivr/scenario-schema.ts';
import { ServicesFile } from '../ivr/services.ts';
import { type ControlLogic, decideDesk, parseControlLogic } from '../routing/control-logic.ts';
import { DEFAULT_DESK_RULES, type DeskRules, type Wishes } from '../routing/desk-rules.ts';
import { rulesOfDesks } from '../routing/desk-rules-file.ts';
import type { Directory, Entry } from '../routing/directory.ts';
import { ControlLogicFile } from '../routing/logic-schema.ts';
import { runLogicTests } from '../routing/logic-tests.ts';
import type { CallingNumber, Party, PartyRecord } from '../routing/party.ts';
import { inCentre } from './database.ts';
import { configOf, readFile, runTool, UsageError } from './tool.ts';

const HELP = `npm run logic -- explain --from NUMBER --to ENTRY [--at TIME] [--customer CODE] [--channel voice|callback|message] [--json]
      which desk a contact goes to, by which rule, and why; what the rule wishes for it, and how the desk gives out
      --from      the calling number, in any form; or: withheld
      --to        the dialled number or short code, as 1000
      --at        when, with its zone, as 2026-11-21T10:00+09:00; left out: now
      --customer  the customer code that the caller enters in the scenario
npm run logic -- check    everything that is wrong with the control logic, with file, line and column
npm run logic -- test     runs the tests that stand in the file
npm run logic -- schema   writes scenarios/schema/*.json anew`;

const LOGIC_FILE = 'control-logic.yaml';

/** The JSON Schemas for editors, by file name. */
const SCHEMAS: Readonly<Record<string, TSchema>> = {
  'control-logic.schema.json': ControlLogicFile,
  'scenario.schema.json': ScenarioFile,
  'prompts.schema.json': PromptsFile,
  'services.schema.json': ServicesFile,
};

export const schemaText = (schema: TSchema): string =>
  `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema }, null, 2)}\n`;

export interface Question {
  /** As dialled; null when withheld. */
  readonly from: string | null;
  readonly to: string;
  readonly at: number;
  readonly customerCode: string | null;
  readonly channel: 'voice' | 'callback' | 'message';
}

export interface Explanation {
  readonly entry: string;
  readonly at: string;
  readonly callingNumber: CallingNumber['kind'];
  readonly party: { readonly kind: Party['kind']; readonly name: string | null; readonly foundBy: Party['foundBy'] };
  /** The scenario that the caller talks with first; null when the party is found by the number, or enters nothing. */
  readonly scenario: string | null;
  readonly rule: string;
  readonly why: readonly string[];
  readonly closedDesks: readonly string[];
  readonly desk: { readonly id: string; readonly name: string; readonly organisation: string; readonly open: boolean };
  /** How the rule wants the contact given out, and how the desk gives out. */
  readonly wishes: Wishes;
  readonly deskRules: DeskRules;
}

/**
 * Answers as the floor would.
 * @param house the house's rules for desks, where the control logic says nothing else
 * @param find looks a party up, as the floor has it looked up
 * @throws UsageError when the entry does not exist
 */
export async function explain(
  logic: ControlLogic,
  directory: Directory,
  find: (by: 'callingNumber' | 'customerCode', value: string) => Promise<PartyRecord | null>,
  question: Question,
  house: DeskRules = DEFAULT_DESK_RULES,
): Promise<Explanation> {
  const entry = entryOf(directory, question.to);
  const presentation = question.from === null ? 'restricted' : 'allowed';
  const callingNumber = readCallingNumber(
    { callingNumber: question.from, callingName: null, presentation, calledNumber: question.to, trusted: true },
    entry.country,
  );
  const byNumber = callingNumber.kind === 'valid' ? await find('callingNumber', callingNumber.e164) : null;
  const asked = byNumber === null && question.channel === 'voice';
  const byCode = asked && question.customerCode !== null ? await find('customerCode', question.customerCode) : null;
  const party = byNumber ? partyFor(byNumber, 'callingNumber', callingNumber) : partyFor(byCode, 'customerCode', callingNumber);
  const decision = decideDesk(logic, { party, entry, channel: question.channel, callingNumber }, directory, question.at);
  const desk = directory.desks.get(decision.deskId);
  return {
    entry: entry.id,
    at: new Date(question.at).toISOString(),
    callingNumber: callingNumber.kind,
    party: { kind: party.kind, name: party.record?.name ?? null, foundBy: party.foundBy },
    scenario: asked ? entry.scenario : null,
    rule: decision.rule,
    why: decision.why.map((step) => step.en),
    closedDesks: decision.closedDesks,
    desk: {
      id: decision.deskId,
      name: desk?.name ?? decision.deskId,
      organisation: directory.organisations.get(desk?.organisationId ?? '')?.name ?? '',
      open: !decision.closed,
    },
    wishes: decision.wishes,
    deskRules: rulesOfDesks(logic, house, directory)(decision.deskId),
  };
}

/** Milliseconds as control logic files have them. */
function duration(ms: number): string {
  for (const [unitMs, unit] of [
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1_000, 's'],
  ] as const) {
    if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  }
  return `${ms}ms`;
}

/** What a rule wishes, in words. */
function wishesInWords({ priorityClass, requirements, rings, preferLastAgentMs }: Wishes): string[] {
  const needs = (all: Wishes['requirements']): string =>
    all.length === 0 ? 'needs no skill' : `needs ${all.map(({ skill, level }) => `${skill} from level ${level}`).join(' and ')}`;
  return [
    `priority ${priorityClass}, ${needs(requirements)}`,
    ...rings.map((ring) => `after ${duration(ring.afterMs)} it ${needs(ring.requirements)}`),
    ...(preferLastAgentMs > 0 ? [`the agent who handled the customer last is waited for ${duration(preferLastAgentMs)}`] : []),
  ];
}

const TIE_BREAKS = { longestIdle: 'who is idle longest', leastOccupied: 'who was occupied least', roundRobin: 'each in turn' } as const;

/** How a desk gives out, in words. */
function rulesInWords({
  discipline,
  tieBreak,
  weights,
  promise,
  overflow,
  callbacks,
  wrapUp,
  serviceLevel,
  expectedHandlingMs,
}: DeskRules) {
  const order =
    discipline.name === 'one-queue'
      ? 'one queue for all'
      : `calls first; callbacks for whom no call was assigned for ${duration(discipline.idleForCallbacksMs)}`;
  const points = Object.entries(weights).map(([kind, weight]) => `${kind} ${weight}`);
  const when = (rule: DeskRules['overflow'][number]): string => {
    if (rule.when === 'nobody') return 'when nobody is logged on';
    return rule.when === 'afterMs'
      ? `after ${duration(rule.afterMs)}`
      : `when the estimated wait is longer than ${duration(rule.estimatedWaitMs)}`;
  };
  const { first, offerFromWaitMs, afterAbandonMs, hours, retry, attempts } = callbacks;
  const retries = Object.entries(retry).map(([outcome, rule]) => `${outcome} ${rule.attempts} × ${duration(rule.pauseMs)}`);
  return [
    `${order}; of several agents ${TIE_BREAKS[tieBreak]}`,
    `points for waiting: ${points.join(', ')}; for a promise ${promise.weight}, from ${duration(promise.leadMs)} before`,
    ...overflow.map((rule) => `overflows to ${rule.to} ${when(rule)}`),
    `callbacks: ${first} first, ${hours === null ? 'while the desk is open' : `${hours.from}-${hours.to}`}, ${attempts} attempts (${retries.join(', ')})`,
    `callback offered ${offerFromWaitMs === null ? 'when nobody is logged on' : `from an estimated wait of ${duration(offerFromWaitMs)}`}${
      afterAbandonMs === null ? '' : `; who gives up after ${duration(afterAbandonMs)} is called back`
    }`,
    `wrap-up ${duration(wrapUp.limitMs)}, extended by ${duration(wrapUp.extensionMs)}, at most ${duration(wrapUp.mostMs)}`,
    `service level ${Math.round(serviceLevel.share * 1000) / 10} % within ${duration(serviceLevel.withinMs)}; handling is expected to take ${duration(expectedHandlingMs)}`,
  ];
}

function entryOf(directory: Directory, dialled: string): Entry {
  const entry = directory.entries.find((e) => e.numbers.includes(dialled) || e.numbers.includes(`+${dialled}`));
  if (entry) return entry;
  throw new UsageError(
    `no entry has the number ${dialled}; ${suggest(
      dialled,
      directory.entries.flatMap((e) => e.numbers),
    )}`,
  );
}

function print(e: Explanation): void {
  const name = e.party.name === null ? '' : `, ${e.party.name}`;
  console.log(`entry   ${e.entry} at ${e.at}`);
  console.log(`party   ${e.party.kind}${name} (calling number: ${e.callingNumber})`);
  if (e.scenario !== null) {
    const outcome = e.party.foundBy === 'customerCode' ? 'finds the customer by the code' : 'hands back without a customer';
    console.log(`first   the scenario '${e.scenario}' talks with the caller, and ${outcome}`);
  }
  console.log(`rule    ${e.rule}`);
  const list = (heading: string, lines: readonly string[]): void => {
    for (const [index, line] of lines.entries()) console.log(`${(index === 0 ? heading : '').padEnd(8)}${line}`);
  };
  list(
    'why',
    e.why.map((step, index) => `${index + 1}. ${step}`),
  );
  if (e.closedDesks.length > 0) console.log(`closed  ${e.closedDesks.join(', ')}`);
  console.log(`desk    ${e.desk.name} (${e.desk.id}) of ${e.desk.organisation}${e.desk.open ? '' : ', closed: the contact waits there'}`);
  list('wishes', wishesInWords(e.wishes));
  list('rules', rulesInWords(e.deskRules));
}

function questionOf(values: Readonly<Record<string, string | boolean | undefined>>): Question {
  const { from, to, at, customer, channel } = values;
  if (typeof from !== 'string' || typeof to !== 'string') throw new UsageError('explain needs --from and --to');
  if (channel !== undefined && channel !== 'voice' && channel !== 'callback' && channel !== 'message') {
    throw new UsageError('--channel is voice, callback or message');
  }
  const hasZone = typeof at === 'string' && /(Z|[+-]\d\d:?\d\d)$/i.test(at);
  if (at !== undefined && (!hasZone || Number.isNaN(Date.parse(at)))) {
    throw new UsageError(`--at ${String(at)} is not a time with its zone, as 2026-11-21T10:00+09:00`);
  }
  return {
    from: from === 'withheld' ? null : from,
    to,
    at: typeof at === 'string' ? Date.parse(at) : Date.now(),
    customerCode: typeof customer === 'string' ? customer : null,
    channel: channel ?? 'voice',
  };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      at: { type: 'string' },
      customer: { type: 'string' },
      channel: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [command] = positionals;
  if (values.help || command === undefined) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const config = configOf(process.env, null, values.config === undefined ? [] : ['--config', values.config]);
  const path = join(config.scenariosDir, LOGIC_FILE);
  const read = (directory?: Directory): ControlLogic =>
    unwrap(parseControlLogic(readFile(path).toString('utf8'), relative(process.cwd(), path), directory));

  switch (command) {
    case 'explain': {
      const question = questionOf(values);
      return inCentre(config, { name: 'madoguchi logic', max: 1 }, async ({ pool, domainId }) => {
        const directory = await loadDirectory(pool, domainId);
        const find = (by: 'callingNumber' | 'customerCode', value: string) => findParty(pool, domainId, by, value);
        const answer = await explain(read(directory), directory, find, question, config.deskRules);
        if (values.json) console.log(JSON.stringify(answer, null, 2));
        else print(answer);
        return 0;
      });
    }
    case 'check': {
      const logic = read();
      console.log(`${logic.file}: ${logic.rules.length} rules, ${logic.tests.length} tests, nothing wrong`);
      return 0;
    }
    case 'test': {
      const results = runLogicTests(read());
      const failed = results.filter((r) => r.failures.length > 0);
      for (const { name, failures, decision } of results) {
        console.log(`${failures.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
        for (const line of failures.length === 0 ? [] : [...failures, ...decision.why.map((step) => step.en)])
          console.log(`       ${line}`);
      }
      console.log(`${results.length - failed.length} of ${results.length} tests pass`);
      return failed.length === 0 ? 0 : 1;
    }
    case 'schema': {
      for (const [name, schema] of Object.entries(SCHEMAS)) {
        const file = resolve(import.meta.dirname, '../../scenarios/schema', name);
        writeFileSync(file, schemaText(schema));
        console.log(relative(process.cwd(), file));
      }
      return 0;
    }
    default:
      throw new UsageError(`there is no command '${command}'; ${suggest(command, ['explain', 'check', 'test', 'schema'])}\n\n${HELP}`);
  }
}

if (import.meta.main) {
  process.exitCode = await runTool({ print: (text) => process.stderr.write(text), wrongFile: 2 }, main);
}
