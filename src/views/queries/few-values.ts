import type { ViewDatabase } from "../database.ts";
import type { Condition } from "./context.ts";

/** Values that are few enough to look for each by itself. */
export const fewValues = 20;

/**
 * The different values of an index's first column (behind those that `where` fixes), found by one step each; null for more than a few.
 *
 * @param from a table with the index that it is read by.
 */
export function valuesOf(db: ViewDatabase, column: string, from: string, where: Condition = { sql: "true", parameters: [] }): readonly string[] | null {
  const values = db.all<{ value: string }>(
    `with recursive found(value) as (
       select (select ${column} from ${from} where ${where.sql} order by ${column} limit 1)
       union all select (select ${column} from ${from} where ${where.sql} and ${column} > found.value order by ${column} limit 1) from found where found.value is not null
     ) select value from found where value is not null limit ? + 0`,
    ...where.parameters,
    ...where.parameters,
    fewValues + 1,
  );
  return values.length > fewValues ? null : values.map(({ value }) => value);
}
