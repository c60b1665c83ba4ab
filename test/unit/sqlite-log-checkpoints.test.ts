/** Checkpoints that another thread makes: what is held meanwhile, and what happens when one fails, or its thread ends. */
import { once } from "node:events";
import { closeSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type MessagePort, Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { EventLog } from "../../src/log/event-log.ts";
import { answerCheckpoints } from "../../src/log/sqlite/checkpoint-answers.ts";
import { type FromCheckpoints, phaseAt, rests, type ToCheckpoints, type ToldError, writes } from "../../src/log/sqlite/checkpoint-messages.ts";
import { CheckpointWriter } from "../../src/log/sqlite/checkpoint-writer.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { WriteAheadLog } from "../../src/log/sqlite/wal.ts";
import { anEvent, refuses, stored } from "../contract/log-events.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { watchCommits } from "../support/watch-commits.ts";

const disk = vi.hoisted(() => ({ fails: false, syncs: 0, folders: 0, wrote: () => {} }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const fdatasyncSync = (file: number) => {
    if (disk.fails) throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO", syscall: "fdatasync" });
    disk.syncs++;
    fs.fdatasyncSync(file);
  };
  const writeSync = (file: number, bytes: Buffer, offset: number, length: number, at: number) => {
    disk.wrote();
    return fs.writeSync(file, bytes, offset, length, at);
  };
  const fsyncSync = (file: number) => {
    if (fs.fstatSync(file).isDirectory()) disk.folders++;
    fs.fsyncSync(file);
  };
  return { ...fs, fdatasyncSync, fsyncSync, writeSync };
});
afterEach(() => {
  disk.fails = false;
  disk.wrote = () => {};
  vi.restoreAllMocks();
});

const checkpointPages = 80;
const eio: ToldError = { message: "EIO: i/o error, fdatasync", code: "EIO", syscall: "fdatasync", errcode: undefined };

async function openLog() {
  const folder = temporaryFolder();
  const clock = makeFakeClock();
  const troubles: (string | null)[] = [];
  const log = await openSqliteLog(folder, { clock, limits: { checkpointPages }, onTrouble: (trouble) => troubles.push(trouble?.code ?? null) });
  onTestFinished(() => log.close());
  const outside = new DatabaseSync(join(folder, "log.db"));
  outside.exec("pragma busy_timeout = 1000; pragma wal_autocheckpoint = 0");
  const closeOutside = () => {
    if (outside.isOpen) outside.close();
  };
  onTestFinished(closeOutside);
  const frames = (mode: "noop" | "passive") => {
    const { log: all, checkpointed } = outside.prepare(`pragma wal_checkpoint(${mode})`).get() as { readonly log: number; readonly checkpointed: number };
    return { all, checkpointed };
  };
  return { log, folder, clock, troubles, frames, closeOutside };
}

/** Commits of about ten pages. */
async function append(log: EventLog, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++)
    await log.append(
      `shop.order-${turn % 7}`,
      Array.from({ length: 16 }, () => anEvent()),
      "any",
    );
}

/** A thread that does nothing by itself. */
function idleThread(log: EventLog) {
  const port: MessagePort = log.apart!.lend();
  const asked: number[] = [];
  let state: Int32Array = new Int32Array(2);
  const tell = (message: FromCheckpoints) => port.postMessage(message);
  port.on("message", (message: ToCheckpoints) => {
    if (typeof message === "number") asked.push(message);
    else if (message === "end") port.close();
    else {
      state = new Int32Array(message.state);
      tell("ready");
    }
  });
  return {
    port,
    asked,
    /** Takes the question, which cannot be taken back then. */
    begin() {
      Atomics.store(state, phaseAt, writes);
      return state;
    },
    answer(error: ToldError | null) {
      Atomics.store(state, phaseAt, rests);
      tell({ number: asked.at(-1)!, error });
    },
    /** Appends until a checkpoint is asked for. */
    async becomesDue(): Promise<void> {
      const before = asked.length;
      for (let turn = 0; asked.length === before; turn++) {
        expect(turn).toBeLessThan(200);
        await append(log, 1);
        await nextTurn();
      }
    },
  };
}

const settled = async () => {
  for (let turn = 0; turn < 10; turn++) await nextTurn();
};

describe("a checkpoint by another thread", () => {
  it("keeps the write-ahead log short, and this thread makes only the last of it", async () => {
    const { log, folder, frames, closeOutside } = await openLog();
    answerCheckpoints(log.apart!.lend());
    await settled();
    let longest = 0;
    let begunAnew = 0;
    for (let turn = 0, before = 0; turn < 300; turn++) {
      await append(log, 1);
      const { all } = frames("noop");
      if (all < before) begunAnew++;
      before = all;
      longest = Math.max(longest, all);
    }
    expect(longest).toBeGreaterThan(4 * checkpointPages);
    expect(longest).toBeLessThan(7 * checkpointPages);
    expect(begunAnew).toBeGreaterThan(1);
    closeOutside();
    await log.close();
    expect(readdirSync(folder).toSorted((a, b) => a.localeCompare(b))).toEqual(["lock.db", "log.db"]);
    const again = await openSqliteLog(folder);
    expect(await stored(again)).toHaveLength(300 * 16);
    await again.close();
  });

  it("holds the write-ahead log as long as it is under way, while appends go on", async () => {
    const { log, frames } = await openLog();
    const thread = idleThread(log);
    await thread.becomesDue();
    const held = frames("noop").all;
    for (let turn = 0, before = held; turn < 20; turn++) {
      await append(log, 2);
      const { all, checkpointed } = frames("passive"); // also by another program
      expect(checkpointed).toBeLessThanOrEqual(held);
      expect(all).toBeGreaterThan(before);
      before = all;
    }
    thread.answer(null);
    await settled();
    const { all, checkpointed } = frames("passive");
    expect(checkpointed).toBe(all);
  });

  it("does not begin before all commits are synced", async () => {
    const path = join(temporaryFolder(), "log.db");
    const db = new DatabaseSync(path);
    db.exec("pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table tail (one); insert into tail values (1)");
    const descriptor = openSync(path, "r+");
    const write = vi.fn(async () => {});
    const wal = new WriteAheadLog({ path, descriptor, writer: { isReady: true, write, settle: () => false }, checkpointPages: 1 }, (sql) =>
      db.prepare(sql, { returnArrays: true }),
    );
    onTestFinished(() => {
      wal.release();
      db.close();
      wal.close();
      closeSync(descriptor);
    });
    const begins = async () => {
      wal.grew(1e9);
      wal.checkpoint();
      await settled();
      return write.mock.calls.splice(0).length === 1;
    };
    wal.committed(false);
    expect(await begins()).toBe(false);
    const syncing = wal.sync();
    db.exec("insert into tail values (2)");
    wal.committed(false); // while the disk syncs those before
    await syncing;
    expect(await begins()).toBe(false);
    await wal.sync();
    expect(await begins()).toBe(true);
    wal.committed(false);
    db.exec("insert into tail values (3)");
    wal.committed(true); // with all before it
    expect(await begins()).toBe(true);
  });

  it("that failed is told with the next append, and all is written again before the write-ahead log is let go", async () => {
    const { log, troubles, frames } = await openLog();
    const thread = idleThread(log);
    await thread.becomesDue();
    const held = frames("noop").all;
    await append(log, 3);
    thread.answer(eio);
    await settled();
    expect(frames("passive").checkpointed).toBeLessThanOrEqual(held);
    const { folders } = disk;
    await append(log, 1);
    expect(disk.folders).toBe(folders + 2); // the last step of writing again, before the log is opened anew and after
    expect(troubles).toEqual([]);
    const { all, checkpointed } = frames("passive");
    expect(checkpointed).toBe(all);
    await thread.becomesDue();
  });

  it("that failed on a disk that does not sync is trouble until it does", async () => {
    const { log, clock, troubles } = await openLog();
    const thread = idleThread(log);
    await thread.becomesDue();
    thread.answer(eio);
    await settled();
    disk.fails = true;
    await refuses(append(log, 1), "LOG_SYNC_FAILED");
    expect(troubles).toEqual(["LOG_SYNC_FAILED"]);
    await refuses(append(log, 1), "LOG_SYNC_FAILED");
    disk.fails = false;
    await clock.advance(1000);
    await expect.poll(() => log.trouble!()).toBeNull();
    await append(log, 1);
  });

  it("that could not write log.db is a warning, and is tried again", async () => {
    const { log, troubles, frames } = await openLog();
    const thread = idleThread(log);
    await thread.becomesDue();
    thread.answer({ message: "database or disk is full", code: "ERR_SQLITE_ERROR", syscall: undefined, errcode: 13 });
    await settled();
    await append(log, 1);
    expect(log.warnings!()).toEqual([expect.stringContaining("database or disk is full")]);
    expect(troubles).toEqual([]);
    await thread.becomesDue();
    thread.answer(null);
    await settled();
    await append(log, 1);
    expect(log.warnings!()).toEqual([]);
    expect(frames("passive").all).toBe(frames("noop").checkpointed);
  });

  it("whose thread ends is synced by this one, which makes all others, until another thread is there", async () => {
    const { log, frames, troubles } = await openLog();
    const first = idleThread(log);
    await first.becomesDue();
    const second = idleThread(log);
    const { syncs } = disk;
    first.port.close();
    await expect.poll(() => disk.syncs).toBe(syncs + 1);
    await second.becomesDue();
    second.port.close();
    await expect.poll(() => disk.syncs).toBe(syncs + 2);
    for (let turn = 0; turn < 100; turn++) {
      await append(log, 1);
      if (turn > 20) expect(frames("noop").all).toBeLessThan(3 * checkpointPages);
    }
    expect(first.asked).toHaveLength(1);
    expect(troubles).toEqual([]);
    disk.fails = true;
    const third = idleThread(log);
    await third.becomesDue();
    third.port.close();
    await settled();
    await refuses(append(log, 1), "LOG_SYNC_FAILED");
    expect(troubles).toEqual(["LOG_SYNC_FAILED"]);
  });

  it("that a busy thread does not begin is made by this one when the write-ahead log gets very long", async () => {
    const { log, frames } = await openLog();
    const thread = idleThread(log);
    let longest = 0;
    for (let turn = 0; turn < 300; turn++) {
      await append(log, 1);
      longest = Math.max(longest, frames("noop").all);
    }
    expect(longest).toBeGreaterThan(15 * checkpointPages);
    expect(longest).toBeLessThan(18 * checkpointPages);
    expect(thread.asked.length).toBeGreaterThan(1);
  });

  it("is waited for by a close", async () => {
    const { log, folder, closeOutside } = await openLog();
    const thread = idleThread(log);
    await thread.becomesDue();
    closeOutside();
    thread.port.removeAllListeners("message");
    let closed = false;
    const ended = new Promise<void>((resolve) => thread.port.on("message", () => resolve()));
    const closing = log.close().then(() => (closed = true));
    await ended;
    await settled();
    expect(closed).toBe(false);
    thread.answer(null);
    thread.port.close();
    await closing;
    expect(readdirSync(folder).toSorted((a, b) => a.localeCompare(b))).toEqual(["lock.db", "log.db"]);
    expect(log.apart!.lend()).toBeDefined(); // of no use, and no harm
  });
});

describe("who waits for a checkpoint", () => {
  /** Is at rest 300 ms after it has begun. */
  const slowThread = `
    const state = require("node:worker_threads").workerData;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    Atomics.store(state, ${phaseAt}, ${rests});
    Atomics.notify(state, ${phaseAt});
  `;
  const failure = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 1034 });

  it("writes all again only when the other thread writes no more", async () => {
    const commits = watchCommits();
    const { log } = await openLog();
    const thread = idleThread(log);
    await thread.becomesDue();
    const seen = new Set<number>();
    const state = thread.begin();
    disk.wrote = () => void seen.add(Atomics.load(state, phaseAt));
    commits.instead = (commit) => {
      commit();
      if (seen.size === 0) throw failure;
    };
    const worker = new Worker(slowThread, { eval: true, workerData: state });
    const ended = once(worker, "exit");
    await once(worker, "online");
    expect(Atomics.load(state, phaseAt)).toBe(writes);
    await append(log, 1);
    expect(seen).toEqual(new Set([rests]));
    await ended;
    await thread.becomesDue();
  });

  it("does not wait for a thread that has not begun, and not for ever for one that has", async () => {
    const writer = new CheckpointWriter("log.db", 0);
    const port = writer.lend();
    let state: Int32Array = new Int32Array(2);
    port.on("message", (message: ToCheckpoints) => {
      if (typeof message === "object") state = new Int32Array(message.state);
    });
    await expect.poll(() => state.buffer).toBeInstanceOf(SharedArrayBuffer);
    const takenBack = writer.write();
    expect(writer.settle()).toBe(true);
    await takenBack;
    expect(writer.settle()).toBe(false);
    const lost = writer.write();
    Atomics.store(state, phaseAt, writes);
    expect(() => writer.settle()).toThrow(expect.objectContaining({ code: "LOG_UNAVAILABLE" }));
    port.close();
    await expect(lost).rejects.toThrow("has ended");
    expect(writer.settle()).toBe(false);
  });

  it("hears of no other checkpoint than the last, and of its failure", async () => {
    const { log, frames } = await openLog();
    const port = log.apart!.lend();
    const thread = answerCheckpoints(port);
    onTestFinished(thread.close);
    const writer = new CheckpointWriter(log.apart!.place, -1); // whose syncs fail
    answerCheckpoints(writer.lend());
    await expect.poll(() => writer.isReady).toBe(true);
    const first = writer.write();
    expect(writer.settle()).toBe(true);
    await first;
    const { checkpointed } = frames("noop");
    await append(log, 2);
    const second = writer.write();
    expect(writer.settle()).toBe(true);
    const third = writer.write();
    await second;
    await expect(third).rejects.toThrow();
    expect(frames("noop").checkpointed).toBeGreaterThan(checkpointed);
    await writer.end();
  });
});
