/** One handler at work: feeds its partition from the log, calls the handler, writes the journal. The partition decides what to do. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { NewId } from "../../event/ids.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import { makeEffects } from "../effects/effects.ts";
import type { FollowUpAppends } from "../follow-ups/follow-up-appends.ts";
import { makeFollowUps } from "../follow-ups/follow-ups.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { CallsSeen } from "../handler-twin.ts";
import type { Member } from "../integrations/integration.ts";
import type { Claim } from "../journal/claim.ts";
import type { JournalStream } from "../journal/journal-stream.ts";
import type { DeliveryLimits } from "../limits.ts";
import { refusalOf } from "../ownership/condition.ts";
import type { Partition } from "../partition/partition.ts";
import type { SlotShare } from "../partition/slots.ts";
import type { AloneGate, GateMember } from "./alone-gate.ts";
import { CallJudge } from "./call-judge.ts";
import { Caller } from "./caller.ts";
import type { FlushPace } from "./flush-pace.ts";
import { JournalWriter } from "./journal-writer.ts";
import { LaneActs } from "./lane-acts.ts";
import { type ArchivedBefore, LaneReader } from "./lane-reader.ts";
import { LetterActs } from "./letter-acts.ts";
import { Lifetime, worksNoMore } from "./lifetime.ts";
import { Loans } from "./loans.ts";
import type { PauseActs } from "./pause-acts.ts";
import { Pump } from "./pump.ts";
import { ReplaySide } from "./replay-side.ts";
import { SharedPart } from "./shared-part.ts";
import { startReady } from "./start-ready.ts";
import { Subscriber } from "./subscriber.ts";
import { tellDecisions } from "./tell-decisions.ts";

export interface DispatcherOptions {
  readonly spec: HandlerSpec;
  readonly attempt: Attempt;
  readonly seen: CallsSeen;
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly archivedBefore?: ArchivedBefore | undefined;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  readonly limits: DeliveryLimits;
  /** A rule of retention has the texts of journals go in time. */
  readonly textsGo?: boolean;
  readonly gate: AloneGate;
  readonly logger: DeliveryLogger;
  readonly appends: FollowUpAppends;
  /** The handler's part in the integration that it calls; null: it has none. */
  readonly permits: Member | null;
  /** The handler's pause, which binds all its partitions. */
  readonly pauses: PauseActs;
  /** This partition's part in the handler's slots. */
  readonly slots: SlotShare;
  readonly flushPace: FlushPace | null;
  /** False while nobody has heard of this process for so long that another one may have taken over. */
  readonly mayStart: () => boolean;
  /** It has failed for good. */
  readonly onFault: () => void;
}

export interface RunningCall {
  readonly stream: string;
  readonly revision: number;
  /** It goes on although its time-out is over. */
  readonly stuck: boolean;
  readonly forMs: number;
}

/** The time for the last records of the journal: what is left of the patience, within these limits. */
const minReleaseMs = 500;
const maxReleaseMs = 3000;

export class Dispatcher {
  readonly letters: LetterActs;
  readonly lanes: LaneActs;
  readonly replays: ReplaySide;
  readonly claimed: Pick<Claim, "epoch" | "at">;
  /** Whether it works, and why not. */
  readonly life: Lifetime;
  readonly #options: DispatcherOptions;
  readonly #partition: Partition;
  readonly #pump: Pump;
  readonly #writer: JournalWriter;
  readonly #loans: Loans;
  readonly #caller: Caller;
  readonly #subscriber: Subscriber;
  readonly #reader: LaneReader;
  readonly #gateMember: GateMember;
  readonly #shared: SharedPart;

  constructor(
    options: DispatcherOptions,
    { journal, partition, claimed }: { readonly journal: JournalStream; readonly partition: Partition; readonly claimed: Pick<Claim, "epoch" | "at"> },
  ) {
    this.#options = options;
    this.claimed = claimed;
    this.#partition = partition;
    const { log, clock, newId, spec, limits } = options;
    const handler = spec.name;
    this.life = new Lifetime({ handler, onFail: (fault, thrown) => this.#onFail(fault, thrown) });
    this.#pump = new Pump(clock, () => this.#look());
    const parts = { ...options, handler, journal, partition, life: this.life, pump: this.#pump };
    this.#writer = new JournalWriter({ ...parts, flushMs: limits.flushMs, call: (delivery) => this.#caller.run(delivery) });
    this.#loans = new Loans(parts);
    const [wake, wakeNextTurn] = [() => this.#pump.now(), () => this.#pump.nextTurn()];
    this.#shared = new SharedPart(options, { hold: (why, held) => partition.schedule.hold(why, held), wake, wakeNextTurn });
    const effects = makeEffects({ handler, log, clock, newId });
    const followUps = makeFollowUps({ ...options, handler });
    const called = { ...parts, epoch: claimed.epoch, judge: new CallJudge(options), effects, followUps };
    this.#caller = new Caller({ ...called, writer: this.#writer, loans: this.#loans });
    this.#subscriber = new Subscriber(parts);
    this.#reader = new LaneReader({ ...parts, loans: this.#loans });
    this.letters = new LetterActs({ ...parts, writer: this.#writer });
    this.lanes = new LaneActs({ ...parts, writer: this.#writer });
    this.replays = new ReplaySide({ ...parts, writer: this.#writer, loans: this.#loans });
    partition.schedule.hold("not_started", true);
    this.#gateMember = {
      wantsAlone: () => partition.suspects.any() && !this.life.isOver && !options.pauses.isPaused && options.permits?.isShut !== true,
      busy: () => this.#caller.isBusy(),
      gateMoved: () => this.#pump.now(),
    };
    options.gate.join(this.#gateMember);
  }

  /** Why nothing of it is delivered or recorded just now, although it works; it goes on by itself. */
  get troubles(): readonly string[] {
    const tooMany = this.#partition.reading.tooManyLanes()
      ? `${this.#options.limits.recordedLanes} lanes are blocked or behind, its limit: it reads no further until some flow again`
      : null;
    return [this.#writer.trouble, this.#subscriber.trouble, tooMany].filter((trouble) => trouble !== null);
  }

  /** Lanes that stand still at a damaged record of the log, and where it is. */
  get damaged(): ReadonlyMap<string, string> {
    return this.#caller.damaged;
  }

  start(): void {
    this.#partition.schedule.hold("not_started", false);
    this.#subscriber.start();
    this.#pump.now();
  }

  running(): readonly RunningCall[] {
    const nowMs = this.#options.clock.monotonicMs();
    return Array.from(this.#partition.schedule.running(), (delivery) => ({
      stream: delivery.lane.stream,
      revision: delivery.event.revision,
      stuck: this.#caller.isLate(delivery),
      forMs: nowMs - delivery.startedMs,
    }));
  }

  /**
   * Takes nothing new, lets what runs end within `patienceMs`, abandons the rest, and records all.
   *
   * @param keepIfBusy it goes on as before instead, when something still runs then. @returns whether it has stopped.
   */
  async stop(patienceMs: number, { keepIfBusy = false } = {}): Promise<boolean> {
    if (this.life.stopping) return true;
    const { clock } = this.#options;
    if (keepIfBusy) {
      this.#partition.schedule.hold("draining", true);
      const isIdle = await this.#caller.untilIdle(patienceMs, false);
      this.#partition.schedule.hold("draining", isIdle);
      this.#pump.now();
      if (!isIdle) return false;
    }
    const startedMs = clock.monotonicMs();
    this.#partition.schedule.hold("stopping", true);
    this.life.stop();
    this.#subscriber.wake();
    await this.#subscriber.ended;
    await this.#caller.untilIdle(patienceMs);
    this.life.abandonCalls();
    this.#shared.leave();
    this.#writer.cancelTimers();
    this.#pump.cancel();
    if (this.life.fault === null) await this.#writer.release(Math.min(maxReleaseMs, Math.max(minReleaseMs, patienceMs - (clock.monotonicMs() - startedMs))));
    this.#refuseAll(worksNoMore());
    this.#options.gate.leave(this.#gateMember);
    return true;
  }

  /** Looks whether the journal is still this process's, after a time in which nobody heard of it; if not, it stands still. */
  async checkOwnership(): Promise<void> {
    if (this.life.isOver) return;
    await this.#writer.checkOwnership();
  }

  /** Something outside has changed what may start. */
  lookAgain(): void {
    this.#pump.now();
  }

  /** Does all that the partition has ready now; nothing when nothing changed. */
  #look(): void {
    if (this.life.fault !== null) return;
    const { clock, gate, mayStart } = this.#options;
    const begunMs = clock.monotonicMs();
    this.#options.permits?.look(begunMs);
    this.#partition.ticks.tick(begunMs);
    this.#partition.schedule.hold("suspect_elsewhere", gate.holds(this.#gateMember));
    this.#partition.schedule.hold("no_sign_of_life", !mayStart());
    const nowMs = startReady(this.#partition, this.#caller, { clock, pump: this.#pump, begunMs });
    this.#reader.begin();
    this.#writer.flushWhenDue(nowMs);
    this.#subscriber.roomMayHaveCome();
    const nextMs = this.#partition.ticks.nextMs();
    if (nextMs !== null && !this.life.stopping) this.#pump.at(nextMs, nowMs);
    tellDecisions(this.#options.logger, this.#options.spec.name, this.#partition.decisions.takeNotices());
    gate.moved(this.#gateMember);
  }

  #onFail(fault: RepriseError, thrown: unknown): void {
    const { spec, logger, gate, onFault } = this.#options;
    logger.error({ handler: spec.name, err: thrown }, "the handler stops");
    this.#partition.schedule.hold("fault", true);
    this.#shared.leave();
    this.#subscriber.wake();
    this.#caller.stopWaiting();
    this.#refuseAll(refusalOf(fault));
    gate.moved(this.#gateMember);
    onFault();
  }

  /** Whoever still waits for a record or for an outcome will get none. */
  #refuseAll(error: RepriseError): void {
    this.#writer.refuse(error);
    this.#loans.refuse(error);
  }
}
