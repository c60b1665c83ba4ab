/** `GET /events/stream`: events and the troubles of deliveries as they come, as server-sent events. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../event/clock.ts";
import { tokenOf } from "../console/session-cookie.ts";
import { EventStream, streamType } from "../event-stream.ts";
import { invalid, mustBeKnown, parseQuery } from "../parse.ts";
import { configOf } from "../route.ts";
import { messagesFor, place, streamHeaders, streamQuery, toWanted } from "../wire/stream.ts";
import { listOf, type RouteOptions } from "./options.ts";

export async function streamRoutes(app: FastifyInstance, { store, keys, sessions, clock }: RouteOptions & { readonly clock: Clock }): Promise<void> {
  const open = new Set<EventStream>();
  app.addHook("preClose", async () => {
    await Promise.all(Array.from(open, (stream) => stream.close()));
  });

  app.get("/events/stream", described, async (request, reply) => {
    const query = parseQuery(streamQuery, request);
    const { tenant, key } = request.caller;
    mustBeKnown(store.views, tenant, query);
    const from = lastEventId(request) ?? query.after ?? null;
    if (request.method === "HEAD") return reply.type(streamType).send();
    const stream = new EventStream(reply.raw, { clock, open: () => hijack(reply), mayGoOn: () => mayGoOn(request) });
    const followed = await store.following.follow({
      ...{ wanted: toWanted(tenant, query), from, owner: key?.tenant ?? null },
      ...{ sink: stream, encode: messagesFor(tenant), signal: stream.left },
    });
    open.add(stream);
    void stream.follow(followed).then(() => open.delete(stream));
    return reply;
  });

  /** A key that was revoked, or may do less than it might, ends what it has begun. */
  function mayGoOn(request: FastifyRequest): boolean {
    const { headers, raw, caller } = request;
    if (keys === null || caller.key === null) return true;
    try {
      const token = headers.authorization === undefined ? tokenOf(request) : undefined;
      const { id, tenant, role } = token === undefined || sessions === null ? keys.authenticate(headers.authorization, raw.socket) : sessions.find(token);
      return id === caller.key.id && tenant === caller.key.tenant && role === caller.key.role;
    } catch {
      return false;
    }
  }
}

const described = configOf({
  ...listOf.look,
  summary: "Follows events, and the troubles of their deliveries, as they come.",
  note: "Server-sent events: `event`, a CloudEvent of today's version; `delivery`; `behind` and `gone`, after which the stream ends. It goes on after `Last-Event-ID`, or `after`; with neither, from now on.",
  query: streamQuery,
  headers: streamHeaders,
  bodies: null,
  reply: streamType,
  codes: ["LIMIT_REACHED"],
});

function lastEventId({ headers }: FastifyRequest) {
  const given = headers["last-event-id"];
  if (given === undefined || given === "") return null;
  const read = place.safeParse(given);
  if (!read.success)
    throw invalid("The header Last-Event-ID is no place in this stream.", [{ pointer: "last-event-id", detail: read.error.issues[0]!.message }]);
  return read.data;
}

/** From here on the answer is the stream's own. Headers that were set so far stay. */
function hijack(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
  reply.hijack();
}
