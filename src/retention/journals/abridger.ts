/** Abridges the entries of a journal up to a place, one after another: what it gives says of that place all that the whole entries said. Pure. */
import type { AbridgedEntry } from "../../log/abridged/abridgement.ts";
import type { JournalData, JournalEvent, ReplayedLetter } from "../../records/journal.ts";
import { bareRecord, withoutData, withoutTexts } from "./without-texts.ts";

/** What was so where the journal will begin. */
export interface Standing {
  /** Whether a delivery had its final outcome. @param at position of its event. */
  isOver(lane: string, revision: number, at: string): boolean;
  /** Whether the lane was ever more than on its way: its steps are told one by one. */
  wasInTrouble(lane: string): boolean;
}

/** They say something to the partition's owner only, and the state has that, or it is over. */
const oweNothing: ReadonlySet<string> = new Set([
  ...([
    "partition.wants",
    "partition.released",
    "delivery.started",
    "delivery.noticed",
    "act.done",
    "act.refused",
    "snapshot",
  ] satisfies JournalEvent["type"][]),
]);

const minuteOf = (recordedAt: string): string => recordedAt.slice(0, 16);

export class Abridger {
  readonly #standing: Standing;
  /** A progress that says only how far the checkpoint is: another one may say more. */
  #pending: AbridgedEntry | null = null;
  #kept = 0;

  /** Entries so far whose texts stay, because the delivery is not over. */
  get kept(): number {
    return this.#kept;
  }

  constructor(standing: Standing) {
    this.#standing = standing;
  }

  /** @returns what is to be kept now. */
  add(entry: AbridgedEntry): readonly AbridgedEntry[] {
    const [revision, position, recordedAt, type] = entry;
    if (oweNothing.has(type)) return [];
    const { data } = this.#shorter({ type, data: entry[4] } as unknown as JournalEvent);
    const shorter = [revision, position, recordedAt, type, data as unknown as AbridgedEntry[4]] as const;
    const before = this.#pending;
    if (type !== "progress" || saysMore(data as JournalData["progress"])) return [...this.end(), shorter];
    this.#pending = shorter;
    return before === null || minuteOf(before[2]) === minuteOf(recordedAt) ? [] : [before];
  }

  /** @returns what is still to be kept. */
  end(): readonly AbridgedEntry[] {
    const pending = this.#pending;
    this.#pending = null;
    return pending === null ? [] : [pending];
  }

  #shorter(entry: JournalEvent): JournalEvent {
    const { wasInTrouble } = this.#standing;
    if (entry.type === "progress") {
      const { checkpoint, ahead, completed = [], attached = [] } = entry.data; // of those that started the state says enough
      const bare = completed.map((one) => (this.#isOver(one) ? { ...one, record: bareRecord(one.record) } : one));
      const steps = ahead.filter(([lane]) => wasInTrouble(lane));
      const lists = { ...(bare.length === 0 ? {} : { completed: bare }), ...(attached.length === 0 ? {} : { attached }) };
      return { type: "progress", data: { checkpoint, ahead: steps, ...lists } };
    }
    if (entry.type === "letters.replayed") {
      const { act, letters } = entry.data;
      return { type: "letters.replayed", data: { act, letters: letters.map((letter) => this.#shorterLetter(letter)) } };
    }
    if (entry.type === "delivery.amended") return withoutData(entry);
    if (!isAboutDelivery(entry)) return entry;
    return this.#isOver(entry.data) ? withoutTexts(entry) : entry;
  }

  #shorterLetter(letter: ReplayedLetter): ReplayedLetter {
    const [lane, revision, at, eventId, before, record, paceThrough] = letter;
    return this.#isOver({ lane, revision, at }) ? [lane, revision, at, eventId, before, record && bareRecord(record), paceThrough] : letter;
  }

  #isOver({ lane, revision, at }: { readonly lane: string; readonly revision: number; readonly at: string }): boolean {
    const isOver = this.#standing.isOver(lane, revision, at);
    if (!isOver) this.#kept++;
    return isOver;
  }
}

function saysMore({ ahead, completed = [], attached = [] }: JournalData["progress"]): boolean {
  return ahead.length > 0 || completed.length > 0 || attached.length > 0;
}

type AboutDelivery = Extract<JournalEvent, { readonly type: `delivery.${string}` }>;

function isAboutDelivery(entry: JournalEvent): entry is AboutDelivery {
  return entry.type.startsWith("delivery.");
}
