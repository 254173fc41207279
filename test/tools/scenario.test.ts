import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadDemo } from '#src/db/demo.ts';
import { runScenario } from '#src/tools/scenario.ts';
import { testDatabase } from '../db/test-database.ts';

const shipped = path.resolve(import.meta.dirname, '../../scenarios');
let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-scenario-'));
  fs.copyFileSync(path.join(shipped, 'prompts.yaml'), path.join(folder, 'prompts.yaml'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const GOOD = `name: door
languages: [en, ja]
variables: { name: string, hour: int }
start: hello
steps:
  hello: { say: { ja: こんにちは, en: Hello }, bargeIn: true, next: choose }
  choose:
    menu: { prompt: { ja: 一か二, en: One or two }, choices: { '1': sales, '2': service, '9': choose }, tries: 2 }
    failed: end
  service: { ask: { prompt: { ja: 番号, en: Your number }, digits: { min: 2, max: 5 }, end: '#', saveAs: code }, next: sales, failed: end }
  sales: { route: reception }
  end: { hangUp: true }
tests:
  - { name: sales by one key, language: en, caller: ['1'], hears: [Hello, One], ends: route reception }
  - { name: service asks for a number, language: ja, caller: ['2', '77#'], hears: [番号], ends: route reception }
`;
const write = (name: string, text: string): string => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, text);
  return file;
};

interface Setting {
  readonly typed?: string;
  readonly dir?: string;
  readonly env?: Readonly<Record<string, string>>;
}
/** The command on the folder of this test, or another one. */
async function run(argv: readonly string[], { typed = '', dir = folder, env = {} }: Setting = {}) {
  let printed = '';
  const input = new PassThrough();
  input.end(typed);
  let now = 0;
  const code = await runScenario([...argv, '--dir', dir], {
    env: { DATA_DIR: folder, ...env },
    input,
    nowMs: () => {
      now += 1000;
      return now;
    },
    print: (text) => {
      printed += text;
    },
  });
  return { code, printed };
}

describe('the shipped scenarios', () => {
  it('are right', async () => {
    expect(await run(['check'], { dir: shipped })).toMatchObject({ code: 0, printed: expect.stringMatching(/^\d+ scenarios are right/) });
  });

  it('pass their tests', async () => {
    const { code, printed } = await run(['test'], { dir: shipped });
    expect(printed).not.toContain('FAIL');
    expect(code).toBe(0);
  });

  it('have every step and every way tried', async () => {
    const { code, printed } = await run(['coverage', '--least', '100'], { dir: shipped });
    expect(printed).not.toContain('no test');
    expect(code).toBe(0);
  });
});

describe('npm run scenario -- check', () => {
  it('says how many are right', async () => {
    write('door.yaml', GOOD);
    expect(await run(['check'])).toEqual({
      code: 0,
      printed: '1 scenario is right (5 steps, 2 tests)\nNot looked up: the desks that they name (--desks does)\n',
    });
  });

  it('names file, line, column, and what was meant', async () => {
    write('door.yaml', GOOD.replace('next: sales', 'next: salse').replace('en: Hello', 'en: "Hello {nane}"'));
    const { code, printed } = await run(['check']);
    expect(code).toBe(1);
    expect(printed).toMatch(/door\.yaml:6:\d+: there is no variable 'nane'; did you mean 'name'\?\n/);
    expect(printed).toMatch(/door\.yaml:10:\d+: there is no step 'salse'; did you mean 'sales'\?\n/);
    expect(printed).toContain('2 mistakes in 1 file');
  });

  it('looks desks up in the database when it is told to', async () => {
    const database = await testDatabase();
    try {
      await loadDemo(database.pool, { domainId: 'demo', password: 'made up for this test', now: Date.now() });
      const env = { DATABASE_URL: database.url, DOMAIN: 'demo' };
      write('door.yaml', GOOD);
      expect(await run(['check', '--desks'], { env })).toEqual({ code: 0, printed: '1 scenario is right (5 steps, 2 tests)\n' });
      write('door.yaml', GOOD.replace('{ route: reception }', '{ route: tokyo-dsek }'));
      expect((await run(['check'])).code).toBe(0);
      const { code, printed } = await run(['check', '--desks'], { env });
      expect(code).toBe(1);
      expect(printed).toMatch(/door\.yaml:11:\d+: there is no desk 'tokyo-dsek'; did you mean 'tokyo-desk'\?/);
    } finally {
      await database.close();
    }
  });

  it('takes a file from elsewhere in place of the one of that name', async () => {
    write('door.yaml', GOOD);
    const elsewhere = fs.mkdtempSync(path.join(folder, 'draft-'));
    const draft = path.join(elsewhere, 'door.yaml');
    fs.writeFileSync(draft, GOOD.replace('start: hello', 'start: helo'));
    const { code, printed } = await run(['check', draft]);
    expect({ code, printed }).toMatchObject({ code: 1, printed: expect.stringContaining(`${draft}:4:8: there is no step 'helo'`) });
  });

  it.each([
    ['a step that leads nowhere', GOOD.replace('next: sales,', ''), /door\.yaml:10:3: the field 'next' is missing/],
    [
      'a way round without an end',
      GOOD.replace('{ hangUp: true }', '{ say: { ja: x, en: x }, next: end }'),
      /this way round never ends: end → end/,
    ],
    [
      'a step that nothing leads to',
      `${GOOD.replace('tests:', '  lonely: { hangUp: true }\ntests:')}`,
      /13:3: no way leads to the step 'lonely'/,
    ],
  ])('refuses %s, and so do all other commands', async (_, text, says) => {
    write('door.yaml', text);
    for (const command of [['check'], ['paths', 'door'], ['draw', 'door'], ['test'], ['coverage']]) {
      expect(await run(command)).toMatchObject({ code: 1, printed: expect.stringMatching(says) });
    }
  });
});

describe('npm run scenario -- test', () => {
  it('runs the tests in the files, and says how many and how fast', async () => {
    write('door.yaml', GOOD);
    const { code, printed } = await run(['test']);
    expect({ code, printed }).toEqual({
      code: 0,
      printed: 'door             2 of 2 tests\n\n2 of 2 tests pass, in 1000 ms (2 a second)\n',
    });
  });

  it('shows what failed, where the caller was, and what was heard', async () => {
    write('door.yaml', GOOD.replace('hears: [番号], ends: route reception', 'hears: [住所], ends: hangUp'));
    const { code, printed } = await run(['test', 'door']);
    expect(code).toBe(1);
    expect(printed).toContain(`  FAIL service asks for a number
       ends: expected 'hangUp', got 'route reception'
       hears: '住所' was not said
       steps  hello → choose → service → sales
       heard  こんにちは
       heard  一か二
       heard  番号
       ended  route reception
`);
    expect(printed).toContain('1 of 2 tests pass');
  });

  it('can run some of them', async () => {
    write('door.yaml', GOOD);
    expect((await run(['test', '--filter', 'one key'])).printed).toContain('1 of 1 test pass');
    expect(await run(['test', '--filter', 'nothing'])).toEqual({ code: 2, printed: "no test has 'nothing' in its name\n" });
  });
});

describe('npm run scenario -- coverage', () => {
  it('names the steps and ways that no test comes to, and fails under the share that is wanted', async () => {
    write('door.yaml', GOOD);
    const { code, printed } = await run(['coverage', '--least', '100']);
    expect(code).toBe(1);
    expect(printed).toBe(`door              66 %  4 of 5 steps, 4 of 7 ways
       no test comes to the step end
       no test goes from choose by 9 to choose
       no test goes from choose by failed to end
       no test goes from service by failed to end

66 % of all steps and ways
at least 100 % are wanted
`);
    expect((await run(['coverage', '--least', '66'])).code).toBe(0);
  });

  it('tells two ways to the same step apart', async () => {
    write('door.yaml', GOOD.replace("'2': service, '9': choose", "'2': service, '9': sales"));
    expect((await run(['coverage'])).printed).toContain('no test goes from choose by 9 to sales');
  });

  it('counts a test for the scenarios that its own calls', async () => {
    write(
      'door.yaml',
      GOOD.replace('sales: { route: reception }', 'sales: { call: desk, then: { done: end } }').replaceAll('route reception', 'hangUp'),
    );
    write('desk.yaml', 'name: desk\nlanguages: [en, ja]\nstart: a\nsteps:\n  a: { handBack: done }\n');
    expect((await run(['coverage', 'desk'])).printed).toContain('100 %  1 of 1 step, 0 of 0 ways');
    expect((await run(['coverage', 'door'])).printed).toContain('5 of 5 steps, 5 of 8 ways');
  });
});

describe('npm run scenario -- paths', () => {
  it('shows every way through, the keys that lead there, and how it ends', async () => {
    write('door.yaml', GOOD);
    const { code, printed } = await run(['paths', 'door']);
    expect(code).toBe(0);
    expect(printed).toContain('1. 1 · route reception\n   hello → choose → sales\n');
    expect(printed).toContain('2. 2 · code# · route reception\n   hello → choose → service → sales\n');
    expect(printed).toContain('9 · 1 · route reception\n   hello → choose → choose → sales\n');
    expect(printed).toContain('8 ways through door');
    expect((await run(['paths', 'door', '--most', '3'])).printed).toContain('The first 3 ways (--most shows more)');
  });
});

describe('npm run scenario -- draw', () => {
  it('draws a dialogue into a file of its name, or another, or to the output', async () => {
    write('door.yaml', GOOD.replace('en: Hello', 'en: "Hello & <welcome>"'));
    const out = path.join(folder, 'picture.svg');
    expect(await run(['draw', 'door', '--out', out])).toEqual({ code: 0, printed: `${out}: 5 steps\n` });
    const svg = fs.readFileSync(out, 'utf8');
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(svg).toContain('<title>Scenario door</title>');
    expect(svg).toContain('Hello &amp; &lt;welcome&gt;');
    for (const step of ['hello', 'choose', 'service', 'sales', 'end']) expect(svg).toContain(`id="step-${step}"`);
    const japanese = (await run(['draw', 'door', '--out', '-', '--language', 'ja'])).printed;
    expect(japanese).toContain('こんにちは');
    expect(japanese).toContain('受付');
    expect(await run(['draw', 'door', '--language', 'fr'])).toMatchObject({
      code: 2,
      printed: "'door' does not speak fr; it speaks en, ja\n",
    });
  });
});

describe('npm run scenario -- talk', () => {
  it('talks a dialogue through: each line is one thing that the caller does', async () => {
    write('door.yaml', GOOD);
    const { code, printed } = await run(['talk', 'door', '--steps'], { typed: '7\n\n' });
    expect(code).toBe(0);
    expect(printed).toContain('  · hello → choose\n  Hello\n  One or two\n> 7\n  · choose\n  One or two\n> silence\n');
    expect(printed).toMatch(/\nhangUp\n$/);
  });

  it('hangs up when nothing more is typed, and says what it does not understand', async () => {
    write('door.yaml', GOOD);
    const { printed } = await run(['talk', 'door', '--language', 'ja'], { typed: 'help\n2\n' });
    expect(printed).toContain("'help' is nothing that a caller does");
    expect(printed).toMatch(/ {2}番号\n\nabandoned\n$/);
  });

  it('in the world that it is given', async () => {
    const world = ['--language', 'en', '--from', 'withheld', '--position', '4', '--wait', '12', '--at', '2026-11-20T10:00+09:00'];
    const typed = 'waits 1m\n1\n0312345678#\n1\n1\n';
    const { printed } = await run(['talk', 'waiting', ...world], { typed, dir: shipped });
    expect(printed).toContain('You are number 4 in line.');
    expect(printed).toContain('about 12 minutes');
    expect(printed).toContain('[callBack +81312345678]');
    const refused = await run(['talk', 'waiting', '--unstaffed', '--refuse', '--language', 'en'], { typed: '1\n1\n1\n', dir: shipped });
    expect(refused.printed).toContain('We are sorry, nobody is here');
    expect(refused.printed).toContain('cannot call you back');
  });

  it.each([
    [['--from', '0312345678'], '--from 0312345678 is no number as +81312345678; or write withheld\n'],
    [['--at', 'noon'], '--at noon is not a time with its zone, as 2026-11-20T10:00+09:00\n'],
    [['--party', 'custommer'], "--party custommer: did you mean 'customer'?\n"],
    [['--set', 'nane=x'], "--set nane=x: 'door' has no variable 'nane'; did you mean 'name'?\n"],
    [['--set', 'hour=noon'], '--set hour=noon: hour is int\n'],
    [['--service', 'orders'], '--service orders: write orders=notFound, orders=failed or orders=status=shipped,days=3\n'],
    [['--position', 'first'], '--position first: write a number from 1 on\n'],
  ])('says what is wrong with %s', async (options, printed) => {
    write('door.yaml', GOOD);
    expect(await run(['talk', 'door', ...options])).toEqual({ code: 2, printed });
  });
});

describe('called wrongly', () => {
  it.each([
    [['chek'], "there is no command 'chek'; did you mean 'check'?\n"],
    [['draw', 'dor'], "there is no scenario 'dor'; did you mean 'door'?\n"],
    [['draw'], 'write the name of one scenario: npm run scenario -- draw NAME; there is: door\n'],
    [['test', '--least', '3'], "'test' has no --least; it has --dir, --filter\n"],
    [['coverage', '--least', 'all'], '--least all: write a number from 0 to 100\n'],
    [['check', '/nowhere/x.yaml'], "/nowhere/x.yaml can't be read: ENOENT: no such file or directory, open '/nowhere/x.yaml'\n"],
  ])('%s', async (argv, printed) => {
    write('door.yaml', GOOD);
    expect(await run(argv)).toEqual({ code: 2, printed });
  });

  it('shows how it is called right', async () => {
    expect((await run([])).code).toBe(2);
    const { code, printed } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of ['check', 'test', 'coverage', 'draw', 'talk', 'paths'])
      expect(printed).toContain(`npm run scenario -- ${command}`);
  });
});
