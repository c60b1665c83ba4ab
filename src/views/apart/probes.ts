/** Questions whether the rows can be written, which the second thread answers in order. */
export class Probes {
  readonly #asked: PromiseWithResolvers<void>[] = [];

  next(): Promise<void> {
    const probe = Promise.withResolvers<void>();
    this.#asked.push(probe);
    return probe.promise;
  }

  /** @param why they cannot be written; null: they can. */
  answered(why: string | null): void {
    const probe = this.#asked.shift();
    if (why === null) probe?.resolve();
    else probe?.reject(new Error(why));
  }

  fail(error: Error): void {
    for (const { reject } of this.#asked.splice(0)) reject(error);
  }
}
