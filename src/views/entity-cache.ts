/** A cache of entities beside their rows: their numbers, and their last events. */
import { LRUCache } from "lru-cache";

export interface EntityKey {
  readonly id: number;
  readonly tenant: string;
  readonly type: string;
  /** Of its last event; −1 and 0 before its first. */
  revision: number;
  position: number;
  /** The type of its last event, as its row has it: null before its first, and when all have left the log. */
  lastType: string | null;
  /** What the transaction under way has to write of it at its end. */
  pending: PendingEntity | null;
}

export interface PendingEntity {
  recordedMs: number;
  /** Of the last event. */
  type: string;
  /** The last positions of the other types that it had events of in this transaction. */
  others: Map<string, number> | null;
}

/** About 250 bytes each. */
export const cachedEntities = 20_000;

/**
 * The entities that were asked for lately, by stream. One with pending changes stays until they are written, because its row is older. Such an entity never
 * has more than one object.
 */
export class EntityKeys {
  readonly #lately = new LRUCache<string, EntityKey>({
    max: cachedEntities,
    dispose: (key, stream, reason) => {
      if (reason === "evict" && key.pending !== null) this.#evicted.set(stream, key);
    },
  });
  readonly #evicted = new Map<string, EntityKey>();

  get(stream: string): EntityKey | undefined {
    return this.#lately.get(stream) ?? (this.#evicted.size > 0 ? this.#evicted.get(stream) : undefined);
  }

  set(stream: string, key: EntityKey): void {
    this.#lately.set(stream, key);
  }

  /** After a transaction that wrote what was pending. */
  settled(): void {
    this.#evicted.clear();
  }

  /** Call it after a transaction that was undone, because the rows differ from the cache then. */
  clear(): void {
    this.#lately.clear();
    this.#evicted.clear();
  }
}
