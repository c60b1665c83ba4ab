/** A replay's canary: some entities go first and alone, and the rest follows when nothing of them has failed. */
import type { Clock } from "../event/clock.ts";
import type { Feed } from "./feed.ts";

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
}

export class Canary {
  readonly #needs: CanaryNeeds;
  /** Dead letters that its entities had before anything of them was delivered. */
  readonly #lettersBefore = new Set<string>();
  /** Entities of which something was delivered: only they have tested anything. */
  readonly #tested: Set<string>;
  #hold: { cancel(): void } | null = null;

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

  /** Waits for what its items have released. @param whenOver is told whether one of those events has become a dead letter. */
  hold(whenOver: (hasFailed: boolean) => void): void {
    const { terms, feed, clock, letters } = this.#needs;
    this.letGo();
    this.#hold = clock.after(terms.holdSeconds * 1000, () => {
      this.#hold = null;
      whenOver(letters(feed.canary).some((letter) => !this.#lettersBefore.has(letter)));
    });
  }

  /** Waits no more. */
  letGo(): void {
    this.#hold?.cancel();
    this.#hold = null;
  }

  /** Nothing has failed: all items may start. */
  pass(): void {
    this.letGo();
    this.#needs.feed.lift();
  }

  #rememberLetters(streams: ReadonlySet<string>): void {
    for (const letter of this.#needs.letters(streams)) this.#lettersBefore.add(letter);
  }
}
