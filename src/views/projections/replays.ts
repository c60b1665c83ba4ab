import { defaultTenant } from "../../event/names.ts";
import type { ReplayRequested } from "../../records/replay.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { Entry, Projection } from "../projection.ts";

/** Replays, and what became of each of their deliveries: of dead letters as the journals say, of their own as they say themselves. */
export const replays: Projection<"plan" | "replay" | "journal"> = {
  takes: ["plan", "replay", "journal"],
  tables: `
    -- requested: all of replay.requested, as JSON.
    create table replays(
      id text primary key, tenant text not null, kind text not null, status text not null, actor text not null, total integer not null, rate_per_second real, requested text not null,
      succeeded integer not null default 0, failed integer not null default 0, skipped integer not null default 0, skips text not null default '[]',
      why text, new_since integer, created_at text not null, ended_at text
    ) strict, without rowid;
    create index replays_open on replays(ended_at, created_at);
    create index replays_by_tenant on replays(tenant, id);
    create table replay_outcomes(replay text not null, handler text not null, entity integer not null, revision integer not null, outcome text not null,
      primary key (replay, handler, entity, revision)) strict, without rowid;
    create table replay_own_outcomes(replay text not null, item integer not null, outcome text not null, attempts integer not null, error_type text,
      error_message text, effects text not null, appends text not null, primary key (replay, item)) strict, without rowid;
  `,
  apply({ db }, input) {
    // From the moment that a plan is used there is a replay, even if the process died before it wrote the replay's first event.
    if (input.kind === "plan" && input.entry.type === "plan.used") insert(db, input.entry.data.job, input.event.recordedAt);
    if (input.kind === "replay") applyReplay(db, input);
    if (input.kind === "journal") applyJournal(db, input);
  },
};

type EntryOfKind<K extends Entry["kind"]> = Extract<Entry, { readonly kind: K }>;

function applyReplay(db: ViewDatabase, { entry, replayId, event }: EntryOfKind<"replay">): void {
  const now = (status: string) => db.run("update replays set status = ? where id = ? and ended_at is null", status, replayId);
  switch (entry.type) {
    case "replay.requested":
      insert(db, entry.data, event.recordedAt);
      return;
    case "replay.pausing":
      now("pausing");
      return;
    case "replay.paused":
      now("paused");
      return;
    case "replay.resumed":
      now("running");
      return;
    case "replay.cancelling":
      now("cancelling");
      return;
    case "replay.rate_changed":
      db.run("update replays set rate_per_second = ? where id = ?", entry.data.ratePerSecond, replayId);
      return;
    case "replay.outcomes":
      for (const { item, outcome, attempts, error, effects = [], appends = [] } of entry.data.outcomes)
        db.run(
          `insert or ignore into replay_own_outcomes(replay, item, outcome, attempts, error_type, error_message, effects, appends) values (?, ?, ?, ?, ?, ?, ?, ?)`,
          replayId,
          item,
          outcome,
          attempts,
          error?.type ?? null,
          error?.message ?? null,
          JSON.stringify(effects),
          JSON.stringify(appends),
        );
      return;
    case "replay.ended": {
      const { status, succeeded, failed, skipped, skips, why, newSince } = entry.data;
      db.run(
        `update replays set status = ?, succeeded = ?, failed = ?, skipped = ?, skips = ?, why = ?, new_since = ?, ended_at = ?
         where id = ? and ended_at is null`,
        status,
        succeeded,
        failed,
        skipped,
        JSON.stringify(skips),
        why ?? null,
        newSince ?? null,
        event.recordedAt,
        replayId,
      );
    }
  }
}

function applyJournal(db: ViewDatabase, { entry, handler }: EntryOfKind<"journal">): void {
  if (entry.type !== "delivery.dead_lettered" && entry.type !== "delivery.settled") return;
  const replayId = entry.type === "delivery.settled" ? entry.data.act.replayId : entry.data.replayId;
  if (replayId === undefined) return;
  db.run(
    "insert or replace into replay_outcomes(replay, handler, entity, revision, outcome) values (?, ?, ?, ?, ?)",
    replayId,
    handler,
    entityOf(db, entry.data.lane).id,
    entry.data.revision,
    // A delivery that the policy skips after a replay counts as failed, too.
    entry.type === "delivery.settled" && entry.data.outcome === "replayed" ? "replayed" : "dead_lettered",
  );
}

function insert(db: ViewDatabase, requested: ReplayRequested, recordedAt: string): void {
  const { replayId, kind, actor, total, ratePerSecond, tenant = defaultTenant } = requested;
  db.run(
    "insert or ignore into replays(id, tenant, kind, status, actor, total, rate_per_second, requested, created_at) values (?, ?, ?, 'running', ?, ?, ?, ?, ?)",
    replayId,
    tenant,
    kind,
    actor,
    total,
    ratePerSecond,
    JSON.stringify(requested),
    recordedAt,
  );
}
