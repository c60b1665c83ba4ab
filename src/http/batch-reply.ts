/** Answers with events as a batch of CloudEvents, to who asks for one by `Accept`. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { EventView } from "../views/model/event.ts";
import { preferredKind } from "./accept.ts";
import { cloudEventBatchType } from "./body.ts";
import { mountOf } from "./mount.ts";
import { cloudEventBatchReply, toCloudEvents } from "./wire/cloud-event-reply.ts";

/** Of every read of events. */
export const cloudEventKinds = { [cloudEventBatchType]: cloudEventBatchReply };

export function asksForBatch({ headers }: FastifyRequest): boolean {
  return preferredKind(headers.accept, ["application/json", cloudEventBatchType]) === cloudEventBatchType;
}

interface Page {
  readonly as?: "current" | "stored" | "archived";
  /** Where the next page begins, and the member of the query that says so: a list has no place for it, so that it becomes a link (RFC 8288). */
  readonly next?: string | number | null;
  readonly name?: string;
}

export function sendBatch(reply: FastifyReply, events: readonly EventView[], { as, next = null, name = "" }: Page = {}): FastifyReply {
  if (next !== null) reply.header("link", `<${mountOf(reply.request)}${withQuery(reply.request.url, name, String(next))}>; rel="next"`);
  return reply.type(cloudEventBatchType).send(events.flatMap((event) => toCloudEvents(event, as)));
}

function withQuery(url: string, name: string, value: string): string {
  const [path, query] = url.split("?", 2);
  const members = new URLSearchParams(query);
  members.set(name, value);
  return `${path}?${members}`;
}
