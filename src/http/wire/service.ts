/** Handlers, schemas, the views as a whole, and the service's own health. */

import { z } from "zod";
import type { RepartitionResult } from "../../store/repartition.ts";
import { deliveryStatuses } from "../../views/model/delivery.ts";
import { shownLaneStates } from "../../views/model/entity.ts";
import { type HandlerView, handlerStates } from "../../views/model/handler.ts";
import { count, position } from "./reply-members.ts";

export const handlersReply = z.strictObject({
  handlers: z.array(
    z.strictObject({
      name: z.string(),
      ordering: z.enum(["strict", "relaxed"]),
      state: z.enum(handlerStates),
      why: z.string().nullable(),
      fault: z.string().nullable(),
      wanted: count,
      done: count,
      waiting: count,
      lag_events: count,
      lag_seconds: z.number(),
      archived: z.strictObject({ done: count, missed: count }),
      by_status: z.record(z.enum(deliveryStatuses), count),
      lanes: z.record(z.enum(shownLaneStates), count),
    }),
  ),
});

export const schemasReply = z.strictObject({
  schemas: z.array(
    z.strictObject({
      type: z.string(),
      versions: z.array(count),
      current: count,
      formerly: z.array(z.string()),
      stored: z.array(z.strictObject({ type: z.string(), version: count, events: count })),
    }),
  ),
});

export const ratesReply = z.strictObject({
  minutes: z.array(z.strictObject({ minute: z.string(), events: count, failures: count, dead_letters: count })),
});

/** JSON Schema 2020-12: what a producer sends as `data`. */
export const jsonSchemaReply = z.record(z.string(), z.unknown());

/** What is relied on of an OpenAPI document here; it has more. */
export const openApiReply = z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) });

export const handlerActReply = z.strictObject({ name: z.string(), state: z.enum(["running", "paused"]), position });

export const retiredReply = z.strictObject({ name: z.string(), state: z.literal("retired"), discarded: count, position });

/** `skipped`: events of the journal that are not its own, and are passed over from now on. */
export const handlerRepairReply = z.strictObject({ name: z.string(), state: z.literal("running"), skipped: z.int(), position });

/** `partitions_before` and `position`: of one that has just been done. */
export const repartitionReply = z.strictObject({
  name: z.string(),
  state: z.enum(["repartitioned", "unchanged", "repartitioning"]),
  partitions: count,
  partitions_before: count.optional(),
  position: position.optional(),
});

export const rebuildReply = z.strictObject({ status: z.literal("rebuilding"), position });

export const healthReply = z.strictObject({ status: z.literal("ok") });

export const readyReply = z.strictObject({ status: z.enum(["ready", "not_ready"]), waits_for: z.string().nullable(), warnings: z.array(z.string()) });

export type HandlersReply = z.input<typeof handlersReply>;
export type RetiredReply = z.input<typeof retiredReply>;
export type HandlerActReply = z.input<typeof handlerActReply>;
export type HandlerRepairReply = z.input<typeof handlerRepairReply>;
export type RepartitionReply = z.input<typeof repartitionReply>;
export type ReadyReply = z.input<typeof readyReply>;
export type RebuildReply = z.input<typeof rebuildReply>;

export function toRepartitionReply(name: string, result: RepartitionResult): RepartitionReply {
  const { state, partitions } = result;
  return { name, state, partitions, ...(state === "repartitioned" ? { partitions_before: result.before, position: String(result.position) } : {}) };
}

/** @param told all that is known of a fault: its text may name any tenant's things, so others than keys of all tenants are told its code. */
export function toHandlersReply(handlers: readonly HandlerView[], told: boolean): HandlersReply {
  const faultOf = ({ fault }: HandlerView) => (told || fault === null ? fault : (/^[A-Z_]+/.exec(fault)?.[0] ?? "INTERNAL"));
  return {
    handlers: handlers.map((handler) => ({
      name: handler.name,
      ordering: handler.ordering,
      state: handler.state,
      why: handler.fault === null || handler.why === null ? handler.why : handler.why.replace(handler.fault, () => faultOf(handler)!),
      fault: faultOf(handler),
      wanted: handler.wanted,
      done: handler.done,
      waiting: handler.waiting,
      lag_events: handler.lagEvents,
      lag_seconds: handler.lagSeconds,
      archived: { ...handler.archived },
      by_status: { ...handler.byStatus },
      lanes: { ...handler.lanes },
    })),
  };
}
