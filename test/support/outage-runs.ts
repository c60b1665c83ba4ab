/** A webhook that fails for some entities, is mended, and gets what waited: over any log. */
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { webhookHandler } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { serve } from "../../src/http/server.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import type { EntityView } from "../../src/views/model/entity.ts";
import { type Counted, checkHistory, countDeliveries } from "./history-checker.ts";
import { silent } from "./http.ts";
import { size } from "./sizes.ts";
import { handlerShows, handlerView, logRows, type Place, startStore } from "./test-store.ts";
import { openWebhookReceiver, type ReceivedEvent, type WebhookReceiver } from "./webhook-receiver.ts";

const placed = defineEvent("order.placed", { 1: z.object({ line: z.int() }) });
const tenant = "default";

interface Scene {
  readonly store: Store;
  readonly place: Place;
  readonly receiver: WebhookReceiver;
}

async function openScene(place: Place, fails: (event: ReceivedEvent) => boolean): Promise<Scene> {
  const receiver = await openWebhookReceiver();
  receiver.answer((event) => ({ status: fails(event) ? 500 : 200 }));
  const handlers = [
    webhookHandler({
      name: "shipping",
      url: receiver.url,
      events: ["*"],
      concurrency: 32,
      retry: { maxAttempts: 3, initialDelayMs: 5, maxDelayMs: 20 },
    }),
  ];
  return { store: await startStore(defineConfig({ events: [placed], handlers }), place), place, receiver };
}

/** `each` events for each of `entities`, round after round, as traffic comes. */
async function append(store: Store, entities: number, each: number): Promise<void> {
  const events = Array.from({ length: entities * each }, (_, index): EventInput => {
    const entity = index % entities;
    return { type: "order.placed", entity: { type: "order", id: String(entity) }, source: `agent-${entity % 3}`, data: { line: Math.floor(index / entities) } };
  });
  for (let from = 0; from < events.length; from += 1000) await store.append(events.slice(from, from + 1000));
}

const laneOf = (entity: string | number): string => `${tenant}.order-${entity}`;
const isFifth = (lane: string): boolean => Number(lane.split("-")[1]) % 5 === 0;
const open: ReadonlySet<string | undefined> = new Set(["pending", "held", "failed", "dead_lettered"]);

function tally(values: Iterable<string>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Checks what the views say, in the process and over HTTP, against a count over the log's own rows. */
async function agree({ store, place, receiver }: Scene): Promise<Counted> {
  // That a lane has caught up is recorded after the outcome of its last event, so for some milliseconds nothing waits in a lane that is still called behind.
  await handlerShows(store, place, "shipping", { lanes: { behind: 0 } });
  const rows = await logRows(place);
  const counted = countDeliveries(rows, "shipping");
  expect(checkHistory(receiver.history.calls, counted)).toEqual([]);
  const byStatus = tally(counted.statuses.values());
  const waiting = [...counted.statuses.values()].filter((status) => open.has(status)).length;
  const letters = rows.filter(({ stream, revision }) => counted.statuses.get(`${stream}@${revision}`) === "dead_lettered");
  const lanes = { blocked: letters.length, flowing: counted.wanted.size - letters.length, backing_off: 0, behind: 0, paused: 0 };

  const view = await handlerView(store, "shipping");
  expect(view).toMatchObject({ wanted: counted.statuses.size, waiting, done: counted.statuses.size - waiting, lanes });
  expect(Object.fromEntries(Object.entries(view.byStatus).filter(([, number]) => number > 0))).toEqual(byStatus);
  const stats = await store.views.deadLetterStats({ tenant });
  const some = <T>(value: T): readonly T[] => (letters.length === 0 ? [] : [value]);
  expect(stats).toMatchObject({
    total: letters.length,
    waiting: byStatus.held ?? 0,
    byEventType: some({ eventType: "order.placed", count: letters.length }),
    byHandler: some({ handler: "shipping", count: letters.length }),
    topErrors: some({ error: "HttpError: HTTP 500", count: letters.length }),
  });
  expect(Object.fromEntries(stats.bySource.map(({ source, count }) => [source, count]))).toEqual(tally(letters.map(({ source }) => String(source))));
  await agreeOnEntities(store, counted);

  const { url, close } = await serve({ store, logger: silent, clock: systemClock, host: "127.0.0.1", port: 0 });
  const get = async (path: string) => (await (await fetch(url + path)).json()) as Record<string, unknown>;
  expect(await get("/admin/dlq/stats")).toEqual({
    total: letters.length,
    waiting: byStatus.held ?? 0,
    oldest_at: stats.oldestAt,
    by_event_type: some({ event_type: "order.placed", count: letters.length }),
    by_handler: some({ handler: "shipping", count: letters.length }),
    by_source: stats.bySource,
    top_errors: some({ error: "HttpError: HTTP 500", count: letters.length }),
    left_out: { by_source: { kinds: 0, count: 0 }, top_errors: { kinds: 0, count: 0 } },
  });
  expect((await get("/handlers")).handlers).toMatchObject([{ name: "shipping", wanted: counted.statuses.size, waiting, by_status: view.byStatus, lanes }]);
  const blocked = (await get("/entities?lane_state=blocked&limit=1000")).entities as { readonly entity: { readonly id: string } }[];
  expect(blocked).toHaveLength(letters.length);
  expect(new Set(blocked.map(({ entity }) => laneOf(entity.id)))).toEqual(new Set(letters.map(({ stream }) => stream)));
  const all = (await get("/entities?limit=1000")).entities as { readonly handlers: readonly { readonly waiting: number }[] }[];
  expect(all.reduce((sum, { handlers }) => sum + handlers[0]!.waiting, 0)).toBe(waiting);
  await close();
  return counted;
}

async function agreeOnEntities(store: Store, counted: Counted): Promise<void> {
  const entities: EntityView[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Awaited<ReturnType<Store["views"]["entities"]>> = await store.views.entities({ tenant }, { limit: 70, ...(cursor === "" ? {} : { cursor }) });
    entities.push(...page.entities);
    cursor = page.nextCursor;
  }
  expect(entities).toHaveLength(counted.wanted.size);
  for (const { entity, revision, handlers } of entities) {
    const lane = laneOf(entity.id);
    const revisions = counted.wanted.get(lane)!;
    const waiting = revisions.filter((each) => open.has(counted.statuses.get(`${lane}@${each}`)));
    const [first] = waiting;
    expect({ revision, handlers }, lane).toMatchObject({
      revision: revisions.at(-1),
      handlers: [
        first === undefined
          ? { laneState: "flowing", waiting: 0, head: null }
          : { laneState: "blocked", waiting: waiting.length, head: { revision: first, status: "dead_lettered" } },
      ],
    });
  }
}

const callsOf = ({ receiver }: Scene, lane: string) => receiver.history.calls.filter((call) => call.lane === lane);

/** @param makePlace an empty log for one test. */
export function describeOutage(kind: string, makePlace: () => Promise<Place> | Place): void {
  describe(`an outage of a webhook for one event of every fifth entity, ${kind}`, () => {
    const entities = size(50, 200);
    const fifth = entities / 5;
    const events = entities * 50;
    it("holds those entities and no other; one replay-batch delivers what waits, once and in order", { timeout: 120_000 }, async () => {
      let broken = true;
      const scene = await openScene(await makePlace(), ({ revision, subject }) => broken && revision === 39 && isFifth(subject.replace("/", "-")));
      const { store, place, receiver } = scene;
      const startedMs = performance.now();
      await append(store, entities, 50);
      await handlerShows(store, place, "shipping", { waiting: 11 * fifth, byStatus: { dead_lettered: fifth, held: 10 * fifth } });
      console.info(`outage, ${kind}: ${events} events appended, ${events - 11 * fifth} of them delivered in ${Math.round(performance.now() - startedMs)} ms`);

      const before = await agree(scene);
      expect(before.wanted.size).toBe(entities);
      for (const lane of before.wanted.keys()) {
        const revisions = callsOf(scene, lane).map(({ revision }) => revision);
        const first39 = Array.from({ length: 39 }, (_, revision) => revision);
        expect(revisions, lane).toEqual(isFifth(lane) ? [...first39, 39, 39, 39] : [...first39, ...Array.from({ length: 11 }, (_, index) => 39 + index)]);
      }

      broken = false;
      const seen = receiver.history.calls.length;
      const batch = await store.replayBatch({}, { reason: "the webhook is mended" });
      expect(batch).toMatchObject({ total: fifth, succeeded: fifth, failed: 0, remaining: 0 });
      await handlerShows(store, place, "shipping", { waiting: 0, byStatus: { replayed: fifth, completed: events - fifth } });
      const after = await agree(scene);
      expect(new Set(after.statuses.values())).toEqual(new Set(["completed", "replayed"]));
      const again = Map.groupBy(receiver.history.calls.slice(seen), ({ lane }) => lane);
      expect(new Set(again.keys())).toEqual(new Set([...before.wanted.keys()].filter(isFifth)));
      for (const [lane, calls] of again) {
        expect(
          calls.map(({ revision, replayId }) => [revision, replayId]),
          lane,
        ).toEqual(Array.from({ length: 11 }, (_, index) => [39 + index, index === 0 ? batch.replayId : null]));
      }
      expect(await store.views.replay("default", batch.replayId)).toMatchObject({
        status: "completed",
        total: fifth,
        succeeded: fifth,
        reason: "the webhook is mended",
      });
    });

    it("leaves what is beyond max_events, and replays the oldest first", { timeout: 60_000 }, async () => {
      let broken = true;
      const scene = await openScene(await makePlace(), ({ revision }) => broken && revision === 2);
      const { store, place, receiver } = scene;
      await append(store, 20, 5);
      await handlerShows(store, place, "shipping", { byStatus: { dead_lettered: 20, held: 40 } });
      broken = false;
      const { url, close } = await serve({ store, logger: silent, clock: systemClock, host: "127.0.0.1", port: 0 });
      onTestFinished(close);
      const seen = receiver.history.calls.length;
      const reply = await fetch(`${url}/admin/dlq/replay-batch?max_events=7`, { method: "POST" });
      expect({ status: reply.status, body: await reply.json() }).toMatchObject({ status: 200, body: { total: 7, succeeded: 7, failed: 0, remaining: 0 } });
      await handlerShows(store, place, "shipping", { waiting: 39, byStatus: { dead_lettered: 13, held: 26, replayed: 7 } });
      await agree(scene);
      // By place in the log: entities that are appended together are stored in whatever order the server takes them.
      const failed = (await logRows(place)).filter(({ type, revision }) => type === "order.placed" && revision === 2);
      const oldest = failed.slice(0, 7).map(({ stream }) => stream);
      expect(new Set(receiver.history.calls.slice(seen).map(({ lane }) => lane))).toEqual(new Set(oldest));

      const rest = await store.replayBatch({ handler: "shipping" }, { ratePerSecond: 200 });
      expect(rest).toMatchObject({ total: 13, succeeded: 13 });
      await handlerShows(store, place, "shipping", { waiting: 0 });
      await agree(scene);
    });
  });
}
