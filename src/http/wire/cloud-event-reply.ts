/** Events as CloudEvents, for readers: as webhooks get them, without what belongs to one delivery. */
import { z } from "zod";
import { cloudEventOf } from "../../delivery/attempt/cloud-event.ts";
import { priorities } from "../../event/event.ts";
import type { EventView } from "../../views/model/event.ts";
import { count, data } from "./reply-members.ts";

export const cloudEventReply = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string(),
    type: z.string(),
    source: z.string(),
    subject: z.string(),
    time: z.iso.datetime({ offset: true }),
    datacontenttype: z.string(),
    schemaversion: count,
    revision: count,
    recordedtime: z.iso.datetime(),
    tenant: z.string(),
    priority: z.enum(priorities),
    correlationid: z.string().optional(),
    causationid: z.string().optional(),
    traceparent: z.string().optional(),
    callchain: z.string().optional(),
    contextrefs: z.string().optional(),
    originid: z.string().optional(),
    partindex: count.optional(),
    partcount: count.optional(),
    dataerror: z.string().optional(),
    dropped: z.string().optional(),
    data,
  })
  .catchall(z.union([z.string(), z.number(), z.boolean()]));

export const cloudEventBatchReply = z.array(cloudEventReply);

/**
 * An event that was split is its parts. One whose data cannot be lifted has the reason as `dataerror`, one that a step drops as `dropped`; both have null as data.
 *
 * @param as `stored`: type, version and data are what the log holds.
 */
export function toCloudEvents(event: EventView, as: "current" | "stored" | "archived" = "current"): readonly object[] {
  if (as === "stored") return [cloudEventOf({ ...described(event), ...event.stored }, {})];
  if (event.parts === null) return [cloudEventOf(described(event), { dataerror: oneLine(event.dataError), dropped: oneLine(event.dropped) })];
  return event.parts.map((part, index) =>
    cloudEventOf({ ...described(event), ...part }, { originid: event.id, partindex: index, partcount: event.parts!.length }),
  );
}

function described(event: EventView): Parameters<typeof cloudEventOf>[0] {
  return {
    ...event,
    metadata: {
      priority: event.priority,
      correlationId: event.correlationId ?? undefined,
      causationId: event.causationId ?? undefined,
      traceparent: event.traceparent ?? undefined,
      callChain: event.callChain ?? undefined,
      contextRefs: event.contextRefs ?? undefined,
      extensions: event.extensions ?? undefined,
    },
  };
}

/** Attributes have no control characters. */
function oneLine(text: string | null): string | undefined {
  return text === null ? undefined : text.replace(/[\p{Cc}\p{Cs}]+/gu, " ");
}
