import { everyTenant } from "../../../event/names.ts";
import type { Turns } from "../../../event/turns.ts";
import { laneKind } from "../../projections/lane-counts.ts";
import { allOf, type Condition, ofTenant, oneOf, type Sources } from "../context.ts";
import type { Beside } from "../parts.ts";
import { rowsAtOnce } from "../ways.ts";

/** What one count works with: its moment of the rows, and the turns that all its parts share. */
export interface Counting {
  readonly sources: Sources;
  /** Whose events are counted; `*`: everybody's. */
  readonly tenant: string;
  readonly turns: Turns;
}

/** Where the counted events are, in the order of their positions: a table `e` with its condition. */
export function eventsOf(tenant: string): { readonly from: string; readonly where: Condition } {
  const where = allOf(ofTenant("e.tenant", tenant));
  return { from: tenant === everyTenant ? "events e not indexed" : "events e indexed by events_by_tenant", where };
}

export const lanesFrom = "lanes l indexed by lanes_by_handler";

/** A handler's lanes that have rows, as `partsOf` takes them. */
export function lanesOf({ tenant }: Pick<Counting, "tenant">, handler: string): Beside {
  return {
    from: lanesFrom,
    where: allOf([oneOf("l.handler", [handler]), ...ofTenant("l.tenant", tenant)]),
    by:
      tenant === everyTenant
        ? [
            ["l.tenant", ""],
            ["l.entity", -1],
          ]
        : [["l.entity", -1]],
  };
}

/** Those of them that go on by themselves, or have too much before them to be counted. */
export function movingLanesOf(counting: Pick<Counting, "tenant">, handler: string): Beside {
  const lanes = lanesOf(counting, handler);
  return { ...lanes, where: allOf([{ sql: "l.detached = 1 and l.counted is null", parameters: [] }, lanes.where]) };
}

/** Whether there are any of them: they are found among all lanes of the handler. */
export function hasMoving(kinds: readonly LaneKindCount[]): boolean {
  return kinds.some(({ kind }) => (kind & (laneKind.detached | laneKind.counted)) === laneKind.detached);
}

export interface LaneKindCount {
  readonly tenant: string;
  readonly kind: number;
  readonly lanes: number;
  readonly waiting: number;
}

/** A handler's lanes by what they are alike in. */
export function laneKinds({ sources: { db }, tenant }: Pick<Counting, "sources" | "tenant">, handler: string): readonly LaneKindCount[] {
  const { sql, parameters } = allOf([oneOf("c.handler", [handler]), ...ofTenant("c.tenant", tenant)]);
  return db().all<LaneKindCount>(`select c.tenant, c.kind, c.lanes, c.waiting from lane_counts c where ${sql}`, ...parameters);
}

/** Parts of the positions beyond `low` up to `high`, each with a bounded number of events. */
export async function* positions(
  { sources: { db }, tenant, turns }: Counting,
  low: number,
  high: number,
): AsyncGenerator<{ readonly low: number; readonly high: number }, void> {
  const { from: events, where } = eventsOf(tenant);
  for (let from = low; from < high; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = db().get<{ rows: number; last: number | null }>(
      `select count(*) as rows, max(position) as last from (select e.position from ${events} where ${where.sql} and e.position > ? and e.position <= ? order by e.position limit ${rowsAtOnce})`,
      ...where.parameters,
      from,
      high,
    )!;
    if (last === null) return;
    yield { low: from, high: last };
    if (rows < rowsAtOnce) return;
    from = last;
  }
}
