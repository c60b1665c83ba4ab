/** One handler in this process: its partitions, each with a seat, and what they share: slots, and the handler's pause. */
import type { RepriseError } from "../../errors.ts";
import { partitionOf } from "../../event/partition-of.ts";
import type { Act } from "../../records/act.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import type { FlushPace } from "../dispatcher/flush-pace.ts";
import { PauseActs } from "../dispatcher/pause-acts.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import { configureHandler, type HandlerRecord } from "../journal/handler-stream.ts";
import { Slots } from "../partition/slots.ts";
import { inAgreement } from "./in-agreement.ts";
import { type Repaired, Seat, type SeatOptions } from "./seat.ts";

export interface HandlerPlaceOptions extends Omit<SeatOptions, "configure" | "partition" | "of" | "slots" | "pauses" | "flushPace" | "mayStart"> {
  /** Whether one of its partitions may start anything here. */
  readonly mayStart: (handler: string, of: number, partition: number) => boolean;
  /** How many partitions a new handler gets whose config says nothing. */
  readonly newPartitions: number;
  readonly flushPace: FlushPace;
}

export class HandlerPlace {
  readonly pauses: PauseActs;
  readonly #options: HandlerPlaceOptions;
  readonly #leaving = new AbortController();
  #seats: readonly Seat[] = [];

  constructor(options: HandlerPlaceOptions) {
    this.#options = options;
    this.pauses = new PauseActs({ ...options, handler: options.spec.name, signal: this.#leaving.signal });
  }

  get spec(): HandlerSpec {
    return this.#options.spec;
  }

  /** One of each partition, in order. */
  get seats(): readonly Seat[] {
    return this.#seats;
  }

  seatOf(stream: string): Seat {
    return this.#seats[partitionOf(stream, this.#seats.length)]!;
  }

  /** Why partitions stand still. */
  get faults(): readonly RepriseError[] {
    return this.#seats.flatMap(({ fault }) => (fault === null ? [] : [fault]));
  }

  /** Those of its partitions that work here. */
  working(): readonly Dispatcher[] {
    return this.#seats.flatMap(({ working }) => (working === null ? [] : [working]));
  }

  /** @throws NOT_OWNER or the fault, when none of its partitions works here. */
  someWorking(): readonly Dispatcher[] {
    const working = this.working();
    if (working.length === 0) this.mustWork();
    return working;
  }

  /** @throws NOT_OWNER or the fault, unless all of its partitions work here. */
  mustWork(): void {
    for (const seat of this.#seats) seat.mustWork();
  }

  /** Claims the journals of all partitions, where this instance takes over by itself; otherwise it says only what it has. */
  async open(): Promise<void> {
    const { takesOver } = this.#options;
    await inAgreement(async () => {
      const record = await this.#configure();
      this.#seats = this.#makeSeats(record.configured.partitions);
      try {
        if (takesOver) for (const seat of this.#seats) await seat.open(record);
        await record.record();
      } catch (error) {
        await Promise.all(this.#seats.map((seat) => seat.stop(0)));
        throw error;
      }
    });
  }

  /** Repairs each partition that stands still. @throws NOTHING_TO_REPAIR, NOT_OWNER, JOURNAL_DAMAGED */
  async repair(act: Act): Promise<Repaired> {
    const damaged = this.#seats.filter(({ fault }) => fault !== null && fault.code !== "FENCED");
    const repaired: Repaired[] = [];
    for (const seat of damaged.length > 0 ? damaged : this.#seats.slice(0, 1)) repaired.push(await seat.repair(act));
    const skipped = repaired.reduce((sum, each) => sum + each.skipped, 0);
    return { position: repaired.at(-1)!.position, skipped };
  }

  async stop(patienceMs: number): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.stop(patienceMs)));
    this.#leaving.abort();
  }

  async #configure(): Promise<HandlerRecord> {
    const record = await configureHandler(this.#options);
    this.pauses.become(record.paused);
    return record;
  }

  #makeSeats(of: number): readonly Seat[] {
    const { spec, flushPace, logger, takesOver } = this.#options;
    if (spec.partitions !== null && spec.partitions !== of)
      logger.warn(
        { handler: spec.name, partitions: of, config: spec.partitions },
        "the handler keeps the partitions that its journals were begun with, whatever the config says",
      );
    const shared = { slots: new Slots(spec.concurrency), pauses: this.pauses, flushPace: of === 1 && takesOver ? null : flushPace };
    return Array.from({ length: of }, (_, partition) => {
      const mayStart = () => this.#options.mayStart(spec.name, of, partition);
      return new Seat({ ...this.#options, ...shared, partition, of, mayStart, configure: () => this.#configure() });
    });
  }
}
