import { describe, expect, it } from 'vitest';
import type { Desk, OpeningHours } from '../../src/routing/directory.ts';
import { isOpen, openingAt, wallClock } from '../../src/routing/hours.ts';

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
