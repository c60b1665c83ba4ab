import type { FastifyInstance, FastifyReply } from "fastify";
import { RepriseError } from "../../errors.ts";
import { canonicalId } from "../../event/ids.ts";
import { oneLetter } from "../../replay/find-letter.ts";
import type { StoreCore } from "../../store/store.ts";
import { invalid, merge, mustBeKnown } from "../parse.ts";
import { makeRoutes } from "../route.ts";
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
import {
  deadLetterDetailReply,
  deadLetterStatsReply,
  deadLettersReply,
  discardBatchReply,
  letterActReply,
  replayBatchReply,
  replayedReply,
  toDeadLetterDetailReply,
  toDeadLetterReply,
  toDeadLetterStatsReply,
  toDiscardBatchReply,
  toReplayBatchReply,
  toReplayedReply,
} from "../wire/dead-letters-replies.ts";
import { defined } from "../wire/defined.ts";
import { type GivenUpReply, givenUpReply } from "../wire/deliveries.ts";
import { finalActRequest, handlerQuery } from "../wire/members.ts";
import { callerOf, letterCodes, listOf, type RouteOptions } from "./options.ts";
import { placeOfReplay } from "./replays.ts";

export async function deadLetterRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  readRoutes(app, store);
  letterActRoutes(app, store);
  batchRoutes(app, store);
}

function readRoutes(app: FastifyInstance, store: StoreCore): void {
  const { get } = makeRoutes(app, store);
  get(
    "/admin/dlq",
    { ...listOf.read, summary: "Lists dead letters, the newest event first.", query: deadLettersQuery, reply: deadLettersReply },
    async ({ request, query: { limit, offset, cursor, data, ...query } }) => {
      mustBeKnown(store.views, request.caller.tenant, query);
      if (cursor !== undefined && offset > 0)
        throw invalid("A page is named by cursor or by offset.", [{ pointer: "?offset", detail: "stands beside a cursor" }]);
      const page = await store.views.deadLetters({ tenant: request.caller.tenant, ...toDeadLetterFilter(query) }, defined({ limit, offset, cursor, data }));
      return { events: page.events.map(toDeadLetterReply), total: page.total, limit, offset, next_cursor: page.nextCursor };
    },
  );

  get(
    "/admin/dlq/stats",
    { ...listOf.read, summary: "Counts dead letters by event type, handler, source and error.", query: deadLetterStatsQuery, reply: deadLetterStatsReply },
    async ({ request, query }) => {
      mustBeKnown(store.views, request.caller.tenant, query);
      return toDeadLetterStatsReply(await store.views.deadLetterStats({ tenant: request.caller.tenant, ...toDeadLetterFilter(query) }));
    },
  );

  get(
    "/admin/dlq/:id",
    {
      ...{ access: "read", summary: "Shows one dead letter, by the id of its event or of its delivery.", codes: ["HANDLER_AMBIGUOUS"] },
      ...{ query: deadLetterQuery, reply: deadLetterDetailReply },
    },
    async ({ request, params, query: { handler } }) => {
      const id = canonicalId(params.id);
      const letter = oneLetter(id, await store.views.findDeadLetters(request.caller.tenant, id), handler);
      if (letter === undefined) throw new RepriseError("NOT_FOUND", "There is no dead letter with this event or delivery id.");
      return toDeadLetterDetailReply(letter);
    },
  );
}

function letterActRoutes(app: FastifyInstance, store: StoreCore): void {
  const { act } = makeRoutes(app, store);
  act(
    "POST",
    "/admin/dlq/:id/replay",
    {
      ...{ access: "operate", summary: "Delivers a dead letter again, then what it held.", query: handlerQuery, body: replayRequest, reply: replayedReply },
      ...{ statuses: [200, 202], codes: [...letterCodes, "LANE_PAUSED", "UPCAST_FAILED", "MIGRATION_FAILED"] },
    },
    async ({ request, params, query, body }, reply) => {
      const { target_handler: targetHandler, ...asked } = merge(query, body);
      const result = await store.replay(canonicalId(params.id), { ...callerOf(request), ...defined({ ...asked, targetHandler }) });
      if (result.status === "processing") accepted(reply, result.replayId);
      return toReplayedReply(result);
    },
  );

  act(
    "POST",
    "/admin/dlq/:id/amend",
    {
      ...{ access: "operate", summary: "Gives a dead letter other data.", query: handlerQuery, body: amendRequest, reply: letterActReply },
      codes: [...letterCodes, "DATA_INVALID", "UPCAST_FAILED", "MIGRATION_FAILED"],
    },
    async ({ request, params, query, body }) => {
      const { entry, position } = await store.amend(canonicalId(params.id), { ...callerOf(request), ...defined(merge(query, body)) });
      return { ...toDeadLetterDetailReply(entry), position: String(position) };
    },
  );

  act(
    "POST",
    "/admin/dlq/:id/discard",
    { access: "operate", summary: "Gives up a dead letter for good.", query: handlerQuery, body: discardRequest, reply: letterActReply, codes: letterCodes },
    async ({ request, params, query, body }) => {
      const { entry, position } = await store.discard(canonicalId(params.id), { ...callerOf(request), ...defined(merge(query, body)) });
      return { ...toDeadLetterDetailReply(entry), position: String(position) };
    },
  );

  act(
    "POST",
    "/deliveries/:id/give-up",
    {
      ...{ access: "operate", summary: "Makes a delivery that waits for its next attempt a dead letter now.", body: finalActRequest, reply: givenUpReply },
      codes: ["NOT_BACKING_OFF", "DELIVERY_RUNNING"],
    },
    async ({ request, params, body: { reason } }): Promise<GivenUpReply> => {
      const { deliveryId, eventId, handler, position } = await store.giveUp(canonicalId(params.id), { ...callerOf(request), reason });
      return { status: "dead_lettered", cause: "given_up", delivery_id: deliveryId, original_event_id: eventId, handler, position: String(position) };
    },
  );
}

function batchRoutes(app: FastifyInstance, store: StoreCore): void {
  const { act } = makeRoutes(app, store);
  act(
    "POST",
    "/admin/dlq/replay-batch",
    {
      ...{ access: "operate", summary: "Delivers the dead letters that match again, the oldest first.", statuses: [200, 202] },
      ...{ query: replayBatchQuery, body: replayBatchRequest, reply: replayBatchReply, codes: ["UPCAST_FAILED", "MIGRATION_FAILED", "LANE_PAUSED"] },
    },
    async ({ request, query, body }, reply) => {
      const { reason, max_events: maxEvents, rate_per_second: ratePerSecond, migration, ...filter } = merge(query, body);
      mustBeKnown(store.views, request.caller.tenant, filter);
      const result = await store.replayBatch(toDeadLetterFilter(filter), { ...callerOf(request), ...defined({ reason, maxEvents, ratePerSecond, migration }) });
      if (result.remaining > 0) accepted(reply, result.replayId);
      return toReplayBatchReply(result);
    },
  );

  act(
    "POST",
    "/admin/dlq/discard-batch",
    {
      ...{ access: "operate", summary: "Gives up the dead letters that match, the oldest first.", codes: ["LETTER_NOT_FIRST"] },
      ...{ query: discardBatchQuery, body: discardBatchRequest, reply: discardBatchReply },
    },
    async ({ request, query, body }) => {
      const { reason, resolution, max_events: maxEvents, ...filter } = merge(query, body);
      if (reason === undefined || reason.trim() === "")
        throw invalid("A discard is for good: it takes a reason.", [{ pointer: "#/reason", detail: "must say why" }]);
      mustBeKnown(store.views, request.caller.tenant, filter);
      return toDiscardBatchReply(await store.discardBatch(toDeadLetterFilter(filter), { ...callerOf(request), reason, ...defined({ maxEvents, resolution }) }));
    },
  );
}

/** Past its patience: it goes on, and its report tells how. */
function accepted(reply: FastifyReply, replayId: string): void {
  reply.code(202).header("location", placeOfReplay(reply.request, replayId));
}
