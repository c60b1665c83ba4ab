/** Truncates streams: first they are listed, so that nobody is shown half of it, then the server is told, some streams at once. */
import type { NewEvent } from "../../event/event.ts";
import type { RestOptions, StreamCut } from "../event-log.ts";
import type { Reader } from "./reader.ts";
import type { Truncations } from "./truncations.ts";

interface CutNeeds {
  readonly truncations: Truncations;
  readonly reader: Reader;
  /** To `reprise.log`. */
  readonly append: (event: NewEvent) => Promise<unknown>;
}

interface How extends RestOptions {
  /** Hidden at once, from all who read this log. */
  readonly isListed: boolean;
}

/** Streams that one event of the list names, about. */
const listedAtOnce = 512;
/** Each takes two calls of the server. */
const atOnce = 16;

/** How to truncate streams on the server. */
export function makeCut({ truncations, reader, append }: CutNeeds): (cuts: readonly StreamCut[], how: How) => Promise<void> {
  return async (cuts, { isListed, rest, signal }) => {
    for (let from = 0; from < cuts.length; from += listedAtOnce) {
      const heads = await someAtOnce(cuts.slice(from, from + listedAtOnce), signal, async ({ stream, before }) => {
        const head = await reader.streamRevision(stream);
        const end = Math.min(before, head + 1);
        return { stream, before: end, head, events: Math.max(0, end - truncations.firstOf(stream)) };
      });
      const there = heads.filter(({ head }) => head >= 0);
      if (isListed) await truncations.list(there, append);
      await someAtOnce(there, signal, async ({ stream, before, head, events }) => {
        await truncations.truncate(stream, before, head);
        await rest?.(events);
      });
    }
  };
}

async function someAtOnce<T, U>(all: readonly T[], signal: AbortSignal | undefined, work: (one: T) => Promise<U>): Promise<readonly U[]> {
  const done: U[] = [];
  for (let from = 0; from < all.length; from += atOnce) {
    signal?.throwIfAborted();
    for (const one of await Promise.all(all.slice(from, from + atOnce).map(work))) done.push(one);
  }
  return done;
}
