/**
 * The newest events of the log, followed by one subscription that all subscribers at the end of the log share: each event comes over the wire
 * once, whatever the number of handlers, and a slow handler holds up nobody. Begun with the first subscriber.
 */

import { START } from "@eventstore/db-client";
import type { Position, StoredEvent } from "../../event/event.ts";
import { logStream } from "../../event/names.ts";
import { pause } from "../../event/waits.ts";
import { makeIntake, readAhead } from "./intake.ts";
import type { Reader } from "./reader.ts";
import type { Server } from "./server.ts";
import { fromServerError } from "./server-error.ts";
import type { Truncations } from "./truncations.ts";
import { repeatDelay } from "./waiting.ts";

export interface TailEntry {
  readonly position: Position;
  readonly event: StoredEvent;
  readonly bytes: number;
}

export interface Tail {
  /** Begins to follow, if nobody did yet; answers when it is known where. */
  start(): Promise<void>;
  /** All events of the log beyond this position are here, as far as they have come. */
  readonly from: Position;
  /** Entries beyond `position`, which is not before `from`, until `enough` says so. */
  after(position: Position, enough: (entry: TailEntry) => boolean): readonly TailEntry[];
  /** The last entry's position, or `from`. */
  readonly last: Position;
  /** True while the subscription stands and has come as far as the log went when it was begun. */
  readonly live: boolean;
  /** Why the server cannot be followed just now; null while it can. */
  readonly trouble: string | null;
  /** Calls `wake` when entries came or `live` changed, until the answer is called. */
  listen(wake: () => void): () => void;
}

export function makeTail(server: Server, reader: Reader, truncations: Truncations): Tail {
  const { connection, envelope, limits, clock, closing } = server;
  let entries: TailEntry[] = [];
  /** Entries before it are gone; they are cut off now and then, not one by one. */
  let first = 0;
  let bytes = 0;
  let from = 0n;
  /** The last event seen, whoever's it is: where the subscription goes on after a drop. */
  let reached = 0n;
  let live = false;
  let trouble: string | null = null;
  let started: Promise<void> | null = null;
  const listeners = new Set<() => void>();
  const ring = () => {
    for (const wake of listeners) wake();
  };
  const setLive = (now: boolean) => {
    if (live === now) return;
    live = now;
    ring();
  };
  const last = () => (first < entries.length ? entries.at(-1)!.position : from);

  const add = (entry: TailEntry) => {
    entries.push(entry);
    bytes += entry.bytes;
    reader.noteHead(entry.position);
    while (entries.length - first > 1 && (entries.length - first > limits.tailEvents || bytes > limits.tailBytes)) {
      from = entries[first]!.position;
      bytes -= entries[first]!.bytes;
      first++;
    }
    if (first > limits.tailEvents) {
      entries = entries.slice(first);
      first = 0;
    }
  };

  /** One subscription, until it breaks or the log closes. */
  const follow = async (onConfirmed: () => void) => {
    const begun = reached;
    const source = connection.client.subscribeToAll(
      { fromPosition: reached === 0n ? START : { commit: reached, prepare: reached }, requiresLeader: true },
      readAhead,
    );
    const intake = makeIntake(source as never as Parameters<typeof makeIntake<{ readonly event?: Parameters<typeof envelope.decode>[0] }>>[0], clock);
    const wake = () => intake.wake();
    closing.addEventListener("abort", wake);
    let target: Position | null = null;
    let confirmed = false;
    source.on("confirmation", () => {
      confirmed = true;
      intake.wake();
      onConfirmed();
      reader.serverHead().then(
        (head) => {
          target = head;
          // Restored from an old backup under us: such a subscription is silent, perhaps for ever.
          if (head < begun) trouble = `The log ends at position ${head}, but was read up to ${begun}.`;
          setLive(reached >= head);
        },
        () => {}, // the subscription breaks, too, or stays behind until the next one
      );
    });
    try {
      while (!intake.ended && !closing.aborted) {
        const arrived = await intake.take(() => false, confirmed ? {} : { ms: limits.answerMs });
        if (arrived.length > 0) connection.heard();
        for (const { event } of arrived) {
          const position = (event as { readonly position?: { readonly commit: Position } } | undefined)?.position?.commit;
          if (event === undefined || position === undefined || position <= reached) continue;
          reached = position;
          if (event.type === "$metadata" && event.streamId === `$$${envelope.nativeName(logStream)}` && event.isJson) truncations.learn(event.data);
          const decoded = envelope.decode(event);
          if (decoded !== null) add({ position, ...decoded });
        }
        if (target !== null && reached >= target) setLive(true);
        if (arrived.length > 0) ring();
      }
    } finally {
      closing.removeEventListener("abort", wake);
      setLive(false);
      source.on("error", () => {}); // what comes after the end is nobody's
      intake.leave();
      source.unsubscribe().catch(() => {});
    }
  };

  /** Begins again after each drop, after the last event seen; waits longer each time nothing came of it. */
  const followForEver = async () => {
    for (let n = 0; !closing.aborted; n++) {
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
      await pause(repeatDelay(n, limits), clock, closing);
    }
  };

  return {
    start() {
      started ??= (async () => {
        reached = await reader.serverHead();
        from = await reader.head();
        void followForEver();
      })().catch((error: unknown) => {
        started = null;
        throw error;
      });
      return started;
    },
    get from() {
      return from;
    },
    after(position, enough) {
      let low = first;
      let high = entries.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (entries[middle]!.position <= position) low = middle + 1;
        else high = middle;
      }
      const taken: TailEntry[] = [];
      for (let at = low; at < entries.length; at++) {
        taken.push(entries[at]!);
        if (enough(entries[at]!)) break;
      }
      return taken;
    },
    get last() {
      return last();
    },
    get live() {
      return live;
    },
    get trouble() {
      return trouble;
    },
    listen(wake) {
      listeners.add(wake);
      return () => listeners.delete(wake);
    },
  };
}
