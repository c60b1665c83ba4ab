import { toIso } from "../../../event/clock.ts";
import { everyTenant } from "../../../event/names.ts";
import { makeTurns } from "../../../event/turns.ts";
import type { ErrorGroupFilter, ErrorGroupReads, ErrorGroupView } from "../../model/error-group.ts";
import { allOf, type Condition, type Sources, storedTypes } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { rowsAtOnce, rowsPerPage } from "../ways.ts";
import { type GroupRow, groupView } from "./group-view.ts";

/** Error groups, the one seen last first. A group that is seen again while somebody reads page by page moves to the front. */
export function makeErrorGroupList(sources: Sources): Pick<ErrorGroupReads, "errorGroups" | "findErrorGroups"> {
  return {
    async errorGroups(filter, { limit, cursor }) {
      const wanted = allOf(conditionsOf(sources, filter));
      const way = wayOf(filter);
      const turns = makeTurns();
      const groups: ErrorGroupView[] = [];
      let below = fromCursor("error_groups", filter.tenant, cursor, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
      for (let looked = 0; ; looked += rowsAtOnce) {
        if (turns.due()) await turns.next();
        // What is looked at is bounded, whatever the filter leaves of it.
        const part = `select * from error_groups indexed by ${way.index} where ${way.where.sql} and last_position < ? order by last_position desc limit ${rowsAtOnce}`;
        const within = [...way.where.parameters, below];
        const { rows, last } = sources
          .db()
          .get<{ rows: number; last: number | null }>(`select count(*) as rows, min(last_position) as last from (${part})`, ...within)!;
        const found = sources
          .db()
          .all<GroupRow>(
            `select g.* from (${part}) g where ${wanted.sql} order by g.last_position desc limit ? + 0`,
            ...within,
            ...wanted.parameters,
            limit + 1 - groups.length,
          );
        for (const row of found) {
          if (groups.length === limit) return { groups, nextCursor: toCursor("error_groups", filter.tenant, below) };
          groups.push(groupView(sources, row));
          below = row.last_position;
        }
        if (rows < rowsAtOnce) return { groups, nextCursor: null };
        below = last!;
        if (looked >= rowsPerPage) return { groups, nextCursor: toCursor("error_groups", filter.tenant, below) };
      }
    },

    async findErrorGroups(tenant, fingerprint) {
      return sources
        .db()
        .all<GroupRow>(
          "select * from error_groups indexed by error_groups_by_fingerprint where tenant = ? and fingerprint = ? order by handler limit ? + 0",
          tenant,
          fingerprint,
          maxHandlers,
        )
        .map((row) => groupView(sources, row));
    },
  };
}

/** Handlers that make the same fingerprint, at most. */
const maxHandlers = 1000;

function wayOf({ tenant, handler }: ErrorGroupFilter): { readonly index: string; readonly where: Condition } {
  if (tenant === everyTenant) return { index: "error_groups_of_all", where: { sql: "true", parameters: [] } };
  if (handler === undefined) return { index: "error_groups_by_last", where: { sql: "tenant = ?", parameters: [tenant] } };
  return { index: "error_groups_by_handler", where: { sql: "handler = ? and tenant = ?", parameters: [handler, tenant] } };
}

function conditionsOf({ catalog, now }: Sources, { handler, state, eventType, errorLike, sinceMs, untilMs }: ErrorGroupFilter): readonly Condition[] {
  const conditions: Condition[] = [];
  const add = (sql: string, ...parameters: readonly (string | number)[]) => void conditions.push({ sql, parameters });
  if (handler !== undefined) add("g.handler = ?", handler);
  if (state !== undefined) add("iif(g.state = 'ignored' and g.until <= ?, 'open', g.state) = ?", toIso(now()), state);
  if (eventType !== undefined)
    add("exists (select 1 from json_each(g.seen, '$.types') t join json_each(?) w on w.value = t.value)", JSON.stringify(storedTypes(catalog, eventType)));
  if (errorLike !== undefined) add("instr(g.type || ': ' || g.message, ?) > 0", errorLike);
  if (sinceMs !== undefined) add("g.last_seen >= ?", toIso(sinceMs));
  if (untilMs !== undefined) add("g.last_seen < ?", toIso(untilMs));
  return conditions;
}
