/** A replay of history whose item ends the process: that item fails, within `limits.maxCrashes`. Its neighbours succeed, and live delivery knows nothing of it. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { DeadLetterReply } from "../../src/http/wire/dead-letters-replies.ts";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { PlanReply } from "../../src/http/wire/plans.ts";
import type { ReplayReply, ReplayReportReply, ReplayStartedReply } from "../../src/http/wire/replays-replies.ts";
import type { Ends } from "../../src/records/attempt.ts";
import { Lives } from "../support/crash-lives.ts";
import { type Call, startReceiver } from "../support/crash-receiver.ts";
import { get, getAll, makeSite, post, until, untilQuiet } from "../support/crash-service.ts";
import { someOf } from "../support/sizes.ts";
import { logRows } from "../support/test-store.ts";

const entities = 8;
const eventsEach = 6;
const total = entities * eventsEach;
const culpritAt = { entity: 3, revision: 2 };
const maxCrashes = 2;
/** Before the culprit runs alone, one end finds it unrecorded among others, and one recorded among others. */
const mostEnds = maxCrashes + 2;

/** `fragile` tells the receiver of each call before it does its work. Only a replay makes a marked event end the process. */
const config = (receiver: string, how: string): string => `
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const happened = defineEvent("thing.happened", { 1: z.object({ kills: z.boolean() }) });
export default defineConfig({
  events: [happened], limits: { maxCrashes: ${maxCrashes} },
  handlers: [defineHandler({
    name: "fragile", events: [happened],
    on: {
      "thing.happened": async ({ id, entity, revision, data }, { attempt, deliveryId, replay }) => {
        const about = { id, subject: entity.type + "/" + entity.id, revision, attempt, deliveryid: deliveryId, replayid: replay?.id };
        await fetch("${receiver}/fragile", { method: "POST", headers: { "x-life": process.env.CRASH_LIFE }, body: JSON.stringify(about) });
        if (replay !== null && data.kills) ${how};
      },
    },
  })],
});
`;

const happened = (entity: number, kills = false) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${entity}` }, data: { kills } });

describe("an item of a replay of history that ends the process", () => {
  it.each(someOf(1, ["process.exit(1)", 'process.kill(process.pid, "SIGKILL")']))(
    "(%s) has failed within limits.maxCrashes, and its neighbours and live delivery have not",
    { timeout: 180_000 },
    async (how) => {
      const receiver = await startReceiver(async () => {
        await wait(10); // so that several run when the process ends
        return 204;
      });
      const lives = new Lives(makeSite(config(receiver.url, how)), ["fragile"]);
      const history = Array.from({ length: total }, (_, index) => {
        const [entity, revision] = [index % entities, Math.floor(index / entities)];
        return happened(entity, entity === culpritAt.entity && revision === culpritAt.revision);
      });
      const culprit = history.find(({ data }) => data.kills)!.id;

      lives.start();
      const appended = await post<AppendReply>(await lives.url(), "/events", { events: history });
      await untilQuiet(await lives.url(), appended.body.events.at(-1)!.position);
      const { body: plan } = await post<PlanReply>(await lives.url(), "/replays/plan", { selection: { history: { handler: "fragile" } } });
      expect(plan).toMatchObject({ deliveries: total, entities });
      const terms = { plan_id: plan.plan_id, reason: "again", mode: "run", rate_per_second: null };
      const { body: started } = await post<ReplayStartedReply>(await lives.url(), "/replays", terms);

      /** An event of each entity, again and again: what an earlier life took is known by its ids. @returns position of the last. */
      const batches: ReturnType<typeof happened>[][] = [];
      const appendBatches = async (url: string): Promise<string> => {
        let position = "0";
        for (const events of batches) {
          const { status, body } = await post<AppendReply>(url, "/events", { events });
          expect(status).toBeLessThanOrEqual(201);
          position = body.events.at(-1)!.position;
        }
        return position;
      };
      /** Live events come while the replay is at work; then waits for its end. Null when the process ends first. */
      const live = async (): Promise<ReplayReply | null> => {
        batches.push(Array.from({ length: entities }, (_, entity) => happened(entity)));
        const { service } = lives;
        const working = (async () => {
          const url = await lives.url();
          await appendBatches(url);
          return until("the replay's end", async () => {
            const now = await get<ReplayReply>(url, `/replays/${started.replay_id}`);
            return now.ended_at !== null && now;
          });
        })();
        // Its connections may be seen to break before its end is.
        const orDied = working.catch((error: unknown) => Promise.race([service.ended.then(() => null), wait(5000).then(() => Promise.reject(error))]));
        return Promise.race([orDied, service.ended.then(() => null)]);
      };

      let ended = await live();
      for (let ends = 1; ended === null; ends++) {
        expect(ends).toBeLessThanOrEqual(mostEnds);
        await lives.kill();
        lives.start();
        ended = await live();
      }

      const skipped = eventsEach - culpritAt.revision - 1;
      expect(ended).toMatchObject({ status: "completed", total, succeeded: total - 1 - skipped, failed: 1, skipped });
      const url = await lives.url();
      const report = await get<ReplayReportReply>(url, `/replays/${started.replay_id}/report?limit=100`);
      expect(report.items.filter(({ outcome }) => outcome === "failed")).toMatchObject([{ event_id: culprit, error: { type: "ProcessCrash" } }]);
      const fresh = batches.flat();
      expect(await untilQuiet(url, await appendBatches(url))).toMatchObject([{ done: total + fresh.length, waiting: 0 }]);
      expect(await getAll<DeadLetterReply>(url, "/admin/dlq")).toEqual([]);
      expect((await lives.stop()).code).toBe(0);

      const replayed = receiver.calls().filter(({ replayId }) => replayId === started.replay_id);
      const ofCulprit = replayed.filter(({ id }) => id === culprit);
      console.info(`${how}: ${ofCulprit.length} calls of the culprit, ${replayed.length - ofCulprit.length} of its neighbours`);
      expect(ofCulprit.length).toBeLessThanOrEqual(mostEnds);
      expect(new Set(replayed.map(({ id }) => id)).size).toBe(total - skipped);
      // Its own stream accuses nobody else.
      const starts = (await logRows(lives.site)).filter(({ type }) => type === "replay.started");
      const accused = starts.filter(({ data }) => (data.ends as Ends).crashes > 0);
      const place = report.items.findIndex(({ event_id }) => event_id === culprit);
      expect(new Set(accused.flatMap(({ data }) => data.items as number[]))).toEqual(new Set([place]));
      expect(starts.filter(({ data }) => data.alone === true && (data.items as number[]).includes(place))).toHaveLength(maxCrashes);

      // In no life did the journal hold a dead letter, or count an end of the process to a live call.
      const recorded = (await lives.ended()).map((life) => life.recorded.get("fragile")!);
      for (const { lanes, started: open } of recorded) {
        expect([...lanes.values()].filter(({ letters }) => letters.size > 0)).toEqual([]);
        expect([...open.values()].flatMap((calls) => [...calls.values()]).filter(({ ends }) => ends.crashes > 0)).toEqual([]);
      }
      // Live events come in order. After an end of the process a lane goes back at most by what was not on record.
      const liveCalls = receiver.calls().filter(({ replayId }) => replayId === null);
      expect(new Set(liveCalls.map(({ id }) => id))).toEqual(new Set([...history, ...fresh].map(({ id }) => id)));
      for (const [lane, calls] of Map.groupBy(liveCalls, (call) => call.lane))
        for (const [before, call] of pairs(calls))
          if (call.life === before.life) expect(call.revision, lane).toBe(before.revision + 1);
          else expect(call.revision, lane).toBeLessThanOrEqual(before.revision + 1);
    },
  );
});

const pairs = (calls: readonly Call[]): readonly (readonly [before: Call, call: Call])[] => calls.slice(1).map((call, index) => [calls[index]!, call]);
