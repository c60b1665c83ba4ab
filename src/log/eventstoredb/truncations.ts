/**
 * Which events are truncated. The server hides them (`$tb`) from reads of their stream at once, but shows them in reads of the whole log until
 * a scavenge, so the log keeps its own list: events of `reprise.truncated`, read at open and followed while there are subscriptions, about 100 bytes of memory
 * for each stream. Builds before kept it in events of `reprise.log`, and the first ones in that stream's metadata; both are still read. Streams that another
 * program truncates are not in the list: their events stay in the whole log until they are scavenged.
 */
import type { NewEvent, StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { logStream, truncatedStream } from "../../event/names.ts";
import type { StreamCut } from "../event-log.ts";
import { readStreamPage } from "./page.ts";
import type { Server } from "./server.ts";
import { changeMetadata } from "./stream-metadata.ts";

export interface Truncations {
  isHidden(event: StoredEvent): boolean;
  /** The first revision that is not hidden. */
  firstOf(stream: string): number;
  /** Takes over the list in the metadata of `reprise.log`. */
  learn(metadata: unknown): void;
  /** Takes over what an event of `reprise.truncated` or `reprise.log` adds to the list. */
  see(event: StoredEvent): void;
  /** @param events all events of one of these streams. */
  load(events: AsyncIterable<readonly StoredEvent[]>): Promise<void>;
  /** Hides the streams' events from all who read this log. @param append to `reprise.truncated`. */
  list(cuts: readonly StreamCut[], append: (event: NewEvent) => Promise<unknown>): Promise<void>;
  /** The whole list, as events; null while it has few names more than there are streams. */
  anew(): readonly NewEvent[] | null;
  /** It was written anew. */
  wasWritten(): void;
  /** Lets the server remove the events of `stream` below `before`. */
  truncate(stream: string, before: number, head: number): Promise<void>;
}

const listType = "streams.truncated";
/** Streams that one event of the list names: their names have at most 512 characters. */
const listedAtOnce = 1000;

export function makeTruncations(server: Server, newId: NewId): Truncations {
  const firsts = new Map<string, number>();
  /** Names that the list has, about: some may be counted twice. */
  let names = 0;

  const learn = (metadata: unknown) => {
    const truncated = (metadata as { readonly truncated?: unknown } | null)?.truncated;
    if (typeof truncated !== "object" || truncated === null) return;
    for (const [stream, before] of Object.entries(truncated))
      if (Number.isSafeInteger(before)) firsts.set(stream, Math.max(firsts.get(stream) ?? 0, before as number));
  };

  const hide = (stream: string, before: number) => firsts.set(stream, Math.max(firsts.get(stream) ?? 0, before));

  const see = ({ stream, type, source, data }: StoredEvent) => {
    if ((stream !== truncatedStream && stream !== logStream) || type !== listType || source !== "reprise") return;
    const { streams } = (data ?? {}) as { readonly streams?: unknown };
    if (!Array.isArray(streams)) return;
    if (stream === truncatedStream) names += streams.length;
    for (const [name, before] of streams as readonly (readonly [string, number])[])
      if (typeof name === "string" && Number.isSafeInteger(before)) hide(name, before);
  };

  const eventsOf = (list: readonly (readonly [stream: string, before: number])[]): readonly NewEvent[] =>
    Array.from({ length: Math.ceil(list.length / listedAtOnce) }, (_, part) => {
      const about = { id: newId(), type: listType, schemaVersion: 1, source: "reprise", occurredAt: null } as const;
      return { ...about, data: { streams: list.slice(part * listedAtOnce, (part + 1) * listedAtOnce) }, metadata: { priority: "normal" } };
    });

  return {
    learn,
    see,
    isHidden: ({ stream, revision }) => revision < (firsts.get(stream) ?? 0),
    firstOf: (stream) => firsts.get(stream) ?? 0,
    async load(events) {
      const [last] = (await readStreamPage(server, `$$${logStream}`, "backward", null, 1)).events;
      if (last?.isJson) learn(last.data);
      for await (const batch of events) for (const event of batch) see(event);
    },
    async list(cuts, append) {
      const news = cuts.filter(({ stream, before }) => before > (firsts.get(stream) ?? 0)).map(({ stream, before }) => [stream, before] as const);
      for (const event of eventsOf(news)) await append(event);
      for (const [stream, before] of news) hide(stream, before);
      names += news.length;
    },
    anew: () => (names > 2 * firsts.size + server.limits.spareTruncations ? eventsOf([...firsts]) : null),
    wasWritten() {
      names = firsts.size;
    },
    async truncate(stream, before, head) {
      // The stream's last event stays on the server, as it does in a scavenge, because it carries the stream's revision.
      const $tb = Math.min(before, head);
      await changeMetadata(server, stream, (metadata) => (Number(metadata.$tb ?? 0) >= $tb ? null : { ...metadata, $tb }));
    },
  };
}
