import { positionText } from "../../event/event.ts";
import { makeTurns } from "../../event/turns.ts";
import { makePageRoom } from "../../log/page-bytes.ts";
import type { ReplayRequested } from "../../records/replay.ts";
import type { ReplayOutcomes, ReplayReads, ReplayView } from "../model/replay.ts";
import type { Sources } from "./context.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { rowsAtOnce } from "./ways.ts";

interface ReplayRow {
  readonly id: string;
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

export function makeReplayQueries({ db }: Sources): ReplayReads & ReplayOutcomes {
  function view(row: ReplayRow): ReplayView {
    const requested = JSON.parse(row.requested) as ReplayRequested;
    const { succeeded, failed, skipped } = row.ended_at === null ? { ...soFar(row.id, requested.own ?? false), skipped: 0 } : row;
    return {
      replayId: row.id,
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

  function soFar(replayId: string, own: boolean): { readonly succeeded: number; readonly failed: number } {
    const [table, succeeded] = own ? ["replay_own_outcomes", "succeeded"] : ["replay_outcomes", "replayed"];
    return db().get<{ succeeded: number; failed: number }>(
      `select count(*) filter (where outcome = ?) as succeeded, count(*) filter (where outcome <> ?) as failed from ${table} where replay = ?`,
      succeeded!,
      succeeded!,
      replayId,
    )!;
  }

  return {
    async replay(tenant, replayId) {
      const row = db().get<ReplayRow>("select * from replays where tenant = ? and id = ?", tenant, replayId);
      return row && view(row);
    },

    async replays(tenant, { limit, cursor }) {
      // Ids are ordered by time (UUIDv7).
      const before = fromCursor("replays", cursor, ["string"])?.[0] ?? "~";
      const rows = db().all<ReplayRow>("select * from replays where tenant = ? and id < ? order by id desc limit ?", tenant, before, limit + 1);
      const shown = rows.slice(0, limit);
      const turns = makeTurns();
      const views: ReplayView[] = [];
      const room = makePageRoom();
      for (const row of shown) {
        if (turns.due()) await turns.next();
        const shownRow = view(row); // one that runs counts its outcomes
        if (!room.takes(shownRow)) return { replays: views, nextCursor: toCursor("replays", views.at(-1)!.replayId) };
        views.push(shownRow);
      }
      return { replays: views, nextCursor: rows.length > limit ? toCursor("replays", shown.at(-1)!.id) : null };
    },

    async replayOutcomes(replayId) {
      const outcomes = new Map<string, "replayed" | "dead_lettered">();
      const turns = makeTurns();
      for (let after: readonly [string, number, number] = ["", -1, -1]; ; ) {
        if (turns.due()) await turns.next();
        const rows = db().all<{ handler: string; entity: number; stream: string; revision: number; outcome: "replayed" | "dead_lettered" }>(
          `select o.handler, o.entity, n.stream, o.revision, o.outcome from replay_outcomes o cross join entities n on n.id = o.entity
           where o.replay = ? and (o.handler, o.entity, o.revision) > (?, ?, ?) order by o.handler, o.entity, o.revision limit ${rowsAtOnce}`,
          replayId,
          ...after,
        );
        for (const { handler, stream, revision, outcome } of rows) outcomes.set(`${handler}\n${stream}\n${revision}`, outcome);
        const last = rows.at(-1);
        if (last === undefined || rows.length < rowsAtOnce) return outcomes;
        after = [last.handler, last.entity, last.revision];
      }
    },

    async replayOutcome(replayId, { handler, stream, revision }) {
      return db().get<{ outcome: "replayed" | "dead_lettered" }>(
        `select o.outcome from entities n cross join replay_outcomes o on o.replay = ? and o.handler = ? and o.entity = n.id and o.revision = ? where n.stream = ?`,
        replayId,
        handler,
        revision,
        stream,
      )?.outcome;
    },

    async ownOutcomes(replayId, from, limit) {
      return db()
        .all<{ item: number; outcome: "succeeded" | "failed"; attempts: number; error_type: string | null; error_message: string | null; effects: string }>(
          "select * from replay_own_outcomes where replay = ? and item >= ? order by item limit ?",
          replayId,
          from,
          limit,
        )
        .map(({ item, outcome, attempts, error_type, error_message, effects }) => ({
          item,
          outcome,
          attempts,
          error: error_type === null ? null : { type: error_type, message: error_message ?? "" },
          effects: JSON.parse(effects) as readonly string[],
        }));
    },

    async openReplays() {
      return db()
        .all<{ id: string; requested: string }>("select id, requested from replays where ended_at is null order by created_at, id")
        .map(({ id, requested }) => ({ replayId: id, planId: (JSON.parse(requested) as ReplayRequested).planId ?? null }));
    },
  };
}
