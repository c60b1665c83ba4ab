/** Whoever waits for an answer while the thread computes: what came in time is in time (the receiver answers on another thread). */
import { Agent } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AttemptInFlight, AttemptOutcome, AttemptRequest } from "../../src/delivery/attempt/attempt.ts";
import { FunctionAttempt } from "../../src/delivery/attempt/function-attempt.ts";
import { makeWebhookAttempt } from "../../src/delivery/attempt/webhook-attempt.ts";
import { defineHandler, webhookHandler } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import type { CurrentEvent } from "../../src/event/event.ts";
import { makePatience } from "../../src/log/eventstoredb/patience.ts";
import { within } from "../../src/log/eventstoredb/waiting.ts";
import { compute, sentOff, startReceiverBeside } from "../support/busy-thread.ts";
import { noAppend } from "../support/no-appends.ts";

const event: CurrentEvent = {
  id: "0199a1b2-0000-7000-8000-000000000001",
  type: "order.placed",
  schemaVersion: 1,
  entity: { type: "order", id: "1" },
  tenant: "default",
  source: null,
  occurredAt: null,
  recordedAt: "2026-01-01T00:00:00.000Z",
  data: {},
  metadata: { priority: "normal" },
  revision: 0,
  position: "1",
  origin: null,
};
const request: AttemptRequest = {
  event,
  attempt: 1,
  deliveryId: "3b0e9f0c-6f5c-5e0e-8a55-000000000001",
  replay: null,
  effect: async (_key, effect) => effect(),
  append: noAppend,
  timeoutMs: 150,
  nonRetryable: [],
  signal: new AbortController().signal,
};

function webhookTo(url: string, dispatcher?: Agent) {
  const definition = webhookHandler({ name: "shipping", url, events: ["*"] });
  if (definition.kind !== "webhook") throw new Error("webhookHandler makes webhooks");
  const attempt = makeWebhookAttempt(definition, { clock: systemClock, ...(dispatcher === undefined ? {} : { dispatcher }) });
  onTestFinished(() => attempt.close());
  return (changes: Partial<AttemptRequest> = {}) => (attempt.call({ ...request, ...changes }) as AttemptInFlight).outcome;
}

describe("an answer that came in time, while the thread was busy", () => {
  it("completes a webhook's call", async () => {
    const call = webhookTo(await startReceiverBeside(40));
    await call({ timeoutMs: 5000 }); // connected
    const outcome = call();
    await sentOff();
    compute(400);
    expect(await outcome).toMatchObject({ kind: "completed", httpStatus: 204 });
  });

  it("completes the call of a function that waits for it", async () => {
    const url = await startReceiverBeside(40);
    await fetch(url);
    const handler = defineHandler({ name: "caller", on: { "order.placed": async () => void (await fetch(url)) } });
    if (handler.kind !== "function") throw new Error("defineHandler makes functions");
    const { outcome } = new FunctionAttempt(handler, systemClock).call(request) as AttemptInFlight;
    await sentOff();
    compute(400);
    expect(await outcome).toEqual({ kind: "completed" });
  });

  it("is an answer of the log's server", async () => {
    const url = await startReceiverBeside(40);
    await fetch(url);
    const { signal } = new AbortController();
    const answers = [makePatience(150, systemClock, signal).wait(fetch(url)), within(fetch(url), 150, systemClock, signal)];
    await sentOff();
    compute(400);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([204, 204]);
  });
});

describe("a request that could not go out while the thread was busy", () => {
  it("has its whole time when it does", async () => {
    const call = webhookTo(await startReceiverBeside(100));
    const outcome = call(); // not even connected
    compute(400);
    expect(await outcome).toMatchObject({ kind: "completed", httpStatus: 204 });
  });

  it("never counts as a failed attempt: the call is put off, however often that happens", async () => {
    const never = new Agent({ connect: () => {} });
    const call = webhookTo("http://127.0.0.1:9/", never);
    const outcome = call({ timeoutMs: 20 });
    let came: AttemptOutcome | null = null;
    void outcome.then((is) => (came = is));
    while (came === null) {
      compute(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(came).toMatchObject({ kind: "deferred", error: { type: "NotSent" }, retryAfterMs: null });
  });

  it("is a time-out where the thread was not busy", async () => {
    const never = new Agent({ connect: () => {} });
    expect(await webhookTo("http://127.0.0.1:9/", never)({ timeoutMs: 20 })).toMatchObject({ kind: "failed", class: "timeout" });
  });
});
