/** The outside world for tests that use a real Asterisk: it is started before the tests of a file and gone after them. */
import { afterAll, beforeAll } from 'vitest';
import { FarSide, type FarSideOptions } from '#src/tools/far-side.ts';

export * from '#src/tools/far-side.ts';

/**
 * A far side for all tests of a describe block (or file). `options` is called after the `beforeAll`s above this line, so it
 * may use what they started. Use what it returns only inside of tests.
 */
export function useFarSide(options: () => FarSideOptions): () => FarSide {
  let side: FarSide | null = null;
  beforeAll(async () => {
    side = await FarSide.start(options());
  }, 60_000);
  afterAll(async () => {
    await side?.stop();
  }, 30_000);
  return () => {
    if (side === null) throw new Error('the far side is there only while tests run');
    return side;
  };
}
