import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import { canonicalId } from "../../event/ids.ts";
import { mustBeKnown, parse, parseGet, parseQuery } from "../parse.ts";
import { defined } from "../wire/defined.ts";
import { actRequest, afterQuery, noQuery } from "../wire/members.ts";
import type { PlanReply } from "../wire/plans.ts";
import { planRequest, toPlanReply, toSelection } from "../wire/plans.ts";
import { rateRequest, replaysQuery, startReplayRequest, toTerms } from "../wire/replays.ts";
import type { ReplayActReply, ReplayReply, ReplayReportReply, ReplayStartedReply, ReplaysReply } from "../wire/replays-replies.ts";
import { toReplayActReply, toReplayReply, toReplayReportReply } from "../wire/replays-replies.ts";
import { callerOf, operate, type RouteOptions, read } from "./options.ts";

interface ById {
  readonly Params: { readonly id: string };
}

/** Plans, and the replays that run them. */
export async function replayRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  app.post("/replays/plan", read, async (request): Promise<PlanReply> => {
    parseQuery(noQuery, request);
    const body = parse(planRequest, request.body ?? {});
    const { target_handler: targetHandler, rate_per_second: ratePerSecond } = body;
    const { selection } = body;
    if ("dead_letters" in selection) {
      const asked = selection.dead_letters;
      mustBeKnown(store.views, "filter" in asked ? asked.filter : asked, "#/selection/dead_letters/");
    }
    if ("history" in selection) {
      const { handler, event_types: types = [] } = selection.history;
      for (const type of [undefined, ...types]) mustBeKnown(store.views, { handler, event_type: type }, "#/selection/history/");
    }
    return toPlanReply(await store.planReplay(toSelection(body), { ...callerOf(request), ...defined({ targetHandler, ratePerSecond }) }));
  });

  app.get<ById>("/replays/plans/:id", read, async (request): Promise<PlanReply> => {
    await parseGet(afterQuery, request, store.views);
    return toPlanReply(await store.replayPlan(canonicalId(request.params.id), { tenant: request.caller.tenant }));
  });

  app.post("/replays", operate, async (request, reply): Promise<ReplayStartedReply> => {
    parseQuery(noQuery, request);
    const body = parse(startReplayRequest, request.body ?? {});
    const { total, ...started } = await store.startReplay(body.plan_id, { ...callerOf(request), reason: body.reason, terms: toTerms(body) });
    reply.code(202).header("location", placeOf(started.replayId));
    return { ...toReplayActReply(started), plan_id: body.plan_id, total };
  });

  app.get("/replays", read, async (request): Promise<ReplaysReply> => {
    const { limit, cursor } = await parseGet(replaysQuery, request, store.views);
    const { replays, nextCursor } = await store.replayStates({ tenant: request.caller.tenant, limit, ...defined({ cursor }) });
    return { replays: replays.map(toReplayReply), next_cursor: nextCursor };
  });

  app.get<ById>("/replays/:id", read, async (request): Promise<ReplayReply> => {
    await parseGet(afterQuery, request, store.views);
    const replay = await store.replayState(canonicalId(request.params.id), { tenant: request.caller.tenant });
    if (replay === undefined) throw new RepriseError("NOT_FOUND", "There is no replay with this id.");
    return toReplayReply(replay);
  });

  app.get<ById>("/replays/:id/report", read, async (request): Promise<ReplayReportReply> => {
    const { limit, cursor } = await parseGet(replaysQuery, request, store.views);
    return toReplayReportReply(await store.replayReport(canonicalId(request.params.id), { tenant: request.caller.tenant, limit, ...defined({ cursor }) }));
  });

  for (const verb of ["pause", "resume", "cancel"] as const)
    app.post<ById>(`/replays/:id/${verb}`, operate, async (request, reply): Promise<ReplayActReply> => {
      parseQuery(noQuery, request);
      const act = parse(actRequest, request.body ?? {});
      const acted = await store.actOnReplay(canonicalId(request.params.id), verb, { ...callerOf(request), ...defined(act) });
      // It goes on by itself: the report tells when it has come that far.
      if (acted.status === "cancelling" || acted.status === "pausing") reply.code(202).header("location", placeOf(canonicalId(request.params.id)));
      return toReplayActReply(acted);
    });

  app.patch<ById>("/replays/:id", operate, async (request): Promise<ReplayActReply> => {
    parseQuery(noQuery, request);
    const { rate_per_second: rate, ...act } = parse(rateRequest, request.body ?? {});
    return toReplayActReply(await store.setReplayRate(canonicalId(request.params.id), rate, { ...callerOf(request), ...defined(act) }));
  });
}

const placeOf = (replayId: string): string => `/replays/${encodeURIComponent(replayId)}`;
