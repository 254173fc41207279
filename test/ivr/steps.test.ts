import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '../../src/base/checked-yaml.ts';
import { type Known, parseScenarios, type ScenarioSet } from '../../src/ivr/parse.ts';
import { DryRun, follow, SOME_WORLD, type World } from '../../src/ivr/talk.ts';

const HEAD = 'name: x\nlanguages: [ja, en]\nvariables: { count: int, state: string, total: double, ok: bool }\nstart: a\nsteps:\n';
const END = '  end: { hangUp: true }\n';
const setOf = (steps: string, known: Known = {}): ScenarioSet => unwrap(parseScenarios([{ file: 's.yaml', text: HEAD + steps }], known));
const problems = (steps: string, known: Known = {}): string[] => {
  const parsed = parseScenarios([{ file: 's.yaml', text: HEAD + steps }], known);
  return Array.isArray(parsed) ? parsed.map(formatProblem) : [];
};
function call(set: ScenarioSet, does: readonly string[], world: Partial<World> = {}, language: 'ja' | 'en' = 'en'): DryRun {
  const run = new DryRun(set, 'x', { language }, { ...SOME_WORLD, ...world });
  follow(run, does);
  return run;
}
const say = (name: string, words: string, next: string): string => `  ${name}: { say: { ja: ${words}, en: ${words} }, next: ${next} }\n`;
const asked = 'prompt: { ja: p, en: p }, onSilence: { ja: s, en: s }, onInvalid: { ja: i, en: i }';

describe('ask', () => {
  const asks = (as: string, more = ''): ScenarioSet =>
    setOf(
      `  a: { ask: { ${asked}, digits: { min: 1, max: 12 }, end: '#', saveAs: got, as: ${as}${more} }, next: b, failed: end }\n` +
        `  b: { say: { ja: '{got}', en: '{got}' }, next: end }\n${END}`,
    );
  it.each([
    ['digits', '0042#', '0042'],
    ['number', '0042#', '42'],
    ['date', '1224#', '2026-12-24'],
    ['date', '0101#', '2027-01-01'],
    ['date', '0229#', '2028-02-29'],
    ['date', '20270301#', '2027-03-01'],
    ['time', '0930#', '09:30'],
    ['time', '930#', '09:30'],
    ['phone', '09012345678#', '+819012345678'],
  ])('takes %s %s as %s', (as, keys, value) => {
    expect(call(asks(as), [keys]).hears).toEqual(['p', value]);
  });
  it.each([
    ['date', '0230#'],
    ['date', '123#'],
    ['time', '2460#'],
    ['phone', '123#'],
  ])('a %s that is none (%s) is wrong input, like any other', (as, keys) => {
    expect(call(asks(as), [keys, 'hangUp']).hears).toEqual(['p', 'i', 'p']);
  });
  it('has a condition of its own that the answer must meet', () => {
    const set = asks('number', `, check: 'got >= 10 && got <= 20'`);
    expect(call(set, ['9#', '21#', '15#']).hears).toEqual(['p', 'i', 'p', 'i', 'p', '15']);
  });
  it('a condition on what there is not is named with its place', () => {
    const [problem] = problems(
      `  a: { ask: { ${asked}, digits: { min: 1, max: 2 }, saveAs: got, check: 'gto > 1' }, next: end, failed: end }\n${END}`,
    );
    expect(problem).toMatch(/^s\.yaml:6:\d+: there is no variable 'gto'; did you mean 'got'\?$/);
  });
});

describe('a secret', () => {
  const steps = (use: string): string =>
    `  a: { ask: { ${asked}, digits: { min: 4, max: 4 }, saveAs: pin, secret: true }, next: b, failed: end }\n${use}${END}`;
  it('may be compared', () => {
    const set = setOf(steps(`  b: { when: [ { if: 'pin == "1234"', to: c } ], otherwise: end }\n${say('c', 'right', 'end')}`));
    expect(call(set, ['1234']).hears).toEqual(['p', 'right']);
  });
  it.each([
    [`  b: { say: { ja: '{pin}', en: 'your PIN is {pin:digits}' }, next: end }\n`, /'pin' is secret, and not to be said/],
    [`  b: { keep: { answer: 'pin + "x"' }, next: end }\n`, /'pin' is secret; a secret may be compared/],
    [`  b: { set: { state: pin }, next: end }\n`, /'pin' is secret; a secret may be compared/],
    [`  b: { send: { hook: sms, with: { to: pin } }, next: end }\n`, /'pin' is secret; a secret may be compared/],
  ])('%s is refused', (use, problem) => {
    expect(problems(steps(use))[0]).toMatch(problem);
  });
});

describe('yesNo and chooseLanguage', () => {
  it('1 is yes and 2 is no, unless the file says otherwise', () => {
    const steps = (keys: string): string =>
      `  a: { yesNo: { ${asked}${keys} }, yes: b, no: c, failed: end }\n${say('b', 'yes', 'end')}${say('c', 'no', 'end')}${END}`;
    expect(call(setOf(steps('')), ['1']).hears).toEqual(['p', 'yes']);
    expect(call(setOf(steps('')), ['2']).hears).toEqual(['p', 'no']);
    expect(call(setOf(steps(`, keys: ['9', '0']`)), ['1', '0']).hears).toEqual(['p', 'i', 'p', 'no']);
  });
  it('offers each language in itself, and goes on in the one that was chosen', () => {
    const set = setOf(
      `  a: { chooseLanguage: { prompt: { ja: 日本語は1, en: for English 2 }, choices: { '1': ja, '2': en } }, next: b }\n` +
        `  b: { say: { ja: こんにちは, en: hello }, next: end }\n${END}`,
    );
    expect(call(set, ['2'], {}, 'ja').hears).toEqual(['日本語は1', 'for English 2', 'hello']);
    expect(call(set, ['1'], {}, 'en').hears).toEqual(['日本語は1', 'for English 2', 'こんにちは']);
    expect(call(set, [], {}, 'ja').hears.at(-1)).toBe('こんにちは'); // nobody chooses: as it was
  });
});

describe('set, when and hours', () => {
  it('count, compare and remember', () => {
    const set = setOf(
      `  a: { set: { count: 'count + 1', state: 'party.kind + string(count)' }, next: b }\n` +
        `  b: { when: [ { if: 'count < 3', to: c } ], otherwise: d }\n` +
        `  c: { menu: { ${asked}, choices: { '1': a } }, failed: end }\n` +
        `  d: { say: { ja: '{state}', en: '{state}' }, next: end }\n${END}`,
    );
    expect(call(set, ['1', '1']).hears).toEqual(['p', 'p', 'new2']);
  });
  it('a value that cannot be worked out changes nothing', () => {
    const set = setOf(
      `  a: { set: { count: '5 / count', ok: 'true' }, next: b }\n  b: { say: { ja: '{count}{ok}', en: '{count}{ok}' }, next: end }\n${END}`,
    );
    expect(call(set, []).hears).toEqual(['true']);
  });
  it.each([
    [`  a: { set: { cuont: '1' }, next: end }\n${END}`, /there is no variable 'cuont'; did you mean 'count'\?/],
    [`  a: { set: { count: 'party.kind' }, next: end }\n${END}`, /the expression gives string and not int/],
    [
      `  a: { when: [ { if: 'party.knd == "new"', to: end } ], otherwise: end }\n${END}`,
      /'party' has no field 'knd'; did you mean 'kind'\?/,
    ],
    [`  a: { when: [ { if: 'count', to: end } ], otherwise: end }\n${END}`, /the condition gives int and not bool/],
    [
      `  a: { set: { count: '1' }, next: b }\n  b: { when: [ { if: ok, to: a } ], otherwise: end }\n${END}`,
      /this way round never ends: a → b → a/,
    ],
  ])('%s is refused', (steps, problem) => {
    expect(problems(steps)).toEqual([expect.stringMatching(problem)]);
  });
  it('knows whether a desk is open', () => {
    const set = setOf(`  a: { hours: sales, open: b, closed: c }\n${say('b', 'open', 'end')}${say('c', 'closed', 'end')}${END}`);
    expect(call(set, []).hears).toEqual(['open']);
    expect(call(set, [], { isOpen: (desk) => desk !== 'sales' }).hears).toEqual(['closed']);
  });
});

describe('lookUp', () => {
  const services: Known['services'] = new Map([
    ['orders', { takes: ['number'], gives: { status: 'string', amount: 'double' }, timeoutMs: 3000 }],
  ]);
  const steps =
    `  a: { ask: { ${asked}, digits: { min: 1, max: 6 }, end: '#', saveAs: number }, next: b, failed: end }\n` +
    `  b: { lookUp: { service: orders, with: { number: number }, save: { state: status, total: amount } }, ` +
    `found: c, notFound: { again: a, say: { ja: none, en: none } }, failed: d }\n` +
    `  c: { say: { ja: '{state} {total}', en: '{state} {total}' }, next: end }\n${say('d', 'later', 'end')}${END}`;
  it('of a service: what it gives is in the variables', () => {
    const run = call(setOf(steps, { services }), ['12#'], { services: { orders: { status: 'sent', amount: 1.5 } } });
    expect(run.hears).toEqual(['p', 'sent 1.5']);
  });
  it('of a service that knows nothing of it: asked again', () => {
    expect(call(setOf(steps, { services }), ['12#'], { services: { orders: 'notFound' } }).hears).toEqual(['p', 'none', 'p', 's', 'p']);
  });
  it('of a service that fails: the fallback', () => {
    expect(call(setOf(steps, { services }), ['12#'], { services: { orders: 'failed' } }).hears).toEqual(['p', 'later']);
  });
  it.each([
    ['service: orders', 'service: ordres', /services\.yaml has no service 'ordres'; did you mean 'orders'\?/],
    ['with: { number: number }', 'with: { nunber: number }', /the service 'orders' does not take 'nunber'; did you mean 'number'\?/],
    ['state: status', 'state: sttaus', /the service 'orders' does not give 'sttaus'; did you mean 'status'\?/],
    ['total: amount', 'count: amount', /'amount' is double, and 'count' is int; declare count: double/],
    ['state: status', 'sate: status', /there is no variable 'sate'; did you mean 'state'\?/],
  ])('%s written as %s is named', (right, wrong, problem) => {
    expect(problems(steps.replace(right, wrong), { services })[0]).toMatch(problem);
  });
  it('by phone and order finds the customer, whom conditions know then', () => {
    const set = setOf(
      `  a: { ask: { ${asked}, digits: { min: 1, max: 12 }, end: '#', saveAs: order }, next: b, failed: end }\n` +
        `  b: { lookUp: { order: order }, found: c, notFound: end }\n` +
        `  c: { when: [ { if: 'party.kind == "customer"', to: d } ], otherwise: end }\n${say('d', 'hello', 'end')}${END}`,
    );
    expect(call(set, ['77#'], { known: ['77'] }).hears).toEqual(['p', 'hello']);
  });
});

describe('queue', () => {
  const set = setOf(
    `  a: { queue: { desk: sales, announce: { every: 20s, next: { ja: n, en: next }, position: { ja: '{position}', en: 'place {position}' }, ` +
      `wait: { ja: '{minutes}', en: '{minutes} minutes' }, nobody: { ja: nn, en: nobody }, offers: { ja: o, en: 'press 1' } }, ` +
      `offers: { '1': b }, longest: 2m }, tooLong: c }\n` +
      `  b: { callBack: {}, next: d, failed: c }\n${say('c', 'sorry', 'end')}${say('d', 'promised', 'end')}${END}`,
  );
  it('tells the place and the wait at once, and again after a while', () => {
    expect(call(set, ['waits 45s', 'agent'])).toMatchObject({
      hears: ['place 2', '3 minutes', 'press 1', 'place 2', '3 minutes', 'press 1', 'place 2', '3 minutes', 'press 1'],
      ends: 'connected',
      does: ['queue sales'],
    });
  });
  it('the next in turn hears so, and whoever finds nobody there hears that', () => {
    expect(call(set, ['agent'], { sight: { position: 1, waitMs: 0, staffed: true } }).hears).toEqual(['next', 'press 1']);
    expect(call(set, ['hangUp'], { sight: { position: 1, waitMs: null, staffed: false } }).hears).toEqual(['nobody', 'press 1']);
  });
  it('a key takes up an offer, in the middle of an announcement too', () => {
    expect(call(set, ['!1'])).toMatchObject({ does: ['queue sales', 'callBack +819012345678'], ends: 'hangUp' });
    expect(call(set, ['waits 30s', '1']).hears.at(-1)).toBe('promised');
  });
  it('other keys change nothing', () => {
    expect(call(set, ['5', 'agent'])).toMatchObject({ ends: 'connected' });
  });
  it('whoever waits too long is led on, and has time that announcements do not prolong', () => {
    expect(call(set, ['waits 119s', 'agent']).ends).toBe('connected');
    expect(call(set, ['waits 2m', 'agent'])).toMatchObject({ ends: 'hangUp' });
  });
  it('where nobody is there, may lead somewhere else at once', () => {
    const elsewhere = setOf(`  a: { queue: { desk: sales }, nobody: c }\n${say('c', 'nobody', 'end')}${END}`);
    const run = call(elsewhere, [], { sight: { position: 1, waitMs: null, staffed: false } });
    expect(run).toMatchObject({ hears: ['nobody'], ends: 'hangUp' });
  });
  it('a longest wait without a way on, and the other way round, are refused', () => {
    expect(problems('  a: { queue: { longest: 2m } }\n')[0]).toMatch(/it is not said where that leads; add 'tooLong: STEP'/);
    expect(problems(`  a: { queue: {}, tooLong: end }\n${END}`)[0]).toMatch(/it is not said how long is too long; add longest: 5m/);
  });
});

describe('record, leaveMessage, callBack, transferOut, keep, send, call', () => {
  it('what was recorded goes to a desk; nothing recorded leads elsewhere', () => {
    const set = setOf(
      `  a: { record: { prompt: { ja: p, en: p }, shortest: 2s }, next: b, failed: c }\n` +
        `  b: { leaveMessage: { desk: sales }, next: d }\n${say('c', 'nothing', 'end')}${say('d', 'thanks', 'end')}${END}`,
    );
    expect(call(set, ['records 5s'])).toMatchObject({ does: ['leaveMessage sales'], hears: ['p', 'thanks'] });
    expect(call(set, ['records 1s'])).toMatchObject({ does: [], hears: ['p', 'nothing'] });
    expect(call(set, [])).toMatchObject({ does: [], hears: ['p', 'nothing'] });
  });
  it('a callback to another number, at a time', () => {
    const set = setOf(
      `  a: { ask: { ${asked}, digits: { min: 10, max: 11 }, saveAs: number, as: phone, end: '#' }, next: b, failed: end }\n` +
        `  b: { ask: { ${asked}, digits: { min: 3, max: 4 }, saveAs: time, as: time, end: '#' }, next: c, failed: end }\n` +
        `  c: { callBack: { number: number, at: time }, next: d, failed: e }\n${say('d', 'yes', 'end')}${say('e', 'no', 'end')}${END}`,
    );
    expect(call(set, ['0312345678#', '1530#']).does).toEqual(['callBack +81312345678 at 2026-11-20T15:30']);
    expect(call(set, ['0312345678#', '0930#']).does).toEqual(['callBack +81312345678 at 2026-11-21T09:30']); // it is ten: tomorrow
    expect(call(set, ['0312345678#', '1530#'], { promisesCallBack: false })).toMatchObject({ does: [], hears: ['p', 'p', 'no'] });
  });
  it('a number outside that does not answer leads on', () => {
    const set = setOf(`  a: { transferOut: { to: '+81312345678' }, failed: b }\n${say('b', 'busy', 'end')}${END}`);
    expect(call(set, []).ends).toBe('transferOut +81312345678');
    expect(call(set, [], { transfer: 'busy' })).toMatchObject({ hears: ['busy'], ends: 'hangUp' });
  });
  it('answers are kept, and hooks are given what they take', () => {
    const hooks: Known['hooks'] = new Map([['sms', { takes: ['to', 'text'] }]]);
    const steps =
      `  a: { keep: { satisfaction: '5', name: party.name }, next: b }\n` +
      `  b: { send: { hook: sms, with: { to: caller.number }, text: { ja: t, en: thanks } }, next: end }\n${END}`;
    expect(call(setOf(steps, { hooks }), []).does).toEqual(['keep satisfaction=5 name=', 'send sms to=+819012345678 text=thanks']);
    expect(problems(steps.replace('hook: sms', 'hook: smms'), { hooks })[0]).toMatch(
      /services\.yaml has no hook 'smms'; did you mean 'sms'\?/,
    );
    expect(problems(steps.replace('with: { to: caller.number }, ', ''), { hooks })[0]).toMatch(/the hook 'sms' needs 'to'/);
  });

  const caller = (then: string): string => `${HEAD}  a: { call: other, then: { ${then} } }\n${say('b', 'back', 'end')}${END}`;
  const other = (steps: string): string => `name: other\nlanguages: [ja, en]\nstart: o\nsteps:\n${steps}`;
  const both = (a: string, b: string) =>
    parseScenarios([
      { file: 'x.yaml', text: a },
      { file: 'other.yaml', text: b },
    ]);
  it('another scenario comes back by its words, and what it asked for is known then', () => {
    const asks = `  o: { ask: { ${asked}, digits: { min: 1, max: 3 }, end: '#', saveAs: code }, next: d, failed: f }\n  d: { handBack: done }\n  f: { handBack: given }\n`;
    const set = unwrap(
      both(caller('done: b, given: end').replaceAll('back', `'{code}'`).replace('variables: {', 'variables: { code: string,'), other(asks)),
    );
    expect(call(set, ['12#'])).toMatchObject({ hears: ['p', '12'], ends: 'hangUp' });
    expect(call(set, [])).toMatchObject({ ends: 'hangUp', dialogue: { scenario: 'x' } });
  });
  it.each([
    [
      'an unknown one',
      caller('done: b').replace('call: other', 'call: othr'),
      other('  o: { handBack: done }\n'),
      /there is no scenario 'othr'; did you mean 'other'\?/,
    ],
    ['a word that leads nowhere', caller('done: b'), other('  o: { handBack: dnoe }\n'), /'other' may hand back 'dnoe'; add 'dnoe: STEP'/],
    ['one that calls back', caller('done: b'), other('  o: { call: x, then: {} }\n'), /scenarios call each other without end/],
    [
      'one of another language',
      caller('done: b'),
      other('  o: { handBack: done }\n').replace('[ja, en]', '[ja]'),
      /'other' does not speak en/,
    ],
  ])('%s is refused', (_, a, b, problem) => {
    const parsed = both(a, b);
    expect(Array.isArray(parsed) ? parsed.map(formatProblem).join('\n') : 'accepted').toMatch(problem);
  });
});

describe('what is said in place of keys', () => {
  const set = setOf(
    `  a: { menu: { ${asked}, choices: { '1': b, '2': c }, words: { '1': [sales, 営業], '2': [repair] }, speech: true }, failed: end }\n` +
      `  b: { ask: { ${asked}, digits: { min: 3, max: 4 }, end: '#', saveAs: code, speech: true }, next: d, failed: end }\n` +
      `  d: { say: { ja: '{code}', en: '{code}' }, next: end }\n${say('c', 'repair', 'end')}${END}`,
  );
  it('is understood where a recogniser is there', () => {
    expect(call(set, ['says Sales, please', 'says one two three'], { speech: true }).hears).toEqual(['p', 'p', '123']);
    expect(call(set, ['says 営業をお願いします', 'says 一二三'], { speech: true }).hears).toEqual(['p', 'p', '123']);
  });
  it('is wrong input where it fits nothing, and silence where nothing was understood', () => {
    expect(call(set, ['says bananas', 'silence', 'hangUp'], { speech: true }).hears).toEqual(['p', 'i', 'p', 's', 'p']);
  });
  it('keys go before it at any time', () => {
    expect(call(set, ['2'], { speech: true })).toMatchObject({ hears: ['p', 'repair'] });
    expect(call(set, ['says sales', '2'])).toMatchObject({ hears: ['p', 'repair'] }); // no recogniser: not heard
  });
});
