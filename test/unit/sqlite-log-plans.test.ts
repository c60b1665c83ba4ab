import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished, vi } from "vitest";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, flat } from "../contract/log-events.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("finds each event of streams' pages by its place in the file, for one stream and for several together", async () => {
  const texts = new Set<string>();
  const { prepare } = DatabaseSync.prototype;
  const prepares = vi.spyOn(DatabaseSync.prototype, "prepare").mockImplementation(function (this: DatabaseSync, ...about) {
    texts.add(about[0]);
    return prepare.apply(this, about);
  });
  onTestFinished(() => prepares.mockRestore());
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  onTestFinished(() => log.close());
  const streams = ["shop.order-1", "shop.order-2", "shop.order-3"];
  const ids: string[] = [];
  for (const stream of streams) {
    const events = Array.from({ length: 300 }, () => anEvent());
    ids.push(events[0]!.id, events[299]!.id);
    await log.append(stream, events, "none");
  }
  texts.clear();
  const read = await log.readStreams!(
    streams.map((stream) => ({ stream, from: 295 })),
    64,
  );
  expect(read.map(({ events }) => events.length)).toEqual([5, 5, 5]);
  expect(await flat(log.readStream(streams[0]!, { from: 290 }))).toHaveLength(10);
  expect(await flat(log.readStream(streams[0]!, { limit: 10 }))).toHaveLength(10);
  expect(await log.findByIds("shop", ids)).toHaveLength(6);
  prepares.mockRestore();

  const db = new DatabaseSync(join(folder, "log.db"), { readOnly: true });
  onTestFinished(() => db.close());
  const plans = [...texts]
    .filter((sql) => /\b(from|join) events\b/.test(sql))
    .map((sql) => {
      const unbound = Array(sql.split("?").length - 1).fill(null);
      const steps = db.prepare(`explain query plan ${sql}`).all(...unbound);
      return { sql, events: steps.map(({ detail }) => String(detail)).filter((detail) => /^(SCAN|SEARCH) (e|events)\b/.test(detail)) };
    });
  for (const kind of ["json_each", "from marks", "values (?, ?, ?)"]) {
    const ofKind = plans.filter(({ sql }) => sql.includes("recursive walk") && sql.includes(kind));
    expect(
      ofKind.map(({ events }) => events),
      kind,
    ).toEqual([Array(2).fill("SEARCH e USING INTEGER PRIMARY KEY (rowid=?)")]);
  }
  expect(plans.flatMap(({ events }) => events).filter((detail) => detail.startsWith("SCAN"))).toEqual([]);
});
