import { LRUCache } from "lru-cache";
import { readStreamPage } from "./page.ts";
import type { Reader } from "./reader.ts";
import type { RecentIds } from "./recent-ids.ts";
import type { Server } from "./server.ts";
import type { Recorded } from "./wire/recorded.ts";

/** The last revision of a stream; −1: it has none. Changed in place. */
export interface StreamHead {
  revision: number;
}

/** Where streams end, as far as this process knows. */
export interface StreamHeads {
  get(stream: string): StreamHead | undefined;
  forget(stream: string): void;
  /** Learns the head, and the ids of events that were not known yet, a batch's bytes at a time. */
  refresh(stream: string): Promise<StreamHead>;
}

export function makeStreamHeads(server: Server, reader: Reader, ids: RecentIds): StreamHeads {
  const { envelope, limits } = server;
  /** Heads are changed in place, because removing and adding one for each append costs as much as all the rest of the check. */
  const heads = new LRUCache<string, StreamHead>({ max: limits.cachedStreams });
  return {
    get: (stream) => heads.get(stream),
    forget(stream) {
      heads.delete(stream);
    },
    async refresh(stream) {
      const head = heads.get(stream)?.revision;
      const forward = head !== undefined;
      let reached = head ?? -1;
      let left = forward ? Number.MAX_SAFE_INTEGER : limits.lookBackEvents;
      for (let from = forward ? head + 1 : null; ; ) {
        let last: number | null = null;
        let bytes = 0;
        const learn = (recorded: Recorded): boolean => {
          const revision = recorded.revision;
          if (last !== null && (forward ? revision <= last : revision >= last)) return false; // the page was begun again
          last = revision;
          left--;
          reached = Math.max(reached, revision);
          const decoded = envelope.decode(recorded);
          if (decoded === null) return false;
          ids.add([recorded.id], stream, revision);
          reader.noteHead(decoded.event.position);
          bytes += decoded.bytes;
          return bytes >= limits.batchBytes;
        };
        const { cut } = await readStreamPage(server, stream, forward ? "forward" : "backward", from, Math.min(left, limits.pageEvents), learn);
        if (!cut || last === null || left <= 0 || (!forward && last === 0)) break;
        from = last + (forward ? 1 : -1);
      }
      const found = { revision: reached };
      heads.set(stream, found);
      return found;
    },
  };
}
