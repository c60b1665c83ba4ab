import { setTimeout as elapse } from "node:timers/promises";
/** What is traced, by the real OpenTelemetry SDK, which keeps its spans in memory. */
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, NotReady, webhookHandler } from "../../src/delivery/handler.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";
import { openWebhookReceiver } from "../support/webhook-receiver.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });
const shipped = defineEvent("order.shipped", { 1: z.object({}) });
const order = (n: number) => ({ type: "order.placed", entity: { type: "order", id: "1" }, data: { n } });
const days = 24 * 3_600_000;

const exporter = new InMemorySpanExporter();
const spans = (name: string): readonly ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
const idOf = (span: ReadableSpan) => span.spanContext().spanId;
const headerOf = (span: ReadableSpan) => `00-${span.spanContext().traceId}-${idOf(span)}-01`;

function register(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
}

beforeEach(() => exporter.reset());
afterEach(() => {
  trace.disable();
  context.disable();
});

describe("without an SDK", () => {
  it("nothing is traced, and an event gets no traceparent", async () => {
    const store = await startStore(defineConfig({ events: [placed], handlers: [] }), temporaryFolder());
    await store.append(order(1));
    const { events } = await store.readEntity({ type: "order", id: "1" });
    expect(events[0]!.traceparent).toBeNull();
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

describe("with an SDK", () => {
  it("every call of a handler is linked to the append and no child of it: first, on retry, and on a replay days later", async () => {
    register();
    const clock = makeFakeClock();
    const receiver = { down: true };
    const seen: (string | undefined)[] = [];
    const handler = defineHandler({
      name: "ledger",
      events: [placed],
      retry: { maxAttempts: 2, initialDelayMs: 1000 },
      on: {
        "order.placed": async ({ data }, { append }) => {
          const active = trace.getActiveSpan()?.spanContext();
          seen.push(active?.spanId);
          if (receiver.down) throw new TypeError("secret: the receiver does not answer");
          if (data.n === 1) await append(shipped, { type: "order", id: "1" }, {});
        },
      },
    });
    const store = await startStore(defineConfig({ events: [placed, shipped], handlers: [handler] }), temporaryFolder(), { clock });
    const until = async (condition: () => Promise<boolean> | boolean) => {
      for (let steps = 0; !(await condition()); steps++) {
        if (steps > 5000) expect.fail("it never came");
        // The log writes in real time: a clock that runs ahead of it has acts give up that are being recorded.
        await elapse(2);
        await clock.advance(10);
      }
    };
    const [appended] = await store.append(order(1));
    await until(async () => (await store.views.deadLetterStats({ tenant: "default" })).total === 1);
    receiver.down = false;
    await clock.advance(3 * days);
    const replay = store.replay(appended!.id);
    let replayId = "";
    void replay.then((result) => {
      replayId = result.replayId;
    });
    await until(() => replayId !== "");
    await until(() => spans("append order").length === 2);

    const [append] = spans("append order");
    expect(append).toMatchObject({ kind: SpanKind.PRODUCER, links: [], status: { code: SpanStatusCode.UNSET } });
    expect(append!.parentSpanContext).toBeUndefined();
    expect(append!.attributes).toEqual({
      "messaging.system": "reprise",
      "messaging.operation.name": "append",
      "messaging.operation.type": "send",
      "messaging.destination.name": "order",
      "messaging.message.id": appended!.id,
    });
    const calls = spans("process ledger");
    expect(calls.map(idOf)).toEqual(seen);
    expect(
      calls.map(({ attributes }) => [attributes["reprise.attempt"], attributes["error.type"], attributes["reprise.outcome"], attributes["reprise.replay_id"]]),
    ).toEqual([
      [1, "transient", "failed", undefined],
      [2, "transient", "failed", undefined],
      [3, undefined, "completed", replayId],
    ]);
    for (const call of calls) {
      expect(call.kind).toBe(SpanKind.CONSUMER);
      expect(call.parentSpanContext).toBeUndefined();
      expect(call.spanContext().traceId).not.toBe(append!.spanContext().traceId);
      expect(call.links.map(({ context: link }) => link.spanId)).toEqual([idOf(append!)]);
      expect(call.links[0]!.context.traceId).toBe(append!.spanContext().traceId);
      expect(call.attributes).toMatchObject({ "messaging.consumer.group.name": "ledger", "messaging.message.id": appended!.id });
      expect(JSON.stringify([call.attributes, call.status, call.events])).not.toContain("secret");
    }
    expect(new Set(calls.map((call) => call.spanContext().traceId)).size).toBe(3);
    expect(calls.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.ERROR, SpanStatusCode.UNSET]);
    // What the handler appends is part of its call.
    expect(spans("append order")[1]!.parentSpanContext?.spanId).toBe(idOf(calls[2]!));
  });

  it("an append is part of its caller's work, or of that of the producer that its event names, whose mark stays", async () => {
    register();
    const store = await startStore(defineConfig({ events: [placed], handlers: [] }), temporaryFolder());
    const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await trace.getTracer("test").startActiveSpan("the caller", async (span) => {
      await store.append([order(1), order(2)]);
      span.end();
    });
    await store.append({ ...order(3), traceparent: given });
    await expect(store.append({ ...order(5), data: { n: "five" } })).rejects.toThrow();
    await expect(store.append({ ...order(4), traceparent: "no header" })).rejects.toThrow();
    await expect(store.append([{ type: "order.placed", entity: { type: "É\n", id: "1" }, data: { n: 1 } }])).rejects.toThrow();
    const [batch, single, refused, odd] = spans("append order");
    expect(batch!.parentSpanContext?.spanId).toBe(idOf(spans("the caller")[0]!));
    expect(batch!.attributes["messaging.batch.message_count"]).toBe(2);
    expect(single!.parentSpanContext).toMatchObject({ traceId: given.slice(3, 35), spanId: given.slice(36, 52), isRemote: true });
    expect(odd!.parentSpanContext).toBeUndefined();
    expect(refused).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: "DATA_INVALID" }, attributes: { "error.type": "DATA_INVALID" } });
    expect(spans("append")).toHaveLength(1);
    const { events } = await store.readEntity({ type: "order", id: "1" });
    expect(events.map(({ traceparent }) => traceparent)).toEqual([headerOf(batch!), headerOf(batch!), given]);
  });

  it("a webhook gets the span of its attempt as header, and the append's in the event; a call that was put off says so", async () => {
    register();
    const receiver = await openWebhookReceiver();
    receiver.answer(() => ({ status: receiver.received.length === 1 ? 500 : 200 }));
    let late = true;
    const handlers = [
      webhookHandler({ name: "shipping", url: receiver.url, events: ["*"], retry: { maxAttempts: 3, initialDelayMs: 10 } }),
      defineHandler({
        name: "early",
        events: [placed],
        on: {
          "order.placed": () => {
            if (!late) return;
            late = false;
            throw new NotReady("not yet", { retryAfterMs: 10 });
          },
        },
      }),
    ];
    const store = await startStore(defineConfig({ events: [placed], handlers }), temporaryFolder());
    await store.append(order(1));
    await expect.poll(() => [spans("process shipping").length, spans("process early").length], { timeout: 25_000 }).toEqual([2, 2]);
    expect(receiver.received.map(({ headers }) => headers.traceparent)).toEqual(spans("process shipping").map(headerOf));
    const [append] = spans("append order");
    expect(receiver.received.map(({ event }) => (event as { readonly traceparent?: string }).traceparent)).toEqual([headerOf(append!), headerOf(append!)]);
    expect(spans("process shipping").map(({ attributes }) => attributes["http.response.status_code"])).toEqual([500, 200]);
    expect(spans("process early").map(({ attributes }) => attributes["error.type"])).toEqual(["not_ready", undefined]);
  });
});
