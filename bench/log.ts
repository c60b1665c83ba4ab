import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { NewEvent } from "../src/event/event.ts";
import type { EventLog } from "../src/log/event-log.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import type { Benchmark } from "./measure.ts";
import { sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { emptyTwin } from "./twin.ts";

/**
 * Appending: one event at a time, 64 writers at once (who share commits), batches of 100. The floor is given the same events, makes JSON of their data and
 * metadata, and inserts the very rows that the log has just stored, with the heads of their streams, into the same tables with the same indexes, and syncs
 * to disk as often: stringify, begin, insert, commit, on nothing but node:sqlite.
 */
export const appendBenchmarks: readonly Benchmark[] = [
  append("append-1", { writers: 1, appends: 2000, batch: 1, target: 0.85 }),
  append("append-64", { writers: 64, appends: 1000, batch: 1, target: 0.8 }),
  append("append-batch", { writers: 1, appends: 500, batch: 100, target: 0.85 }),
];

/** Reading the whole log in batches, as a handler that catches up does. The floor fetches the same rows, page by page, and decodes nothing. */
export const catchUpBenchmark: Benchmark = {
  name: "catch-up",
  unit: "events/s",
  async prepare(scale) {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    const count = Math.round(50_000 * scale);
    for (let number = 0; number < count; number += 500) await log.append(`default.order-${(number / 500) % 20}`, orders(500), "any");
    const db = new DatabaseSync(join(folder, "log.db"), { readOnly: true });
    const page = db.prepare("select * from events where position > ? order by position limit 512", { returnArrays: true });
    return {
      subject: {
        async go() {
          let seen = 0;
          for await (const batch of log.readAll()) seen += batch.length;
          return seen;
        },
      },
      floor: {
        async go() {
          let seen = 0;
          let after: SQLInputValue = 0;
          for (;;) {
            const rows = page.all(after) as unknown as readonly (readonly SQLInputValue[])[];
            if (rows.length === 0) return seen;
            seen += rows.length;
            after = rows.at(-1)![0]!;
          }
        },
      },
      async close() {
        db.close();
        await log.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

interface Appends {
  readonly writers: number;
  /** Of each writer. */
  readonly appends: number;
  /** Events of an append. */
  readonly batch: number;
  readonly target?: number;
  readonly sample?: (number: number) => NewEvent;
}

export function append(name: string, { writers, appends, batch, target, sample = sampleOrder }: Appends): Benchmark {
  return {
    name,
    ...(target === undefined ? {} : { target }),
    unit: "events/s",
    async prepare(scale) {
      const folder = temporaryFolder();
      const each = Math.max(1, Math.round(appends * scale));
      const count = writers * each * batch;
      let runs = 0;
      let path = "";
      let log: EventLog;
      let batches: readonly (readonly NewEvent[])[];
      let floor: DatabaseSync;
      let rows: readonly Row[];

      return {
        subject: {
          async before() {
            path = join(folder, String(++runs));
            log = await openSqliteLog(path);
            batches = Array.from({ length: each }, (_, turn) => Array.from({ length: writers * batch }, (_, index) => sample(turn * writers * batch + index)));
          },
          async go() {
            const write = async (writer: number) => {
              for (const events of batches) await log.append(`default.order-${writer}`, events.slice(writer * batch, (writer + 1) * batch), "any");
            };
            await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
            return count;
          },
        },
        floor: {
          async before() {
            await log.close();
            floor = emptyTwin(join(path, "log.db"), join(path, "floor.db"));
            rows = lastRows(join(path, "log.db"), count);
          },
          async go() {
            const insert = floor.prepare(`insert into events values (${rows[0]!.columns.map(() => "?").join(", ")}, ?, ?)`);
            const writeHead = floor.prepare(
              "insert into heads values (?, ?, ?, 0) on conflict (stream_id) do update set revision = excluded.revision, position = excluded.position",
            );
            for (let first = 0; first < count; first += writers * batch) {
              const group = rows.slice(first, first + writers * batch);
              floor.exec("begin immediate");
              for (const { columns, metadata, data } of group) insert.run(...columns, JSON.stringify(metadata), JSON.stringify(data));
              for (const [position, stream, revision] of new Map(group.map(({ columns }) => [columns[1]!, columns])).values())
                writeHead.run(stream!, revision!, position!);
              floor.exec("commit");
            }
            floor.close();
            return count;
          },
        },
        async close() {
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}

/** A stored event, with its last two columns parsed. */
interface Row {
  readonly columns: readonly SQLInputValue[];
  readonly metadata: unknown;
  readonly data: unknown;
}

/** Of the last events of the log at `path`. */
function lastRows(path: string, count: number): readonly Row[] {
  const log = new DatabaseSync(path, { readOnly: true });
  const rows = log.prepare("select * from events order by position desc limit ?", { returnArrays: true }).all(count) as unknown as SQLInputValue[][];
  log.close();
  return rows
    .reverse()
    .map((row) => ({ columns: row.slice(0, -2), metadata: JSON.parse(row.at(-2) as string) as unknown, data: JSON.parse(row.at(-1) as string) as unknown }));
}

function orders(count: number): readonly NewEvent[] {
  return Array.from({ length: count }, (_, index) => sampleOrder(index));
}
