import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partyFor, readCallingNumber } from '../../src/contact/identify.ts';
import type { Arrival } from '../../src/cti/port.ts';
import type { CallingNumber, PartyRecord } from '../../src/routing/party.ts';
import { regionOfNumber } from '../../src/routing/region.ts';

const arrival = (callingNumber: string | null, presentation: Arrival['presentation'] = 'allowed'): Arrival => ({
  callingNumber,
  callingName: null,
  presentation,
  calledNumber: '1000',
  trusted: true,
});
const read = (text: string | null, country = 'JP', presentation: Arrival['presentation'] = 'allowed'): CallingNumber =>
  readCallingNumber(arrival(text, presentation), country);

describe('a calling number', () => {
  it.each([
    ['+81312345678', 'JP', '+81312345678'],
    ['0312345678', 'JP', '+81312345678'],
    ['03-1234-5678', 'JP', '+81312345678'],
    ['０３－１２３４－５６７８', 'JP', '+81312345678'],
    ['09012345678', 'JP', '+819012345678'],
    ['0120123456', 'JP', '+81120123456'],
    ['05012345678', 'JP', '+815012345678'],
    ['0081312345678', 'JP', '+81312345678'],
    ['010442079460958', 'JP', '+442079460958'],
    ['81312345678', 'JP', '+81312345678'],
    ['00442079460958', 'DE', '+442079460958'],
    ['01181312345678', 'US', '+81312345678'],
    ['(212) 555-2368', 'US', '+12125552368'],
    ['2125552368', 'US', '+12125552368'],
    ['020 7946 0958', 'GB', '+442079460958'],
    ['sip:+81312345678@carrier.example;user=phone', 'JP', '+81312345678'],
    ['sip:0312345678;phone-context=+81@carrier.example', 'JP', '+81312345678'],
    ['"A. Caller" <sip:%2B81312345678@carrier.example>', 'JP', '+81312345678'],
    ['tel:+81-3-1234-5678;ext=5', 'JP', '+81312345678'],
  ])('%s in %s is %s', (raw, country, e164) => {
    expect(read(raw, country)).toMatchObject({ kind: 'valid', e164 });
  });

  it.each([null, '', ' ', 'unavailable', 'Unknown', 'sip:@host'])('%j is missing', (raw) => {
    expect(read(raw)).toEqual({ kind: 'missing' });
  });

  it.each(['anonymous', 'Anonymous', 'sip:anonymous@anonymous.invalid', 'restricted', 'Private'])('%s is withheld', (raw) => {
    expect(read(raw)).toEqual({ kind: 'withheld' });
  });

  it('that is sent although its owner withholds it is not used', () => {
    expect(read('+81312345678', 'JP', 'restricted')).toEqual({ kind: 'withheld' });
  });

  it('that the network says it has not is missing', () => {
    expect(read('+81312345678', 'JP', 'unavailable')).toEqual({ kind: 'missing' });
  });

  it.each(['1001', '42', '+81', '+810000000', '+999123456789', 'alice', '03-1234', '0312345678901234', '%', '０３'])(
    '%s is malformed',
    (raw) => {
      expect(read(raw)).toMatchObject({ kind: 'malformed' });
    },
  );

  it('in an unknown country is read only with its country code', () => {
    expect(read('0312345678', 'ZZ')).toMatchObject({ kind: 'malformed' });
    expect(read('+81312345678', 'ZZ')).toMatchObject({ kind: 'valid' });
  });

  it('may be any text: reading it never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^(sip:)?[+0-9%;@<>-]{0,30}$/)),
        fc.constantFrom('JP', 'US', 'ZZ', ''),
        (raw, country) => {
          const number = read(raw, country);
          if (number.kind === 'valid') expect(number.e164).toMatch(/^\+[1-9]\d{4,14}$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the party', () => {
  const record = { kind: 'dealer' } as PartyRecord;
  it('is who was found; somebody new with a number; unknown without one', () => {
    expect(partyFor(record, 'callingNumber', read('0312345678'))).toEqual({ kind: 'dealer', record, foundBy: 'callingNumber' });
    expect(partyFor(null, 'callingNumber', read('0312345678')).kind).toBe('new');
    for (const raw of [null, 'anonymous', '1001']) expect(partyFor(null, 'callingNumber', read(raw)).kind).toBe('unknown');
  });
});

describe('the region of a caller', () => {
  it.each([
    ['+81312345678', '13'], // Tokyo
    ['+81422123456', '13'], // Musashino
    ['+81661234567', '27'], // Osaka
    ['+81521234567', '23'], // Nagoya
    ['+81111234567', '01'], // Sapporo
    ['+81123456789', '01'], // 0123 Chitose
    ['+81921234567', '40'], // Fukuoka
    ['+81451234567', '14'], // Yokohama
    ['+81429123456', '11'], // 04-29 Tokorozawa
    ['+81471234567', '12'], // Chiba
    ['+81551234567', '19'], // Kofu
    ['+81559123456', '22'], // 055-9 Numazu
    ['+81764123456', '16'], // 076-4 Toyama
    ['+81762123456', '17'], // 076-2 Kanazawa
    ['+81886123456', '36'], // 088-6 Tokushima
    ['+81888123456', '39'], // 088-8 Kochi
    ['+81981234567', '47'], // Okinawa
    ['+819012345678', null], // mobile
    ['+815012345678', null], // IP
    ['+81120123456', null], // freephone
    ['+81570123456', null], // shared cost
    ['+442079460958', null],
    ['', null],
  ])('%s: %s', (number, region) => {
    expect(regionOfNumber(number)).toBe(region);
  });
});
