import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import { type PositionText as Position, positionText } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Views } from "../views/model/views.ts";
import { actOf, callerOf, type FinalActOptions } from "./caller.ts";
import { recorded } from "./requests/on-record.ts";

export interface GivenUp {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly handler: string;
  readonly position: Position;
}

type GiveUp = (deliveryId: string, options: FinalActOptions) => Promise<GivenUp>;

interface GiveUpNeeds {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
}

/** An operator's act: makes a dead letter of a delivery that waits for its next attempt. */
export function makeGiveUp({ log, views, delivery }: GiveUpNeeds): GiveUp {
  return async (deliveryId, options) => {
    await views.waitFor(await log.head());
    const found = await views.recordedDelivery(callerOf(options).tenant, deliveryId);
    if (found === undefined)
      throw new RepriseError("NOT_FOUND", `No delivery ${deliveryId} is on record: only one that failed or was deferred can be given up.`);
    const { handler, stream, revision, eventId, status } = found;
    const [done] = await recorded(options, "delivery.dead_lettered");
    if (done !== undefined) return { deliveryId, eventId, handler, position: positionText(done.position) };
    if (status !== "failed") throw new RepriseError("NOT_BACKING_OFF", `The delivery is ${status}: it does not wait for another attempt.`);
    const error = found.error ?? { type: "NotReady", message: "it was deferred" };
    const position = await delivery.must(handler).letters.giveUp(stream, revision, { error, act: actOf(options) });
    return { deliveryId, eventId, handler, position: positionText(position) };
  };
}
