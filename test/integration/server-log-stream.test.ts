/** The stream of events over a log on a server, where positions have gaps and a read can begin only at an event. */
import { describe, expect, it } from "vitest";
import { serverLogs } from "../support/server-logs.ts";
import { readStream } from "../support/stream-reader.ts";
import { append, order, seen, serveStream } from "../support/stream-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe.each(serverLogs)("GET /events/stream on %s", (_title, openLog) => {
  it("tells events and deliveries, and goes on at each of its ids, between two parts, too", { timeout: 60_000 }, async () => {
    const { store, url } = await serveStream({ place: { ...(await openLog()), data: temporaryFolder() } });
    const live = await readStream(url);
    await append(store, order("a", 1));
    await store.append({ type: "pair.made", schemaVersion: 1, entity: { type: "pair", id: "p" }, data: { n: 1 } });
    await append(store, order("b", -1), order("c", -2));
    const messages = [...(await live.until(7))];
    expect(seen(messages).toSorted()).toEqual(["b 0 dead_lettered", "c 0 failed", "order/a 0", "order/b 0", "order/c 0", "pair/p 0", "pair/p 0"]);
    expect(messages.filter(({ id }) => id.includes("."))).toHaveLength(1);
    for (const [index, { id }] of messages.entries()) {
      const again = await readStream(url, { "last-event-id": id });
      const rest = messages.slice(index + 1);
      expect((await again.until(rest.length)).map(({ id, data }) => [id, data])).toEqual(rest.map(({ id, data }) => [id, data]));
      again.leave();
    }
    const { position } = (await store.append({ type: "order.placed", entity: { type: "order", id: "d" }, data: { n: 1, note: "" } }))[0]!;
    const beyond = await readStream(url, { "last-event-id": String(BigInt(position) + 100_000n) });
    await beyond.ended;
    expect(beyond.messages.map(({ event }) => event)).toEqual(["gone"]);
    live.leave();
  });
});
