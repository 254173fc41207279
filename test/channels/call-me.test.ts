import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  beginningOf,
  CALL_ME_MESSAGES,
  type CallMeBody,
  type CallMeCounts,
  type CallMePolicy,
  callingNumberOf,
  checkCallMe,
  checkCallTime,
  cleanCallMe,
  DEFAULT_CALL_ME_POLICY,
  readCallMeTarget,
  recognisable,
} from '../../src/channels/call-me.ts';

const NOW = Date.UTC(2026, 10, 21, 3);
const MINUTE = 60_000;
const NOTHING: CallMeCounts = { open: false, toTarget: [], fromAddress: [] };
const JAPAN_AND_BRITAIN: CallMePolicy = { ...DEFAULT_CALL_ME_POLICY, countries: ['JP', 'GB'], ownNumbers: ['+81663456789'] };

function request(to: string, change: Partial<CallMeBody> = {}): CallMeBody {
  return { entry: '1000', language: 'en', country: 'JP', to, name: '', question: '', pageUrl: '', ...change };
}
function outcome(to: string, change: Partial<CallMeBody> = {}, policy = JAPAN_AND_BRITAIN): string {
  const checked = checkCallMe(request(to, change), policy, NOTHING, NOW);
  return checked.accepted ? checked.target : checked.code;
}

describe('numbers that are called', () => {
  test.each([
    ['03-1234-5678', '+81312345678'],
    ['０３－１２３４－５６７８', '+81312345678'],
    ['03ー1234ー5678', '+81312345678'],
    ['(03) 1234 5678', '+81312345678'],
    [' +81 3 1234 5678 ', '+81312345678'],
    ['+81 (0)3 1234 5678', '+81312345678'],
    ['090-1234-5678', '+819012345678'],
    ['070-1234-5678', '+817012345678'],
    ['050-5534-5678', '+815055345678'],
    ['0120-123-456', '+81120123456'],
    ['+44 20 7946 0123', '+442079460123'],
  ])('%s is read as %s', (written, e164) => {
    const checked = checkCallMe(request(written), JAPAN_AND_BRITAIN, NOTHING, NOW);
    expect(checked).toMatchObject({ accepted: true, to: { kind: 'number', number: e164 }, number: { kind: 'valid', e164 }, target: e164 });
  });

  test('a number without + is read in the country of the form', () => {
    expect(outcome('020 7946 0123', { country: 'GB' })).toBe('+442079460123');
    expect(outcome('020 7946 0123', { country: 'JP' })).not.toBe('+442079460123');
    expect(outcome('03-1234-5678', { country: 'ZZ' })).toBe('notANumber');
    expect(outcome('+81312345678', { country: 'ZZ' })).toBe('+81312345678');
  });
});

describe('numbers that are refused', () => {
  test.each([
    ['110', 'emergencyNumber'],
    ['118', 'emergencyNumber'],
    ['119', 'emergencyNumber'],
    ['112', 'emergencyNumber'],
    ['１１９', 'emergencyNumber'],
    ['1-1-9', 'emergencyNumber'],
    ['+81110', 'emergencyNumber'],
    ['+81 119', 'emergencyNumber'],
    ['104', 'shortNumber'],
    ['117', 'shortNumber'],
    ['171', 'shortNumber'],
    ['#9110', 'shortNumber'],
    ['#7119', 'shortNumber'],
    ['184', 'shortNumber'],
    ['*67 03-1234-5678', 'shortNumber'],
    ['184-03-1234-5678#', 'shortNumber'],
    ['0570-012-345', 'premiumNumber'],
    ['0990-512-345', 'premiumNumber'],
    ['', 'notANumber'],
    ['7', 'notANumber'],
    ['1234567', 'notANumber'],
    ['0000000000', 'notANumber'],
    ['03-1234-56789', 'notANumber'],
    ['call me', 'notANumber'],
    ['03-1234-5678 or 090-1234-5678', 'notANumber'],
    ['03-1234-5678,,110', 'notANumber'],
    ['tel:+81312345678', 'notANumber'],
    ['0312345678\r\nX: y', 'notANumber'],
    ['03-1234-5678 ext. 12', 'extension'],
    ['03-1234-5678 内線12', 'extension'],
    ['+1 212 555 0123', 'countryNotAllowed'],
    ['+1 876 555 0123', 'countryNotAllowed'],
    ['+870 773 123456', 'countryNotAllowed'],
    ['06-6345-6789', 'ownNumber'],
  ])('%s: %s', (written, code) => {
    expect(outcome(written)).toBe(code);
  });

  test.each([
    ['0909 879 0123', 'premiumNumber'], // premium
    ['0844 412 3456', 'premiumNumber'], // shared cost
    ['0345 612 3456', 'premiumNumber'], // UAN
    ['070 1234 5678', 'premiumNumber'], // personal, dear
    ['999', 'emergencyNumber'],
    ['101', 'emergencyNumber'],
    ['118500', 'shortNumber'],
  ])('in Britain %s: %s', (written, code) => {
    expect(outcome(written, { country: 'GB' })).toBe(code);
  });

  test('say why in the visitor’s language', () => {
    const refusal = checkCallMe(request('119', { language: 'ja' }), JAPAN_AND_BRITAIN, NOTHING, NOW);
    expect(refusal).toEqual({
      accepted: false,
      code: 'emergencyNumber',
      message: '緊急通報用の番号にはおかけできません。',
      retryAfterMs: null,
    });
    for (const [code, { ja, en }] of Object.entries(CALL_ME_MESSAGES)) {
      expect(ja, code).toMatch(/[\u3040-\u30ff]/u);
      expect(en, code).toMatch(/^[\x20-\x7e]+$/u);
    }
  });
});

describe('SIP addresses', () => {
  test.each([
    ['sip:hanako@example.jp', 'sip:hanako@example.jp'],
    ['SIP:Hanako.Yamada@EXAMPLE.jp:5070', 'sip:Hanako.Yamada@example.jp:5070'],
    ['sip:+81312345678@voip.example.com', 'sip:+81312345678@voip.example.com'],
    ['sip:100@198.51.100.7', 'sip:100@198.51.100.7'],
    ['sip:100@[2001:db8::7]:5060', 'sip:100@[2001:db8::7]:5060'],
  ])('%s is called as %s', (written, uri) => {
    const checked = checkCallMe(request(written), JAPAN_AND_BRITAIN, NOTHING, NOW);
    expect(checked).toEqual({ accepted: true, to: { kind: 'sip', uri }, number: { kind: 'missing' }, target: uri });
  });

  test.each([
    'hanako@example.jp',
    'sips:hanako@example.jp',
    'sip:example.jp',
    'sip:@example.jp',
    'sip:a@',
    'sip:a b@example.jp',
    'sip:a@b@example.jp',
    'sip:a:secret@example.jp',
    'sip:a@example.jp;transport=tcp',
    'sip:a@example.jp?Replaces=x',
    'sip:a@example.jp\r\nContact: <sip:x@y.z>',
    'sip:a%40b@example.jp',
    'sip:a@example.jp/..',
    '"x" <sip:a@example.jp>',
    '<sip:a@example.jp>',
    'sip:a&PJSIP/b@example.jp',
    'sip:a,b@example.jp',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the switch's way of writing a variable
    'sip:${EXTEN}@example.jp',
    'sip:a@exam ple.jp',
    'sip:a@-example.jp',
    'sip:a@example..jp',
    'sip:a@example.jp.',
    'sip:a@example.jp:0',
    'sip:a@example.jp:22',
    'sip:a@example.jp:70000',
    'sip:a@example.jp:',
    'sip:a@2130706433',
    'sip:a@127.1',
    'sip:a@0x7f.0.0.1',
    'sip:a@1.2.3.4.5',
    'sip:a@256.1.1.1',
    'sip:a@[::1',
    'sip:a@[fe80::1%eth0]',
    'sip:ａ@例え.jp',
    'sip:-a@example.jp',
    `sip:${'a'.repeat(65)}@example.jp`,
  ])('%s is none', (written) => {
    expect(outcome(written)).toBe('notASipAddress');
  });

  const INSIDE = [
    'localhost',
    'pbx',
    'pbx.local',
    'x.localhost',
    'db.internal',
    'router.lan',
    '127.0.0.1',
    '127.99.1.2',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[fe80::1]',
    '[fd00::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[ff02::1]',
  ];
  test.each(INSIDE)('sip:a@%s is inside a private network, and only a laboratory calls it', (host) => {
    expect(outcome(`sip:a@${host}`)).toBe('sipDomainNotAllowed');
    const laboratory = { ...JAPAN_AND_BRITAIN, sip: { ...JAPAN_AND_BRITAIN.sip, privateHosts: true } };
    expect(outcome(`sip:a@${host}`, {}, laboratory)).toBe(`sip:a@${host}`);
  });

  test('only the allowed domains, and what is beneath them', () => {
    const policy = { ...JAPAN_AND_BRITAIN, sip: { allowed: true, domains: ['Example.jp'], privateHosts: false } };
    expect(outcome('sip:a@example.jp', {}, policy)).toBe('sip:a@example.jp');
    expect(outcome('sip:a@voip.example.jp', {}, policy)).toBe('sip:a@voip.example.jp');
    expect(outcome('sip:a@notexample.jp', {}, policy)).toBe('sipDomainNotAllowed');
    expect(outcome('sip:a@example.jp.evil.com', {}, policy)).toBe('sipDomainNotAllowed');
    const none = { ...JAPAN_AND_BRITAIN, sip: { allowed: false, domains: null, privateHosts: false } };
    expect(outcome('sip:a@example.jp', {}, none)).toBe('sipNotAllowed');
  });

  test('whatever is written, what is accepted holds nothing that could break out of a dial string or a header', () => {
    const nasty = fc.string({
      unit: fc.constantFrom(
        'a',
        '1',
        '.',
        '-',
        '@',
        ':',
        ';',
        '?',
        '=',
        '&',
        '<',
        '>',
        '"',
        ',',
        '/',
        '\r',
        '\n',
        ' ',
        '%',
        '[',
        ']',
        '$',
        '{',
        '+',
      ),
    });
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string()), fc.oneof(nasty, fc.constant('example.jp')), (user, host) => {
        const read = readCallMeTarget(request(`sip:${user}@${host}`), JAPAN_AND_BRITAIN);
        if (read.accepted && read.to.kind === 'sip')
          expect(read.to.uri).toMatch(/^sip:[A-Za-z0-9._+-]+@(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?$/u);
      }),
    );
  });
});

describe('how often', () => {
  const check = (counts: Partial<CallMeCounts>, nowMs = NOW) =>
    checkCallMe(request('03-1234-5678'), JAPAN_AND_BRITAIN, { ...NOTHING, ...counts }, nowMs);

  test('a request for a number that still waits is refused, however it is written', () => {
    expect(check({ open: true })).toMatchObject({ accepted: false, code: 'alreadyWaiting', retryAfterMs: null });
    const written = ['03-1234-5678', '+81312345678', '０３１２３４５６７８'].map((to) => readCallMeTarget(request(to), JAPAN_AND_BRITAIN));
    expect(new Set(written.map((read) => read.accepted && read.target))).toEqual(new Set(['+81312345678']));
  });

  test('the same number may be asked for three times an hour; then it has to wait until the first is an hour old', () => {
    const toTarget = [NOW - 10 * MINUTE, NOW - 50 * MINUTE, NOW - 30 * MINUTE];
    expect(check({ toTarget: toTarget.slice(1) })).toMatchObject({ accepted: true });
    expect(check({ toTarget })).toMatchObject({ accepted: false, code: 'tooMany', retryAfterMs: 10 * MINUTE });
    expect(check({ toTarget }, NOW + 10 * MINUTE - 1)).toMatchObject({ code: 'tooMany', retryAfterMs: 1 });
    expect(check({ toTarget }, NOW + 10 * MINUTE)).toMatchObject({ accepted: true });
  });

  test('the same address may ask ten times an hour; the longer of the waits is told', () => {
    const fromAddress = Array.from({ length: 10 }, (_, index) => NOW - index * MINUTE);
    expect(check({ fromAddress: fromAddress.slice(1) })).toMatchObject({ accepted: true });
    expect(check({ fromAddress })).toMatchObject({ code: 'tooMany', retryAfterMs: 51 * MINUTE });
    expect(check({ fromAddress, toTarget: [NOW, NOW, NOW] })).toMatchObject({ code: 'tooMany', retryAfterMs: 60 * MINUTE });
  });

  test('a wrong number is told as such, even to who asks too often', () => {
    expect(
      checkCallMe(request('119'), JAPAN_AND_BRITAIN, { open: true, toTarget: [], fromAddress: Array(50).fill(NOW) }, NOW),
    ).toMatchObject({ code: 'emergencyNumber' });
  });
});

describe('what the visitor writes', () => {
  test('is shown without control characters and turned text; the question keeps its lines', () => {
    const cleaned = cleanCallMe(
      request('x', {
        name: ' 山田\r\nFrom: x\u202egnp\u0000 ',
        question: 'a\r\nb\u0007\u2066c\u2069\n',
        pageUrl: 'https://shop.example.jp/a?b=1#c',
      }),
    );
    expect(cleaned).toEqual({ name: '山田 From: x gnp', question: 'a\nbc', pageUrl: 'https://shop.example.jp/a?b=1#c' });
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'no address', '', 'https://user:secret@example.jp/'])(
    'a page address that is none of the web is left out: %s',
    (pageUrl) => {
      expect(cleanCallMe(request('x', { pageUrl })).pageUrl).toBe('');
    },
  );
});

describe('times for which a call can be agreed', () => {
  const DAY = 24 * 60 * MINUTE;
  test.each([
    [null, null],
    [NOW, null],
    [NOW - MINUTE, null], // chosen just before it was over
    [NOW - MINUTE - 1, 'timeInThePast'],
    [NOW + 14 * DAY, null],
    [NOW + 14 * DAY + 1, 'timeTooFar'],
    [Number.MAX_SAFE_INTEGER, 'timeTooFar'],
    [0, 'timeInThePast'],
  ])('%s: %s', (callAt, code) => {
    expect(checkCallTime(callAt, 'en', NOW)?.code ?? null).toBe(code);
  });

  test('a refusal is in the visitor’s language', () => {
    expect(checkCallTime(0, 'ja', NOW)?.message).toBe('その時刻は過ぎています。これからの時刻をお選びください。');
  });
});

describe('what a customer knows their request by, and nobody else much', () => {
  test.each([
    [{ kind: 'number', number: '+819012345678' }, '…5678'],
    [{ kind: 'sip', uri: 'sip:hanako.yamada@example.jp' }, 'sip:h…'],
    [{ kind: 'endpoint', endpoint: 'phone-tanaka' }, '…'],
  ] as const)('%o is shown as %s', (to, shown) => {
    expect(recognisable(to)).toBe(shown);
  });

  test.each([
    ['山田 花子', 1, '山…'],
    ['Li', 2, 'Li'],
    ['', 1, ''],
    ['  Jane\n Doe ', 6, 'Jane D…'],
    ['👩‍👩‍👧 family', 1, '👩‍👩‍👧…'], // one letter, as people count
    ['が', 1, 'が'],
  ])('of %j the first %i: %s', (text, letters, shown) => {
    expect(beginningOf(text, letters)).toBe(shown);
  });
});

test('an accepted number is looked up as if it had called', () => {
  expect(callingNumberOf({ kind: 'number', number: '+442079460123' })).toEqual({ kind: 'valid', e164: '+442079460123', country: 'GB' });
  expect(callingNumberOf({ kind: 'sip', uri: 'sip:a@example.jp' })).toEqual({ kind: 'missing' });
});
