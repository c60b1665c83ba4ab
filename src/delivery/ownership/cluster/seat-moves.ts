/** Claims partitions, lets them go, and aborts them, each one thing at a time. */
import { isRepriseError } from "../../../errors.ts";
import type { Clock } from "../../../event/clock.ts";
import { pause } from "../../../event/waits.ts";
import type { DeliveryLogger } from "../../delivery-logger.ts";
import type { PartitionSeat } from "../partition-seat.ts";
import { partitionKey } from "../rules/cluster-state.ts";
import { drainMs } from "../rules/hand-over.ts";
import type { SeatView, Todo } from "../rules/steward.ts";

export interface SeatMovesOptions {
  readonly seats: () => readonly PartitionSeat[];
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  /** Told when a partition was claimed or let go. */
  readonly onMoved: () => void;
  /** Told when a partition could not be let go of. */
  readonly onKept: (key: string) => void;
}

/** How often it is looked whether the calls of a partition have ended. */
const drainLookMs = 50;
/** Between two claims of a partition that failed. */
const retryMs = 2000;
const maxClaims = 16;

export class SeatMoves {
  readonly #options: SeatMovesOptions;
  readonly #moving = new Map<string, "claiming" | "draining">();
  /** Partitions that this process has worked on and has not cleared away. */
  readonly #worked = new Set<string>();
  readonly #notBefore = new Map<string, number>();

  constructor(options: SeatMovesOptions) {
    this.#options = options;
  }

  stateOf(key: string, seat: PartitionSeat): SeatView["state"] {
    const moving = this.#moving.get(key);
    if (moving !== undefined) return moving;
    if (seat.state === "unowned" && this.#worked.has(key)) this.#clear(key, seat); // it was fenced
    return seat.state;
  }

  do(todo: Extract<Todo, { readonly key: string }>): void {
    const { key } = todo;
    const seat = this.#options.seats().find(({ handler, of, partition }) => partitionKey(handler, of, partition) === key);
    if (seat === undefined) return;
    if (todo.kind === "abort")
      seat.abort("No sign of life of this instance was taken for too long, or it has lost its partitions: another one may own this one.");
    else if (this.#moving.has(key)) return;
    else if (todo.kind === "open") void this.#open(key, seat);
    else if (todo.kind === "release") void this.#release(key, seat, todo.keepIfBusy);
  }

  /** All at once, because the process stops. */
  async releaseAll(patienceMs: number): Promise<void> {
    const { seats, clock } = this.#options;
    const untilMs = clock.monotonicMs() + patienceMs;
    while (this.#moving.size > 0 && clock.monotonicMs() < untilMs) await pause(drainLookMs, clock); // what is claimed or let go of just now
    const leftMs = Math.max(0, untilMs - clock.monotonicMs());
    await Promise.all(seats().map((seat) => (seat.state === "unowned" ? undefined : seat.release(leftMs))));
  }

  async #open(key: string, seat: PartitionSeat): Promise<void> {
    const { clock, logger, onMoved } = this.#options;
    if (clock.monotonicMs() < (this.#notBefore.get(key) ?? Number.NEGATIVE_INFINITY)) return;
    if ([...this.#moving.values()].filter((moving) => moving === "claiming").length >= maxClaims) return;
    this.#moving.set(key, "claiming");
    try {
      const { epoch } = await seat.open();
      this.#worked.add(key);
      logger.info({ handler: seat.handler, partition: seat.partition, epoch }, "works on a partition");
    } catch (err) {
      this.#notBefore.set(key, clock.monotonicMs() + retryMs);
      if (!isRepriseError(err, "FENCED"))
        logger.error({ handler: seat.handler, partition: seat.partition, err }, "a partition could not be claimed; tried again");
    } finally {
      this.#moving.delete(key);
      onMoved();
    }
  }

  /** Nothing of the partition starts any more: what runs has `drainMs` to end. */
  async #release(key: string, seat: PartitionSeat, keepIfBusy: boolean): Promise<void> {
    const { logger, onMoved, onKept } = this.#options;
    this.#moving.set(key, "draining");
    try {
      if ((await seat.release(drainMs, { keepIfBusy })) === "kept") onKept(key);
      else {
        this.#worked.delete(key);
        logger.info({ handler: seat.handler, partition: seat.partition }, "let go of a partition");
      }
    } finally {
      this.#moving.delete(key);
      onMoved();
    }
  }

  #clear(key: string, seat: PartitionSeat): void {
    this.#worked.delete(key);
    this.#moving.set(key, "draining");
    const { onMoved } = this.#options;
    void seat.release(0).finally(() => {
      this.#moving.delete(key);
      onMoved();
    });
  }
}
