/**
 * Tells the completions of each record of the journals, for one reading of the log in order. It keeps the fold of each journal at the place of the reading;
 * a reading that begins, or goes on elsewhere, has it made anew from the last snapshot before. So it needs the memory that the handlers' lanes on record
 * take (at most 100,000 a handler), and nothing for the events that they have passed.
 */
import type { Catalog } from "../../../catalog/catalog.ts";
import { isOwnEvent } from "../../../delivery/journal/journal-read.ts";
import { foldStored, lastState } from "../../../delivery/journal/last-snapshot.ts";
import type { PartitionState } from "../../../delivery/journal/state.ts";
import { isRepriseError } from "../../../errors.ts";
import type { StoredEvent } from "../../../event/event.ts";
import { handlerOfJournal } from "../../../event/names.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { JournalEvent } from "../../../records/journal.ts";
import { candidatesIn, type Wants } from "./candidates.ts";
import { type Candidate, completedBy, reachOf } from "./completed-by.ts";
import { nothing, wantsThen } from "./wants-then.ts";

export interface CompletionsNeeds {
  readonly log: Pick<EventLog, "readStream" | "readAll">;
  readonly catalog: Pick<Catalog, "candidates">;
}

export interface Completions {
  /** Of this record of a journal, in log order. The same when it is asked again. */
  of(record: StoredEvent): Promise<readonly Candidate[]>;
  /** Nobody asks just now. */
  forget(): void;
}

/** One journal, as far as it was read. */
interface Book {
  readonly revision: number;
  /** Null: the journal is damaged, and tells nothing before its handler is started again. */
  readonly state: PartitionState | null;
  /** Null: to be read. The configuration follows the claim. */
  readonly wants: Wants | null;
  readonly completed: readonly Candidate[];
}

const none: readonly Candidate[] = [];

export function makeCompletions(needs: CompletionsNeeds): Completions {
  const books = new Map<string, Book>();

  async function next(record: StoredEvent): Promise<Book> {
    const { stream, revision, position, type } = record;
    const known = books.get(stream);
    if (known?.revision === revision) return known;
    const isNext = known?.revision === revision - 1;
    const isClaim = type === "partition.claimed";
    const mayWantOthers = isClaim || type === "partition.wants";
    const state = isNext && !(isClaim && known.state === null) ? known.state : await stateBefore(record, needs.log);
    const book = { revision, state, wants: isNext && !mayWantOthers ? known.wants : null, completed: none };
    if (state === null || type === "snapshot" || record.damage !== undefined || !isOwnEvent(record)) return book;
    const entry = record as unknown as JournalEvent;
    const reach = unlessForeign(() => reachOf(state, entry));
    if (reach === null) return book;
    books.delete(stream); // until it is whole again
    const moves = reach.log !== null || reach.lanes.length > 0;
    const wants = book.wants ?? (moves ? await wantsThen(stream, { position, known: state.types }, needs) : null);
    const candidates = moves ? await candidatesIn(reach, wants!, needs.log) : none;
    const completed = unlessForeign(() => completedBy(state, entry, revision, candidates));
    if (completed === null) return { ...book, state: await stateBefore(record, needs.log) };
    return { ...book, wants: type === "progress" && wants !== nothing ? wants : book.wants, completed };
  }

  return {
    async of(record) {
      if (handlerOfJournal(record.stream) === null) return none;
      const book = await next(record);
      // What a journal begins with, or begins anew with, is its state: the next record has it read.
      if (record.type === "snapshot" && (beginsJournal(record) || book.state?.closed !== null)) books.delete(record.stream);
      else books.set(record.stream, book);
      return book.completed;
    },
    forget: () => books.clear(),
  };
}

/** Whether it is of the snapshot with which a journal begins, when a handler was divided into other partitions. @param snapshot a part of one. */
function beginsJournal({ revision, data }: StoredEvent): boolean {
  return (data as { readonly part?: unknown } | null)?.part === revision;
}

/** @returns null for a record that is not as ours are, whoever it says has written it: it tells nothing. */
function unlessForeign<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

/** @returns null for a damaged journal. */
async function stateBefore({ stream, revision }: StoredEvent, log: CompletionsNeeds["log"]): Promise<PartitionState | null> {
  try {
    const { state, from } = await lastState(log, stream, 0n, [], revision);
    if (from < revision)
      for await (const batch of log.readStream(stream, { from, limit: revision - from, damaged: "given" }))
        for (const event of batch)
          if (event.revision < revision && event.damage === undefined && isOwnEvent(event)) unlessForeign(() => foldStored(state, event));
    return state;
  } catch (error) {
    if (isRepriseError(error, "JOURNAL_DAMAGED") || isRepriseError(error, "LOG_DAMAGED")) return null;
    throw error;
  }
}
