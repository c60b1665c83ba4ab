import type { CurrentEvent, EventMetadata } from "../../event/event.ts";
import type { AttemptRequest } from "./attempt.ts";

/** Attributes that Reprise sets. A producer's extension with such a name is not sent on, because it could be taken for ours. */
const reserved: ReadonlySet<string> = new Set([
  ...["specversion", "id", "type", "source", "subject", "time", "datacontenttype", "data", "data_base64"],
  ...["schemaversion", "revision", "recordedtime", "tenant", "priority", "correlationid", "causationid", "traceparent", "callchain", "contextrefs"],
  ...["deliveryid", "attempt", "epoch", "replayid", "originid", "partindex", "partcount", "dataerror", "dropped"],
]);

type Described = Pick<CurrentEvent, "id" | "type" | "schemaVersion" | "entity" | "tenant" | "source" | "occurredAt" | "recordedAt" | "data" | "revision"> & {
  readonly metadata: { readonly [M in keyof EventMetadata]: EventMetadata[M] | undefined };
};

/** One CloudEvents 1.0 event with the current data. @param about further attributes, of the delivery. */
export function cloudEventOf(event: Described, about: object): object {
  const { metadata } = event;
  return {
    ...(metadata.extensions === undefined ? null : unreserved(metadata.extensions)),
    specversion: "1.0",
    id: event.id,
    type: event.type,
    source: event.source ?? "reprise",
    subject: `${event.entity.type}/${event.entity.id}`,
    time: event.occurredAt ?? event.recordedAt,
    datacontenttype: contentTypeOf(metadata.extensions?.datacontenttype),
    schemaversion: event.schemaVersion,
    revision: event.revision,
    recordedtime: event.recordedAt,
    tenant: event.tenant,
    priority: metadata.priority,
    // JSON leaves out what is undefined: CloudEvents knows neither null nor, in these, an empty text.
    correlationid: metadata.correlationId,
    causationid: metadata.causationId,
    traceparent: metadata.traceparent,
    callchain: metadata.callChain?.join(",") || undefined,
    contextrefs: metadata.contextRefs?.map(({ kind, ref }) => `${kind}:${ref}`).join(",") || undefined,
    ...about,
    data: event.data,
  };
}

function unreserved(extensions: object): object {
  return Object.fromEntries(Object.entries(extensions).filter(([name]) => !reserved.has(name)));
}

/** `application/json`, or any type whose name ends in `+json`. */
export const jsonContentType = /^[\w.-]+\/(?:[\w.+-]+\+)?json\s*(?:;.*)?$/i;

/** What the producer called its JSON; the data is JSON in every version. */
function contentTypeOf(sent: unknown): string {
  return typeof sent === "string" && jsonContentType.test(sent) ? sent : "application/json";
}

/** The body of a webhook: in structured JSON. */
export function toCloudEvent({ event, attempt, deliveryId, epoch, replay }: AttemptRequest): string {
  const { origin } = event;
  return JSON.stringify(
    cloudEventOf(event, { deliveryid: deliveryId, attempt, epoch, replayid: replay?.id, originid: origin?.id, partindex: origin?.part, partcount: origin?.of }),
  );
}
