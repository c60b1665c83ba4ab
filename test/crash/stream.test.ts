/** A reader of the stream while the service is killed: nothing is missing, and nothing comes twice. */
import { expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import { kill, makeSite, post, startListening, untilQuiet } from "../support/crash-service.ts";
import { eventually } from "../support/eventually.ts";
import { size } from "../support/sizes.ts";
import { readStream, type StreamMessage } from "../support/stream-reader.ts";

const kills = size(2, 20, "REPRISE_CRASH_KILLS");
const eventsPerLife = 120;

const config = `
import { defineConfig, defineEvent, defineHandler, Terminal } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });
const ledger = defineHandler({
  name: "ledger", events: [placed], startFrom: "beginning", ordering: "relaxed",
  retry: { maxAttempts: 3, initialDelayMs: 20, jitter: "none" },
  on: {
    "order.placed": (event, { attempt }) => {
      if (event.data.n % 7 === 0) throw new Terminal("never");
      if (event.data.n % 3 === 0 && attempt < 3) throw new Error("not yet");
    },
  },
});
export default defineConfig({ events: [placed], handlers: [ledger] });
`;

const text = ({ id, event, data }: StreamMessage) => `${id} ${event} ${JSON.stringify(data)}`;

it("that comes back by Last-Event-ID over kills of the service misses nothing and is told nothing twice", { timeout: 60_000 + kills * 20_000 }, async () => {
  const site = makeSite(config);
  const told: StreamMessage[] = [];
  let lastId = "0";
  let n = 0;
  for (let life = 0; life <= kills; life++) {
    const service = await startListening(site);
    const reader = await readStream(`${service.url}/events/stream?after=0&types=events,deliveries,completed`, { "last-event-id": lastId });
    const appending = (async () => {
      for (let each = 0; each < eventsPerLife; each++) {
        n++;
        await post(service.url, "/events", { type: "order.placed", entity: { type: "order", id: `o-${n % 20}` }, data: { n } });
      }
    })().catch(() => {}); // the kill
    if (life === kills) {
      await appending;
      // Once all is delivered, what is delivered next is told last, and a reader from the beginning is told the same.
      const append = async (n: number, id: string) =>
        (await post<AppendReply>(service.url, "/events", { type: "order.placed", entity: { type: "order", id }, data: { n } })).body.events[0]!.position;
      await untilQuiet(service.url, await append(1, "o-1"));
      await append(1, "last");
      await eventually(() => expect(reader.messages.at(-1)).toMatchObject({ event: "delivery", data: { entity: { id: "last" }, status: "completed" } }));
      told.push(...reader.messages);
      const whole = await readStream(`${service.url}/events/stream?after=0&types=events,deliveries,completed`);
      await whole.until(told.length);
      expect(told.map(text)).toEqual(whole.messages.map(text));
      const completed = told.filter(({ data }) => data.status === "completed").map(({ data }) => `${data.entity.id} ${data.revision}`);
      const { events } = (await (await fetch(`${service.url}/events?status=completed&limit=1000`)).json()) as {
        events: { entity: { id: string }; revision: number }[];
      };
      expect(completed.toSorted()).toEqual(events.map(({ entity, revision }) => `${entity.id} ${revision}`).toSorted());
      reader.leave();
      whole.leave();
    } else {
      await reader.until(eventsPerLife);
      await kill(service);
      await reader.ended;
      await appending;
      told.push(...reader.messages);
      lastId = reader.lastId();
    }
  }
  expect(new Set(told.map(text)).size).toBe(told.length);
  expect(told.filter(({ event }) => event === "event").length).toBeGreaterThan(eventsPerLife);
  for (const status of ["failed", "dead_lettered", "completed"]) expect(told.filter(({ data }) => data.status === status).length).toBeGreaterThan(10);
});
