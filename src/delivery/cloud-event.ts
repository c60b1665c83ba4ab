import type { AttemptRequest } from "./attempt.ts";

/** What Reprise says itself: a producer's extension of such a name is not sent on, or it could pass for ours. */
const reserved: ReadonlySet<string> = new Set([
  ...["specversion", "id", "type", "source", "subject", "time", "datacontenttype", "data", "data_base64"],
  ...["schemaversion", "revision", "recordedtime", "tenant", "priority", "correlationid", "causationid", "traceparent", "callchain", "contextrefs"],
  ...["deliveryid", "attempt", "replayid", "originid", "partindex", "partcount"],
]);

/** The body of a webhook: one CloudEvents 1.0 event in structured JSON, with the current data. */
export function toCloudEvent({ event, attempt, deliveryId, replay }: AttemptRequest): string {
  const { metadata } = event;
  return JSON.stringify({
    ...Object.fromEntries(Object.entries(metadata.extensions ?? {}).filter(([name]) => !reserved.has(name))),
    specversion: "1.0",
    id: event.id,
    type: event.type,
    source: event.source ?? "reprise",
    subject: `${event.entity.type}/${event.entity.id}`,
    time: event.occurredAt ?? event.recordedAt,
    datacontenttype: "application/json",
    schemaversion: event.schemaVersion,
    revision: event.revision,
    recordedtime: event.recordedAt,
    tenant: event.tenant,
    priority: metadata.priority,
    // Left out where undefined: CloudEvents knows no null, and no empty text here.
    correlationid: metadata.correlationId,
    causationid: metadata.causationId,
    traceparent: metadata.traceparent,
    callchain: metadata.callChain?.join(",") || undefined,
    contextrefs: metadata.contextRefs?.map(({ kind, ref }) => `${kind}:${ref}`).join(",") || undefined,
    deliveryid: deliveryId,
    attempt,
    replayid: replay?.id,
    originid: event.origin?.id,
    partindex: event.origin?.part,
    partcount: event.origin?.of,
    data: event.data,
  });
}
