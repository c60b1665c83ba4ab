import { constants, DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import type { EventFilter } from "../../src/log/event-log.ts";
import { tables } from "../../src/log/sqlite/file-tables.ts";
import { pageColumns } from "../../src/log/sqlite/row.ts";
import { type Direction, scanStatement } from "../../src/log/sqlite/scan-statement.ts";

const many = Array.from({ length: 101 }, (_, at) => `order.t${at}`);
const filters: readonly [string, EventFilter | undefined][] = [
  ["no filter", undefined],
  ["a type", { types: ["order.placed"] }],
  ["more types than are listed", { types: many }],
  ["two prefixes", { streamPrefixes: ["default.", "reprise."] }],
];
const scans = filters.flatMap(([what, filter]) => (["forward", "backward"] as const).map((direction) => [what, direction, filter] as const));

it.each(scans)("a scan with %s, %s, is prepared once, whatever its bounds, and goes by position", (_what, direction: Direction, filter) => {
  const db = new DatabaseSync(":memory:");
  onTestFinished(() => db.close());
  db.exec(tables);
  const { sql, values } = scanStatement(pageColumns(true), filter, direction);
  let looks = 0;
  db.setAuthorizer(() => {
    looks++;
    return constants.SQLITE_OK;
  });
  const statement = db.prepare(sql);
  const ofPreparing = looks;
  expect(ofPreparing).toBeGreaterThan(10);
  for (const limit of [1, 64, 512]) statement.all(limit, 2 * limit, ...values, limit);
  expect(looks).toBe(ofPreparing);
  const steps = db.prepare(`explain query plan ${sql}`).all(1, 2, ...values, 64);
  expect(steps.map(({ detail }) => detail)).toContain("SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
  expect(steps.map(({ detail }) => detail)).not.toContain("USE TEMP B-TREE FOR ORDER BY");
});
