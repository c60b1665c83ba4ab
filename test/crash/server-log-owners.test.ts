import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/replies.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { makeSite, post, startListening, until, untilQuiet } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";

const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({ name: "hook", url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE } })],
});
`;
const event = (entity: string) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: entity }, data: {} });

describe("two services on one log", { timeout: 60_000 }, () => {
  it.each(["idle", "busy"])("the second one takes over: the first one, %s, delivers nothing more, and says so", async (state) => {
    const server = await startLogServer();
    const receiver = await startReceiver(async () => {
      await wait(30);
      return 204;
    });
    const first = await startListening(makeSite(config(receiver.url), server.url), { CRASH_LIFE: "0" });
    const append = async (url: string, count: number) => {
      const events = Array.from({ length: count }, (_, index) => event(`e${index % 10}`));
      const answer = await post<AppendReply>(url, "/events", { events });
      expect(answer.status).toBe(201);
      return answer.body.events.at(-1)!.position;
    };
    const already = state === "idle" ? 100 : 1000;
    const before = await append(first.url, already);
    if (state === "idle") await untilQuiet(first.url, before);
    else await until("calls", () => receiver.calls().length > 20);

    const second = await startListening(makeSite(config(receiver.url), server.url), { CRASH_LIFE: "1" });
    const notReady = await until("the first one to be fenced", async () => {
      const response = await fetch(`${first.url}/readyz`);
      return response.status === 503 && ((await response.json()) as { waits_for: string }).waits_for;
    });
    expect(notReady).toBe("handler hook stands still: FENCED");
    const fencedAt = receiver.calls().length;
    // Appends still work on either: only deliveries have one owner.
    await append(first.url, 50);
    const after = await append(second.url, 50);
    await untilQuiet(second.url, after);
    expect(
      receiver
        .calls()
        .slice(fencedAt)
        .filter(({ life }) => life === 0),
    ).toEqual([]);
    const ids = receiver.calls().map(({ id }) => id);
    const twice = ids.length - new Set(ids).size;
    console.log(`two services, ${state}: ${ids.length} calls for ${already + 100} events, ${twice} again after the claim`);
    expect(new Set(ids).size).toBe(already + 100);
    // What ran, or was not on record yet, when the second one came.
    expect(twice).toBeLessThanOrEqual(state === "idle" ? 0 : 40);
    expect(await (await fetch(`${second.url}/readyz`)).json()).toMatchObject({ status: "ready" });
    first.send("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0 });
    second.send("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0 });
  });
});
