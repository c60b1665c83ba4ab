/** Metrics of what an outage of a receiver does not show: an integration that is down, people who decide, a log that refuses, views that are behind. */
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, Escalate } from "../../src/delivery/handler.ts";
import { defineIntegration } from "../../src/delivery/integration-definition.ts";
import { RepriseError } from "../../src/errors.ts";
import { systemClock } from "../../src/event/clock.ts";
import { makeTelemetry } from "../../src/telemetry/telemetry.ts";
import { serverOver } from "../support/http.ts";
import { expectFigures, freshPage, readPage, seriesOf } from "../support/prometheus.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logHead, logRows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });
const bank = defineIntegration({ name: "bank", breaker: { failures: 3, withinMs: 60_000, coolDownMs: 60_000 } });
const post = defineIntegration({ name: "post", breaker: { failures: 3, withinMs: 60_000, coolDownMs: 60_000 } });
const order = (id: string, n: number) => ({ type: "order.placed", entity: { type: "order", id }, data: { n } });

it("integrations, escalations and decisions agree with a count over the log's rows", { timeout: 30_000 }, async () => {
  const folder = temporaryFolder();
  const desk = defineHandler({
    name: "desk",
    events: [placed],
    integration: "post",
    escalate: (event) => event.data.n >= 100 && "a large one",
    on: {
      "order.placed": ({ data: { n } }, { approval }) => {
        if (n === 50 && approval === null) throw new Escalate("somebody has to look");
      },
    },
  });
  const payment = defineHandler({
    ...{ name: "payment", events: [placed], integration: "bank", retry: { maxAttempts: 5, initialDelayMs: 10 } },
    on: { "order.placed": () => Promise.reject<void>(new TypeError("the bank does not answer")) },
  });
  const store = await startStore(defineConfig({ events: [placed], integrations: [bank, post], handlers: [desk, payment] }), folder);
  const app = serverOver(store);
  for (const [index, n] of [100, 101, 102, 50, 51, 52, 1, 2].entries()) await store.append(order(`o${index}`, n));
  const open = async () => (await store.views.escalations({ tenant: "default", status: "open" }, { limit: 10 })).escalations;
  await expect.poll(async () => (await open()).length).toBe(4);
  const [first, second] = await open();
  await store.approveEscalation(first!.deliveryId, { reason: "fine" });
  await store.rejectEscalation(second!.deliveryId, { reason: "not fine" });
  await expect.poll(async () => (await store.integrations()).find(({ name }) => name === "bank")!.state, { timeout: 25_000 }).toBe("open");
  await store.isolateIntegration("post", { reason: "a test" });
  await expect.poll(async () => (await logRows(folder)).filter(({ type }) => type === "delivery.settled").length).toBe(2);
  await store.views.waitFor(logHead(folder));

  const figures: Record<string, number> = {
    [seriesOf("reprise_breaker_state", { integration: "bank" })]: 2,
    [seriesOf("reprise_breaker_state", { integration: "post" })]: 3,
  };
  const add = (name: string, labels: Record<string, string>, count: number) => {
    const key = seriesOf(name, labels);
    figures[key] = (figures[key] ?? 0) + count;
  };
  for (const { stream, type, data } of await logRows(folder)) {
    if (!stream.startsWith("reprise.journal-desk-")) continue;
    const handler = "desk";
    if (type === "delivery.dead_lettered") {
      add("reprise_deliveries_total", { handler, outcome: data.escalated ? "escalated" : "dead_lettered" }, 1);
      add("reprise_escalations", { handler }, Number(data.escalated));
    }
    if (type === "delivery.settled") add("reprise_deliveries_total", { handler, outcome: data.outcome as string }, 1);
    if (type === "delivery.decided" || data.decision === "rejected") add("reprise_escalations", { handler }, -1);
  }
  add("reprise_deliveries_total", { handler: "desk", outcome: "completed" }, 4);
  const families = ["reprise_breaker_state", "reprise_escalations", "reprise_deliveries_total"];
  const page = await expectFigures(app, figures, families, (key) => key.includes('handler="payment"'));
  expect(figures[seriesOf("reprise_escalations", { handler: "desk" })]).toBe(2);
  // Called, and then asked: one; asked before: not called.
  expect(page.get(seriesOf("reprise_process_duration_seconds_count", { handler: "desk", outcome: "escalated" }))).toBe(1);
  expect(page.get(seriesOf("reprise_process_duration_seconds_count", { handler: "desk", outcome: "completed" }))).toBe(5);
  expect(page.get(seriesOf("reprise_process_duration_seconds_sum", { handler: "desk", outcome: "completed" }))).toBeGreaterThan(0);
  expect((await freshPage(app)).get("reprise_event_loop_delay_seconds_count")).toBeGreaterThan(0);
});

it("views that are behind are told by the events that they lack", async () => {
  const folder = temporaryFolder();
  const store = await openStore(defineConfig({ events: [placed] }), { log: `sqlite:${folder}` }); // not started: no views are made
  for (let n = 0; n < 7; n++) await store.append(order("a", n));
  const { text } = await store.metrics!.page("text");
  const after = BigInt(store.views.position());
  const lacking = (await logRows(folder)).filter(({ position }) => BigInt(position) > after).length;
  expect(lacking).toBeGreaterThanOrEqual(7);
  expect(readPage(text).get("reprise_views_behind_events")).toBe(lacking);
  await store.close();
});

it("a log that refuses counts its events as failed, and shows as down", async () => {
  const twins = makeTelemetry({ handlers: [], clock: systemClock, measures: true });
  const append = twins.append(vi.fn().mockRejectedValue(new RepriseError("LOG_UNAVAILABLE", "The log is away.")));
  await expect(append([order("a", 1), order("a", 2)])).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
  await expect(append(order("a", 1))).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
  const page = readPage((await twins.metrics!.page("text")).text);
  expect(page.get(seriesOf("reprise_appends_total", { outcome: "failed" }))).toBe(3);
  expect(page.get("reprise_append_duration_seconds_count")).toBe(2);
  expect(page.get("reprise_log_up")).toBe(0);
});
