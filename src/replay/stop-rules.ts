/** When a replay stops by itself. Pure. */
import type { ReplayTerms } from "../records/replay.ts";

/** A ratio says nothing over fewer outcomes than this, or than there are items. */
const minOutcomes = 10;

export class StopRules {
  readonly #rules: ReplayTerms["stopWhen"];
  readonly #enough: number;
  #ended = 0;
  #failed = 0;
  #inARow = 0;

  /** @param before outcomes of a part of the replay that ran before a restart. */
  constructor(rules: ReplayTerms["stopWhen"], total: number, before: { readonly succeeded: number; readonly failed: number }) {
    this.#rules = rules;
    this.#enough = Math.min(minOutcomes, total);
    this.#failed = before.failed;
    this.#ended = before.failed + before.succeeded;
  }

  /** Counts an outcome. @returns why the replay has to stop; null: it goes on. */
  add(failed: boolean): string | null {
    this.#ended++;
    this.#inARow = failed ? this.#inARow + 1 : 0;
    if (failed) this.#failed++;
    const { failureRatio = null, failuresInARow = null } = this.#rules ?? {};
    if (failuresInARow !== null && this.#inARow >= failuresInARow) return `${this.#inARow} failures in a row`;
    if (failureRatio !== null && this.#ended >= this.#enough && this.#failed / this.#ended >= failureRatio)
      return `${this.#failed} of ${this.#ended} failed, a ratio of ${failureRatio} was the limit`;
    return null;
  }
}
