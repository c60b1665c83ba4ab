/** The second thread's side of checkpoints. */
import { fdatasyncSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { MessagePort } from "node:worker_threads";
import {
  asked,
  type CheckpointBegins,
  type FromCheckpoints,
  numberAt,
  phaseAt,
  rests,
  type ToCheckpoints,
  type ToldError,
  writes,
} from "./checkpoint-messages.ts";
import { openRaw } from "./open-raw.ts";

/**
 * Makes checkpoints for the owner of a log in this process, until it ends them or this thread ends. SQLite syncs nothing here: the owner holds the write-ahead
 * log at a place up to which it is synced, and nothing of it goes away before log.db is synced. So a failed sync concerns pages that the write-ahead log
 * still has.
 *
 * @param port lent by `ReadableApart`.
 */
export function answerCheckpoints(port: MessagePort): { close(): void } {
  let begins: CheckpointBegins | null = null;
  let file: OpenFile | null = null;
  const tell = (message: FromCheckpoints) => port.postMessage(message);

  function answer(number: number, { path, descriptor, state: buffer }: CheckpointBegins): void {
    const state = new Int32Array(buffer);
    const isWanted = Atomics.load(state, numberAt) === number && Atomics.compareExchange(state, phaseAt, asked, writes) === asked;
    if (!isWanted) return;
    const error = make(path, descriptor);
    Atomics.store(state, phaseAt, rests);
    Atomics.notify(state, phaseAt);
    tell({ number, error });
  }

  function make(path: string, descriptor: number): ToldError | null {
    try {
      file ??= openFile(path);
      file.checkpoint.get();
      fdatasyncSync(descriptor);
      return null;
    } catch (error) {
      const { message, code, syscall, errcode } = error as Error & Omit<ToldError, "message">;
      return { message, code, syscall, errcode };
    }
  }

  function close(): void {
    file?.db.close();
    file = null;
    port.close();
  }

  port.on("message", (message: ToCheckpoints) => {
    if (message === "end") close();
    else if (typeof message === "number") answer(message, begins!);
    else {
      begins = message;
      tell("ready");
    }
  });
  return { close };
}

interface OpenFile {
  readonly db: DatabaseSync;
  readonly checkpoint: StatementSync;
}

function openFile(path: string): OpenFile {
  const db = openRaw(path, "write");
  db.exec("pragma synchronous=off; pragma wal_autocheckpoint=0; pragma cache_size=-64");
  return { db, checkpoint: db.prepare("pragma wal_checkpoint(passive)") };
}
