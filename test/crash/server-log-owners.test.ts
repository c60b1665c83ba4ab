import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { HandlersReply } from "../../src/http/wire/service.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { get, makeSite, post, startListening, until, untilQuiet } from "../support/crash-service.ts";
import { serverLogs } from "../support/server-logs.ts";
import { size, someOf } from "../support/sizes.ts";

/** `x-life`: the instance that called. */
const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({ name: "hook", url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE } })],
});
`;
const event = (entity: string) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: entity }, data: {} });
const promisedMs = 20_000;

async function readyOf(url: string) {
  const response = await fetch(`${url}/readyz`);
  const { waits_for } = (await response.json()) as { readonly waits_for: string | null };
  return { status: response.status, waits_for };
}

/** @param after a position that the lists are to have come to: an instance that has just started computes them from the log's beginning. */
async function stateOf(url: string, after = "0") {
  return (await get<HandlersReply>(url, `/handlers?after=${after}`)).handlers[0]!;
}

describe.each(serverLogs)("two services on %s", { timeout: 120_000 }, (_title, open) => {
  async function begin() {
    const { log, namespace } = await open();
    const receiver = await startReceiver(async () => {
      await wait(30);
      return 204;
    });
    const site = () => makeSite(config(receiver.url), log, namespace);
    const append = async (url: string, count: number) => {
      const body = { events: Array.from({ length: count }, (_, index) => event(`e${index % 10}`)) };
      // It listens before its log is open, which takes a real server a moment.
      const answer = await until("the append", async () => {
        const tried = await post<AppendReply>(url, "/events", body);
        return tried.status !== 503 && tried;
      });
      expect(answer.status).toBe(201);
      return answer.body.events.at(-1)!.position;
    };
    const callsOf = (life: number) => receiver.calls().filter((call) => call.life === life).length;
    return { receiver, append, callsOf, start: (life: number) => startListening(site(), { CRASH_LIFE: String(life) }) };
  }

  it.each(["idle", "busy"])("the second one takes over: the first one, %s, delivers nothing more, and says so everywhere", async (state) => {
    const { receiver, append, start } = await begin();
    const first = await start(0);
    const already = state === "idle" ? 100 : 1000;
    const before = await append(first.url, already);
    if (state === "idle") await untilQuiet(first.url, before);
    else await until("calls", () => receiver.calls().length > 20);

    const second = await start(1);
    const notReady = await until("the first one to be fenced", async () => {
      const { status, waits_for } = await readyOf(first.url);
      return status === 503 && waits_for;
    });
    expect(notReady).toBe("handler hook stands still: FENCED");
    const fencedAt = receiver.calls().length;
    expect(await stateOf(first.url)).toMatchObject({ state: "fenced", fault: expect.stringMatching(/^FENCED: .*\(.+:\d+\)/) });
    expect(await stateOf(second.url, before)).toMatchObject({ state: "running", fault: null });
    for (const path of ["/handlers/hook/pause", "/handlers/hook/repair", "/entities/thing/e1/pause"]) {
      const refused = await post<{ readonly code: string; readonly owner: string }>(first.url, path, { reason: "a test" });
      expect({ path, status: refused.status, body: refused.body }).toMatchObject({
        path,
        status: 503,
        body: { code: "NOT_OWNER", owner: expect.stringMatching(/:\d+$/) },
      });
    }
    // Appends and reads still work on either: only deliveries have one owner.
    await append(first.url, 50);
    const after = await append(second.url, 50);
    await untilQuiet(second.url, after);
    expect((await fetch(`${first.url}/entities/thing/e1?after=${after}`)).status).toBe(200);
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
    // What ran, or was not on record yet, when the second one came: about what ends while two flushes are stored, which three nodes on a busy disk take 100 ms for.
    expect(twice).toBeLessThanOrEqual(state === "idle" ? 0 : 120);
    expect(await readyOf(second.url)).toMatchObject({ status: 200 });
    first.send("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0 });
    second.send("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0 });
  });

  const ways = [
    ["killed", "SIGKILL"],
    ["stopped", "SIGTERM"],
    ["frozen", "SIGSTOP"],
  ] as const;
  it.each(someOf(2, ways))("the fenced one takes over by itself within 20 s when the owner is %s, and nobody grabs it back", async (how, signal) => {
    const { receiver, append, callsOf, start } = await begin();
    const first = await start(0);
    await untilQuiet(first.url, await append(first.url, 20));
    const second = await start(1);
    await until("the first one to be fenced", async () => (await readyOf(first.url)).status === 503);
    await untilQuiet(second.url, await append(second.url, 20));
    // An owner that is idle is not taken for one that is gone.
    await wait(how === "killed" ? 16_000 : size(0, 16_000));
    expect([(await stateOf(first.url)).state, (await stateOf(second.url)).state]).toEqual(["fenced", "running"]);
    const before = callsOf(0);

    second.send(signal);
    const goneMs = performance.now();
    if (signal === "SIGTERM") await second.ended;
    const position = await append(first.url, 20);
    await until("the first one to be ready", async () => (await readyOf(first.url)).status === 200);
    const takenMs = Math.round(performance.now() - goneMs);
    await untilQuiet(first.url, position);
    expect(callsOf(0)).toBe(before + 20);
    expect(await stateOf(first.url)).toMatchObject({ state: "running", fault: null });
    if (signal === "SIGSTOP") {
      second.send("SIGCONT");
      await until("the one that was frozen to be fenced", async () => (await readyOf(second.url)).waits_for === "handler hook stands still: FENCED");
      const woken = callsOf(1);
      await untilQuiet(first.url, await append(second.url, 20));
      expect(callsOf(1)).toBe(woken);
      expect((await stateOf(first.url)).state).toBe("running");
    }
    console.log(`the owner ${how}: the other one works after ${takenMs} ms`);
    expect(takenMs).toBeLessThan(signal === "SIGTERM" ? 6000 : promisedMs);
    const ids = receiver.calls().map(({ id }) => id);
    expect(ids.length).toBe(new Set(ids).size);
  });
});
