import { isBeyondNumbers } from "./careful-reads.ts";
import { makeMender } from "./mender.ts";
import { openRaw } from "./open-raw.ts";
import { columnsDamage } from "./row.ts";
import { fromSqliteError, isDamage } from "./sqlite-error.ts";
import { streamSum } from "./sums.ts";

/**
 * Makes an index anew when it disagrees with its table. The index holds no facts of its own, and look-ups by it would miss rows. It keeps an index whose table
 * has the damaged row, because then the index has the better copy.
 *
 * @returns the indexes that were made anew.
 */
export function healIndexes(path: string): readonly string[] {
  const db = openRaw(path, "write");
  try {
    const prepare = (sql: string) => db.prepare(sql, { returnArrays: true });
    const prepareBig = (sql: string) => {
      const statement = prepare(sql);
      statement.setReadBigInts(true);
      return statement;
    };
    const mender = makeMender(prepare, prepareBig, path);
    const isWhole = (index: string, row: number): boolean => {
      if (index === "events_by_id") {
        const event = mender.rowAt(row);
        return event !== undefined && columnsDamage(event) === null;
      }
      const stream = prepare("select name, tenant, first, sum from streams where id = ?").get(row) as unknown as
        | readonly [string, string, number, number]
        | undefined;
      return stream !== undefined && streamSum(row, stream[0], stream[1], stream[2]) === stream[3];
    };
    const lying = new Map<string, boolean>();
    const problems = prepare("pragma integrity_check(100)").all() as unknown as readonly (readonly [string])[];
    for (const [problem] of problems) {
      const [, row, missingFrom, entriesOf] = /^row (\d+) missing from index (\S+)|entries in index (\S+)/.exec(problem) ?? [];
      const index = missingFrom ?? entriesOf;
      if (index === undefined || !indexes.includes(index)) continue;
      lying.set(index, (lying.get(index) ?? true) && (row === undefined || isWhole(index, Number(row))));
    }
    const healed = [...lying].filter(([, tableIsWhole]) => tableIsWhole).map(([index]) => index);
    for (const index of healed) db.exec(`reindex ${index}`);
    return healed;
  } catch (error) {
    // Reads that meet the damage tell of it.
    if (isDamage(error) || isBeyondNumbers(error)) return [];
    throw fromSqliteError(error, `Making the indexes of ${path} anew`);
  } finally {
    db.close();
  }
}

const indexes = ["events_by_id", "sqlite_autoindex_streams_1"];
