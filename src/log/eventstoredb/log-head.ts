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
  /** Notes an event of another log that was seen by somebody who has seen all events before it, too. Behind it head() has no search to make either. */
  noteForeign(position: Position): void;
}

export function makeLogHead(server: Server): LogHead {
  const { envelope } = server;
  let knownHead = 0n;
  /** From `knownHead` to here there is no event of this log: others may write millions. */
  let searched = 0n;
  const noteHead = (position: Position) => {
    if (position > knownHead) knownHead = position;
  };
  const noteForeign = (position: Position) => {
    if (position > searched) searched = position;
  };
  return {
    async head() {
      let from: Position | null = null;
      let end: Position | null = null;
      for (let count = 1; ; count = Math.min(count * 16, scannedEvents)) {
        let isFound = false;
        const { events, cut } = await readAllPage(server, "backward", from, count, (event) => {
          const position = event.position;
          end ??= position;
          if (position > knownHead && position > searched) {
            if (envelope.decode(event) === null) return false;
            noteHead(position);
          }
          isFound = true;
          return true;
        });
        if (isFound || !cut) {
          if (end !== null) noteForeign(end);
          return knownHead;
        }
        from = events.at(-1)!.position;
      }
    },
    async serverHead() {
      const [last] = (await readAllPage(server, "backward", null, 1, () => false)).events;
      return last?.position ?? 0n;
    },
    noteHead,
    noteForeign,
  };
}
