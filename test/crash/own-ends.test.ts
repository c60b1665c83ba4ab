/** Each way in which an event can end the process by itself, and kills from outside: the one ends as a dead letter, the other accuses nobody. */
import { readdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { DeadLetterReply } from "../../src/http/wire/dead-letters-replies.ts";
import type { AppendReply } from "../../src/http/wire/events.ts";
import { getAll, makeSite, post, startService, untilQuiet } from "../support/crash-service.ts";
import { size, someOf } from "../support/sizes.ts";

const config = `
import { setTimeout as wait } from "node:timers/promises";
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const happened = defineEvent("thing.happened", { 1: z.object({ how: z.string() }) });
const hoard = [];
// Made outside of every call, so that nobody knows whose error it throws: one of a handler's own timers fails its delivery and ends nothing.
let doomed = false;
setInterval(() => { if (doomed) throw new Error("uncaught"); }, 1).unref();
const ends = {
  exit: () => process.exit(1),
  uncaught: () => { doomed = true; return wait(60_000); },
  abort: () => process.abort(),
  killed: () => process.kill(process.pid, "SIGKILL"),
  memory: () => { for (;;) hoard.push(Array.from({ length: 10_000 }, (_, index) => ({ index }))); },
};
export default defineConfig({
  events: [happened],
  handlers: [
    defineHandler({
      name: "fragile", events: [happened],
      on: { "thing.happened": async ({ data }) => { await wait(5); await ends[data.how]?.(); } },
    }),
    defineHandler({ name: "beside", events: [happened], on: { "thing.happened": () => wait(5) } }),
  ],
});
`;
const mostStarts = 10;
/** More than the crashes that make a culprit. */
const killsFromOutside = size(4, 20);

function happened(entity: number, how: string) {
  return { id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${entity}` }, data: { how } };
}

describe("an event that ends the process", () => {
  it.each(someOf(1, ["exit", "memory", "uncaught", "abort", "killed"]))(
    "by itself (%s) is a dead letter within ten starts, and it alone",
    { timeout: 240_000 },
    async (how) => {
      const site = makeSite(config);
      const events = Array.from({ length: 24 }, (_, index) => happened(index % 8, index === 11 ? how : "well"));
      for (let starts = 1; ; starts++) {
        expect(starts).toBeLessThanOrEqual(mostStarts);
        const service = startService(site, { NODE_OPTIONS: "--max-old-space-size=64", REPRISE_TEST_SECRET: "do not write this" });
        const working = (async () => {
          const url = await service.listening;
          if (url === null) return null;
          const appended = await post<AppendReply>(url, "/events", { events });
          await untilQuiet(url, appended.body.events.at(-1)!.position);
          return url;
        })().catch(() => null);
        const url = await Promise.race([working, service.ended.then(() => null)]);
        if (url === null) {
          await service.ended;
          continue;
        }
        const letters = await getAll<DeadLetterReply>(url, "/admin/dlq");
        expect(letters.map(({ id, handler, cause }) => ({ id, handler, cause }))).toEqual([{ id: events[11]!.id, handler: "fragile", cause: "crash" }]);
        expect(readdirSync(site.data).filter((name) => name.startsWith("ended-"))).toEqual([]);
        service.send("SIGTERM");
        expect((await service.ended).code).toBe(0);
        expect(readdirSync(site.data).filter((name) => name.startsWith("ended-"))).toEqual([]);
        return;
      }
    },
  );

  it(`from outside, ${killsFromOutside} times while it runs alone, is none`, { timeout: 240_000 }, async () => {
    const site = makeSite(config.replace("await wait(5);", "await wait(Number(process.env.WORK_MS));"));
    const event = happened(1, "well");
    for (let kills = 0; kills < killsFromOutside; kills++) {
      const service = startService(site, { WORK_MS: "60000" });
      const url = await service.listening;
      await post(url!, "/events", { events: [event] });
      await wait(50);
      service.send("SIGKILL");
      await service.ended;
      expect(readdirSync(site.data).filter((name) => name.startsWith("ended-"))).toEqual([]);
    }
    const service = startService(site, { WORK_MS: "1" });
    const url = (await service.listening)!;
    await untilQuiet(url);
    expect(await getAll<DeadLetterReply>(url, "/admin/dlq")).toEqual([]);
    service.send("SIGTERM");
    await service.ended;
  });
});
