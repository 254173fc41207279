import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Desk, OpeningHours } from '../../src/routing/directory.ts';
import { isOpen, nextOpening, openingAt, wallClock } from '../../src/routing/hours.ts';

const desk = (timeZone: string, hours: OpeningHours[], holidays: string[] = []): Desk => ({
  id: 'd',
  organisationId: 'o',
  name: 'd',
  timeZone,
  hours,
  holidays,
  nextUp: null,
  isReception: false,
});
const at = (text: string): number => Date.parse(text);

describe('a desk is open by the clock on its own wall', () => {
  const office = desk(
    'Asia/Tokyo',
    [
      { weekday: 5, from: '09:00', to: '12:00' },
      { weekday: 5, from: '13:00', to: '18:00' },
    ],
    ['2026-11-27'],
  );
  it.each([
    ['2026-11-20T08:59:59+09:00', false],
    ['2026-11-20T09:00:00+09:00', true],
    ['2026-11-20T11:59:59+09:00', true],
    ['2026-11-20T12:00:00+09:00', false],
    ['2026-11-20T13:00:00+09:00', true],
    ['2026-11-20T18:00:00+09:00', false],
    ['2026-11-20T01:00:00Z', true],
    ['2026-11-21T10:00:00+09:00', false], // Saturday
    ['2026-11-27T10:00:00+09:00', false], // holiday
  ])('%s: %s', (time, open) => {
    expect(isOpen(office, at(time))).toBe(open);
  });

  it('says whether it is a holiday or only late', () => {
    expect(openingAt(office, at('2026-11-27T10:00:00+09:00'))).toEqual({ open: false, because: 'holiday' });
    expect(openingAt(office, at('2026-11-20T20:00:00+09:00'))).toEqual({ open: false, because: 'hours' });
  });

  it('a day may last until 24:00, and a desk without hours is never open', () => {
    const always = desk('Asia/Tokyo', [{ weekday: 5, from: '00:00', to: '24:00' }]);
    expect(isOpen(always, at('2026-11-20T23:59:59+09:00'))).toBe(true);
    expect(isOpen(always, at('2026-11-20T00:00:00+09:00'))).toBe(true);
    expect(isOpen(always, at('2026-11-21T00:00:00+09:00'))).toBe(false);
    expect(isOpen(desk('Asia/Tokyo', []), at('2026-11-20T10:00:00+09:00'))).toBe(false);
  });

  it('a night shift lasts into the next morning, and belongs to the day on which it began', () => {
    const night = desk('Asia/Tokyo', [{ weekday: 5, from: '22:00', to: '06:00' }]);
    expect(isOpen(night, at('2026-11-20T23:00:00+09:00'))).toBe(true);
    expect(isOpen(night, at('2026-11-21T05:59:00+09:00'))).toBe(true);
    expect(isOpen(night, at('2026-11-21T06:00:00+09:00'))).toBe(false);
    expect(isOpen(night, at('2026-11-20T05:00:00+09:00'))).toBe(false);
    const holiday = { ...night, holidays: ['2026-11-20'] };
    expect(isOpen(holiday, at('2026-11-20T23:00:00+09:00'))).toBe(false);
    expect(isOpen(holiday, at('2026-11-21T05:00:00+09:00'))).toBe(false);
    expect(isOpen({ ...night, holidays: ['2026-11-21'] }, at('2026-11-21T05:00:00+09:00'))).toBe(true);
  });
});

describe('across daylight saving', () => {
  it('the same wall time is another instant: 09:00 in New York is 14:00 UTC in winter and 13:00 in summer', () => {
    const newYork = desk('America/New_York', [
      { weekday: 5, from: '09:00', to: '17:00' },
      { weekday: 1, from: '09:00', to: '17:00' },
    ]);
    expect(isOpen(newYork, at('2026-03-06T13:30:00Z'))).toBe(false); // Friday before
    expect(isOpen(newYork, at('2026-03-09T13:30:00Z'))).toBe(true); // Monday after
    expect(isOpen(newYork, at('2026-03-06T21:30:00Z'))).toBe(true);
    expect(isOpen(newYork, at('2026-03-09T21:30:00Z'))).toBe(false);
  });

  it('hours in the skipped hour never come, and the desk opens when the clock has jumped past them', () => {
    const early = desk('America/New_York', [{ weekday: 7, from: '02:30', to: '04:00' }]); // 2026-03-08: 02:00 → 03:00
    expect(isOpen(early, at('2026-03-08T06:59:00Z'))).toBe(false); // 01:59
    expect(isOpen(early, at('2026-03-08T07:00:00Z'))).toBe(true); // 03:00
    expect(isOpen(early, at('2026-03-08T08:00:00Z'))).toBe(false); // 04:00
  });

  it('the hour that comes twice is open twice', () => {
    const berlin = desk('Europe/Berlin', [{ weekday: 7, from: '02:00', to: '03:00' }]); // 2026-10-25: 03:00 → 02:00
    expect(isOpen(berlin, at('2026-10-25T00:30:00Z'))).toBe(true); // 02:30, summer
    expect(isOpen(berlin, at('2026-10-25T01:30:00Z'))).toBe(true); // 02:30, winter
    expect(isOpen(berlin, at('2026-10-25T02:00:00Z'))).toBe(false);
  });

  it('reads dates, weekdays and quarter-hour zones right', () => {
    expect(wallClock(at('2026-12-31T23:59:00Z'), 'Asia/Kathmandu')).toEqual({ date: '2027-01-01', weekday: 5, hour: 5, minute: 44 });
    expect(wallClock(at('2024-02-29T00:00:00Z'), 'UTC')).toEqual({ date: '2024-02-29', weekday: 4, hour: 0, minute: 0 });
    expect(wallClock(at('1969-12-31T12:00:00Z'), 'UTC')).toEqual({ date: '1969-12-31', weekday: 3, hour: 12, minute: 0 });
  });

  it('knows no zone that does not exist', () => {
    expect(() => wallClock(0, 'Mars/Olympus')).toThrow(RangeError);
  });
});

describe('the next opening', () => {
  const WEEK_MS = 7 * 86_400_000;
  const office = desk(
    'Europe/Berlin',
    ([1, 2, 3, 4, 5] as const).map((weekday) => ({ weekday, from: '09:00', to: '17:00' })),
    ['2026-12-24', '2026-12-25'],
  );
  const opens = (which: Desk, from: string): string | null => {
    const next = nextOpening(which, at(from), 2 * WEEK_MS);
    return next === null ? null : new Date(next).toISOString();
  };

  it.each([
    ['now, when it is open', '2026-11-20T10:00:00.123+01:00', '2026-11-20T09:00:00.123Z'],
    ['this morning', '2026-11-20T06:30:17+01:00', '2026-11-20T08:00:00.000Z'],
    ['after the weekend', '2026-11-20T17:00:00+01:00', '2026-11-23T08:00:00.000Z'],
    ['after holidays and the weekend', '2026-12-23T17:00:00+01:00', '2026-12-28T08:00:00.000Z'],
    ['on Monday an hour earlier by UTC, when summer time begins on Sunday', '2026-03-27T18:00:00+01:00', '2026-03-30T07:00:00.000Z'],
    ['on Monday an hour later by UTC, when it ends', '2026-10-23T18:00:00+02:00', '2026-10-26T08:00:00.000Z'],
  ])('is %s', (_, from, expected) => {
    expect(opens(office, from)).toBe(expected);
  });

  it('of hours that begin in the skipped hour is when the clock has jumped', () => {
    const early = desk('America/New_York', [{ weekday: 7, from: '02:30', to: '04:00' }]); // 2026-03-08: 02:00 → 03:00
    expect(opens(early, '2026-03-08T05:00:00Z')).toBe('2026-03-08T07:00:00.000Z');
    const skipped = desk('America/New_York', [{ weekday: 7, from: '02:00', to: '03:00' }]);
    expect(opens(skipped, '2026-03-08T05:00:00Z')).toBe('2026-03-15T06:00:00.000Z');
  });

  it('of hours that come twice is in the second of them, too', () => {
    const twice = desk('America/New_York', [{ weekday: 7, from: '01:00', to: '01:30' }]); // 2026-11-01: 02:00 → 01:00
    expect(opens(twice, '2026-11-01T04:00:00Z')).toBe('2026-11-01T05:00:00.000Z');
    expect(opens(twice, '2026-11-01T05:30:00Z')).toBe('2026-11-01T06:00:00.000Z');
    expect(opens(twice, '2026-11-01T06:30:00Z')).toBe('2026-11-08T06:00:00.000Z');
  });

  it('of a night that belongs to a day off is another night', () => {
    const night = desk(
      'Europe/Berlin',
      [5, 6].map((weekday) => ({ weekday: weekday as 5 | 6, from: '22:00', to: '06:00' })),
      ['2026-11-20'],
    );
    expect(opens(night, '2026-11-20T20:00:00+01:00')).toBe('2026-11-21T21:00:00.000Z');
  });

  it('is none when there are no hours, or only holidays', () => {
    expect(opens(desk('Asia/Tokyo', []), '2026-11-20T20:00:00Z')).toBeNull();
    const holidays = ['2026-11-20', '2026-11-27', '2026-12-04'];
    expect(opens(desk('Asia/Tokyo', [{ weekday: 5, from: '09:00', to: '17:00' }], holidays), '2026-11-20T00:00:00+09:00')).toBeNull();
  });

  it('is the first minute at which the desk is open, whatever its zone, hours and holidays, minute by minute across clock changes', () => {
    const zones: [string, string][] = [
      ['Europe/Berlin', '2026-03-29T01:00:00Z'],
      ['Europe/Berlin', '2026-10-25T01:00:00Z'],
      ['America/New_York', '2026-03-08T07:00:00Z'],
      ['America/New_York', '2026-11-01T06:00:00Z'],
      ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'], // by half an hour
      ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
      ['America/Santiago', '2026-09-06T04:00:00Z'], // at midnight
      ['Africa/Casablanca', '2026-02-15T02:00:00Z'],
      ['Asia/Kathmandu', '2026-11-20T00:00:00Z'],
      ['Asia/Kolkata', '2026-11-20T00:00:00Z'],
    ];
    const time = fc
      .integer({ min: 0, max: 95 })
      .map((n) => `${String(Math.floor(n / 4)).padStart(2, '0')}:${String((n % 4) * 15).padStart(2, '0')}`);
    const span = fc.record({
      weekday: fc.constantFrom(1, 2, 3, 4, 5, 6, 7),
      from: time,
      to: fc.oneof(time, fc.constant('24:00')),
    }) as fc.Arbitrary<OpeningHours>;
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.array(span, { maxLength: 3 }),
        fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 2 }),
        fc.integer({ min: -30 * 60, max: 6 * 60 }),
        ([zone, change], hours, daysOff, minutes) => {
          const holidays = daysOff.map((n) => new Date(at(change) + n * 86_400_000).toISOString().slice(0, 10));
          const which = desk(zone, hours, holidays);
          const from = at(change) + minutes * 60_000;
          const withinMs = 40 * 3_600_000;
          let expected: number | null = from;
          while (expected < from + withinMs && !isOpen(which, expected)) expected += 60_000;
          if (expected >= from + withinMs) expected = null;
          expect(nextOpening(which, from, withinMs)).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });
});
