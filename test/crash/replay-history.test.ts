import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { PlanReply } from "../../src/http/wire/plans.ts";
import type { ReplayReply, ReplayStartedReply } from "../../src/http/wire/replays-replies.ts";
import { Lives } from "../support/crash-lives.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { get, makeSite, post, until, untilQuiet } from "../support/crash-service.ts";

const entities = 20;
const perEntity = 20;
const killedAt = [120, 260];
const concurrency = 8;

const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({
    name: "hook", url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE }, concurrency: ${concurrency},
  })],
});
`;

describe("a replay of history", () => {
  it("that is cut off by SIGKILL goes on where it was, in order, and repeats no more than was under way", { timeout: 120_000 }, async () => {
    const total = entities * perEntity;
    const events = Array.from({ length: total }, (_, index) => ({
      ...{ id: v7(), type: "thing.happened", data: {} },
      entity: { type: "thing", id: `e${index % entities}` },
    }));
    let replayed = 0;
    const receiver = await startReceiver(({ replayId }) => {
      if (replayId !== null && killedAt.includes(++replayed)) lives.service.send("SIGKILL");
      return 204;
    });
    const lives = new Lives(makeSite(config(receiver.url)), ["hook"]);
    lives.start();
    const appended = await post<AppendReply>(await lives.url(), "/events", { events });
    await untilQuiet(await lives.url(), appended.body.events.at(-1)!.position);
    const { body: plan } = await post<PlanReply>(await lives.url(), "/replays/plan", { selection: { history: { handler: "hook" } } });
    expect(plan).toMatchObject({ deliveries: total, entities });
    const started = await post<ReplayStartedReply>(await lives.url(), "/replays", {
      plan_id: plan.plan_id,
      reason: "again",
      mode: "run",
      rate_per_second: 300,
    });
    for (const _ of killedAt) {
      await lives.service.ended;
      await lives.kill();
      lives.start();
    }
    const url = await lives.url();
    const report = await until("the replay's end", async () => {
      const now = await get<ReplayReply>(url, `/replays/${started.body.replay_id}`);
      return now.ended_at !== null && now;
    });
    expect(report).toMatchObject({ status: "completed", total, succeeded: total, failed: 0, skipped: 0, new_since: 0 });
    expect(await untilQuiet(url)).toMatchObject([{ done: total, by_status: { completed: total } }]);
    expect((await lives.stop()).code).toBe(0);

    const calls = receiver.calls().filter(({ replayId }) => replayId !== null);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(total);
    for (const [lane, its] of Map.groupBy(calls, (call) => call.lane))
      for (const [index, call] of its.entries()) {
        const before = its[index - 1];
        // Back by no more than what of the entity was not on record, and only in a later life.
        if (before !== undefined && call.life === before.life) expect(call.revision, lane).toBe(before.revision + 1);
        else if (before !== undefined) expect(call.revision, lane).toBeLessThanOrEqual(before.revision + 1);
      }
    const again = calls.length - total;
    console.info(`replay of history: ${killedAt.length} kills, ${calls.length} calls for ${total} events, ${again} of them again`);
    expect(again).toBeLessThanOrEqual(killedAt.length * 4 * concurrency);
  });
});
