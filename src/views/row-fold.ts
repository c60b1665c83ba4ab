import type { Position, StoredEvent } from "../event/event.ts";
import { singly } from "../records/progress.ts";
import type { ViewDatabase } from "./database.ts";
import { readEntities } from "./entity-keys.ts";
import { clearLatest, makeLatest } from "./latest.ts";
import { type AnyProjection, type Entry, type EntryKind, entryKinds, type Folding, toEntry } from "./projection.ts";
import { projections } from "./projections/all.ts";

/** Folds events into the rows, in transactions. */
export interface RowFold {
  /** Of the last event that the rows contain. */
  position(): Position;
  /**
   * Folds events, in log order, into the rows: all of them and the new position, or nothing.
   *
   * @param enough asked after each event: stop here.
   * @returns how many were folded.
   */
  fold(events: readonly StoredEvent[], enough: (folded: number) => boolean): number;
  /** Commits what was folded. In a store that is built anew, `position` moves only here and after each `eventsPerCommit` events. */
  settle(): void;
  isSettled(): boolean;
}

/** Events that one transaction may hold, where nobody waits for them: 1 commits after each `fold`. */
export const eventsPerCommit = { live: 1, rebuild: 50_000, liveApart: 1024 } as const;

/** @param wantedChanged called within the transaction that changes what handlers want. */
export function makeRowFold(db: ViewDatabase, wantedChanged: () => void, eventsPerCommit: number): RowFold {
  let position = BigInt(db.get<{ position: number }>("select position from meta")!.position);
  const latest = makeLatest(db);
  const folding: Folding = { db, wantedChanged, latest, lettersOfLane: 0 };
  /** What the rows hold that is not committed yet. */
  let open: { position: Position; events: number } | null = null;

  /** Positions of Reprise's own events that no projection can read: somebody else wrote them, and they would stop all rows for ever. */
  const unreadable = new Set<Position>();
  const foldOne = (event: StoredEvent): void => {
    if (unreadable.size > 0 && unreadable.has(event.position)) return;
    const entry = toEntry(db, event);
    if (entry === null) return;
    try {
      for (const one of singlyTold(entry)) for (const projection of takers[one.kind]) projection.apply(folding, one);
    } catch (error) {
      // The transaction is rolled back, and with it what was applied of this entry. The next try passes the entry over.
      if (entry.kind !== "event" && !isDiskTrouble(error) && unreadable.size < maxUnreadable) unreadable.add(event.position);
      throw error;
    }
  };
  const commit = (folded: Position): void => {
    for (const { settle } of projections) settle?.(folding);
    db.run("update meta set position = ?, again = ?", Number(folded), Number(folded));
    db.commit();
    open = null;
    position = folded;
  };
  const rollback = (): void => {
    open = null;
    clearLatest(latest);
    db.rollback();
  };
  const orRollback = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      rollback();
      throw error;
    }
  };

  return {
    position: () => position,
    fold(events, enough) {
      if (events.length === 0) return 0;
      return orRollback(() => {
        let folded = 0;
        if (open === null) db.begin();
        readEntities(db, events);
        do foldOne(events[folded++]!);
        while (folded < events.length && !enough(folded));
        const last = events[folded - 1]!.position;
        open = { position: last, events: (open?.events ?? 0) + folded };
        if (open.events >= eventsPerCommit) commit(last);
        return folded;
      });
    },
    settle() {
      if (open !== null) orRollback(() => commit(open!.position));
    },
    isSettled: () => open === null,
  };
}

const takers = Object.fromEntries(entryKinds.map((kind) => [kind, projections.filter(({ takes }) => takes.includes(kind))] as const)) as unknown as Readonly<
  Record<EntryKind, readonly AnyProjection[]>
>;

/** A list of a journal is folded as the entries that it stands for. */
function singlyTold(entry: Entry): readonly Entry[] {
  if (entry.kind !== "journal" || entry.entry.type !== "letters.replayed") return [entry];
  return singly(entry.entry).map((one) => ({ ...entry, entry: one }));
}

/** The views pass over at most so many own events that they cannot read. A larger number is no accident, so the views stop. */
const maxUnreadable = 10_000;

/** SQLITE_CONSTRAINT and SQLITE_MISMATCH: the table does not take the values. */
const valueErrors = new Set([19, 20]);

/** Whether SQLite failed because of the file (full, locked, damaged) and not because of the values. */
export function isDiskTrouble(error: unknown): boolean {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === "number" && !valueErrors.has(code & 0xff);
}
