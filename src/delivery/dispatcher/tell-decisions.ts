import { toIso } from "../../event/clock.ts";
import { partDeliveryId } from "../../event/ids.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { DecisionNotice } from "../partition/open-decisions.ts";

const words = {
  opened: "a delivery waits for a person's decision",
  due_soon: "a delivery waits for a person's decision, and four fifths of the time for it are over",
  due: "a delivery waits for a person's decision, which is due now",
  expired: "nobody decided on a delivery in time: it is discarded as expired",
} as const satisfies Record<DecisionNotice["stage"], string>;

/** A line of the service's log for each. The reason is not in it: handlers make it, maybe of payloads. */
export function tellDecisions(logger: DeliveryLogger, handler: string, notices: readonly DecisionNotice[]): void {
  for (const { stream, revision, eventId, part, stage, dueAt } of notices) {
    const delivery_id = partDeliveryId(handler, stream, eventId, part);
    const about = { handler, event_id: eventId, delivery_id, revision, stage, due_at: dueAt === null ? null : toIso(dueAt) };
    if (stage === "opened") logger.info(about, words[stage]);
    else logger.warn(about, words[stage]);
  }
}
