import { handlerOfJournal, journalBeside, partitionOfJournal } from "../event/names.ts";

/** Which of how many partitions of the handler a journal is of. */
export interface PartitionPlace {
  readonly partition: number;
  readonly of: number;
}

export interface JournalOwner {
  readonly handler: string;
  readonly place: PartitionPlace;
}

/** There is one for each partition of each handler, and each way in which it was divided. */
const maxKnown = 1000;

/** Whose each journal is, as the rows say. Every entry of a journal asks. */
export class JournalOwners {
  readonly #known = new Map<string, JournalOwner>();

  /** @param nameOf the handler whose first journal this is, by the rows. @returns null for a stream that is no journal. */
  of(stream: string, nameOf: (firstJournal: string) => string | undefined): JournalOwner | null {
    const known = this.#known.get(stream);
    if (known !== undefined) return known;
    const named = handlerOfJournal(stream); // where no `handler.configured` names the journal
    if (named === null) return null;
    const place = partitionOfJournal(stream);
    const handler = nameOf(place.partition === 0 ? stream : journalBeside(stream, place.of, 0)) ?? named;
    const owner = { handler, place };
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(stream, owner);
    return owner;
  }

  /** Call it after a transaction that was undone, and when a handler's journal changed. */
  clear(): void {
    this.#known.clear();
  }
}
