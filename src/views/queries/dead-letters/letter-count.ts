import type { DeadLetterFilter } from "../../model/dead-letter.ts";
import { allOf, type Condition } from "../context.ts";
import { filterConditions, kindConditions, type LetterSources, withKeys } from "./letter-filter.ts";
import { isByKind, kindsOf } from "./letter-kinds.ts";
import { lettersOf } from "./letter-ways.ts";

/** By their kinds, where the filter allows it, else one by one. */
export async function countLetters(sources: LetterSources, filter: DeadLetterFilter): Promise<number> {
  if (!isByKind(filter)) return countOneByOne(sources, filter, []);
  const conditions = allOf(kindConditions(sources, filter));
  let total = 0;
  for await (const { sql, parameters } of kindsOf(sources.db, filter))
    total +=
      sources
        .db()
        .get<{ total: number | null }>(
          `select sum(letters) as total from letter_counts d where ${sql} and ${conditions.sql}`,
          ...parameters,
          ...conditions.parameters,
        )!.total ?? 0;
  return total;
}

export async function countOneByOne(sources: LetterSources, filter: DeadLetterFilter, more: readonly Condition[]): Promise<number> {
  const { sql, parameters } = allOf([...filterConditions(sources, filter), ...more]);
  let count = 0;
  for await (const { keys } of lettersOf(sources, filter, "up"))
    count += sources.db().get<{ count: number }>(`select count(*) as count from ${withKeys(keys.sql)} where ${sql}`, ...keys.parameters, ...parameters)!.count;
  return count;
}
