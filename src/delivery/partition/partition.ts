/**
 * The rules of one handler's partition: lanes, letters, checkpoint, flushes, recovery (DELIVERY §1–§4). No I/O, no clock: the dispatcher feeds it
 * events and outcomes, and does what it says. Dropping it and folding the journal again is a crash; the random model drives exactly this class.
 */
import { RepriseError } from "../../errors.ts";
import type { Json, Position, StoredEvent } from "../../event/event.ts";
import type { Act } from "../../records/act.ts";
import type { AttemptError, AttemptRecord, Ends } from "../../records/attempt.ts";
import type { JournalData } from "../../records/journal.ts";
import type { LaneBlock, LaneState } from "../../records/lane-state.ts";
import type { PartitionState } from "../journal/state.ts";
import type { DeliveryLimits } from "../limits.ts";
import { maxDelayMs, noDeferrals } from "../policy/waits.ts";
import { Checkpoint } from "./checkpoint.ts";
import { alonePatienceMs, crashMessage, isCulprit, noEnds } from "./ends.ts";
import { type Delivery, Lane, type LaneLoan, type Letter, type LetterReplay, type LoanedCall, laneBatch, unknownNext, type Withdrawal } from "./lane.ts";
import type { LaneAct } from "./lane-act.ts";
import type { Pace } from "./pace.ts";
import { PacedLanes } from "./paced-lanes.ts";
import { ReadyLanes } from "./ready-lanes.ts";
import { type Flush, type LetterReplayEnd, Recorder } from "./recorder.ts";
import type { Verdict } from "./verdict.ts";
import { WakeUps } from "./wake-ups.ts";

export interface PartitionOptions {
  readonly ordering: "strict" | "relaxed";
  readonly record: "batch" | "each";
  readonly unknownOutcome: "repeat" | "escalate";
  /** Deliveries in flight at once. */
  readonly concurrency: number;
  readonly limits: DeliveryLimits;
  /** Whether the handler wants the event: its type listed, and its position beyond that type's `since`. @param isEntitys its stream is known to be an entity's. */
  readonly wants: (event: StoredEvent, isEntitys?: boolean) => boolean;
  readonly chainFingerprint: (eventType: string) => string;
  /** Lanes without work that are kept, about 300 bytes each; default 10,000. */
  readonly idleLanes?: number;
}

/** What the journal says at start. */
export interface Recovered {
  /** Folded, our own `partition.claimed` included. */
  readonly state: PartitionState;
  /** Whether the last owner ended without releasing, and how far it may have been ahead of its checkpoint. */
  readonly unclean: boolean;
  readonly readAhead: number;
  /** Wall clock and monotonic clock, at the same moment. */
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Why nothing of the handler starts. Several reasons may hold at once. */
export type Hold = "not_started" | "paused" | "pause_being_recorded" | "suspect_elsewhere" | "no_sign_of_life" | "journal_not_writable" | "stopping" | "fault";

/** What a replay of a letter says beside the letter. */
export type LetterReplayTerms = Pick<LetterReplay, "replayId" | "actor" | "reason"> & Partial<Pick<LetterReplay, "effects" | "through">>;

/** What a lane would start, and the replay whose turn it needs for that; null: none. */
interface Work {
  readonly event: StoredEvent;
  readonly replay: LetterReplay | null;
  readonly loan: LaneLoan | null;
  readonly replayId: string | null;
}

/** A node of a cluster that lags behind is asked again after this. */
const staleReadMs = 50;
/** Checkpoints over events that the handler does not want are worth a record only so often. */
const foreignEvents = 10_000;
/** A flush so soon after the last one is worth its fsync for so many times more outcomes: at 100,000 a second one for 256 costs a fifth of the time. */
const frequentMs = 10;
const frequentOutcomes = 8;
/** Lanes that one flush looks at when there are too many: more than it may have brought, as it has at most 2,300 outcomes. */
const sweepLooks = 4096;
/** Lanes that come and go were most of what a catch-up over 10,000 lanes cost the garbage collector. */
const defaultIdleLanes = 10_000;

export class Partition {
  readonly #options: PartitionOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready: ReadyLanes<Lane>;
  readonly #wakeUps = new WakeUps<Lane>();
  readonly #paced = new PacedLanes();
  readonly #toRead = new Set<Lane>();
  /** In no order. A set would have to hash each delivery, which costs more than finding its lane. */
  readonly #running: Delivery[] = [];
  #slotsTaken = 0;

  readonly #checkpoint: Checkpoint;
  readonly #recorder = new Recorder();
  /** Looks at events that the handler does not want, since the last flush. */
  #foreign = 0;
  readonly #awaitingFlush = new Set<Lane>();
  /** Goes round the lanes and forgets those without work. */
  #sweep: Iterator<Lane> | null = null;
  #recordedLanes = 0;
  /** Of split events: the first part that is not done, by stream and revision. */
  readonly #parts = new Map<string, Map<number, number>>();

  /** Suspects that were still open when the process died again: they run one at a time. */
  readonly #alone = new Map<Lane, number>();
  /** How long the others wait for each of them. */
  readonly #patienceMs = new Map<Lane, number>();
  #aloneUntilFlush = 0;
  #aloneRunning: Delivery | null = null;
  #suspectsLeft = 0;
  #doubtsLeft: number;

  /** Nothing starts while set: the handler is paused, another handler's suspect runs alone, the journal cannot be written, or the service stops. */
  readonly #holds = new Set<Hold>();

  constructor(options: PartitionOptions, { state, unclean, readAhead, nowMs, monotonicMs }: Recovered) {
    this.#options = options;
    this.#ready = new ReadyLanes(options.concurrency);
    this.#checkpoint = new Checkpoint(state.checkpoint);
    if (unclean) this.#suspectsLeft = readAhead;
    this.#doubtsLeft = readAhead;
    for (const [stream, revisions] of state.parts) this.#parts.set(stream, new Map(Array.from(revisions, ([revision, { part }]) => [revision, part])));
    // A clock that was set back meanwhile makes no wait longer than it was set.
    const dueMs = (retryAt: number, waitMs: number | null): number => monotonicMs + Math.min(Math.max(0, retryAt - nowMs), waitMs ?? maxDelayMs);
    for (const [stream, record] of state.lanes) {
      const lane = new Lane(stream, record.next);
      lane.at = record.at;
      lane.detached = record.detached;
      lane.attempts = record.attempts;
      lane.deferred = record.deferred;
      lane.failing = record.attempts > 0;
      lane.troubled = record.retryAt !== null || record.attempts > 0;
      lane.paused = record.paused;
      if (record.retryAt !== null) lane.dueMs = dueMs(record.retryAt, record.waitMs);
      for (const [revision, letter] of record.letters)
        lane.putLetter(revision, {
          ...letter,
          replay: letter.replay && { ...letter.replay, dueMs: letter.replay.retryAt === null ? null : dueMs(letter.replay.retryAt, letter.replay.waitMs) },
        });
      this.#lanes.set(stream, lane);
      this.#paced.follow(lane, record.pace);
      if (this.#isRecorded(lane)) this.#recordedLanes++;
      if (unclean && lane.detached) lane.suspectThrough = lane.next + laneBatch;
      if (lane.detached) lane.doubtThrough = lane.next + laneBatch;
      if (lane.dueMs !== null) this.#wakeUps.add(lane.dueMs, lane);
    }
    if (unclean)
      for (const [stream, revisions] of state.started)
        for (const [revision, started] of [...revisions].sort(([a], [b]) => a - b)) this.#recoverStarted(stream, revision, started);
    for (const lane of this.#lanes.values()) this.#refresh(lane);
  }

  // Feeding -----------------------------------------------------------------------------------------------------------------------------------

  /** Puts an event of the subscription into its lane. In log order. */
  offer(event: StoredEvent, bytes = 0): void {
    if (!this.#checkpoint.lookAt(event.position)) return;
    let lane = this.#lanes.get(event.stream);
    if (!this.#options.wants(event, lane !== undefined)) {
      this.#foreign++;
      return;
    }
    if (lane?.detached) {
      lane.seen = Math.max(lane.seen, event.revision);
      return;
    }
    if (lane === undefined) this.#lanes.set(event.stream, (lane = new Lane(event.stream, event.revision, event.tenant)));
    else if (lane.next === unknownNext) lane.next = event.revision;
    else if (event.revision < lane.next) return;
    if (lane.queue.length >= this.#options.limits.laneQueueEvents) {
      this.#detach(lane, "full");
      lane.seen = Math.max(lane.seen, event.revision);
      return;
    }
    if (this.#suspectsLeft > 0) {
      this.#suspectsLeft--;
      lane.suspectThrough = event.revision;
    }
    if (this.#doubtsLeft > 0) {
      this.#doubtsLeft--;
      lane.doubtThrough = event.revision;
    }
    lane.queue.push(event);
    this.#checkpoint.offer(lane, event.revision, event.position, bytes);
    this.#refresh(lane);
  }

  /** Where a subscription goes on. */
  position(): Position {
    return this.#checkpoint.scanned;
  }

  /** The subscription looked at everything up to `position`. */
  scanned(position: Position): void {
    if (this.#checkpoint.lookAt(position)) this.#foreign++;
  }

  /** Whether the subscription may bring more: read-ahead beyond the recorded checkpoint and the number of recorded lanes are bounded. */
  hasRoom(): boolean {
    const { readAheadEvents, readAheadBytes } = this.#options.limits;
    return this.#checkpoint.readAhead() < readAheadEvents && this.#checkpoint.bytes() < readAheadBytes && !this.#recorder.isFull() && !this.tooManyLanes();
  }

  tooManyLanes(): boolean {
    return this.#recordedLanes >= this.#options.limits.recordedLanes;
  }

  /** A lane whose stream has to be read, or whose ordered letter; undefined when none. Answer with `laneRead` or `letterRead`. */
  nextRead(): { readonly lane: Lane; readonly from: number; readonly replay: LetterReplay | null } | undefined {
    if (this.#recorder.isFull()) return undefined;
    for (const lane of this.#toRead) {
      this.#toRead.delete(lane);
      if (lane.acts > 0) continue; // an amendment may be among them: it is put here again when they are through
      const replay = lane.replays.find((each) => each.event === null);
      lane.reading = true;
      return { lane, from: replay?.revision ?? lane.next, replay: replay ?? null };
    }
    return undefined;
  }

  /**
   * Events of a detached lane's own stream, in order from `lane.next` on, as far as one batch went.
   *
   * @param head revision of the stream's last event, read *before* the events: what is missing below it is a hole.
   */
  laneRead(lane: Lane, events: readonly StoredEvent[], head: number, monotonicMs: number): void {
    lane.reading = false;
    if (!lane.detached || lane.running !== null || this.#loanOf(lane) !== undefined || lane.queue.length > 0 || !this.#mayRunLive(lane)) {
      this.#refresh(lane);
      return;
    }
    const first = events[0];
    if (first === undefined && head < lane.next) {
      if (lane.next > lane.seen) this.#attach(lane);
      else this.#wakeUps.add(monotonicMs + staleReadMs, lane); // a stale read: the subscription brought more than this
      return;
    }
    if (first === undefined || first.revision > lane.next) {
      const to = (first?.revision ?? head + 1) - 1;
      this.#recorder.fact({ type: "lane.gap", data: { lane: lane.stream, from: lane.next, to, why: first === undefined ? "truncated" : "missing" } });
      this.#advance(lane, to + 1, lane.at);
    }
    for (const event of events) {
      if (event.revision !== Math.max(lane.readThrough + 1, lane.next)) break; // a hole: met again when it is next
      lane.readThrough = event.revision;
      if (this.#options.wants(event, true)) lane.queue.push(event);
    }
    if (lane.queue.length === 0) this.#passUnwanted(lane);
    this.#refresh(lane);
  }

  /** The event of an ordered letter; null when the log has it no more. */
  letterRead(lane: Lane, replay: LetterReplay, event: StoredEvent | null): void {
    lane.reading = false;
    if (event === null) this.#endReplay(lane, replay, { outcome: "skipped", reason: "event removed from the log" });
    else replay.event = event;
    this.#refresh(lane);
  }

  /** Reading failed: again later. */
  readFailed(lane: Lane): void {
    lane.reading = false;
    this.#refresh(lane);
  }

  // Running -----------------------------------------------------------------------------------------------------------------------------------

  /** Takes slots for ready lanes. @returns at most `limit` deliveries to call now; others, whose intent has to be recorded first, come with `flushed`. */
  start(monotonicMs: number, limit = Number.MAX_SAFE_INTEGER): readonly Delivery[] {
    const now: Delivery[] = [];
    if (this.#mayGrant()) for (const lane of this.#paced.grant(monotonicMs, this.#freeSlots())) this.#refresh(lane);
    while (now.length < limit && this.#holds.size === 0 && this.#slotsTaken < this.#options.concurrency && !this.#recorder.isFull()) {
      const lane = this.#alone.size > 0 ? this.#pickAlone() : this.#ready.pick();
      if (lane === undefined) break;
      const work = this.#workOf(lane);
      // It changed while it waited in line.
      if (work === undefined) this.#paced.used(lane);
      if (lane.running !== null || work === undefined || (work.loan === null && !this.#recordedEnough(lane))) continue;
      const alone = this.#alone.has(lane);
      if (!alone && this.#needsTurn(lane, work)) {
        this.#paced.wait(lane, work.replayId!);
        continue;
      }
      const { event, replay, loan } = work;
      const failed = loan === null ? (replay?.failed ?? lane.attempts) : loan.call!.attempt - 1;
      const delivery: Delivery = {
        lane,
        event,
        attempt: (replay ? (lane.letters.get(event.revision)?.attempts ?? 0) : failed) + 1,
        round: failed,
        deferred: (loan === null ? replay : loan.call)?.deferred ?? lane.deferred,
        part: null,
        replay,
        loan,
        doubtful: loan !== null || replay !== null || lane.attempts > 0 || lane.troubled || event.revision <= lane.doubtThrough,
        wasFailing: lane.failing,
        startedMs: monotonicMs,
        outcomesBefore: this.#recorder.total,
        concluded: false,
        hasSlot: true,
        place: this.#running.length,
      };
      if (lane.turn?.replayId === work.replayId) this.#paced.used(lane);
      if (replay === null && loan === null) lane.queue.shift();
      lane.running = delivery;
      this.#running.push(delivery);
      this.#slotsTaken++;
      this.#ready.started(lane);
      if (alone) this.#aloneRunning = delivery;
      if (loan !== null) now.push(delivery);
      else if (replay || alone || this.#options.record === "each" || this.#options.unknownOutcome === "escalate" || event.revision <= lane.suspectThrough) {
        this.#recordStarted(delivery, alone);
        this.#recorder.intend(delivery);
      } else now.push(delivery);
    }
    return now;
  }

  /** Of an event that was split: the first part (from 0) that no earlier attempt completed. */
  firstPart({ lane, event, loan }: Delivery): number {
    if (loan !== null) return loan.part?.revision === event.revision ? loan.part.index : 0;
    return this.#parts.get(lane.stream)?.get(event.revision) ?? 0;
  }

  /** The same of a delivery that waits. */
  nextPart(stream: string, revision: number): number {
    return this.#parts.get(stream)?.get(revision) ?? 0;
  }

  /** The part that was called is done and another one comes: with attempts of its own. */
  partCompleted(delivery: Delivery, record: AttemptRecord): void {
    const { lane, event, replay, loan } = delivery;
    const { index, of } = delivery.part!;
    if (loan !== null) {
      loan.part = { revision: event.revision, index: index + 1 };
      return;
    }
    this.#recorder.fact({ type: "delivery.part_completed", data: { ...about(lane, event), part: index, of, record } });
    const revisions = this.#parts.get(lane.stream) ?? new Map<number, number>();
    this.#parts.set(lane.stream, revisions.set(event.revision, index + 1));
    delivery.attempt = 1;
    delivery.round = 0;
    delivery.deferred = noDeferrals;
    const letter = lane.letters.get(event.revision);
    if (letter !== undefined) letter.attempts = 0;
    if (replay !== null) Object.assign(replay, { failed: 0, deferred: noDeferrals });
    else Object.assign(lane, { attempts: 0, deferred: noDeferrals });
  }

  /** What the attempt came to. Once per delivery; `settled` follows when the call itself has ended. */
  conclude(delivery: Delivery, verdict: Verdict, monotonicMs: number): void {
    if (delivery.concluded) return;
    delivery.concluded = true;
    const { lane, event, replay, loan } = delivery;
    if (loan !== null) {
      loan.call = null; // its outcome is the replay's to record: the lane knows nothing of it
      return;
    }
    if (replay !== null) this.#concludeReplay(delivery, replay, verdict, monotonicMs);
    else this.#concludeLive(delivery, verdict, monotonicMs);
    if (verdict.kind === "put_back") return;
    lane.recordedIn = this.#recorder.number;
    lane.unflushed++;
    this.#recorder.outcome();
    if (!this.#alone.has(lane)) return;
    this.#aloneUntilFlush = this.#recorder.number; // before the next one runs, this one is on record: only one can be the culprit
    if (this.#alone.get(lane) === event.revision) this.#endAlone(lane);
  }

  /** The call has ended: the lane may go on. */
  settled(delivery: Delivery): void {
    this.giveBackSlot(delivery);
    const last = this.#running.pop()!;
    if (last !== delivery) this.#running[(last.place = delivery.place)] = last;
    delivery.lane.running = null;
    this.#refresh(delivery.lane);
  }

  /** A call that outlives its time-out keeps its lane, but not its slot. */
  giveBackSlot(delivery: Delivery): void {
    if (!delivery.hasSlot) return;
    delivery.hasSlot = false;
    this.#slotsTaken--;
    this.#ready.ended(delivery.lane, delivery.wasFailing);
    if (this.#aloneRunning === delivery) this.#aloneRunning = null;
  }

  running(): readonly Delivery[] {
    return this.#running;
  }

  /** Keeps everything from starting, for one reason of several. */
  hold(why: Hold, held: boolean): void {
    if (held) this.#holds.add(why);
    else this.#holds.delete(why);
  }

  /** Suspects wait to run alone: no other handler of the process may run meanwhile. */
  wantsAlone(): boolean {
    return this.#alone.size > 0;
  }

  // Time --------------------------------------------------------------------------------------------------------------------------------------

  /** Wakes lanes that are due, detaches those whose call holds the checkpoint, ends the patience with a suspect that runs alone. */
  tick(monotonicMs: number): void {
    for (const lane of this.#wakeUps.due(monotonicMs)) {
      if (lane.dueMs !== null && lane.dueMs <= monotonicMs) lane.dueMs = null;
      for (const replay of lane.replays) if (replay.dueMs !== null && replay.dueMs <= monotonicMs) replay.dueMs = null;
      this.#refresh(lane);
    }
    const { slowMs, readAheadEvents } = this.#options.limits;
    for (let lane = this.#checkpoint.heldBy(); lane !== undefined; lane = this.#checkpoint.heldBy()) {
      const sinceMs = busySinceMs(lane);
      const outcomesBefore = lane.running?.outcomesBefore ?? this.#recorder.total;
      if (sinceMs === null || (monotonicMs - sinceMs <= slowMs && this.#recorder.total - outcomesBefore <= readAheadEvents / 2)) break;
      this.#detach(lane, "slow");
    }
    if (this.#aloneRunning !== null && monotonicMs >= this.#alonePatienceEndsMs(this.#aloneRunning)) {
      // It may still kill the process, but from now on not it alone could be the culprit: the record has to say so.
      this.#recordStarted(this.#aloneRunning, false);
      this.#aloneRunning = null;
      for (const [lane, revision] of this.#alone) lane.suspectThrough = Math.max(lane.suspectThrough, revision);
      this.#alone.clear();
      this.#patienceMs.clear();
      for (const lane of this.#lanes.values()) this.#refresh(lane);
    }
  }

  /** Monotonic time of the next `tick` that can change anything; null: none. */
  nextTickMs(): number | null {
    const times = [this.#wakeUps.next()];
    const held = this.#checkpoint.heldBy();
    const sinceMs = held === undefined ? null : busySinceMs(held);
    if (sinceMs !== null) times.push(sinceMs + this.#options.limits.slowMs + 1);
    if (this.#mayGrant()) times.push(this.#paced.nextMs(this.#freeSlots()));
    if (this.#aloneRunning) times.push(this.#alonePatienceEndsMs(this.#aloneRunning));
    return times.reduce((least, time) => (time !== null && (least === null || time < least) ? time : least), null);
  }

  #alonePatienceEndsMs({ lane, startedMs }: Delivery): number {
    return startedMs + (this.#patienceMs.get(lane) ?? alonePatienceMs(noEnds));
  }

  // Recording ---------------------------------------------------------------------------------------------------------------------------------

  /** Something waits for its record. */
  dirty(): boolean {
    return this.#recorder.pending() > 0 || this.#foreign >= foreignEvents;
  }

  /** Enough waits for it, or somebody does: calls whose intent it records, an operator. @param sinceMs how long ago the last one began. */
  flushNow(sinceMs: number): boolean {
    const enough = this.#options.limits.flushOutcomes * (sinceMs < frequentMs ? frequentOutcomes : 1);
    return this.#recorder.pending() >= enough || this.#recorder.isFull() || this.#recorder.urgent();
  }

  /**
   * The next append to the journal: facts first, `progress` last. One is outstanding at a time; `flushed` says that it is stored.
   *
   * @param closing also a checkpoint that moved over events the handler does not want, which alone is no reason to write.
   * @param acts judged just now, no two about the same. `fence`: writes in any case, so that an append before it that came to an unclear end is over.
   */
  takeFlush(closing = false, { acts = [], fence = false }: { readonly acts?: readonly LaneAct[]; readonly fence?: boolean } = {}): Flush | null {
    if (this.#recorder.outstanding()) return null;
    const checkpoint = this.#checkpoint.now();
    if (!this.dirty() && acts.length === 0 && !fence && !(closing && checkpoint.position > this.#checkpoint.recorded)) return null;
    this.#foreign = 0;
    for (const { lane } of acts) lane.acts++;
    return this.#recorder.take(checkpoint, (lane) => this.#isRecorded(lane) || lane.at > checkpoint.position, acts);
  }

  /** The flush taken last is stored. @param actsAt revision of the last of its acts; null: they were refused. @returns deliveries to call now: their intent is on record. */
  flushed(actsAt: number | null = null): readonly Delivery[] {
    const flush = this.#recorder.store();
    if (flush === null) return [];
    for (const act of flush.acts) this.endAct(act, actsAt);
    this.#checkpoint.record(flush.checkpoint);
    for (const lane of this.#awaitingFlush) {
      if (lane.recordedIn > this.#recorder.stored) continue;
      this.#awaitingFlush.delete(lane);
      lane.unflushed = 0;
      this.#refresh(lane);
    }
    this.#forgetIdle();
    return flush.intended;
  }

  // Operators ---------------------------------------------------------------------------------------------------------------------------------

  /** Orders a dead letter's replay. The end comes with the flush that records it. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST, LANE_PAUSED */
  replay(stream: string, revision: number, terms: LetterReplayTerms): LetterReplay {
    const { lane, letter } = this.mayReplay(stream, revision);
    if (lane.paused) throw new RepriseError("LANE_PAUSED", "The entity is paused for this handler.");
    const before = letter.replay?.replayId === terms.replayId ? letter.replay : null;
    const replay: LetterReplay = {
      effects: "once",
      through: null,
      ...terms,
      revision,
      leaving: null,
      event: null,
      dueMs: before?.dueMs ?? null,
      failed: before?.failed ?? 0,
      deferred: before?.deferred ?? noDeferrals,
    };
    if (replay.dueMs !== null) this.#wakeUps.add(replay.dueMs, lane);
    if (letter.suspect) {
      this.#suspect(lane, revision, letter.suspect);
      letter.suspect = null;
    }
    lane.addReplay(replay);
    this.#refresh(lane);
    return replay;
  }

  /** Refuses what cannot be ordered now, paused lanes apart: other acts may be done on them. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST */
  mayReplay(stream: string, revision: number): { readonly lane: Lane; readonly letter: Letter } {
    const found = this.#letterFor(stream, revision);
    let earlier = revision;
    if (this.#options.ordering === "strict") for (const letter of found.lane.letters.keys()) earlier = Math.min(earlier, letter);
    if (earlier < revision && !found.lane.replays.some((each) => each.revision === earlier))
      throw new RepriseError(
        "LETTER_NOT_FIRST",
        `Revision ${earlier} of the same entity is dead-lettered before revision ${revision}; strict replay replays it first.`,
      );
    return found;
  }

  /**
   * Says at which pace a replay's orders, loans and followers start: from now on they wait for its turns. Null: it is over, and what is left of it
   * starts like anything else.
   */
  pace(replayId: string, pace: Pace | null): void {
    const left = this.#paced.set(replayId, pace);
    if (pace === null) this.#release(replayId);
    for (const lane of left) this.#refresh(lane);
  }

  /** Lanes whose live deliveries are still on the replay's pace. */
  followers(replayId: string): number {
    return this.#paced.followers(replayId).length;
  }

  /** Replays that lanes have been waiting for since the start, and whose pace nobody has told yet. */
  unknownPaces(): readonly string[] {
    return this.#paced.unknown();
  }

  /**
   * Takes back what a replay ordered and what does not run. `stop`: nothing of it starts here any more, which the next flush records, and its
   * followers are like any other live delivery. What runs ends by itself, and is not tried again.
   */
  withdraw(replayId: string, how: Withdrawal): void {
    for (const lane of this.#lanes.values())
      for (const replay of lane.replays.filter((each) => each.replayId === replayId)) {
        if (lane.running?.replay === replay && !lane.running.concluded) replay.leaving = how;
        else this.#leave(lane, replay, how);
        this.#refresh(lane);
      }
    if (how === "pause") return;
    this.#release(replayId);
    this.#recorder.fact({ type: "replay.stopped", data: { replayId } });
  }

  /** Lends the lane's slot to deliveries that are a replay's own; the lane's live ones and orders queue behind until `endLoan`. A second loan waits for the first. */
  lend(stream: string, replayId: string, monotonicMs: number): LaneLoan {
    let lane = this.#lanes.get(stream);
    if (lane === undefined) this.#lanes.set(stream, (lane = new Lane(stream, unknownNext)));
    const loan: LaneLoan = { lane, replayId, sinceMs: monotonicMs, call: null, part: null };
    lane.addLoan(loan);
    return loan;
  }

  /** One call at a time for each loan: the next one after `conclude`. */
  askFor(loan: LaneLoan, call: LoanedCall): void {
    loan.call = call;
    this.#refresh(loan.lane);
  }

  /** Takes a call back that did not start. @returns false: it runs. */
  takeBack(loan: LaneLoan): boolean {
    if (loan.lane.running?.loan === loan) return false;
    loan.call = null;
    return true;
  }

  endLoan(loan: LaneLoan): void {
    const { lane } = loan;
    const hadTheLane = lane.loans[0] === loan;
    lane.removeLoan(loan);
    if (hadTheLane) this.#paced.used(lane);
    this.#refresh(lane);
  }

  #release(replayId: string): void {
    for (const lane of this.#paced.followers(replayId)) {
      this.#paced.follow(lane, null);
      this.#paced.used(lane);
      this.#refresh(lane);
    }
  }

  /** The order ends without an outcome; the same replay may give it again where it was. */
  #leave(lane: Lane, replay: LetterReplay, how: Withdrawal): void {
    const letter = lane.letters.get(replay.revision);
    const { replayId, failed, deferred, dueMs } = replay;
    if (letter) letter.replay = how === "stop" || (failed === 0 && deferred.count === 0 && dueMs === null) ? null : { replayId, failed, deferred, dueMs };
    this.#endReplay(lane, replay, { outcome: "withdrawn" });
  }

  /** The attempts of a dead letter, to tell whether it changed; undefined when it is none. */
  letter(stream: string, revision: number): Letter | undefined {
    return this.#lanes.get(stream)?.letters.get(revision);
  }

  /** Revisions of a lane's dead letters, in order. */
  letters(stream: string): readonly number[] {
    return [...(this.#lanes.get(stream)?.letters.keys() ?? [])].sort((a, b) => a - b);
  }

  /** Nothing of an act's lane starts from here to `endAct`; an act that is taken with a flush needs neither. */
  beginAct({ lane }: LaneAct): void {
    lane.acts++;
  }

  /** @param at revision of its record: it is done now. Null: it is refused, and never done. */
  endAct({ lane, apply }: LaneAct, at: number | null): void {
    lane.acts--;
    if (at !== null) apply(at);
    this.#refresh(lane);
  }

  /** Ends a dead letter by decision; one that only waits for its turn in a replay is left alone there. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING */
  discard(stream: string, revision: number, act: Act): LaneAct {
    const { lane, letter } = this.#letterFor(stream, revision, "or it waits");
    const pointer = { revision, position: letter.at, id: letter.eventId };
    const before = letter.escalated ? "escalated" : "dead_lettered";
    return {
      lane,
      revision,
      event: { type: "delivery.settled", data: { ...about(lane, pointer), before, outcome: "discarded", cause: null, act, record: null } },
      apply: () => {
        this.#forgetParts(lane, revision);
        this.#recounting(lane, () => lane.removeLetter(revision));
        const replay = lane.replays.find((each) => each.revision === revision);
        if (replay !== undefined)
          this.#endReplay(lane, replay, { outcome: "skipped", reason: `discarded by ${act.actor}${act.reason === null ? "" : `: ${act.reason}`}` });
      },
    };
  }

  /**
   * Makes a dead letter of what waits for its next attempt: the event at `next`, or a dead letter that is replayed.
   *
   * @param event of that revision, as the log holds it. `part`: of a split one, which part failed. `error`: why it waits.
   * @throws NOT_BACKING_OFF, DELIVERY_RUNNING
   */
  giveUp(event: StoredEvent, { part, error, act }: { readonly part: number | null; readonly error: AttemptError; readonly act: Act }): LaneAct {
    const { stream, revision, type } = event;
    const lane = this.#lanes.get(stream);
    const replay = lane?.replays.find((each) => each.revision === revision && (each.failed > 0 || each.dueMs !== null));
    if (lane === undefined || (replay === undefined && (lane.next !== revision || !lane.troubled || lane.letters.has(revision))))
      throw new RepriseError("NOT_BACKING_OFF", "The delivery does not wait for another attempt.");
    if (lane.running !== null && !lane.running.concluded && lane.running.loan === null && lane.running.event.revision === revision)
      throw new RepriseError("DELIVERY_RUNNING", "The delivery is being called now.");
    const letter = {
      attempts: replay === undefined ? lane.attempts : (lane.letters.get(revision)?.attempts ?? 0),
      retryCount: replay?.failed ?? lane.attempts,
      ...{ cause: "given_up" as const, error, escalated: false, record: null },
      ...(part === null ? {} : { part }),
      ...(replay === undefined ? {} : { replayId: replay.replayId }),
    };
    return {
      lane,
      revision: null,
      event: { type: "delivery.dead_lettered", data: { ...about(lane, event), chain: this.#options.chainFingerprint(type), ...letter, act } },
      apply: () => {
        this.#putLetter(lane, event, letter);
        if (replay !== undefined && lane.replays.includes(replay)) this.#endReplay(lane, replay, { outcome: "dead_lettered", error });
      },
    };
  }

  /**
   * An amendment. It takes an append of its own: with its neighbours the data might not fit into one.
   *
   * @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING
   */
  amend(stream: string, revision: number, { data, act }: { readonly data: Json; readonly act: Act }): LaneAct {
    const { lane, letter } = this.#letterFor(stream, revision);
    return {
      lane,
      revision,
      event: {
        type: "delivery.amended",
        data: {
          ...about(lane, { revision, position: letter.at, id: letter.eventId }),
          data,
          before: letter.escalated ? "escalated" : "dead_lettered",
          replaces: letter.amended === null ? "stored" : "amended",
          act,
        },
      },
      apply: (at) => {
        const now = lane.letters.get(revision);
        if (now !== undefined) now.amended = { revision: at, replayId: act.replayId ?? null };
      },
    };
  }

  /** The lane for an operator's act, kept until `unpin`. One whose `next` is not known has to be told what is done when it is paused. */
  pin(stream: string): Lane {
    let lane = this.#lanes.get(stream);
    if (lane === undefined) this.#lanes.set(stream, (lane = new Lane(stream, unknownNext)));
    lane.pins++;
    return lane;
  }

  unpin(lane: Lane): void {
    if (--lane.pins > 0 || lane.next !== unknownNext || lane.loans.length > 0) return;
    this.#lanes.delete(lane.stream);
  }

  /**
   * Keeps everything of a pinned lane from starting. What is under way ends as it does.
   *
   * @param doneThrough last revision of the stream at or below `position()` when the lane was pinned (−1: none): all of it is done when the lane's `next` is not known.
   */
  pause(lane: Lane, act: Act, doneThrough: number): LaneAct {
    const next = lane.next === unknownNext ? doneThrough + 1 : lane.next;
    return {
      lane,
      revision: null,
      event: { type: "lane.paused", data: { lane: lane.stream, next, at: lane.at.toString(), before: this.#stateOf(lane), act } },
      apply: () => {
        if (lane.next === unknownNext) lane.next = next;
        this.#leaveSubscription(lane);
        this.#dropQueue(lane);
        lane.paused = true;
      },
    };
  }

  /** The lane goes on where it was. @throws NOT_PAUSED */
  resume(stream: string, act: Act): LaneAct {
    const lane = this.#lanes.get(stream);
    if (!lane?.paused) throw new RepriseError("NOT_PAUSED", "The lane is not paused.");
    return {
      lane,
      revision: null,
      event: { type: "lane.resumed", data: { lane: stream, act } },
      apply: () => {
        lane.paused = false;
      },
    };
  }

  /** What waits for a retry is due now: the event at `next`, or a dead letter's replay. @throws LANE_PAUSED, NOT_BACKING_OFF */
  retryNow(stream: string, act: Act): LaneAct {
    const lane = this.#lanes.get(stream);
    if (lane?.paused) throw new RepriseError("LANE_PAUSED", "The lane is paused: it retries when it is resumed.");
    if (lane === undefined || (lane.dueMs === null && lane.replays.every(({ dueMs }) => dueMs === null)))
      throw new RepriseError("NOT_BACKING_OFF", "The lane does not wait for a retry.");
    const { dueMs } = lane;
    const waiting = new Map(lane.replays.map((replay) => [replay, replay.dueMs]));
    return {
      lane,
      revision: null,
      event: { type: "lane.retried", data: { lane: stream, act } },
      apply: () => {
        // What failed again meanwhile has a wait of its own.
        if (lane.dueMs === dueMs) lane.dueMs = null;
        for (const replay of lane.replays) if (replay.dueMs === waiting.get(replay)) replay.dueMs = null;
      },
    };
  }

  #stateOf(lane: Lane): LaneState {
    if (lane.paused) return "paused";
    if (lane.blockedBy !== null || (this.#options.ordering === "strict" && lane.letters.size > 0)) return "blocked";
    if (lane.dueMs !== null) return "backing_off";
    return lane.detached ? "behind" : "flowing";
  }

  #letterFor(stream: string, revision: number, orWaits?: "or it waits"): { readonly lane: Lane; readonly letter: Letter } {
    const lane = this.#lanes.get(stream);
    const letter = lane?.letters.get(revision);
    if (lane === undefined || letter === undefined) throw new RepriseError("NOT_DEAD_LETTERED", "The delivery is not dead-lettered any more.");
    const replay = lane.replays.find((each) => each.revision === revision);
    const runs = replay !== undefined && lane.running?.replay === replay && !lane.running.concluded;
    if (replay !== undefined && (runs || orWaits === undefined)) throw new RepriseError("DELIVERY_RUNNING", "A replay of this dead letter is under way.");
    return { lane, letter };
  }

  // Rules -------------------------------------------------------------------------------------------------------------------------------------

  #mayRunLive(lane: Lane): boolean {
    return !lane.paused && lane.acts === 0 && lane.blockedBy === null && lane.dueMs === null && !(this.#options.ordering === "strict" && lane.letters.size > 0);
  }

  #liveReady(lane: Lane): boolean {
    return lane.queue.length > 0 && this.#mayRunLive(lane);
  }

  /** Orders of a lane run in revision order; a later one waits while the first is in back-off. */
  #replayReady(lane: Lane): LetterReplay | undefined {
    const first = lane.replays[0];
    return first !== undefined && first.event !== null && first.dueMs === null && !lane.paused && lane.acts === 0 ? first : undefined;
  }

  /** The loan that has the lane. What ran at a crash comes first. */
  #loanOf(lane: Lane): LaneLoan | undefined {
    return this.#alone.has(lane) ? undefined : lane.loans[0];
  }

  #workOf(lane: Lane): Work | undefined {
    const loan = this.#loanOf(lane);
    if (loan !== undefined)
      return loan.call === null || lane.paused || lane.acts > 0 ? undefined : { event: loan.call.event, replay: null, loan, replayId: loan.replayId };
    const replay = this.#replayReady(lane);
    const replayed = replay && { event: replay.event!, replay, loan: null, replayId: replay.replayId };
    const event = this.#liveReady(lane) ? lane.queue.first() : undefined;
    // A relaxed lane goes on while its letter waits for a turn.
    if (replayed && (event === undefined || !this.#needsTurn(lane, replayed))) return replayed;
    if (event === undefined) return undefined;
    return { event, replay: null, loan: null, replayId: lane.pace !== null && event.revision <= lane.pace.through ? lane.pace.replayId : null };
  }

  #needsTurn(lane: Lane, { replay, loan, replayId }: Work): boolean {
    if (replayId === null || (lane.turn?.granted && lane.turn.replayId === replayId)) return false;
    return (replay === null && loan === null) || this.#paced.has(replayId); // a follower also waits for a pace that is not told yet
  }

  #freeSlots(): number {
    return this.#options.concurrency - this.#slotsTaken;
  }

  #mayGrant(): boolean {
    return this.#holds.size === 0 && !this.#recorder.isFull() && this.#alone.size === 0;
  }

  #recordedEnough(lane: Lane): boolean {
    if (lane.recordedIn <= this.#recorder.stored) lane.unflushed = 0;
    const enough = this.#options.record === "each" ? lane.recordedIn <= this.#recorder.stored : !lane.detached || lane.unflushed < laneBatch;
    if (!enough) this.#awaitingFlush.add(lane);
    return enough;
  }

  /** Puts the lane where it belongs after a change: ready, to be read, idle, or nowhere. */
  #refresh(lane: Lane): void {
    if (lane.running !== null) return;
    // Also beside events that are ready: a relaxed lane's next ones may never end, or may themselves wait for this letter to run alone.
    const toRead = lane.acts === 0 && lane.replays.length > 0 && !lane.reading && lane.replays.some((replay) => replay.event === null);
    if (toRead) this.#toRead.add(lane);
    const work = this.#workOf(lane);
    if (work !== undefined) {
      if (work.loan === null && !this.#recordedEnough(lane)) return;
      if (this.#needsTurn(lane, work)) this.#paced.wait(lane, work.replayId!);
      else this.#ready.add(lane);
      const replay = work.replay ?? this.#replayReady(lane);
      if (work.loan === null && replay !== undefined && work.replay === null) this.#paced.wait(lane, replay.replayId);
      return;
    }
    if (this.#loanOf(lane) !== undefined) return;
    if (lane.reading || toRead || lane.queue.length > 0) return;
    if (lane.detached) {
      if (!this.#mayRunLive(lane)) return;
      this.#passUnwanted(lane);
      this.#toRead.add(lane);
    }
  }

  /** Forgets lanes that have no work while there are many, a bounded number of looks at a time. */
  #forgetIdle(): void {
    const { idleLanes = defaultIdleLanes } = this.#options;
    for (let looks = 0; looks < sweepLooks && this.#lanes.size > idleLanes; looks++) {
      this.#sweep ??= this.#lanes.values();
      const { value: lane } = this.#sweep.next();
      if (lane === undefined) {
        this.#sweep = null; // once round
        return;
      }
      if (lane.isIdle() && lane.at <= this.#checkpoint.recorded) this.#lanes.delete(lane.stream);
    }
  }

  /** What the last reading passed over beyond the last wanted event needs no outcome. */
  #passUnwanted(lane: Lane): void {
    if (lane.readThrough >= lane.next) this.#advance(lane, lane.readThrough + 1, lane.at);
  }

  #advance(lane: Lane, next: number, at: Position): void {
    lane.next = Math.max(lane.next, next);
    if (lane.pace !== null && lane.next > lane.pace.through) this.#paced.follow(lane, null);
    if (at > lane.at) lane.at = at;
    lane.attempts = 0;
    lane.deferred = noDeferrals;
    lane.troubled = false;
    lane.dueMs = null;
    lane.blockedBy = null;
    this.#recorder.moved(lane);
  }

  #isRecorded(lane: Lane): boolean {
    return lane.detached || lane.letters.size > 0;
  }

  /** Does `change`, and keeps the count of lanes that the journal has to carry. */
  #recounting(lane: Lane, change: () => void): void {
    const before = this.#isRecorded(lane);
    change();
    this.#recordedLanes += Number(this.#isRecorded(lane)) - Number(before);
  }

  /** From now on its own stream feeds the lane, and the checkpoint passes it. */
  #leaveSubscription(lane: Lane): void {
    if (lane.detached) return;
    this.#recounting(lane, () => {
      lane.detached = true;
    });
    lane.seen = Math.max(lane.seen, lane.running?.event.revision ?? -1, lane.queue.last()?.revision ?? -1);
    this.#dropQueue(lane);
  }

  /** The queue is read again from `next` on. */
  #dropQueue(lane: Lane): void {
    lane.queue.clear();
    lane.readThrough = -1;
  }

  #detach(lane: Lane, why: JournalData["lane.detached"]["why"]): void {
    this.#leaveSubscription(lane);
    this.#recorder.fact({ type: "lane.detached", data: { lane: lane.stream, next: lane.next, at: lane.at.toString(), why } });
    this.#refresh(lane);
  }

  /** The subscription feeds the lane again: its last read was empty, and everything that the subscription brought meanwhile is done. */
  #attach(lane: Lane): void {
    this.#recounting(lane, () => {
      lane.detached = false;
    });
    lane.seen = -1;
    lane.readThrough = -1;
    this.#paced.follow(lane, null);
    this.#recorder.fact({ type: "lane.attached", data: { lane: lane.stream, at: lane.at.toString() } });
    this.#recorder.moved(lane);
    this.#refresh(lane);
  }

  #concludeLive(delivery: Delivery, verdict: Verdict, monotonicMs: number): void {
    const { lane, event, attempt } = delivery;
    switch (verdict.kind) {
      case "completed":
        if (lane.troubled) this.#recorder.completed({ ...about(lane, event), record: verdict.record });
        lane.failing = false;
        this.#forgetParts(lane, event.revision);
        this.#advance(lane, event.revision + 1, event.position);
        return;
      case "retry":
      case "defer":
        this.#recordWait(delivery, verdict);
        this.#leaveSubscription(lane);
        this.#dropQueue(lane);
        lane.next = event.revision;
        if (verdict.kind === "retry") lane.attempts = attempt;
        else Object.assign(lane, { attempts: attempt - 1, deferred: verdict.deferrals });
        lane.troubled = true;
        lane.failing = true;
        lane.dueMs = monotonicMs + verdict.waitMs;
        this.#wakeUps.add(lane.dueMs, lane);
        return;
      case "give_up":
        lane.failing = true;
        if (verdict.skip) {
          this.#settle(lane, event, { outcome: "skipped", cause: verdict.cause, act: { actor: "policy", reason: null }, record: verdict.record });
          return;
        }
        this.#giveUp(delivery, verdict);
        return;
      case "dropped":
        lane.failing = false;
        this.#settle(lane, event, { outcome: "skipped", cause: null, act: { actor: "policy", reason: verdict.reason }, record: null });
        return;
      case "newer_build":
        this.#block(lane, { why: "newer_build" });
        return;
      case "damaged":
        this.#block(lane, { why: "LOG_DAMAGED", detail: verdict.detail });
        return;
      case "put_back":
        this.#putBack(lane, event);
    }
  }

  #block(lane: Lane, block: { readonly why: LaneBlock; readonly detail?: string }): void {
    lane.blockedBy = block.why;
    this.#leaveSubscription(lane);
    this.#dropQueue(lane);
    this.#recorder.fact({ type: "lane.detached", data: { lane: lane.stream, next: lane.next, at: lane.at.toString(), ...block } });
  }

  #forgetParts(lane: Lane, revision: number): void {
    if (this.#parts.size === 0) return;
    const revisions = this.#parts.get(lane.stream);
    if (revisions?.delete(revision) && revisions.size === 0) this.#parts.delete(lane.stream);
  }

  #putBack(lane: Lane, event: StoredEvent): void {
    // A lane that was detached meanwhile reads it again.
    if (!lane.detached || lane.readThrough >= event.revision) lane.queue.unshift(event);
  }

  #concludeReplay(delivery: Delivery, replay: LetterReplay, verdict: Verdict, monotonicMs: number): void {
    const { lane, event, attempt } = delivery;
    const letter = lane.letters.get(event.revision);
    switch (verdict.kind) {
      case "completed": {
        lane.failing = false;
        const { actor, reason, replayId } = replay;
        const paceThrough = this.#pacesThrough(lane, replay);
        const paced = paceThrough === null ? {} : { paceThrough };
        this.#settle(lane, event, { outcome: "replayed", cause: null, act: { actor, reason, replayId }, record: verdict.record, ...paced });
        if (paceThrough !== null) this.#paced.follow(lane, { replayId, through: paceThrough });
        this.#endReplay(lane, replay, { outcome: "replayed" });
        return;
      }
      case "retry":
      case "defer":
        if (verdict.kind === "retry" && replay.leaving === "stop") {
          this.#concludeReplay(delivery, replay, lastOne(verdict), monotonicMs);
          return;
        }
        this.#recordWait(delivery, verdict);
        if (verdict.kind === "retry") {
          replay.failed++;
          if (letter) letter.attempts = attempt;
        }
        lane.failing = true;
        if (verdict.kind === "defer") replay.deferred = verdict.deferrals;
        replay.dueMs = monotonicMs + verdict.waitMs;
        if (replay.leaving !== null) this.#leave(lane, replay, replay.leaving);
        else this.#wakeUps.add(replay.dueMs, lane);
        return;
      case "give_up":
        lane.failing = true;
        this.#giveUp(delivery, verdict);
        this.#endReplay(lane, replay, { outcome: "dead_lettered", error: verdict.error });
        // Strict: what comes after it stays behind it. (Several letters in one lane are left from before the handler became strict.)
        if (this.#options.ordering === "strict")
          for (const later of lane.replays) this.#endReplay(lane, later, { outcome: "skipped", reason: "an earlier dead letter of its entity failed again" });
        return;
      case "dropped": {
        lane.failing = false;
        const { actor, replayId } = replay;
        const paceThrough = this.#pacesThrough(lane, replay);
        const paced = paceThrough === null ? {} : { paceThrough };
        this.#settle(lane, event, { outcome: "skipped", cause: null, act: { actor, reason: verdict.reason, replayId }, record: null, ...paced });
        if (paceThrough !== null) this.#paced.follow(lane, { replayId, through: paceThrough });
        this.#endReplay(lane, replay, { outcome: "skipped", reason: verdict.reason });
        return;
      }
      case "newer_build":
        this.#endReplay(lane, replay, { outcome: "skipped", reason: "newer_build" });
        return;
      case "damaged":
        this.#endReplay(lane, replay, { outcome: "skipped", reason: `LOG_DAMAGED: ${verdict.detail}` });
        return;
      case "put_back":
        if (replay.leaving !== null) this.#leave(lane, replay, replay.leaving);
    }
  }

  /** How far the events that this letter alone still holds stay on its replay's pace; null: not at all. */
  #pacesThrough({ letters, next }: Lane, { replayId, through }: LetterReplay): number | null {
    const releases = this.#options.ordering === "strict" && letters.size === 1 && this.#paced.has(replayId);
    return releases && through !== null && through >= next ? through : null;
  }

  #giveUp({ lane, event, attempt, round, replay, part }: Delivery, { cause, error, record }: Extract<Verdict, { kind: "give_up" }>): void {
    const escalated = cause === "unknown_outcome";
    this.#deadLetter(lane, event, {
      attempts: attempt,
      retryCount: round + 1,
      cause,
      error,
      escalated,
      record,
      ...which(part),
      ...(replay ? { replayId: replay.replayId } : {}),
    });
  }

  #recordWait({ lane, event, part }: Delivery, verdict: Extract<Verdict, { kind: "retry" | "defer" }>): void {
    const { record, retryAt } = verdict;
    const delivery = { ...about(lane, event), ...which(part) };
    if (verdict.kind === "retry") this.#recorder.fact({ type: "delivery.failed", data: { ...delivery, record, retryAt } });
    else this.#recorder.fact({ type: "delivery.deferred", data: { ...delivery, record, until: retryAt, deferred: verdict.deferrals } });
  }

  #endReplay(lane: Lane, replay: LetterReplay, end: LetterReplayEnd): void {
    lane.removeReplay(replay);
    this.#recorder.end(replay, end);
  }

  #settle(lane: Lane, event: Pointer, settled: Omit<JournalData["delivery.settled"], keyof ReturnType<typeof about> | "before">): void {
    const letter = lane.letters.get(event.revision);
    const before = letter && { before: letter.escalated ? ("escalated" as const) : ("dead_lettered" as const) };
    this.#recorder.fact({ type: "delivery.settled", data: { ...about(lane, event), ...before, ...settled } });
    this.#forgetParts(lane, event.revision);
    this.#recounting(lane, () => {
      if (!lane.removeLetter(event.revision)) this.#advance(lane, event.revision + 1, event.position);
    });
  }

  #deadLetter(
    lane: Lane,
    event: Pointer & { readonly type?: string },
    letter: Omit<JournalData["delivery.dead_lettered"], keyof ReturnType<typeof about> | "chain">,
  ): void {
    const chain = event.type === undefined ? "" : this.#options.chainFingerprint(event.type);
    this.#recorder.fact({ type: "delivery.dead_lettered", data: { ...about(lane, event), chain, ...letter } });
    this.#putLetter(lane, event, letter);
  }

  /** What is on record of a dead letter. */
  #putLetter(lane: Lane, event: Pointer, { attempts, escalated }: Pick<Letter, "attempts" | "escalated">): void {
    this.#leaveSubscription(lane);
    const goesOn = this.#options.ordering === "relaxed" && (lane.queue.first()?.revision ?? event.revision + 1) > event.revision;
    if (!goesOn) this.#dropQueue(lane); // a relaxed lane keeps what comes behind the letter
    const amended = lane.letters.get(event.revision)?.amended ?? null;
    lane.putLetter(event.revision, { at: event.position, eventId: event.id, attempts, escalated, replay: null, amended });
    if (event.revision >= lane.next) this.#advance(lane, event.revision + 1, event.position);
    this.#paced.follow(lane, null); // it stands still: whoever releases it says at which pace
  }

  #recordStarted({ lane, event, attempt, replay }: Delivery, alone: boolean): void {
    this.#recorder.fact({ type: "delivery.started", data: { ...about(lane, event), attempt, alone, ...(replay ? { replayId: replay.replayId } : {}) } });
  }

  // Recovery ----------------------------------------------------------------------------------------------------------------------------------

  /** A call that was on record and has no outcome: the process died meanwhile. */
  #recoverStarted(
    stream: string,
    revision: number,
    started: { readonly at: Position; readonly eventId: string; readonly attempt: number; readonly ends: Ends; readonly replayId: string | null },
  ): void {
    // A lane without a record was attached, and all of it before this call was recorded as done with the call.
    const lane = this.#lanes.get(stream) ?? new Lane(stream, revision);
    const letter = lane.letters.get(revision);
    if (letter === undefined && revision < lane.next) return;
    this.#lanes.set(stream, lane);
    const escalate = this.#options.unknownOutcome === "escalate";
    if (escalate || isCulprit(started.ends, this.#options.limits.maxCrashes)) {
      const error = escalate
        ? { type: "UnknownOutcome", message: "the process ended while the handler was called; what it did is unknown" }
        : { type: "ProcessCrash", message: crashMessage(started.ends) };
      this.#deadLetter(
        lane,
        { revision, position: started.at, id: started.eventId },
        {
          attempts: started.attempt,
          retryCount: 1,
          cause: escalate ? "unknown_outcome" : "crash",
          error,
          escalated: escalate,
          record: null,
          ...(started.replayId === null ? {} : { replayId: started.replayId }),
        },
      );
      lane.failing = true;
      return;
    }
    if (letter !== undefined) {
      letter.suspect = started.ends;
      return;
    }
    if (!this.#mayRunLive(lane)) return;
    if (!lane.detached) this.#detach(lane, "suspect");
    this.#suspect(lane, revision, started.ends);
  }

  #suspect(lane: Lane, revision: number, ends: Ends): void {
    this.#alone.set(lane, revision);
    this.#patienceMs.set(lane, alonePatienceMs(ends));
  }

  /** The next suspect that can run while nothing else does. */
  #pickAlone(): Lane | undefined {
    if (this.#slotsTaken > 0 || this.#aloneUntilFlush > this.#recorder.stored) return undefined;
    for (const [lane, revision] of this.#alone) {
      if (lane.acts > 0) continue; // in a moment
      const replay = lane.replays.find((each) => each.revision === revision);
      const first = lane.queue.first()?.revision;
      if (lane.running !== null)
        this.#endAlone(lane); // by a call that goes on long after its time-out: nobody knows for how long
      else if (replay !== undefined) {
        if (this.#replayReady(lane) === replay) return lane;
        if (replay.event !== null) this.#endAlone(lane); // it waits for its retry, or behind another
      } else if (this.#replayReady(lane) !== undefined)
        return lane; // it is read on once that is over
      else if (lane.next > revision || (first !== undefined && first > revision) || !lane.detached || !this.#mayRunLive(lane)) this.#endAlone(lane);
      else if (first !== undefined && this.#recordedEnough(lane)) return lane;
    }
    // When that was the last one, the others may go on.
    return this.#alone.size === 0 ? this.#ready.pick() : undefined;
  }

  #endAlone(lane: Lane): void {
    this.#alone.delete(lane);
    this.#patienceMs.delete(lane);
    this.#refresh(lane);
  }
}

type Pointer = Pick<StoredEvent, "revision" | "position" | "id">;

/** Since when the lane has not been free for the event that it is to start next; null: it is free. */
const busySinceMs = ({ running, loans }: Lane): number | null => loans[0]?.sinceMs ?? running?.startedMs ?? null;

/** A failure that would have been tried again, and is not. */
const lastOne = ({ record }: Extract<Verdict, { kind: "retry" }>): Verdict => ({
  kind: "give_up",
  record,
  cause: "exhausted",
  error: record.error ?? { type: "Error", message: "failed" },
  skip: false,
});

/** How the journal points at a delivery. */
const about = ({ stream }: Lane, { revision, position, id }: Pointer) => ({ lane: stream, revision, at: position.toString(), eventId: id });
const which = (part: Delivery["part"]) => (part === null ? {} : { part: part.index });
