import { expect, it } from "vitest";
import { laneKind } from "../../src/views/projections/lane-counts.ts";
import type { Sources } from "../../src/views/queries/context.ts";
import { makeWalk } from "../../src/views/queries/entities/entity-walk.ts";

/** Many lanes of one kind, which nobody may walk. */
function lanesOfKind(kind: number): Sources {
  const rows = (sql: string) =>
    sql.includes("lane_counts") ? [{ tenant: "default", kind, lanes: 100_000, waiting: 0 }] : [{ name: "desk", paused: 0, ordering: "strict" }];
  return {
    db: () => ({ all: rows, get: () => ({ id: 100_000_000 }) }),
    running: { condition: () => ({ state: "running", fault: null }), running: () => [] },
    atOneMoment: async () => {
      throw new Error("All lanes are walked.");
    },
  } as unknown as Sources;
}

it.each([
  ["paused", laneKind.letters | laneKind.detached, laneKind.paused],
  ["blocked", laneKind.paused | laneKind.detached, laneKind.letters],
  ["blocked", laneKind.retry | laneKind.detached, laneKind.why],
  ["backing_off", laneKind.letters | laneKind.detached, laneKind.retry],
  ["behind", laneKind.retry, laneKind.detached],
] as const)("a page of entities whose lanes are %s looks at none where no lane can be (%i; with %i it does)", async (laneState, others, own) => {
  const page = (kind: number) => makeWalk(lanesOfKind(kind), { tenant: "default", laneState }, { after: "", limit: 100 });
  expect((await page(others))("")).toEqual({ rows: [], reached: null, looked: 0 });
  await expect(page(others | own)).rejects.toThrow("All lanes are walked.");
});
