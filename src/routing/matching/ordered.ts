/**
 * A sorted collection that knows its ranks: a B+ tree with counts. First, insert at the end and remove from the front, what a queue
 * does most, touch one leaf that is hot in the cache however many wait; anything else is O(log n).
 *
 * Items know their leaf, so removing needs no search. A leaf is given back when it is empty and never merged before ("free at
 * empty"): queues drain from one end, so half-empty leaves do not last.
 *
 * The order must not change while an item is inside.
 */
const MOST = 64;

/** `splice` for one, without the array that it answers with. */
function putAt<T>(items: T[], at: number, item: T): void {
  items.push(item);
  for (let i = items.length - 1; i > at; i--) items[i] = items[i - 1] as T;
  items[at] = item;
}

function takeFrom<T>(items: T[], at: number): void {
  for (let i = at + 1; i < items.length; i++) items[i - 1] = items[i] as T;
  items.pop();
}

/** An item of an `Ordered`; in one at a time. */
export interface Placed<T> {
  leaf: Node<T> | null;
}

export class Node<T> {
  parent: Node<T> | null = null;
  /** The items below. */
  size = 0;
  /** The smallest of them. */
  min: T;
  /** Of a leaf; empty otherwise. */
  readonly items: T[];
  /** Of an inner node; null for a leaf. */
  readonly children: Node<T>[] | null;
  previous: Node<T> | null = null;
  next: Node<T> | null = null;

  constructor(min: T, items: T[], children: Node<T>[] | null) {
    this.min = min;
    this.items = items;
    this.children = children;
  }
}

export class Ordered<T extends Placed<T>> {
  readonly #compare: (a: T, b: T) => number;
  #root: Node<T> | null = null;
  #last: Node<T> | null = null;
  /** The smallest item, kept at hand. */
  first: T | null = null;

  /** @param compare a strict order: never 0 for two different items */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#root === null ? 0 : this.#root.size;
  }

  /** For walking in order: `items` of this one, then of its `next`. */
  get firstLeaf(): Node<T> | null {
    return this.first === null ? null : this.first.leaf;
  }

  insert(item: T): void {
    const last = this.#last;
    if (last === null) {
      const leaf = new Node<T>(item, [item], null);
      leaf.size = 1;
      item.leaf = leaf;
      this.#root = leaf;
      this.#last = leaf;
      this.first = item;
      return;
    }
    const compare = this.#compare;
    if (compare(last.items[last.items.length - 1] as T, item) < 0) {
      this.#append(last, item);
      return;
    }
    let node = this.#root as Node<T>;
    while (node.children !== null) {
      const children = node.children;
      // The last child that does not begin after the item; the first when all do.
      let low = 0;
      let high = children.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (compare((children[middle] as Node<T>).min, item) < 0) low = middle;
        else high = middle - 1;
      }
      node = children[low] as Node<T>;
    }
    const { items } = node;
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(items[middle] as T, item) < 0) low = middle + 1;
      else high = middle;
    }
    putAt(items, low, item);
    item.leaf = node;
    if (low === 0) this.#newMin(node, item);
    for (let up: Node<T> | null = node; up !== null; up = up.parent) up.size++;
    if (items.length > MOST) this.#splitLeaf(node, items.length >> 1);
  }

  remove(item: T): void {
    const leaf = item.leaf;
    if (leaf === null) return;
    item.leaf = null;
    const { items } = leaf;
    for (let up: Node<T> | null = leaf; up !== null; up = up.parent) up.size--;
    if (items[0] !== item) {
      takeFrom(items, items.indexOf(item));
      return;
    }
    items.shift();
    if (items.length > 0) {
      this.#newMin(leaf, items[0] as T);
      return;
    }
    if (leaf.previous !== null) leaf.previous.next = leaf.next;
    if (leaf.next !== null) leaf.next.previous = leaf.previous;
    if (this.#last === leaf) this.#last = leaf.previous;
    if (this.first === item) this.first = leaf.next === null ? null : (leaf.next.items[0] as T);
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
  count(before: (item: T) => boolean): number {
    let node = this.#root;
    let counted = 0;
    while (node?.children) {
      let into: Node<T> | null = null;
      for (const child of node.children) {
        if (!before(child.min)) break;
        if (into !== null) counted += into.size;
        into = child;
      }
      if (into === null) return counted;
      node = into;
    }
    if (node) for (const item of node.items) if (before(item)) counted++;
    return counted;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let leaf = this.firstLeaf; leaf !== null; leaf = leaf.next) yield* leaf.items;
  }

  #append(last: Node<T>, item: T): void {
    if (last.items.length < MOST) {
      last.items.push(item);
      item.leaf = last;
      for (let up: Node<T> | null = last; up !== null; up = up.parent) up.size++;
      return;
    }
    // Those that came in order stay in full leaves.
    last.items.push(item);
    for (let up: Node<T> | null = last; up !== null; up = up.parent) up.size++;
    this.#splitLeaf(last, MOST);
  }

  #splitLeaf(leaf: Node<T>, at: number): void {
    const items = leaf.items.splice(at);
    const right = new Node<T>(items[0] as T, items, null);
    right.size = items.length;
    leaf.size -= items.length;
    for (const item of items) item.leaf = right;
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
    if (parent === null) {
      const root = new Node<T>(left.min, [], [left, right]);
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
    if (children.length <= MOST) return;
    const moved = children.splice(at === MOST ? MOST : children.length >> 1);
    const beside = new Node<T>((moved[0] as Node<T>).min, [], moved);
    for (const child of moved) {
      child.parent = beside;
      beside.size += child.size;
    }
    parent.size -= beside.size;
    this.#adopt(parent, beside);
  }

  #newMin(leaf: Node<T>, min: T): void {
    leaf.min = min;
    let node = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      if ((parent.children as Node<T>[])[0] !== node) return;
      parent.min = min;
      node = parent;
    }
    this.first = min;
  }

  #drop(node: Node<T>): void {
    const parent = node.parent;
    if (parent === null) {
      this.#root = null;
      this.first = null;
      return;
    }
    const children = parent.children as Node<T>[];
    const at = children[0] === node ? 0 : children.indexOf(node);
    children.splice(at, 1);
    if (children.length === 0) return this.#drop(parent);
    if (at === 0) this.#newInnerMin(parent);
    // A root with one child is one level too many.
    if (parent.parent === null && children.length === 1) {
      const only = children[0] as Node<T>;
      only.parent = null;
      this.#root = only;
    }
  }

  #newInnerMin(inner: Node<T>): void {
    let node = inner;
    const { min } = (node.children as Node<T>[])[0] as Node<T>;
    node.min = min;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      if ((parent.children as Node<T>[])[0] !== node) return;
      parent.min = min;
      node = parent;
    }
  }
}
