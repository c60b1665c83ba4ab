/** Logs on EventStoreDB for tests: on the stand-in, and on a real server when EVENTSTORE_URL names one. */
import { EventStoreDBClient, START } from "@eventstore/db-client";
import { parseStreamName } from "../../src/event/names.ts";
import type { Locate } from "../../src/log/eventstoredb/recent-ids.ts";

/**
 * Does for the log what the views' event index does in the service: knows where each id stands. It reads the server's whole log, from where
 * it left off, each time it is asked.
 */
export function locateByReading(connectionString: string, namespace = ""): { readonly locate: Locate; close(): Promise<void> } {
  const client = EventStoreDBClient.connectionString(connectionString);
  const places = new Map<string, { readonly id: string; readonly stream: string; readonly revision: number }>();
  let reached: bigint | null = null;
  const catchUp = async () => {
    for await (const { event } of client.readAll({ fromPosition: reached === null ? START : { commit: reached, prepare: reached } })) {
      if (event?.position === undefined) continue;
      reached = event.position.commit;
      if (event.streamId.startsWith("$") || !event.streamId.startsWith(namespace)) continue;
      const stream = event.streamId.slice(namespace.length);
      const name = parseStreamName(stream);
      if (name !== null) places.set(`${name.tenant}\n${event.id}`, { id: event.id, stream, revision: Number(event.revision) });
    }
  };
  let turn = Promise.resolve();
  return {
    async locate(tenant, ids) {
      turn = turn.then(catchUp);
      await turn;
      return ids.flatMap((id) => places.get(`${tenant}\n${id}`) ?? []);
    },
    close: () => client.dispose(),
  };
}
