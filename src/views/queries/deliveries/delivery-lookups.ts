import type { DeliveryReads } from "../../model/delivery.ts";
import type { Sources } from "../context.ts";
import { findEvent } from "../events/find-event.ts";
import { makeDeliveryReader } from "./delivery-reader.ts";
import type { DeliveryRow } from "./delivery-row.ts";
import { toKey } from "./event-key.ts";

export function makeDeliveryReads(sources: Sources): DeliveryReads {
  const { log } = sources;
  return {
    async deliveriesOf(tenant, id) {
      const delivery = sources
        .db()
        .get<{ event_id: string }>("select event_id from deliveries indexed by deliveries_by_id where delivery_id = ? and tenant = ?", id, tenant);
      const stored = await findEvent(log, tenant, delivery?.event_id ?? id);
      if (stored === undefined) return [];
      const all = makeDeliveryReader(sources).deliveries(toKey(stored), false);
      return delivery === undefined ? all : all.filter(({ deliveryId }) => deliveryId === id);
    },

    async recordedDelivery(tenant, id) {
      const row = sources
        .db()
        .get<DeliveryRow & { readonly stream: string }>(
          "select d.*, n.stream from deliveries d indexed by deliveries_by_id cross join entities n on n.id = d.entity where d.delivery_id = ? and d.tenant = ?",
          id,
          tenant,
        );
      if (row === undefined) return undefined;
      const { handler, stream, revision, event_id: eventId, status, error_type: type, error_message: message } = row;
      return { handler, stream, revision, eventId, status, error: type === null ? null : { type, message: message ?? "" } };
    },
  };
}
