/** A plan of dead letters that three services share, whose runner is killed twice. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import { replayStream } from "../../src/event/names.ts";
import type { PlanReply } from "../../src/http/wire/plans.ts";
import type { ReplayReply, ReplayStartedReply } from "../../src/http/wire/replays-replies.ts";
import type { HandlersReply } from "../../src/http/wire/service.ts";
import { openLog } from "../../src/log/open-log.ts";
import type { ReplayEntry } from "../../src/records/replay.ts";
import { reprise } from "../support/cli.ts";
import { type Call, startReceiver } from "../support/crash-receiver.ts";
import { get, post, until } from "../support/crash-service.ts";
import { appendAnywhere, type Instance, isShared, startInstance } from "../support/instances.ts";
import { type ServerLog, serverLogs } from "../support/server-logs.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Five of each entity, and one event held behind them. */
const letters = size(400, 10_000, "REPRISE_CLUSTER_LETTERS");
const perEntity = 5;
const entities = letters / perEntity;

/** Relaxed in the first life, so that an entity comes to several dead letters. */
const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({
    name: "hook", partitions: 8, url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE }, retry: { maxAttempts: 1 },
    ordering: process.env.CRASH_ORDERING,
  })],
});
`;

describe.each(serverLogs)("a plan that three instances on %s share", { timeout: 240_000 + letters * 100 }, (title, open) => {
  it(`of ${letters} dead letters goes on when its runner is killed, twice: each once and in order, and the report adds up`, async () => {
    const server = await open();
    const killedAt = [0.3, 0.65].map((part) => Math.round(letters * part));
    let mended = false;
    let replayed = 0;
    let runner: Instance | null = null;
    const receiver = await startReceiver(({ replayId }) => {
      if (replayId !== null && ++replayed >= (killedAt[0] ?? Number.POSITIVE_INFINITY) && runner !== null) {
        runner.send("SIGKILL");
        runner = null;
        killedAt.shift();
      }
      return mended ? 204 : 500;
    });
    const start = (ordering: "relaxed" | "strict") => startInstance(config(receiver.url), server, { CRASH_ORDERING: ordering });
    const first = await start("relaxed");
    const send = async (instance: Instance, count: number) => {
      for (let from = 0; from < count; from += 500)
        await appendAnywhere(
          () => [instance],
          Array.from({ length: Math.min(500, count - from) }, (_, index) => eventOf(from + index)),
        );
    };
    await send(first, letters);
    await untilStatus(first.url, { dead_lettered: letters });
    first.send("SIGTERM");
    expect((await first.ended).code).toBe(0);
    const all = await Promise.all([start("strict"), start("strict"), start("strict")]);
    await until("all to have partitions", () => isShared(all));
    const firstLines = receiver.record().length;
    await send(all[0]!, entities);
    await untilStatus(all[0]!.url, { dead_lettered: letters, held: entities });

    mended = true;
    const { body: plan } = await post<PlanReply>(all[0]!.url, "/replays/plan", { selection: { dead_letters: { handler: "hook" } } });
    expect(plan).toMatchObject({ deliveries: letters, releases: entities });
    const begunMs = performance.now();
    runner = all[0]!;
    const started = await post<ReplayStartedReply>(all[0]!.url, "/replays", { plan_id: plan.plan_id, reason: "mended", mode: "run" });
    expect(started.status).toBe(202);
    const replayId = started.body.replay_id;
    await all[0]!.ended; // by the first kill
    const claimant = await until("another one to claim the replay", async () => runnersOf(await entriesOf(server, replayId))[1]);
    expect(claimant).not.toBe(all[0]!.name);
    const second = all.find(({ name }) => name === claimant)!;
    runner = second;
    await second.ended; // by the second kill
    const last = all.find(({ name }) => name !== claimant && name !== all[0]!.name)!;
    const ended = await untilEnded(last.url, replayId);
    const tookMs = Math.round(performance.now() - begunMs);
    expect(ended).toMatchObject({ status: "completed", total: letters, succeeded: letters, failed: 0, skipped: 0, remaining: 0 });
    await untilStatus(last.url, { dead_lettered: 0, held: 0, replayed: letters, completed: entities });

    const entries = await entriesOf(server, replayId);
    expect(runnersOf(entries)).toEqual([all[0]!.name, second.name, last.name]);
    expect(entries.filter(({ type }) => type === "replay.ended")).toHaveLength(1);
    const calls = receiver.calls().slice(firstLines);
    const replays = calls.filter((call) => call.replayId !== null);
    expect(new Set(replays.map((call) => call.replayId))).toEqual(new Set([replayId]));
    expect(new Set(replays.map(({ id }) => id)).size).toBe(letters);
    const again = [...Map.groupBy(replays, ({ id }) => id).values()].filter(({ length }) => length > 1);
    const killed = new Set([all[0]!.life, second.life]);
    expect(outOfOrder(calls, killed)).toEqual([]);
    // An owner that was killed may have called and not recorded; nobody else calls twice.
    for (const its of again)
      expect(its.slice(0, -1).every(({ life }) => killed.has(life)) && new Set(its.map(({ life }) => life)).size === its.length).toBe(true);
    const record = join(temporaryFolder(), "received.ndjson");
    writeFileSync(record, receiver.record().slice(firstLines).join("\n"));
    const verified = await reprise(["verify", record]);
    expect(verified).toMatchObject({ code: 0 });
    console.info(
      `${title}: a plan of ${letters} letters, its runner killed twice: over after ${tookMs} ms, ${again.length} letters again; ${verified.stdout.trim()}`,
    );
  });
});

const eventOf = (index: number) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${index % entities}` }, data: {} });

/** With all the time that so many letters may take. */
async function eventually<T>(what: string, ask: () => Promise<T | false>): Promise<T> {
  for (const endMs = performance.now() + 60_000 + letters * 60; performance.now() < endMs; await wait(200)) {
    const answer = await ask().catch(() => false as const);
    if (answer !== false) return answer;
  }
  throw new Error(`In vain waited for: ${what}`);
}

function untilStatus(url: string, wanted: Readonly<Record<string, number>>): Promise<unknown> {
  return eventually(JSON.stringify(wanted), async () => {
    const { by_status: now } = (await get<HandlersReply>(url, "/handlers")).handlers[0]!;
    return Object.entries(wanted).every(([status, count]) => now[status as keyof typeof now] === count);
  });
}

const untilEnded = (url: string, replayId: string): Promise<ReplayReply> =>
  eventually("the replay's end", async () => {
    const now = await get<ReplayReply>(url, `/replays/${replayId}`);
    return now.ended_at !== null && now;
  });

async function entriesOf({ log, namespace }: ServerLog, replayId: string): Promise<readonly ReplayEntry[]> {
  const opened = await openLog(log, { namespace });
  const entries: ReplayEntry[] = [];
  for await (const batch of opened.readStream(replayStream(replayId))) entries.push(...(batch as unknown as readonly ReplayEntry[]));
  await opened.close();
  return entries;
}

/** Names of those who ran it, one after the other. */
function runnersOf(entries: readonly ReplayEntry[]): readonly string[] {
  const runners = entries.flatMap((entry) =>
    entry.type === "replay.requested" ? [entry.data.runner!.instance] : entry.type === "replay.claimed" ? [entry.data.instance] : [],
  );
  return runners.map((instance) => instance.split(".")[0]!);
}

/** Per entity the receiver saw each revision after the one before; an owner that was killed may have called more than it recorded, and the next one begins there. */
function outOfOrder(calls: readonly Call[], killed: ReadonlySet<number>): readonly string[] {
  return [...Map.groupBy(calls, ({ lane }) => lane)].flatMap(([lane, its]) =>
    its.flatMap((call, index) => {
      const before = its[index - 1];
      if (before === undefined || call.revision > before.revision || (call.life !== before.life && killed.has(before.life))) return [];
      return [`${lane}: revision ${call.revision} of ${call.life} after ${before.revision} of ${before.life}`];
    }),
  );
}
