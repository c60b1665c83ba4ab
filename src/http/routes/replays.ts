import type { FastifyInstance, FastifyRequest } from "fastify";
import { RepriseError } from "../../errors.ts";
import { canonicalId } from "../../event/ids.ts";
import type { StoreCore } from "../../store/store.ts";
import { mountOf } from "../mount.ts";
import { mustBeKnown } from "../parse.ts";
import { makeRoutes } from "../route.ts";
import { defined } from "../wire/defined.ts";
import { actRequest } from "../wire/members.ts";
import { planReply, planRequest, toPlanReply, toSelection } from "../wire/plans.ts";
import { rateRequest, replaysQuery, startReplayRequest, toTerms } from "../wire/replays.ts";
import {
  replayActReply,
  replayReply,
  replayReportReply,
  replayStartedReply,
  replaysReply,
  toReplayActReply,
  toReplayReply,
  toReplayReportReply,
} from "../wire/replays-replies.ts";
import { callerOf, listOf, type RouteOptions } from "./options.ts";

/** Plans, and the replays that run them. */
export async function replayRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  planRoutes(app, store);
  readRoutes(app, store);
  actRoutes(app, store);
}

function planRoutes(app: FastifyInstance, store: StoreCore): void {
  const { get, act } = makeRoutes(app, store);
  act(
    "POST",
    "/replays/plan",
    { access: "read", summary: "Plans a replay: what it would deliver, before anything is.", body: planRequest, reply: planReply },
    async ({ request, body }) => {
      const { selection, target_handler: targetHandler, rate_per_second: ratePerSecond } = body;
      if ("dead_letters" in selection) {
        const asked = selection.dead_letters;
        mustBeKnown(store.views, request.caller.tenant, "filter" in asked ? asked.filter : asked, "#/selection/dead_letters/");
      }
      if ("history" in selection) {
        const { handler, event_types: types = [] } = selection.history;
        for (const type of [undefined, ...types]) mustBeKnown(store.views, request.caller.tenant, { handler, event_type: type }, "#/selection/history/");
      }
      return toPlanReply(await store.planReplay(toSelection(body), { ...callerOf(request), ...defined({ targetHandler, ratePerSecond }) }));
    },
  );

  get("/replays/plans/:id", { access: "read", summary: "Shows a plan again.", reply: planReply }, async ({ request, params }) =>
    toPlanReply(await store.replayPlan(canonicalId(params.id), { tenant: request.caller.tenant })),
  );
}

function readRoutes(app: FastifyInstance, store: StoreCore): void {
  const { get } = makeRoutes(app, store);
  get(
    "/replays",
    { ...listOf.read, summary: "Lists replays, the newest first.", query: replaysQuery, reply: replaysReply },
    async ({ request, query: { limit, cursor } }) => {
      const { replays, nextCursor } = await store.replayStates({ tenant: request.caller.tenant, limit, ...defined({ cursor }) });
      return { replays: replays.map(toReplayReply), next_cursor: nextCursor };
    },
  );

  get("/replays/:id", { access: "read", summary: "Shows how far a replay is.", reply: replayReply }, async ({ request, params }) => {
    const replay = await store.replayState(canonicalId(params.id), { tenant: request.caller.tenant });
    if (replay === undefined) throw new RepriseError("NOT_FOUND", "There is no replay with this id.");
    return toReplayReply(replay);
  });

  get(
    "/replays/:id/report",
    { access: "read", summary: "Lists what a replay delivers, with each outcome.", query: replaysQuery, reply: replayReportReply },
    async ({ request, params, query: { limit, cursor } }) =>
      toReplayReportReply(await store.replayReport(canonicalId(params.id), { tenant: request.caller.tenant, limit, ...defined({ cursor }) })),
  );
}

function actRoutes(app: FastifyInstance, store: StoreCore): void {
  const { act } = makeRoutes(app, store);
  act(
    "POST",
    "/replays",
    {
      ...{ access: "operate", summary: "Starts a replay from a plan.", body: startReplayRequest, reply: replayStartedReply },
      ...{ statuses: [202], codes: ["PLAN_STALE", "PLAN_USED", "RATE_LIMITED", "HANDLER_AMBIGUOUS"] },
    },
    async ({ request, body }, reply) => {
      const { total, ...started } = await store.startReplay(body.plan_id, { ...callerOf(request), reason: body.reason, terms: toTerms(body) });
      reply.code(202).header("location", placeOfReplay(request, started.replayId));
      return { ...toReplayActReply(started), plan_id: body.plan_id, total };
    },
  );

  const verbs = [
    { verb: "pause", summary: "Lets a replay start nothing more until it is resumed." },
    { verb: "resume", summary: "Lets a paused replay go on." },
    { verb: "cancel", summary: "Ends a replay before its time." },
  ] as const;
  for (const { verb, summary } of verbs)
    act(
      "POST",
      `/replays/:id/${verb}`,
      { access: "operate", summary, body: actRequest, reply: replayActReply, statuses: [200, 202], codes: ["REPLAY_ENDED"] },
      async ({ request, params, body }, reply) => {
        const id = canonicalId(params.id);
        const acted = await store.actOnReplay(id, verb, { ...callerOf(request), ...defined(body) });
        // It goes on by itself: the report tells when it has come that far.
        if (acted.status === "cancelling" || acted.status === "pausing") reply.code(202).header("location", placeOfReplay(request, id));
        return toReplayActReply(acted);
      },
    );

  act(
    "PATCH",
    "/replays/:id",
    { access: "operate", summary: "Changes how fast a replay goes.", body: rateRequest, reply: replayActReply, codes: ["REPLAY_ENDED"] },
    async ({ request, params, body: { rate_per_second: rate, ...asked } }) =>
      toReplayActReply(await store.setReplayRate(canonicalId(params.id), rate, { ...callerOf(request), ...defined(asked) })),
  );
}

/** Where a replay tells how it goes, for `Location`. */
export const placeOfReplay = (request: FastifyRequest, replayId: string): string => `${mountOf(request)}/replays/${encodeURIComponent(replayId)}`;
