/** One handler in this process: its partitions, each with a seat, and what they share: slots, and the handler's pause. */
import { isLogTrouble, type RepriseError } from "../../errors.ts";
import { backOff } from "../../event/waits.ts";
import type { Act } from "../../records/act.ts";
import type { FlushPace } from "../dispatcher/flush-pace.ts";
import { PauseActs } from "../dispatcher/pause-acts.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import { configureHandler, type HandlerRecord } from "../journal/handler-stream.ts";
import { type Repaired, recordRepair } from "../journal/record-repair.ts";
import { Slots } from "../partition/slots.ts";
import { HandlerDivision } from "./handler-division.ts";
import { HandlerSeats } from "./handler-seats.ts";
import { inAgreement } from "./in-agreement.ts";
import { Seat, type SeatOptions } from "./seat.ts";

export interface HandlerPlaceOptions extends Omit<SeatOptions, "configure" | "partition" | "of" | "slots" | "pauses" | "flushPace" | "mayStart"> {
  /** Whether one of its partitions may start anything here. */
  readonly mayStart: (handler: string, of: number, partition: number) => boolean;
  /** How many partitions a new handler gets whose config says nothing. */
  readonly newPartitions: number;
  readonly flushPace: FlushPace;
  /** Whether the process of that name may still do what it has begun. */
  readonly isAtWork: (life: string) => boolean;
  /** Told when the handler has other partitions than before. */
  readonly onDivided: (place: HandlerPlace) => void;
}

const waits = { firstMs: 200, lastMs: 5000 };

export class HandlerPlace {
  readonly pauses: PauseActs;
  readonly seats = new HandlerSeats();
  readonly division: HandlerDivision;
  readonly #options: HandlerPlaceOptions;
  readonly #leaving = new AbortController();
  /** Before it: nothing is taken up any more. */
  readonly #stopping = new AbortController();
  #started = false;
  #following: Promise<void> | null = null;
  #reading: Promise<HandlerRecord> | null = null;

  constructor(options: HandlerPlaceOptions) {
    this.#options = options;
    this.pauses = new PauseActs({ ...options, handler: options.spec.name, signal: this.#leaving.signal });
    this.division = new HandlerDivision({
      ...options,
      signal: this.#stopping.signal,
      seats: this.seats,
      configure: () => this.#read(),
      settle: () => this.follow(),
    });
  }

  get spec(): HandlerSpec {
    return this.#options.spec;
  }

  /** Why it stands still, unless that is for a moment. */
  get faults(): readonly RepriseError[] {
    const { faults } = this.seats;
    return this.division.isExpected ? faults.filter(({ code }) => code !== "REPARTITION_RUNNING") : [...faults, ...this.division.faults];
  }

  /** Claims the journals of all partitions, where this instance takes over by itself; otherwise it says only what it has. */
  async open(): Promise<void> {
    const { takesOver } = this.#options;
    await inAgreement(async () => {
      const record = await this.#read();
      this.#sit(record.configured.partitions);
      if (record.repartitioning !== null) return this.division.found(record.repartitioning);
      try {
        if (takesOver) for (const seat of this.seats.all) await seat.open(record);
        await record.record();
      } catch (error) {
        await this.seats.stop(0);
        throw error;
      }
    });
  }

  /** What was claimed goes to work. */
  start(): void {
    this.#started = true;
    for (const seat of this.seats.all) seat.start();
  }

  /**
   * Has the events that are not the journals' own skipped, on record, and goes to work.
   *
   * @param elsewhere partitions that stand still at other instances. @throws NOT_OWNER, NOTHING_TO_REPAIR, JOURNAL_DAMAGED, LOG_UNAVAILABLE
   */
  async repair(act: Act, elsewhere: readonly number[]): Promise<Repaired> {
    const needs = { ...this.#options, signal: this.#leaving.signal };
    return this.seats.repair(act, async () => {
      const repaired: Repaired[] = [];
      for (const partition of elsewhere) repaired.push(await recordRepair(needs, { handler: this.spec.name, partition }, act));
      return repaired;
    });
  }

  /** Goes by what the log says of how the handler is divided. It tries until the log answers. */
  follow(): Promise<void> {
    this.#following ??= this.#follow().finally(() => {
      this.#following = null;
    });
    return this.#following;
  }

  async stop(patienceMs: number): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + patienceMs;
    this.#stopping.abort();
    await this.division.ended(patienceMs);
    void this.#following?.then(() => this.seats.stop(0)); // what it has claimed by then
    await this.seats.stop(Math.max(0, untilMs - clock.monotonicMs()));
    this.#leaving.abort();
  }

  async #follow(): Promise<void> {
    const { clock, logger, spec } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures++)
      try {
        return await inAgreement(() => this.#sitAnew());
      } catch (err) {
        if (!isLogTrouble(err)) logger.error({ handler: spec.name, err }, "the handler's partitions could not be taken up; tried again");
        await backOff(failures, waits, clock, signal);
      }
  }

  async #sitAnew(): Promise<void> {
    const { takesOver, onDivided, onTaken, spec } = this.#options;
    const record = await this.#read();
    if (record.repartitioning !== null) return this.division.found(record.repartitioning);
    const isStill = this.division.over();
    if (record.configured.partitions === this.seats.all.length && !(takesOver && isStill)) return;
    await this.seats.stop(0);
    this.#sit(record.configured.partitions);
    onDivided(this);
    if (!takesOver) return;
    for (const seat of this.seats.all) await seat.open(record);
    await record.record();
    if (this.#started) this.start();
    onTaken(spec.name);
  }

  async #read(): Promise<HandlerRecord> {
    const record = await configureHandler(this.#options);
    this.pauses.become(record.paused);
    return record;
  }

  /** As a seat asks for it, several at once: where the handler is divided otherwise by now, or about to be, all seats hear of it. */
  async #configure(): Promise<HandlerRecord> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    const record = await this.#reading;
    const isOther = record.configured.partitions !== this.seats.all.length || (record.repartitioning !== null) !== (this.division.fault !== null);
    if (isOther) void this.follow();
    return record;
  }

  #sit(of: number): void {
    const { spec, flushPace, logger, takesOver } = this.#options;
    if (spec.partitions !== null && spec.partitions !== of)
      logger.warn(
        { handler: spec.name, partitions: of, config: spec.partitions },
        `the handler keeps the ${of} ${of === 1 ? "partition" : "partitions"} that its journals have, whatever the config says: \`reprise handlers repartition ${spec.name} --partitions ${spec.partitions}\` divides it anew`,
      );
    const shared = { slots: new Slots(spec.concurrency), pauses: this.pauses, flushPace: of === 1 && takesOver ? null : flushPace };
    const seats = Array.from({ length: of }, (_, partition) => {
      const mayStart = () => this.#options.mayStart(spec.name, of, partition);
      return new Seat({ ...this.#options, ...shared, partition, of, mayStart, configure: () => this.#configure() });
    });
    this.seats.become(seats);
  }
}
