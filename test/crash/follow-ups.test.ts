/** A handler that appends, and fails, and is retried, killed and replayed: one event for each append. */
import { once } from "node:events";
import { createServer } from "node:http";
import { v7 } from "uuid";
import { expect, it, onTestFinished } from "vitest";
import type { AppendReply, EventReply, EventsReply } from "../../src/http/wire/events.ts";
import { get, makeSite, post, startListening, until, untilQuiet } from "../support/crash-service.ts";

/** It says at `outside` what it does, and what it is told there decides how the call ends. */
const config = (outside: string): string => `
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({}) });
const packed = defineEvent("order.packed", { 1: z.object({ n: z.int() }) });
const shipped = defineEvent("order.shipped", { 1: z.object({ n: z.int() }) });
const events = [placed, packed, shipped];
let n = 0;
const say = async (what) => {
  const answer = await fetch("${outside}/" + what);
  if (!answer.ok) throw new Error(what + " " + answer.status);
};
export default defineConfig({
  events,
  handlers: [defineHandler({
    name: "shipping", events: [placed], retry: { maxAttempts: 2, initialDelayMs: 20, maxDelayMs: 20 },
    on: { "order.placed": async (event, { append }) => {
      await append(packed, event.entity, { n: ++n }); // other data at each call
      await say("packed");
      await append(shipped, event.entity, { n }, { key: "shipment" });
      await say("shipped");
    } },
  })],
});
`;

it("appends each event once, over retries, two SIGKILLs and a replay", { timeout: 120_000 }, async () => {
  const said: string[] = [];
  let onSaid: (what: string) => number = () => 200;
  const server = createServer((request, response) => {
    const what = request.url!.slice(1);
    said.push(what);
    response.writeHead(onSaid(what)).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const site = makeSite(config(`http://127.0.0.1:${(server.address() as { port: number }).port}`));
  const killAt = (service: { send(signal: "SIGKILL"): void }, when: string) => (what: string) => {
    if (what === when) service.send("SIGKILL");
    return 500;
  };

  // Killed when the first event is appended, and nothing of the delivery is on record.
  const first = await startListening(site);
  onSaid = killAt(first, "packed");
  const id = v7();
  const appended = await post<AppendReply>(first.url, "/events", { id, type: "order.placed", entity: { type: "order", id: "o1" }, data: {} });
  expect(appended.status).toBe(201);
  await first.ended;

  // Two attempts fail behind the second append, and leave a dead letter.
  onSaid = (what) => (what === "shipped" ? 500 : 200);
  const second = await startListening(site);
  expect(await untilQuiet(second.url, appended.body.events[0]!.position)).toMatchObject([{ by_status: { dead_lettered: 1 } }]);

  // Killed in its replay, behind both; the replay goes on after the start.
  onSaid = killAt(second, "packed");
  await post(second.url, `/admin/dlq/${id}/replay`, {}).catch(() => {});
  await second.ended;
  onSaid = () => 200;
  const third = await startListening(site);
  await until("the replay's end", async () => (await get<EventReply>(third.url, `/events/${id}`)).deliveries[0]!.status === "replayed");

  expect(said.filter((what) => what === "packed").length).toBeGreaterThanOrEqual(5);
  const { events } = await get<EventsReply>(third.url, "/entities/order/o1/events");
  expect(events.map(({ type, source, causation_id, call_chain, data }) => ({ type, source, causation_id, call_chain, data }))).toEqual([
    expect.objectContaining({ type: "order.placed" }),
    { type: "order.packed", source: "shipping", causation_id: id, call_chain: ["shipping"], data: { n: 1 } },
    { type: "order.shipped", source: "shipping", causation_id: id, call_chain: ["shipping"], data: { n: 1 } },
  ]);
  third.send("SIGKILL");
  await third.ended;
});
