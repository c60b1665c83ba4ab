/** Truncates streams: first they are listed, so that nobody is shown half of it, then the server is told, some streams at once. */
import { isRepriseError } from "../../errors.ts";
import type { NewEvent } from "../../event/event.ts";
import { truncatedStream } from "../../event/names.ts";
import type { AppendedEvent, ExpectedRevision, RestOptions, StreamCut } from "../event-log.ts";
import type { Reader } from "./reader.ts";
import type { Truncations } from "./truncations.ts";

interface CutNeeds {
  readonly truncations: Truncations;
  readonly reader: Reader;
  /** To `reprise.truncated`. */
  readonly append: (event: NewEvent, expected: ExpectedRevision) => Promise<readonly AppendedEvent[]>;
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
export function makeCut(needs: CutNeeds): (cuts: readonly StreamCut[], how: How) => Promise<void> {
  const { truncations, reader, append } = needs;
  return async (cuts, { isListed, rest, signal }) => {
    for (let from = 0; from < cuts.length; from += listedAtOnce) {
      const heads = await someAtOnce(cuts.slice(from, from + listedAtOnce), signal, async ({ stream, before }) => {
        const head = await reader.streamRevision(stream);
        const end = Math.min(before, head + 1);
        return { stream, before: end, head, events: Math.max(0, end - truncations.firstOf(stream)) };
      });
      const there = heads.filter(({ head }) => head >= 0);
      if (isListed) await truncations.list(there, (event) => append(event, "any"));
      await someAtOnce(there, signal, async ({ stream, before, head, events }) => {
        await truncations.truncate(stream, before, head);
        await rest?.(events);
      });
    }
    await shortenList(needs);
  };
}

/** The list names a stream each time that it is truncated, so now and then it is written anew, and what stood before goes. Ended early, it stands there twice. */
async function shortenList({ truncations, reader, append }: CutNeeds): Promise<void> {
  if (truncations.anew() === null) return;
  // Also what other processes have put there: whoever adds something behind it makes the first append fail.
  let last = -1;
  for await (const batch of reader.readStream(truncatedStream, {}))
    for (const event of batch) {
      truncations.see(event);
      last = event.revision;
    }
  let end = last;
  try {
    for (const event of truncations.anew() ?? []) end = (await append(event, end)).at(-1)!.revision;
  } catch (error) {
    if (isRepriseError(error, "REVISION_CONFLICT")) return; // another time
    throw error;
  }
  await truncations.truncate(truncatedStream, last + 1, end);
  truncations.wasWritten();
}

async function someAtOnce<T, U>(all: readonly T[], signal: AbortSignal | undefined, work: (one: T) => Promise<U>): Promise<readonly U[]> {
  const done: U[] = [];
  for (let from = 0; from < all.length; from += atOnce) {
    signal?.throwIfAborted();
    for (const one of await Promise.all(all.slice(from, from + atOnce).map(work))) done.push(one);
  }
  return done;
}
