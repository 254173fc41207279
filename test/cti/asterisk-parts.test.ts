/** The pure parts of the Asterisk adapter: what is read from events, what is dialled, what causes mean. */
import { describe, expect, it } from 'vitest';
import { unansweredCause } from '../../src/cti/asterisk/causes.ts';
import { callerIdOf, dialStringOf, mediaOf } from '../../src/cti/asterisk/dialling.ts';
import { readArrival, readChannel, readEvent, stasisArguments } from '../../src/cti/asterisk/events.ts';
import { fieldsOf } from '../../src/cti/asterisk/phones.ts';
import type { Address } from '../../src/cti/port.ts';

const channel = (more: object = {}) => ({
  id: 'c1',
  state: 'Ring',
  caller: { number: '+81312345678', name: 'Sato' },
  dialplan: { exten: 'in', app_name: 'Stasis', app_data: 'madoguchi,in,trusted,allowed,1000' },
  ...more,
});

describe('an arrival', () => {
  const arrive = (args: string[], caller: object = {}) => {
    const read = readChannel(channel({ caller: { number: '+81312345678', name: 'Sato', ...caller } }));
    return read === null ? null : readArrival(read, args);
  };
  it('is allowed with its number and name', () => {
    expect(arrive(['in', 'trusted', 'allowed_passed_screen', '1000'])).toEqual({
      callingNumber: '+81312345678',
      callingName: 'Sato',
      presentation: 'allowed',
      calledNumber: '1000',
      trusted: true,
    });
  });
  it.each([
    ['a withheld number is not shown, though the network sent it', 'prohib_passed_screen', {}, 'restricted'],
    ['a network that has none', 'unavailable', {}, 'unavailable'],
    ['no number at all', 'allowed', { number: '' }, 'unavailable'],
    ['anonymous by its From', 'allowed', { number: 'Anonymous' }, 'restricted'],
  ])('%s', (_what, shown, caller, presentation) => {
    expect(arrive(['in', 'public', shown, '1000'], caller)).toMatchObject({
      callingNumber: null,
      callingName: null,
      presentation,
      trusted: false,
    });
  });
  it('only of a channel that came in: what we dialled and what came back from the dialplan is none', () => {
    expect(arrive(['out'])).toBeNull();
    expect(arrive([])).toBeNull();
    expect(arrive(['faxdone', 'SUCCESS'])).toBeNull();
  });
  it('can be read of a channel in a list, if it is our application’s', () => {
    const read = readChannel(channel());
    expect(read && stasisArguments(read, 'madoguchi')).toEqual(['in', 'trusted', 'allowed', '1000']);
    expect(read && stasisArguments(read, 'other')).toBeNull();
    const dialled = readChannel(channel({ dialplan: { app_name: 'AppDial2', app_data: '(Outgoing Line)' } }));
    expect(dialled && stasisArguments(dialled, 'madoguchi')).toBeNull();
  });
});

describe('an event', () => {
  it.each([
    [{ type: 'StasisStart' }],
    [{ type: 'ChannelDtmfReceived', channel: null, digit: '1' }],
    [{ type: 'Dial', dialstatus: 'RINGING' }],
    [{ type: 'ChannelVarset', channel: channel() }],
    [{ type: 'SomethingNew' }],
  ])('that is not as expected is ignored: %j', (event) => {
    expect(readEvent(event)).toEqual({ kind: 'ignored' });
  });
  it('of a hang-up tells who asked: the far end, an order, or Asterisk that is being stopped', () => {
    const asked = (more: object) => readEvent({ type: 'ChannelHangupRequest', channel: channel(), ...more });
    expect(asked({ cause: 16 })).toMatchObject({ by: 'farEnd' });
    expect(asked({ cause: 4 })).toMatchObject({ by: 'farEnd' });
    expect(asked({ cause: 32, soft: true })).toMatchObject({ by: 'order' });
    expect(asked({ cause: 4, soft: true })).toMatchObject({ by: 'shutdown' });
  });
});

describe('a dial string', () => {
  const ways = { trunk: 'carrier', sipEndpoint: 'anonymous' };
  it.each<[Address, string]>([
    [{ kind: 'endpoint', endpoint: 'agent-3.b' }, 'PJSIP/agent-3.b'],
    [{ kind: 'number', number: '+81312345678' }, 'PJSIP/+81312345678@carrier'],
    [{ kind: 'number', number: '*21#' }, 'PJSIP/*21#@carrier'],
    [{ kind: 'sip', uri: 'sip:sato.taro@example.com:5070' }, 'PJSIP/anonymous/sip:sato.taro@example.com:5070'],
    [{ kind: 'sip', uri: 'sip:1000@[2001:db8::1]' }, 'PJSIP/anonymous/sip:1000@[2001:db8::1]'],
  ])('of %j', (to, dialString) => {
    expect(dialStringOf(to, ways)).toEqual({ kind: 'dialable', dialString });
  });
  it.each<[Address]>([
    [{ kind: 'endpoint', endpoint: 'a&PJSIP/b' }],
    [{ kind: 'endpoint', endpoint: '../x' }],
    [{ kind: 'endpoint', endpoint: '' }],
    [{ kind: 'number', number: '100@evil' }],
    [{ kind: 'number', number: '100,s,1' }],
    [{ kind: 'number', number: '+' }],
    [{ kind: 'sip', uri: 'sip:a@b?Replaces=x' }],
    [{ kind: 'sip', uri: 'sip:a@b;transport=tcp' }],
    [{ kind: 'sip', uri: 'sip:a:secret@b' }],
    [{ kind: 'sip', uri: 'sip:a%0d%0a@b' }],
    [{ kind: 'sip', uri: 'sip:a@b\r\nX: y' }],
    [{ kind: 'sip', uri: 'tel:+8131' }],
  ])('is never made of %j', (to) => {
    expect(dialStringOf(to, ways)).toEqual({ kind: 'impossible', cause: 'invalidNumber' });
  });
  it('needs a way out', () => {
    const none = { trunk: null, sipEndpoint: null };
    expect(dialStringOf({ kind: 'number', number: '110' }, none)).toEqual({ kind: 'impossible', cause: 'unreachable' });
    expect(dialStringOf({ kind: 'sip', uri: 'sip:a@b' }, none)).toEqual({ kind: 'impossible', cause: 'unreachable' });
  });
});

describe('a caller id', () => {
  it('keeps a Japanese name and can not leave its quotes', () => {
    expect(callerIdOf({ number: '+81312345678', name: '佐藤 太郎' })).toBe('"佐藤 太郎" <+81312345678>');
    expect(callerIdOf({ number: '1<2>;x', name: 'a"b\\<sip:x>\r\nEvil: 1' })).toBe('"a b  sip:x   Evil: 1" <12x>');
  });
});

describe('media', () => {
  it('are sounds by their absolute path, and tones', () => {
    expect(mediaOf(['/p/a', 'tone:busy', 'tone:ring;tonezone=jp'])).toBe('sound:/p/a,tone:busy,tone:ring;tonezone=jp');
  });
  it.each([[[]], [['a']], [['/a,recording:b']], [['http://x/y']], [['tone:a,b']], [['/a', 'b']]])('are refused whole: %j', (media) => {
    expect(mediaOf(media)).toBeNull();
  });
});

describe('the cause of a call that was not answered', () => {
  it.each([
    [17, 486, true, 'busy'],
    [17, 600, false, 'busy'],
    [21, 603, true, 'rejected'],
    [21, 403, false, 'rejected'],
    [1, 404, false, 'invalidNumber'],
    [28, 484, false, 'invalidNumber'],
    [19, 480, true, 'noAnswer'],
    [19, 480, false, 'unreachable'],
    [34, 503, false, 'congestion'],
    [3, null, false, 'unreachable'],
    [0, null, false, 'unknown'],
  ] as const)('Q.850 %i, SIP %s, rang %s: %s', (q850, sip, rang, cause) => {
    expect(unansweredCause(q850, sip, rang)).toBe(cause);
  });
});

describe('a phone', () => {
  const value = (kind: 'browser' | 'deskPhone', loopbackMedia: boolean, attribute: string) =>
    fieldsOf({ name: 'a1', kind, password: 'p' }, { context: 'from-phones', loopbackMedia })
      .find((made) => made.type === 'endpoint')
      ?.fields.find((field) => field.attribute === attribute)?.value;
  it('in a browser is WebRTC with Opus; on a desk it is not', () => {
    expect(value('browser', true, 'webrtc')).toBe('yes');
    expect(value('browser', true, 'allow')).toBe('!all,opus,ulaw');
    expect(value('deskPhone', true, 'webrtc')).toBeUndefined();
  });
  it('has its media on loopback only when told', () => {
    expect(value('browser', true, 'media_address')).toBe('127.0.0.1');
    expect(value('browser', false, 'media_address')).toBeUndefined();
  });
});
