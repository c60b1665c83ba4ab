/** The last append of a journal stays as it is, so where its texts go in time, a partition that falls idle puts a record behind it (docs/retention.md). */
import type { Clock } from "../../event/clock.ts";
import type { JournalEvent } from "../../records/journal.ts";

const idleMs = 3_600_000;

export interface LastWordOptions {
  readonly clock: Clock;
  /** A rule of retention has the texts of journals go. */
  readonly textsGo?: boolean;
}

export class LastWord {
  readonly #options: LastWordOptions;
  readonly #standBehind: () => void;
  /** Null: a record stands behind it, or it says nothing but how far the handler is. */
  #timer: { cancel(): void } | null = null;
  #saidMs = 0;

  /** @param standBehind appends how far the handler is. */
  constructor(options: LastWordOptions, standBehind: () => void) {
    this.#options = options;
    this.#standBehind = standBehind;
  }

  /** What was appended just now. */
  is(events: readonly JournalEvent[]): void {
    const { clock, textsGo = false } = this.#options;
    if (!textsGo) return;
    if (events.every((event) => event.type === "progress" && (event.data.completed?.length ?? 0) === 0)) {
      this.cancel();
      return;
    }
    this.#saidMs = clock.monotonicMs();
    this.#timer ??= clock.after(idleMs, () => this.#look());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** One timer for all appends: it looks whether the last one is old enough. */
  #look(): void {
    const { clock } = this.#options;
    const leftMs = this.#saidMs + idleMs - clock.monotonicMs();
    this.#timer = leftMs > 0 ? clock.after(leftMs, () => this.#look()) : null;
    if (this.#timer === null) this.#standBehind();
  }
}
