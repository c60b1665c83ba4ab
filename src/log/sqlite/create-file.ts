import { renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { logStream, ownTenant } from "../../event/names.ts";
import { syncFolder } from "../durable-files.ts";
import { makePrivateFile } from "../private-files.ts";
import { applicationId } from "./file-header.ts";
import { formatVersion, tables } from "./file-tables.ts";
import { dataSum, headSum, rowSum, streamSum, tailSum } from "./sums.ts";

/** Makes a log that holds `log.created`. It gets its name when it is complete, so that a process killed here leaves no half log. */
export function createLogFile(path: string, created: { readonly eventId: string; readonly logId: string; readonly recordedAtMs: number }): void {
  const draft = `${path}.new`;
  for (const ending of ["", "-journal", "-wal", "-shm"]) rmSync(draft + ending, { force: true });
  makePrivateFile(draft);
  const db = new DatabaseSync(draft);
  try {
    db.exec(
      `pragma auto_vacuum=incremental; pragma synchronous=full; pragma fullfsync=on; pragma application_id=${applicationId}; pragma user_version=${formatVersion}; begin immediate; ${tables}`,
    );
    db.prepare("insert into streams values (1, ?, ?, 0, ?)").run(logStream, ownTenant, streamSum(1, logStream, ownTenant, 0));
    const metadata = JSON.stringify({ priority: "normal" });
    const data = JSON.stringify({ logId: created.logId });
    const { eventId: id, recordedAtMs } = created;
    const event = {
      position: 1,
      streamId: 1,
      revision: 0,
      previous: 0,
      id,
      type: "log.created",
      schemaVersion: 1,
      source: null,
      occurredAt: null,
      recordedAtMs,
    };
    const sum = rowSum({ ...event, metadata, dataSum: dataSum(data) });
    db.prepare("insert into events values (1, 1, 0, 0, ?, 'log.created', 1, null, null, ?, ?, ?, ?, ?)").run(
      id,
      recordedAtMs,
      dataSum(data),
      sum,
      metadata,
      data,
    );
    db.prepare("insert into heads values (1, 0, 1, ?)").run(headSum(1, 0, 1));
    db.prepare("insert into tail values (1, 0, 0, ?)").run(tailSum(0, 0));
    db.exec("commit; pragma journal_mode=wal");
  } finally {
    db.close();
  }
  renameSync(draft, path);
  syncFolder(path);
}
