/** A reader of the stream while the service is killed: nothing is missing, and nothing comes twice. */
import { expect, it } from "vitest";
import { kill, makeSite, post, startListening } from "../support/crash-service.ts";
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
      // Once nothing comes any more, a reader from the beginning is told the same.
      const failures = () => reader.messages.length;
      for (let before = -1; before !== failures(); ) {
        before = failures();
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
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
