/**
 * A dialogue in the terminal: what callers would hear is printed, and what they would do is typed. On a terminal each key counts at once,
 * as on a telephone; from a pipe each line is one thing that the caller does, as tests write it.
 */
import { createInterface } from 'node:readline';
import type { Language } from '../../base/ids.ts';
import { suggest } from '../../base/nearest.ts';
import type { Scenario, ScenarioSet } from '../../ivr/parse.ts';
import type { Value, Values } from '../../ivr/scenario.ts';
import { act, DryRun, SOME_WORLD, type World } from '../../ivr/talk.ts';
import { UsageError } from '../tool.ts';

export const TALK_OPTIONS = {
  language: { type: 'string' },
  from: { type: 'string' },
  at: { type: 'string' },
  party: { type: 'string' },
  name: { type: 'string' },
  known: { type: 'string' },
  closed: { type: 'string' },
  unstaffed: { type: 'boolean', default: false },
  position: { type: 'string' },
  wait: { type: 'string' },
  service: { type: 'string', multiple: true },
  refuse: { type: 'boolean', default: false },
  transfer: { type: 'string' },
  speech: { type: 'boolean', default: false },
  set: { type: 'string', multiple: true },
  entry: { type: 'string' },
  steps: { type: 'boolean', default: false },
} as const;

type TalkValues = {
  readonly [K in keyof typeof TALK_OPTIONS]?: (typeof TALK_OPTIONS)[K] extends { type: 'boolean' }
    ? boolean
    : (typeof TALK_OPTIONS)[K] extends { multiple: true }
      ? string[]
      : string;
};

const PARTIES = ['customer', 'prospect', 'new', 'dealer', 'agency', 'unknown'] as const;
const TRANSFERS = ['answered', 'busy', 'noAnswer', 'failed'] as const;

/** @throws UsageError */
export function worldFrom(values: TalkValues, scenario: Scenario): { world: World; variables: Values } {
  const { from, at, party, name, known, closed, position, wait, transfer, entry } = values;
  if (from !== undefined && from !== 'withheld' && !/^\+[1-9]\d{5,14}$/.test(from)) {
    throw new UsageError(`--from ${from} is no number as +81312345678; or write withheld`);
  }
  if (at !== undefined && !(/(Z|[+-]\d\d:?\d\d)$/i.test(at) && !Number.isNaN(Date.parse(at)))) {
    throw new UsageError(`--at ${at} is not a time with its zone, as 2026-11-20T10:00+09:00`);
  }
  const shut = listOf(closed);
  const world: World = {
    ...SOME_WORLD,
    ...(at !== undefined && { at: Date.parse(at) }),
    ...(from !== undefined && { from: from === 'withheld' ? null : from }),
    party: { kind: oneOf('party', party ?? 'new', PARTIES), ...(name !== undefined && { name }) },
    ...(entry !== undefined && { entry }),
    isOpen: (desk) => !shut.includes(desk),
    sight: {
      position: position === undefined ? SOME_WORLD.sight.position : wholeNumber('position', position, 1),
      waitMs: wait === undefined ? SOME_WORLD.sight.waitMs : wholeNumber('wait', wait, 0) * 60_000,
      staffed: !values.unstaffed,
    },
    known: listOf(known),
    services: Object.fromEntries((values.service ?? []).map(serviceOf)),
    speech: values.speech ?? false,
    promisesCallBack: !values.refuse,
    transfer: oneOf('transfer', transfer ?? 'answered', TRANSFERS),
  };
  return { world, variables: Object.fromEntries((values.set ?? []).map((text) => variableOf(text, scenario))) };
}

const listOf = (text: string | undefined): string[] => (text === undefined ? [] : text.split(',').map((one) => one.trim()));

function oneOf<W extends string>(option: string, text: string, words: readonly W[]): W {
  const word = words.find((one) => one === text);
  if (word === undefined) throw new UsageError(`--${option} ${text}: ${suggest(text, words)}`);
  return word;
}

function wholeNumber(option: string, text: string, least: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`--${option} ${text}: write a number from ${least} on`);
}

/** `orders=notFound`, `orders=status=shipped,days=3`. */
function serviceOf(text: string): [string, World['services'][string]] {
  const [, name = '', answer = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (answer === 'notFound' || answer === 'failed') return [name, answer];
  const fields = answer.split(',').map((field) => /^\s*([^=]+)=(.*)$/.exec(field));
  if (name === '' || fields.some((field) => field === null)) {
    throw new UsageError(`--service ${text}: write orders=notFound, orders=failed or orders=status=shipped,days=3`);
  }
  return [name, Object.fromEntries(fields.map((field) => [field?.[1] ?? '', plainValue(field?.[2] ?? '')]))];
}

function plainValue(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function variableOf(text: string, { name: scenario, variables }: Scenario): [string, Value] {
  const [, name = '', written = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  const type = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (type === undefined) {
    throw new UsageError(`--set ${text}: '${scenario}' has no variable '${name}'; ${suggest(name, Object.keys(variables))}`);
  }
  const value = type === 'string' ? written : plainValue(written);
  const fits = type === 'bool' ? typeof value === 'boolean' : type === 'string' || typeof value === 'number';
  if (!fits || (type === 'int' && !Number.isInteger(value))) throw new UsageError(`--set ${text}: ${name} is ${type}`);
  return [name, value];
}

export interface Terminal {
  readonly print: (text: string) => void;
  readonly input: NodeJS.ReadStream | NodeJS.ReadableStream;
}

const KEYS = `  0-9 * #  keys of the telephone        Enter  silence: wait for what comes
  r  speak for 5 seconds onto a recording    s  say words (where the answer may be spoken)
  w  wait a minute, in a queue      a  an agent answers      Ctrl-D  hang up
`;
const LINES = 'Each line is one thing that you do: 10023#, silence, says WORDS, records 5s, waits 2m, agent, hangUp\n';

/** Talks until one of both hangs up. */
export async function talkInTerminal(
  set: ScenarioSet,
  scenario: Scenario,
  caller: { readonly language: Language; readonly variables: Values },
  world: World,
  showsSteps: boolean,
  { print, input }: Terminal,
): Promise<void> {
  const run = new DryRun(set, scenario.name, caller, world);
  const tell = teller(run, showsSteps, print);
  const isTty = 'isTTY' in input && input.isTTY;
  print(isTty ? KEYS : LINES);
  print('\n');
  run.listen();
  tell();
  const does = (what: string): void => {
    act(run, what);
    run.listen();
    tell();
  };
  await (isTty ? byKeys(run, input as NodeJS.ReadStream, print, does) : byLines(run, input, print, does));
  if (run.ends === null) run.hangUp();
  print(`\n${run.ends}\n`);
}

/** Prints what is new: steps, what was said, what was done. */
function teller(run: DryRun, showsSteps: boolean, print: (text: string) => void): () => void {
  const told = { way: 0, hears: 0, does: 0 };
  return () => {
    if (showsSteps && run.way.length > told.way) {
      const names = run.way.slice(told.way).map(({ scenario, step }) => (scenario === run.way[0]?.scenario ? step : `${scenario}.${step}`));
      print(`  · ${names.join(' → ')}\n`);
    }
    for (const said of run.hears.slice(told.hears)) print(`  ${said}\n`);
    for (const done of run.does.slice(told.does)) print(`  [${done}]\n`);
    Object.assign(told, { way: run.way.length, hears: run.hears.length, does: run.does.length });
  };
}

async function byLines(
  run: DryRun,
  input: NodeJS.ReadableStream,
  print: (text: string) => void,
  does: (what: string) => void,
): Promise<void> {
  for await (const line of createInterface({ input })) {
    const what = line.trim() === '' ? 'silence' : line.trim();
    if (!/^(silence|hangUp|agent|says .+|records \d+s|waits \d+(s|m)|!?[0-9*#A-D]+)$/.test(what)) {
      print(`'${what}' is nothing that a caller does. ${LINES}`);
      continue;
    }
    print(`> ${what}\n`);
    does(what);
    if (run.ends !== null) return;
  }
}

const DOES_BY_KEY: Readonly<Record<string, string>> = { '\r': 'silence', '\n': 'silence', r: 'records 5s', w: 'waits 60s', a: 'agent' };
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

async function byKeys(run: DryRun, input: NodeJS.ReadStream, print: (text: string) => void, does: (what: string) => void): Promise<void> {
  input.setRawMode(true);
  input.setEncoding('utf8');
  /** Words that are being typed; null: keys count at once. */
  let words: string | null = null;
  const take = (key: string): void => {
    if (words === null) {
      if (key === 's') {
        words = '';
        print('> says ');
        return;
      }
      const what = /^[0-9*#]$/.test(key) ? key : DOES_BY_KEY[key];
      if (what === undefined) return;
      print(`> ${what}\n`);
      does(what);
    } else if (key === '\r' || key === '\n') {
      const said = words.trim();
      words = null;
      print('\n');
      if (said !== '') does(`says ${said}`);
    } else if (key === '\u007f') {
      words = words.slice(0, -1);
      print('\b \b');
    } else {
      words += key;
      print(key);
    }
  };
  try {
    for await (const chunk of input) {
      for (const key of String(chunk)) {
        if (key === CTRL_C || key === CTRL_D) return;
        take(key);
        if (run.ends !== null) return;
      }
    }
  } finally {
    input.setRawMode(false);
    input.pause();
  }
}
