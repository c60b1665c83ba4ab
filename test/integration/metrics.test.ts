/** What a store measures of itself, against a count over the rows of its log. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, NotReady, skip, Terminal } from "../../src/delivery/handler.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { Store } from "../../src/store/store.ts";
import { countDeliveries, type LogRow } from "../support/history-checker.ts";
import { serverOver } from "../support/http.ts";
import { expectFigures, freshPage, pageOf, promtool, readPage, runPromtool, type Series, seriesOf } from "../support/prometheus.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logHead, logRows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }), 2: z.object({ n: z.int() }) });
const upcasters = [
  defineUpcasters(placed, {
    1: (data) => {
      if (data.n < 0) throw new Error("no order has a number below 0");
      return data;
    },
  }),
];

/** Two handlers of the same receiver, which is down for a while. */
function scene() {
  const receiver = { down: true };
  const none = { completed: 0, failed: 0, skipped: 0 };
  const answered = { strict: { ...none }, relaxed: { ...none } };
  const asked = new Set<string>();
  const handler = (name: "strict" | "relaxed") =>
    defineHandler({
      ...{ name, ordering: name, events: [placed], retry: { maxAttempts: 3, initialDelayMs: 10, maxDelayMs: 10 } },
      on: {
        "order.placed": async ({ data: { n }, id }) => {
          const answers = answered[name];
          if (n % 7 === 6) {
            answers.skipped++;
            return skip("nothing to do");
          }
          answers.failed++;
          if (n % 11 === 10) throw new Terminal("never");
          if (n % 13 === 12 && !asked.has(name + id)) {
            asked.add(name + id);
            throw new NotReady("not yet", { retryAfterMs: 10 });
          }
          if (receiver.down && n % 3 === 0) throw new TypeError("the receiver does not answer");
          answers.failed--;
          answers.completed++;
        },
      },
    });
  return { receiver, answered, config: defineConfig({ events: [placed], upcasters, handlers: [handler("strict"), handler("relaxed")] }) };
}

const order = (entity: number, n: number, tenant = "default") => ({
  input: { type: "order.placed", entity: { type: "order", id: String(entity) }, data: { n } },
  tenant,
});

/** Nothing is under way any more, and the views know of all. */
async function quiet(store: Store, folder: string): Promise<void> {
  const isQuiet = async () => {
    await store.views.waitFor(logHead(folder));
    return (await store.views.handlers()).every(({ byStatus: { pending, processing, failed } }) => pending + processing + failed === 0);
  };
  await expect.poll(isQuiet, { timeout: 30_000, interval: 20 }).toBe(true);
}

const countBy = <T>(items: Iterable<T>, key: (item: T) => string): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
};

/** When the oldest event was recorded that no attempt was begun for, in milliseconds since 1970; null: there is none. */
async function oldestHeld(store: Store, rows: readonly LogRow[], handler: "strict" | "relaxed"): Promise<number | null> {
  const { statuses } = countDeliveries(rows, handler, handler);
  const held = rows.filter(({ stream, revision }) => ["held", "pending"].includes(statuses.get(`${stream}@${revision}`) ?? ""));
  const times = await Promise.all(
    held.map(async ({ stream, revision }) => {
      const { events } = await store.readEntity({ type: "order", id: stream.slice("default.order-".length) }, { from: revision, limit: 1 });
      return Date.parse(events[0]!.recordedAt);
    }),
  );
  return times.length === 0 ? null : Math.min(...times);
}

/** Every figure that the log's rows can tell, counted one by one. */
function figuresOf(rows: readonly LogRow[]): Record<string, number> {
  const figures: Record<string, number> = {};
  const add = (name: string, labels: Record<string, string>, count = 1) => {
    const key = seriesOf(name, labels);
    figures[key] = (figures[key] ?? 0) + count;
  };
  add("reprise_appends_total", { outcome: "stored" }, rows.filter(({ stream }) => !stream.startsWith("reprise.")).length);
  for (const handler of ["strict", "relaxed"] as const) {
    const { statuses } = countDeliveries(rows, handler, handler);
    const byStatus = countBy(statuses.values(), (status) => status);
    add("reprise_deliveries_total", { handler, outcome: "completed" }, byStatus.completed ?? 0);
    add("reprise_dead_letters", { handler }, byStatus.dead_lettered ?? 0);
    add("reprise_waiting_events", { handler }, (byStatus.dead_lettered ?? 0) + (byStatus.held ?? 0));
    const lanes = Map.groupBy(statuses, ([key]) => key.split("@")[0]!);
    for (const deliveries of lanes.values()) {
      const isBlocked = handler === "strict" && deliveries.some(([, status]) => status === "dead_lettered");
      add("reprise_lanes", { handler, state: isBlocked ? "blocked" : "flowing" });
    }
    for (const { stream, type, data } of rows) {
      if (!stream.startsWith(`reprise.journal-${handler}-`)) continue;
      const record = data.record as { readonly outcome: string; readonly class: string } | null | undefined;
      if (type === "delivery.failed" || type === "delivery.deferred") add("reprise_deliveries_total", { handler, outcome: "failed" });
      if (type === "delivery.dead_lettered") add("reprise_deliveries_total", { handler, outcome: "dead_lettered" });
      if (type === "delivery.settled") add("reprise_deliveries_total", { handler, outcome: data.outcome as string });
      if (type === "letters.replayed") add("reprise_deliveries_total", { handler, outcome: "replayed" }, (data.letters as readonly unknown[]).length);
      if (type.startsWith("delivery.") && record?.outcome === "failed") add("reprise_attempts_failed_total", { handler, class: record.class });
    }
  }
  for (const { type, data } of rows)
    if (type === "replay.ended")
      for (const outcome of ["succeeded", "failed", "skipped"]) add("reprise_replay_items_total", { outcome }, data[outcome] as number);
  return figures;
}

const counted = [
  ...["reprise_appends_total", "reprise_deliveries_total", "reprise_attempts_failed_total", "reprise_replay_items_total"],
  ...["reprise_dead_letters", "reprise_waiting_events", "reprise_lanes"],
];

describe("after an outage", () => {
  it("every series agrees with a count over the log's rows", { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const { receiver, answered, config } = scene();
    const store = await startStore(config, folder);
    const app = serverOver(store);
    // 60 entities, five events each; some of the first version, of which some cannot be lifted.
    const inputs = Array.from({ length: 300 }, (_, index) => order(index % 60, index).input);
    for (let from = 0; from < inputs.length; from += 50) await store.append(inputs.slice(from, from + 50));
    for (const n of [-1, 1, 2]) await store.append({ ...order(100 + n, n).input, schemaVersion: 1 });
    await quiet(store, folder);
    const down = figuresOf(await logRows(folder));
    await expectFigures(app, down, counted);
    expect(down[seriesOf("reprise_dead_letters", { handler: "strict" })]).toBeGreaterThan(20);
    expect(down[seriesOf("reprise_attempts_failed_total", { handler: "relaxed", class: "schema" })]).toBe(1);
    expect(down[seriesOf("reprise_attempts_failed_total", { handler: "relaxed", class: "not_ready" })]).toBeGreaterThan(10);

    receiver.down = false;
    const [first] = (await store.views.deadLetters({ tenant: "default", handler: "strict" }, { limit: 1 })).events;
    await store.discard(first!.id, { reason: "a test", handler: "strict" });
    for (let round = 0; round < 3; round++) await store.replayBatch({ handler: "strict" }, { maxEvents: 1000 });
    await store.replayBatch({ handler: "relaxed" }, { maxEvents: 1000 });
    const { planId } = await store.planReplay(toSelection({ history: { handler: "relaxed", entityType: "order", entityId: "1" } }));
    const { replayId } = await store.startReplay(planId, { reason: "a test", terms: runTerms });
    await expect.poll(async () => (await store.replayState(replayId))?.status).toBe("completed");
    const [known] = await store.append(order(7, 1).input);
    await store.append({ ...order(7, 1).input, id: known!.id }); // a duplicate
    await expect(store.append([order(8, 1).input, { ...order(8, 2).input, data: { n: "two" } }])).rejects.toThrow();
    await quiet(store, folder);
    const up = figuresOf(await logRows(folder));
    const more = { [seriesOf("reprise_appends_total", { outcome: "duplicate" })]: 1, [seriesOf("reprise_appends_total", { outcome: "refused" })]: 2 };
    await expectFigures(app, { ...up, ...more }, counted);
    const askedMs = Date.now();
    const page = await freshPage(app);
    const answeredMs = Date.now();
    /** Seconds since then, by the clock of any moment at which the page was made. */
    const expectAge = (seconds: number, sinceMs: number) => {
      expect(seconds * 1000).toBeGreaterThanOrEqual(askedMs - sinceMs);
      expect(seconds * 1000).toBeLessThanOrEqual(answeredMs - sinceMs);
    };
    expect(up[seriesOf("reprise_deliveries_total", { handler: "strict", outcome: "replayed" })]).toBeGreaterThan(10);
    expect(up[seriesOf("reprise_deliveries_total", { handler: "strict", outcome: "discarded" })]).toBe(1);

    // What the rows do not tell is told by who was there.
    expect(page.get("reprise_append_duration_seconds_count")).toBe(6 + 3 + 3);
    for (const handler of ["strict", "relaxed"] as const) {
      for (const outcome of ["completed", "failed", "skipped"] as const) {
        const calls = page.get(seriesOf("reprise_process_duration_seconds_count", { handler, outcome }));
        expect(calls, `${handler} ${outcome}`).toBe(answered[handler][outcome]);
      }
      const heldMs = await oldestHeld(store, await logRows(folder), handler);
      const lag = page.get(seriesOf("reprise_lag_seconds", { handler }))!;
      if (heldMs === null) expect(lag).toBe(0);
      else expectAge(lag, heldMs);
      expect(page.get(seriesOf("reprise_handler_state", { handler, state: "running" }))).toBe(1);
      const oldest = (await store.views.deadLetterStats({ tenant: "*", handler })).oldestAt;
      expectAge(page.get(seriesOf("reprise_dead_letter_oldest_seconds", { handler }))!, Date.parse(oldest!));
    }
    expect(page.get("reprise_log_up")).toBe(1);
    expect(page.get("reprise_views_behind_events")).toBe(0);
    expect(page.get(seriesOf("reprise_http_request_duration_seconds_count", { method: "GET", route: "/metrics", status: "200" }))).toBeGreaterThan(0);
  });
});

describe("GET /metrics", () => {
  it("is the same in both formats, which promtool takes", async () => {
    const store = await startStore(scene().config, temporaryFolder());
    const app = serverOver(store);
    await store.append(order(1, 3).input);
    await app.inject({ method: "GET", url: "/nowhere/%7Bat%7D?all" });
    const text = await pageOf(app);
    expect(text.type).toBe("text/plain; version=0.0.4; charset=utf-8");
    const open = await pageOf(
      app,
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    );
    expect(open.type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    const names = (page: Series) => [...page.keys()].filter((key) => key.startsWith("reprise_") && !key.includes("/metrics")).sort();
    const page = readPage(text.text);
    expect(names(readPage(open.text, "openmetrics"))).toEqual(names(page));
    expect(page.get(seriesOf("reprise_http_request_duration_seconds_count", { method: "GET", route: "none", status: "404" }))).toBe(1);
    for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"]) expect(page.get(name)).toBeGreaterThan(0);
    if (promtool === null) console.warn("promtool is not here: what it says of the page is not checked (Debian: apt-get install prometheus)");
    else expect(runPromtool(["check", "metrics"], text.text)).toEqual({ status: 0, said: "" });
  });

  it("has no series for entities, tenants, events and errors: 10,000 entities of 1,000 tenants add none", { timeout: 90_000 }, async () => {
    const folder = temporaryFolder();
    const { receiver, config } = scene();
    receiver.down = false;
    const store = await startStore(config, folder);
    const app = serverOver(store);
    const ofReprise = (page: Series) => [...page.keys()].filter((key) => key.startsWith("reprise_")).sort();
    await store.append(order(1, 1).input);
    await quiet(store, folder);
    await pageOf(app);
    const before = ofReprise(await freshPage(app));
    const appends: Promise<unknown>[] = [];
    for (let tenant = 0; tenant < 1000; tenant++)
      appends.push(
        store.append(
          Array.from({ length: 10 }, (_, n) => order(tenant * 10 + n, tenant % 12).input),
          { tenant: `tenant_${tenant}` },
        ),
      );
    await Promise.all(appends);
    await quiet(store, folder);
    const after = await freshPage(app);
    expect(ofReprise(after)).toEqual(before);
    expect(after.get(seriesOf("reprise_appends_total", { outcome: "stored" }))).toBe(10_001);
  });

  it("is not there for a store that measures nothing", async () => {
    const store = await openStore(scene().config, { log: `sqlite:${temporaryFolder()}`, metrics: false });
    const { statusCode, body } = await serverOver(store).inject({ method: "GET", url: "/metrics" });
    expect({ statusCode, body }).toMatchObject({ statusCode: 404, body: expect.stringContaining("metrics: false") });
    await store.close();
  });
});
