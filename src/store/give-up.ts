import type { Delivery } from "../delivery/delivery.ts";
import { RepriseError } from "../errors.ts";
import { positionText } from "../event/event.ts";
import { defaultTenant } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Views } from "../views/model.ts";
import type { Store } from "./store.ts";

/** What waits for its next attempt becomes a dead letter now, by an operator's decision. */
export function makeGiveUp({ log, views, delivery }: { readonly log: EventLog; readonly views: Views; readonly delivery: Delivery }): Store["giveUp"] {
  return async (deliveryId, { tenant = defaultTenant, actor = "local", reason }) => {
    await views.waitFor(await log.head());
    const found = await views.recordedDelivery(tenant, deliveryId);
    if (found === undefined)
      throw new RepriseError("NOT_FOUND", `No delivery ${deliveryId} is on record: only one that failed or was deferred can be given up.`);
    const { handler, stream, revision, eventId, status } = found;
    if (status !== "failed") throw new RepriseError("NOT_BACKING_OFF", `The delivery is ${status}: it does not wait for another attempt.`);
    const error = found.error ?? { type: "NotReady", message: "it was deferred" };
    const position = await delivery.giveUp(handler, stream, revision, { error, act: { actor, reason } });
    return { deliveryId, eventId, handler, position: positionText(position) };
  };
}
