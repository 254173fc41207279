import { describe, expect, it } from 'vitest';
import { nextTimeToCall } from '#src/routing/call-hours.ts';
import type { Desk } from '#src/routing/directory.ts';

const office = (more: Partial<Desk> = {}): Desk => ({
  id: 'd',
  organisationId: 'o',
  name: 'd',
  timeZone: 'Europe/Berlin',
  hours: ([1, 2, 3, 4, 5] as const).map((weekday) => ({ weekday, from: '09:00', to: '17:00' })),
  holidays: ['2026-11-23'],
  nextUp: null,
  isReception: false,
  ...more,
});
const next = (desk: Desk, hours: { from: string; to: string } | null, at: string): string | null => {
  const found = nextTimeToCall(desk, hours, Date.parse(at));
  return found === null ? null : new Date(found).toISOString();
};

describe('when somebody may be called back', () => {
  it('is while the desk is open, when its rules say nothing else', () => {
    expect(next(office(), null, '2026-11-20T12:00:00.500+01:00')).toBe('2026-11-20T11:00:00.500Z');
    expect(next(office(), null, '2026-11-20T18:00:00+01:00')).toBe('2026-11-24T08:00:00.000Z'); // Monday is a holiday
    expect(next(office({ hours: [] }), null, '2026-11-20T12:00:00+01:00')).toBeNull();
  });

  it('is within the hours of its rules, every day', () => {
    const hours = { from: '10:00', to: '20:30' };
    expect(next(office(), hours, '2026-11-20T20:29:59+01:00')).toBe('2026-11-20T19:29:59.000Z');
    expect(next(office(), hours, '2026-11-20T20:30:00+01:00')).toBe('2026-11-21T09:00:00.000Z'); // a Saturday
    expect(next(office(), hours, '2026-11-23T06:00:00+01:00')).toBe('2026-11-23T09:00:00.000Z');
    expect(next(office({ hours: [] }), { from: '00:00', to: '24:00' }, '2026-11-20T23:59:59Z')).toBe('2026-11-20T23:59:59.000Z');
  });

  it('may be at night', () => {
    const hours = { from: '22:00', to: '06:00' };
    expect(next(office(), hours, '2026-11-20T05:59:00+01:00')).toBe('2026-11-20T04:59:00.000Z');
    expect(next(office(), hours, '2026-11-20T06:00:00+01:00')).toBe('2026-11-20T21:00:00.000Z');
  });

  it.each([
    // Europe/Berlin: 02:00 → 03:00 on 29 March, 03:00 → 02:00 on 25 October
    ['Europe/Berlin', { from: '02:30', to: '05:00' }, '2026-03-28T23:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['Europe/Berlin', { from: '09:00', to: '20:00' }, '2026-03-28T20:00:00Z', '2026-03-29T07:00:00.000Z'],
    ['Europe/Berlin', { from: '09:00', to: '20:00' }, '2026-10-24T20:00:00Z', '2026-10-25T08:00:00.000Z'],
    ['Europe/Berlin', { from: '02:00', to: '02:15' }, '2026-10-25T00:15:00Z', '2026-10-25T01:00:00.000Z'],
    // America/New_York: 02:00 → 03:00 on 8 March, 02:00 → 01:00 on 1 November
    ['America/New_York', { from: '08:00', to: '21:00' }, '2026-03-08T02:00:00Z', '2026-03-08T12:00:00.000Z'],
    ['America/New_York', { from: '08:00', to: '21:00' }, '2026-11-01T01:00:00Z', '2026-11-01T13:00:00.000Z'],
    ['Asia/Kolkata', { from: '09:00', to: '20:00' }, '2026-11-20T15:00:00Z', '2026-11-21T03:30:00.000Z'],
    ['Asia/Kathmandu', { from: '09:00', to: '20:00' }, '2026-11-20T15:00:00Z', '2026-11-21T03:15:00.000Z'],
  ])('%s, %j, from %s on: %s', (timeZone, hours, at, expected) => {
    expect(next(office({ timeZone }), hours, at)).toBe(expected);
  });

  it('is the same however often, in whatever order and with whatever hours it is asked for', () => {
    const hours = [null, { from: '10:00', to: '20:30' }, { from: '22:00', to: '06:00' }] as const;
    const kept = office();
    const start = Date.parse('2026-11-20T00:00:00Z');
    for (let i = 0; i < 600; i++) {
      // Forwards, backwards and jumping over four days, by steps that meet hours, minutes and what lies between.
      const at = start + ((i * 7_919) % 5_760) * 60_000 + (i % 3) * 29_999;
      const asked = hours[i % 5 === 0 ? i % 3 : 1] ?? null;
      expect(nextTimeToCall(kept, asked, at)).toBe(nextTimeToCall(office(), asked, at));
    }
  });
});
