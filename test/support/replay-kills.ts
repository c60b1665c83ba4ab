/** A planned replay of many dead letters through two SIGKILLs, a pause and another rate: one run for each kind of log. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { expect } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { PlanReply } from "../../src/http/wire/plans.ts";
import type { ReplayActReply, ReplayReply, ReplayStartedReply } from "../../src/http/wire/replays-replies.ts";
import { reprise } from "./cli.ts";
import { type CheckedHandler, checkHistory } from "./crash-checker.ts";
import { readEntityEvents } from "./crash-journal.ts";
import { Lives } from "./crash-lives.ts";
import { type Call, startReceiver } from "./crash-receiver.ts";
import { get, makeSite, post, until, untilQuiet } from "./crash-service.ts";
import { size } from "./sizes.ts";

/** Dead letters; five of each entity, and one event held behind them. */
export const letters = size(200, 1500, "REPRISE_REPLAY_LETTERS");
const perEntity = 5;
const canaryEntities = 5;
const canaryHoldSeconds = 1;
/** Entities whose first dead letter fails for ever. */
const hopelessEntities = 3;
const handlers: readonly CheckedHandler[] = [{ name: "hook", ordering: "strict", record: "batch", types: ["thing.happened"], maxAttempts: 1 }];

/** Relaxed in the first life, so that an entity comes to several dead letters. */
const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({
    name: "hook", url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE }, retry: { maxAttempts: 1 },
    concurrency: 32, ordering: process.env.CRASH_LIFE === "0" ? "relaxed" : "strict",
  })],
});
`;

/** @param log of a server; default: the embedded one. */
export async function runReplayKills(log?: string): Promise<void> {
  const entities = letters / perEntity;
  const event = (index: number) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${index % entities}` }, data: {} });
  const failing = Array.from({ length: letters }, (_, index) => event(index));
  const held = Array.from({ length: entities }, (_, index) => event(index));
  const hopeless = new Set(failing.slice(entities - hopelessEntities, entities).map(({ id }) => id));
  const killedAt = [0.3, 0.65].map((part) => Math.round(letters * part));
  let mended = false;
  let replayed = 0;
  const receiver = await startReceiver(({ id, replayId }) => {
    if (replayId !== null && killedAt.includes(++replayed)) lives.service.send("SIGKILL");
    return mended && !hopeless.has(id) ? 204 : 500;
  });
  const lives = new Lives(makeSite(config(receiver.url), log), ["hook"]);
  const append = async (events: readonly object[]): Promise<string> => {
    let last = "0";
    for (let from = 0; from < events.length; from += 500) {
      // Ids make a repeat safe: a server's log may not be reached yet, or be slow.
      const { body } = await until("an append", async () => {
        const answer = await post<AppendReply>(await lives.url(), "/events", { events: events.slice(from, from + 500) });
        return answer.status === 201 && answer;
      });
      last = body.events.at(-1)!.position;
    }
    return last;
  };

  lives.start();
  const beganMs = performance.now();
  expect(await untilQuiet(await lives.url(), await append(failing))).toMatchObject([{ by_status: { dead_lettered: letters } }]);
  const brokenMs = performance.now() - beganMs;
  expect((await lives.stop()).code).toBe(0);
  const firstLines = receiver.record().length;
  lives.start();
  const lastPosition = await append(held);
  expect(await untilQuiet(await lives.url(), lastPosition)).toMatchObject([{ by_status: { dead_lettered: letters, held: entities } }]);

  mended = true;
  const plannedMs = performance.now();
  const { body: plan } = await post<PlanReply>(await lives.url(), "/replays/plan", { selection: { dead_letters: { handler: "hook" } } });
  const planMs = performance.now() - plannedMs;
  expect(plan).toMatchObject({ deliveries: letters, dead_letters: letters, releases: entities, entities, ineligible: [], invalid_total: 0 });
  const startedMs = performance.now();
  const started = await post<ReplayStartedReply>(await lives.url(), "/replays", {
    plan_id: plan.plan_id,
    reason: "mended",
    mode: "run",
    rate_per_second: letters / 8,
    canary: { entities: canaryEntities, hold_seconds: canaryHoldSeconds },
    stop_when: { failures_in_a_row: 50 },
  });
  expect(started.status).toBe(202);
  const { replay_id: replayId } = started.body;
  const report = (): Promise<ReplayReply> => lives.url().then((url) => get<ReplayReply>(url, `/replays/${replayId}`));

  await lives.service.ended; // by the first kill
  await lives.kill();
  lives.start();
  await until(
    "the replay that goes on",
    async () => (await report()).status === "running" && receiver.calls().some(({ life, replayId: of }) => life === 2 && of !== null),
  );
  // The rate is another from here on, and the replay pauses.
  expect((await patch<ReplayActReply>(await lives.url(), `/replays/${replayId}`, { rate_per_second: letters / 4 })).status).toBe(200);
  await post<ReplayActReply>(await lives.url(), `/replays/${replayId}/pause`, { reason: "a look at it" });
  const paused = await until("the pause", async () => {
    const now = await report();
    return now.status === "paused" && now;
  });
  const callsThen = receiver.calls().length;
  await wait(500);
  expect(receiver.calls().length).toBe(callsThen);
  expect(paused).toMatchObject({ rate_per_second: letters / 4 });
  expect((await post<ReplayActReply>(await lives.url(), `/replays/${replayId}/resume`, {})).body.status).toBe("running");
  await lives.service.ended; // by the second kill
  await lives.kill();
  lives.start();

  const ended = await until("the replay's end", async () => {
    const now = await report();
    return now.ended_at !== null && now;
  });
  const tookMs = performance.now() - startedMs;
  const skipped = hopelessEntities * (perEntity - 1);
  expect(ended).toMatchObject({
    ...{ status: "completed", total: letters, succeeded: letters - hopelessEntities - skipped, failed: hopelessEntities, skipped, remaining: 0, new_since: 0 },
    ...{ rate_per_second: letters / 4, skips: [{ reason: "an earlier dead letter of its entity comes first", count: skipped }] },
  });
  expect(await untilQuiet(await lives.url(), lastPosition)).toMatchObject([
    {
      by_status: {
        ...{ dead_lettered: hopelessEntities * perEntity, held: hopelessEntities, replayed: letters - hopelessEntities * perEntity },
        completed: entities - hopelessEntities,
      },
    },
  ]);
  expect((await lives.stop()).code).toBe(0);

  const ends = await lives.ended();
  const findings = checkHistory({ events: await readEntityEvents(lives.site), handlers, history: receiver.history, lives: ends, recordedWithinMs: 3000 });
  // The first life was relaxed: there an event may start above a dead letter.
  expect(findings.broken.filter((what) => !what.startsWith("life 0,"))).toEqual([]);
  const calls = receiver.calls().filter(({ life }) => life > 0);
  const replays = calls.filter((call) => call.replayId !== null);
  expect(new Set(replays.map((call) => call.replayId))).toEqual(new Set([replayId]));
  expect(new Set(replays.map(({ id }) => id)).size).toBe(letters - skipped);
  const again = replays.length - new Set(replays.map(({ id }) => id)).size;
  const cut = new Set(replays.filter(({ answered, life }) => life < 3 && (answered === null || answered.status !== 204)).map(({ id }) => id)).size;
  expect(again).toBeLessThanOrEqual(cut + findings.unrecorded);
  expect(outOfOrder(calls)).toEqual([]);
  expectCanary(replays);
  const record = join(lives.site.data, "received.ndjson");
  writeFileSync(record, receiver.record().slice(firstLines).join("\n"));
  const verified = await reprise(["verify", record]);
  expect(verified).toMatchObject({ code: 0 });
  console.info(
    `replay of ${letters} dead letters over ${entities} entities, ${log === undefined ? "embedded log" : "log server"}: dead-lettered in ${seconds(brokenMs)}, ` +
      `planned in ${Math.round(planMs)} ms, over in ${seconds(tookMs)} with ${killedAt.length} kills and a pause; ${calls.length} calls, ${again} of them again; ${verified.stdout.trim()}`,
  );
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Per entity the receiver saw each revision after the one before; the same one again only in a later life. */
function outOfOrder(calls: readonly Call[]): readonly string[] {
  return [...Map.groupBy(calls, ({ lane }) => lane)].flatMap(([lane, its]) =>
    its.flatMap((call, index) => {
      const before = its[index - 1];
      if (before === undefined || call.revision > before.revision || (call.revision === before.revision && call.life > before.life)) return [];
      return [`${lane}: revision ${call.revision} of life ${call.life} after ${before.revision} of life ${before.life}`];
    }),
  );
}

/** Five entities went first, and were over a second before any other began. */
function expectCanary(replays: readonly Call[]): void {
  const first = new Set<string>();
  for (const { lane } of replays) if (first.size < canaryEntities) first.add(lane);
  const canary = replays.filter(({ lane }) => first.has(lane));
  expect(canary.length).toBe(canaryEntities * perEntity);
  const others = replays.filter(({ lane }) => !first.has(lane));
  expect(others[0]!.arrivedMs - canary.at(-1)!.answered!.atMs).toBeGreaterThanOrEqual(canaryHoldSeconds * 1000 - 50);
}

async function patch<T>(url: string, path: string, body: object): Promise<{ readonly status: number; readonly body: T }> {
  const response = await fetch(`${url}${path}`, { method: "PATCH", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as T };
}
