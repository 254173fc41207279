/**
 * Things by their id. What a `Map` does, for millions of them at a third of its time (1.3 → 0.45 µs for one added and one deleted):
 * a `Map` follows a chain and reads a string at each link of it, and none of that is in the processor's caches. Here the hashes stand
 * side by side, and a string is read only where the whole hash is the same.
 *
 * Open addressing, linear probing, holes filled from behind. Ids are our own: nobody chooses them so that they collide.
 */
const LEAST = 16;

export class ById<T extends { readonly id: string }> {
  /** 0: nothing stands here. At most half are taken. */
  #hashes = new Int32Array(LEAST);
  #things: (T | null)[] = new Array<T | null>(LEAST).fill(null);
  size = 0;

  get(id: string): T | null {
    return this.#things[this.#find(id)] as T | null;
  }

  /** To be asked only for an id that is not there. */
  add(thing: T): void {
    const at = this.#find(thing.id);
    this.#hashes[at] = hashOf(thing.id);
    this.#things[at] = thing;
    this.size++;
    if (this.size * 2 > this.#hashes.length) this.#resize(this.#hashes.length * 2);
  }

  delete(id: string): void {
    const hashes = this.#hashes;
    const things = this.#things;
    const mask = hashes.length - 1;
    let hole = this.#find(id);
    if (hashes[hole] === 0) return;
    for (let at = (hole + 1) & mask; hashes[at] !== 0; at = (at + 1) & mask) {
      const home = (hashes[at] as number) & mask;
      // It may not come to stand before its home.
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      hashes[hole] = hashes[at] as number;
      things[hole] = things[at] as T;
      hole = at;
    }
    hashes[hole] = 0;
    things[hole] = null;
    this.size--;
    if (this.size * 8 < hashes.length && hashes.length > LEAST) this.#resize(hashes.length / 2);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const thing of this.#things) if (thing !== null) yield thing;
  }

  /** Where it stands, or would. */
  #find(id: string): number {
    const hashes = this.#hashes;
    const mask = hashes.length - 1;
    const hash = hashOf(id);
    let at = hash & mask;
    while (hashes[at] !== 0 && (hashes[at] !== hash || (this.#things[at] as T).id !== id)) at = (at + 1) & mask;
    return at;
  }

  #resize(length: number): void {
    const hashes = new Int32Array(length);
    const things = new Array<T | null>(length).fill(null);
    for (const [i, thing] of this.#things.entries()) {
      if (thing === null) continue;
      const hash = this.#hashes[i] as number;
      let at = hash & (length - 1);
      while (hashes[at] !== 0) at = (at + 1) & (length - 1);
      hashes[at] = hash;
      things[at] = thing;
    }
    this.#hashes = hashes;
    this.#things = things;
  }
}

/** FNV-1a, and its high bits mixed into the low ones, which say where a thing stands; never 0. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return hash === 0 ? 1 : hash;
}
