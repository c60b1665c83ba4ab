import { pause } from "../../event/waits.ts";
import { followLog } from "./follow-log.ts";
import { makeLiveness } from "./liveness.ts";
import type { Reader } from "./reader.ts";
import type { Server } from "./server.ts";
import { fromServerError } from "./server-error.ts";
import { makeTailEntries, type TailEntries } from "./tail-entries.ts";
import { TailEntry } from "./tail-entry.ts";
import type { Truncations } from "./truncations.ts";
import { repeatDelay } from "./waiting.ts";

/** The end of the log as subscribers see it. */
export interface Tail extends Pick<TailEntries, "from" | "last" | "has" | "after"> {
  /** Begins to follow, unless it already does. Resolves when the starting position is known. */
  start(): Promise<void>;
  /** True while the subscription works and has reached the position at which the log ended when it began. */
  readonly live: boolean;
  /** Why the server cannot be followed just now; null while it can. */
  readonly trouble: string | null;
  /** Calls `wake` when entries came or `live` changed, until the returned function is called. */
  listen(wake: () => void): () => void;
}

export function makeTail(server: Server, reader: Reader, truncations: Truncations): Tail {
  const entries = makeTailEntries(server.limits);
  /** The last event seen, whoever wrote it. After a drop, the subscription goes on behind it. */
  let reached = 0n;
  let trouble: string | null = null;
  let started: Promise<void> | null = null;
  const liveness = makeLiveness();

  const follow = (onConfirmed: () => void) =>
    followLog(server, reader, truncations, reached, {
      confirmed: onConfirmed,
      trouble(why) {
        trouble = why;
      },
      live: liveness.set,
      arrived(recorded, decoded) {
        reached = recorded.position;
        if (decoded === null) return reader.noteForeign(reached);
        entries.add(new TailEntry(recorded, decoded));
        reader.noteHead(reached);
      },
      took: liveness.ring,
    });

  /** Subscribes again after each drop, behind the last event seen. Each time that nothing came, it waits longer. */
  const followForEver = async () => {
    for (let n = 0; !server.closing.aborted; n++) {
      const before = reached;
      try {
        await follow(() => {
          n = 0;
          trouble = null;
        });
        trouble = "Following the log ended.";
      } catch (error) {
        trouble = fromServerError(error, "Following the log").message;
      }
      if (reached > before) n = 0;
      await pause(repeatDelay(n, server.limits), server.clock, server.closing);
    }
  };
  const begin = async () => {
    reached = await reader.serverHead();
    entries.beginAt(await reader.head());
    void followForEver();
  };
  return {
    start() {
      started ??= begin().catch((error: unknown) => {
        started = null;
        throw error;
      });
      return started;
    },
    get from() {
      return entries.from;
    },
    get last() {
      return entries.last;
    },
    ...{ has: entries.has, after: entries.after },
    get live() {
      return liveness.live;
    },
    get trouble() {
      return trouble;
    },
    listen: liveness.listen,
  };
}
