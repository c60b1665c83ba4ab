import type { Act } from "../../records/act.ts";
import type { JournalEvent, ReplayedLetter } from "../../records/journal.ts";
import { singly } from "../../records/progress.ts";

/** The facts of a flush, in order. Dead letters that one replay delivered, with no other fact between them, become one record. */
export class FactList {
  #facts: JournalEvent[] = [];
  /** Of the last fact, when it is such a record: it may go on. */
  #replayed: { readonly act: Act; readonly letters: ReplayedLetter[] } | null = null;
  #size = 0;

  /** How many facts were added since they were taken. */
  get size(): number {
    return this.#size;
  }

  add(fact: JournalEvent): void {
    this.#size++;
    if (fact.type !== "letters.replayed") {
      this.#replayed = null;
      this.#facts.push(fact);
      return;
    }
    const { act, letters } = fact.data;
    if (this.#replayed !== null && isSame(this.#replayed.act, act)) {
      for (const letter of letters) this.#replayed.letters.push(letter);
      return;
    }
    this.#replayed = { act, letters: [...letters] };
    this.#facts.push({ type: "letters.replayed", data: this.#replayed });
  }

  take(): readonly JournalEvent[] {
    const facts = this.#facts.flatMap((fact): readonly JournalEvent[] => (isOfOne(fact) ? singly(fact) : [fact]));
    this.#facts = [];
    this.#replayed = null;
    this.#size = 0;
    return facts;
  }
}

const isSame = (one: Act, other: Act): boolean => one.replayId === other.replayId && one.actor === other.actor && one.reason === other.reason;

const isOfOne = ({ type, data }: JournalEvent): boolean => type === "letters.replayed" && data.letters.length === 1;
