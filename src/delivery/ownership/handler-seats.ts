/** The seats of all partitions of one handler in this process, however many it has just now. */
import type { RepriseError } from "../../errors.ts";
import { partitionOf } from "../../event/partition-of.ts";
import type { Act } from "../../records/act.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import type { Repaired } from "../journal/record-repair.ts";
import { refusalOf } from "./condition.ts";
import { type PartitionSeat, partitionSeatOf } from "./partition-seat.ts";
import type { Seat } from "./seat.ts";

export class HandlerSeats {
  #all: readonly Seat[] = [];
  #partitions: readonly PartitionSeat[] = [];

  /** One of each partition, in order. */
  get all(): readonly Seat[] {
    return this.#all;
  }

  /** The same, as the assignment of partitions to instances sees them. */
  get partitions(): readonly PartitionSeat[] {
    return this.#partitions;
  }

  /** Why partitions stand still. */
  get faults(): readonly RepriseError[] {
    return this.#all.flatMap(({ fault }) => fault ?? []);
  }

  /** From now on it has these, in the order of the partitions. */
  become(seats: readonly Seat[]): void {
    this.#all = seats;
    this.#partitions = seats.map(partitionSeatOf);
  }

  of(stream: string): Seat {
    return this.#all[partitionOf(stream, this.#all.length)]!;
  }

  /** Those of its partitions that work here. */
  working(): readonly Dispatcher[] {
    return this.#all.flatMap(({ working }) => (working === null ? [] : [working]));
  }

  /** @throws NOT_OWNER or the fault, when none of its partitions works here. */
  someWorking(): readonly Dispatcher[] {
    const working = this.working();
    if (working.length === 0) this.mustWork();
    return working;
  }

  /** @throws NOT_OWNER or the fault, unless all of its partitions work here. */
  mustWork(): void {
    for (const seat of this.#all) seat.mustWork();
  }

  /** @throws NOT_OWNER while another instance works on one of its partitions. */
  mustBeHere(): void {
    const fault = this.faults.find(({ code }) => code === "FENCED");
    if (fault !== undefined) throw refusalOf(fault);
  }

  /**
   * Repairs each partition that stands still.
   *
   * @param elsewhere does so for those that stand still at other instances. @throws NOTHING_TO_REPAIR, NOT_OWNER, JOURNAL_DAMAGED
   */
  async repair(act: Act, elsewhere: () => Promise<readonly Repaired[]>): Promise<Repaired> {
    const damaged = this.#all.filter(({ fault }) => fault !== null && fault.code !== "FENCED");
    const repaired = [...(await elsewhere())];
    for (const seat of damaged.length + repaired.length > 0 ? damaged : this.#all.slice(0, 1)) repaired.push(await seat.repair(act));
    const skipped = repaired.reduce((sum, each) => sum + each.skipped, 0);
    return { position: repaired.at(-1)!.position, skipped };
  }

  async stop(patienceMs: number): Promise<void> {
    await Promise.all(this.#all.map((seat) => seat.stop(patienceMs)));
  }
}
