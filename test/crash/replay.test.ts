import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { ReplayReply } from "../../src/http/wire/replays-replies.ts";
import { ReceivedHistory } from "../../src/verify/received-history.ts";
import { type CheckedHandler, checkHistory } from "../support/crash-checker.ts";
import { readEntityEvents } from "../support/crash-journal.ts";
import { Lives } from "../support/crash-lives.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { get, makeSite, post, until, untilQuiet } from "../support/crash-service.ts";

const types = ["thing.happened"];
const handlers: readonly CheckedHandler[] = [{ name: "hook", ordering: "strict", record: "batch", types, maxAttempts: 1 }];
const letters = 40;
const hopeless = 5;
const ratePerSecond = 25;
/** Kills come with these calls of the replay. */
const killedAt = [12, 25];

const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({
    name: "hook", url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE }, retry: { maxAttempts: 1 },
  })],
});
`;

describe("a replay of many dead letters", () => {
  it("that is cut off by SIGKILL goes on where it was, at its rate, and ends", { timeout: 120_000 }, async () => {
    const events = Array.from({ length: 2 * letters }, (_, index) => ({
      id: v7(),
      type: "thing.happened",
      entity: { type: "thing", id: `e${index % letters}` },
      data: {},
    }));
    const failing = new Set(events.slice(0, letters).map(({ id }) => id));
    let replayed = 0;
    const receiver = await startReceiver(({ id, replayId }) => {
      if (replayId !== null && killedAt.includes(++replayed)) lives.service.send("SIGKILL");
      return failing.has(id) ? 500 : 204;
    });
    const lives = new Lives(makeSite(config(receiver.url)), ["hook"]);

    lives.start();
    const appended = await post<AppendReply>(await lives.url(), "/events", { events });
    expect(appended.status).toBe(201);
    expect(await untilQuiet(await lives.url(), appended.body.events.at(-1)!.position)).toMatchObject([
      { by_status: { dead_lettered: letters, held: letters } },
    ]);

    for (const { id } of events.slice(hopeless, letters)) failing.delete(id);
    const cutOff = await post(await lives.url(), "/admin/dlq/replay-batch", { rate_per_second: ratePerSecond, reason: "mended" }).catch(() => "cut off");
    expect(cutOff).toBe("cut off");
    await lives.kill();
    lives.start();
    await lives.service.ended; // by the second kill: nobody asked for the replay to go on
    await lives.kill();
    lives.start();
    const url = await lives.url();

    const [replayId, ...others] = new Set(receiver.calls().flatMap((call) => call.replayId ?? []));
    expect(others).toEqual([]);
    const report = await until("the replay's end", async () => {
      const now = await get<ReplayReply>(url, `/replays/${replayId}`);
      return now.status !== "running" && now;
    });
    expect(report).toMatchObject({
      ...{ kind: "batch", status: "completed", reason: "mended", rate_per_second: ratePerSecond, ended_at: expect.any(String) },
      ...{ total: letters, succeeded: letters - hopeless, failed: hopeless, skipped: 0, remaining: 0 },
    });
    expect(await untilQuiet(url, appended.body.events.at(-1)!.position)).toMatchObject([
      { by_status: { dead_lettered: hopeless, held: hopeless, replayed: letters - hopeless, completed: letters - hopeless } },
    ]);
    expect((await lives.stop()).code).toBe(0);

    const findings = checkHistory({
      events: await readEntityEvents(lives.site),
      handlers,
      history: receiver.history,
      lives: await lives.ended(),
      recordedWithinMs: 2000,
    });
    expect(findings.broken).toEqual([]);
    // And the receiver's own record, by itself: order kept, one at a time, nothing above a failed call.
    const verified = new ReceivedHistory({ ordering: "strict" });
    for (const line of receiver.record()) verified.add(line);
    for (const { killedMs } of await lives.ended()) if (killedMs !== null) verified.add(JSON.stringify({ crashed_at: killedMs }));
    expect(verified.judge()).toMatchObject({ violations: [], notChecked: [], lanes: letters });
    // Each was replayed once, but for those that ran, or were not on record yet, at a kill.
    const calls = receiver.calls().filter((call) => call.replayId !== null);
    const again = calls.length - new Set(calls.map(({ id }) => id)).size;
    const cut = new Set(calls.filter(({ answered, life }) => life < killedAt.length && (answered === null || answered.status !== 204)).map(({ id }) => id))
      .size;
    console.log(`replay: ${killedAt.length} kills, ${calls.length} calls for ${letters} dead letters, ${again} of them again`);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(letters);
    expect(again).toBeLessThanOrEqual(cut + findings.unrecorded);
    for (let life = 0; life <= killedAt.length; life++) {
      const times = calls.filter((call) => call.life === life).map(({ arrivedMs }) => arrivedMs);
      const tookMs = times.at(-1)! - times[0]!;
      expect((times.length - 1) * (1000 / ratePerSecond), `pace of life ${life}`).toBeLessThanOrEqual(tookMs + 400);
    }
  });
});
