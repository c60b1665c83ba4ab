/** When the journal is written, what one append of it carries, and what goes on once that is stored. */
import type { JournalEvent } from "../../records/journal.ts";
import type { Agenda } from "./agenda.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Delivery } from "./delivery.ts";
import type { LaneAct } from "./lane-act.ts";
import type { LaneActs } from "./lane-acts.ts";
import type { LaneBook } from "./lane-book.ts";
import { saysMore } from "./lane-standing.ts";
import type { PartitionOptions } from "./options.ts";
import type { Flush, Recorder } from "./recorder.ts";
import type { Schedule } from "./schedule.ts";
import type { Starts } from "./starts.ts";
import type { Unrecorded } from "./unrecorded.ts";

/** Checkpoints over events that the handler does not want are worth a record only so often. */
const foreignEvents = 10_000;
/** A flush so soon after the last one is worth its fsync for so many times more outcomes: at 100,000 a second one for 256 costs a fifth of the time. */
const frequentMs = 10;
const frequentOutcomes = 8;

export type Answer = Extract<JournalEvent, { readonly type: "act.done" | "act.refused" }>;

export interface FlushesNeeds {
  readonly acts: LaneActs;
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly checkpoint: Checkpoint;
  readonly recorder: Recorder;
  readonly schedule: Schedule;
  readonly starts: Starts;
  readonly unrecorded: Unrecorded;
}

export class Flushes {
  readonly #limits: PartitionOptions["limits"];
  readonly #acts: LaneActs;
  readonly #agenda: Agenda;
  readonly #book: LaneBook;
  readonly #checkpoint: Checkpoint;
  readonly #recorder: Recorder;
  readonly #schedule: Schedule;
  readonly #starts: Starts;
  readonly #unrecorded: Unrecorded;
  #outstanding: Flush | null = null;

  constructor({ limits }: Pick<PartitionOptions, "limits">, { acts, agenda, book, checkpoint, recorder, schedule, starts, unrecorded }: FlushesNeeds) {
    this.#limits = limits;
    this.#acts = acts;
    this.#agenda = agenda;
    this.#book = book;
    this.#checkpoint = checkpoint;
    this.#recorder = recorder;
    this.#schedule = schedule;
    this.#starts = starts;
    this.#unrecorded = unrecorded;
  }

  /** What was answered to an act that another instance asked for goes on record. */
  answer(answer: Answer): void {
    this.#recorder.fact(answer);
  }

  /** Something waits for its record. */
  dirty(): boolean {
    return this.#recorder.pending() > 0 || this.#checkpoint.foreign >= foreignEvents;
  }

  /**
   * @param sinceMs how long ago the last one began.
   * @returns `now`: enough waits for it. `soon`: somebody does, calls whose intent it records, or whoever asked for a replay. Null: it has time.
   */
  due(sinceMs: number): "now" | "soon" | null {
    const enough = this.#limits.flushOutcomes * (sinceMs < frequentMs ? frequentOutcomes : 1);
    if (this.#recorder.pending() >= enough || this.#recorder.isFull()) return "now";
    return this.#recorder.urgent() ? "soon" : null;
  }

  /** Outcomes ever told. */
  get outcomes(): number {
    return this.#recorder.total;
  }

  /**
   * The next append to the journal: facts first, `progress` last. One is outstanding at a time; `stored` says that it is stored.
   *
   * @param closing also a checkpoint that moved over events the handler does not want, which alone is no reason to write.
   * @param acts judged just now, no two about the same. `fence`: writes in any case, so that an append before it that came to an unclear end is over.
   */
  take(closing = false, { acts = [], fence = false }: { readonly acts?: readonly LaneAct[]; readonly fence?: boolean } = {}): Flush | null {
    if (this.#outstanding !== null) return null;
    const checkpoint = this.#checkpoint.now();
    if (!this.dirty() && acts.length === 0 && !fence && !(closing && checkpoint.position > this.#checkpoint.recorded)) return null;
    this.#checkpoint.forgetForeign();
    this.#starts.recordAhead(this.#schedule.grantsTurns());
    for (const act of acts) this.#acts.begin(act);
    this.#outstanding = this.#recorder.take(checkpoint, (lane) => saysMore(lane, checkpoint.position), acts);
    return this.#outstanding;
  }

  /** The flush taken last is stored. @param actsAt revision of the last of its acts; null: they were refused. @returns deliveries to call now: their intent is on record. */
  stored(actsAt: number | null = null): readonly Delivery[] {
    const flush = this.#outstanding;
    if (flush === null) return [];
    this.#outstanding = null;
    this.#unrecorded.setStored(flush.number);
    for (const act of flush.acts) this.#acts.end(act, actsAt);
    this.#checkpoint.record(flush.checkpoint);
    for (const lane of this.#unrecorded.takeStored()) this.#agenda.refresh(lane);
    this.#book.forgetIdle(this.#checkpoint.recorded);
    return flush.intended;
  }
}
