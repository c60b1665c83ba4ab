import { join } from "node:path";
import { it } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import { openViews } from "../../src/views/open-views.ts";
import { openViewStore } from "../../src/views/store.ts";
import { openMemoryLog } from "../support/memory-log.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeDice, makeHistory, ordersCatalog } from "../support/views-history.ts";
it("x", async () => {
  for (let seed = 0; seed < 300; seed++) {
  const dice = makeDice(seed);
  let nowMs = Date.UTC(2026, 0, 1);
  const log = openMemoryLog({ clock: { now: () => (nowMs += dice(900)) } });
  const setups = [
  { name: "ledger", ordering: "strict", types: ["order.placed", "order.paid"], fromNow: false },
  { name: "mailer", ordering: "relaxed", types: ["order.placed"], fromNow: false },
  { name: "stats", ordering: "strict", types: ["order.noted", "order.placed"], fromNow: true },
] as const;
  const history = makeHistory(log, dice, setups);
  for (let i = 0, n= 120 + dice(200); i < n; i++) await history.step();
  await history.flushAll();
  const file = join(temporaryFolder(), "v.db");
  const views = await openViews({ file, log, catalog: ordersCatalog, clock: systemClock, running: { running: () => [] } });
  views.start();
  await views.waitFor(await log.head());
  const { openDatabase } = await import("../../src/views/database.ts");
  const db = openDatabase(file);
  for (const h of await views.handlers()) {
    const handler = history.handlers.find((x) => x.name === h.name)!;
    const by: Record<string, number> = {};
    for (const e of history.events) if (history.wants(handler, e)) by[history.statusOf(handler, e)] = (by[history.statusOf(handler, e)] ?? 0) + 1;
    if (Object.entries(h.byStatus).every(([k, v]) => v === (by[k] ?? 0))) continue;
    console.log(seed, h.name, JSON.stringify(h.byStatus), by);
    console.log(history.events.filter((e) => history.wants(handler, e)).map((e) => `${e.position} ${e.stream}@${e.revision} ${e.type} ${history.statusOf(handler, e)}`).join("\n"));
    console.log(db.all("select n.stream, l.next, l.at, l.detached, l.letters, l.why from lanes l join entities n on n.id = l.entity where handler = ?", h.name).map((x) => JSON.stringify(x)), db.all("select * from handlers where name = ?", h.name).map((x) => JSON.stringify(x)));
    console.log(db.all("select * from gaps where handler = ?", h.name).map((x) => JSON.stringify(x)));
    console.log(db.all("select n.stream, d.revision, d.position, d.status, d.type from deliveries d join entities n on n.id = d.entity where handler = ?", h.name).map((x) => JSON.stringify(x)));
    return;
  }
  await views.close();
  }
});
