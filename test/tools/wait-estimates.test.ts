import { expect, test } from 'vitest';
import type { Channel, FloorEvent } from '#src/contact/model.ts';
import { waitEstimates } from '#src/metrics.ts';
import { event, NOON } from '../db/floor-records.ts';

/** What is observed of a history: [seconds after noon, name, contact, channel, more]. */
function observed(...history: (readonly [number, FloorEvent['name'], string, Channel, Partial<FloorEvent>?])[]): [string, number][] {
  const seen: [string, number][] = [];
  const follow = waitEstimates((desk, errorMs) => seen.push([desk, errorMs / 1_000]));
  for (const [after, name, contactId, channel, more] of history)
    follow(event(name, { at: NOON + after * 1_000, contactId, deskId: 'desk', ...more }), channel);
  return seen;
}
const told = (seconds: number) => ({ data: { position: 1, estimatedWaitMs: seconds * 1_000 } });
const answered = { offerId: 'o' };

test('a call’s wait ends when an agent answers, not when one is offered it', () => {
  expect(
    observed(
      [0, 'waitEstimated', 'a', 'voice', told(60)],
      [80, 'offered', 'a', 'voice'],
      [90, 'established', 'a', 'voice', answered],
      [95, 'established', 'a', 'voice', answered],
    ),
  ).toEqual([['desk', 30]]);
});

test('that the caller heard the house is no answer', () => {
  expect(observed([0, 'waitEstimated', 'a', 'voice', told(60)], [5, 'established', 'a', 'voice'])).toEqual([]);
});

test('a callback’s ends when it is first given to an agent', () => {
  expect(
    observed(
      [0, 'waitEstimated', 'a', 'callback', told(60)],
      [40, 'offered', 'a', 'callback'],
      [400, 'offered', 'a', 'callback'],
      [410, 'established', 'a', 'callback', answered],
    ),
  ).toEqual([['desk', 20]]);
});

test('who was told nothing, gave up, or chose another time says nothing', () => {
  expect(
    observed(
      [0, 'established', 'a', 'voice', answered],
      [0, 'waitEstimated', 'b', 'voice', told(60)],
      [10, 'contactEnded', 'b', 'voice'],
      [0, 'waitEstimated', 'c', 'callback', told(60)],
      [10, 'callbackMoved', 'c', 'callback'],
      [900, 'offered', 'c', 'callback'],
    ),
  ).toEqual([]);
});
