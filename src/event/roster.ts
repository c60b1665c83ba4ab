/** One that is on a roster. It is asked nothing but to leave. */
export interface Entry<T> {
  readonly item: T;
  before: Entry<T> | null;
  next: Entry<T> | null;
  isOn: boolean;
}

/**
 * Those who are there, in the order in which they came: each leaves soon, whenever it likes, and others come all the time.
 *
 * A `Set` would do the same, but it makes a new table now and then, and the old table points to the new one. Once one of these tables has become old for the
 * garbage collector, it takes all later ones for used, with everything that they held: of 2,000 deliveries a second each survived two scavenges, which then
 * took 7 ms and not 2. Whoever leaves here points to nobody any more.
 */
export class Roster<T> {
  #first: Entry<T> | null = null;
  #last: Entry<T> | null = null;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** The one who has been here longest. */
  get first(): Entry<T> | null {
    return this.#first;
  }

  enter(item: T): Entry<T> {
    const entry: Entry<T> = { item, before: this.#last, next: null, isOn: true };
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    return entry;
  }

  /** @returns false when it has left before. */
  leave(entry: Entry<T>): boolean {
    if (!entry.isOn) return false;
    const { before, next } = entry;
    if (before === null) this.#first = next;
    else before.next = next;
    if (next === null) this.#last = before;
    else next.before = before;
    entry.before = null;
    entry.next = null;
    entry.isOn = false;
    return true;
  }
}
