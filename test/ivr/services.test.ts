// biome-ignore-all lint/suspicious/noTemplateCurlyInString: secrets are written so in the file
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '#src/base/checked-yaml.ts';
import { asValue, NO_SERVICES, parseServices, ServicesFile, type ValueType, valuesOf } from '#src/ivr/services.ts';
import { schemaText } from '#src/tools/logic.ts';

const scenarios = new URL('../../scenarios/', import.meta.url);
const shipped = readFileSync(new URL('services.yaml', scenarios), 'utf8');

const problems = (text: string, env?: Record<string, string>): string[] => {
  const parsed = parseServices(text, 's.yaml', env);
  if (!Array.isArray(parsed)) throw new Error('nothing is wrong with it');
  return parsed.map(formatProblem);
};
/** A file with one service of which some lines are other ones. */
const service = (...lines: string[]): string => `services:\n  orders:\n${lines.map((line) => `    ${line}\n`).join('')}`;
const URL_LINE = 'url: https://erp.example.jp/orders/{number}';
const GIVES = 'gives: { status: string }';

describe('the file of services', () => {
  it('calls nothing as it is shipped', () => {
    expect(parseServices(shipped, 'services.yaml')).toEqual(NO_SERVICES);
  });

  it('has examples that are right when they are let out', () => {
    const examples = shipped.slice(shipped.indexOf('# services:')).replaceAll(/^# ?/gm, '');
    const { services, hooks } = unwrap(parseServices(examples, 'services.yaml', { ORDERS_TOKEN: 'a', SMS_TOKEN: 'b' }));
    expect(services.get('orders')).toMatchObject({ takes: ['number'], gives: { status: 'string', days: 'int' }, notFound: [404] });
    expect(services.get('stock')).toMatchObject({ takes: ['product'], gives: { pieces: 'int' } });
    expect(hooks.get('sms')).toMatchObject({ takes: ['to', 'text'], tries: 14, timeoutMs: 10_000 });
  });

  it('has the schema that editors check it with', () => {
    expect(readFileSync(new URL('schema/services.schema.json', scenarios), 'utf8')).toBe(schemaText(ServicesFile));
  });

  it('says what a service takes and gives, and leaves secrets as they are named', () => {
    const { services } = unwrap(
      parseServices(
        `services:
  orders:
    method: POST
    url: https://erp.example.jp/{office}/orders?number={number}
    headers: { X-Key: '\${ERP_KEY}' }
    body: { who: [{ number: '{caller}' }], office: '{office}' }
    timeout: 1.5s
    atOnce: 3
    notFound: [404, 410]
    gives: { total: { as: double, at: /order/sum~1all, otherwise: 0 } }`,
        's.yaml',
        { ERP_KEY: 'geheim' },
      ),
    );
    expect(services.get('orders')).toMatchObject({
      takes: ['office', 'number', 'caller'],
      gives: { total: 'double' },
      timeoutMs: 1500,
      atOnce: 3,
      notFound: [404, 410],
    });
    expect(services.get('orders')?.fields.get('total')).toEqual({ type: 'double', at: ['order', 'sum/all'], otherwise: 0 });
    expect(JSON.stringify(services.get('orders'))).not.toContain('geheim');
  });

  it.each([
    ['a misspelt field', service('urll: https://x.jp/', GIVES), "s.yaml:3:5: there is no field 'urll' here; did you mean 'url'?"],
    [
      'a type that is not known',
      service(URL_LINE, 'gives: { status: strng }'),
      "s.yaml:4:22: 'strng' is not known here; did you mean 'string'?",
    ],
    ['no address', service('url: erp', GIVES), "s.yaml:3:10: this is no http address; write it as 'https://host/path/{variable}'"],
    [
      'another protocol',
      service('url: file:///etc/{x}', GIVES),
      "s.yaml:3:10: this is no http address; write it as 'https://host/path/{variable}'",
    ],
    [
      'a host by a variable',
      service("url: 'https://{host}.example.jp/'", GIVES),
      "s.yaml:3:10: the host is not fixed; write it out: variables stand behind it, as '/{number}'",
    ],
    [
      'a variable right behind the host',
      service("url: 'https://example.jp{number}'", GIVES),
      "s.yaml:3:10: the host is not fixed; write it out: variables stand behind it, as '/{number}'",
    ],
    [
      'a password in the address',
      service('url: https://me:geheim@erp.example.jp/', GIVES),
      "s.yaml:3:10: there is a password in the address; put it into 'headers', as Authorization: Basic ${NAME}",
    ],
    [
      'a secret in the address',
      service("url: 'https://erp.example.jp/?key=${KEY}'", GIVES),
      "s.yaml:3:39: a secret in an address ends up in logs; put it into 'headers' or 'body'",
    ],
    [
      'a variable in a header',
      service(URL_LINE, "headers: { X-Number: 'no {number}' }", GIVES),
      's.yaml:4:30: a header takes no variables; put them into the url or the body',
    ],
    [
      'a header of our own',
      service(URL_LINE, 'headers: { host: other.example.jp }', GIVES),
      "s.yaml:4:16: the header 'host' is set by itself; leave it out",
    ],
    [
      'a stray brace',
      service('url: https://erp.example.jp/{number', GIVES),
      "s.yaml:3:33: a stray '{'; write a variable as {name}, a secret as ${NAME}",
    ],
    [
      'a GET with a body',
      service(URL_LINE, "body: { a: '{b}' }", GIVES),
      "s.yaml:4:5: a GET has no body; add 'method: POST', or put the variables into the url",
    ],
    [
      'a time that nobody waits',
      service(URL_LINE, 'timeout: 2m', GIVES),
      's.yaml:4:14: 2m is out of range; write a duration from 100ms to 30s',
    ],
    [
      'another value of the wrong type',
      service(URL_LINE, 'gives: { days: { as: int, otherwise: soon } }'),
      's.yaml:4:42: "soon" is no int; write a value of the type int',
    ],
  ])('says where and what is wrong: %s', (_, text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });

  it('misses a secret that the environment does not have, and never shows one', () => {
    const text = service(URL_LINE, "headers: { Authorization: 'Bearer ${ORDERS_TOKEN}' }", GIVES);
    expect(problems(text, { ORDER_TOKEN: 'geheim' })).toEqual([
      "s.yaml:4:39: the environment has no ORDERS_TOKEN; did you mean 'ORDER_TOKEN'?",
    ]);
    expect(problems(text, {})).toEqual(['s.yaml:4:39: the environment has no ORDERS_TOKEN; set it where the server is started']);
    expect(problems(text, { ORDERS_TOKEN: 'geheim\r\nX-Admin: 1' })).toEqual([
      's.yaml:4:39: ORDERS_TOKEN has characters that cannot be sent; set it without line breaks, in plain letters',
    ]);
  });
});

describe('any file', () => {
  const good = shipped.slice(shipped.indexOf('# services:')).replaceAll(/^# ?/gm, '');
  const pieces = [
    '{',
    '}',
    '${',
    '{x}',
    '${X}',
    ': ',
    '- ',
    '\n',
    '  ',
    '#',
    '&a ',
    '*a',
    "'",
    '"',
    'null',
    '[',
    ']',
    '\t',
    '\u0000',
    '?',
    '|',
    '__proto__',
  ];

  it('is read or refused with places in it, whatever was done to it', () => {
    const change = fc.record({
      at: fc.nat(good.length),
      cut: fc.nat(20),
      piece: fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 5 })),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        let text = good;
        for (const { at, cut, piece } of changes) text = text.slice(0, at) + piece + text.slice(at + cut);
        const parsed = parseServices(text, 's.yaml', {});
        if (!Array.isArray(parsed)) return;
        const lines = text.split('\n').length;
        expect(parsed.length).toBeGreaterThan(0);
        for (const { line, column, problem, remedy } of parsed) {
          expect([line >= 1 && line <= lines + 1, column >= 1]).toEqual([true, true]);
          expect(`${problem};${remedy}`).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is refused in time when it is nested without end', () => {
    for (const depth of [200, 20_000]) {
      const text = `hooks:\n  a: { url: https://x.jp/, body: { a: ${'['.repeat(depth)}${']'.repeat(depth)} } }\n`;
      expect(problems(text)[0]).toMatch(/^s\.yaml:2:\d+: /);
    }
  });
});

describe('an answer', () => {
  it.each<[unknown, ValueType, unknown]>([
    ['shipped', 'string', 'shipped'],
    [12, 'string', '12'],
    [2 ** 60, 'string', undefined],
    [{}, 'string', undefined],
    ['x'.repeat(501), 'string', undefined],
    [3, 'int', 3],
    [' 3 ', 'int', 3],
    [3.5, 'int', undefined],
    ['three', 'int', undefined],
    ['3.50', 'double', 3.5],
    [3, 'double', 3],
    ['1e5', 'double', undefined],
    [true, 'bool', true],
    ['false', 'bool', false],
    [0, 'bool', undefined],
  ])('%j as %s is %j', (given, type, expected) => {
    expect(asValue(given, type)).toBe(expected);
  });

  const fields = (text: string) =>
    unwrap(parseServices(service(URL_LINE, `gives: ${text}`), 's.yaml')).services.get('orders')?.fields ?? new Map();

  it('is taken from where it stands', () => {
    const at = fields('{ first: { as: string, at: /lines/0/name }, count: int }');
    expect(valuesOf({ lines: [{ name: 'MS-100' }], count: '2' }, at)).toEqual({ first: 'MS-100', count: 2 });
  });

  it('that lacks something is none, unless the file says what it is then', () => {
    expect(valuesOf({ days: null }, fields('{ days: int }'))).toBeNull();
    expect(valuesOf({ days: null }, fields('{ days: { as: int, otherwise: 0 } }'))).toEqual({ days: 0 });
    expect(valuesOf({ days: 'soon' }, fields('{ days: { as: int, otherwise: 0 } }'))).toBeNull();
    expect(valuesOf(undefined, fields('{ days: int }'))).toBeNull();
  });

  it('has only what is its own: nothing comes from the language', () => {
    expect(valuesOf({}, fields('{ constructor: string }'))).toBeNull();
    expect(valuesOf([], fields('{ length: { as: int, at: /__proto__/length } }'))).toBeNull();
  });
});
