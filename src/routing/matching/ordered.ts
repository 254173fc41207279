/**
 * A sorted collection that knows its ranks: a B+ tree with counts. First, insert at the end and remove from the front, what a queue
 * does most, touch one leaf that is hot in the cache however many wait; anything else is O(log n).
 *
 * Sorted by a number, the key, that stands in the tree beside the item: a search reads arrays of numbers and no item, as a million
 * items are in no cache. Items of the same key are told apart by a function.
 *
 * Items know their leaf, so removing needs no search. A leaf is given back when it is empty and never merged before ("free at
 * empty"): queues drain from one end, so half-empty leaves do not last.
 *
 * The order must not change while an item is inside.
 */
const MOST = 64;

/** An item of an `Ordered`; in one at a time. */
export interface Placed<T> {
  leaf: Node<T> | null;
}

export class Node<T> {
  parent: Node<T> | null = null;
  /** The items below. */
  size = 0;
  /**
   * Of a leaf: its items' keys. Of an inner node: for each child but the first a key that none before the child is above, and none in
   * it below; often that of its first, but that may be gone.
   */
  readonly keys: number[];
  /** Of a leaf; empty otherwise. */
  readonly items: T[];
  /** Of an inner node; null for a leaf. */
  readonly children: Node<T>[] | null;
  previous: Node<T> | null = null;
  next: Node<T> | null = null;

  constructor(keys: number[], items: T[], children: Node<T>[] | null) {
    this.keys = keys;
    this.items = items;
    this.children = children;
  }
}

export class Ordered<T extends Placed<T>> {
  readonly #compare: (a: T, b: T) => number;
  #root: Node<T> | null = null;
  #last: Node<T> | null = null;
  /** For walking in order: `items` of this one, then of its `next`. */
  firstLeaf: Node<T> | null = null;

  /** @param compare a strict order of items with the same key: never 0 for two different items */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#root === null ? 0 : this.#root.size;
  }

  get first(): T | null {
    return this.firstLeaf === null ? null : (this.firstLeaf.items[0] as T);
  }

  /** The key of the first; Infinity when there is none. */
  get firstKey(): number {
    return this.firstLeaf === null ? Number.POSITIVE_INFINITY : (this.firstLeaf.keys[0] as number);
  }

  insert(item: T, key: number): void {
    const last = this.#last;
    if (last === null) {
      const leaf = new Node<T>([key], [item], null);
      leaf.size = 1;
      item.leaf = leaf;
      this.#root = leaf;
      this.#last = leaf;
      this.firstLeaf = leaf;
      return;
    }
    if (this.#isBefore(last, last.items.length - 1, item, key)) {
      last.items.push(item);
      last.keys.push(key);
      // Those that came in order stay in full leaves.
      this.#added(last, item, MOST);
      return;
    }
    let node = this.#root as Node<T>;
    while (node.children !== null) {
      const { keys, children } = node;
      // The last child that does not begin after the item; the first when all do.
      let low = 0;
      let high = children.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        const other = keys[middle] as number;
        if (other < key || (other === key && this.#isBefore(leftmost(children[middle] as Node<T>), 0, item, key))) low = middle;
        else high = middle - 1;
      }
      node = children[low] as Node<T>;
    }
    let low = 0;
    let high = node.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBefore(node, middle, item, key)) low = middle + 1;
      else high = middle;
    }
    putAt(node, low, item, key);
    this.#added(node, item, MOST >> 1);
  }

  remove(item: T): void {
    const leaf = item.leaf;
    if (leaf === null) return;
    item.leaf = null;
    for (let up: Node<T> | null = leaf; up !== null; up = up.parent) up.size--;
    if (leaf.items[0] === item) {
      leaf.items.shift();
      leaf.keys.shift();
    } else takeFrom(leaf, leaf.items.indexOf(item));
    if (leaf.items.length > 0) return;
    if (leaf.previous !== null) leaf.previous.next = leaf.next;
    else this.firstLeaf = leaf.next;
    if (leaf.next !== null) leaf.next.previous = leaf.previous;
    else this.#last = leaf.previous;
    this.#drop(leaf);
  }

  /** How many come before this one, which is inside. */
  rank(item: T): number {
    let node = item.leaf as Node<T>;
    let before = node.items.indexOf(item);
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      for (const sibling of parent.children as Node<T>[]) {
        if (sibling === node) break;
        before += sibling.size;
      }
      node = parent;
    }
    return before;
  }

  /** How many are `before`; which has to be true for a beginning of the order, and false from there on. */
  count(before: (item: T, key: number) => boolean): number {
    let node = this.#root;
    let counted = 0;
    while (node?.children) {
      let into: Node<T> | null = null;
      for (const child of node.children) {
        const { items, keys } = leftmost(child);
        if (!before(items[0] as T, keys[0] as number)) break;
        if (into !== null) counted += into.size;
        into = child;
      }
      if (into === null) return counted;
      node = into;
    }
    if (node) for (const [i, item] of node.items.entries()) if (before(item, node.keys[i] as number)) counted++;
    return counted;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let leaf = this.firstLeaf; leaf !== null; leaf = leaf.next) yield* leaf.items;
  }

  /** Whether what stands in a leaf comes before an item with this key. */
  #isBefore(leaf: Node<T>, at: number, item: T, key: number): boolean {
    const other = leaf.keys[at] as number;
    return other < key || (other === key && this.#compare(leaf.items[at] as T, item) < 0);
  }

  /** @param splitAt how many stay, should it have become too many */
  #added(leaf: Node<T>, item: T, splitAt: number): void {
    item.leaf = leaf;
    for (let up: Node<T> | null = leaf; up !== null; up = up.parent) up.size++;
    if (leaf.items.length > MOST) this.#splitLeaf(leaf, splitAt);
  }

  #splitLeaf(leaf: Node<T>, at: number): void {
    const right = new Node<T>(leaf.keys.splice(at), leaf.items.splice(at), null);
    right.size = right.items.length;
    leaf.size -= right.size;
    for (const item of right.items) item.leaf = right;
    right.next = leaf.next;
    right.previous = leaf;
    if (leaf.next !== null) leaf.next.previous = right;
    else this.#last = right;
    leaf.next = right;
    this.#adopt(leaf, right);
  }

  /** Puts a node beside the one that it was split from; the sizes above stay as they are. */
  #adopt(left: Node<T>, right: Node<T>): void {
    const parent = left.parent;
    const key = right.keys[0] as number;
    if (parent === null) {
      const root = new Node<T>([left.keys[0] as number, key], [], [left, right]);
      root.size = left.size + right.size;
      left.parent = root;
      right.parent = root;
      this.#root = root;
      return;
    }
    const children = parent.children as Node<T>[];
    right.parent = parent;
    const at = children.indexOf(left) + 1;
    children.splice(at, 0, right);
    parent.keys.splice(at, 0, key);
    if (children.length <= MOST) return;
    const from = at === MOST ? MOST : children.length >> 1;
    const beside = new Node<T>(parent.keys.splice(from), [], children.splice(from));
    for (const child of beside.children as Node<T>[]) {
      child.parent = beside;
      beside.size += child.size;
    }
    parent.size -= beside.size;
    this.#adopt(parent, beside);
  }

  #drop(node: Node<T>): void {
    const parent = node.parent;
    if (parent === null) {
      this.#root = null;
      return;
    }
    const children = parent.children as Node<T>[];
    const at = children.indexOf(node);
    children.splice(at, 1);
    parent.keys.splice(at, 1);
    if (children.length === 0) return this.#drop(parent);
    // A root with one child is one level too many.
    if (parent.parent === null && children.length === 1) {
      const only = children[0] as Node<T>;
      only.parent = null;
      this.#root = only;
    }
  }
}

function leftmost<T>(node: Node<T>): Node<T> {
  let leaf = node;
  while (leaf.children !== null) leaf = leaf.children[0] as Node<T>;
  return leaf;
}

/** `splice` for one, without the array that it answers with. */
function putAt<T>({ items, keys }: Node<T>, at: number, item: T, key: number): void {
  items.push(item);
  keys.push(key);
  for (let i = items.length - 1; i > at; i--) {
    items[i] = items[i - 1] as T;
    keys[i] = keys[i - 1] as number;
  }
  items[at] = item;
  keys[at] = key;
}

function takeFrom<T>({ items, keys }: Node<T>, at: number): void {
  for (let i = at + 1; i < items.length; i++) {
    items[i - 1] = items[i] as T;
    keys[i - 1] = keys[i] as number;
  }
  items.pop();
  keys.pop();
}
