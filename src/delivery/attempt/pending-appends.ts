/** Appends of one call that are under way: the call completes when all are stored, also those that the handler does not await. */
export class PendingAppends {
  readonly #pending = new Set<Promise<unknown>>();

  /** @returns what the handler is given: it is the handler's to await, and an error that it leaves to nobody stays one. */
  add<T>(append: Promise<T>): Promise<T> {
    const told = append.then((appended) => appended);
    const over = (): void => void this.#pending.delete(told);
    this.#pending.add(told);
    append.then(over, over);
    return told;
  }

  /** Null when none is under way. Rejects when one of those that are fails: the handler has not waited for it. */
  ended(): Promise<void> | null {
    return this.#pending.size === 0 ? null : this.#ended();
  }

  async #ended(): Promise<void> {
    while (this.#pending.size > 0) {
      const ends = await Promise.allSettled(this.#pending);
      const failed = ends.find((end) => end.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }
}
