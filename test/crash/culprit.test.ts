import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { DeadLetterReply, LetterActReply } from "../../src/http/wire/dead-letters-replies.ts";
import type { AppendReply } from "../../src/http/wire/events.ts";
import { type CheckedHandler, checkHistory } from "../support/crash-checker.ts";
import { readEntityEvents } from "../support/crash-journal.ts";
import { Lives } from "../support/crash-lives.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { getAll, makeSite, post, untilQuiet } from "../support/crash-service.ts";
import { someOf } from "../support/sizes.ts";

const types = ["thing.happened"];
const entities = 8;
const eventsEach = 6;
const mostRestarts = 8;

/** `fragile` runs in the service's process and tells the receiver of each call before it does its work, which kills it for a marked event. */
const config = (receiver: string, ordering: string): string => `
import { defineConfig, defineEvent, defineHandler, webhookHandler } from "reprise";
import { z } from "zod";
const happened = defineEvent("thing.happened", { 1: z.object({ kills: z.boolean() }) });
const headers = { "x-life": process.env.CRASH_LIFE };
const fragile = defineHandler({
  name: "fragile", ordering: "${ordering}", events: [happened],
  on: {
    "thing.happened": async ({ id, entity, revision, data }, { attempt }) => {
      const body = JSON.stringify({ id, subject: entity.type + "/" + entity.id, revision, attempt });
      await fetch("${receiver}/fragile", { method: "POST", headers, body });
      if (data.kills) process.kill(process.pid, "SIGKILL");
    },
  },
});
const audit = webhookHandler({ name: "audit", url: "${receiver}/audit", headers, events: ["thing.happened"] });
const careful = webhookHandler({ name: "careful", url: "${receiver}/careful", headers, events: ["thing.happened"], record: "each" });
export default defineConfig({ events: [happened], handlers: [audit, fragile, careful] });
`;

describe("an event whose handler kills the process", () => {
  it.each(someOf(1, ["strict", "relaxed"] as const))(
    "ends as a dead letter with cause crash, and no innocent one with it (%s)",
    { timeout: 180_000 },
    async (ordering) => {
      const handlers: readonly CheckedHandler[] = [
        { name: "audit", ordering: "strict", record: "batch", types, maxAttempts: 3 },
        { name: "careful", ordering: "strict", record: "each", types, maxAttempts: 3 },
        { name: "fragile", ordering, record: "batch", types, maxAttempts: 3 },
      ];
      const receiver = await startReceiver(async () => {
        await wait(10); // so that several run when the process ends
        return 204;
      });
      const events = Array.from({ length: entities * eventsEach }, (_, index) => {
        const [entity, revision] = [index % entities, Math.floor(index / entities)];
        return { id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${entity}` }, data: { kills: entity === 3 && revision === 2 } };
      });
      const culprit = events.find(({ data }) => data.kills)!.id;

      const lives = new Lives(
        makeSite(config(receiver.url, ordering)),
        handlers.map(({ name }) => name),
      );
      /** Appends what the life before may not have got, and waits until all has come to rest; null when the process dies instead. */
      const live = async (): Promise<{ url: string; handlers: Awaited<ReturnType<typeof untilQuiet>> } | null> => {
        lives.start();
        const { service } = lives;
        const working = (async () => {
          const url = await service.listening;
          if (url === null) return null;
          const appended = await post<AppendReply>(url, "/events", { events });
          expect(appended.status).toBe(201);
          return { url, handlers: await untilQuiet(url, appended.body.events.at(-1)!.position) };
        })();
        // Its connections may be seen to break before its end is.
        const orDied = working.catch((error: unknown) => Promise.race([service.ended.then(() => null), wait(5000).then(() => Promise.reject(error))]));
        return Promise.race([orDied, service.ended.then(() => null)]);
      };

      let restarts = 0;
      let quiet = await live();
      for (; quiet === null && restarts < mostRestarts; restarts++) {
        await lives.kill();
        quiet = await live();
      }
      expect(quiet, `no rest after ${restarts} restarts`).not.toBeNull();
      console.log(`${ordering}: a dead letter after ${restarts} restarts and ${receiver.calls("fragile").filter(({ id }) => id === culprit).length} calls`);
      const { url, handlers: counts } = quiet!;

      const held = ordering === "strict" ? eventsEach - 3 : 0;
      const letters = await getAll<DeadLetterReply>(url, "/admin/dlq");
      expect(letters).toMatchObject([{ id: culprit, handler: "fragile", status: "dead_lettered", cause: "crash", waiting: held }]);
      expect(counts.map(({ name, done, waiting }) => ({ name, done, waiting }))).toEqual([
        { name: "audit", done: events.length, waiting: 0 },
        { name: "careful", done: events.length, waiting: 0 },
        { name: "fragile", done: events.length - 1 - held, waiting: 1 + held },
      ]);
      expect(receiver.calls("audit").filter(({ id }) => id === culprit).length).toBeGreaterThan(0);

      const discarded = await post<LetterActReply>(url, `/admin/dlq/${culprit}/discard`, { reason: "it kills the service" });
      expect(discarded.status).toBe(200);
      for (const { name, wanted, done } of await untilQuiet(url, discarded.body.position)) expect({ name, done }).toEqual({ name, done: wanted });
      expect((await lives.stop()).code).toBe(0);

      const findings = checkHistory({
        events: await readEntityEvents(lives.site),
        handlers,
        history: receiver.history,
        lives: await lives.ended(),
        recordedWithinMs: Number.POSITIVE_INFINITY, // when a life ended only its process knows
      });
      // Its followers are free once it was discarded, which no receiver sees.
      expect(findings.broken.filter((what) => !what.includes(`started before revision 2 was over`))).toEqual([]);
    },
  );
});
