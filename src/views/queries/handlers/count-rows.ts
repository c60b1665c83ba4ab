import { everyTenant } from "../../../event/names.ts";
import type { DeliveryStatus } from "../../model/delivery.ts";
import { allOf, ofTenant, oneOf } from "../context.ts";
import { partsOf } from "../parts.ts";
import type { Counting } from "./counting.ts";

export interface StatusCount {
  readonly status: DeliveryStatus;
  readonly count: number;
  readonly running: number;
}

/** Deliveries with rows of their own, by status. */
export async function countRows({ sources: { db }, tenant, turns }: Counting, handler: string, running: string): Promise<readonly StatusCount[]> {
  const counts = new Map<DeliveryStatus, { count: number; running: number }>();
  const from = "deliveries d indexed by deliveries_by_handler";
  const where = allOf([oneOf("d.handler", [handler]), ...ofTenant("d.tenant", tenant)]);
  const by = [
    ["d.status", ""],
    ["d.position", -1],
  ] as const;
  for await (const { sql, parameters } of partsOf(db, { from, where, by: tenant === everyTenant ? [["d.tenant", ""] as const, ...by] : by }, turns))
    for (const { status, count, running: run } of db().all<StatusCount>(
      `select d.status, count(*) as count, coalesce(sum(d.position in (select value from json_each(?))), 0) as running
         from ${from} cross join temp.wanted w on w.handler = d.handler and w.type = d.type and w.since < d.position
       where ${sql} group by d.status`,
      running,
      ...parameters,
    )) {
      const before = counts.get(status) ?? { count: 0, running: 0 };
      counts.set(status, { count: before.count + count, running: before.running + run });
    }
  return [...counts].map(([status, counted]) => ({ status, ...counted }));
}
