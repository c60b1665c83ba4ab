import type { ViewDatabase } from "../database.ts";

export const letterCountTables = `
    -- How many dead letters are alike in what people filter and group by: counting a million of them one by one takes a second.
    create table letter_counts(
      tenant text not null, handler text not null, entity_type text not null, type text not null, has_source integer not null, source text not null,
      cause text not null, error_type text not null, error_message text not null, error_group text not null, letters integer not null,
      primary key (tenant, handler, entity_type, type, has_source, source, cause, error_type, error_message, error_group)
    ) strict, without rowid;
`;

/** Of the table `deliveries`: what dead letters are alike in. */
export const kindColumns = "tenant, handler, entity_type, type, source, cause, error_type, error_message, error_group";

export interface LetterKind {
  readonly tenant: string;
  readonly handler: string;
  readonly entity_type: string;
  readonly type: string;
  readonly source: string | null;
  readonly cause: string | null;
  readonly error_type: string | null;
  readonly error_message: string | null;
  readonly error_group: string | null;
}

/** Dead letters under a replay that waits for its retry are `failed` meanwhile: in no list, and in no count. */
export const isListed = ({ letter, status }: { readonly letter: 0 | 1; readonly status: string }): boolean => letter === 1 && status !== "failed";

/**
 * How many dead letters of each kind came or went since this was written last. Triggers on `deliveries` did the same, and took twice as long as all
 * else that settles a dead letter: SQLite copies each page that such a statement changes, to be able to undo it.
 */
export class LetterCounts {
  readonly #kinds = new Map<string, CountedKind>();
  /** Of neighbours: most are alike, and to make a key takes a microsecond. */
  #last: CountedKind | null = null;

  add(kind: LetterKind, letters: number): void {
    this.#last = this.#last !== null && areAlike(this.#last.kind, kind) ? this.#last : this.#countOf(kind);
    this.#last.letters += letters;
  }

  #countOf(kind: LetterKind): CountedKind {
    const { tenant, handler, entity_type, type, source, cause, error_type, error_message, error_group } = kind;
    const key = JSON.stringify([tenant, handler, entity_type, type, source, cause, error_type, error_message, error_group]);
    let count = this.#kinds.get(key);
    if (count === undefined) this.#kinds.set(key, (count = { kind, letters: 0 }));
    return count;
  }

  write(db: ViewDatabase): void {
    for (const { kind, letters } of this.#kinds.values()) {
      if (letters === 0) continue;
      const { tenant, handler, entity_type, type, source, cause, error_type, error_message, error_group } = kind;
      const key = [tenant, handler, entity_type, type, Number(source !== null), source ?? "", cause, error_type, error_message, error_group];
      db.run(
        "insert into letter_counts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set letters = letters + excluded.letters",
        ...key,
        letters,
      );
      if (letters < 0)
        db.run(
          `delete from letter_counts where tenant = ? and handler = ? and entity_type = ? and type = ? and has_source = ? and source = ? and cause = ?
             and error_type = ? and error_message = ? and error_group = ? and letters = 0`,
          ...key,
        );
      db.run("update error_groups set waiting = waiting + ? where tenant = ? and fingerprint = ? and handler = ?", letters, tenant, error_group, handler);
    }
    this.clear();
  }

  /** The handler has no dead letters any more. */
  writeNone(db: ViewDatabase, handler: string): void {
    this.write(db);
    db.run("delete from letter_counts where handler = ?", handler);
    db.run("update error_groups indexed by error_groups_by_handler set waiting = 0 where handler = ?", handler);
  }

  clear(): void {
    this.#kinds.clear();
    this.#last = null;
  }
}

interface CountedKind {
  readonly kind: LetterKind;
  letters: number;
}

function areAlike(one: LetterKind, other: LetterKind): boolean {
  return (
    one.tenant === other.tenant &&
    one.handler === other.handler &&
    one.entity_type === other.entity_type &&
    one.type === other.type &&
    one.source === other.source &&
    one.cause === other.cause &&
    one.error_type === other.error_type &&
    one.error_message === other.error_message &&
    one.error_group === other.error_group
  );
}
