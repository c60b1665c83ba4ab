import { positionText } from "../../../event/event.ts";
import type { ReplayRequested } from "../../../records/replay.ts";
import type { ViewDatabase } from "../../database.ts";
import type { ReplayView } from "../../model/replay.ts";

export interface ReplayRow {
  readonly id: string;
  readonly tenant: string;
  readonly status: ReplayView["status"];
  readonly total: number;
  readonly rate_per_second: number | null;
  /** JSON. */
  readonly requested: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: string;
  readonly why: string | null;
  readonly new_since: number | null;
  readonly created_at: string;
  readonly ended_at: string | null;
}

export function replayView(db: ViewDatabase, row: ReplayRow): ReplayView {
  const requested = JSON.parse(row.requested) as ReplayRequested;
  const { succeeded, failed, skipped } = row.ended_at === null ? { ...soFar(db, row.id, requested.own ?? false), skipped: 0 } : row;
  return {
    replayId: row.id,
    tenant: row.tenant,
    planId: requested.planId ?? null,
    kind: requested.kind,
    status: row.status,
    reason: requested.reason,
    actor: requested.actor,
    targetHandler: requested.targetHandler ?? null,
    total: row.total,
    succeeded,
    failed,
    skipped,
    remaining: Math.max(0, row.total - succeeded - failed - skipped),
    createdAt: row.created_at,
    startedAt: row.created_at,
    endedAt: row.ended_at,
    ratePerSecond: row.rate_per_second,
    mode: requested.mode ?? "run",
    effects: requested.effects ?? "once",
    canary: requested.canary ?? null,
    stopWhen: requested.stopWhen ?? null,
    skips: JSON.parse(row.skips) as ReplayView["skips"],
    why: row.why,
    newSince: row.new_since,
    cutoff: requested.cutoff === undefined ? null : positionText(BigInt(requested.cutoff)),
  };
}

function soFar(db: ViewDatabase, replayId: string, own: boolean): { readonly succeeded: number; readonly failed: number } {
  const [table, succeeded] = own ? ["replay_own_outcomes", "succeeded"] : ["replay_outcomes", "replayed"];
  return db.get<{ succeeded: number; failed: number }>(
    `select count(*) filter (where outcome = ?) as succeeded, count(*) filter (where outcome <> ?) as failed from ${table} where replay = ?`,
    succeeded!,
    succeeded!,
    replayId,
  )!;
}
