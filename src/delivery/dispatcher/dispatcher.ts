/** One handler at work: feeds its partition from the log, calls the handler, writes the journal. What to do is the partition's to say. */
import type { Catalog } from "../../catalog/catalog.ts";
import { isLogTrouble, isRepriseError, RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { CurrentEvent, Json, Position, StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { isEntityStream } from "../../event/names.ts";
import type { AppendedEvent, EventLog } from "../../log/event-log.ts";
import { readEvent } from "../../log/read-event.ts";
import type { Act } from "../../records/act.ts";
import type { AttemptError } from "../../records/attempt.ts";
import type { JournalEvent } from "../../records/journal.ts";
import type { AmendmentPointer } from "../../records/snapshot.ts";
import type { Attempt, AttemptInFlight, AttemptOutcome } from "../attempt/attempt.ts";
import { judge, nothingToDo, unliftable } from "../attempt/judge.ts";
import { type Effects, makeEffects } from "../effects/effects.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import { readAmendment } from "../journal/amendment.ts";
import { claimType, fencedBy } from "../journal/claim.ts";
import { configureHandler, pauseRecord } from "../journal/handler-stream.ts";
import { type Batch, JournalStream } from "../journal/journal-stream.ts";
import { skipPassedOver } from "../journal/passed-over.ts";
import { notInTime, type Patience, withPatience } from "../journal/patience.ts";
import { recordAct } from "../journal/record-act.ts";
import { firstPosition, makeWants } from "../journal/wanted.ts";
import type { DeliveryLimits } from "../limits.ts";
import { type Condition, conditionOf, refusalOf } from "../ownership/condition.ts";
import type { BorrowedLane } from "../partition/borrowed-lane.ts";
import type { Delivery } from "../partition/delivery.ts";
import type { LastEnds } from "../partition/ends.ts";
import { type Lane, laneBatch, unknownNext } from "../partition/lane.ts";
import type { LaneAct } from "../partition/lane-act.ts";
import type { LaneLoan } from "../partition/lane-loan.ts";
import type { LetterReplay, LetterReplayEnd, LetterReplayTerms, Withdrawal } from "../partition/letter.ts";
import type { Pace } from "../partition/pace.ts";
import { Partition } from "../partition/partition.ts";
import type { Verdict } from "../partition/verdict.ts";
import { ActQueue, noActs, type TakenActs } from "./act-queue.ts";
import type { AloneGate, GateMember } from "./alone-gate.ts";
import { HandlerCall } from "./handler-call.ts";

/** What the operator's log is told. Never payloads. */
export interface DeliveryLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface DispatcherOptions {
  readonly spec: HandlerSpec;
  readonly attempt: Attempt;
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  readonly limits: DeliveryLimits;
  readonly gate: AloneGate;
  readonly logger: DeliveryLogger;
  /** Who owns the journal now, and which build it is: for the record. */
  readonly owner: string;
  /** False while nobody has heard of this process for so long that another one may have taken over. */
  readonly mayStart: () => boolean;
  /** It stands still. */
  readonly onFault: () => void;
  readonly build: string;
  readonly ends: LastEnds;
}

export interface OrderRequest extends LetterReplayTerms {
  readonly stream: string;
  readonly revision: number;
  /** The letter's attempts when it was chosen; with another number it is left alone. Null: whatever they are. */
  readonly attempts: number | null;
}

export interface AmendRequest {
  readonly stream: string;
  readonly revision: number;
  /** The whole new stored data, of the event's stored type and version. */
  readonly data: Json;
  readonly act: Act;
}

/** A dead letter as its next delivery would be. */
export interface LetterEvent {
  /** With the amended data when it was amended. */
  readonly event: StoredEvent;
  /** As the log holds it. */
  readonly stored: StoredEvent;
  readonly amended: AmendmentPointer | null;
  readonly attempts: number;
}

/** Deliveries that start between two looks at the clock. */
const startsOfRound = 16;
/** What a turn of the event loop may have of calls that end at once. */
const turnMs = 5;
const roundsOfTurn = 64;
/** Readings of lanes at once. */
const laneReads = 16;
/** After its time-out a call that goes on gives its slot back after this. */
const stuckMs = 5000;
const maxBackOffMs = 2000;
const keptDamage = 1000;
/** What the journal gets for its last records, out of what patience is left. */
const minReleaseMs = 500;
const maxReleaseMs = 3000;
/** Of the dead letters of one flush, in the operator's log. */
const shownInLog = 10;

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export class Dispatcher implements GateMember {
  readonly #options: DispatcherOptions;
  readonly #journal: JournalStream;
  readonly #partition: Partition;
  readonly #effects: Effects;
  /** Ends the subscription and the readings. */
  readonly #reading = new AbortController();
  /** Abandons the calls that still run. */
  readonly #calling = new AbortController();
  readonly #replies = new Map<LetterReplay, Waiting<{ readonly end: LetterReplayEnd; readonly position: Position }>>();
  readonly #lent = new Map<LaneLoan, Waiting<Verdict>>();
  /** Told by the flush after which no lane is on a replay's pace any more. */
  readonly #passing = new Map<string, Waiting<void>[]>();
  /** Amendments on their way into the journal, by stream and revision: what would deliver the letter waits for them. */
  readonly #amending = new Map<string, Promise<unknown>>();
  /** Told by the next flush. */
  #told: Waiting<Position>[] = [];
  readonly #acts = new ActQueue();
  /** An act that took an append of its own, which came to an unclear end: the next append tells. */
  #unclear: LaneAct | null = null;
  /** The next append is that of an act alone. */
  #aloneNext = false;
  /** Why the journal cannot be written right now: what cannot be recorded is refused at once. */
  #unwritable: RepriseError | null = null;
  /** Takes the pump off a replay's pace. */
  readonly #unpaced = new Map<string, () => void>();
  /** Calls that go on although their time-out is over. */
  readonly #late = new Set<Delivery>();
  #reads = 0;
  #pumping = false;
  /** Another pump comes: in this turn of the event loop, in the next. */
  #soon = false;
  #nextTurn = false;
  #flushing: Promise<void> | null = null;
  #flushTimer: { cancel(): void } | null = null;
  /** Monotonic; when the last flush began. */
  #flushedMs = Number.NEGATIVE_INFINITY;
  #tick: { readonly atMs: number; cancel(): void } | null = null;
  #room: (() => void) | null = null;
  #idle: (() => void) | null = null;
  #subscription: Promise<void> = Promise.resolve();
  #paused: boolean;
  #pauseActs: Promise<unknown> = Promise.resolve();
  #pausesBeingRecorded = 0;
  #stopping = false;
  #saidTooMany = false;
  /** Lanes that stand still at a damaged record of the log, and where it is. */
  readonly damaged = new Map<string, string>();
  /** Why nothing is read from the log, why nothing is recorded, just now. */
  readonly #troubles: { reading: string | null; recording: string | null } = { reading: null, recording: null };
  #fault: RepriseError | null = null;

  private constructor(options: DispatcherOptions, { journal, partition, paused }: { journal: JournalStream; partition: Partition; paused: boolean }) {
    this.#options = options;
    this.#journal = journal;
    this.#partition = partition;
    this.#paused = paused;
    const { log, clock, newId, spec } = options;
    this.#effects = makeEffects({ handler: spec.name, log, clock, newId });
    partition.schedule.hold("paused", paused);
    partition.schedule.hold("not_started", true);
    options.gate.join(this);
  }

  /** Reads the handler's record and its journal, and claims it. Nothing is delivered before `start`. */
  static async open(options: DispatcherOptions): Promise<Dispatcher> {
    const { spec, catalog, log, newId, limits, clock, owner, build, ends } = options;
    const { configured, paused, newNames, skips, retiredAt, record } = await configureHandler({ log, newId, catalog, spec });
    const journal = await JournalStream.open({ log, newId, stream: configured.journal, start: firstPosition(configured), skips });
    const claim = await journal.claim({ owner, build, catalog: catalog.fingerprint, readAhead: limits.readAheadEvents }, ends);
    if (retiredAt !== null) await journal.append([{ type: "partition.reset", data: { checkpoint: retiredAt.toString() } }]);
    const wants = makeWants(configured);
    const passedOver = await skipPassedOver(newNames, { log, state: claim.state, wants, record: (facts) => journal.append(facts) });
    if (passedOver > 0)
      options.logger.error(
        { handler: spec.name, events: passedOver, types: newNames },
        "events under a new name were passed over by a build that did not know it, and are skipped: replay them as history where they matter",
      );
    await record();
    const partition = new Partition(
      {
        ordering: spec.ordering,
        record: spec.record,
        unknownOutcome: spec.unknownOutcome,
        concurrency: spec.concurrency,
        limits,
        wants,
        chainFingerprint: (type) => catalog.chainFingerprint(catalog.resolve(type) ?? type),
      },
      { ...claim, ...(retiredAt === null ? {} : { unclean: false }), nowMs: clock.now(), monotonicMs: clock.monotonicMs() },
    );
    return new Dispatcher(options, { journal, partition, paused });
  }

  get name(): string {
    return this.#options.spec.name;
  }

  /** Why it stands still, for good; null while it works. */
  get fault(): RepriseError | null {
    return this.#fault;
  }

  /** Why nothing of it is delivered or recorded just now, although it works; it goes on by itself. */
  get troubles(): readonly string[] {
    const { reading, recording } = this.#troubles;
    const tooMany = this.#partition.reading.tooManyLanes()
      ? `${this.#options.limits.recordedLanes} lanes are blocked or behind, its limit: it reads no further until some flow again`
      : null;
    return [recording, reading, tooMany].filter((trouble) => trouble !== null);
  }

  start(): void {
    this.#partition.schedule.hold("not_started", false);
    this.#subscription = this.#subscribe();
    this.#pump();
  }

  /** What has become of it; its pause is on record. */
  condition(): Condition {
    return conditionOf(this.#fault);
  }

  /** `stuck`: the call goes on although its time-out is over. */
  running(): readonly { readonly stream: string; readonly revision: number; readonly stuck: boolean }[] {
    return Array.from(this.#partition.schedule.running(), (delivery) => ({
      stream: delivery.lane.stream,
      revision: delivery.event.revision,
      stuck: this.#late.has(delivery),
    }));
  }

  /** Delivers a dead letter again. Resolves when the end is on record. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST, LOG_UNAVAILABLE (the service stops). */
  async order({ stream, revision, attempts, ...about }: OrderRequest): Promise<{ readonly end: LetterReplayEnd; readonly position: Position }> {
    await this.#amending.get(`${stream}\n${revision}`)?.catch(() => {});
    this.#mustWork();
    const letter = this.#partition.letters.get(stream, revision);
    if (letter && attempts !== null && letter.attempts !== attempts && letter.replay?.replayId !== about.replayId)
      return { end: { outcome: "skipped", reason: "changed since it was chosen" }, position: 0n };
    const replay = this.#partition.replays.begin(stream, revision, about);
    const { promise, resolve, reject } = Promise.withResolvers<{ end: LetterReplayEnd; position: Position }>();
    this.#replies.set(replay, { resolve, reject });
    this.#pump();
    return promise;
  }

  /** @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST, as `order` would now; for a replay LANE_PAUSED, too. */
  mayAct(stream: string, revision: number, act: "replay" | "other"): void {
    this.#mustWork();
    const { lane } = this.#partition.letters.mayReplay(stream, revision);
    if (act === "replay" && lane.paused) throw new RepriseError("LANE_PAUSED", `The entity is paused for ${this.name}.`);
  }

  /** A dead letter's attempts; undefined when the delivery is none. */
  letterAttempts(stream: string, revision: number): number | undefined {
    return this.#partition.letters.get(stream, revision)?.attempts;
  }

  isAmended(stream: string, revision: number): boolean {
    return (this.#partition.letters.get(stream, revision)?.amended ?? null) !== null;
  }

  letters(stream: string): readonly number[] {
    return this.#partition.letters.revisions(stream);
  }

  /** Ends a dead letter by decision. @returns position of its record. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, and as every act: LOG_UNAVAILABLE, LOG_FULL */
  async discard(stream: string, revision: number, act: Act): Promise<Position> {
    return (await this.#act(() => this.#partition.letters.discard(stream, revision, act))).position;
  }

  /** Makes a dead letter of what waits for its next attempt. @returns position of its record. @throws NOT_BACKING_OFF, DELIVERY_RUNNING, NOT_FOUND */
  async giveUp(stream: string, revision: number, { error, act }: { readonly error: AttemptError; readonly act: Act }): Promise<Position> {
    this.#mustWork();
    return withPatience(this.#options.clock, async (patience) => {
      const event = await readEvent(this.#options.log, stream, revision, this.#reading.signal);
      if (event === null) throw new RepriseError("NOT_FOUND", "The event was removed from the log.");
      const lifted = this.#options.catalog.current(event);
      const isSplit = lifted.ok && lifted.parts.some(({ origin }) => origin !== null);
      const judge = () => this.#partition.letters.giveUp(event, { part: isSplit ? this.#partition.parts.next(stream, revision) : null, error, act });
      return (await this.#act(judge, { patience })).position;
    });
  }

  /** Keeps everything from starting. What is under way ends. @returns position of its record. */
  async pause(act: Act): Promise<Position> {
    this.#mustWork();
    this.#pausesBeingRecorded++;
    this.#partition.schedule.hold("pause_being_recorded", true); // at once, whatever waits before it
    try {
      return await this.#inTurn(() => this.#recordPause({ why: act.reason ?? "by an operator" }, act));
    } finally {
      this.#partition.schedule.hold("pause_being_recorded", --this.#pausesBeingRecorded > 0);
      this.#pump();
    }
  }

  /** @throws NOT_PAUSED */
  async resume(act: Act): Promise<Position> {
    this.#mustWork();
    return this.#inTurn(async () => {
      if (!this.#paused) throw new RepriseError("NOT_PAUSED", `Handler ${this.name} is not paused.`);
      return this.#recordPause(null, act);
    });
  }

  /** In force once it is on record. */
  async #recordPause(paused: { readonly why: string } | null, act: Act): Promise<Position> {
    const { log, clock, newId } = this.#options;
    const record = pauseRecord(newId, this.name, paused, act);
    const { position } = await recordAct({ log, clock, signal: this.#reading.signal }, record);
    this.#paused = paused !== null;
    this.#partition.schedule.hold("paused", this.#paused);
    this.#pump();
    return position;
  }

  /** Keeps everything of one lane from starting. What is under way ends. @returns position of its record. */
  async pauseLane(stream: string, act: Act): Promise<Position> {
    this.#mustWork();
    return withPatience(this.#options.clock, async (patience) => {
      const lane = this.#partition.lanes.pin(stream);
      try {
        const doneThrough = lane.next === unknownNext ? await this.#lastUpTo(stream, this.#partition.reading.position()) : -1;
        return (await this.#act(() => this.#partition.lanes.pause(lane, act, doneThrough), { patience })).position;
      } finally {
        this.#partition.lanes.unpin(lane);
      }
    });
  }

  /** @throws NOT_PAUSED */
  async resumeLane(stream: string, act: Act): Promise<Position> {
    return (await this.#act(() => this.#partition.lanes.resume(stream, act))).position;
  }

  /** @throws NOT_BACKING_OFF, LANE_PAUSED */
  async retryLane(stream: string, act: Act): Promise<Position> {
    return (await this.#act(() => this.#partition.lanes.retryNow(stream, act))).position;
  }

  /**
   * Records an act with the next flush, and does it then. What cannot be recorded is refused: at once while the journal cannot be written, or when the
   * patience is over. An act that was refused is never done, unless its record turns out to be stored all the same.
   */
  async #act(judge: () => LaneAct, { patience, alone = false }: { readonly patience?: Patience; readonly alone?: boolean } = {}): Promise<AppendedEvent> {
    this.#mustWork();
    if (patience === undefined) return withPatience(this.#options.clock, (own) => this.#act(judge, { patience: own, alone }));
    if (patience.over) throw notInTime();
    judge(); // what is out of place now is told now
    if (this.#unwritable !== null) throw this.#unwritable;
    const appended = this.#acts.add(judge, { patience, alone });
    void this.#flush();
    return appended;
  }

  /** Revision of the stream's last event at or below a position; −1: there is none. */
  async #lastUpTo(stream: string, position: Position): Promise<number> {
    for await (const batch of this.#options.log.readStream(stream, { direction: "backward", signal: this.#reading.signal }))
      for (const event of batch) if (event.position <= position) return event.revision;
    return -1;
  }

  // Replays -----------------------------------------------------------------------------------------------------------------------------------

  /** Says at which pace a replay goes here; null: it is over. */
  pace(replayId: string, pace: Pace | null): void {
    this.#unpaced.get(replayId)?.();
    this.#unpaced.delete(replayId);
    if (pace !== null)
      this.#unpaced.set(
        replayId,
        pace.onChange(() => this.#pump()),
      );
    this.#partition.replays.pace(replayId, pace);
    this.#pump();
  }

  unknownPaces(): readonly string[] {
    return this.#partition.replays.unknownPaces();
  }

  /** Takes back what a replay ordered and what does not run. `stop`: resolves when it is on record that nothing of it starts here any more. */
  async withdraw(replayId: string, how: Withdrawal): Promise<void> {
    this.#mustWork();
    this.#partition.replays.withdraw(replayId, how);
    const stored = how === "stop" ? this.#recorded() : undefined;
    this.#pump();
    await stored;
  }

  /** Resolves when it is on record that no lane is on the replay's pace any more. */
  passed(replayId: string): Promise<void> {
    this.#mustWork();
    if (this.#partition.replays.followers(replayId) === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#passing.set(replayId, [...(this.#passing.get(replayId) ?? []), { resolve, reject }]);
    return promise;
  }

  followers(replayId: string): number {
    return this.#partition.replays.followers(replayId);
  }

  /** Lends a lane's slot to a replay's own deliveries, until `end`. Its calls record nothing; what they come to is told, as the retry policy judges it. */
  lend(stream: string, replayId: string): BorrowedLane {
    this.#mustWork();
    const loan = this.#partition.loans.lend(stream, replayId, this.#options.clock.monotonicMs());
    return {
      call: async (call) => {
        this.#mustWork();
        const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
        this.#lent.set(loan, { resolve, reject });
        this.#partition.loans.askFor(loan, call);
        this.#pump();
        return promise;
      },
      takeBack: () => {
        const waits = this.#lent.get(loan);
        if (waits === undefined || !this.#partition.loans.takeBack(loan)) return;
        this.#lent.delete(loan);
        waits.resolve({ kind: "put_back" });
      },
      end: () => {
        this.#partition.loans.end(loan);
        this.#pump();
      },
    };
  }

  /** Resolves when all that the partition was told until now is on record, with the record's position. @throws when it never will be. */
  async #recorded(): Promise<Position> {
    const { promise, resolve, reject } = Promise.withResolvers<Position>();
    this.#told.push({ resolve, reject });
    promise.catch(() => {}); // whoever waits is told below
    await this.#quiet();
    void this.#flush();
    this.#pump();
    return promise;
  }

  /** Pauses and resumes go one after another: the last one that was asked for is the last one on record. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    return withPatience(this.#options.clock, (patience) => {
      const turn = this.#pauseActs.then(() => {
        if (patience.over) throw notInTime();
        return act();
      });
      this.#pauseActs = turn.catch(() => {});
      return turn;
    });
  }

  /**
   * Gives a dead letter other data, for this handler's later deliveries of it. An append of its own: with its neighbours the data might not fit into one.
   *
   * @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, APPEND_TOO_LARGE
   */
  async amend({ stream, revision, data, act }: AmendRequest): Promise<AppendedEvent> {
    this.#mustWork();
    const judge = () => this.#partition.letters.amend(stream, revision, { data, act });
    this.#journal.prepare([judge().event]); // refused now, when it is too large
    const key = `${stream}\n${revision}`;
    const amending = this.#act(judge, { alone: true });
    this.#amending.set(key, amending);
    try {
      return await amending;
    } finally {
      if (this.#amending.get(key) === amending) this.#amending.delete(key);
    }
  }

  /** When nothing is being appended to the journal. */
  async #quiet(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing.catch(() => {}); // whoever flushes tells
  }

  /** @returns null when the log has the event no more. @throws NOT_DEAD_LETTERED */
  async letterEvent(stream: string, revision: number): Promise<LetterEvent | null> {
    this.#mustWork();
    const letter = this.#partition.letters.get(stream, revision);
    if (letter === undefined) throw new RepriseError("NOT_DEAD_LETTERED", "The delivery is not dead-lettered any more.");
    const { amended, attempts } = letter;
    const stored = await readEvent(this.#options.log, stream, revision);
    return stored && { stored, event: await this.#asAmended(stored, amended), amended, attempts };
  }

  async #asAmended(stored: StoredEvent, amended: AmendmentPointer | null): Promise<StoredEvent> {
    return amended === null ? stored : { ...stored, data: await readAmendment(this.#options.log, this.#journal.stream, amended.revision) };
  }

  /** Takes nothing new, lets what runs end within `patienceMs`, abandons the rest, and records all. */
  async stop(patienceMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    this.#partition.schedule.hold("stopping", true);
    this.#reading.abort();
    this.#room?.();
    await this.#subscription;
    if (this.busy()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const patience = clock.after(patienceMs, () => {
        this.#calling.abort(new DOMException("the service stops", "AbortError"));
      });
      await promise;
      patience.cancel();
    }
    this.#calling.abort();
    this.#flushTimer?.cancel();
    this.#tick?.cancel();
    if (this.#fault === null) await this.#releaseWithin(Math.min(maxReleaseMs, Math.max(minReleaseMs, patienceMs - (clock.monotonicMs() - startedMs))));
    const stopped = new RepriseError("LOG_UNAVAILABLE", "The service stops.", { retryAfterMs: 1000 });
    this.#answerAll(stopped);
  }

  /** A log that does not answer is not waited for: what is not on record comes again at the next start. */
  async #releaseWithin(ms: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const timer = this.#options.clock.after(ms, () => resolve("late"));
    if ((await Promise.race([this.#release(), late])) === "late") this.#options.logger.warn({ handler: this.name }, "the journal could not be closed in time");
    timer.cancel();
  }

  async #release(): Promise<void> {
    try {
      while (this.#flushing !== null) await this.#flushing;
      await this.#flush(true);
      await this.#flush(true); // what was put back when the first one was stored
      await this.#journal.snapshot();
      await this.#journal.append([{ type: "partition.released", data: {} }]);
    } catch (error) {
      // Without the release the next start takes more care; nothing is lost.
      this.#options.logger.warn({ handler: this.name, err: error }, "the journal could not be closed");
    }
  }

  /** Looks whether the journal is still this process's, after a time in which nobody heard of it; if not, it stands still. */
  async checkOwnership(): Promise<void> {
    if (this.#fault !== null || this.#stopping) return;
    await this.#quiet();
    await this.#journal.check().catch((error: unknown) => {
      if (isLogTrouble(error)) throw error;
      this.#fail(error);
    });
  }

  /** Something outside has changed what may start. */
  lookAgain(): void {
    this.#pump();
  }

  // The gate ----------------------------------------------------------------------------------------------------------------------------------

  wantsAlone(): boolean {
    return this.#partition.suspects.any() && !this.#stopping && !this.#paused && this.#fault === null;
  }

  busy(): boolean {
    for (const { concluded } of this.#partition.schedule.running()) if (!concluded) return true;
    return false;
  }

  gateMoved(): void {
    this.#pump();
  }

  // At work -----------------------------------------------------------------------------------------------------------------------------------

  /** Does all that the partition has ready now. Called after each change; does nothing when nothing changed. */
  #pump(): void {
    if (this.#fault !== null || this.#pumping) return; // what changed meanwhile is seen by the one under way
    this.#pumping = true;
    try {
      this.#turn();
    } finally {
      this.#pumping = false;
    }
    this.#options.gate.moved(this);
  }

  /** Calls that end at once are followed by the next ones, for as long as a turn of the event loop may take. */
  #turn(): void {
    const { clock, gate, limits } = this.#options;
    const begunMs = clock.monotonicMs();
    let now = begunMs;
    this.#partition.ticks.tick(now);
    this.#partition.schedule.hold("suspect_elsewhere", gate.holds(this));
    this.#partition.schedule.hold("no_sign_of_life", !this.#options.mayStart());
    for (let rounds = 1; ; rounds++) {
      const started = this.#partition.schedule.start(now, startsOfRound);
      if (started.length === 0) break;
      for (const delivery of started) this.#run(delivery);
      now = clock.monotonicMs();
      if (now - begunMs >= turnMs || rounds === roundsOfTurn) {
        this.#pumpNextTurn();
        break;
      }
    }
    while (!this.#stopping && this.#reads < laneReads) {
      const read = this.#partition.reading.next();
      if (read === undefined) break;
      void this.#read(read.lane, read.from, read.replay);
    }
    const asked = this.#acts.size > 0 || this.#unclear !== null;
    if (asked || this.#partition.flushes.dirty()) {
      if (asked || this.#partition.flushes.due(now - this.#flushedMs)) void this.#flush();
      else if (this.#flushing === null) this.#flushTimer ??= clock.after(limits.flushMs, () => void this.#flush());
    }
    if (this.#room !== null && this.#mayRead()) this.#room();
    this.#sleep(now);
  }

  /** One pump for all calls that end in the same moment. */
  #pumpSoon(): void {
    if (this.#pumping || this.#soon) return;
    this.#soon = true;
    queueMicrotask(() => {
      this.#soon = false;
      this.#pump();
    });
  }

  #pumpNextTurn(): void {
    if (this.#nextTurn) return;
    this.#nextTurn = true;
    setImmediate(() => {
      this.#nextTurn = false;
      this.#pump();
    });
  }

  #sleep(now: number): void {
    const atMs = this.#partition.ticks.nextMs();
    if (atMs === null || this.#stopping || (this.#tick !== null && this.#tick.atMs <= atMs)) return;
    this.#tick?.cancel();
    const timer = this.#options.clock.after(Math.max(0, atMs - now), () => {
      this.#tick = null;
      this.#pump();
    });
    this.#tick = { atMs, cancel: () => timer.cancel() };
  }

  async #subscribe(): Promise<void> {
    const { log, catalog, spec, logger } = this.#options;
    const { signal } = this.#reading;
    // Claims, too: what comes behind another's claim is no longer ours to deliver, however long ago we last wrote.
    const types = [...catalog.candidates(spec.types), claimType];
    for (let failures = 0; !signal.aborted && this.#fault === null; failures++) {
      try {
        for await (const batch of log.subscribe({ after: this.#partition.reading.position(), filter: { types }, signal })) {
          failures = 0;
          this.#troubles.reading = null;
          for (const event of batch.events) {
            if (event.type === claimType && !isEntityStream(event.stream)) {
              if (!this.#journal.isTakenBy(event)) continue;
              this.#fail(fencedBy(event));
              return;
            }
            if (!this.#mayRead() && !(await this.#roomFor())) return;
            this.#partition.reading.offer(event, batch.bytes / batch.events.length);
          }
          this.#partition.reading.scanned(batch.position);
          this.#pump();
        }
      } catch (error) {
        this.#troubles.reading = `the log cannot be read: ${textOf(error)}`;
        logger.warn({ handler: spec.name, err: error }, "the subscription dropped; it goes on by itself");
        await this.#backOff(failures);
      }
    }
  }

  /** Nor while calls that end at once are not through with what was read: events that wait long are dear to the garbage collector. */
  #mayRead(): boolean {
    return !this.#nextTurn && this.#partition.reading.hasRoom();
  }

  /** Waits until the partition may take more. @returns false when the dispatcher stops. */
  async #roomFor(): Promise<boolean> {
    while (!this.#mayRead() && !this.#stopping && this.#fault === null) {
      if (this.#partition.reading.tooManyLanes() && !this.#saidTooMany) {
        this.#saidTooMany = true;
        this.#options.logger.error(
          { handler: this.name, limit: this.#options.limits.recordedLanes },
          "too many lanes are blocked or behind: the handler reads no further until some flow again",
        );
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#room = resolve;
      if (!this.#nextTurn) this.#pump();
      await promise;
      this.#room = null;
    }
    this.#saidTooMany &&= this.#partition.reading.tooManyLanes();
    return !this.#stopping && this.#fault === null;
  }

  async #read(lane: Lane, from: number, replay: LetterReplay | null): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#reading;
    this.#reads++;
    try {
      if (replay !== null) {
        const stored = await readEvent(log, lane.stream, from, signal);
        this.#partition.reading.letterRead(lane, replay, stored && (await this.#asAmended(stored, lane.letters.get(from)?.amended ?? null)));
      } else {
        const head = await log.streamRevision(lane.stream);
        const events: StoredEvent[] = [];
        if (head >= from)
          for await (const batch of log.readStream(lane.stream, { from, limit: laneBatch, signal })) {
            for (const event of batch) events.push(event);
            break; // batches are bounded in bytes: 64 events may have 60 MB; the rest is read when the lane has come so far
          }
        this.#partition.reading.laneRead(lane, events, head, this.#options.clock.monotonicMs());
      }
    } catch (error) {
      if (!signal.aborted) {
        this.#options.logger.warn({ handler: this.name, err: error }, "a lane could not be read; tried again");
        await this.#backOff(0);
      }
      this.#partition.reading.failed(lane);
    }
    this.#reads--;
    this.#pump();
  }

  /** Delivers. What ends at once has ended when this returns. */
  #run(delivery: Delivery): void {
    try {
      this.#deliver(delivery);
    } catch (error) {
      this.#fail(error); // a defect of ours: no attempt ever throws
    }
  }

  #deliver(delivery: Delivery): void {
    const { catalog, clock, spec } = this.#options;
    const { event, loan } = delivery;
    if (this.#calling.signal.aborted || (loan !== null && !this.#lent.has(loan))) {
      this.#finish(delivery, { kind: "put_back" });
      return;
    }
    const lifted = catalog.current(event);
    if (!lifted.ok) {
      if (lifted.reason === "damaged") this.#noteDamage(event.stream, lifted.error.message);
      const about = { policy: spec.policy(catalog.resolve(event.type) ?? event.type), startedAtMs: clock.now() };
      this.#finish(delivery, unliftable(delivery, lifted, about));
      return;
    }
    const { parts, dropped } = lifted;
    if (dropped !== null) {
      this.#finish(delivery, { kind: "dropped", reason: dropped });
      return;
    }
    if (parts.length === 1 && parts[0]!.origin === null) {
      this.#callLast(delivery, parts[0]!);
      return;
    }
    const wanted = parts.filter(({ type }) => spec.types.includes(type));
    if (wanted.length === 0) {
      this.#finish(delivery, { kind: "completed", record: nothingToDo(delivery, clock.now()) });
      return;
    }
    const first = this.#partition.parts.firstOf(delivery);
    const left = wanted.filter(({ origin }) => origin === null || origin.part >= first);
    // None: the chain was changed since, and gives fewer parts. The last one is called again, so that the delivery ends with an answer.
    this.#callParts(delivery, left.length > 0 ? left : wanted.slice(-1)).catch((error: unknown) => this.#fail(error));
  }

  #noteDamage(stream: string, place: string): void {
    if (this.damaged.size < keptDamage) this.damaged.set(stream, place);
    this.#options.logger.error({ handler: this.name, place }, "the log is damaged: this entity stands still for the handler");
  }

  /** Calls the handler for one part after the other, as long as they complete. */
  async #callParts(delivery: Delivery, parts: readonly CurrentEvent[]): Promise<void> {
    for (const [index, part] of parts.entries()) {
      delivery.part = part.origin && { index: part.origin.part, of: part.origin.of };
      if (index === parts.length - 1) {
        this.#callLast(delivery, part);
        return;
      }
      const call = this.#callOf(delivery, part);
      const attempt = this.#begin(call);
      const outcome = attempt.kind === "running" ? await attempt.outcome : attempt;
      const verdict = this.#judge(delivery, call, outcome);
      if (verdict.kind !== "completed") {
        this.#end(delivery, attempt, outcome, verdict);
        return;
      }
      const { record } = verdict;
      if (attempt.kind === "running") await attempt.settled;
      this.#partition.parts.completed(delivery, record);
      if (this.#options.spec.record === "each")
        await this.#recorded().catch(() => {}); // that it never will be shows below
      else this.#pump();
      if (this.#calling.signal.aborted || this.#fault !== null) {
        this.#finish(delivery, { kind: "put_back" });
        return;
      }
    }
  }

  /** Calls the handler for the last part of an event, or for one that is not split. */
  #callLast(delivery: Delivery, event: CurrentEvent): void {
    const call = this.#callOf(delivery, event);
    const attempt = this.#begin(call);
    if (attempt.kind === "running") this.#follow(delivery, call, attempt);
    else this.#end(delivery, attempt, attempt, this.#judge(delivery, call, attempt));
  }

  #follow(delivery: Delivery, call: HandlerCall, attempt: AttemptInFlight): void {
    attempt.outcome.then((outcome) => this.#end(delivery, attempt, outcome, this.#judge(delivery, call, outcome))).catch((error: unknown) => this.#fail(error));
  }

  #callOf(delivery: Delivery, event: CurrentEvent): HandlerCall {
    const { clock, spec } = this.#options;
    return new HandlerCall(delivery, event, spec, this.#effects, clock, this.#calling.signal);
  }

  #begin(call: HandlerCall): AttemptInFlight | AttemptOutcome {
    const attempt = this.#options.attempt(call);
    if (attempt.kind === "running") void attempt.settled.then(() => call.close());
    else call.close();
    return attempt;
  }

  #judge(delivery: Delivery, call: HandlerCall, outcome: AttemptOutcome): Verdict {
    const { spec, random } = this.#options;
    if (outcome.kind === "gone") this.#pause(`the receiver answered 410: ${outcome.error.message}`);
    return judge(delivery, outcome, { call, unknownOutcome: spec.unknownOutcome, random });
  }

  /** The verdict on a delivery's last call. Its lane goes on when the call itself has ended. */
  #end(delivery: Delivery, attempt: AttemptInFlight | AttemptOutcome, outcome: AttemptOutcome, verdict: Verdict): void {
    this.#conclude(delivery, verdict);
    // Abandoned: the service stops, and nothing of the lane starts any more.
    if (attempt.kind !== "running" || outcome.kind === "abandoned") {
      this.#settled(delivery);
      return;
    }
    const late = outcome.kind === "failed" && outcome.class === "timeout";
    const stuck = late ? this.#options.clock.after(stuckMs, () => this.#giveBack(delivery)) : null;
    if (late) {
      this.#late.add(delivery);
      this.#pumpSoon();
    }
    attempt.settled
      .then(() => {
        stuck?.cancel();
        this.#settled(delivery);
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #conclude(delivery: Delivery, verdict: Verdict): void {
    const { loan } = delivery;
    const lent = loan === null ? undefined : this.#lent.get(loan);
    if (loan !== null) this.#lent.delete(loan);
    // Only waits are counted from now.
    this.#partition.outcomes.conclude(delivery, verdict, verdict.kind === "completed" ? delivery.startedMs : this.#options.clock.monotonicMs());
    lent?.resolve(verdict);
  }

  #finish(delivery: Delivery, verdict: Verdict): void {
    this.#conclude(delivery, verdict);
    this.#settled(delivery);
  }

  #settled(delivery: Delivery): void {
    this.#late.delete(delivery);
    this.#partition.schedule.settled(delivery);
    if (this.#idle !== null && !this.busy()) this.#idle();
    this.#pumpSoon();
  }

  #giveBack(delivery: Delivery): void {
    const { event, attempt } = delivery;
    this.#options.logger.warn(
      { handler: this.name, event_id: event.id, attempt },
      "a call goes on long after its time-out: its entity waits, its slot is free",
    );
    this.#partition.schedule.giveBackSlot(delivery);
    this.#pump();
  }

  /** On nobody's order: it is in force at once, and recorded as soon as it can be. */
  #pause(why: string): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#partition.schedule.hold("paused", true);
    const { logger } = this.#options;
    logger.error({ handler: this.name }, "the receiver is gone (410): the handler is paused; resume it, or give it another url and restart");
    const record = async (): Promise<void> => {
      for (let failures = 0; !this.#reading.signal.aborted; failures++)
        try {
          await this.#recordPause({ why }, { actor: "policy", reason: why });
          return;
        } catch (error) {
          logger.warn({ handler: this.name, err: error }, "the pause could not be recorded; tried again");
          await this.#backOff(failures);
        }
    };
    this.#pauseActs = this.#pauseActs.then(record);
  }

  // Recording ---------------------------------------------------------------------------------------------------------------------------------

  async #flush(closing = false): Promise<void> {
    this.#flushTimer?.cancel();
    this.#flushTimer = null;
    if (this.#flushing !== null || this.#fault !== null) return;
    // What takes an append of its own goes as soon as what it is about is on record.
    const waits = this.#acts.alone && (this.#unclear !== null || (this.#partition.flushes.dirty() && !this.#aloneNext));
    const acts = waits ? noActs : this.#acts.take();
    this.#aloneNext = waits;
    const flush = acts.alone ? null : this.#partition.flushes.take(closing, { acts: acts.acts, fence: this.#unclear !== null });
    if (flush === null && !acts.alone) return;
    this.#flushedMs = this.#options.clock.monotonicMs();
    const told = flush === null ? [] : this.#told.splice(0);
    this.#flushing = (async () => {
      if (flush === null) return this.#storeAlone(acts);
      const stored = await this.#store(flush.events, acts);
      if (stored === null) {
        for (const { reject } of told) reject(this.#fault);
        return;
      }
      const { position } = stored.last;
      this.#tellOfDeadLetters([...flush.events, ...(stored.withActs ? acts.events : [])]);
      for (const { resolve } of told) resolve(position);
      for (const [replayId, waiting] of this.#passing) {
        if (this.#partition.replays.followers(replayId) > 0) continue;
        this.#passing.delete(replayId);
        for (const { resolve } of waiting) resolve();
      }
      for (const { replay, end } of flush.ended) {
        this.#replies.get(replay)?.resolve({ end, position });
        this.#replies.delete(replay);
      }
      this.#endUnclear(null); // this append took its place
      const intended = this.#partition.flushes.stored(stored.withActs ? stored.last.revision : null);
      if (stored.withActs) acts.stored(stored.last);
      for (const delivery of intended) {
        if (this.#stopping) this.#finish(delivery, { kind: "put_back" });
        else this.#run(delivery);
      }
      if (this.#journal.snapshotDue()) await this.#journal.snapshot(async (part) => (await this.#storeBatch(part))?.last ?? null);
    })();
    try {
      await this.#flushing;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#flushing = null;
    }
    this.#pump();
  }

  /** One line a flush, however many there are: an outage must not flood the log. Neither data nor messages, which may hold some. */
  #tellOfDeadLetters(events: readonly JournalEvent[]): void {
    const letters = events.flatMap((event) => (event.type === "delivery.dead_lettered" ? [event.data] : []));
    if (letters.length === 0) return;
    this.#options.logger.warn(
      {
        handler: this.name,
        dead_letters: letters.length,
        causes: [...new Set(letters.map(({ cause }) => cause))],
        error_types: [...new Set(letters.map(({ error }) => error.type))].slice(0, shownInLog),
        event_ids: letters.slice(0, shownInLog).map(({ eventId }) => eventId),
      },
      "dead-lettered",
    );
  }

  /** @returns null when it never will be stored. */
  async #store(events: readonly JournalEvent[], acts: TakenActs) {
    const whole = this.#journal.prepareWhole([...events, ...acts.events]);
    if (whole !== null) return this.#storeBatch(whole, acts, () => this.#journal.prepare(events));
    const appends = this.#journal.divide(events);
    for (const append of appends.slice(0, -1))
      if ((await this.#storeBatch(this.#journal.prepare(append))) === null) {
        acts.refused(this.#fault);
        return null;
      }
    const last = appends.at(-1)!;
    return this.#storeBatch(this.#journal.prepare([...last, ...acts.events]), acts, () => this.#journal.prepare(last));
  }

  /**
   * Appends until it is stored: the same events with the same ids. Acts are tried once: whoever asked for them is refused then, and if they were stored all
   * the same, the next append finds them.
   *
   * @returns null when it never will be.
   */
  async #storeBatch(batch: Batch, acts = noActs, without = () => batch): Promise<{ readonly last: AppendedEvent; readonly withActs: boolean } | null> {
    let sent = batch;
    let withActs = acts.events.length > 0;
    let found: AppendedEvent | null = null;
    for (let failures = 0; ; failures++) {
      try {
        const last = (await this.#journal.send(sent)) ?? found;
        if (last === null) continue; // another act's record, of before, was found in its place
        this.#works();
        return { last, withActs: withActs || found !== null };
      } catch (error) {
        if (!this.#mayRepeat(error, failures)) {
          acts.refused(this.#fault);
          return null;
        }
        if (withActs) {
          withActs = false;
          sent = without();
          if (!isRepriseError(error, "LOG_FULL"))
            this.#journal.abandon(batch, (last) => {
              found = last;
            });
          acts.refused(error);
        }
        this.#options.logger.warn({ handler: this.name, err: error }, "outcomes could not be recorded; nothing new starts until they are");
        await this.#backOff(failures);
      }
    }
  }

  /** An append of one act and of nothing else, tried once. */
  async #storeAlone(acts: TakenActs): Promise<void> {
    const [act] = acts.acts as readonly [LaneAct];
    const batch = this.#journal.prepare(acts.events);
    this.#partition.lanes.begin(act);
    try {
      const last = await this.#journal.send(batch);
      if (last === null) throw new RepriseError("LOG_UNAVAILABLE", "The journal was elsewhere.", { retryAfterMs: 1000 });
      this.#works();
      this.#partition.lanes.end(act, last.revision);
      acts.stored(last);
    } catch (error) {
      const mayRepeat = this.#mayRepeat(error, 0);
      if (mayRepeat) {
        this.#unclear = act;
        this.#journal.abandon(batch, ({ revision }) => this.#endUnclear(revision));
      } else this.#partition.lanes.end(act, null);
      acts.refused(mayRepeat ? error : this.#fault);
    }
  }

  #endUnclear(at: number | null): void {
    const act = this.#unclear;
    this.#unclear = null;
    if (act !== null) this.#partition.lanes.end(act, at);
  }

  /** Whether an append that failed may be sent again; otherwise the handler has stopped. */
  #mayRepeat(error: unknown, failures: number): boolean {
    if (!isLogTrouble(error) || (this.#stopping && failures >= 3)) {
      this.#fail(error);
      return false;
    }
    this.#unwritable = error;
    this.#partition.schedule.hold("journal_not_writable", true);
    this.#troubles.recording = `outcomes cannot be recorded: ${textOf(error)}`;
    this.#acts.refuse(error);
    return true;
  }

  #works(): void {
    this.#unwritable = null;
    this.#partition.schedule.hold("journal_not_writable", false);
    this.#troubles.recording = null;
  }

  /** Stops for good, writing nothing more: another process owns the journal, or the log refuses it. */
  #fail(error: unknown): void {
    this.#fault = isRepriseError(error) ? error : new RepriseError("JOURNAL_DAMAGED", `The journal of ${this.name} could not be written.`, { cause: error });
    this.#options.logger.error({ handler: this.name, err: error }, "the handler stops");
    this.#partition.schedule.hold("fault", true);
    this.#reading.abort();
    this.#calling.abort(this.#fault);
    this.#room?.();
    this.#idle?.();
    this.#answerAll(refusalOf(this.#fault));
    this.#options.gate.moved(this);
    this.#options.onFault();
  }

  /** Tells everybody who still waits for a record that there will be none. */
  #answerAll(error: RepriseError): void {
    this.#acts.refuse(error);
    for (const { reject } of [...this.#replies.values(), ...this.#told, ...[...this.#passing.values()].flat(), ...this.#lent.values()]) reject(error);
    this.#replies.clear();
    this.#passing.clear();
    this.#lent.clear();
    this.#told = [];
  }

  #backOff(failures: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#reading;
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = this.#options.clock.after(Math.min(100 * 2 ** failures, maxBackOffMs), end);
    signal.addEventListener("abort", end, { once: true });
    return promise;
  }

  #mustWork(): void {
    if (this.#fault !== null) throw refusalOf(this.#fault);
    if (this.#stopping) throw new RepriseError("LOG_UNAVAILABLE", "The service stops.", { retryAfterMs: 1000 });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
