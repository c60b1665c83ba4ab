/** What is answered to a request that has begun or steered a replay before, and comes again because its answer was lost. */
import type { FailureText } from "../catalog/catalog.ts";
import type { Clock } from "../event/clock.ts";
import { positionText } from "../event/event.ts";
import { deliveryId } from "../event/ids.ts";
import { within } from "../event/waits.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Replays } from "../replay/replays.ts";
import { endOf } from "../replay/single.ts";
import type { Views } from "../views/model/views.ts";
import { type CallerOptions, callerOf } from "./caller.ts";
import type { ReplayActed, ReplayBatchResult, ReplayResult, ReplayStarted } from "./replay-answers.ts";
import { type RecordType, recorded } from "./requests/on-record.ts";

/** Each gives null for a request that comes the first time, or has nothing on record. */
export interface ReplaysAgain {
  single(options: CallerOptions, patienceMs: number): Promise<ReplayResult | null>;
  batch(options: CallerOptions, patienceMs: number): Promise<ReplayBatchResult | null>;
  started(options: CallerOptions): Promise<ReplayStarted | null>;
  /** @param type of the act's record. */
  acted(replayId: string, type: RecordType, options: CallerOptions): Promise<ReplayActed | null>;
}

interface AgainNeeds {
  readonly replays: Pick<Replays, "begun" | "items">;
  readonly views: Pick<Views, "findDeadLetters" | "ownOutcomes" | "position">;
  readonly clock: Clock;
}

export function makeReplaysAgain({ replays, views, clock }: AgainNeeds): ReplaysAgain {
  async function find(options: CallerOptions) {
    const { tenant } = callerOf(options);
    const [requested] = await recorded(options, "replay.requested");
    const [used] = requested === undefined ? await recorded(options, "plan.used") : [];
    const first = requested ?? used;
    if (first === undefined) return null;
    const request = requested?.data ?? used!.data.job;
    return { request, position: first.position, ...(await replays.begun(request.replayId, tenant, first.position)) };
  }

  /** Of a replay that ended before this process began: its letter has the error, or its own outcome. */
  async function errorOf(tenant: string, replayId: string, { handler, eventId }: ReplayItem, own: boolean): Promise<FailureText | null> {
    if (own) return (await views.ownOutcomes(tenant, replayId, 0, 1))[0]?.error ?? null;
    return (await views.findDeadLetters(tenant, eventId)).find((letter) => letter.handler === handler)?.error ?? null;
  }

  return {
    async single(options, patienceMs) {
      const found = await find(options);
      if (found === null) return null;
      const { request, position, ended } = found;
      const { replayId, own = false } = request;
      const item = (await replays.items(replayId, 0, 1))[0]!;
      const at = ended === null ? BigInt(views.position()) : await within(ended, patienceMs, clock, () => undefined);
      const end = at === undefined ? null : endOf(found, at);
      const error = end?.outcome === "dead_lettered" ? (end.error ?? (await errorOf(callerOf(options).tenant, replayId, item, own))) : null;
      return {
        status: end?.outcome ?? "processing",
        replayId,
        deliveryId: deliveryId(item.handler, item.lane, item.eventId, own ? replayId : undefined),
        originalEventId: item.eventId,
        error,
        position: positionText(end?.position ?? position),
      };
    },

    async batch(options, patienceMs) {
      const found = await find(options);
      if (found === null) return null;
      const { request, figures, ended, position } = found;
      const end = ended === null ? BigInt(views.position()) : await within(ended, patienceMs, clock, () => undefined);
      const { total, succeeded, failed, skipped, skips } = figures();
      const remaining = total - succeeded - failed - skipped;
      return { replayId: request.replayId, total, succeeded, failed, skipped, skips, remaining, position: positionText(end ?? position) };
    },

    async started(options) {
      const found = await find(options);
      if (found === null) return null;
      const { status, total } = found.figures();
      return { replayId: found.request.replayId, status, total, position: positionText(found.position) };
    },

    async acted(replayId, type, options) {
      const [done] = await recorded(options, type);
      if (done === undefined) return null;
      const { figures } = await replays.begun(replayId, callerOf(options).tenant, done.position);
      return { replayId, status: figures().status, position: positionText(done.position) };
    },
  };
}
