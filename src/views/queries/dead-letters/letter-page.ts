import type { DeadLetterFilter } from "../../model/dead-letter.ts";
import { allOf } from "../context.ts";
import { toCursor } from "../cursor.ts";
import { rowsPerPage } from "../ways.ts";
import { filterConditions, type LetterSources, withKeys } from "./letter-filter.ts";
import { lettersOf } from "./letter-ways.ts";

/** Newest event first. The cursor goes on behind what was looked at, also when that was less than a page of matches. */
export async function letterPage<Row extends { readonly position: number; readonly handler: string }>(
  sources: LetterSources,
  filter: DeadLetterFilter,
  {
    select,
    limit,
    after,
    offset,
  }: { readonly select: (from: string) => string; readonly limit: number; readonly after: readonly [number, string] | null; readonly offset: number },
): Promise<{ readonly rows: readonly Row[]; readonly nextCursor: string | null }> {
  const { sql, parameters } = allOf([
    ...filterConditions(sources, filter),
    ...(after === null ? [] : [{ sql: "(d.position, d.handler) < (?, ?)", parameters: after }]),
  ]);
  const rows: Row[] = [];
  let toSkip = offset;
  let left = rowsPerPage;
  for await (const { keys, rows: looked, reached } of lettersOf(sources, filter, "down", after?.[0])) {
    const values = [...keys.parameters, ...parameters];
    const from = `${select(withKeys(keys.sql))} where ${sql} order by d.position desc, d.handler desc limit ? + 0 offset ?`;
    const found = sources.db().all<Row>(from, ...values, limit + 1 - rows.length, toSkip);
    for (const row of found) rows.push(row);
    if (toSkip > 0) {
      const { matching } = sources.db().get<{ matching: number }>(`select count(*) as matching from ${withKeys(keys.sql)} where ${sql}`, ...values)!;
      toSkip = Math.max(0, toSkip - matching);
    }
    if (rows.length > limit) {
      const last = rows[limit - 1]!;
      return { rows: rows.slice(0, limit), nextCursor: toCursor("dead_letters", filter.tenant, last.position, last.handler) };
    }
    left -= looked;
    // An offset goes on nowhere, so it is looked for to its end.
    if (left <= 0 && reached !== null && offset === 0) return { rows, nextCursor: toCursor("dead_letters", filter.tenant, reached, "") };
  }
  return { rows, nextCursor: null };
}
