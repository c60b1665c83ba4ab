import type { EventMetadata } from "../../event/event.ts";
import { isTraceparent } from "../../event/marks.ts";

/** A call, as far as it is named in the operator's log. */
interface NamedCall {
  readonly event: { readonly id: string; readonly origin?: { readonly id: string } | null | undefined; readonly metadata: Pick<EventMetadata, "traceparent"> };
  readonly deliveryId: string;
  readonly attempt?: number;
}

/**
 * The ids under which a line of the operator's log, the API and the traces have the same call: `trace_id` is that of the append, to which the call's own span
 * is linked. Left out where the event has no trace.
 */
export function aboutCall(handler: string, { event, deliveryId, attempt }: NamedCall): object {
  const { traceparent } = event.metadata;
  return {
    ...{ handler, event_id: event.origin?.id ?? event.id, delivery_id: deliveryId },
    ...(attempt === undefined ? {} : { attempt }),
    ...(traceparent !== undefined && isTraceparent(traceparent) ? { trace_id: traceparent.split("-")[1] } : {}),
  };
}
