/**
 * Which events are truncated. The server hides them (`$tb`) from reads of their stream at once, but shows them in reads of the whole log until
 * a scavenge, so the log keeps its own list: the member `truncated` in the metadata of `reprise.log`, read at open and followed while there are
 * subscriptions. Streams that another program truncates are not in it: their events stay in the whole log until they are scavenged.
 */
import { ErrorType, jsonEvent, NO_STREAM } from "@eventstore/db-client";
import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import { logStream } from "../../event/names.ts";
import { readStreamPage } from "./page.ts";
import { ask, repeated, type Server } from "./server.ts";
import { isServerError } from "./server-error.ts";
import { within } from "./waiting.ts";

export interface Truncations {
  isHidden(event: StoredEvent): boolean;
  /** Takes over the list in the metadata of `reprise.log`. */
  learn(metadata: unknown): void;
  load(): Promise<void>;
  /** Lets the server remove the events of `stream` below `before`. A stream that is listed has them hidden at once, from all who read this log. */
  truncate(stream: string, before: number, about: { readonly head: number; readonly isListed: boolean }): Promise<void>;
}

type Metadata = Readonly<Record<string, unknown>>;

/** Attempts to change a stream's metadata while others do, too. */
const maxAttempts = 20;

export function makeTruncations(server: Server): Truncations {
  const firsts = new Map<string, number>();

  const learn = (metadata: unknown) => {
    const truncated = (metadata as { readonly truncated?: unknown } | null)?.truncated;
    if (typeof truncated !== "object" || truncated === null) return;
    for (const [stream, before] of Object.entries(truncated))
      if (Number.isSafeInteger(before)) firsts.set(stream, Math.max(firsts.get(stream) ?? 0, before as number));
  };

  /** Reads, changes and writes, at the revision read; null from `change` leaves all as it is. */
  const update = async (stream: string, change: (metadata: Metadata) => Metadata | null) => {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const [last] = (await readStreamPage(server, `$$${stream}`, "backward", null, 1)).events;
      const changed = change(((last?.isJson ?? false) ? (last!.data as unknown as Metadata) : null) ?? {});
      if (changed === null) return;
      const event = jsonEvent({ type: "$metadata", data: changed as Record<string, never> });
      const expectedRevision = last?.revision ?? NO_STREAM;
      try {
        const name = `$$${server.envelope.nativeName(stream)}`;
        const options = { expectedRevision, requiresLeader: true } as const;
        await repeated(server, "write", `Truncating ${stream}`, () =>
          ask(server, "write", (client) => within(client.appendToStream(name, event, options), server.limits.answerMs, server.clock, server.closing)),
        );
        return;
      } catch (error) {
        if (!isServerError((error as Error).cause, ErrorType.WRONG_EXPECTED_VERSION)) throw error;
      }
    }
    throw new RepriseError("LOG_UNAVAILABLE", `Truncating ${stream} failed: its metadata is changed by others all the time.`, { retryAfterMs: 1000 });
  };

  const list = async (stream: string, before: number) => {
    await update(logStream, (metadata) => {
      learn(metadata);
      if (before <= (firsts.get(stream) ?? 0)) return null;
      const truncated = Object.entries({ ...(metadata.truncated as Readonly<Record<string, number>> | undefined), [stream]: before });
      return { ...metadata, truncated: Object.fromEntries(truncated.slice(-server.limits.truncatedStreams)) };
    });
    firsts.set(stream, Math.max(firsts.get(stream) ?? 0, before));
  };

  return {
    learn,
    isHidden: ({ stream, revision }) => revision < (firsts.get(stream) ?? 0),
    async load() {
      const [last] = (await readStreamPage(server, `$$${logStream}`, "backward", null, 1)).events;
      if (last?.isJson) learn(last.data);
    },
    async truncate(stream, before, { head, isListed }) {
      if (isListed) await list(stream, before);
      // The stream's last event stays on the server, as it does in a scavenge, because it carries the stream's revision.
      const $tb = Math.min(before, head);
      await update(stream, (metadata) => (Number(metadata.$tb ?? 0) >= $tb ? null : { ...metadata, $tb }));
    },
  };
}
