import type { StoredEvent } from "../../event/event.ts";
import type { EventLog, ReadStreamOptions } from "../../log/event-log.ts";
import type { Archives } from "./archives.ts";

/** A log of which reads by id, and of one event of a stream, find what has left it, too: for replays of history. Everything else is the log's own. */
export function withArchive(log: EventLog, archives: Archives): EventLog {
  async function* readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<readonly StoredEvent[], void> {
    const { from, limit, direction } = options;
    let any = false;
    for await (const batch of log.readStream(stream, options)) {
      // A read from a revision that is gone begins at the first one that is left.
      if (!any && limit === 1 && direction !== "backward" && from !== undefined && batch[0]!.revision > from) break;
      any = true;
      yield batch;
    }
    if (any || limit !== 1 || from === undefined || direction === "backward") return;
    for await (const { event } of archives.stream(stream, { from })) {
      if (event.revision === from) yield [event];
      return;
    }
  }

  return new Proxy(log, {
    get(target, name: keyof EventLog) {
      if (name === "readStream") return readStream;
      if (name === "findByIds") return findByIds;
      const member = target[name];
      return typeof member === "function" ? (member as (...args: unknown[]) => unknown).bind(target) : member;
    },
  });

  /** Within the bytes that are enough, in the order of the ids, as the log's own. */
  async function findByIds(tenant: string, ids: readonly string[], enoughBytes?: number): Promise<readonly StoredEvent[]> {
    const found = await log.findByIds(tenant, ids, enoughBytes);
    if (found.length === ids.length || (await archives.all()).length === 0) return found;
    const events = new Map(found.map((event) => [event.id, event]));
    const last = ids.findLastIndex((id) => events.has(id));
    // What is missing before the last one that came is not missing because of its size. When nothing came, nothing is.
    for (const id of last === -1 ? ids : ids.slice(0, last)) {
      if (events.has(id)) continue;
      const archived = await archives.find(tenant, id);
      if (archived !== null) events.set(id, archived.event);
    }
    return ids.flatMap((id) => events.get(id) ?? []);
  }
}
