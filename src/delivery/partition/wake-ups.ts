/** Times at which something has to be looked at again: a binary heap, since thousands of lanes may be in back-off. */
export class WakeUps<T> {
  readonly #heap: { readonly atMs: number; readonly item: T }[] = [];

  /** Time of the first one; null when there is none. */
  next(): number | null {
    return this.#heap[0]?.atMs ?? null;
  }

  add(atMs: number, item: T): void {
    const heap = this.#heap;
    let place = heap.push({ atMs, item }) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (heap[parent]!.atMs <= heap[place]!.atMs) return;
      [heap[parent], heap[place]] = [heap[place]!, heap[parent]!];
      place = parent;
    }
  }

  /** Takes out all that are due at `nowMs`, the earliest first. */
  due(nowMs: number): Iterable<T> {
    return this.#isDue(nowMs) ? this.#takeDue(nowMs) : none; // mostly nothing is, and each look asks
  }

  #isDue(nowMs: number): boolean {
    return this.#heap.length > 0 && this.#heap[0]!.atMs <= nowMs;
  }

  *#takeDue(nowMs: number): Iterable<T> {
    while (this.#isDue(nowMs)) yield this.#take();
  }

  #take(): T {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      let place = 0;
      for (;;) {
        const left = 2 * place + 1;
        const least = [left, left + 1].reduce((best, child) => (child < heap.length && heap[child]!.atMs < heap[best]!.atMs ? child : best), place);
        if (least === place) break;
        [heap[least], heap[place]] = [heap[place]!, heap[least]!];
        place = least;
      }
    }
    return first.item;
  }
}

const none: readonly never[] = [];
