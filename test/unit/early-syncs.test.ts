import { fstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { EarlySyncs } from "../../src/views/apart/early-syncs.ts";
import { openDatabase, type ViewDatabase } from "../../src/views/database.ts";
import { configureStore } from "../../src/views/store-file.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let file: string;
let db: ViewDatabase;

beforeEach(() => {
  file = join(temporaryFolder(), "views.db");
  db = openDatabase(file);
  configureStore(db, "live");
  db.exec("create table rows(text)");
});

function watched(sync = (_descriptor: number) => {}) {
  const synced: number[] = [];
  const syncs = new EarlySyncs(file, db, (descriptor) => {
    expect(fstatSync(descriptor).ino).toBe(statSync(`${file}-wal`).ino);
    synced.push(pages());
    sync(descriptor);
  });
  onTestFinished(() => {
    syncs.close();
    db.close();
  });
  return { syncs, synced };
}

const pages = () => db.get<{ log: number }>("pragma wal_checkpoint(noop)")!.log;
/** About so many pages, and a few. */
const write = (count: number) => db.run("insert into rows values (?)", "x".repeat(4090 * count));

describe("early syncs of the rows' write-ahead log", () => {
  it("come once for each 256 pages, so that a checkpoint finds less than those left", () => {
    const { syncs, synced } = watched();
    for (let written = 0; written < 1500; written += 20) {
      write(20);
      syncs.committed();
      expect(pages() - (synced.at(-1) ?? 0)).toBeLessThan(256);
    }
    expect(synced.length).toBeGreaterThan(4);
    expect(synced.length).toBeLessThan(8);
  });

  it("begin anew with the write-ahead log, which SQLite brings over after 2048 pages", () => {
    const { syncs, synced } = watched();
    for (let written = 0; written < 5000; written += 20) {
      write(20);
      syncs.committed();
    }
    expect(Math.max(...synced)).toBeLessThan(2200);
    expect(synced.length).toBeGreaterThan(15);
  });

  it("report the rows as of no use when the disk refuses, because SQLite would not hear of it", () => {
    const reported: unknown[] = [];
    db.watch((error) => reported.push(error));
    const refusal = new Error("EIO: i/o error, fdatasync");
    const { syncs } = watched(() => {
      throw refusal;
    });
    write(300);
    syncs.committed();
    expect(reported).toEqual([refusal]);
  });
});
