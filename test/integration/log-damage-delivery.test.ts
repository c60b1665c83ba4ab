import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler } from "../../src/index.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.number() }) });

function configOf(names: readonly string[], seen: Map<string, string[]>) {
  return defineConfig({
    events: [placed],
    handlers: names.map((name) =>
      defineHandler({
        name,
        events: [placed],
        startFrom: "beginning",
        on: { "order.placed": async (event) => void seen.set(name, [...(seen.get(name) ?? []), `${event.entity.id} ${event.data.n}`]) },
      }),
    ),
  });
}

async function fill(folder: string, names: readonly string[]): Promise<void> {
  const store = await startStore(configOf(names, new Map()), folder);
  for (let n = 0; n < 3; n++) for (const id of ["a", "b", "c"]) await store.append({ type: "order.placed", entity: { type: "order", id }, data: { n } });
  await expect.poll(async () => (await store.views.handlers())[0]?.done).toBe(9);
  await store.close();
}

/** Changes rows of the closed log as no code of ours would. */
function spoil(folder: string, sql: string): void {
  const db = new DatabaseSync(join(folder, "log.db"));
  const { changes } = db.prepare(sql).run();
  expect(changes).toBe(1);
  db.close();
}

const rowOf = (stream: string, revision: number) =>
  `where position = (select e.position from events e join streams s on s.id = e.stream_id where s.name = '${stream}' and e.revision = ${revision})`;

it.each([
  ["data that are no JSON", `update events set data = '{"n":' ${rowOf("default.order-b", 1)}`],
  ["other data", `update events set data = '{"n":7}' ${rowOf("default.order-b", 1)}`],
  ["another type", `update events set type = 'order.placec' ${rowOf("default.order-b", 1)}`],
  ["another revision", `update events set revision = 3 ${rowOf("default.order-b", 1)}`],
  ["another stream", `update events set stream_id = 1 ${rowOf("default.order-b", 1)}`],
])("a row with %s stops its entity and nothing else, for a handler that catches up and for new events", async (_, sql) => {
  const folder = temporaryFolder();
  await fill(folder, ["ledger"]);
  spoil(folder, sql);
  const seen = new Map<string, string[]>();
  const store = await startStore(configOf(["ledger", "late"], seen), folder);
  for (const id of ["a", "b", "d"]) await store.append({ type: "order.placed", entity: { type: "order", id }, data: { n: 3 } });
  await expect.poll(() => seen.get("late")?.length, { timeout: 25_000 }).toBe(9); // a 4, b 1, c 3, d 1
  expect(seen.get("late")!.filter((one) => one.startsWith("b"))).toEqual(["b 0"]);
  expect(seen.get("ledger")!.toSorted()).toEqual(["a 3", "b 3", "d 3"]); // had it before
  await expect
    .poll(async () => (await store.views.entity("default", { type: "order", id: "b" }))?.handlers.find(({ handler }) => handler === "late")?.why)
    .toMatch(/^LOG_DAMAGED: position \d+ \(default\.order-b, revision 1\): /);
  const entity = (await store.views.entity("default", { type: "order", id: "b" }))!;
  expect(entity.handlers.map(({ laneState }) => laneState)).toEqual(["blocked", "flowing"].toSorted());
  const { events } = await store.readEntity({ type: "order", id: "b" });
  expect(events.map(({ data }) => data)).toEqual([{ n: 0 }, null, { n: 2 }, { n: 3 }]);
  expect(events[1]!.dataError).toMatch(/LogDamaged: position/);
  expect(store.warnings().join()).toMatch(/late.*LOG_DAMAGED|LOG_DAMAGED.*late/);
});

it("a journal that cannot be read stops its handler, and not the start", async () => {
  const folder = temporaryFolder();
  await fill(folder, ["ledger", "other"]);
  spoil(
    folder,
    `update events set data = '{"checkpoint' where position = (select max(e.position) from events e join streams s on s.id = e.stream_id where s.name = 'reprise.journal-ledger-1-0')`,
  );
  const seen = new Map<string, string[]>();
  const store = await startStore(configOf(["ledger", "other"], seen), folder);
  await store.append({ type: "order.placed", entity: { type: "order", id: "a" }, data: { n: 3 } });
  await expect.poll(() => seen.get("other")).toEqual(["a 3"]);
  expect(seen.get("ledger")).toBeUndefined();
  expect(store.notReady()).toMatch(/handler ledger stands still: .*JOURNAL_DAMAGED/);
});
