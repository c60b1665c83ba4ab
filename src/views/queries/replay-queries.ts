import type { ReplayView, Views } from "../model.ts";
import type { Sources } from "./context.ts";

interface ReplayRow {
  readonly id: string;
  readonly kind: ReplayView["kind"];
  readonly status: "running" | "completed" | "stopped";
  readonly reason: string | null;
  readonly actor: string;
  readonly total: number;
  readonly rate_per_second: number | null;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: string;
  readonly created_at: string;
  readonly ended_at: string | null;
}

export function makeReplayQueries({ db }: Sources): Pick<Views, "replay" | "replayOutcomes" | "openReplays"> {
  return {
    async replay(replayId) {
      const row = db().get<ReplayRow>("select * from replays where id = ?", replayId);
      if (row === undefined) return undefined;
      const soFar = db().get<{ succeeded: number; failed: number }>(
        `select count(*) filter (where outcome = 'replayed') as succeeded, count(*) filter (where outcome = 'dead_lettered') as failed
         from replay_outcomes where replay = ?`,
        replayId,
      )!;
      const { succeeded, failed, skipped } = row.ended_at === null ? { ...soFar, skipped: 0 } : row;
      return {
        replayId,
        planId: null,
        kind: row.kind,
        status: row.status,
        reason: row.reason,
        actor: row.actor,
        total: row.total,
        succeeded,
        failed,
        skipped,
        remaining: Math.max(0, row.total - succeeded - failed - skipped),
        createdAt: row.created_at,
        startedAt: row.created_at,
        endedAt: row.ended_at,
        ratePerSecond: row.rate_per_second,
        skips: JSON.parse(row.skips) as ReplayView["skips"],
      };
    },

    async replayOutcomes(replayId) {
      const rows = db().all<{ handler: string; stream: string; revision: number; outcome: "replayed" | "dead_lettered" }>(
        "select o.handler, n.stream, o.revision, o.outcome from replay_outcomes o join entities n on n.id = o.entity where o.replay = ?",
        replayId,
      );
      return new Map(rows.map(({ handler, stream, revision, outcome }) => [`${handler}\n${stream}\n${revision}`, outcome]));
    },

    async openReplays() {
      return db()
        .all<{ id: string }>("select id from replays where status = 'running' order by created_at, id")
        .map(({ id }) => id);
    },
  };
}
