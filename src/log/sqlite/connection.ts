import { RepriseError } from "../../errors.ts";
import { type LogDatabase, openDatabase } from "./database.ts";

/** The log's database, which is closed and opened again when nobody knows any more what it holds. */
export interface Connection {
  /** @throws CLOSED, or why it cannot be opened again; the next call tries anew. */
  use(): LogDatabase;
  /** After an unclear commit: the next `use` reads from disk what was stored. */
  drop(): void;
  close(): void;
}

export function openConnection(path: string, cachedStreams: number): Connection {
  let database: LogDatabase | null = openDatabase(path, cachedStreams);
  let closed = false;
  const drop = () => {
    const dropped = database;
    database = null;
    dropped?.close();
  };
  return {
    use() {
      if (closed) throw new RepriseError("CLOSED", "The log is closed.");
      database ??= openDatabase(path, cachedStreams);
      return database;
    },
    drop,
    close() {
      closed = true;
      drop();
    },
  };
}
