import { makeTurns } from "../../../event/turns.ts";
import { makePageRoom } from "../../../log/page-bytes.ts";
import type { ReplayRequested } from "../../../records/replay.ts";
import type { ReplayReads, ReplayView } from "../../model/replay.ts";
import { allOf, ofTenant, type Sources } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { type ReplayRow, replayView } from "./replay-view.ts";

export function makeReplayReads({ db }: Sources): ReplayReads {
  return {
    async replay(tenant, replayId) {
      const row = db().get<ReplayRow>("select * from replays where tenant = ? and id = ?", tenant, replayId);
      return row && replayView(db(), row);
    },

    async replays(tenant, { limit, cursor }) {
      // Ids are ordered by time (UUIDv7).
      const before = fromCursor("replays", tenant, cursor, ["string"])?.[0] ?? "~";
      const { sql, parameters } = allOf([...ofTenant("tenant", tenant), { sql: "id < ?", parameters: [before] }]);
      const rows = db().all<ReplayRow>(`select * from replays where ${sql} order by id desc limit ? + 0`, ...parameters, limit + 1);
      const shown = rows.slice(0, limit);
      const turns = makeTurns();
      const views: ReplayView[] = [];
      const room = makePageRoom();
      for (const row of shown) {
        if (turns.due()) await turns.next();
        const shownRow = replayView(db(), row); // one that runs counts its outcomes
        if (!room.takes(shownRow)) return { replays: views, nextCursor: toCursor("replays", tenant, views.at(-1)!.replayId) };
        views.push(shownRow);
      }
      return { replays: views, nextCursor: rows.length > limit ? toCursor("replays", tenant, shown.at(-1)!.id) : null };
    },

    async openReplays() {
      return db()
        .all<{ id: string; tenant: string; requested: string }>("select id, tenant, requested from replays where ended_at is null order by created_at, id")
        .map(({ id, tenant, requested }) => ({ tenant, replayId: id, planId: (JSON.parse(requested) as ReplayRequested).planId ?? null }));
    },
  };
}
