import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { makePrivateFolder } from "../../src/log/private-files.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent } from "../contract/log-events.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let umask: number;
beforeEach(() => {
  umask = process.umask(0);
});
afterEach(() => void process.umask(umask));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Each file's and folder's mode that is not what it should be. */
function open(folder: string): readonly string[] {
  const found = readdirSync(folder, { withFileTypes: true, recursive: true }).map((entry) => ({ path: join(entry.parentPath, entry.name), is: entry }));
  expect(found.length).toBeGreaterThan(0);
  return found.filter(({ path, is }) => modeOf(path) !== (is.isDirectory() ? "700" : "600")).map(({ path }) => `${path} ${modeOf(path)}`);
}

async function openStoreIn(log: string, data: string) {
  const store = await openStore(defineConfig({ events: [] }), { log: `sqlite:${log}`, data });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

it("gives the log's and the views' files to this user alone, under an open umask, while they are in use", async () => {
  const folder = temporaryFolder();
  const store = await openStoreIn(join(folder, "deep/log"), join(folder, "views"));
  await store.rebuildViews();
  expect(readdirSync(join(folder, "deep/log"))).toEqual(expect.arrayContaining(["lock.db", "log.db", "log.db-shm", "log.db-wal"]));
  expect(open(folder)).toEqual([]);
  await store.close();
  expect(open(folder)).toEqual([]);
});

it("tightens what an older release has left, also after an unclean stop", async () => {
  const folder = temporaryFolder();
  await (await openStoreIn(folder, folder)).close();
  const log = await openSqliteLog(folder);
  await log.append("shop.order-1", [anEvent()], "any");
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o666);
  chmodSync(folder, 0o777);
  await log.close();
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o666);
  await openStoreIn(folder, folder);
  expect(modeOf(folder)).toBe("700");
  expect(open(folder)).toEqual([]);
});

it("leaves a folder that belongs to everybody as it is", () => {
  const folder = join(temporaryFolder(), "shared");
  mkdirSync(folder);
  chmodSync(folder, 0o1777);
  makePrivateFolder(folder);
  expect(statSync(folder).mode & 0o7777).toBe(0o1777);
  writeFileSync(join(folder, "x"), "");
});

it("refuses a second log in the same process before it opens any file of the first, whose locks would be gone with it", async () => {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  onTestFinished(() => log.close());
  await expect(openSqliteLog(folder)).rejects.toMatchObject({ code: "LOG_IN_USE", message: `This process owns the log in ${folder} already.` });
});
