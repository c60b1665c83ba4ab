import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import type { AttemptOutcome, AttemptRequest } from "../../src/delivery/attempt/attempt.ts";
import { FunctionAttempt } from "../../src/delivery/attempt/function-attempt.ts";
import { defineHandler, NotReady, RetryAfter, Skipped, skip, Terminal } from "../../src/delivery/handler.ts";
import type { HandlerContext } from "../../src/delivery/handler-context.ts";
import type { CurrentEvent } from "../../src/event/event.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { inFlight } from "../support/in-flight.ts";
import { noAppend } from "../support/no-appends.ts";

const dayMs = 86_400_000;
let clock: FakeClock;
let unhandled: unknown[];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);

beforeEach(() => {
  clock = makeFakeClock();
  unhandled = [];
  process.on("unhandledRejection", onUnhandled);
});
afterEach(async () => {
  await clock.advance(0); // rejections count as unhandled only after the microtasks
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled).toEqual([]);
});

function eventWith(data: unknown, type = "order.placed"): CurrentEvent {
  return {
    id: "0199a1b2-0000-7000-8000-000000000001",
    type,
    schemaVersion: 2,
    entity: { type: "order", id: "o-1" },
    tenant: "default",
    source: null,
    occurredAt: null,
    recordedAt: "2026-01-01T00:00:00.000Z",
    data,
    metadata: { priority: "normal", callChain: ["planner", "buyer"] },
    revision: 0,
    position: "1",
    origin: null,
  };
}

function requestOf(changes: Partial<AttemptRequest> = {}): AttemptRequest {
  return {
    event: eventWith({ items: [{ sku: "a" }] }),
    attempt: 1,
    deliveryId: "3b0e9f0c-6f5c-5e0e-8a55-000000000001",
    replay: null,
    effect: async (_key, effect) => effect(),
    append: noAppend,
    timeoutMs: 1000,
    nonRetryable: [],
    signal: new AbortController().signal,
    ...changes,
  };
}

type Handle = (event: CurrentEvent, context: HandlerContext) => unknown;

function call(handle: Handle, changes: Partial<AttemptRequest> = {}) {
  const definition = defineHandler({ name: "ledger", on: { "order.placed": handle as () => void } });
  if (definition.kind !== "function") throw new Error("defineHandler makes function handlers");
  return inFlight(new FunctionAttempt(definition, clock))(requestOf(changes));
}

/** What came of it when the handler throws `thrown` after a tick. */
function outcomeOf(thrown: unknown, changes: Partial<AttemptRequest> = {}): Promise<AttemptOutcome> {
  return call(async () => {
    await Promise.resolve();
    throw thrown;
  }, changes).outcome;
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  await clock.advance(0);
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

describe("a handler that says when its receiver has time again", () => {
  it.each<{ readonly when: number | Date; readonly expected: number | null }>([
    { when: 1500, expected: 1500 },
    { when: -5, expected: 0 },
    { when: Number.POSITIVE_INFINITY, expected: dayMs },
    { when: Number.NaN, expected: null },
    { when: "soon" as unknown as number, expected: null },
    { when: new Date(Number.NaN), expected: null },
  ])("is called again after RetryAfter($when)", async ({ when, expected }) => {
    expect(await outcomeOf(new RetryAfter(when))).toMatchObject({ kind: "deferred", retryAfterMs: expected, by: "integration", error: { type: "RetryAfter" } });
  });

  it.each([
    { ms: 7000, expected: 7000 },
    { ms: -7000, expected: 0 },
    { ms: 3 * dayMs, expected: dayMs },
  ])("is called again at a time, by the clock that is handed in: $ms ms from now", async ({ ms, expected }) => {
    expect(await outcomeOf(new RetryAfter(new Date(clock.now() + ms), "busy"))).toMatchObject({ retryAfterMs: expected, error: { message: "busy" } });
  });
});

describe("a handler that has nothing to do", () => {
  it.each([
    ["at once", () => skip("known already")],
    ["later", async () => skip("known already")],
  ])("says so %s: skipped, with its reason and its log", async (_when, answer) => {
    const handle: Handle = (_event, { log }) => {
      log("looked");
      return answer();
    };
    expect(await call(handle).outcome).toEqual({ kind: "skipped", reason: "known already", log: ["looked"] });
  });

  it("has a reason of at most 500 characters, whatever it gives", async () => {
    expect(await call(() => skip("x".repeat(501))).outcome).toEqual({ kind: "skipped", reason: "x".repeat(500) });
    expect(await call(() => skip(7 as unknown as string)).outcome).toEqual({ kind: "skipped", reason: "" });
    const hostile = Object.create(Skipped.prototype, { reason: { get: () => expect.fail("read") } }) as Skipped;
    expect(await call(() => hostile).outcome).toEqual({ kind: "skipped", reason: "" });
  });

  it("has to say it with skip(): anything else that is returned completes", async () => {
    for (const answer of [null, false, 0, "skip", { reason: "no" }]) expect(await call(() => answer).outcome).toEqual({ kind: "completed" });
  });
});

describe("a call that goes well", () => {
  it("hands over the event and the context, and completes", async () => {
    const seen: unknown[] = [];
    const replay = { id: "r-1", reason: "fixed", mode: "run" } as const;
    const { outcome, settled } = call((event, { attempt, deliveryId, replay }) => void seen.push(event.data, attempt, deliveryId, replay), {
      attempt: 4,
      replay: { ...replay, effects: "again" },
    });
    expect(await outcome).toEqual({ kind: "completed" });
    await settled;
    expect(seen).toEqual([{ items: [{ sku: "a" }] }, 4, "3b0e9f0c-6f5c-5e0e-8a55-000000000001", replay]);
  });

  it("has ended with its outcome when it returns no promise", () => {
    const attemptOf = (handle: Handle) => {
      const definition = defineHandler({ name: "ledger", on: { "order.placed": handle as () => void } });
      return new FunctionAttempt(definition as Extract<typeof definition, { kind: "function" }>, clock).call(requestOf());
    };
    expect(attemptOf(() => {})).toEqual({ kind: "completed" });
    expect(attemptOf((_event, { log }) => log("a line"))).toEqual({ kind: "completed", log: ["a line"] });
    expect(attemptOf(() => expect.fail("no"))).toMatchObject({ kind: "failed", class: "transient" });
    expect(attemptOf(async () => {}).kind).toBe("running");
  });

  it("keeps the first 20 log lines of 500 characters, and never half a character", async () => {
    const outcome = await call((_event, { log }) => {
      log(`${"x".repeat(499)}😀`);
      log({ toString: () => expect.fail("asked") } as never);
      for (let line = 0; line < 50; line++) log(`line ${line}`);
    }).outcome;
    if (outcome.kind !== "completed") return expect.fail(outcome.kind);
    expect(outcome.log).toHaveLength(20);
    expect(outcome.log?.slice(0, 3)).toEqual([`${"x".repeat(499)}\uFFFD`, "(object)", "line 0"]);
  });

  it("takes its timer and its listener away again", async () => {
    const signals: AbortSignal[] = [];
    const service = new AbortController();
    await call((_event, { signal }) => void signals.push(signal), { signal: service.signal }).settled;
    await clock.advance(10_000);
    service.abort();
    expect(signals[0]?.aborted).toBe(false);
  });

  it("bears hundreds of calls under one service signal without a warning", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on("warning", onWarning);
    const service = new AbortController();
    const calls = Array.from({ length: 300 }, () => call(() => new Promise(() => {}), { signal: service.signal }));
    await clock.advance(0);
    service.abort();
    expect(new Set((await Promise.all(calls.map(({ outcome }) => outcome))).map(({ kind }) => kind))).toEqual(new Set(["abandoned"]));
    await clock.advance(0);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });
});

describe("the event", () => {
  it("is frozen to its depth: a handler that writes to it fails, and the data stays", async () => {
    const event = eventWith({ items: [{ sku: "a" }] });
    for (const write of [
      (it: CurrentEvent) => ((it.data as { items: { sku: string }[] }).items[0]!.sku = "b"),
      (it: CurrentEvent) => (it.data as { items: unknown[] }).items.push(1),
      (it: CurrentEvent) => (it.metadata.callChain as string[]).push("thief"),
      (it: CurrentEvent) => ((it as { id: string }).id = "other"),
    ]) {
      expect(await call(write, { event }).outcome).toMatchObject({ kind: "failed", class: "transient", error: { type: "TypeError" } });
    }
    expect(event).toEqual(eventWith({ items: [{ sku: "a" }] }));
  });

  it("may nest deeper than the call stack, or in a ring", async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    const ring: Record<string, unknown> = {};
    ring.self = ring;
    for (const data of [deep, ring]) expect(await call(() => {}, { event: eventWith(data) }).outcome).toEqual({ kind: "completed" });
  });

  it("of a type without a function is terminal, even if every object has a property of that name", async () => {
    for (const type of ["order.lost", "constructor", "__proto__"])
      expect(await call(() => {}, { event: eventWith({}, type) }).outcome).toMatchObject({
        kind: "failed",
        class: "terminal",
        error: { type: "Terminal", message: `handler ledger has no function for ${type}` },
      });
  });
});

describe("what is thrown", () => {
  class OutOfStock extends Error {}
  class NegativeTotal extends Terminal {}

  it("is transient, with the name of the error or of its class, message and stack", async () => {
    const outcome = await outcomeOf(new OutOfStock("no more bolts"));
    expect(outcome).toMatchObject({ kind: "failed", class: "transient", error: { type: "OutOfStock", message: "no more bolts" } });
    expect(outcome).toHaveProperty("error.stack", expect.stringContaining("function-attempt.test.ts"));
  });

  it("counts when thrown at once, too, and keeps the log", async () => {
    const outcome = await call((_event, { log }) => {
      log("began");
      throw new RangeError("too far");
    }).outcome;
    expect(outcome).toMatchObject({ kind: "failed", class: "transient", error: { type: "RangeError", message: "too far" }, log: ["began"] });
  });

  it("is terminal for Terminal, its subclasses, and the names in nonRetryable", async () => {
    expect(await outcomeOf(new Terminal("bad order"))).toMatchObject({ kind: "failed", class: "terminal", error: { type: "Terminal", message: "bad order" } });
    expect(await outcomeOf(new NegativeTotal("-1"))).toMatchObject({ kind: "failed", class: "terminal" });
    expect(await outcomeOf(new TypeError("x"), { nonRetryable: ["RangeError", "TypeError"] })).toMatchObject({ class: "terminal" });
    expect(await outcomeOf(new OutOfStock("x"), { nonRetryable: ["OutOfStock"] })).toMatchObject({ class: "terminal" });
    expect(await outcomeOf(Object.assign(new Error("x"), { name: "CardDeclined" }), { nonRetryable: ["CardDeclined"] })).toMatchObject({ class: "terminal" });
    expect(await outcomeOf(new TypeError("x"), { nonRetryable: ["RangeError"] })).toMatchObject({ class: "transient" });
  });

  it.each([
    { retryAfterMs: 1500, expected: 1500 },
    { retryAfterMs: 0, expected: 0 },
    { retryAfterMs: -5, expected: 0 },
    { retryAfterMs: dayMs + 1, expected: dayMs },
    { retryAfterMs: Number.POSITIVE_INFINITY, expected: dayMs },
    { retryAfterMs: Number.NaN, expected: null },
    { retryAfterMs: "soon" as unknown as number, expected: null },
  ])("defers for NotReady with retryAfterMs $retryAfterMs", async ({ retryAfterMs, expected }) => {
    expect(await outcomeOf(new NotReady("model is busy", { retryAfterMs }))).toMatchObject({
      kind: "deferred",
      retryAfterMs: expected,
      error: { type: "NotReady", message: "model is busy" },
    });
  });

  it("defers for NotReady without a time by the retry policy", async () => {
    expect(await outcomeOf(new NotReady("busy"))).toMatchObject({ kind: "deferred", retryAfterMs: null });
  });

  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const throwing = { get: () => expect.fail("trap"), getPrototypeOf: () => expect.fail("trap") };
  const hostile = new Error("hidden");
  for (const key of ["name", "message", "stack", "cause", "constructor"])
    Object.defineProperty(hostile, key, {
      get() {
        throw hostile;
      },
    });
  const hostileNotReady = Object.defineProperty(new NotReady("busy"), "retryAfterMs", {
    get() {
      throw new Error("getter");
    },
  });

  it.each([
    { what: "undefined", thrown: undefined, type: "undefined", message: "undefined was thrown" },
    { what: "null", thrown: null, type: "null", message: "null was thrown" },
    { what: "a text", thrown: "no luck", type: "string", message: "no luck" },
    { what: "a number", thrown: 42, type: "number", message: "42" },
    { what: "a bigint", thrown: 42n, type: "bigint", message: "42" },
    { what: "a symbol", thrown: Symbol("odd"), type: "symbol", message: "Symbol(odd)" },
    { what: "an object", thrown: { card: "4111" }, type: "Object", message: "what was thrown has no message" },
    { what: "an object with a message", thrown: { message: "quota" }, type: "Object", message: "quota" },
    { what: "an object without prototype", thrown: Object.create(null), type: "Object", message: "what was thrown has no message" },
    { what: "an error without words", thrown: new Error(), type: "Error", message: "" },
    { what: "a name that is no text", thrown: Object.assign(new RangeError("x"), { name: 7 }), type: "RangeError", message: "x" },
    { what: "an error whose getters throw", thrown: hostile, type: "Object", message: "what was thrown has no message" },
    { what: "a revoked proxy", thrown: revoked.proxy, type: "Object", message: "what was thrown has no message" },
    { what: "a proxy whose traps throw", thrown: new Proxy({}, throwing), type: "Object", message: "what was thrown has no message" },
  ])("may be $what", async ({ thrown, type, message }) => {
    expect(await outcomeOf(thrown, { nonRetryable: ["Other"] })).toMatchObject({ kind: "failed", class: "transient", error: { type, message } });
  });

  it("may be a NotReady whose time cannot be read", async () => {
    expect(await outcomeOf(hostileNotReady)).toMatchObject({ kind: "deferred", retryAfterMs: null });
  });

  it("may come out of a thenable, or out of its getter", async () => {
    // biome-ignore lint/suspicious/noThenProperty: the odd value is the point
    expect(await call(() => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject("odd") })).outcome).toMatchObject({ error: { message: "odd" } });
    const getter = {
      // biome-ignore lint/suspicious/noThenProperty: the odd value is the point
      get then() {
        throw new Error("in the getter");
      },
    };
    expect(await call(() => getter).outcome).toMatchObject({ kind: "failed", error: { message: "in the getter" } });
  });

  it("is cut to 200, 1000 and 4 KiB", async () => {
    const error = Object.assign(new Error("é".repeat(100_000)), { name: "N".repeat(5000) });
    error.stack = "€".repeat(1_000_000);
    const outcome = await outcomeOf(error);
    if (outcome.kind !== "failed") return expect.fail(outcome.kind);
    expect(outcome.error.type).toBe("N".repeat(200));
    expect(outcome.error.message).toBe("é".repeat(1000));
    expect(outcome.error.stack).toBe("€".repeat(1365)); // three bytes each
  });

  it("has its causes in the stack, as far as the stack's limit goes", async () => {
    const outcome = await outcomeOf(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }));
    expect(outcome).toHaveProperty("error.stack", expect.stringMatching(/^TypeError: fetch failed[\s\S]*\ncaused by: Error: connect ECONNREFUSED/));
    const ring = new Error("ring");
    ring.cause = ring;
    expect(await outcomeOf(ring)).toMatchObject({ error: { message: "ring" } });
  });
});

describe("when its time is up", () => {
  it("has its outcome at once, with the signal aborted, and settles only with the handler", async () => {
    const handler = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    const { outcome, settled } = call((_event, context) => {
      signal = context.signal;
      context.log("asked the model");
      return handler.promise;
    });
    await clock.advance(999);
    expect([await isPending(outcome), signal?.aborted]).toEqual([true, false]);
    await clock.advance(1);
    expect(await outcome).toEqual({
      kind: "failed",
      class: "timeout",
      error: { type: "TimeoutError", message: "no outcome within 1000 ms" },
      log: ["asked the model"],
    });
    expect([signal?.aborted, signal?.reason.name]).toEqual([true, "TimeoutError"]);
    expect(await isPending(settled)).toBe(true);
    handler.resolve();
    await settled;
  });

  it("bears what the handler does afterwards: rejecting, logging, honouring its signal", async () => {
    const { outcome, settled } = call(
      (_event, { signal, log }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            log("too late");
            reject(signal.reason);
          }),
        ),
    );
    await clock.advance(1000);
    const timedOut = await outcome;
    expect(timedOut).toMatchObject({ kind: "failed", class: "timeout" });
    expect(timedOut).not.toHaveProperty("log");
    await settled;
  });
});

describe("when the service stops", () => {
  it("abandons the call at once and settles with the handler", async () => {
    const service = new AbortController();
    const handler = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    const { outcome, settled } = call(
      (_event, context) => {
        signal = context.signal;
        return handler.promise;
      },
      { signal: service.signal },
    );
    service.abort();
    expect(await outcome).toEqual({ kind: "abandoned" });
    expect(signal?.aborted).toBe(true);
    expect(await isPending(settled)).toBe(true);
    handler.reject(new Error("stopped"));
    await settled;
  });

  it("calls nothing any more", async () => {
    const { outcome, settled } = call(() => expect.fail("called"), { signal: AbortSignal.abort() });
    expect(await outcome).toEqual({ kind: "abandoned" });
    await settled;
  });
});

describe("appends of a call", () => {
  const shipped = defineEvent("order.shipped", { 1: z.object({}) });
  const appended = {
    id: "1",
    entity: { type: "order", id: "o-1" },
    revision: 1,
    position: "2",
    recordedAt: "2026-01-01T00:00:00.000Z",
    duplicate: false,
  } as const;
  const unawaited = (context: HandlerContext) => void context.append(shipped, appended.entity, {});

  it.each([
    ["a function", (_event: CurrentEvent, context: HandlerContext) => unawaited(context)],
    ["an async one", async (_event: CurrentEvent, context: HandlerContext) => unawaited(context)],
  ])("that %s does not await are stored before it completes", async (_, handle) => {
    const store = Promise.withResolvers<typeof appended>();
    const { outcome, settled } = call(handle, { append: () => store.promise });
    expect(await isPending(outcome)).toBe(true);
    expect(await isPending(settled)).toBe(true);
    store.resolve(appended);
    expect(await outcome).toEqual({ kind: "completed" });
    await settled;
  });

  it.each([
    ["a function", (_event: CurrentEvent, context: HandlerContext) => unawaited(context)],
    ["an async one", async (_event: CurrentEvent, context: HandlerContext) => unawaited(context)],
  ])("that %s does not await, and that cannot be stored, fail it", async (_, handle) => {
    const store = Promise.withResolvers<typeof appended>();
    const { outcome } = call(handle, { append: () => store.promise });
    await clock.advance(0);
    store.reject(new Error("no room"));
    expect(await outcome).toMatchObject({ kind: "failed", class: "transient", error: { message: "no room" } });
  });

  it("that fail, and whose error the handler has caught, leave the call completed", async () => {
    const { outcome } = call(async (_event, context) => void (await context.append(shipped, appended.entity, {}).catch(() => {})), {
      append: () => Promise.reject(new Error("no")),
    });
    expect(await outcome).toEqual({ kind: "completed" });
  });

  it("that fail after the call has failed are ignored", async () => {
    const store = Promise.withResolvers<typeof appended>();
    const { outcome } = call(
      async (_event, context) => {
        unawaited(context);
        throw new Error("first");
      },
      { append: () => store.promise },
    );
    expect(await outcome).toMatchObject({ error: { message: "first" } });
    store.reject(new Error("later"));
  });

  it("are waited for no longer than the call's time-out", async () => {
    const { outcome } = call((_event, context) => unawaited(context), { append: () => new Promise(() => {}) });
    await clock.advance(1000);
    expect(await outcome).toMatchObject({ class: "timeout" });
  });
});
