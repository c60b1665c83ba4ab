import { toIso } from "../../../event/clock.ts";
import type { DeadLetterList } from "../../model/dead-letter.ts";
import type { ErrorGroupReads } from "../../model/error-group.ts";
import type { Sources } from "../context.ts";
import { type GroupRow, groupView } from "./group-view.ts";

const shownLetters = 10;
const hourMs = 3_600_000;

export function makeErrorGroupDetail(sources: Sources, { deadLetters }: DeadLetterList): Pick<ErrorGroupReads, "errorGroup"> {
  return {
    async errorGroup({ tenant, handler, fingerprint }) {
      const row = sources.db().get<GroupRow>("select * from error_groups where tenant = ? and fingerprint = ? and handler = ?", tenant, fingerprint, handler);
      if (row === undefined) return undefined;
      const hours = sources
        .db()
        .all<{ hour: number; count: number }>("select hour, failures as count from error_group_hours where group_id = ? order by hour", row.id);
      const { events } = await deadLetters({ tenant, handler, errorGroup: fingerprint }, { limit: shownLetters });
      return {
        ...groupView(sources, row),
        histogram: hours.map(({ hour, count }) => ({ at: toIso(hour * hourMs), count })),
        before: row.count - hours.reduce((sum, { count }) => sum + count, 0),
        letters: events,
      };
    },
  };
}
