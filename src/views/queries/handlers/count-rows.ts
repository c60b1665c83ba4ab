import type { DeliveryStatus } from "../../model/delivery.ts";
import { allOf, ofTenant, oneOf } from "../context.ts";
import { partsOf } from "../parts.ts";
import type { Counting } from "./counting.ts";

export interface StatusCount {
  readonly status: DeliveryStatus;
  readonly count: number;
  readonly running: number;
}

/** Deliveries with rows of their own, by status. They are counted as they come; what the handler came too late to want, and has rows nevertheless, is counted here. */
export async function countRows(counting: Counting, handler: string, running: string): Promise<readonly StatusCount[]> {
  const { db } = counting.sources;
  const of = allOf([oneOf("c.handler", [handler]), ...ofTenant("c.tenant", counting.tenant)]);
  const counts = db().all<{ tenant: string; type: string; status: DeliveryStatus; deliveries: number; since: number }>(
    `select c.tenant, c.type, c.status, c.deliveries, w.since from delivery_counts c cross join temp.wanted w on w.handler = c.handler and w.type = c.type where ${of.sql}`,
    ...of.parameters,
  );
  const calls = runningRows(counting, handler, running);
  const all = new Map<DeliveryStatus, number>();
  for (const { status, deliveries } of counts) all.set(status, (all.get(status) ?? 0) + deliveries);
  const late = new Map<string, { tenant: string; status: DeliveryStatus; since: Map<string, number> }>();
  for (const { tenant, type, status, since } of counts) {
    if (since === 0) continue;
    const key = `${tenant} ${status}`;
    const before = late.get(key) ?? { tenant, status, since: new Map() };
    before.since.set(type, since);
    late.set(key, before);
  }
  for (const { tenant, status, since } of late.values()) all.set(status, all.get(status)! - (await countBefore(counting, { handler, tenant, status, since })));
  return [...all].map(([status, count]) => ({ status, count, running: calls.get(status) ?? 0 }));
}

interface Late {
  readonly handler: string;
  readonly tenant: string;
  readonly status: DeliveryStatus;
  /** By type: only what is beyond is wanted. */
  readonly since: ReadonlyMap<string, number>;
}

async function countBefore({ sources: { db }, turns }: Counting, { handler, tenant, status, since }: Late): Promise<number> {
  const from = "deliveries d indexed by deliveries_by_handler";
  let last = 0;
  for (const position of since.values()) last = Math.max(last, position);
  const where = allOf([
    ...[oneOf("d.handler", [handler]), oneOf("d.tenant", [tenant]), oneOf("d.status", [status])],
    { sql: "d.position <= ?", parameters: [last] },
  ]);
  let count = 0;
  for await (const { sql, parameters } of partsOf(db, { from, where, by: [["d.position", -1]] }, turns))
    count += db().get<{ count: number }>(
      `select count(*) as count from ${from} cross join json_each(?) s on s.key = d.type and d.position <= s.value where ${sql}`,
      JSON.stringify(Object.fromEntries(since)),
      ...parameters,
    )!.count;
  return count;
}

/** Of those with rows, the calls under way: a few. @param running positions as a JSON list. */
function runningRows({ sources: { db } }: Counting, handler: string, running: string): ReadonlyMap<DeliveryStatus, number> {
  const rows = db().all<{ status: DeliveryStatus; running: number }>(
    `select d.status, count(*) as running from json_each(?) r cross join events e on e.position = r.value
       cross join deliveries d on d.entity = e.entity and d.revision = e.revision and d.handler = ?
       cross join temp.wanted w on w.handler = d.handler and w.type = d.type and w.since < d.position group by d.status`,
    running,
    handler,
  );
  return new Map(rows.map((row) => [row.status, row.running]));
}
