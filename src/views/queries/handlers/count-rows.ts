import { type DeliveryStatus, deliveryStatuses } from "../../model/delivery.ts";
import { rowsAtOnce } from "../ways.ts";
import type { Counting } from "./counting.ts";

interface StatusCount {
  readonly status: DeliveryStatus;
  readonly count: number;
  readonly running: number;
}

/** Deliveries with rows of their own, status by status. */
export async function countRows({ sources: { db }, turns }: Counting, handler: string, running: string): Promise<readonly StatusCount[]> {
  const counts: StatusCount[] = [];
  for (const status of deliveryStatuses) {
    let all = 0;
    let run = 0;
    for (let after = -1; ; ) {
      if (turns.due()) await turns.next();
      const { rows, last } = db().get<{ rows: number; last: number | null }>(
        `select count(*) as rows, max(position) as last from (select position from deliveries indexed by deliveries_by_handler
           where handler = ? and status = ? and position > ? order by position limit ${rowsAtOnce})`,
        handler,
        status,
        after,
      )!;
      if (last === null) break;
      const part = db().get<{ count: number; running: number | null }>(
        `select count(*) as count, sum(d.position in (select value from json_each(?))) as running
           from deliveries d indexed by deliveries_by_handler cross join temp.wanted w on w.handler = d.handler and w.type = d.type and w.since < d.position
         where d.handler = ? and d.status = ? and d.position > ? and d.position <= ?`,
        running,
        handler,
        status,
        after,
        last,
      )!;
      all += part.count;
      run += part.running ?? 0;
      if (rows < rowsAtOnce) break;
      after = last;
    }
    if (all > 0) counts.push({ status, count: all, running: run });
  }
  return counts;
}
