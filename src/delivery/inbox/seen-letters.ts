/** Dead letters that came since this instance listens, whichever instance wrote them: for who asks whether there are more of them than before. */
import { LRUCache } from "lru-cache";
import type { StoredEvent } from "../../event/event.ts";
import type { JournalData } from "../../records/journal.ts";

/** Lanes whose letters are remembered, those with the newest ones. */
const mostLanes = 20_000;

export class SeenLetters {
  readonly #lanes = new LRUCache<string, Set<number>>({ max: mostLanes });

  /** An event of a journal. */
  take({ stream: journal, type, data }: Pick<StoredEvent, "stream" | "type" | "data">): void {
    if (type !== "delivery.dead_lettered") return;
    const { lane, revision } = data as unknown as JournalData["delivery.dead_lettered"];
    const seen = this.#lanes.get(keyOf(journal, lane)) ?? new Set();
    this.#lanes.set(keyOf(journal, lane), seen.add(revision));
  }

  /** Revisions of those of a lane, in order. */
  of(journal: string, lane: string): readonly number[] {
    return [...(this.#lanes.get(keyOf(journal, lane)) ?? [])].sort((a, b) => a - b);
  }
}

const keyOf = (journal: string, lane: string): string => `${journal}\n${lane}`;
