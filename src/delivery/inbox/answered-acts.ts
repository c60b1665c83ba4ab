/** How far an inbox is answered, and when it is worth the while to shorten it. Pure. */

/** Answered acts that an inbox keeps at most, beside those behind one that is not answered yet. */
const mostKept = 256;

export class AnsweredActs {
  /** Revisions of acts that are being done. */
  readonly #open = new Set<number>();
  #next = 0;
  #shortened = 0;

  begun(revision: number): void {
    this.#open.add(revision);
    this.#next = Math.max(this.#next, revision + 1);
  }

  /** @returns the revision before which the inbox may be removed now; null: not yet. */
  ended(revision: number): number | null {
    this.#open.delete(revision);
    if (this.#next - this.#shortened < mostKept) return null;
    let before = this.#next;
    for (const open of this.#open) before = Math.min(before, open);
    if (before - this.#shortened < mostKept) return null;
    this.#shortened = before;
    return before;
  }
}
