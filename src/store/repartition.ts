/** Divides a handler's lanes into another number of partitions. */
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { type PositionText, positionText } from "../event/event.ts";
import { maxPartitions } from "../event/partition-of.ts";
import { within } from "../event/waits.ts";
import { type ActOptions, actOf } from "./caller.ts";

/** What has become of a division. */
export type RepartitionResult =
  /** `before`: the number of partitions until then. */
  | { readonly state: "repartitioned"; readonly partitions: number; readonly before: number; readonly position: PositionText }
  /** The handler has this number already. */
  | { readonly state: "unchanged"; readonly partitions: number }
  /** It takes longer than a caller should wait, and goes on. */
  | { readonly state: "repartitioning"; readonly partitions: number };

/** A drain takes up to fifteen seconds, and the rest as long as reading and writing what the handler's journals hold. */
const patienceMs = 45_000;

export function makeRepartition({ delivery, clock }: { readonly delivery: Pick<RunningHandlers, "must">; readonly clock: Clock }) {
  return async (name: string, partitions: number, options: ActOptions = {}): Promise<RepartitionResult> => {
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions)
      throw new RepriseError("REQUEST_INVALID", `partitions is ${JSON.stringify(partitions)}: it must be a whole number from 1 to ${maxPartitions}.`);
    const divided = delivery.must(name).repartition(partitions, actOf(options));
    divided.catch(() => {}); // whoever has asked may have stopped waiting
    const done = await within(divided, patienceMs, clock, () => null);
    if (done === null) return { state: "repartitioning", partitions };
    const { before, position } = done;
    return position === null ? { state: "unchanged", partitions } : { state: "repartitioned", partitions, before, position: positionText(position) };
  };
}
