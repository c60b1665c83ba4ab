import type { Position } from "../../event/event.ts";
import { readAllPage } from "./page.ts";
import type { Server } from "./server.ts";

/**
 * Where the log begins. In a namespace nothing stands before the event that began the log there, so that whatever the server held by then is never looked
 * through: half a million events of others would take each subscription from the beginning half a minute. Without a namespace, another program may have written
 * events that are this log's before anybody opened it.
 */
export interface LogStart {
  /** Reads and subscriptions from the beginning go on after it: an event of another log, or 0. */
  readonly after: Position;
  /** @param createdAt position of the event that began the log. */
  learn(createdAt: Position): Promise<void>;
}

export function makeLogStart(server: Server): LogStart {
  let after = 0n;
  return {
    get after() {
      return after;
    },
    async learn(createdAt) {
      if (server.envelope.nativeName("") === "") return;
      const [before] = (await readAllPage(server, "backward", createdAt, 1, () => false)).events;
      after = before?.position ?? 0n;
    },
  };
}
