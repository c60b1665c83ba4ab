import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { getSQLiteEventStore, type SQLiteConnection, type SQLiteEventStore, sqliteConnection } from "@event-driven-io/emmett-sqlite";
import type { NewEvent } from "../../src/event/event.ts";
import { appendBenchmarks } from "../log.ts";
import { orderedBenchmarks } from "../ordered.ts";
import { benchmarkNamed, beside, callers, metadataOf, orders, type PeerRow, type PeerWork, versionOf } from "./row.ts";

const version = versionOf("@event-driven-io/emmett-sqlite");

/** `each`: Emmett's default with a file, a connection for every call; `one`: a connection that all calls share. */
type Connections = "each" | "one";

/**
 * Emmett's file is in WAL mode with SQLite's default `synchronous=FULL`: it syncs at each commit, as Reprise does. An append is a transaction of its
 * own: the stream's position is read and updated, all events go into one insert.
 *
 * Appends wait for each other in a queue of the caller. Without it Emmett refuses nearly all of 64 callers (`each`: SQLITE_BUSY), or resolves appends
 * before their commit (`one`: calls made during a transaction join it). So `one` is the fastest that Emmett does durably.
 */
export const emmettRows: readonly PeerRow[] = [
  row("append-64", "each", { callers: 64, appends: 10, batch: 1, target: 100 }),
  row("append-64", "one", { callers: 64, appends: 50, batch: 1, target: 100 }),
  row("append-batch", "each", { callers: 1, appends: 100, batch: 100 }),
  row("append-batch", "one", { callers: 1, appends: 100, batch: 100 }),
  readRow("each"),
  readRow("one"),
];

interface Appends {
  readonly callers: number;
  readonly appends: number;
  readonly batch: number;
  readonly target?: number;
}

function row(name: string, connections: Connections, { target, ...appends }: Appends): PeerRow {
  const open = async (scale: number) => openAppend(connections, { ...appends, appends: Math.max(1, Math.round(appends.appends * scale)) });
  return { ...names(connections), benchmark: beside(benchmarkNamed(name, appendBenchmarks), open, target) };
}

function readRow(connections: Connections): PeerRow {
  const reads = beside(benchmarkNamed("replay-ordered", orderedBenchmarks), (scale) => openRead(connections, scale), 4);
  return { ...names(connections), benchmark: { ...reads, name: "read" } };
}

function names(connections: Connections): Pick<PeerRow, "peer" | "version" | "durability"> {
  const how = connections === "each" ? "a connection for each call" : "one connection";
  return { peer: `emmett-sqlite, ${how}`, version, durability: "disk, synced at each append; the caller queues" };
}

async function openAppend(connections: Connections, { callers: count, appends, batch }: Appends): Promise<PeerWork> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  let runs = 0;
  let opened: Opened;
  let events: readonly (readonly EmmettEvent[])[];
  return {
    async before() {
      opened = await open(join(folder, `${++runs}.db`), connections);
      events = Array.from({ length: count * appends }, () => orders(batch).map(asEmmettEvent));
    },
    async go() {
      let last: Promise<unknown> = Promise.resolve();
      await callers(count, appends, (caller, turn) => {
        last = last.then(() => append(opened.store, `order-${caller}`, events[caller * appends + turn]!));
        return last;
      });
      opened.connection?.close();
      return count * appends * batch;
    },
    async close() {
      rmSync(folder, { recursive: true });
    },
  };
}

/** All events, stream by stream, as `readStream` gives them: parsed, and no more. */
async function openRead(connections: Connections, scale: number): Promise<PeerWork> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  const { store, connection } = await open(join(folder, "read.db"), connections);
  const streams = Math.max(100, Math.round(10_000 * scale));
  const eventsOfStream = Math.round(1_000_000 * scale) / streams;
  for (let stream = 0; stream < streams; stream++) await append(store, `order-${stream}`, orders(eventsOfStream).map(asEmmettEvent));
  return {
    async go() {
      let seen = 0;
      for (let stream = 0; stream < streams; stream++) seen += (await store.readStream(`order-${stream}`)).events.length;
      return seen;
    },
    async close() {
      connection?.close();
      rmSync(folder, { recursive: true });
    },
  };
}

interface Opened {
  readonly store: SQLiteEventStore;
  /** Null where each call has its own. */
  readonly connection: SQLiteConnection | null;
}

/** More than were ever needed in a row. */
const maxTries = 10;

/** Tries again where Emmett has refused and undone it: a new connection's WAL pragma is not waited for, and about 3 of 1,000 commits run into it. */
async function append(store: SQLiteEventStore, stream: string, events: readonly EmmettEvent[]): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      await store.appendToStream(stream, [...events]);
      return;
    } catch (error) {
      if (tries === maxTries || (error as { readonly code?: string }).code !== "SQLITE_BUSY") throw error;
    }
}

async function open(fileName: string, connections: Connections): Promise<Opened> {
  // In WAL mode from the start: where Emmett's pragma comes after its first transaction has begun, the process ends.
  const file = new DatabaseSync(fileName);
  file.exec("pragma journal_mode = wal");
  file.close();
  const connection = connections === "one" ? sqliteConnection({ fileName }) : null;
  const store = getSQLiteEventStore({ fileName, ...(connection === null ? {} : { connectionOptions: { singleton: true, connection } }) });
  await store.schema.migrate();
  return { store, connection };
}

interface EmmettEvent {
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

function asEmmettEvent(event: NewEvent): EmmettEvent {
  return { type: event.type, data: event.data as Record<string, unknown>, metadata: { ...metadataOf(event), messageId: event.id } };
}
