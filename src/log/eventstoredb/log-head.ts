import type { Position } from "../../event/event.ts";
import { readAllPage } from "./page.ts";
import type { Server } from "./server.ts";

/** Events that a filtered read looks at in one page. */
export const scannedEvents = 2048;

/** Finds where the log ends. */
export interface LogHead {
  /** Position of the last event of this log. */
  head(): Promise<Position>;
  /** Position of the last event of the server, whoever wrote it. */
  serverHead(): Promise<Position>;
  /** Notes that the log is at least so long, which spares head() a part of its search. */
  noteHead(position: Position): void;
}

export function makeLogHead(server: Server): LogHead {
  const { envelope } = server;
  let knownHead = 0n;
  return {
    async head() {
      let from: Position | null = null;
      for (let count = 1; ; count = Math.min(count * 16, scannedEvents)) {
        let found: Position | null = null;
        const { events, cut } = await readAllPage(server, "backward", from, count, (event) => {
          const position = event.position!.commit;
          if (position > knownHead && envelope.decode(event) === null) return false;
          found = position > knownHead ? position : knownHead;
          return true;
        });
        if (found !== null) {
          knownHead = found;
          return found;
        }
        if (!cut) return knownHead;
        from = events.at(-1)!.position!.commit;
      }
    },
    async serverHead() {
      const [last] = (await readAllPage(server, "backward", null, 1, () => false)).events;
      return last?.position?.commit ?? 0n;
    },
    noteHead(position) {
      if (position > knownHead) knownHead = position;
    },
  };
}
