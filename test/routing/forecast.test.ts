import { describe, expect, it } from 'vitest';
import { randomNumbers } from '#src/base/random.ts';
import { estimateAht, estimatePatience, type Forecast, forecast, instantOf, slotsOfDay, staff, startOfDay } from '#src/routing/forecast.ts';

const HALF_HOUR = 30 * 60_000;
const HOUR = 60 * 60_000;
const at = (text: string): number => Date.parse(text);
const callsAt = ({ slots }: Forecast, weekday: number, time: string): number | undefined => {
  const minute = Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  return slots.find((slot) => slot.weekday === weekday && slot.startMinute === minute)?.calls;
};
const day = (first: string, n: number): string => new Date(at(`${first}T00:00:00Z`) + n * 24 * HOUR).toISOString().slice(0, 10);
/** One arrival a minute, whatever the clock shows. */
function* everyMinute(from: number, to: number) {
  for (let moment = from; moment < to; moment += 60_000) yield { at: moment };
}

describe('a forecast', () => {
  const fourMondays = { timeZone: 'Asia/Tokyo', intervalMs: HALF_HOUR, from: '2026-11-02', to: '2026-11-29' };

  it('is the mean of the same interval on the same weekday, by the clock on the wall', () => {
    const arrivals = [
      { at: at('2026-11-02T09:00:00+09:00') }, // a Monday; in London it is midnight
      { at: at('2026-11-02T09:29:59+09:00') },
      { at: at('2026-11-09T09:10:00+09:00') },
      { at: at('2026-11-16T09:10:00+09:00'), count: 3 },
      { at: at('2026-11-02T09:30:00+09:00') },
      { at: at('2026-11-03T00:00:00+09:00') },
      { at: at('2026-11-01T23:59:59+09:00') }, // the day before
      { at: at('2026-11-30T00:00:00+09:00') }, // the day after
    ];
    const found = forecast(arrivals, fourMondays);
    expect(callsAt(found, 1, '09:00')).toBe(6 / 4);
    expect(callsAt(found, 1, '09:30')).toBe(1 / 4);
    expect(callsAt(found, 2, '00:00')).toBe(1 / 4);
    expect(callsAt(found, 1, '10:00')).toBe(0);
    expect(found).toMatchObject({ arrivals: 8, outside: 2, leftOut: [] });
    expect(found.slots).toHaveLength(7 * 48);
    expect(new Set(found.slots.map((slot) => slot.days))).toEqual(new Set([4]));
  });

  it('knows nothing of a weekday of which it saw no day', () => {
    const found = forecast([{ at: at('2026-11-02T09:00:00+09:00') }], { ...fourMondays, to: '2026-11-03' });
    expect(new Set(found.slots.map((slot) => slot.weekday))).toEqual(new Set([1, 2]));
    expect(slotsOfDay(found, '2026-12-02')).toEqual([]);
  });

  const weeks = (totals: readonly number[]) =>
    totals.flatMap((count, week) => (count === 0 ? [] : [{ at: at(`${day('2026-09-07', 7 * week)}T10:00:00+09:00`), count }]));
  const eightWeeks = { ...fourMondays, from: '2026-09-07', to: '2026-11-01' };

  it('leaves out holidays that are named, and days that were quite unlike their weekday, and says so', () => {
    const arrivals = weeks([100, 96, 0, 108, 102, 400, 95, 12]);
    const found = forecast(arrivals, { ...eightWeeks, excluded: ['2026-10-26'] });
    expect(found.leftOut).toEqual([
      { date: '2026-09-21', because: 'unusual', arrivals: 0, usual: 100 },
      { date: '2026-10-12', because: 'unusual', arrivals: 400, usual: 100 },
      { date: '2026-10-26', because: 'excluded', arrivals: 12, usual: null },
    ]);
    expect(callsAt(found, 1, '10:00')).toBeCloseTo((100 + 96 + 108 + 102 + 95) / 5);
    expect(found.arrivals).toBe(501);
  });

  it('does not take noise for an unusual day: where few call, none is left out and the mean is not pulled down', () => {
    const arrivals = weeks([0, 1, 0, 0, 3, 0, 1, 0]);
    const found = forecast(arrivals, eightWeeks);
    expect(found.leftOut).toEqual([]);
    expect(callsAt(found, 1, '10:00')).toBe(5 / 8);
  });

  it('does not judge from three days which was the unusual one', () => {
    const found = forecast(weeks([100, 0, 100]), { ...eightWeeks, to: '2026-09-27' });
    expect(found.leftOut).toEqual([]);
  });

  it('finds the rate that random calls were made with', () => {
    const random = randomNumbers(9);
    const arrivals: { at: number }[] = [];
    const [from, end] = [at('2026-09-07T00:00:00+09:00'), at('2026-11-02T00:00:00+09:00')];
    for (let moment = from; moment < end; moment += -Math.log1p(-random()) * 60_000) arrivals.push({ at: moment });
    const found = forecast(arrivals, { ...eightWeeks, intervalMs: HOUR });
    expect(found.leftOut).toEqual([]);
    for (const { calls } of found.slots) expect(Math.abs(calls - 60)).toBeLessThan(5 * Math.sqrt(60 / 8));
  });

  it.each([
    [{ from: '2026-02-30' }, /2026-02-30 is no day; right: as 2026-11-23/],
    [{ from: '2026-12-01' }, /to: 2026-11-29 is before 2026-12-01/],
    [{ intervalMs: 7 * 60_000 }, /intervalMs: 420000; right: whole minutes that fill a day/],
    [{ intervalMs: 0 }, /intervalMs: 0/],
    [{ excluded: ['yesterday'] }, /yesterday is no day/],
    [{ timeZone: 'Mars/Olympus' }, /time zone/i],
  ])('says what is right instead of %o', (wrong, message) => {
    const attempt = () => forecast([], { ...fourMondays, ...wrong });
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(message);
  });
});

describe('when the clock changes', () => {
  // London 2026: forward on Sunday 29 March at 01:00, back on Sunday 25 October at 02:00.
  const london = { timeZone: 'Europe/London', intervalMs: HALF_HOUR };

  it.each([
    ['forward', '2026-03-22', '2026-04-04'],
    ['back', '2026-10-18', '2026-10-31'],
    ['forward, and there is only that day', '2026-03-29', '2026-03-29'],
    ['back, and there is only that day', '2026-10-25', '2026-10-25'],
  ])('%s, a steady stream of calls is still a steady stream', (_, from, to) => {
    const found = forecast(everyMinute(startOfDay(from, london.timeZone), startOfDay(day(to, 1), london.timeZone)), {
      ...london,
      from,
      to,
    });
    const never = from === to && to === '2026-03-29' ? [60, 90] : [];
    for (const { calls, startMinute } of found.slots) expect(calls).toBe(never.includes(startMinute) ? 0 : 30);
  });

  it('the same clock time stays in the same interval, before and after', () => {
    const nineOClock = ['2026-10-12T09:00:00+01:00', '2026-10-19T09:00:00+01:00', '2026-10-26T09:00:00Z', '2026-11-02T09:00:00Z'];
    const found = forecast(
      nineOClock.map((text) => ({ at: at(text), count: 20 })),
      { ...london, from: '2026-10-12', to: '2026-11-08' },
    );
    expect(callsAt(found, 1, '09:00')).toBe(20);
    expect(callsAt(found, 1, '08:00')).toBe(0);
    expect(callsAt(found, 1, '10:00')).toBe(0);
  });

  it('a change of half an hour (Lord Howe) and one at midnight (Cairo) are right too', () => {
    for (const [timeZone, from] of [
      ['Australia/Lord_Howe', '2026-04-05'], // back by 30 minutes at 02:00
      ['Australia/Lord_Howe', '2026-10-04'], // forward
      ['Africa/Cairo', '2026-04-24'], // forward at 00:00: the day begins at 01:00
    ] as const) {
      const [start, end] = [startOfDay(from, timeZone), startOfDay(day(from, 1), timeZone)];
      expect(end - start, `${timeZone} ${from}`).not.toBe(24 * HOUR);
      const found = forecast(everyMinute(start, end), { timeZone, intervalMs: HALF_HOUR, from, to: from });
      expect(found.arrivals).toBe((end - start) / 60_000);
      for (const { calls } of found.slots) expect([0, 30]).toContain(calls);
    }
  });

  it('a day to come has the intervals that its clock will show', () => {
    const from = startOfDay('2026-11-01', london.timeZone);
    const quietWeeks = forecast(everyMinute(from, from + 28 * 24 * HOUR), { ...london, from: '2026-11-01', to: '2026-11-28' });
    const times = (date: string) => slotsOfDay(quietWeeks, date).map((slot) => slot.startMinute);
    expect(times('2026-11-29')).toHaveLength(48);
    const forward = times('2027-03-28');
    expect(forward).toHaveLength(46);
    expect(forward).not.toContain(60);
    const back = slotsOfDay(quietWeeks, '2027-10-31');
    expect(back).toHaveLength(50);
    expect(back.filter((slot) => slot.startMinute === 60).map((slot) => slot.start)).toEqual([
      at('2027-10-31T00:00:00Z'),
      at('2027-10-31T01:00:00Z'),
    ]);
    expect(back.every((slot) => slot.calls === 30 && slot.weekday === 7)).toBe(true);
  });

  it('a clock time is the moment at which the clock shows it', () => {
    expect(instantOf('2026-11-02', '09:00', 'Asia/Tokyo')).toBe(at('2026-11-02T00:00:00Z'));
    expect(instantOf('2026-07-01', '09:00:30', 'Europe/London')).toBe(at('2026-07-01T08:00:30Z'));
    expect(instantOf('2026-03-29', '00:59', 'Europe/London')).toBe(at('2026-03-29T00:59:00Z'));
    expect(instantOf('2026-03-29', '01:30', 'Europe/London')).toBeNull(); // never was
    expect(instantOf('2026-03-29', '02:00', 'Europe/London')).toBe(at('2026-03-29T01:00:00Z'));
    expect(instantOf('2026-10-25', '01:30', 'Europe/London')).toBe(at('2026-10-25T00:30:00Z')); // twice: the first
    expect(instantOf('2026-01-01', '00:00', 'Pacific/Kiritimati')).toBe(at('2025-12-31T10:00:00Z'));
    expect(() => instantOf('2026-01-01', '24:00', 'UTC')).toThrow(/right: HH:MM/);
  });
});

describe('what calls are like', () => {
  it('handling time is the mean, without wrap-ups that nobody ended', () => {
    const handlings = [...new Array<number>(50).fill(100_000), ...new Array<number>(49).fill(300_000), 40_000_000];
    const found = estimateAht(handlings);
    expect(found).toMatchObject({ calls: 99, leftOut: 1 });
    expect(found?.ahtMs).toBeCloseTo((50 * 100_000 + 49 * 300_000) / 99);
    expect(estimateAht([])).toBeNull();
    expect(estimateAht([0, Number.NaN])).toBeNull();
  });

  it('patience counts the waits of those who were answered, too', () => {
    const random = randomNumbers(5);
    const waits = Array.from({ length: 20_000 }, () => {
      const [lasts, answeredAfter] = [-120_000 * Math.log1p(-random()), 40_000 * random()];
      return { waitMs: Math.min(lasts, answeredAfter), abandoned: lasts < answeredAfter };
    });
    const found = estimatePatience(waits);
    expect(found!.patienceMs).toBeGreaterThan(112_000);
    expect(found!.patienceMs).toBeLessThan(128_000);
    expect(estimatePatience([{ waitMs: 5_000, abandoned: false }])).toBeNull();
  });

  it('each interval gets the agents that its calls need', () => {
    const slots = [0, 5, 50].map((calls, i) => ({ weekday: 1 as const, startMinute: 30 * i, calls, days: 8 }));
    const staffed = staff(slots, { intervalMs: HALF_HOUR, ahtMs: 180_000, target: { share: 0.8, withinMs: 20_000 } });
    expect(staffed.map(({ staffing }) => staffing.agents)).toEqual([0, 2, 8]);
    expect(staffed[1]).toMatchObject({ startMinute: 30, calls: 5, days: 8 });
  });
});
