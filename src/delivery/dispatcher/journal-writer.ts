/** Writes a handler's journal: flushes with outcomes and acts, one at a time, and tells those who wait for a record. */
import { isLogTrouble } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import { within } from "../../event/waits.ts";
import type { AppendedEvent } from "../../log/event-log.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { JournalStream } from "../journal/journal-stream.ts";
import { notInTime, type Patience, withPatience } from "../journal/patience.ts";
import type { Delivery } from "../partition/delivery.ts";
import type { LaneAct } from "../partition/lane-act.ts";
import type { Partition } from "../partition/partition.ts";
import type { Flush } from "../partition/recorder.ts";
import { ActQueue, noActs, type TakenActs } from "./act-queue.ts";
import { Appends } from "./appends.ts";
import type { FlushPace } from "./flush-pace.ts";
import { Gathering } from "./gathering.ts";
import { LastWord, type LastWordOptions } from "./last-word.ts";
import type { Lifetime } from "./lifetime.ts";
import { LoneAct } from "./lone-act.ts";
import type { Pump } from "./pump.ts";
import { Replies, type Waiting } from "./replies.ts";
import { tellOfDeadLetters } from "./told-letters.ts";

export interface JournalWriterOptions extends LastWordOptions {
  readonly handler: string;
  readonly journal: JournalStream;
  readonly partition: Partition;
  readonly life: Lifetime;
  readonly pump: Pump;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  /** The longest that an outcome waits for its flush. */
  readonly flushMs: number;
  /** Shared by all journals whose handlers have several partitions; null: it flushes whenever it is due. */
  readonly flushPace: FlushPace | null;
  /** Calls the handler for a delivery whose start had to be on record first. */
  readonly call: (delivery: Delivery) => void;
}

export class JournalWriter {
  readonly replies = new Replies();
  readonly #options: JournalWriterOptions;
  readonly #appends: Appends;
  readonly #loneAct: LoneAct;
  readonly #acts = new ActQueue();
  readonly #gathering: Gathering;
  readonly #lastWord: LastWord;
  /** The next append is one act alone. */
  #aloneNext = false;
  #flushing: Promise<void> | null = null;
  #timer: { cancel(): void } | null = null;
  /** Monotonic; when the last flush began. */
  #flushedMs = Number.NEGATIVE_INFINITY;
  /** Monotonic; the turn that was reserved for the next flush. */
  #turnMs: number | null = null;

  constructor(options: JournalWriterOptions) {
    this.#options = options;
    this.#appends = new Appends({ ...options, onUnwritable: (error) => this.#acts.refuse(error) });
    this.#loneAct = new LoneAct({ ...options, appends: this.#appends });
    this.#gathering = new Gathering(options);
    this.#lastWord = new LastWord(options, () => void this.#flush(false, true));
  }

  /** Why nothing is recorded just now. */
  get trouble(): string | null {
    return this.#appends.trouble;
  }

  /** Flushes now when enough outcomes wait for it, soon when somebody does; otherwise sets the time of the next flush. */
  flushWhenDue(nowMs: number): void {
    const { partition, clock, flushMs } = this.#options;
    const asked = this.#acts.size > 0 || this.#loneAct.isUnclear;
    if (!asked && !partition.flushes.dirty()) return;
    const due = asked ? "now" : partition.flushes.due(nowMs - this.#flushedMs);
    if (due === "now" || (due === "soon" && !this.#gathering.goesOn())) void this.#flush();
    else if (due === null && this.#flushing === null) this.#timer ??= clock.after(flushMs, () => void this.#flush());
  }

  /**
   * Records an act with the next flush, and does it then. An act that cannot be recorded is refused: at once while the journal cannot be
   * written, otherwise when the patience is over. A refused act is not done, unless its record turns out to be stored all the same.
   *
   * @param draft makes the act, or throws why it is out of place: now, and again when it is recorded.
   */
  async act(draft: () => LaneAct, { patience, alone = false }: { readonly patience?: Patience; readonly alone?: boolean } = {}): Promise<AppendedEvent> {
    this.#options.life.mustWork();
    if (patience === undefined) return withPatience(this.#options.clock, (own) => this.act(draft, { patience: own, alone }));
    if (patience.over) throw notInTime();
    draft();
    if (this.#appends.unwritable !== null) throw this.#appends.unwritable;
    const appended = this.#acts.add(draft, { patience, alone });
    void this.#flush();
    return appended;
  }

  /** Resolves when all that the partition was told until now is on record, with the record's position. @throws when it never will be. */
  async recorded(): Promise<Position> {
    const stored = this.replies.nextFlush();
    stored.catch(() => {}); // the caller gets it below
    await this.#quiet();
    void this.#flush();
    this.#options.pump.now();
    return stored;
  }

  /** Resolves when nothing is being appended to the journal. */
  async #quiet(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing.catch(() => {}); // whoever flushes gets the error
  }

  /** Looks whether the journal is still this process's; if not, the handler stands still. @throws when the log does not say. */
  async checkOwnership(): Promise<void> {
    const { journal, life } = this.#options;
    await this.#quiet();
    await journal.check().catch((error: unknown) => {
      if (isLogTrouble(error)) throw error;
      life.fail(error);
    });
  }

  /** Tells everybody who still waits for a record that there will be none. */
  refuse(error: unknown): void {
    this.#acts.refuse(error);
    this.replies.refuse(error);
  }

  cancelTimers(): void {
    this.#timer?.cancel();
    this.#lastWord.cancel();
  }

  /** Records all that is left and gives the journal up. A log that does not answer is not waited for: what is not on record comes again at the next start. */
  async release(ms: number): Promise<void> {
    const { handler, clock, logger } = this.#options;
    await within(this.#release(), ms, clock, () => logger.warn({ handler }, "the journal could not be closed in time"));
  }

  async #release(): Promise<void> {
    const { handler, journal, logger } = this.#options;
    try {
      while (this.#flushing !== null) await this.#flushing;
      await this.#flush(true);
      await this.#flush(true); // what was put back when the first one was stored
      await journal.release();
    } catch (error) {
      // Without the release the next start takes more care; nothing is lost.
      logger.warn({ handler, err: error }, "the journal could not be closed");
    }
  }

  /** @param inAnyCase although nothing waits for it. */
  async #flush(closing = false, inAnyCase = false): Promise<void> {
    const { partition, life, pump, clock } = this.#options;
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#flushing !== null || life.fault !== null || !(closing || this.#hasTurn())) return;
    // An act that takes an append of its own goes as soon as all that happened before it is on record.
    const waits = this.#acts.alone && (this.#loneAct.isUnclear || (partition.flushes.dirty() && !this.#aloneNext));
    const acts = waits ? noActs : this.#acts.take();
    this.#aloneNext = waits;
    const flush = acts.alone ? null : partition.flushes.take(closing, { acts: acts.acts, fence: inAnyCase || this.#loneAct.isUnclear });
    if (flush === null && !acts.alone) return;
    this.#flushedMs = clock.monotonicMs();
    this.#gathering.end();
    this.#turnMs = null;
    this.#flushing = flush === null ? this.#loneAct.store(acts) : this.#store(flush, acts, this.replies.takeNext());
    try {
      await this.#flushing;
      if (!closing) this.#lastWord.is([...(flush?.events ?? []), ...acts.events]);
    } catch (error) {
      life.fail(error);
    } finally {
      this.#flushing = null;
    }
    pump.now();
  }

  /** Whether a flush may begin now; otherwise it begins at its turn. */
  #hasTurn(): boolean {
    const { flushPace, clock } = this.#options;
    if (flushPace === null) return true;
    const nowMs = clock.monotonicMs();
    this.#turnMs ??= flushPace.reserve(nowMs);
    if (this.#turnMs <= nowMs) return true;
    this.#timer ??= clock.after(Math.ceil(this.#turnMs - nowMs), () => void this.#flush());
    return false;
  }

  async #store(flush: Flush, acts: TakenActs, told: readonly Waiting<Position>[]): Promise<void> {
    const { handler, journal, partition, life, logger, call } = this.#options;
    const stored = await this.#appends.store(flush.events, acts);
    if (stored === null) {
      for (const { reject } of told) reject(life.fault);
      return;
    }
    const { position } = stored.last;
    tellOfDeadLetters(stored.withActs ? [...flush.events, ...acts.events] : flush.events, handler, logger);
    for (const { resolve } of told) resolve(position);
    this.replies.tellPassed((replayId) => partition.replays.followers(replayId) > 0);
    this.replies.tellEnded(flush.ended, position);
    this.#loneAct.end(null); // this append took its place
    const intended = partition.flushes.stored(stored.withActs ? stored.last.revision : null);
    if (stored.withActs) acts.stored(stored.last);
    for (const delivery of intended) call(delivery);
    await journal.snapshotWhenDue(async (part) => (await this.#appends.untilStored(part))?.last ?? null);
  }
}
