/**
 * A random world around the real `Partition`: a log, a journal, crashes, stale reads, slow calls, discards, replays with their paces, pauses, cancels and
 * loans of lanes. It keeps its own account of what
 * a handler saw and says what was broken. Nothing here waits: time is a number.
 */
import { inspect } from "node:util";
import { fold } from "../../src/delivery/journal/fold.ts";
import { fromSnapshot, slicesOf, toSnapshot } from "../../src/delivery/journal/snapshot.ts";
import { emptyState, type PartitionState } from "../../src/delivery/journal/state.ts";
import { defaultDeliveryLimits } from "../../src/delivery/limits.ts";
import type { Delivery } from "../../src/delivery/partition/delivery.ts";
import { divide } from "../../src/delivery/partition/flush-appends.ts";
import { type Lane, unknownNext } from "../../src/delivery/partition/lane.ts";
import type { LaneAct } from "../../src/delivery/partition/lane-act.ts";
import type { LaneLoan, LoanedCall } from "../../src/delivery/partition/lane-loan.ts";
import { isRecorded, type LaneStanding, saysMore } from "../../src/delivery/partition/lane-standing.ts";
import type { LetterReplay } from "../../src/delivery/partition/letter.ts";
import type { PartitionOptions } from "../../src/delivery/partition/options.ts";
import { Pace } from "../../src/delivery/partition/pace.ts";
import { Partition } from "../../src/delivery/partition/partition.ts";
import type { Flush } from "../../src/delivery/partition/recorder.ts";
import type { Verdict } from "../../src/delivery/partition/verdict.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { Act } from "../../src/records/act.ts";
import type { AttemptRecord } from "../../src/records/attempt.ts";
import type { JournalData, JournalEvent } from "../../src/records/journal.ts";
import { ModelIntegration } from "./model-integration.ts";
import { ModelPeople } from "./model-people.ts";
import { SlotAccount } from "./slot-account.ts";
import { makeStoredEvent } from "./stored-event.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly ordering: "strict" | "relaxed";
  readonly record?: "batch" | "each";
  readonly unknownOutcome?: "repeat" | "escalate";
  readonly entities?: number;
  readonly concurrency?: number;
  readonly limits?: Partial<PartitionOptions["limits"]>;
  /** Events whose call kills the process. */
  readonly kills?: (event: StoredEvent) => boolean;
  /** Share of the steps with a call under way at which somebody kills the process from outside, beside the few ends of any run. */
  readonly killedShare?: number;
  /** The handler calls an integration, with a breaker, two slots and a rate. */
  readonly integration?: boolean;
  /** Some of what fails waits for people; what becomes of it when they do not decide in time. */
  readonly people?: "wait" | "reject";
  /** Operators deliver all dead letters again together, in one replay that does not stop by itself. */
  readonly together?: boolean;
}

/**
 * As text, but for the pace: when its replay is over, the lane lets go of it at once, and the journal's record with the next event.
 *
 * @param events of the lane's stream: passing those that nobody wants is no news for the journal.
 */
function standingOf(standing: LaneStanding, checkpoint: bigint, events: readonly StoredEvent[]): string {
  const { next, at, detached, blockedBy, paused, attempts, deferred, letters } = standing;
  const nextWanted = events.find(({ revision, type }) => revision >= next && type === "thing.happened")?.revision ?? null;
  const sorted = [...letters].sort(([a], [b]) => a - b);
  return inspect(
    {
      ...{ nextWanted, detached, blockedBy, paused, attempts, deferred },
      ahead: at > checkpoint && at, // a record that begins with a failed call does not know where the checkpoint's last event of the lane was
      letters: sorted.map(([revision, letter]) => ({ revision, ...letter, replay: null, suspect: null })),
    },
    { depth: 4, breakLength: Number.POSITIVE_INFINITY },
  );
}

/** Small, fast, good enough: mulberry32. */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Each start of its replay has to have taken a turn before. */
class CountedPace extends Pace {
  taken = 0;
  started = 0;

  override take(nowMs: number): boolean {
    const taken = super.take(nowMs);
    if (taken) this.taken++;
    return taken;
  }
}

/** A replay of one entity's history. */
interface Loaned {
  readonly loan: LaneLoan;
  readonly stream: string;
  next: number;
  /** When the retry that it waits for is due. */
  notBefore: number;
}

type Kind = "completed" | "retry" | "defer" | "give_up" | "skip" | "put_back" | "time_out" | "newer_build";

interface Account {
  /** Final outcomes that are certain: recorded, or returned to a living process. */
  readonly outcomes: string[];
  starts: number;
}

const act: Act = { actor: "local", reason: "planted" };

const laneName = (entity: number): string => `default.thing-${entity}`;

export class World {
  readonly random: () => number;
  readonly #options: WorldOptions;
  readonly log: StoredEvent[] = [];
  readonly #streams = new Map<string, StoredEvent[]>();
  readonly journal: JournalEvent[] = [];
  partition!: Partition;
  #cursor = 0;
  /** Length of the log at the claim. */
  #openedAt = 0n;
  #flush: Flush | null = null;
  #lastEnd: "told" | "not_told" = "told";
  /** Reads under way: what the node answered when it was asked. */
  #reads: { lane: Lane; replay: LetterReplay | null; call: { loan: LaneLoan; asked: LoanedCall } | null; events: StoredEvent[]; head: number }[] = [];
  /** Called and not returned; or returned and not settled. */
  #calls: { delivery: Delivery; concluded: boolean }[] = [];
  #now = 0;
  readonly broken: string[] = [];
  readonly account = new Map<string, Account>();
  /** Per lane: highest revision started live since the last (re)start. */
  #high = new Map<string, number>();
  /** Events with an outcome that is recorded, or of this life of the process: they never come again. */
  readonly #done = new Set<string>();
  /** Of split events: parts done in all lives, in this one, and on record; each the first part that is not. */
  readonly #partsDone = { ever: new Map<string, number>(), now: new Map<string, number>(), recorded: new Map<string, number>() };
  #letters = new Map<string, Set<number>>();
  /** Paused lanes, and what ran there when they were paused. */
  #paused = new Map<string, Delivery | null>();
  /** Pauses that look at their stream meanwhile. */
  #pausing: { lane: Lane; doneThrough: number }[] = [];
  /** `stream@revision` → where its newest amendment stands in the journal. */
  readonly #amended = new Map<string, number>();
  crashes = 0;
  #replays = 0;
  /** Of replays that have not ended; those of a former life are told again, or ended. */
  readonly #paces = new Map<string, CountedPace>();
  readonly #stopped = new Set<string>();
  /** Revisions of a lane that a loan delivers, in order. */
  #loans: Loaned[] = [];
  /** Those whose replay does not know its next call yet: the lane stays lent. */
  readonly #thinking = new Set<LaneLoan>();
  loaned = 0;
  #slots: SlotAccount;
  /** How often all slots were taken at once. */
  full = 0;
  /** Calls of dead letters whose start was on record before they had a slot; and those that had one while it was being recorded. */
  ahead = { stored: 0, underWay: 0 };
  /** Of the flush under way: how many calls it began with. */
  #intended = 0;

  readonly integration: ModelIntegration | null;
  readonly people: ModelPeople | null;
  #runs = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#slots = new SlotAccount(this.#concurrency());
    this.integration = options.integration ? new ModelIntegration() : null;
    this.people = options.people ? new ModelPeople(options.people) : null;
    this.random = makeRandom(options.seed);
    this.#open();
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  /** Any state must come out of any cut of the journal. */
  foldAll(): PartitionState {
    const state = emptyState();
    for (const [index, event] of this.journal.entries()) fold(state, event, index);
    return state;
  }

  checkSnapshotAt(cut: number): void {
    const before = emptyState();
    for (const [index, event] of this.journal.slice(0, cut).entries()) fold(before, event, index);
    const again = fromSnapshot(
      toSnapshot(before, "s", [...slicesOf(before, { bytes: 1 + Math.floor(this.random() * 600), letters: 1 + Math.floor(this.random() * 3) })]).map(
        (each) => JSON.parse(JSON.stringify(each.data)) as JournalData["snapshot"],
      ),
    );
    for (const [index, event] of this.journal.slice(cut).entries()) fold(again, event, cut + index);
    if (dump(again) !== dump(this.foldAll())) this.broken.push(`fold(snapshot at ${cut} + rest) differs from fold(all)`);
  }

  append(): void {
    const stream = laneName(Math.floor(this.random() * (this.#options.entities ?? 4)));
    const events = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, events);
    const type = this.random() < 0.2 ? "not.wanted" : "thing.happened";
    const position = BigInt(this.log.length + 1);
    const event = makeStoredEvent({
      id: `e${position}`,
      type,
      data: { parts: this.random() < 0.75 ? 1 : 2 + Math.floor(this.random() * 2) },
      metadata: { priority: this.pick(["low", "normal", "high", "critical"] as const) },
      stream,
      revision: events.length,
      position,
    });
    events.push(event);
    this.log.push(event);
    if (type === "thing.happened") this.account.set(event.id, { outcomes: [], starts: 0 });
  }

  /** One step of the world, by chance. */
  step(): void {
    const { killedShare = 0 } = this.#options;
    if (killedShare > 0 && this.#calls.length > 0 && this.random() < killedShare) this.crash();
    const act = this.random();
    if (act < 0.2) this.append();
    else if (act < 0.36) this.#subscribe(1 + Math.floor(this.random() * 6));
    else if (act < 0.5) this.#start();
    else if (act < 0.66) this.#return();
    else if (act < 0.76) for (let reads = this.#options.together ? 3 : 1; reads > 0; reads--) this.#read();
    else if (act < 0.89) this.#record();
    else if (act < 0.93) {
      this.#now += Math.floor(this.random() * 1500);
      if (this.random() < 0.2) this.#now += 20_000; // the thread was busy
      if (this.random() < 0.8) this.#tick(); // or the timer is late
    } else if (act < 0.95) this.#operate();
    else if (act < 0.96) this.#operateLane();
    else if (act < 0.965) this.#steer();
    else if (this.people !== null && act < 0.975) this.#answer();
    else if (act < 0.97) this.#turn();
    else if (act < 0.98) this.#borrow();
    else if (act < 0.991) {
      // Of both kinds: where events end the process themselves, all others are kills from outside, which accuse nobody.
      this.crash(this.#options.kills === undefined && this.random() < 0.5);
    } else this.#stop();
  }

  /** What time changes; what nobody decided on in time is over for this process. */
  #tick(): void {
    this.partition.ticks.tick(this.#now);
    if (this.#options.people !== "reject") return;
    for (const [stream, letters] of this.#letters)
      for (const revision of letters)
        if (this.partition.letters.get(stream, revision) === undefined) {
          letters.delete(revision);
          this.account.get(this.#streams.get(stream)![revision]!.id)!.outcomes.push("expired");
        }
  }

  /** The receiver goes, or comes back. */
  #turn(): void {
    if (this.integration !== null) this.integration.isDown = !this.integration.isDown;
  }

  /** No failures any more: everything must come to its end. */
  drain(): void {
    if (this.integration !== null) this.integration.isDown = false;
    // Operators resume what they paused. The build that starts now knows every version. What ran at a crash runs alone at first, and operators do not wait for that.
    if (this.random() < 0.5) this.crash();
    else this.#stop();
    for (const stream of [...this.#paused.keys()]) {
      this.#record(true);
      this.#resume(stream);
      this.#record(true);
    }
    for (const pace of this.#paces.values()) {
      pace.hold(false);
      pace.set(null, this.#now);
    }
    for (const [stream, letters] of this.#letters) for (const revision of letters) if (this.random() < 0.5) this.#order(stream, revision);
    for (let round = 0; round < 5000; round++) {
      this.#subscribe(50);
      this.#askAll();
      this.#start();
      while (this.#calls.length > 0) this.#finish(0, "completed"); // of a split event: part by part
      while (this.#readOne() || this.#answerRead(0, false));
      this.#record(true);
      this.#now += 61_000;
      this.#tick();
      for (const [stream, letters] of this.#letters)
        for (const revision of [...letters].sort((a, b) => a - b).slice(0, 1))
          if (this.#options.kills?.(this.#streams.get(stream)![revision]!)) this.#discard(stream, revision);
          else this.#order(stream, revision);
      if (
        round > 3 &&
        this.#cursor === this.log.length &&
        this.#calls.length === 0 &&
        [...this.account.values()].every(({ outcomes }) => outcomes.length > 0) &&
        !this.partition.flushes.dirty() &&
        this.#flush === null
      )
        break;
    }
    for (const [id, { outcomes }] of this.account) if (outcomes.length === 0) this.broken.push(`${id} has no outcome`);
    for (const replayId of this.#paces.keys()) if (this.partition.replays.followers(replayId) > 0) this.broken.push(`lanes still follow ${replayId}`);
    for (let round = 0; round < 4; round++) {
      while (this.#readOne() || this.#answerRead(0, false));
      this.#record(true);
    }
    this.#flush = this.partition.flushes.take(true);
    this.#record(true);
    const state = this.foldAll();
    const left = [...state.lanes].filter(([, lane]) => lane.detached || lane.letters.size > 0);
    if (state.started.size > 0) this.broken.push(`calls are left open in the journal: ${[...state.started.keys()].join()}`);
    if (state.parts.size > 0) this.broken.push(`parts are left in the journal: ${[...state.parts.keys()].join()}`);
    if (left.length > 0) this.broken.push(`lanes are left in the journal: ${dump({ ...state, lanes: new Map(left) })}`);
    if (state.checkpoint !== BigInt(this.log.length)) this.broken.push(`checkpoint ${state.checkpoint} of ${this.log.length}`);
  }

  /** @param isTold the process told its end itself; otherwise it was killed from outside. */
  crash(isTold = false): void {
    this.crashes++;
    this.#lastEnd = isTold ? "told" : "not_told";
    // What the process had sent may have been stored without its knowing.
    if (this.#flush !== null && this.random() < 0.6) this.#store(this.#flush, 0, this.random() < 0.5);
    this.#flush = null;
    this.#calls = [];
    this.#reads = [];
    this.#open();
  }

  #open(): void {
    const state = this.foldAll();
    const unclean = !state.clean;
    const readAhead = state.readAhead;
    const about = { owner: "o", build: "b", catalog: "c", readAhead: this.#limits().readAheadEvents, life: `life ${this.crashes}` };
    const claimed: JournalEvent = { type: "partition.claimed", data: unclean ? { ...about, lastEnd: this.#lastEnd } : about };
    this.journal.push(claimed);
    fold(state, claimed, this.journal.length - 1);
    this.#high = new Map();
    this.#slots = new SlotAccount(this.#concurrency());
    this.#pausing = [];
    this.#paused = new Map([...this.#paused.keys()].map((stream) => [stream, null])); // by our own account: not by what the fold says of it
    const folded = [...state.lanes].flatMap(([stream, lane]) => (lane.paused ? [stream] : []));
    if (folded.length !== this.#paused.size || folded.some((stream) => !this.#paused.has(stream)))
      this.broken.push(`paused are ${[...this.#paused.keys()].join()}, and by the journal ${folded.join()}`);
    if (unclean) this.#done.clear();
    this.#partsDone.now.clear();
    this.#letters = new Map([...state.lanes].filter(([, lane]) => lane.letters.size > 0).map(([stream, lane]) => [stream, new Set(lane.letters.keys())]));
    // What is recorded as done stays done; what was only in memory may come again.
    for (const [stream, lane] of state.lanes) this.#high.set(stream, lane.next - 1);
    this.integration?.open(this.#now);
    this.partition = new Partition(
      {
        permits: this.integration?.member ?? null,
        ordering: this.#options.ordering,
        record: this.#options.record ?? "batch",
        unknownOutcome: this.#options.unknownOutcome ?? "repeat",
        concurrency: this.#concurrency(),
        limits: this.#limits(),
        wanted: { has: (event) => event.type === "thing.happened" },
        chainFingerprint: () => "chain",
        ...(this.people && { decisions: this.people.times }),
        idleLanes: [0, 2, 1000][Math.floor(this.random() * 3)]!, // lanes are forgotten at once, soon, never
      },
      { state, unclean, readAhead, nowMs: this.#now, monotonicMs: this.#now },
    );
    // Recovery may give up what killed the process too often.
    for (const [stream, revisions] of state.started)
      for (const revision of revisions.keys())
        if (this.partition.letters.get(stream, revision)) this.#letters.set(stream, (this.#letters.get(stream) ?? new Set()).add(revision));
    this.#checkApproved(state);
    this.#loans = [];
    // Jobs that were cut off go on, or have ended.
    for (const [replayId, pace] of [...this.#paces])
      if (this.random() < 0.7) this.partition.replays.pace(replayId, pace);
      else this.#paces.delete(replayId);
    for (const replayId of this.partition.replays.unknownPaces()) this.#withdraw(replayId, "stop");
    this.#cursor = Number(state.checkpoint);
    this.#openedAt = BigInt(this.log.length);
  }

  /** What people approved is under way, whatever ended the process. */
  #checkApproved(state: PartitionState): void {
    for (const [stream, { letters }] of state.lanes)
      for (const revision of letters.keys()) {
        const lane = this.partition.lanes.pin(stream);
        const isDue = lane.letters.get(revision)?.approval?.isDue ?? false;
        if (isDue && !lane.replays.some((each) => each.revision === revision)) this.broken.push(`${stream}@${revision} was approved, and does not run`);
        this.partition.lanes.unpin(lane);
      }
  }

  #limits(): PartitionOptions["limits"] {
    return { ...defaultDeliveryLimits, readAheadEvents: 12, laneQueueEvents: 4, flushOutcomes: 6, ...this.#options.limits };
  }

  #concurrency(): number {
    return this.#options.concurrency ?? 3;
  }

  #subscribe(count: number): void {
    for (let taken = 0; taken < count && this.#cursor < this.log.length && this.partition.reading.hasRoom(); taken++)
      this.partition.reading.offer(this.log[this.#cursor++]!);
  }

  #start(): void {
    const before = new Set(this.partition.schedule.running());
    const alone = this.partition.suspects.any(); // what ran at a crash is brought to its end, whatever its replay's pace
    this.integration?.look(this.#now);
    const now = this.partition.schedule.start(this.#now);
    this.ahead.stored += now.filter(({ replay }) => replay !== null).length;
    if (this.integration?.member.isShut && now.length > 0) this.broken.push("something began while the integration was shut");
    if (
      this.integration?.member.isShut &&
      this.#calls.length === 0 &&
      this.partition.suspects.any() === false &&
      this.#flush === null &&
      this.partition.schedule.running().length === 0 &&
      this.partition.ticks.nextMs() === null
    )
      this.broken.push("nobody would look again when the integration may be back");
    const running = new Set(this.partition.schedule.running());
    for (const delivery of running) if (!before.has(delivery)) this.#takeSlot(delivery);
    this.#compareSlots();
    for (const delivery of running) if (!before.has(delivery) && !alone) this.#checkTurn(delivery);
    for (const { lane, event } of running)
      if (lane.running?.event !== event) this.broken.push(`${event.stream}@${event.revision} is among those that run, and does not`);
    for (const { delivery } of this.#calls)
      if (!running.has(delivery)) this.broken.push(`${delivery.event.stream}@${delivery.event.revision} runs, and is not among those that do`);
    this.#call(now);
  }

  #takeSlot(delivery: Delivery): void {
    const wrong = this.#slots.take(delivery);
    if (wrong !== null) this.broken.push(wrong);
    if (this.#slots.most === this.#concurrency()) this.full++;
  }

  /** A call has ended, or has outlived its time-out. */
  #giveBackSlot(delivery: Delivery, how: "settled" | "giveBackSlot"): void {
    this.partition.schedule[how](delivery);
    this.#slots.giveBack(delivery);
    this.#compareSlots();
  }

  #compareSlots(): void {
    const wrong = this.#slots.compare(this.partition.schedule.freeSlots());
    if (wrong !== null) this.broken.push(wrong);
  }

  /** Nothing of a replay starts while it is held, or after it was stopped. */
  #checkTurn({ lane, event, replay, loan }: Delivery): void {
    if (lane.loans.length > 0 && loan === null) this.broken.push(`${event.stream}@${event.revision} started in a lane that is lent`);
    const follows = replay === null && loan === null && lane.pace !== null && event.revision <= lane.pace.through ? lane.pace.replayId : null;
    const replayId = replay?.replayId ?? loan?.replayId ?? follows;
    if (replayId === null) return;
    const pace = this.#paces.get(replayId);
    if (pace !== undefined && ++pace.started > pace.taken) this.broken.push(`${event.stream}@${event.revision} started without a turn of ${replayId}`);
    if (pace?.held) this.broken.push(`${event.stream}@${event.revision} started while ${replayId} was held`);
    if (this.#stopped.has(replayId)) this.broken.push(`${event.stream}@${event.revision} started after ${replayId} was stopped`);
  }

  /** What ran at a crash runs alone, as long as the others have patience. */
  #checkAlone(delivery: Delivery): void {
    const beside = this.partition.schedule.running().filter((each) => each !== delivery && each.hasSlot);
    if (beside.length > 0 && [delivery, ...beside].some(({ loan }) => loan !== null && loan.ends !== null))
      this.broken.push(`${delivery.event.stream}@${delivery.event.revision} and a suspect of a replay run side by side`);
  }

  #loanedBy({ loan }: Delivery): Loaned {
    return this.#loans.find((each) => each.loan === loan)!;
  }

  #call(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const { event, replay, lane } = delivery;
      if (this.integration?.goesOut(delivery, this.#now) === false) {
        this.#refuse(delivery);
        continue;
      }
      if (this.#calls.some((call) => call.delivery.lane.stream === lane.stream)) this.broken.push(`two at once in ${lane.stream}`);
      const atPause = this.#paused.get(event.stream);
      if (atPause !== undefined && atPause !== delivery) this.broken.push(`${event.stream}@${event.revision} started in a paused lane`);
      this.#checkAlone(delivery);
      if (delivery.loan !== null) {
        if (this.#now < this.#loanedBy(delivery).notBefore) this.broken.push(`${event.stream}@${event.revision} was tried again before it was due`);
        this.#calls.push({ delivery, concluded: false });
        continue;
      }
      const amended = this.#amended.get(`${event.stream}@${event.revision}`);
      if (replay !== null && lane.letters.get(event.revision)?.amended?.revision !== amended)
        this.broken.push(`${event.stream}@${event.revision} is replayed without its amendment at ${amended}`);
      if (replay !== null && this.foldAll().started.get(event.stream)?.get(event.revision)?.attempt !== delivery.attempt)
        this.broken.push(`${event.stream}@${event.revision} is replayed before its start is on record`);
      const high = this.#high.get(event.stream) ?? -1;
      if (replay === null) {
        if (event.revision < high || this.#done.has(event.id)) this.broken.push(`${event.stream} went back to ${event.revision} after ${high}`);
        const blocking = [...(this.#letters.get(event.stream) ?? [])].filter((revision) => revision < event.revision);
        if (this.#options.ordering === "strict" && blocking.length > 0)
          this.broken.push(`${event.stream}@${event.revision} started above a letter at ${blocking[0]}`);
        const earlier = (this.#streams.get(event.stream) ?? []).filter(
          (each) =>
            each.revision < event.revision &&
            each.type === "thing.happened" &&
            this.account.get(each.id)!.outcomes.length === 0 &&
            !this.#letters.get(event.stream)?.has(each.revision),
        );
        if (earlier.length > 0) this.broken.push(`${event.stream}@${event.revision} started before ${earlier[0]!.revision} had an outcome`);
        this.#high.set(event.stream, Math.max(high, event.revision));
      }
      if (event.type !== "thing.happened") this.broken.push(`${event.id} is not wanted`);
      this.people?.starts(delivery);
      this.#beginPart(delivery);
      this.account.get(event.id)!.starts++;
      this.#calls.push({ delivery, concluded: false });
    }
    const killer = this.#calls.find(({ delivery, concluded }) => !concluded && this.#options.kills?.(delivery.event));
    if (killer) this.crash(true);
  }

  /** The integration is down since a moment ago: the call is put off, as `CallJudge` does. */
  #refuse(delivery: Delivery): void {
    if (delivery.loan !== null) {
      this.#calls.push({ delivery, concluded: false });
      this.#finish(this.#calls.length - 1, "put_back");
      return;
    }
    const { deferred } = delivery;
    const retryAt = new Date(this.#now + 100).toISOString();
    this.partition.outcomes.conclude(delivery, { kind: "defer", record: recordOf(delivery, "defer"), waitMs: 100, retryAt, deferrals: deferred }, this.#now);
    this.#giveBackSlot(delivery, "settled");
  }

  /** Parts in order, none left out, and none again but for those whose end a crash took. */
  #beginPart(delivery: Delivery): void {
    const { id } = delivery.event;
    const index = this.partition.parts.firstOf(delivery);
    const { ever, now, recorded } = this.#partsDone;
    if (index > (ever.get(id) ?? 0)) this.broken.push(`${id} begins with part ${index}, and the one before is not done`);
    if (index < (now.get(id) ?? recorded.get(id) ?? 0)) this.broken.push(`${id} begins again with part ${index}`);
    delivery.part = partsOf(delivery.event) === 1 ? null : { index, of: partsOf(delivery.event) };
  }

  #completePart(delivery: Delivery, record: AttemptRecord): void {
    const { event, part } = delivery;
    const done = part!.index + 1;
    this.#partsDone.ever.set(event.id, Math.max(done, this.#partsDone.ever.get(event.id) ?? 0));
    this.#partsDone.now.set(event.id, done);
    this.partition.parts.completed(delivery, record);
    this.#beginPart(delivery);
    if (delivery.part!.index !== done) this.broken.push(`${event.id} goes on with part ${delivery.part!.index} after ${done - 1}`);
  }

  #return(): void {
    if (this.#calls.length === 0) return;
    const index = Math.floor(this.random() * this.#calls.length);
    if (this.integration?.isDown && this.random() < 0.9) {
      this.#finish(index, this.random() < 0.9 ? "retry" : "time_out");
      return;
    }
    if (this.#options.together && this.#calls[index]!.delivery.replay === null && this.random() < 0.5) {
      this.#finish(index, "give_up");
      return;
    }
    const chance = this.random();
    this.#finish(
      index,
      chance < 0.55
        ? "completed"
        : chance < 0.7
          ? "retry"
          : chance < 0.76
            ? "defer"
            : chance < 0.86
              ? "give_up"
              : chance < 0.9
                ? "skip"
                : chance < 0.95
                  ? "put_back"
                  : chance < 0.98
                    ? "time_out"
                    : "newer_build",
    );
  }

  #verdictOn(delivery: Delivery, kind: Kind): Verdict {
    const record = recordOf(delivery, kind);
    const waitMs = Math.floor(this.random() * 2000);
    const retryAt = new Date(this.#now + waitMs).toISOString();
    const error = { type: "Error", message: "planted" };
    const heldMs = this.#tellIntegration(delivery, kind, waitMs);
    if (heldMs !== null)
      return {
        kind: "defer",
        record: recordOf(delivery, "defer"),
        waitMs: heldMs,
        retryAt: new Date(this.#now + heldMs).toISOString(),
        deferrals: delivery.deferred,
      };
    if (kind === "completed" || kind === "put_back" || kind === "newer_build") return { kind, record };
    if (kind === "give_up" && this.people !== null && this.random() < 0.6) {
      const when = this.random() < 0.5 ? "before" : "after";
      const asks = { becomes: "escalate", when, why: "planted", nowMs: this.#now } as const;
      return { kind: "give_up", record: when === "before" ? null : record, cause: "terminal", error, ...asks };
    }
    if (kind === "give_up" || kind === "skip")
      return { kind: "give_up", record, cause: "exhausted", error, becomes: kind === "skip" && delivery.replay === null ? "skip" : "dead_letter" };
    if (kind === "defer") return { kind, record, waitMs, retryAt, deferrals: { count: delivery.deferred.count + 1, ms: delivery.deferred.ms + waitMs } };
    // Half of the policies have an end, so that what a round took is on record.
    const { deferred } = delivery;
    const deferrals = this.random() < 0.5 ? null : { ...deferred, elapsedMs: (deferred.elapsedMs ?? 0) + waitMs };
    return { kind: "retry", record, waitMs, retryAt, deferrals };
  }

  /** @returns milliseconds to wait when the failure is the integration's. */
  #tellIntegration(delivery: Delivery, kind: Kind, waitMs: number): number | null {
    if (this.integration === null) return null;
    if (kind === "retry" || kind === "time_out") return this.integration.failed(delivery, this.#now);
    if (kind === "completed") this.integration.answered(delivery, this.#now);
    if (kind === "defer" && this.random() < 0.5) this.integration.busy(delivery, waitMs, this.#now);
    return null;
  }

  #finish(index: number, kind: Kind): void {
    const call = this.#calls[index]!;
    const { delivery } = call;
    const { event, replay } = delivery;
    if (delivery.loan !== null) {
      this.#calls.splice(index, 1);
      this.#finishLoan(delivery, kind);
      return;
    }
    if (!call.concluded) {
      const record = recordOf(delivery, kind);
      if (kind === "completed" && delivery.part !== null && delivery.part.index < delivery.part.of - 1) {
        this.#completePart(delivery, record);
        return;
      }
      const verdict = this.#verdictOn(delivery, kind);
      this.partition.outcomes.conclude(delivery, verdict, this.#now);
      const letters = this.#letters.get(event.stream) ?? new Set();
      this.#letters.set(event.stream, letters);
      if (kind === "completed" || (kind === "skip" && replay === null)) {
        this.account.get(event.id)!.outcomes.push(kind);
        this.#done.add(event.id);
        letters.delete(event.revision);
      } else if (kind === "give_up" || kind === "skip") letters.add(event.revision);
      call.concluded = true;
    }
    if (kind === "time_out") {
      if (this.random() < 0.5) this.#giveBackSlot(delivery, "giveBackSlot");
      return; // its call has not ended yet
    }
    this.#calls.splice(index, 1);
    this.#giveBackSlot(delivery, "settled");
  }

  #read(): void {
    if (this.random() < 0.6) this.#readOne();
    else if (this.#reads.length > 0) this.#answerRead(Math.floor(this.random() * this.#reads.length), this.random() < 0.1);
  }

  #readOne(): boolean {
    const wanted = this.partition.reading.next();
    if (wanted === undefined) return false;
    const { lane, from, replay, loan } = wanted;
    const events = this.#streams.get(lane.stream) ?? [];
    // A node that lags behind shows less of the stream; never less than what was there when the partition was claimed.
    const stale = this.random() < 0.2 ? Math.floor(this.random() * 3) : 0;
    const visible = events.filter((event, index) => event.position <= this.#openedAt || event.revision < from || index < events.length - stale);
    const one = events.filter((event) => event.revision === from);
    if (loan !== null) this.#reads.push({ lane, replay: null, call: { loan, asked: loan.call! }, events: one, head: 0 });
    else if (replay !== null) this.#reads.push({ lane, replay, call: null, events: one, head: 0 });
    else
      this.#reads.push({
        lane,
        ...{ replay, call: null },
        events: visible.filter((event) => event.revision >= from).slice(0, 1 + Math.floor(this.random() * 4)),
        head: visible.length - 1,
      });
    return true;
  }

  #answerRead(index: number, fails: boolean): boolean {
    const [read] = this.#reads.splice(index, 1);
    if (read === undefined) return false;
    if (fails) this.partition.reading.failed(read.lane);
    else if (read.call) this.partition.reading.loanRead(read.call.loan, read.call.asked, read.events[0]!);
    else if (read.replay) this.partition.reading.letterRead(read.lane, read.replay, read.events[0] ?? null);
    else this.partition.reading.laneRead(read.lane, read.events, read.head, this.#now);
    return true;
  }

  /** @param slow how often the append is still under way. */
  #record(whole = false, slow = 0.3): void {
    if (this.#flush === null) {
      this.#flush = this.partition.flushes.take();
      this.#intended = this.#flush?.intended.length ?? 0;
    }
    if (this.#flush === null || (!whole && this.random() < slow)) return;
    const at = this.#store(this.#flush, whole ? 0 : 0.2);
    this.#flush = null;
    const intended = this.partition.flushes.stored(at);
    this.ahead.underWay += intended.length - this.#intended;
    if (this.journal.length % 8 === 0 && !this.partition.flushes.dirty()) this.#checkStandings();
    this.#call(intended);
  }

  /** All is on record: the fold of the journal and the lanes at work, each by the rules it calls, have come to the same. */
  #checkStandings(): void {
    const state = this.foldAll();
    for (const [stream, events] of this.#streams) {
      const lane = this.partition.lanes.pin(stream);
      const record = state.lanes.get(stream);
      const text = (standing: LaneStanding): string => standingOf(standing, state.checkpoint, events);
      // The partition has forgotten a lane of which the checkpoint says all: what was opened here is new, and the journal's record may say no more.
      const forgotten = lane.next === unknownNext && (record === undefined || !saysMore(record, state.checkpoint));
      if (!forgotten && (record === undefined ? isRecorded(lane) : text(lane) !== text(record)))
        this.broken.push(`${stream} stands at ${text(lane)}, and by the journal at ${record && text(record)}`);
      if (lane.pace !== null && inspect(lane.pace) !== inspect(record?.pace)) this.broken.push(`${stream} follows a pace that the journal does not know`);
      this.partition.lanes.unpin(lane);
    }
  }

  /**
   * @param inPart the process ended between two of its appends.
   * @returns where the last act stands; null when there are none, or they were refused.
   */
  #store({ events, acts }: Pick<Flush, "events" | "acts">, refused = 0, inPart = false): number | null {
    const limits = { events: 1 + Math.floor(this.random() * 4), bytes: 1 + Math.floor(this.random() * 500) };
    const appends = divide(events, this.foldAll().checkpoint, limits);
    const sent = inPart ? appends.slice(0, Math.floor(this.random() * appends.length)) : appends;
    const stored = JSON.parse(JSON.stringify(sent.flat())) as JournalEvent[];
    this.journal.push(...stored);
    for (const event of stored) this.people?.stored(event, this.#now);
    for (const { type, data } of stored) if (type === "delivery.part_completed") this.#partsDone.recorded.set(data.eventId, data.part + 1);
    if (acts.length === 0 || inPart || this.random() < refused) return null;
    for (const each of acts) {
      this.journal.push(JSON.parse(JSON.stringify(each.event)) as JournalEvent);
      this.people?.stored(each.event, this.#now);
      this.#account(each);
    }
    return this.journal.length - 1;
  }

  /** An act that is on record now. */
  #account({ lane: { stream, running }, event }: LaneAct): void {
    const letters = this.#letters.get(stream) ?? new Set();
    this.#letters.set(stream, letters);
    if (event.type === "lane.paused") this.#paused.set(stream, running);
    else if (event.type === "lane.resumed") this.#paused.delete(stream);
    else if (event.type === "delivery.dead_lettered") letters.add(event.data.revision);
    else if (event.type === "delivery.amended") this.#amended.set(`${stream}@${event.data.revision}`, this.journal.length - 1);
    else if (event.type === "delivery.settled") {
      letters.delete(event.data.revision);
      this.account.get(event.data.eventId)!.outcomes.push("discarded");
    }
  }

  /** An operator's act goes with the next flush, and may be refused. */
  #act(judge: () => LaneAct): void {
    if (this.#flush !== null) return;
    try {
      this.#flush = this.partition.flushes.take(false, { acts: [judge()] });
      this.#intended = this.#flush?.intended.length ?? 0;
    } catch {
      // Refused at once: out of place.
    }
  }

  #resume(stream: string): void {
    this.#act(() => this.partition.lanes.resume(stream, act));
  }

  #operate(): void {
    const letters = [...this.#letters].flatMap(([stream, revisions]) => [...revisions].map((revision) => ({ stream, revision })));
    if (letters.length === 0) return;
    const { stream, revision } = this.pick(letters);
    const chance = this.random();
    if (chance < 0.6 && this.#options.together) this.#orderAll(letters);
    else if (chance < 0.6) this.#order(stream, revision);
    else if (chance < 0.8) this.#amend(stream, revision);
    else this.#discard(stream, revision);
  }

  /** Pauses, resumes, or retries now; a pause of a lane that nothing is known of takes a while. */
  #operateLane(): void {
    const stream = laneName(Math.floor(this.random() * (this.#options.entities ?? 4)));
    const chance = this.random();
    if (this.#pausing.length > 0 && chance < 0.5) {
      const { lane, doneThrough } = this.#pausing.splice(Math.floor(this.random() * this.#pausing.length), 1)[0]!;
      this.#act(() => this.partition.lanes.pause(lane, act, doneThrough));
      this.#record(true);
      this.partition.lanes.unpin(lane);
    } else if (chance < 0.5 && this.#streams.has(stream)) {
      const lane = this.partition.lanes.pin(stream);
      const done = this.#streams.get(stream)!.findLast(({ position }) => position <= this.partition.reading.position());
      this.#pausing.push({ lane, doneThrough: done?.revision ?? -1 });
    } else if (this.#paused.has(stream) && chance < 0.85) this.#resume(stream);
    else if (chance < 0.93) this.#act(() => this.partition.lanes.retryNow(stream, act));
    else
      for (const event of this.#streams.get(stream) ?? [])
        this.#act(() => this.partition.letters.giveUp(event, { part: null, error: { type: "Error", message: "given up" }, act }));
  }

  /** An append of its own, of a dead letter that is on record. */
  #amend(stream: string, revision: number): void {
    if (this.#flush !== null || !this.foldAll().lanes.get(stream)?.letters.has(revision)) return;
    let amended: LaneAct;
    try {
      amended = this.partition.letters.amend(stream, revision, { data: "amended", act });
    } catch {
      return; // refused: under way
    }
    this.partition.lanes.begin(amended);
    this.partition.lanes.end(amended, this.#store({ events: [], acts: [amended] }, 0.2));
  }

  #discard(stream: string, revision: number): void {
    this.#act(() => this.partition.letters.discard(stream, revision, act));
  }

  /** Somebody looks at what waits for people. */
  #answer(): void {
    const open = [...this.#letters].flatMap(([stream, revisions]) =>
      [...revisions].filter((revision) => this.partition.letters.get(stream, revision)?.decision).map((revision) => ({ stream, revision })),
    );
    if (open.length === 0) return;
    this.#record(true); // an act needs room in the next append
    const { stream, revision } = this.pick(open);
    this.#decide(stream, revision);
  }

  /** A person decides on what waits for one. */
  #decide(stream: string, revision: number): void {
    const { decisions } = this.partition;
    const isApproved = this.random() < 0.75;
    this.#act(() => (isApproved ? decisions.approve(stream, revision, { runId: `run${this.#runs++}`, act }) : decisions.reject(stream, revision, act)));
  }

  /** For a while there is nothing to do but that. */
  #orderAll(letters: readonly { readonly stream: string; readonly revision: number }[]): void {
    const replayId = `r${this.#replays++}`;
    if (this.random() < 0.8) this.#begin(replayId);
    for (const { stream, revision } of letters.toSorted((a, b) => a.revision - b.revision)) this.#order(stream, revision, { replayId, startsAhead: true });
    for (let turn = 0; turn < 60; turn++) {
      const act = this.random();
      if (act < 0.3) this.#start();
      else if (act < 0.55) this.#return();
      else if (act < 0.8) this.#read();
      else this.#record(false, 0.8);
    }
  }

  #order(stream: string, revision: number, together: Pick<LetterReplay, "replayId" | "startsAhead"> | null = null): void {
    if (this.partition.letters.get(stream, revision)?.decision) {
      this.#decide(stream, revision);
      return;
    }
    const known = [...this.#paces.keys()];
    const replayId = together?.replayId ?? (known.length > 0 && this.random() < 0.4 ? this.pick(known) : `r${this.#replays++}`);
    if (together === null && !this.#paces.has(replayId) && this.random() < 0.6) this.#begin(replayId);
    const through = this.#streams.get(stream)!.length - 1;
    try {
      this.partition.replays.begin(stream, revision, {
        replayId,
        actor: "local",
        reason: null,
        effects: "once",
        startsAhead: together?.startsAhead ?? this.random() < 0.7,
        ...(this.#paces.has(replayId) ? { through } : {}),
      });
    } catch {
      // Refused: under way, or an earlier one comes first.
    }
  }

  #begin(replayId: string): void {
    const pace = new CountedPace(this.random() < 0.5 ? null : 1 + Math.floor(this.random() * 20), this.#now);
    this.#paces.set(replayId, pace);
    this.partition.replays.pace(replayId, pace);
  }

  /** Pauses, lets go on, cancels, ends, or changes the rate of a replay. */
  #steer(): void {
    if (this.#paces.size === 0) return;
    const replayId = this.pick([...this.#paces.keys()]);
    const pace = this.#paces.get(replayId)!;
    const act = this.random();
    if (act < 0.25) {
      pace.hold(true);
      this.#withdraw(replayId, "pause");
    } else if (act < 0.6) pace.hold(false);
    else if (act < 0.75) pace.set(1 + Math.floor(this.random() * 50), this.#now);
    else this.#withdraw(replayId, "stop");
  }

  #withdraw(replayId: string, how: "pause" | "stop"): void {
    this.partition.replays.withdraw(replayId, how);
    const [mine, others] = [this.#loans.filter(({ loan }) => loan.replayId === replayId), this.#loans.filter(({ loan }) => loan.replayId !== replayId)];
    this.#loans = others;
    for (const each of mine)
      if (this.partition.loans.takeBack(each.loan, how) !== null || each.loan.call === null) this.partition.loans.end(each.loan);
      else each.next = Number.POSITIVE_INFINITY; // it runs, and is the last one
    this.#loans.push(...mine.filter(({ next }) => next === Number.POSITIVE_INFINITY));
    if (how === "pause") return;
    this.#stopped.add(replayId);
    this.#paces.delete(replayId);
    this.partition.replays.pace(replayId, null);
  }

  /** A replay of the history of one entity. */
  #borrow(): void {
    this.#askAll();
    const streams = [...this.#streams.keys()];
    if (streams.length === 0) return;
    const stream = this.pick(streams);
    const replayId = `h${this.#replays++}`;
    if (this.random() < 0.7) this.#begin(replayId);
    const loan = { loan: this.partition.loans.lend(stream, replayId, this.#now), stream, next: 0, notBefore: 0 };
    this.#loans.push(loan);
    this.#askFor(loan);
  }

  #askFor(loaned: Loaned): void {
    const { loan, stream, next } = loaned;
    const events = this.#streams.get(stream)!;
    if (next < events.length && next < 5) {
      // Some ran when the process died, and are suspects.
      const ends = this.random() < 0.1 ? { crashes: 1, kills: 0, told: 1 } : null;
      const replay = { id: loan.replayId, reason: null, mode: "run", effects: "once" } as const;
      loaned.notBefore = 0;
      const asked: LoanedCall = {
        ...{ revision: events[next]!.revision, read: async () => events[next]!, replay, before: null },
        ends,
        recordFirst: false,
        record: null,
        onNotAlone: null,
        source: { item: next, amended: false },
      };
      this.partition.loans.ask(loan, asked);
      // Mostly it is read in the same moment.
      if (loan.call === asked && !loan.lane.reading && this.random() < 0.8) this.partition.reading.loanRead(loan, asked, events[next]!);
      return;
    }
    this.#loans.splice(this.#loans.indexOf(loaned), 1);
    this.partition.loans.end(loan);
  }

  #finishLoan(delivery: Delivery, kind: Kind): void {
    const loaned = this.#loanedBy(delivery);
    const { failed } = loaned.loan;
    const verdict = this.#verdictOn(delivery, kind);
    const end = this.partition.outcomes.conclude(delivery, verdict, this.#now);
    this.#giveBackSlot(delivery, "settled");
    this.loaned++;
    if (end === null) {
      if (loaned.loan.failed !== failed + Number(verdict.kind === "retry")) this.broken.push(`${loaned.stream} miscounts its replay's failed calls`);
      loaned.notBefore = loaned.loan.dueMs ?? 0;
      return;
    }
    loaned.next++;
    if (this.random() < 0.3) this.#thinking.add(loaned.loan);
    else this.#askFor(loaned);
  }

  #askAll(): void {
    for (const loaned of this.#loans.filter(({ loan }) => this.#thinking.has(loan))) {
      this.#thinking.delete(loaned.loan);
      this.#askFor(loaned);
    }
  }

  #stop(): void {
    this.partition.schedule.hold("stopping", true);
    for (let index = this.#calls.length - 1; index >= 0; index--) {
      if (this.#calls[index]!.concluded) this.#finish(index, "completed");
      else this.#finish(index, "put_back");
    }
    if (this.#flush !== null) {
      const at = this.#store(this.#flush);
      this.#flush = null;
      for (const delivery of this.partition.flushes.stored(at)) this.#putBack(delivery);
    }
    const last = this.partition.flushes.take(true);
    if (last !== null) {
      this.#store(last);
      for (const delivery of this.partition.flushes.stored()) this.#putBack(delivery);
    }
    this.journal.push({ type: "partition.released", data: {} });
    this.#calls = [];
    this.#reads = [];
    this.#open();
  }

  #putBack(delivery: Delivery): void {
    this.partition.outcomes.conclude(delivery, { kind: "put_back" }, this.#now);
    this.#giveBackSlot(delivery, "settled");
  }
}

const recordOf = ({ attempt, replay }: Delivery, kind: Kind): AttemptRecord => ({
  attempt,
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
  outcome: kind === "completed" ? "completed" : "failed",
  class: kind === "completed" ? null : "transient",
  error: null,
  ...(replay ? { replayId: replay.replayId } : {}),
});

/** How many parts a chain makes of an event, in this world. */
const partsOf = (event: StoredEvent): number => (event.data as { readonly parts: number }).parts;

/** State as text, maps in order, so that two can be compared. */
export function dump(state: PartitionState): string {
  const lanes = [...state.lanes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([stream, lane]) => ({ stream, ...lane, letters: [...lane.letters].sort(([a], [b]) => a - b) }));
  return JSON.stringify(
    {
      checkpoint: state.checkpoint,
      clean: state.clean,
      readAhead: state.readAhead,
      lanes,
      attached: [...state.attached].sort(),
      started: [...state.started].sort(([a], [b]) => (a < b ? -1 : 1)).map(([lane, revisions]) => [lane, [...revisions].sort(([a], [b]) => a - b)]),
      parts: [...state.parts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([lane, revisions]) => [lane, [...revisions].sort(([a], [b]) => a - b)]),
    },
    (_key, value) => (typeof value === "bigint" ? value.toString() : value),
  );
}
