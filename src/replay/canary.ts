/** A replay's canary: some entities go first and alone, and the rest follows when nothing of them has failed. */
import type { Clock } from "../event/clock.ts";
import type { Feed } from "./feed.ts";
import type { ReplayRecord } from "./replay-stream.ts";

export interface CanaryTerms {
  readonly entities: number;
  readonly holdSeconds: number;
}

export interface CanaryNeeds {
  readonly terms: CanaryTerms;
  /** Decides which entities are the canary's. */
  readonly feed: Pick<Feed, "canary" | "widen" | "lift">;
  readonly clock: Pick<Clock, "after">;
  /** Dead letters of the streams now, by handler, stream and revision. */
  readonly letters: (streams: ReadonlySet<string>) => readonly string[];
  readonly record: Pick<ReplayRecord, "persist">;
}

export class Canary {
  readonly #needs: CanaryNeeds;
  /** Dead letters that its entities had before anything of them was delivered. */
  readonly #lettersBefore = new Set<string>();
  /** Entities of which something was delivered: only they have tested anything. */
  readonly #tested: Set<string>;
  /** Ends the wait, if there is one. */
  #endHold: ((isOver: boolean) => void) | null = null;

  /** @param tested entities of which an earlier part of the replay delivered something. */
  constructor(needs: CanaryNeeds, tested: Iterable<string>) {
    this.#needs = needs;
    this.#tested = new Set(tested);
  }

  /** Entities of which something was delivered. */
  get tested(): number {
    return this.#tested.size;
  }

  begin(): void {
    this.#rememberLetters(this.#needs.feed.canary);
  }

  delivered(stream: string): void {
    this.#tested.add(stream);
  }

  /** Takes others in for entities of which every item was skipped, which says nothing about the rest. @returns false when there are enough, or no others. */
  widen(): boolean {
    const { terms, feed } = this.#needs;
    const missing = terms.entities - this.#tested.size;
    const more = missing <= 0 ? new Set<string>() : feed.widen(missing);
    this.#rememberLetters(more);
    return more.size > 0;
  }

  /**
   * Waits for what its items have released. All items may start once it is on record that nothing of it has failed.
   *
   * @returns `failed` when an event that they released has become a dead letter, `let_go` when somebody ended the wait.
   */
  async hold(): Promise<"passed" | "failed" | "let_go"> {
    const { feed, letters, record } = this.#needs;
    if (!(await this.#holdOver())) return "let_go";
    if (letters(feed.canary).some((letter) => !this.#lettersBefore.has(letter))) return "failed";
    await record.persist("replay.canary_passed", { entities: this.tested });
    feed.lift();
    this.letGo();
    return "passed";
  }

  /** Ends the wait. */
  letGo(): void {
    this.#endHold?.(false);
  }

  /** @returns false when somebody ended the wait. */
  #holdOver(): Promise<boolean> {
    this.letGo();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#needs.clock.after(this.#needs.terms.holdSeconds * 1000, () => resolve(true));
    const endHold = (isOver: boolean): void => {
      this.#endHold = null;
      timer.cancel();
      resolve(isOver);
    };
    this.#endHold = endHold;
    return promise;
  }

  #rememberLetters(streams: ReadonlySet<string>): void {
    for (const letter of this.#needs.letters(streams)) this.#lettersBefore.add(letter);
  }
}
