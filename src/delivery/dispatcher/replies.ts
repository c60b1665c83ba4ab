import type { Position } from "../../event/event.ts";
import type { LetterReplay, LetterReplayEnd } from "../partition/letter.ts";

export interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** How a dead letter's replay ended, and where that is on record. */
export interface LetterReplayed {
  readonly end: LetterReplayEnd;
  readonly position: Position;
}

/** Those who wait until something is on record in the journal. */
export class Replies {
  readonly #replays = new Map<LetterReplay, readonly Waiting<LetterReplayed>[]>();
  /** By replay: those who wait until no lane is on its pace any more. */
  readonly #passing = new Map<string, Waiting<void>[]>();
  /** Those who wait for the next flush. */
  #next: Waiting<Position>[] = [];

  /** Waits for the end of a dead letter's replay. */
  of(replay: LetterReplay): Promise<LetterReplayed> {
    const { promise, resolve, reject } = Promise.withResolvers<LetterReplayed>();
    this.#replays.set(replay, [...(this.#replays.get(replay) ?? []), { resolve, reject }]);
    return promise;
  }

  /** Waits until no lane is on the replay's pace any more. */
  passed(replayId: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#passing.set(replayId, [...(this.#passing.get(replayId) ?? []), { resolve, reject }]);
    return promise;
  }

  /** Waits until the next flush is stored. */
  nextFlush(): Promise<Position> {
    const { promise, resolve, reject } = Promise.withResolvers<Position>();
    this.#next.push({ resolve, reject });
    return promise;
  }

  /** Takes those who wait for the flush that begins now. */
  takeNext(): readonly Waiting<Position>[] {
    return this.#next.splice(0);
  }

  /** @param hasFollowers whether lanes are still on a replay's pace. */
  tellPassed(hasFollowers: (replayId: string) => boolean): void {
    for (const [replayId, waiting] of this.#passing) {
      if (hasFollowers(replayId)) continue;
      this.#passing.delete(replayId);
      for (const { resolve } of waiting) resolve();
    }
  }

  tellEnded(ended: readonly { readonly replay: LetterReplay; readonly end: LetterReplayEnd }[], position: Position): void {
    for (const { replay, end } of ended) {
      for (const { resolve } of this.#replays.get(replay) ?? []) resolve({ end, position });
      this.#replays.delete(replay);
    }
  }

  /** Tells all of them that there will be no record. */
  refuse(error: unknown): void {
    const waiting = [...[...this.#replays.values()].flat(), ...this.#next, ...[...this.#passing.values()].flat()];
    this.#replays.clear();
    this.#passing.clear();
    this.#next = [];
    for (const { reject } of waiting) reject(error);
  }
}
