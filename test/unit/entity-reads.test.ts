import fc from "fast-check";
import { expect, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { EntityKeys } from "../../src/views/entity-cache.ts";
import { openViewStore } from "../../src/views/store.ts";
import { inMemory } from "../../src/views/store-file.ts";
import { ordersCatalog } from "../support/views-history.ts";

const placed = { type: "order.placed", schemaVersion: 1, source: null, occurredAt: null, data: { total: 1 }, metadata: { priority: "normal" } } as const;
const lanes = 40;

it("reads the entities of a page that are not in memory with one statement, and changes them as if each had been read by itself", async () => {
  const log = openMemoryLog({});
  for (let turn = 0; turn < 3; turn++) for (let lane = 0; lane < lanes; lane++) await log.append(`default.order-${lane}`, [{ ...placed, id: newId() }], "any");
  const events = [];
  for await (const batch of log.readAll()) events.push(...batch.filter(({ stream }) => stream.startsWith("default.")));
  const asked: string[] = [];
  const store = openViewStore(inMemory, log.logId, ordersCatalog, "live", (sql) => void asked.push(sql));
  for (let turn = 0; turn < 3; turn++) {
    asked.length = 0;
    store.db.entities.clear();
    store.fold(events.slice(turn * lanes, (turn + 1) * lanes), () => false);
    expect(asked.filter((sql) => sql.startsWith("select n.id")).length).toBe(turn === 0 ? 0 : 1);
  }
  const rows = store.db.all<{ stream: string; revision: number; position: number }>("select stream, revision, position from entities order by id");
  expect(rows.map((row) => ({ ...row }))).toEqual(
    events.slice(2 * lanes).map(({ stream, revision, position }) => ({ stream, revision, position: Number(position) })),
  );
  store.close();
  await log.close();
});

it("keeps an entity that has something to write until it is written, and the last half of the others", () => {
  const act = fc.tuple(fc.constantFrom("get", "set", "change", "settle"), fc.nat(20).map(String));
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const keys = new EntityKeys(8);
      const pending = new Map<string, ReturnType<EntityKeys["get"]>>();
      let used: string[] = [];
      for (const [what, stream] of acts) {
        if (what === "settle") {
          for (const key of pending.values()) key!.pending = null;
          pending.clear();
          keys.settled();
          continue;
        }
        let key = keys.get(stream);
        if (pending.has(stream)) expect(key).toBe(pending.get(stream));
        if (used.slice(-4).includes(stream)) expect(key).toBeDefined();
        if (key !== undefined && !pending.has(stream)) used = [...used.filter((one) => one !== stream), stream];
        if (what === "get") continue;
        if (key === undefined) {
          key = { id: 1, tenant: "", type: "", revision: -1, position: 0, lastType: null, typeSet: null, pending: null };
          keys.set(stream, key);
          used = [...used.filter((one) => one !== stream), stream];
        }
        if (what !== "change") continue;
        key.pending = { recordedMs: 0, type: "", others: null };
        pending.set(stream, key);
      }
    }),
  );
});
