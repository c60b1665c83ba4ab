/** Dead letters of partitions that other instances own, as their journals say. Each journal is read on from where it was read last. */
import { LRUCache } from "lru-cache";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { EventLog } from "../../log/event-log.ts";
import { readEvent } from "../../log/read-event.ts";
import type { FoundLetter, LetterEvent } from "../dispatcher/letter-acts.ts";
import { asAmended } from "../journal/amendment.ts";
import { readJournal } from "../journal/journal-read.ts";
import { foldStored, lastState } from "../journal/last-snapshot.ts";
import type { LetterRecord, PartitionState } from "../journal/state.ts";

interface Followed {
  readonly state: PartitionState;
  readonly next: number;
  /** Monotonic; when the reading began. */
  readonly readMs: number;
}

/** What is asked for many dead letters one after another is as old as this at most. */
const lateMs = 500;

/** Journals whose state is kept. */
const mostKept = 64;

export class FollowedJournals {
  readonly #log: EventLog;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #kept = new LRUCache<string, Promise<Followed>>({ max: mostKept });

  constructor({ log, clock }: { readonly log: EventLog; readonly clock: Pick<Clock, "monotonicMs"> }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** As it was a moment ago; undefined when the delivery was no dead letter. */
  async find(journal: string, stream: string, revision: number): Promise<FoundLetter | undefined> {
    const kept = await this.#kept.get(journal);
    const isNew = kept !== undefined && this.#clock.monotonicMs() - kept.readMs < lateMs;
    const letter = (isNew ? kept.state : await this.#read(journal)).lanes.get(stream)?.letters.get(revision);
    return letter && { attempts: letter.attempts, isAmended: letter.amended !== null, isEscalated: letter.decision !== null };
  }

  /** @returns null when the log has the event no more. @throws NOT_DEAD_LETTERED */
  async letter(journal: string, stream: string, revision: number): Promise<LetterEvent | null> {
    const letter = (await this.#read(journal)).lanes.get(stream)?.letters.get(revision);
    if (letter === undefined) throw new RepriseError("NOT_DEAD_LETTERED", "The delivery is not dead-lettered any more.");
    const stored = await readEvent(this.#log, stream, revision);
    return stored && { stored, event: await asAmended(this.#log, journal, stored, letter.amended), ...figures(letter) };
  }

  async #read(journal: string): Promise<PartitionState> {
    const before = this.#kept.get(journal) ?? this.#begin(journal);
    const reading = before.then((followed) => this.#readOn(journal, followed));
    this.#kept.set(journal, reading);
    reading.catch(() => {
      if (this.#kept.get(journal) === reading) this.#kept.delete(journal);
    });
    return (await reading).state;
  }

  async #begin(journal: string): Promise<Followed> {
    const { state, from } = await lastState(this.#log, journal, 0n, []);
    return { state, next: from, readMs: 0 };
  }

  async #readOn(stream: string, followed: Followed): Promise<Followed> {
    const readMs = this.#clock.monotonicMs();
    const { state, next } = await this.#readTo(stream, followed);
    // A journal that was closed may have begun anew since, with a snapshot.
    return state.closed === null ? { state, next, readMs } : { ...(await this.#readTo(stream, await this.#begin(stream))), readMs };
  }

  async #readTo(stream: string, { state, next }: Omit<Followed, "readMs">): Promise<Omit<Followed, "readMs">> {
    const last = await readJournal(
      { log: this.#log, stream, from: next, skips: [] },
      (event) => foldStored(state, event),
      () => {},
    );
    return { state, next: last + 1 };
  }
}

const figures = ({ amended, attempts }: LetterRecord) => ({ amended, attempts });
