/**
 * The service of bench/loop-stop.ts. It says where its probe listens: `GET` there answers with the longest that the thread was held since the last one,
 * in milliseconds of the thread's own time, so that what else runs on the machine does not count.
 */
import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { defineConfig, defineEvent, defineHandler, Terminal } from "reprise";
import { z } from "zod";
import { largeEvents } from "../../test/support/large-log.ts";

const large = defineEvent("order.large", { 1: z.object({ text: z.string() }) });
const nothing = () => {};
const on = { "order.placed": nothing, "order.paid": nothing, "order.rare": nothing };

let longestMs = 0;
let before = process.threadCpuUsage();
setInterval(() => {
  const { user, system } = process.threadCpuUsage(before);
  before = process.threadCpuUsage();
  longestMs = Math.max(longestMs, (user + system) / 1000);
}, 1).unref();
const probe = createServer(async (_, reply) => {
  await wait(5); // what ran until now has been seen by the timer
  const answer = String(longestMs);
  longestMs = 0;
  reply.end(answer);
}).listen(0, "127.0.0.1", () => console.log(JSON.stringify({ probe: `http://127.0.0.1:${(probe.address() as { port: number }).port}` })));
probe.unref();

export default defineConfig({
  events: [...largeEvents, large],
  handlers: [
    ...(["relaxed", "strict", "idle"] as const).map((name) =>
      defineHandler({ name, events: largeEvents, startFrom: "beginning", ordering: name === "relaxed" ? "relaxed" : "strict", on }),
    ),
    defineHandler({
      name: "failing",
      events: [large],
      startFrom: "beginning",
      ordering: "relaxed",
      on: {
        "order.large": () => {
          throw new Terminal("does not fit");
        },
      },
    }),
  ],
});
