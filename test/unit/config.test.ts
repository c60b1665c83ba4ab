import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, type EventDefinition } from "../../src/catalog/define.ts";
import { type CheckedConfig, type Config, checkConfig, defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerDefinition, type WebhookHandler, webhookHandler } from "../../src/delivery/handler.ts";
import { RepriseError } from "../../src/errors.ts";

const orderPlaced = defineEvent("order.placed", { 1: z.object({ orderId: z.string() }) }, { formerly: ["order.created"] });
const orderPaid = defineEvent("order.paid", { 1: z.object({ orderId: z.string() }) });
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const check = (...handlers: readonly unknown[]): CheckedConfig => checkConfig({ events: [orderPlaced, orderPaid], handlers: handlers as HandlerDefinition[] });
const hook = (options: Partial<Record<keyof WebhookHandler, unknown>> = {}): HandlerDefinition =>
  webhookHandler({ name: "shipping", url: "http://127.0.0.1:9000/hook", events: ["order.placed"], ...options } as WebhookHandler);

function refused(run: () => unknown): RepriseError {
  try {
    run();
  } catch (error) {
    if (error instanceof RepriseError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("a good config", () => {
  it("fills in the documented defaults", () => {
    const definition = defineHandler({ name: "ledger", events: [orderPlaced], on: { "order.placed": () => {} } });
    const { catalog, handlers, limits } = checkConfig(defineConfig({ events: [orderPlaced], handlers: [definition] }));
    const [spec] = handlers;
    expect(spec).toMatchObject({
      name: "ledger",
      types: ["order.placed"],
      ordering: "strict",
      concurrency: 16,
      startFrom: null,
      partitions: null,
      record: "batch",
      unknownOutcome: "repeat",
    });
    expect(spec!.definition).toBe(definition);
    expect(spec!.endpoint).toBeNull();
    expect(spec!.policies.of("order.placed")).toEqual({
      maxAttempts: 3,
      initialDelayMs: 2000,
      factor: 2,
      maxDelayMs: 60_000,
      jitter: "none",
      schedule: null,
      maxElapsedMs: null,
      timeoutMs: 15_000,
      nonRetryable: [],
      onExhausted: "dead_letter",
    });
    expect(catalog.types).toEqual(["order.placed"]);
    expect(limits).toEqual({
      readAheadEvents: 4096,
      readAheadBytes: 67_108_864,
      laneQueueEvents: 64,
      recordedLanes: 100_000,
      flushOutcomes: 256,
      flushMs: 20,
      slowMs: 1000,
      maxCrashes: 3,
    });
  });

  it("lays retryByType over retry, and retry's time-out over the handler's", () => {
    const [spec] = check(
      hook({
        events: ["*"],
        timeoutMs: 900_000,
        retry: { maxAttempts: 5, jitter: 0.1 },
        retryByType: { "order.paid": { maxAttempts: 1, timeoutMs: 50, factor: undefined } },
      }),
    ).handlers;
    expect(spec!.policies.of("order.placed")).toMatchObject({ maxAttempts: 5, jitter: 0.1, timeoutMs: 900_000, factor: 2 });
    expect(spec!.policies.of("order.paid")).toMatchObject({ maxAttempts: 1, jitter: 0.1, timeoutMs: 50, factor: 2 });
  });

  it('takes "*" as the whole catalog, and the types of a list sorted', () => {
    expect(check(hook({ events: ["*"] })).handlers[0]!.types).toEqual(["order.paid", "order.placed"]);
    expect(check(hook({ events: ["order.placed", "order.paid"] })).handlers[0]!.types).toEqual(["order.paid", "order.placed"]);
    expect(check(hook()).handlers[0]!.endpoint).toBe("http://127.0.0.1:9000/hook");
  });

  it("takes secrets and headers", () => {
    expect(check(hook({ secret, headers: { authorization: "Bearer x" } })).handlers).toHaveLength(1);
    expect(check(hook({ secret: [secret, `whsec_${Buffer.alloc(64, 7).toString("base64")}`] })).handlers).toHaveLength(1);
  });

  it("lets single limits be set", () => {
    expect(checkConfig({ events: [], limits: { flushMs: 5 } }).limits).toMatchObject({ flushMs: 5, maxCrashes: 3 });
  });
});

describe("a config is refused with the field, its value and the fix", () => {
  it.each<[unknown, string]>([
    [undefined, "The config is missing: it must be an object"],
    [{}, "events is missing: it must be a list of event definitions"],
    [{ events: ["order.placed"] }, 'events[0] is "order.placed": it must be made by defineEvent'],
    [{ events: [], upcasters: [{}] }, "upcasters[0] is an object: it must be made by defineUpcasters"],
    [{ events: [], handler: [] }, "handler is an unknown field"],
    [{ events: [], handlers: [{ name: "a", on: {} }] }, "handlers[0] is an object: it must be made by defineHandler or webhookHandler"],
    [{ events: [], limits: { flushMs: 0 } }, "limits.flushMs is 0: it must be a whole number from 1 to 10000"],
    [{ events: [], limits: { flush: 1 } }, "limits.flush is an unknown field"],
  ])("%j", (config, message) => {
    const error = refused(() => checkConfig(config as Config));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain(message);
  });

  it.each<[string, HandlerDefinition[], string]>([
    ["a name", [hook({ name: "Shipping" })], 'handlers[0].name is "Shipping": it must be 1 to 63 lower-case letters'],
    ["a name twice", [hook(), hook()], 'handlers[1].name is "shipping", the name of handlers[0] too'],
    ["an unknown field", [hook({ retries: 3 } as never)], "handlers[0].retries is an unknown field"],
    ["an unknown field of retry", [hook({ retry: { maxAttempt: 3 } })], "handlers[0].retry.maxAttempt is an unknown field"],
    ["maxAttempts", [hook({ retry: { maxAttempts: 0 } })], "handlers[0].retry.maxAttempts is 0: it must be a whole number from 1 to 1000"],
    ["jitter", [hook({ retry: { jitter: "some" } })], 'handlers[0].retry.jitter is "some": it must be "none", "full", "equal" or a ratio'],
    [
      "a first wait that would be cut",
      [hook({ retry: { initialDelayMs: 90_000 } })],
      "handlers[0].retry.initialDelayMs is 90000, above maxDelayMs, which is 60000",
    ],
    ["timeoutMs", [hook({ timeoutMs: 900_001 })], "handlers[0].timeoutMs is 900001: it must be a whole number from 1 to 900000"],
    ["concurrency", [hook({ concurrency: 257 })], "handlers[0].concurrency is 257: it must be a whole number from 1 to 256"],
    ["ordering", [hook({ ordering: "loose" })], 'handlers[0].ordering is "loose": it must be "strict" or "relaxed"'],
    ["startFrom", [hook({ startFrom: "end" })], 'handlers[0].startFrom is "end": it must be "beginning" or "now"'],
    ["partitions", [hook({ partitions: 65 })], "handlers[0].partitions is 65: it must be a whole number from 1 to 64"],
    ["no events", [hook({ events: [] })], 'handlers[0].events is an empty list: it must have at least one event type, or be ["*"]'],
    ['"*" beside others', [hook({ events: ["*", "order.placed"] })], 'handlers[0].events has "*" beside other types'],
    ["an unknown type", [hook({ events: ["order.plcaed"] })], 'handlers[0].events[0] is "order.plcaed", which is no event type of the catalog'],
    ["a former name", [hook({ events: ["order.created"] })], 'handlers[0].events[0] is "order.created", the former name of "order.placed"'],
    ["a type twice", [hook({ events: ["order.paid", "order.paid"] })], 'handlers[0].events[1] is "order.paid", which is listed already'],
    [
      "an override for another type",
      [hook({ retryByType: { "order.paid": {} } })],
      'handlers[0].retryByType["order.paid"] is for an event type that the handler does not take',
    ],
    ["a url", [hook({ url: "ftp://127.0.0.1/x" })], 'handlers[0].url is "ftp://127.0.0.1/x": it must be an http or https URL'],
    ["a header of ours", [hook({ headers: { "Webhook-Id": "1" } })], 'handlers[0].headers["Webhook-Id"] is set by Reprise itself: remove it'],
    ["no functions", [defineHandler({ name: "a", on: {} })], "handlers[0].on is empty"],
    ["what is no function", [defineHandler({ name: "a", on: { "order.placed": 3 as never } })], 'handlers[0].on["order.placed"] is 3: it must be a function'],
    [
      "a misspelt key",
      [defineHandler({ name: "a", on: { "order.plcaed": () => {} } })],
      'handlers[0].on["order.plcaed"] is "order.plcaed", which is no event type',
    ],
  ])("%s", (_, handlers, message) => {
    const error = refused(() => check(...handlers));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain(message);
  });

  it("keeps the catalog's own codes", () => {
    const two = defineEvent("a.b", { 1: z.object({}), 2: z.object({}) });
    expect(refused(() => checkConfig({ events: [two] })).code).toBe("UPCASTER_MISSING");
  });

  it.each<Partial<Record<keyof WebhookHandler, unknown>>>([
    { secret: "whsec_hunter2" },
    { secret: "hunter2" },
    { secret: [secret, "whsec_hunter2"] },
    { secret: ["hunter2", 7] },
    { secret: `whsec_${Buffer.from("hunter2".repeat(10)).toString("base64")}` },
    { headers: { authorization: "hunter2\n" } },
    { headers: { "bad name": "hunter2" } },
    { headers: ["hunter2"] },
    { url: "https://me:hunter2@example.org/" },
    { url: "ftp://example.org/?key=hunter2" },
    { url: "me:hunter2@example.org" },
    { hunter: "hunter2" } as never,
  ])("never shows a secret: %j", (options) => {
    const error = refused(() => check(hook(options)));
    expect(error.code).toBe("CONFIG_INVALID");
    const text = `${error.message} ${JSON.stringify(error.errors)}`;
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain(secret);
  });
});

describe("a handler's list of events", () => {
  const a = defineEvent("a.one", { 1: z.object({}) });
  const b = defineEvent("b.two", { 1: z.object({}) });
  const all = [a, b];
  const make = (own: readonly EventDefinition[] | undefined, ignore?: readonly string[]) =>
    checkConfig({
      events: all,
      handlers: [defineHandler({ name: "half", ...(own && { events: own }), ...(ignore && { ignore }), on: { "a.one": () => {} } } as never)],
    });

  it.each([
    ["a list of its own", [a, b]],
    ["the config's", all],
  ])("has a function for each that is not ignored: %s", (_, own) => {
    expect(refused(() => make(own)).message).toMatch(/handlers\[0\]\.events lists "?b\.two"?, for which `on` has no function/);
    expect(make(own, ["b.two"]).handlers[0]?.types).toEqual(["a.one"]);
  });

  it("may be left out", () => {
    expect(make([a]).handlers[0]?.types).toEqual(["a.one"]);
    expect(make(undefined).handlers[0]?.types).toEqual(["a.one"]);
  });

  it.each([
    ["has a function", all, ["b.two", "a.one"], 'handlers[0].ignore[1] is "a.one", for which `on` has a function'],
    ["is not listed", all, ["b.tow", "b.two"], 'handlers[0].ignore[0] is "b.tow", which `events` does not list'],
    ["is there twice", all, ["b.two", "b.two"], 'handlers[0].ignore[1] is "b.two", which is ignored already'],
    ["needs no ignoring", undefined, ["b.two"], 'handlers[0].ignore[0] is "b.two", but the handler has no list of `events`'],
    ["is no text", all, [b], "handlers[0].ignore[0] is an object: it must be an event type"],
  ] as const)("ignores no type that %s", (_, own, ignore, message) => {
    expect(refused(() => make(own, ignore as readonly string[])).message).toContain(message);
  });
});

it("takes a webhook's events by their definitions, too", () => {
  const mail = webhookHandler({
    name: "mail",
    url: "http://127.0.0.1:1/",
    events: [orderPlaced, "order.paid"],
    retryByType: { "order.paid": { maxAttempts: 7 } },
  });
  const [spec] = check(mail).handlers;
  expect([spec!.types, spec!.policies.of("order.paid").maxAttempts]).toEqual([["order.paid", "order.placed"], 7]);
});
