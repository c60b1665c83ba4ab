import { partDeliveryId } from "../../event/ids.ts";
import { aboutCall } from "../attempt/about-call.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { Delivery } from "../partition/delivery.ts";

/** A line of the service's log for a call that goes on although its time is up. */
export function tellLate(logger: DeliveryLogger, handler: string, { event, attempt, lane, part }: Delivery): void {
  const id = partDeliveryId(handler, lane.stream, event.id, part?.index);
  logger.warn(aboutCall(handler, { event, attempt, deliveryId: id }), "a call goes on long after its time-out: its entity waits, its slot is free");
}
