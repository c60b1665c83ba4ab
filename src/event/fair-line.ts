/** Of one owner so many that have begun go before one that is new. */
const begunBeforeNew = 8;

interface Line<T> {
  readonly owner: string;
  /** Parts of what has begun already. */
  readonly begun: T[];
  readonly fresh: T[];
  /** Taken of `begun` since one of `fresh`. */
  passed: number;
  taken: number;
}

/**
 * Things that wait, by whose they are. The next one is of whom the least was taken: one owner with a thousand of them, or with large ones, lets another's
 * only one go first. Of an owner they keep their order, but what has begun goes before what is new, most times: sixty of its batches, a piece of each in
 * turn, would all be in memory until the last one of them is done, and it is soon done with them one after another.
 */
export class FairLine<T> {
  readonly #lines = new Map<string, Line<T>>();
  /** How much was taken of each owner that waits, at least: who comes anew begins here, and has no credit for the time before. */
  #floor = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Owners of whom something waits. */
  get owners(): number {
    return this.#lines.size;
  }

  /** The one owner of whom something waits, `but` aside; undefined: there is none, or there are several. */
  onlyOwner(but: string): string | undefined {
    let only: string | undefined;
    for (const owner of this.#lines.keys()) {
      if (owner === but) continue;
      if (only !== undefined) return undefined;
      only = owner;
    }
    return only;
  }

  waitingOf(owner: string): number {
    const line = this.#lines.get(owner);
    return line === undefined ? 0 : line.begun.length + line.fresh.length;
  }

  /** @param hasBegun the item is the rest of something. */
  push(owner: string, item: T, hasBegun = false): void {
    this.#size++;
    let line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, (line = { owner, begun: [], fresh: [], passed: 0, taken: this.#floor }));
    (hasBegun ? line.begun : line.fresh).push(item);
  }

  /** The one whose turn it is; it stays. */
  first(): T | undefined {
    const line = this.#next();
    return line === undefined ? undefined : itemsOf(line)[0];
  }

  /** Takes the one whose turn it is. @param cost how much that is, beside others. */
  shift(cost = 1): T | undefined {
    const line = this.#next();
    if (line === undefined) return undefined;
    const { owner } = line;
    this.#floor = Math.max(this.#floor, line.taken);
    line.taken += cost;
    this.#size--;
    const items = itemsOf(line);
    line.passed = items === line.begun ? line.passed + 1 : 0;
    const item = items.shift()!;
    const isOver = line.begun.length + line.fresh.length === 0;
    if (isOver || this.#lines.size > 1) this.#lines.delete(owner);
    if (!isOver) this.#lines.set(owner, line); // behind those of whom as much was taken
    return item;
  }

  #next(): Line<T> | undefined {
    let least: Line<T> | undefined;
    for (const line of this.#lines.values()) if (least === undefined || line.taken < least.taken) least = line;
    return least;
  }
}

function itemsOf<T>({ begun, fresh, passed }: Line<T>): T[] {
  if (begun.length === 0) return fresh;
  return fresh.length > 0 && passed >= begunBeforeNew ? fresh : begun;
}
