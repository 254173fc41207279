/** Numbers that look random and are the same for the same seed, on every machine. */

/**
 * Evenly spread numbers from 0 to less than 1, for whatever is counted in the millions: sfc32 by C. Doty-Humphrey (PractRand), 128
 * bits of state, two draws for the 53 bits of one number.
 */
export function randomNumbers(seed: number): () => number {
  let [a, b, c, counter] = [0x9e3779b9, Math.floor(seed / 2 ** 32) | 0, seed | 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // Until seeds that look alike have parted.
  for (let i = 0; i < 20; i += 1) next();
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** The same, of 32 bits: the demo centre's people and the simulated days are what they are by this sequence. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
