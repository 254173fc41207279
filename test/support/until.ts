import { vi } from 'vitest';

type Found<T> = T | undefined | false | null;

/** Looks again and again until something is there, and gives it. @throws after ten seconds, with what was looked for */
export const until = <T>(look: () => Found<T> | Promise<Found<T>>): Promise<T> =>
  vi.waitFor(
    async () => {
      const found = await look();
      if (!found) throw new Error(`not yet: ${look}`);
      return found;
    },
    { timeout: 10_000, interval: 5 },
  );
