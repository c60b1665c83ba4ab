import type { FastifyInstance, FastifyReply } from "fastify";
import { RepriseError } from "../../errors.ts";
import { canonicalId } from "../../event/ids.ts";
import { oneLetter } from "../../replay/find-letter.ts";
import { bodyOf, invalid, merge, mustBeKnown, parse, parseGet, parseQuery } from "../parse.ts";
import {
  amendRequest,
  deadLetterQuery,
  deadLetterStatsQuery,
  deadLettersQuery,
  discardBatchQuery,
  discardBatchRequest,
  discardRequest,
  replayBatchQuery,
  replayBatchRequest,
  replayRequest,
  toDeadLetterFilter,
} from "../wire/dead-letters.ts";
import type {
  DeadLetterDetailReply,
  DeadLetterStatsReply,
  DeadLettersReply,
  DiscardBatchReply,
  LetterActReply,
  ReplayBatchReply,
  ReplayedReply,
} from "../wire/dead-letters-replies.ts";
import {
  toDeadLetterDetailReply,
  toDeadLetterReply,
  toDeadLetterStatsReply,
  toDiscardBatchReply,
  toReplayBatchReply,
  toReplayedReply,
} from "../wire/dead-letters-replies.ts";
import { defined } from "../wire/defined.ts";
import type { GivenUpReply } from "../wire/deliveries.ts";
import { finalActRequest, handlerQuery, noQuery } from "../wire/members.ts";
import { callerOf, operate, type RouteOptions, read } from "./options.ts";

interface ById {
  readonly Params: { readonly id: string };
}

export async function deadLetterRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  app.get("/admin/dlq", read, async (request): Promise<DeadLettersReply> => {
    const { limit, offset, cursor, data, ...query } = await parseGet(deadLettersQuery, request, store.views);
    mustBeKnown(store.views, query);
    if (cursor !== undefined && offset > 0)
      throw invalid("A page is named by cursor or by offset.", [{ pointer: "?offset", detail: "stands beside a cursor" }]);
    const page = await store.views.deadLetters({ tenant: request.caller.tenant, ...toDeadLetterFilter(query) }, defined({ limit, offset, cursor, data }));
    return { events: page.events.map(toDeadLetterReply), total: page.total, limit, offset, next_cursor: page.nextCursor };
  });

  app.get("/admin/dlq/stats", read, async (request): Promise<DeadLetterStatsReply> => {
    const query = await parseGet(deadLetterStatsQuery, request, store.views);
    mustBeKnown(store.views, query);
    return toDeadLetterStatsReply(await store.views.deadLetterStats({ tenant: request.caller.tenant, ...toDeadLetterFilter(query) }));
  });

  app.get<ById>("/admin/dlq/:id", read, async (request): Promise<DeadLetterDetailReply> => {
    const { handler } = await parseGet(deadLetterQuery, request, store.views);
    const id = canonicalId(request.params.id);
    const letter = oneLetter(id, await store.views.findDeadLetters(request.caller.tenant, id), handler);
    if (letter === undefined) throw new RepriseError("NOT_FOUND", "There is no dead letter with this event or delivery id.");
    return toDeadLetterDetailReply(letter);
  });

  app.post<ById>("/admin/dlq/:id/replay", operate, async (request, reply): Promise<ReplayedReply> => {
    const { target_handler: targetHandler, ...act } = merge(parseQuery(handlerQuery, request), parse(replayRequest, bodyOf(request)));
    const result = await store.replay(canonicalId(request.params.id), { ...callerOf(request), ...defined({ ...act, targetHandler }) });
    if (result.status === "processing") accepted(reply, result.replayId);
    return toReplayedReply(result);
  });

  app.post<ById>("/admin/dlq/:id/amend", operate, async (request): Promise<LetterActReply> => {
    const act = merge(parseQuery(handlerQuery, request), parse(amendRequest, bodyOf(request)));
    const { entry, position } = await store.amend(canonicalId(request.params.id), { ...callerOf(request), ...defined(act) });
    return { ...toDeadLetterDetailReply(entry), position: String(position) };
  });

  app.post<ById>("/admin/dlq/:id/discard", operate, async (request): Promise<LetterActReply> => {
    const act = merge(parseQuery(handlerQuery, request), parse(discardRequest, bodyOf(request)));
    const { entry, position } = await store.discard(canonicalId(request.params.id), { ...callerOf(request), ...defined(act) });
    return { ...toDeadLetterDetailReply(entry), position: String(position) };
  });

  app.post<ById>("/deliveries/:id/give-up", operate, async (request): Promise<GivenUpReply> => {
    parseQuery(noQuery, request);
    const { reason } = parse(finalActRequest, bodyOf(request));
    const { deliveryId, eventId, handler, position } = await store.giveUp(canonicalId(request.params.id), { ...callerOf(request), reason });
    return { status: "dead_lettered", cause: "given_up", delivery_id: deliveryId, original_event_id: eventId, handler, position: String(position) };
  });

  app.post("/admin/dlq/replay-batch", operate, async (request, reply): Promise<ReplayBatchReply> => {
    const act = merge(parseQuery(replayBatchQuery, request), parse(replayBatchRequest, bodyOf(request)));
    const { reason, max_events: maxEvents, rate_per_second: ratePerSecond, migration, ...filter } = act;
    mustBeKnown(store.views, filter);
    const result = await store.replayBatch(toDeadLetterFilter(filter), { ...callerOf(request), ...defined({ reason, maxEvents, ratePerSecond, migration }) });
    if (result.remaining > 0) accepted(reply, result.replayId);
    return toReplayBatchReply(result);
  });

  app.post("/admin/dlq/discard-batch", operate, async (request): Promise<DiscardBatchReply> => {
    const { reason, resolution, max_events: maxEvents, ...filter } = merge(parseQuery(discardBatchQuery, request), parse(discardBatchRequest, bodyOf(request)));
    if (reason === undefined || reason.trim() === "")
      throw invalid("A discard is for good: it takes a reason.", [{ pointer: "#/reason", detail: "must say why" }]);
    mustBeKnown(store.views, filter);
    return toDiscardBatchReply(await store.discardBatch(toDeadLetterFilter(filter), { ...callerOf(request), reason, ...defined({ maxEvents, resolution }) }));
  });
}

/** Past its patience: it goes on, and its report tells how. */
function accepted(reply: FastifyReply, replayId: string): void {
  reply.code(202).header("location", `/replays/${encodeURIComponent(replayId)}`);
}
