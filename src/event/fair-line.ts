/**
 * Things that wait, by whose they are. The next one is of whom the least was taken: one owner with a thousand of them, or with large ones, lets another's
 * only one go first. Of an owner they keep their order.
 */
export class FairLine<T> {
  readonly #lines = new Map<string, { readonly items: T[]; taken: number }>();
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

  waitingOf(owner: string): number {
    return this.#lines.get(owner)?.items.length ?? 0;
  }

  push(owner: string, item: T): void {
    this.#size++;
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, { items: [item], taken: this.#floor });
    else line.items.push(item);
  }

  /** The one whose turn it is; it stays. */
  first(): T | undefined {
    return this.#next()?.[1].items[0];
  }

  /** Takes the one whose turn it is. @param cost how much that is, beside others. */
  shift(cost = 1): T | undefined {
    const next = this.#next();
    if (next === undefined) return undefined;
    const [owner, line] = next;
    this.#floor = Math.max(this.#floor, line.taken);
    line.taken += cost;
    this.#size--;
    const item = line.items.shift()!;
    this.#lines.delete(owner);
    if (line.items.length > 0) this.#lines.set(owner, line); // behind those of whom as much was taken
    return item;
  }

  #next() {
    let least: readonly [string, { readonly items: T[]; taken: number }] | undefined;
    for (const each of this.#lines) if (least === undefined || each[1].taken < least[1].taken) least = each;
    return least;
  }
}
