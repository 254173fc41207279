import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { FileProblem } from '#src/base/checked-yaml.ts';
import { coverageOf } from '#src/ivr/coverage.ts';
import { draw } from '#src/ivr/drawing.ts';
import { parseScenarios, type Scenario, type ScenarioSet } from '#src/ivr/parse.ts';
import { pathsThrough } from '#src/ivr/paths.ts';
import type { DialogueInput } from '#src/ivr/scenario.ts';
import { startDialogue, stepDialogue } from '#src/ivr/step.ts';
import { DryRun, follow, runScenarioTests, SOME_WORLD, type World } from '#src/ivr/talk.ts';

const shipped = new URL('../../scenarios/', import.meta.url);
const isScenario = (file: string): boolean => file.endsWith('.yaml') && !/^(control-logic|prompts|services)\.yaml$/.test(file);
const everyVerb = readFileSync(new URL('every-verb.yaml', import.meta.url), 'utf8');
const SHIPPED = readdirSync(shipped)
  .filter(isScenario)
  .map((file) => ({ file, text: readFileSync(new URL(file, shipped), 'utf8') }));

/** What random changes begin with, and the files that it calls. */
const GOOD = [
  { text: everyVerb, others: [] },
  ...SHIPPED.map(({ file, text }) => ({ text, others: /^ {4}call: /m.test(text) ? SHIPPED.filter((other) => other.file !== file) : [] })),
];

/** `FUZZ=50 SEED=random` looks fifty times as long for what nobody has thought of. */
const runs = (usual: number) => ({ numRuns: usual * Number(process.env['FUZZ'] ?? 1) });
const PATIENCE_MS = 120_000 * Number(process.env['FUZZ'] ?? 1);

/** A refusal names places that are there, or the file is good, and so is everything that can be done with it. */
function check(text: string, others: readonly { readonly file: string; readonly text: string }[] = []): ScenarioSet | null {
  const parsed = parseScenarios([{ file: 'f.yaml', text }, ...others]);
  if (!Array.isArray(parsed)) return parsed;
  expect(parsed.length).toBeGreaterThan(0);
  for (const problem of parsed) {
    // A change may show elsewhere: who calls a scenario that has another name now.
    const file = others.find((other) => other.file === problem.file);
    expect(file ? misplaced({ ...problem, file: 'f.yaml' }, file.text) : misplaced(problem, text)).toBeNull();
  }
  return null;
}

function misplaced({ file, line, column, problem, remedy }: FileProblem, text: string): string | null {
  if (file !== 'f.yaml') return `in ${file}`;
  if (problem === '' || remedy === '') return 'says nothing';
  const lines = text.split('\n'); // the parser counts lines by \n, and so do editors
  const there = lines[line - 1];
  if (there === undefined) return `line ${line} of ${lines.length}`;
  return column >= 1 && column <= there.length + 1 ? null : `column ${column} of ${there.length} in line ${line}: ${problem}`;
}

// ---------------------------------------------------------------- what callers and their world do

const key = fc.constantFrom(...'0123456789*#');
const does = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: key, minLength: 1, maxLength: 14 }) },
  { weight: 2, arbitrary: fc.string({ unit: key, minLength: 1, maxLength: 6 }).map((keys) => `!${keys}`) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('silence', 'records 1s', 'records 5s', 'waits 1m', 'waits 10m', 'says 2', 'says order', 'says はい'),
  },
  { weight: 1, arbitrary: fc.constantFrom('agent', 'hangUp', '10023#', '0312345678#', '1231', '1000') },
);
const world: fc.Arbitrary<World> = fc
  .record({
    open: fc.boolean(),
    staffed: fc.boolean(),
    speech: fc.boolean(),
    promisesCallBack: fc.boolean(),
    transfer: fc.constantFrom<World['transfer']>('answered', 'busy', 'noAnswer', 'failed'),
    answer: fc.constantFrom<World['services'][string]>('notFound', 'failed', { status: 'shipped', days: 3 }, { status: '' }),
    from: fc.constantFrom(null, '+819012345678'),
    kind: fc.constantFrom('customer', 'new', 'dealer'),
    position: fc.integer({ min: 1, max: 200 }),
    waitMs: fc.constantFrom(null, 0, 180_000, 7_200_000),
    known: fc.constantFrom([], ['10023']),
  })
  .map(({ open, staffed, answer, kind, position, waitMs, ...rest }) => ({
    ...SOME_WORLD,
    ...rest,
    isOpen: () => open,
    party: { kind },
    sight: { position, waitMs, staffed },
    services: { orders: answer },
  }));

/** Those of the file in question; others are only there to be called. */
const own = (set: ScenarioSet): Scenario[] => [...set.scenarios.values()].filter(({ file }) => file === 'f.yaml');

/** Whoever calls, whatever happens and whatever is pressed: it ends, or an agent is waited for. */
function talksToAnEnd(set: ScenarioSet, script: readonly string[], where: World): void {
  for (const { name, languages } of own(set)) {
    for (const language of languages) {
      const run = new DryRun(set, name, { language }, where);
      follow(run, script); // throws when it goes on for ever
      expect(run.ends !== null || run.awaits === 'queue').toBe(true);
    }
  }
}

function useful(set: ScenarioSet): void {
  for (const scenario of own(set)) {
    runScenarioTests(set, scenario.name);
    const svg = draw(scenario, { language: 'ja' });
    expect(svg).toMatch(/^<svg [^<]+<title>/);
    expect(svg.match(/<g id="step-/g)).toHaveLength(scenario.steps.size);
    expect(pathsThrough(scenario, 20).paths.length).toBeGreaterThan(0);
  }
  if (set.scenarios.size === 1) coverageOf(set);
}

// ---------------------------------------------------------------- what people may do to a file

/** Words of the language, values that surprise, and names that JavaScript has plans of its own for. */
const WORDS = [...new Set(everyVerb.match(/[A-Za-z]+/g))];
const scalar = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.constantFrom('constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'length', 'null', '~', 'yes', 'NaN', '.inf', '-0'),
  fc.constantFrom(
    '1e400',
    '0x1F',
    '007',
    '9'.repeat(40),
    '-1',
    '3.5',
    '1s',
    '0ms',
    '99999999m',
    '2026-13-45',
    '25:61',
    '{}',
    '[]',
    '""',
    "''",
  ),
  fc.constantFrom(
    'tries +',
    '1/0',
    'tries / 0 > 1',
    'x.y.z',
    'size(',
    'party.kind == 3',
    '"a" + 1',
    '[1,2].exists(x, x > 1)',
    'a ? b : c',
    '('.repeat(300),
  ),
  fc.constantFrom(
    '{a',
    'a}',
    '{x:number}',
    '{tries:nope}',
    '{ tries }',
    '{{tries}}',
    '{tries:digits}',
    '𠮷野家',
    '‮abc',
    '\\u0000',
    '"\\ud800"',
    '\u{1f600}',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer().map(String),
);

type Change = (text: string) => string;
const onLines = (change: (lines: string[]) => void): Change => {
  return (text) => {
    const lines = text.split('\n');
    change(lines);
    return lines.join('\n');
  };
};
const at = (n: number, lines: readonly unknown[]): number => n % Math.max(lines.length, 1);
const nat = fc.nat(100_000);

const change: fc.Arbitrary<Change> = fc.oneof(
  nat.map((n) => onLines((lines) => void lines.splice(at(n, lines), 1))),
  nat.map((n) => onLines((lines) => void lines.splice(at(n, lines), 0, lines[at(n, lines)] ?? ''))),
  fc.tuple(nat, nat).map(([n, m]) =>
    onLines((lines) => {
      const [i, j] = [at(n, lines), at(m, lines)];
      [lines[i], lines[j]] = [lines[j] ?? '', lines[i] ?? ''];
    }),
  ),
  fc.tuple(nat, fc.constantFrom('  ', '    ', ' ', '\t', '- ', '? ', '#', '&a ', '*a ', '!!set ', '!x ', '|', '>')).map(([n, put]) =>
    onLines((lines) => {
      lines[at(n, lines)] = put + (lines[at(n, lines)] ?? '');
    }),
  ),
  nat.map((n) =>
    onLines((lines) => {
      lines[at(n, lines)] = (lines[at(n, lines)] ?? '').replace(/^ {1,2}/, '');
    }),
  ),
  // One word or value becomes another, here or everywhere.
  fc.tuple(nat, scalar).map(([n, other]) => (text: string) => {
    const words = [...text.matchAll(/[^\s{}[\],:]+/g)];
    const word = words[at(n, words)];
    return word ? text.slice(0, word.index) + other + text.slice(word.index + word[0].length) : other;
  }),
  fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...WORDS)).map(
    ([a, b]) =>
      (text: string) =>
        text.replaceAll(a, b),
  ),
  fc.tuple(nat, nat).map(
    ([n, length]) =>
      (text: string) =>
        text.slice(0, at(n, [...text])) + text.slice(at(n, [...text]) + (length % 40)),
  ),
  fc.tuple(nat, scalar).map(
    ([n, other]) =>
      (text: string) =>
        text.slice(0, n % (text.length + 1)) + other + text.slice(n % (text.length + 1)),
  ),
  fc.constantFrom<Change>(
    (text) => `%YAML 1.1\n---\n${text}`,
    (text) => `\ufeff${text}`,
    (text) => text.replaceAll('\n', '\r\n'),
    (text) => text.replaceAll('\n', '\r'),
    (text) => `${text}\n---\n${text}`,
    (text) => text + text,
    (text) => text.replaceAll(' ', '\u3000'),
  ),
);

/** Anything in the form that a scenario has: steps that lead to one another at random. */
const names = ['a', 'b', 'c', 'd', 'constructor'];
const target = fc.constantFrom(...names);
const text = fc.record({ ja: fc.constantFrom('はい', '{v}'), en: fc.constantFrom('yes', '{v:number}') });
const forward = (n: number): fc.Arbitrary<string> => fc.constantFrom(...names.slice(n + 1), 'end');
const stepAt = (n: number): fc.Arbitrary<object> =>
  fc.oneof(
    fc.record({ say: text, next: forward(n) }),
    fc.record({
      menu: fc.record({
        prompt: text,
        choices: fc.dictionary(key, target, { minKeys: 1, maxKeys: 4 }),
        tries: fc.integer({ min: 1, max: 10 }),
      }),
      failed: forward(n),
    }),
    fc.record({
      ask: fc.record({ prompt: text, digits: fc.constant({ min: 1, max: 3 }), end: fc.constant('#'), saveAs: fc.constant('v') }),
      next: target,
      empty: target,
      failed: forward(n),
    }),
    fc.record({
      when: fc.tuple(fc.record({ if: fc.constantFrom('v == "1"', 'size(v) > 2', 'v'), to: forward(n) })),
      otherwise: forward(n),
    }),
    fc.record({ hours: fc.constant('reception'), open: forward(n), closed: forward(n) }),
    fc.record({
      queue: fc.record({ offers: fc.dictionary(key, target, { maxKeys: 3 }), longest: fc.constant('1m') }),
      nobody: target,
      tooLong: target,
    }),
    fc.record({ record: fc.record({ prompt: text }), next: target, failed: forward(n) }),
    fc.record({ callBack: fc.constant({}), next: forward(n), failed: forward(n) }),
    fc.record({ lookUp: fc.constant({ customerCode: 'v' }), found: forward(n), notFound: forward(n) }),
  );
const built = fc
  .tuple(...names.map((_, n) => stepAt(n)), fc.constantFrom({ hangUp: true }, { route: 'reception' }, { handBack: 'identified' }))
  .map((steps) => {
    const all = Object.fromEntries(steps.map((step, n) => [names[n] ?? 'end', step]));
    return { name: 'built', languages: ['ja', 'en'], variables: { v: 'string' }, start: 'a', steps: reachable(all) };
  });
/** Without the steps that nothing leads to: with them hardly any would be right. */
function reachable(steps: Readonly<Record<string, object>>): Record<string, object> {
  const found = new Set<string>();
  const waiting = ['a'];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    const words = JSON.stringify(steps[name]).match(/[a-z]+/g) ?? [];
    waiting.push(...words.filter((word) => word === 'end' || names.includes(word)));
  }
  return Object.fromEntries(Object.entries(steps).filter(([name]) => found.has(name)));
}

const nobody = { kind: 'new', name: '', language: '', region: '', customerCode: '', organisation: '', handlingDesk: '', lastDesk: '' };
const conditions = () => ({
  party: nobody,
  caller: { number: '', numberKind: 'withheld', country: '', region: '' },
  entry: { id: 'main', language: 'ja', country: 'JP', maker: '' },
  channel: 'voice',
  now: { date: '2026-11-20', weekday: 5n, hour: 10n, minute: 0n },
});

describe('the check of scenario files', () => {
  it('accepts what random changes begin with, and its tests pass', () => {
    const set = check(everyVerb);
    expect(set && runScenarioTests(set, 'everything').flatMap(({ name, failures }) => failures.map((f) => `${name}: ${f}`))).toEqual([]);
  });

  it(
    'places every mistake in texts that are no scenarios',
    () => {
      const piece = fc.oneof(
        scalar,
        fc.constantFrom(
          ': ',
          '\n',
          '\n  ',
          '\n    ',
          '- ',
          '{',
          '}',
          '[',
          ']',
          ',',
          '? ',
          '&a ',
          '*a',
          '|',
          '>',
          '"',
          "'",
          '# ',
          '---\n',
          '\t',
          '%',
        ),
      );
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string({ unit: 'binary' }),
            fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
          ),
          (anything) => {
            check(anything);
          },
        ),
        runs(1500),
      );
    },
    PATIENCE_MS,
  );

  it(
    'places every mistake in values of any form',
    () => {
      const field = fc.constantFrom(...WORDS);
      const value = fc.object({ key: field, values: [scalar, fc.integer(), fc.boolean(), fc.double(), fc.constant(null)], maxDepth: 5 });
      fc.assert(
        fc.property(value, fc.boolean(), (anything, whole) => {
          check(stringify(whole ? { name: 'x', languages: ['en'], start: 'a', steps: { a: anything, b: { hangUp: true } } } : anything));
        }),
        runs(300),
      );
    },
    PATIENCE_MS,
  );

  it(
    'places every mistake in good files that somebody changed, and those that are still good can be used',
    () => {
      let accepted = 0;
      fc.assert(
        fc.property(
          fc.constantFrom(...GOOD),
          fc.array(change, { minLength: 1, maxLength: 3 }),
          fc.array(does, { maxLength: 12 }),
          world,
          (good, changes, script, where) => {
            const changed = changes.reduce((before, one) => one(before), good.text);
            const set = check(changed, good.others);
            if (!set) return;
            accepted++;
            useful(set);
            talksToAnEnd(set, script, where);
          },
        ),
        runs(250),
      );
      expect(accepted).toBeGreaterThan(20);
    },
    PATIENCE_MS,
  );

  it(
    'lets every accepted dialogue end, whatever is pressed and whatever happens',
    () => {
      let accepted = 0;
      fc.assert(
        fc.property(built, fc.array(does, { maxLength: 30 }), world, (file, script, where) => {
          const set = check(stringify(file));
          if (!set) return;
          accepted++;
          useful(set);
          talksToAnEnd(set, script, where);
        }),
        runs(250),
      );
      expect(accepted).toBeGreaterThan(50);
    },
    PATIENCE_MS,
  );

  it('takes any input at any step: late, twice, of another step, or with what nobody asked for', () => {
    const request = fc.nat(12);
    const value = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean());
    const sight = fc.record({ position: fc.integer({ min: 1 }), waitMs: fc.option(fc.nat()), staffed: fc.boolean() });
    const input: fc.Arbitrary<DialogueInput> = fc.oneof(
      { weight: 4, arbitrary: fc.record({ type: fc.constant('digit' as const), digit: fc.constantFrom(...'0123456789*#ABCD') }) },
      { weight: 4, arbitrary: fc.record({ type: fc.constant('playFinished' as const), play: fc.nat(40) }) },
      { weight: 4, arbitrary: fc.constant({ type: 'timeout' as const }) },
      fc.constant({ type: 'started' as const }),
      fc.record({ type: fc.constant('lookedUp' as const), found: fc.boolean() }),
      fc.record({
        type: fc.constant('serviceAnswered' as const),
        request,
        outcome: fc.constantFrom('found' as const, 'notFound' as const, 'failed' as const),
        values: fc.dictionary(fc.constantFrom('status', 'tries', 'constructor', '__proto__'), value),
      }),
      fc.record({
        type: fc.constant('recorded' as const),
        request,
        durationMs: fc.nat(200_000),
        outcome: fc.constantFrom('completed' as const, 'failed' as const),
      }),
      fc.record({
        type: fc.constant('heard' as const),
        request,
        words: fc.option(fc.oneof(fc.string(), fc.constantFrom('order', '1', '番号'))),
      }),
      fc.record({ type: fc.constant('announceDue' as const), sight }),
      fc.record({ type: fc.constant('callBackAnswered' as const), promised: fc.boolean() }),
      fc.record({ type: fc.constant('transferFailed' as const), cause: fc.constant('busy') }),
    );
    const set = check(everyVerb);
    const [scenario] = set?.scenarios.values() ?? [];
    if (!set || !scenario) throw new Error('it was refused');
    fc.assert(
      fc.property(fc.constantFrom(...scenario.steps.keys()), fc.array(input, { maxLength: 60 }), fc.boolean(), (start, inputs, isOpen) => {
        const facts = { at: SOME_WORLD.at, timeZone: 'Asia/Tokyo', isOpen: () => isOpen, speech: true, readPhone: () => null, conditions };
        let { dialogue } = startDialogue(set, 'everything', { language: 'ja' }, facts);
        dialogue = { ...dialogue, step: start, playing: false };
        for (const one of inputs) {
          const result = stepDialogue(set, dialogue, one, facts);
          dialogue = JSON.parse(JSON.stringify(result.dialogue)); // as the database gives it back
          expect(scenario.steps.has(dialogue.step)).toBe(true);
          expect(result.timeoutMs === null || result.timeoutMs === 'asBefore' || result.timeoutMs > 0).toBe(true);
        }
      }),
      runs(400),
    );
  });

  it.each([
    ['longer than anybody writes', `name: ${'x'.repeat(200_000)}`, /characters/],
    ['of a thousand levels', `steps: ${'['.repeat(1000)}${']'.repeat(1000)}`, /levels/],
    ['of a thousand levels by indentation', Array.from({ length: 300 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'), /levels/],
    ['of names that are groups themselves', '? '.repeat(500), /a name must be a word/],
    ['that unfolds to more than a memory holds', bomb(), /reference/],
    ['of ten thousand references', `a: &a x\nb: [${Array(10_000).fill('*a').join(', ')}]`, /references/],
    ['that refers to itself', 'name: &a [*a]', /nothing named '&a' before/],
    ['of two kinds of YAML', '%YAML 1.1\n---\nname: no', /YAML 1\.2/],
    ['with the same name twice', 'name: a\nname: b', /'name' twice/],
    [
      'whose variables are called as JavaScript calls its own',
      everyVerb.replace('saveAs: code', 'saveAs: constructor'),
      /something else already/,
    ],
    ['of nothing but mistakes', `${'}\n'.repeat(20_000)}`, /flow-map-end/],
    ['of unknown steps only', chain(399, (n) => `s${n}x`), /there is no step/],
    ['of more steps than anybody can follow', chain(400, (n) => `s${n}`), /400 is the most/],
  ])('refuses a file %s, and says where', (_, content, says) => {
    const problems = parseScenarios([{ file: 'f.yaml', text: content }]);
    if (!Array.isArray(problems)) throw new Error('it was accepted');
    expect(problems.length).toBeLessThanOrEqual(100);
    expect(problems.some(({ problem, remedy }) => says.test(`${problem}; ${remedy}`))).toBe(true);
    for (const problem of problems) expect(misplaced(problem, content)).toBeNull();
  });

  it('reads the longest dialogue that may be, talks it through and draws it', () => {
    const set = check(chain(399, (n) => `s${n}`));
    if (!set) throw new Error('it was refused');
    const run = new DryRun(set, 'chain', { language: 'en' }, SOME_WORLD);
    follow(run, []);
    expect(run.ends).toBe('hangUp');
    const [scenario] = set.scenarios.values();
    expect(scenario && pathsThrough(scenario, 10)).toMatchObject({ complete: true, paths: [{ ends: 'hangUp' }] });
    useful(set);
  });
});

function bomb(): string {
  const rows = [...'abcdefgh'].map(
    (name, n, all) =>
      `${name}: &${name} [${Array(9)
        .fill(n === 0 ? 'x' : `*${all[n - 1]}`)
        .join(',')}]`,
  );
  return rows.join('\n');
}

function chain(length: number, next: (n: number) => string): string {
  const steps = Array.from({ length }, (_, n) => `  s${n}: { say: { en: x }, next: ${next(n + 1)} }`);
  return `name: chain\nlanguages: [en]\nstart: s0\nsteps:\n${steps.join('\n')}\n  s${length}: { hangUp: true }\n`;
}
