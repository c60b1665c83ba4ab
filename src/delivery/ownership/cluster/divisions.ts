/** Sees to it that the cluster knows of each handler how many partitions it has: as the handler's own record says, whoever has divided it. */

import type { Clock } from "../../../event/clock.ts";
import { partitionOfJournal } from "../../../event/names.ts";
import { backOff } from "../../../event/waits.ts";
import type { EventLog } from "../../../log/event-log.ts";
import { readHandler } from "../../journal/handler-stream.ts";
import type { PartitionSeat } from "../partition-seat.ts";
import type { Steward } from "../rules/steward.ts";
import type { ClusterRecords } from "./cluster-records.ts";
import type { Holders } from "./holders.ts";

export interface DivisionsNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  /** This instance leaves. */
  readonly signal: AbortSignal;
  readonly holders: Holders;
  /** Told when it is known who holds the journals of new partitions. */
  readonly onLearned: () => void;
  readonly steward: Steward;
  readonly records: ClusterRecords;
}

const waits = { firstMs: 200, lastMs: 2000 };

export class Divisions {
  readonly #needs: DivisionsNeeds;
  #isLooking = false;

  constructor(needs: DivisionsNeeds) {
    this.#needs = needs;
  }

  /** A handler has these partitions from now on. */
  async divided(seats: readonly PartitionSeat[]): Promise<void> {
    const { holders, clock, signal, onLearned } = this.#needs;
    for (let failures = 0; !signal.aborted; failures++)
      try {
        await holders.learn(seats);
        return onLearned();
      } catch {
        await backOff(failures, waits, clock, signal); // the log tells what is wrong with it
      }
  }

  /** Nobody owns the partitions of before from then on. */
  look(seats: readonly PartitionSeat[]): void {
    const unknown = this.#isLooking ? undefined : seats.find((seat) => !this.#isKnown(seat));
    if (unknown !== undefined) void this.#agree(unknown);
  }

  /** True also before this instance takes part: it says then what it has. */
  #isKnown({ handler, of }: PartitionSeat): boolean {
    const { me, state } = this.#needs.steward;
    const member = me === null ? undefined : state.members.get(me);
    return member === undefined || (state.partitions.get(handler) === of && member.partitions.get(handler) === of);
  }

  /** This instance may be the one that is late, so it says nothing that the handler's record does not. */
  async #agree(seat: PartitionSeat): Promise<void> {
    const { log, records } = this.#needs;
    const { handler, of } = seat;
    this.#isLooking = true;
    try {
      const { journal } = await readHandler(log, handler);
      const isSo = journal !== null && partitionOfJournal(journal).of === of;
      if (isSo && !this.#isKnown(seat)) records.try({ type: "handler.partitioned", data: { handler, partitions: of } });
    } catch {
      // the log tells what is wrong with it
    } finally {
      this.#isLooking = false;
    }
  }
}
