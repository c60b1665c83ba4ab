import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { ReadyReply } from "../../src/http/wire/service.ts";
import { type CheckedHandler, checkAppends, checkHistory } from "../support/crash-checker.ts";
import { readEntityEvents } from "../support/crash-journal.ts";
import { Lives } from "../support/crash-lives.ts";
import { Load } from "../support/crash-load.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { makeSite, until, untilQuiet } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { makeRandom } from "../support/partition-model.ts";
import { size, someOf } from "../support/sizes.ts";

/** How long the log server is away. */
const awayMs = size(3000, 5000, "REPRISE_AWAY_MS");

const types = ["thing.happened"];
const handlers: readonly CheckedHandler[] = [
  { name: "each", ordering: "relaxed", record: "each", types, maxAttempts: 3 },
  { name: "strict", ordering: "strict", record: "batch", types, maxAttempts: 3 },
];
const names = handlers.map(({ name }) => name);

const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
const hook = (options) => webhookHandler({
  ...options, url: "${receiver}/" + options.name, headers: { "x-life": process.env.CRASH_LIFE }, events: ["thing.happened"], timeoutMs: 60000,
  retry: { maxAttempts: 3, initialDelayMs: 40 },
});
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({ n: z.number() }) })],
  handlers: [hook({ name: "strict" }), hook({ name: "each", ordering: "relaxed", record: "each" })],
});
`;

async function ready(url: string): Promise<ReadyReply & { readonly status_code: number }> {
  const response = await fetch(`${url}/readyz`);
  return { ...((await response.json()) as ReadyReply), status_code: response.status };
}

async function append(url: string, event: object) {
  const response = await fetch(`${url}/events`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ events: [event] }) });
  return { status: response.status, retryAfter: Number(response.headers.get("retry-after")), body: (await response.json()) as AppendReply };
}

describe(`the log server away for ${awayMs} ms under load`, () => {
  const ways = [
    ["killed", "SIGKILL"],
    ["frozen", "SIGSTOP"],
    ["stopped", "SIGTERM"],
  ] as const;
  it.each(someOf(1, ways))(
    "%s and back: nothing is lost, doubled or out of order, and all goes on by itself",
    { timeout: 120_000 + 2 * awayMs },
    async (how, signal) => {
      const server = await startLogServer();
      const latency = makeRandom(7);
      const receiver = await startReceiver(async ({ attempt }) => {
        await wait(latency() * 15);
        return attempt === 1 && latency() < 0.05 ? 500 : 204;
      });
      const lives = new Lives(makeSite(config(receiver.url), server.url), names);
      const load = new Load({ random: makeRandom(8), entities: 30, types, producers: 6 });
      lives.start();
      const url = await lives.url();
      load.sendTo(url);
      load.allow(100_000);
      await until("some load", () => load.acknowledged.length > 300);
      expect(await ready(url)).toMatchObject({ status: "ready" });

      const probe = { id: v7(), type: "thing.happened", entity: { type: "thing", id: "probe" }, data: { n: 1 } };
      await server.send(signal);
      const goneMs = performance.now();
      const sinceMs = () => Math.round(performance.now() - goneMs);
      let unreadyMs: number | null = null;
      let refusedMs: number | null = null;
      if (how !== "frozen") {
        const notReady = await until("/readyz to say so", async () => {
          const answer = await ready(url);
          return answer.status_code === 503 && answer;
        });
        unreadyMs = sinceMs();
        expect(notReady).toMatchObject({ status: "not_ready", waits_for: expect.stringContaining("log") });
        const refused = await append(url, probe);
        refusedMs = sinceMs();
        expect(refused).toMatchObject({ status: 503, body: { code: "LOG_UNAVAILABLE" } });
        expect(refused.retryAfter).toBeGreaterThanOrEqual(1);
      }
      await wait(Math.max(0, awayMs - sinceMs()));
      const before = { acknowledged: load.acknowledged.length, calls: receiver.calls().length };
      if (how === "frozen") await server.send("SIGCONT");
      else await server.start();
      const backMs = performance.now();
      const sinceBackMs = () => Math.round(performance.now() - backMs);

      await until("/readyz to be ready", async () => (await ready(url)).status === "ready");
      const readyMs = sinceBackMs();
      await until("acknowledged appends", () => load.acknowledged.length > before.acknowledged + 10);
      const appendsMs = sinceBackMs();
      await until("calls", () => receiver.calls().length > before.calls + 10);
      const callsMs = sinceBackMs();
      const repeated = await until("the refused append", async () => {
        const answer = await append(url, probe);
        return answer.status === 201 && answer;
      });
      const [stored] = repeated.body.events;
      await until("more load", () => load.acknowledged.length > before.acknowledged + 300);
      await load.end();
      expect(load.broken).toEqual([]);
      await untilQuiet(url, load.position);
      expect((await lives.stop()).code).toBe(0);

      const events = await readEntityEvents({ log: server.url });
      const acknowledged = [...load.acknowledged, { id: stored!.id, entity: "thing/probe", revision: stored!.revision }];
      expect(checkAppends(events, acknowledged)).toEqual([]);
      const findings = checkHistory({ events, handlers, history: receiver.history, lives: await lives.ended(), recordedWithinMs: 0 });
      console.log(
        `${how} for ${awayMs} ms: ${unreadyMs === null ? "" : `not ready after ${unreadyMs} ms, 503 after ${refusedMs} ms; `}back: ready after ${readyMs} ms, appends after ${appendsMs} ms, ` +
          `calls after ${callsMs} ms; ${load.repeated} appends repeated, ${events.length} events, ${receiver.calls().length} calls`,
      );
      expect(findings).toMatchObject({ broken: [], repeats: 0 });
      for (const name of names) {
        const done = receiver.calls(name).filter(({ answered }) => answered?.status === 204);
        expect({ name, done: done.length, different: new Set(done.map(({ id }) => id)).size }).toEqual({ name, done: events.length, different: events.length });
      }
    },
  );
});
