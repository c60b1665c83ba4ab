import type { DatabaseSync } from "node:sqlite";
import { formatVersion } from "./file-tables.ts";
import type { Opened } from "./opened.ts";

/** Pages of log.db that hold nothing. */
export interface Room {
  /** Whether the file can give pages back one by one. */
  readonly canShrink: boolean;
  /** Pages without content, and the bytes of one. */
  freePages(): { readonly pages: number; readonly pageBytes: number };
  /** Gives up to so many pages back. Call it inside `transact`. The file gets shorter with the next checkpoint. */
  freeSome(pages: number): void;
  /** Writes the whole file again, so that it can shrink from then on. It holds the thread, and takes as much room again as the content has. Not inside `transact`. */
  writeAgain(): void;
}

/** @param grew called with about the bytes that a transaction writes. */
export function makeRoom(db: DatabaseSync, { prepare }: Opened, grew: (bytes: number) => void): Room {
  const ask = (pragma: string) => (prepare(`pragma ${pragma}`).get() as unknown as readonly [number])[0];
  const pageBytes = ask("page_size");
  return {
    canShrink: ask("auto_vacuum") === 2,
    freePages: () => ({ pages: ask("freelist_count"), pageBytes }),
    freeSome(pages) {
      db.exec(`pragma incremental_vacuum(${pages})`);
      grew(2 * pages * pageBytes); // a page that moves, and those that point to it
    },
    writeAgain() {
      db.exec(`pragma auto_vacuum=incremental; vacuum; pragma user_version=${formatVersion}`);
    },
  };
}
