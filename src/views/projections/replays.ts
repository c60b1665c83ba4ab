import type { Projection } from "../projection.ts";
import { entityOf } from "./entities.ts";

/** Replays, and what became of each dead letter that they delivered again. */
export const replays: Projection = {
  tables: `
    create table replays(
      id text primary key, kind text not null, status text not null, reason text, actor text not null, total integer not null, rate_per_second real,
      succeeded integer not null default 0, failed integer not null default 0, skipped integer not null default 0, skips text not null default '[]',
      created_at text not null, ended_at text
    ) strict, without rowid;
    create index replays_open on replays(status) where status = 'running';
    create table replay_outcomes(replay text not null, handler text not null, entity integer not null, revision integer not null, outcome text not null,
      primary key (replay, handler, entity, revision)) strict, without rowid;
  `,
  apply({ db }, input) {
    if (input.kind === "replay") {
      const { entry, replayId, event } = input;
      if (entry.type === "replay.requested") {
        const { kind, reason, actor, total, ratePerSecond } = entry.data;
        db.run(
          "insert or ignore into replays(id, kind, status, reason, actor, total, rate_per_second, created_at) values (?, ?, 'running', ?, ?, ?, ?, ?)",
          replayId,
          kind,
          reason,
          actor,
          total,
          ratePerSecond,
          event.recordedAt,
        );
      } else if (entry.type === "replay.ended") {
        const { status, succeeded, failed, skipped, skips } = entry.data;
        db.run(
          "update replays set status = ?, succeeded = ?, failed = ?, skipped = ?, skips = ?, ended_at = ? where id = ? and ended_at is null",
          status,
          succeeded,
          failed,
          skipped,
          JSON.stringify(skips),
          event.recordedAt,
          replayId,
        );
      }
      return;
    }
    if (input.kind !== "journal") return;
    const { entry, handler } = input;
    if (entry.type !== "delivery.dead_lettered" && entry.type !== "delivery.settled") return;
    const replayId = entry.type === "delivery.settled" ? entry.data.act.replayId : entry.data.replayId;
    if (replayId === undefined) return;
    db.run(
      "insert or replace into replay_outcomes(replay, handler, entity, revision, outcome) values (?, ?, ?, ?, ?)",
      replayId,
      handler,
      entityOf(db, entry.data.lane).id,
      entry.data.revision,
      // What the policy skips after a replay did not go well either.
      entry.type === "delivery.settled" && entry.data.outcome === "replayed" ? "replayed" : "dead_lettered",
    );
  },
};
