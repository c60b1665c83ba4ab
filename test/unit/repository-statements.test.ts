/**
 * SQLite looks at what some parameters are bound to when it plans: a plain `limit ?`, and the pattern of `like ?` and `glob ?`. A statement with one is
 * prepared anew at each execution with another binding: a read of one event of the log took 32 µs so, and 12 with `limit ? + 0`. No statement of `src` has one.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { constants, DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";

const peeked = /\b(?:limit|like|glob) \?(?=["'`)]|$| offset)/gim;
const source = join(repositoryFolder, "src");

it("no statement lets SQLite look at what a parameter is bound to", () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const found = files.flatMap((file) => [...readFileSync(join(source, file), "utf8").matchAll(peeked)].map(([text], at) => `${file}: ${text} (${at})`));
  expect(files.length).toBeGreaterThan(500);
  // A comment says why.
  expect(found.filter((text) => !text.startsWith(join("log", "sqlite", "scan-statement.ts")))).toEqual([]);
});

it.each([
  ["'select a from t order by a limit ?'", 1],
  ['"select a from t where b like ?"', 1],
  ["`where b glob ?`", 1],
  ["`order by a limit ?\n offset ?`", 1],
  ["`(select a from t limit ?)`", 1],
  ["`limit ? offset ?`", 1],
  ["`limit ? + 0 offset ?`", 0],
  ["`limit ? + 0`", 0],
  ["count > limit ? first : second", 0],
])("the rule sees %s: %i", (text, times) => {
  expect([...text.matchAll(peeked)]).toHaveLength(times);
});

it.each([
  ["select a from t order by a limit ?", [1, 2, 3], true],
  ["select a from t where b like ?", ["a%", "b%", "c%"], true],
  ["select a from t order by a limit ? + 0", [1, 2, 3], false],
  ["select a from t order by a limit 1 offset ?", [1, 2, 3], false],
  ["select a from t where a > ?", [1, 2, 3], false],
])("whether SQLite prepares %s anew when it is bound to %j: %s", (sql, bindings, anew) => {
  const db = new DatabaseSync(":memory:");
  db.exec("create table t (a integer primary key, b text collate nocase); create index t_b on t (b); insert into t values (1, 'a'), (2, 'b'); analyze");
  const statement = db.prepare(sql);
  let planned = 0;
  db.setAuthorizer(() => {
    planned++;
    return constants.SQLITE_OK;
  });
  statement.all(bindings[0]!);
  planned = 0;
  for (const binding of bindings.slice(1)) statement.all(binding);
  expect(planned > 0).toBe(anew);
  db.close();
});
