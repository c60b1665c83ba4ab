import { once } from "node:events";
import { createServer } from "node:http";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AppendReply, EventReply } from "../../src/http/wire/events.ts";
import { get, kill, makeSite, post, type Service, startListening, until, untilQuiet } from "../support/crash-service.ts";

/** The handler charges and mails under keys, then books; what it asks for is done by a server that outlives it. */
const config = (outside: string): string => `
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({}) });
const ask = async (what, id) => {
  const answer = await fetch("${outside}/" + what + "/" + id);
  if (!answer.ok) throw new Error(what + " " + answer.status);
  return answer.text();
};
export default defineConfig({
  events: [placed],
  handlers: [defineHandler({
    name: "payment", events: [placed], retry: { maxAttempts: 3, initialDelayMs: 20, maxDelayMs: 20 },
    on: { "order.placed": async (event, { effect }) => {
      const charge = await effect("charge", () => ask("charge", event.entity.id));
      await effect("mail", () => ask("mail", charge));
      await ask("book", event.entity.id);
    } },
  })],
});
`;

function killing(service: Service): number {
  service.send("SIGKILL");
  return 500;
}

describe("an effect", () => {
  it("under three attempts, a SIGKILL after its record and a replay runs once", { timeout: 120_000 }, async () => {
    const done: string[] = [];
    let onBook: (id: string) => number = () => 500;
    const server = createServer((request, response) => {
      const [, what, id] = request.url!.split("/");
      if (what === "book") response.writeHead(onBook(id!)).end();
      else {
        done.push(`${what} ${id}`);
        response.end(`${what}-${done.length}`);
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const site = makeSite(config(`http://127.0.0.1:${(server.address() as { port: number }).port}`));

    // Killed in the first attempt, when both effects are on record.
    const first = await startListening(site);
    onBook = () => killing(first);
    const id = v7();
    const appended = await post<AppendReply>(first.url, "/events", { id, type: "order.placed", entity: { type: "order", id: "o1" }, data: {} });
    expect(appended.status).toBe(201);
    await first.ended;
    expect(done).toEqual(["charge o1", "mail charge-1"]);

    // Three attempts, then a dead letter.
    onBook = () => 500;
    const second = await startListening(site);
    const position = appended.body.events[0]!.position;
    expect(await untilQuiet(second.url, position)).toMatchObject([{ by_status: { dead_lettered: 1 } }]);

    // Killed in the middle of its replay.
    onBook = () => killing(second);
    await post(second.url, `/admin/dlq/${id}/replay`, {}).catch(() => {});
    await second.ended;
    onBook = () => 200;
    const third = await startListening(site);
    const event = await until("the replay's end", async () => {
      const now = await get<EventReply>(third.url, `/events/${id}`);
      return now.deliveries[0]!.status === "replayed" && now;
    });
    expect(done).toEqual(["charge o1", "mail charge-1"]);
    expect(event.deliveries[0]!.effects).toMatchObject([
      { key: "charge", replay_id: null },
      { key: "mail", replay_id: null },
    ]);
    await kill(third);
  });
});
