/** A cache of entities beside their rows: their numbers, and their last events. */
export interface EntityKey {
  readonly id: number;
  readonly tenant: string;
  readonly type: string;
  /** Of its last event; −1 and 0 before its first. */
  revision: number;
  position: number;
  /** The type of its last event, as its row has it: null before its first, and when all have left the log. */
  lastType: string | null;
  /** That of all its types, as its row has it; null for none. */
  typeSet: number | null;
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
 * The entities that were asked for lately, by stream: between half and all of `cachedEntities`, in two tables as in the log's `Lately`. One with pending
 * changes stays until they are written, because its row is older. Such an entity never has more than one object.
 */
export class EntityKeys {
  readonly #half: number;
  #young = new Map<string, EntityKey>();
  #old = new Map<string, EntityKey>();
  readonly #evicted = new Map<string, EntityKey>();

  constructor(most = cachedEntities) {
    this.#half = Math.max(1, Math.floor(most / 2));
  }

  get(stream: string): EntityKey | undefined {
    const young = this.#young.get(stream);
    if (young !== undefined) return young;
    const old = this.#old.get(stream);
    if (old === undefined) return this.#evicted.size > 0 ? this.#evicted.get(stream) : undefined;
    this.set(stream, old);
    return old;
  }

  set(stream: string, key: EntityKey): void {
    if (this.#young.size >= this.#half && !this.#young.has(stream)) {
      for (const [name, left] of this.#old) if (left.pending !== null) this.#evicted.set(name, left);
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(stream, key);
  }

  /** After a transaction that wrote what was pending. */
  settled(): void {
    this.#evicted.clear();
  }

  /** Call it after a transaction that was undone, because the rows differ from the cache then. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#evicted.clear();
  }
}
