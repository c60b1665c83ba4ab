import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { PlanReply } from "../../src/http/wire/plans.ts";
import type { ReplayReply, ReplayStartedReply } from "../../src/http/wire/replays-replies.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { get, makeSite, post, startListening, until, untilQuiet } from "../support/crash-service.ts";
import { serverLogs } from "../support/server-logs.ts";
import { someOf } from "../support/sizes.ts";

const letters = 300;
const entities = 60;
/** An answer that came longer ago than this is on record, whatever becomes of the instance. */
const recordedWithinMs = 3000;

/** `x-life`: the instance that called. */
const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({ name: "hook", url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE }, retry: { maxAttempts: 1 } })],
});
`;
const event = (index: number) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${index % entities}` }, data: {} });

async function isReady(url: string): Promise<boolean> {
  return (await fetch(`${url}/readyz`)).status === 200;
}

describe.each(serverLogs)("a replay on %s whose owner goes away in the middle", { timeout: 180_000 }, (_title, open) => {
  const ways = [
    ["killed", "SIGKILL"],
    ["stopped", "SIGTERM"],
    ["frozen", "SIGSTOP"],
  ] as const;
  it.each(someOf(1, ways))(
    "and is %s: the other instance goes on with the job, each letter once but for what was not on record, and its report adds up",
    async (how, signal) => {
      const { log, namespace } = await open();
      let mended = false;
      const receiver = await startReceiver(() => (mended ? 204 : 500));
      const start = (life: number) => startListening(makeSite(config(receiver.url), log, namespace), { CRASH_LIFE: String(life) });
      const standby = await start(0);
      await until("a standby that is ready", () => isReady(standby.url));
      const failing = Array.from({ length: letters }, (_, index) => event(index));
      const { body } = await post<AppendReply>(standby.url, "/events", { events: failing });
      const position = body.events.at(-1)!.position;
      expect(await untilQuiet(standby.url, position)).toMatchObject([{ by_status: { dead_lettered: entities, held: letters - entities } }]);
      const owner = await start(1);
      await until("the owner to have taken over", async () => (await isReady(owner.url)) && !(await isReady(standby.url)));
      await untilQuiet(owner.url, position);

      mended = true;
      const plan = await post<PlanReply>(owner.url, `/replays/plan`, { selection: { dead_letters: { handler: "hook" } } });
      expect(plan.body).toMatchObject({ deliveries: entities, dead_letters: entities, releases: letters - entities });
      const started = await post<ReplayStartedReply>(owner.url, "/replays", {
        ...{ plan_id: plan.body.plan_id, reason: "mended", mode: "run", rate_per_second: 40 },
      });
      expect(started.status).toBe(202);
      const callsOf = (life: number) => receiver.calls().filter((call) => call.life === life && call.replayId !== null);
      await until("half of the letters", () => callsOf(1).length >= entities / 2);
      owner.send(signal);
      const goneMs = performance.now();
      if (signal === "SIGTERM") expect(await owner.ended).toMatchObject({ code: 0 });

      const report = await until("the job's end", async () => {
        const now = await get<ReplayReply>(standby.url, `/replays/${started.body.replay_id}`);
        return now.ended_at !== null && now;
      });
      const tookMs = Math.round(performance.now() - goneMs);
      expect(report).toMatchObject({ status: "completed", total: entities, succeeded: entities, failed: 0, skipped: 0, remaining: 0 });
      expect(await untilQuiet(standby.url, position)).toMatchObject([
        { by_status: { dead_lettered: 0, held: 0, replayed: entities, completed: letters - entities } },
      ]);
      if (signal === "SIGSTOP") {
        const before = receiver.calls().length;
        owner.send("SIGCONT");
        await until("the one that was frozen to be fenced", async () => !(await isReady(owner.url)));
        const { status } = await post(standby.url, "/events", { events: [event(0)] });
        expect(status).toBe(201);
        await until("the new event", () => receiver.calls().length > before);
        expect(receiver.calls().slice(before)).toMatchObject([{ life: 0 }]);
      }

      const replayed = receiver.calls().filter(({ replayId }) => replayId !== null);
      expect(new Set(replayed.map(({ replayId }) => replayId))).toEqual(new Set([started.body.replay_id]));
      const first = new Set(failing.slice(0, entities).map(({ id }) => id));
      expect(new Set(replayed.map(({ id }) => id))).toEqual(first);
      const again = callsOf(0).filter(({ id }) => callsOf(1).some((call) => call.id === id));
      expect(callsOf(0).length + callsOf(1).length).toBe(entities + again.length); // neither of them called for one letter twice
      if (signal === "SIGTERM") expect(again).toEqual([]);
      for (const { id } of again) {
        const { answered } = callsOf(1).find((call) => call.id === id)!;
        if (answered !== null) expect(answered.atMs).toBeGreaterThan(goneMs - recordedWithinMs);
      }
      console.info(
        `the owner ${how} in a replay: ${callsOf(1).length} letters by it, ${callsOf(0).length} by the other, ${again.length} again; over after ${tookMs} ms`,
      );
    },
  );
});
