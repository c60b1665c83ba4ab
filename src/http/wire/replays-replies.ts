/** What is answered of replays. */

import { z } from "zod";
import type { ReplayActed, ReplayReport, ReplayState } from "../../store/replay-answers.ts";
import { replayStatuses } from "../../views/model/replay.ts";
import { count, data, entity, failure, position, skips, time, toFailure } from "./reply-members.ts";

export const replayReply = z.strictObject({
  replay_id: z.string(),
  tenant: z.string(),
  plan_id: z.string().nullable(),
  kind: z.enum(["single", "batch", "dead_letters", "history"]),
  mode: z.enum(["run", "dry_run"]),
  status: z.enum(replayStatuses),
  reason: z.string().nullable(),
  actor: z.string(),
  target_handler: z.string().nullable(),
  total: count,
  succeeded: count,
  failed: count,
  skipped: count,
  remaining: count,
  created_at: time,
  started_at: time,
  ended_at: time.nullable(),
  rate_per_second: z.number().nullable(),
  effects: z.enum(["once", "again"]),
  canary: z.strictObject({ entities: count, hold_seconds: z.number() }).nullable(),
  stop_when: z.strictObject({ failure_ratio: z.number().nullable(), failures_in_a_row: count.nullable() }).nullable(),
  skips,
  why: z.string().nullable(),
  new_since: count.nullable(),
  cutoff_position: position.nullable(),
  followers: count,
  releases_left: count,
  seconds_left: z.number().nullable(),
});

export const replaysReply = z.strictObject({ replays: z.array(replayReply), next_cursor: z.string().nullable() });

export const replayActReply = z.strictObject({ replay_id: z.string(), status: z.enum(replayStatuses), position });

export const replayStartedReply = replayActReply.extend({ plan_id: z.string(), total: count });

export const replayReportReply = z.strictObject({
  items: z.array(
    z.strictObject({
      event_id: z.string(),
      handler: z.string(),
      entity,
      revision: count,
      position,
      outcome: z.enum(["succeeded", "failed"]).nullable(),
      attempts: count.nullable(),
      error: failure.nullable(),
      effects: z.array(z.string()),
      appends: z.array(z.strictObject({ event_type: z.string(), entity, key: z.string().nullable(), recorded: z.boolean() })),
      differences: z.array(z.strictObject({ path: z.string(), before: data.optional(), after: data.optional() })).nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});

export type ReplayReply = z.input<typeof replayReply>;
export type ReplaysReply = z.input<typeof replaysReply>;
export type ReplayActReply = z.input<typeof replayActReply>;
export type ReplayStartedReply = z.input<typeof replayStartedReply>;
export type ReplayReportReply = z.input<typeof replayReportReply>;

export function toReplayReply(replay: ReplayState): ReplayReply {
  const { canary, stopWhen } = replay;
  return {
    replay_id: replay.replayId,
    tenant: replay.tenant,
    plan_id: replay.planId,
    kind: replay.kind,
    mode: replay.mode,
    status: replay.status,
    reason: replay.reason,
    actor: replay.actor,
    target_handler: replay.targetHandler,
    total: replay.total,
    succeeded: replay.succeeded,
    failed: replay.failed,
    skipped: replay.skipped,
    remaining: replay.remaining,
    created_at: replay.createdAt,
    started_at: replay.startedAt,
    ended_at: replay.endedAt,
    rate_per_second: replay.ratePerSecond,
    effects: replay.effects,
    canary: canary && { entities: canary.entities, hold_seconds: canary.holdSeconds },
    stop_when: stopWhen && { failure_ratio: stopWhen.failureRatio, failures_in_a_row: stopWhen.failuresInARow },
    skips: replay.skips.map(({ reason, count }) => ({ reason, count })),
    why: replay.why,
    new_since: replay.newSince,
    cutoff_position: replay.cutoff === null ? null : String(replay.cutoff),
    followers: replay.followers,
    releases_left: replay.releasesLeft,
    seconds_left: replay.secondsLeft,
  };
}

export function toReplayActReply({ replayId, status, position }: ReplayActed): ReplayActReply {
  return { replay_id: replayId, status, position: String(position) };
}

export function toReplayReportReply({ items, nextCursor }: ReplayReport): ReplayReportReply {
  return {
    items: items.map((item) => ({
      event_id: item.eventId,
      handler: item.handler,
      entity: { ...item.entity },
      revision: item.revision,
      position: String(item.position),
      outcome: item.outcome,
      attempts: item.attempts,
      error: toFailure(item.error),
      effects: [...item.effects],
      appends: item.appends.map(({ type, entity, key = null, recorded }) => ({ event_type: type, entity: { ...entity }, key, recorded })),
      differences:
        item.differences === null
          ? null
          : item.differences.map(({ path, before, after }) => ({
              path,
              ...(before === undefined ? {} : { before }),
              ...(after === undefined ? {} : { after }),
            })),
    })),
    next_cursor: nextCursor,
  };
}
