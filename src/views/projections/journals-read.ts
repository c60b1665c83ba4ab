import type { StoredEvent } from "../../event/event.ts";
import type { ViewDatabase } from "../database.ts";

export const journalsReadTable = `
    -- How far each journal was read. missing: the first entry that was not there to be read; null: none was missing. abridged: the last one came from the abridgement.
    create table journals_read(journal text primary key, revision integer not null, missing integer, abridged integer not null) strict, without rowid;
`;

interface JournalRead {
  readonly revision: number;
  readonly missing: number | null;
  readonly abridged: number;
}

/** How far the journals were read that had an entry since this was written last. */
export class JournalsRead {
  readonly #journals = new Map<string, JournalRead>();

  note(db: ViewDatabase, { stream, revision, abridged }: Pick<StoredEvent, "stream" | "revision" | "abridged">): void {
    const known = this.#journals.get(stream) ?? db.get<JournalRead>("select revision, missing, abridged from journals_read where journal = ?", stream);
    const next = known === undefined ? 0 : known.revision + 1;
    const isMissing = abridged !== true && revision > next;
    this.#journals.set(stream, {
      revision: Math.max(known?.revision ?? 0, revision),
      missing: known?.missing ?? (isMissing ? next : null),
      abridged: Number(abridged === true),
    });
  }

  write(db: ViewDatabase): void {
    for (const [journal, { revision, missing, abridged }] of this.#journals)
      db.run(
        `insert into journals_read(journal, revision, missing, abridged) values (?, ?, ?, ?)
         on conflict do update set revision = excluded.revision, missing = excluded.missing, abridged = excluded.abridged`,
        ...[journal, revision, missing, abridged],
      );
    this.clear();
  }

  clear(): void {
    this.#journals.clear();
  }
}
