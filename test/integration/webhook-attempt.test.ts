import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, Socket } from "node:net";
import { Webhook } from "standardwebhooks";
import { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AttemptRequest } from "../../src/delivery/attempt/attempt.ts";
import { makeWebhookAttempt } from "../../src/delivery/attempt/webhook-attempt.ts";
import { type WebhookHandler, webhookHandler } from "../../src/delivery/handler.ts";
import { isRepriseError } from "../../src/errors.ts";
import type { CurrentEvent, EventMetadata } from "../../src/event/event.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { inFlight } from "../support/in-flight.ts";
import { noAppend } from "../support/no-appends.ts";

const dayMs = 86_400_000;
const deliveryId = "3b0e9f0c-6f5c-5e0e-8a55-000000000001";

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let clock: FakeClock;
let url: string;
let received: Received[];
let sockets: Set<Socket>;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let ends: (() => Promise<unknown>)[];

beforeEach(async () => {
  clock = makeFakeClock(Date.now()); // signatures are verified against the real clock
  received = [];
  sockets = new Set();
  answer = (_request, response) => void response.end();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?team=a`;
  ends = [
    () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  ];
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
});

function attemptOf(options: Partial<WebhookHandler> = {}, dispatcher?: Agent) {
  const definition = webhookHandler({ name: "shipping", url, events: ["*"], ...options });
  if (definition.kind !== "webhook") throw new Error("webhookHandler makes webhooks");
  const attempt = makeWebhookAttempt(definition, dispatcher === undefined ? { clock } : { clock, dispatcher });
  ends.push(() => attempt.close());
  return Object.assign(inFlight(attempt), { close: () => attempt.close() });
}

const metadata: EventMetadata = {
  correlationId: "c-1",
  causationId: "0199a1b2-0000-7000-8000-000000000009",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  callChain: ["planner", "buyer"],
  priority: "high",
  contextRefs: [
    { kind: "doc", ref: "s3://briefs/1" },
    { kind: "trace", ref: "t-7" },
  ],
  extensions: { region: "eu", shard: 7, urgent: true },
};

const event: CurrentEvent = {
  id: "0199a1b2-0000-7000-8000-000000000001",
  type: "order.placed",
  schemaVersion: 2,
  entity: { type: "order", id: "o/1" },
  tenant: "default",
  source: "buyer",
  occurredAt: "2025-12-31T23:59:00.000Z",
  recordedAt: "2026-01-01T00:00:00.000Z",
  data: { orderId: "o/1", note: "Grüße 😀" },
  metadata,
  revision: 3,
  position: "12",
  origin: null,
};

function requestOf(changes: Partial<AttemptRequest> = {}): AttemptRequest {
  const signal = new AbortController().signal;
  return {
    event,
    attempt: 2,
    deliveryId,
    replay: null,
    effect: async (_key, effect) => effect(),
    append: noAppend,
    timeoutMs: 1000,
    nonRetryable: [],
    signal,
    ...changes,
  };
}

const outcomeOf = (options: Partial<WebhookHandler> = {}, changes: Partial<AttemptRequest> = {}) => attemptOf(options)(requestOf(changes)).outcome;

/** Waits for the receiver to have the whole request. */
async function arrival(): Promise<void> {
  await expect.poll(() => received.length, { interval: 2 }).toBeGreaterThan(0);
}

async function allSocketsClosed(): Promise<void> {
  await expect.poll(() => [...sockets].every(({ destroyed }) => destroyed), { interval: 2 }).toBe(true);
}

describe("what a webhook gets", () => {
  it("is the event as a CloudEvent, by POST", async () => {
    expect(await outcomeOf()).toEqual({ kind: "completed", httpStatus: 200 });
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ method: "POST", path: "/hook?team=a" });
    expect(received[0]?.headers).toMatchObject({
      "content-type": "application/cloudevents+json",
      "webhook-id": deliveryId,
      "webhook-timestamp": `${Math.floor(clock.now() / 1000)}`,
      traceparent: metadata.traceparent,
    });
    expect(JSON.parse(received[0]!.body)).toEqual({
      specversion: "1.0",
      id: event.id,
      type: "order.placed",
      source: "buyer",
      subject: "order/o/1",
      time: "2025-12-31T23:59:00.000Z",
      datacontenttype: "application/json",
      data: event.data,
      schemaversion: 2,
      revision: 3,
      recordedtime: "2026-01-01T00:00:00.000Z",
      tenant: "default",
      priority: "high",
      correlationid: "c-1",
      causationid: metadata.causationId,
      traceparent: metadata.traceparent,
      callchain: "planner,buyer",
      contextrefs: "doc:s3://briefs/1,trace:t-7",
      region: "eu",
      shard: 7,
      urgent: true,
      deliveryid: deliveryId,
      attempt: 2,
    });
  });

  it("leaves out what the event has not, and names reprise as its source", async () => {
    await outcomeOf({}, { event: { ...event, source: null, occurredAt: null, metadata: { priority: "normal", callChain: [] }, data: null } });
    const body = JSON.parse(received[0]!.body);
    expect(body).toMatchObject({ source: "reprise", time: "2026-01-01T00:00:00.000Z", priority: "normal", data: null });
    for (const name of ["correlationid", "causationid", "traceparent", "callchain", "contextrefs", "replayid"]) expect(body).not.toHaveProperty(name);
    expect(received[0]?.headers).not.toHaveProperty("traceparent");
    expect(received[0]?.headers).not.toHaveProperty("webhook-signature");
  });

  it("names the replay that delivers it", async () => {
    await outcomeOf({}, { replay: { id: "r-1", reason: "fixed", mode: "run", effects: "once" } });
    expect(JSON.parse(received[0]!.body)).toHaveProperty("replayid", "r-1");
  });

  it("keeps a producer's extension from passing for one of Reprise's own attributes", async () => {
    await outcomeOf(
      {},
      { event: { ...event, metadata: { priority: "low", extensions: { replayid: "r-9", tenant: "other", callchain: "x", data_base64: "eA==" } } } },
    );
    const body = JSON.parse(received[0]!.body);
    expect(body.tenant).toBe("default");
    for (const name of ["replayid", "callchain", "data_base64"]) expect(body).not.toHaveProperty(name);
  });

  it("carries the user's headers", async () => {
    await outcomeOf({ headers: { Authorization: "Bearer t", "User-Agent": "desk", "x-tenant": "a" } });
    expect(received[0]?.headers).toMatchObject({ authorization: "Bearer t", "user-agent": "desk", "x-tenant": "a" });
  });

  it("leaves out a traceparent that does not fit into a header", async () => {
    await outcomeOf({}, { event: { ...event, metadata: { priority: "low", traceparent: "a\r\nx-evil: 1" } } });
    expect(received[0]?.headers).not.toHaveProperty("x-evil");
    expect(JSON.parse(received[0]!.body).traceparent).toBe("a\r\nx-evil: 1");
  });
});

describe("the signature", () => {
  const secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `whsec_${Buffer.from("the next secret").toString("base64")}`] as const;

  it("is verified by any Standard Webhooks library", async () => {
    await outcomeOf({ secret: secrets[0] });
    const { body, headers } = received[0]!;
    expect(new Webhook(secrets[0]).verify(body, headers as Record<string, string>)).toHaveProperty("id", event.id);
    expect(() => new Webhook(secrets[0]).verify(`${body} `, headers as Record<string, string>)).toThrow("No matching signature");
  });

  it("is there for each secret while they rotate", async () => {
    await outcomeOf({ secret: secrets });
    const { body, headers } = received[0]!;
    expect(headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
    for (const secret of secrets) expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toHaveProperty("id", event.id);
    expect(() => new Webhook("whsec_b3RoZXI=").verify(body, headers as Record<string, string>)).toThrow("No matching signature");
  });
});

describe("what cannot be used", () => {
  it.each([
    { what: "a secret that is no base64", options: { secret: "whsec_se*cret" } },
    { what: "an empty secret", options: { secret: ["whsec_"] } },
    { what: "a header of our own", options: { headers: { "Webhook-Id": "se*cret" } } },
    { what: "a header with a line break", options: { headers: { "x-a": "se*cret\r\nx-b: 1" } } },
    { what: "a header without a name", options: { headers: { "": "se*cret" } } },
  ])("is refused before any call, and not shown: $what", ({ options }) => {
    let refused: unknown;
    try {
      attemptOf(options);
    } catch (error) {
      refused = error;
    }
    expect(isRepriseError(refused, "CONFIG_INVALID")).toBe(true);
    expect(String(refused)).toContain("handler shipping");
    expect(String(refused)).not.toContain("se*cret");
  });
});

describe("an answer", () => {
  it.each([
    { status: 200, expected: { kind: "completed" } },
    { status: 201, expected: { kind: "completed" } },
    { status: 202, expected: { kind: "completed" } },
    { status: 204, expected: { kind: "completed" } },
    { status: 299, expected: { kind: "completed" } },
    { status: 304, expected: { kind: "failed", class: "transient", error: { type: "HttpError", message: "HTTP 304" } } },
    { status: 400, expected: { kind: "failed", class: "transient", error: { type: "HttpError", message: "HTTP 400" } } },
    { status: 404, expected: { kind: "failed", class: "transient", error: { type: "HttpError", message: "HTTP 404" } } },
    { status: 410, expected: { kind: "gone", error: { type: "HttpError", message: "HTTP 410" } } },
    { status: 422, expected: { kind: "failed", class: "terminal", error: { type: "HttpError", message: "HTTP 422" } } },
    { status: 429, expected: { kind: "deferred", error: { type: "HttpError", message: "HTTP 429" }, retryAfterMs: null, by: "receiver" } },
    { status: 500, expected: { kind: "failed", class: "transient", error: { type: "HttpError", message: "HTTP 500" } } },
    { status: 503, expected: { kind: "failed", class: "transient", error: { type: "HttpError", message: "HTTP 503" } } },
    { status: 599, expected: { kind: "failed", class: "transient", error: { type: "HttpError", message: "HTTP 599" } } },
  ])("$status is $expected.kind $expected.class", async ({ status, expected }) => {
    answer = (_request, response) => void response.writeHead(status).end();
    expect(await outcomeOf()).toEqual({ ...expected, httpStatus: status });
  });

  it("that redirects is not followed", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      answer = (_request, response) => void response.writeHead(status, { location: url }).end();
      expect(await outcomeOf()).toMatchObject({ kind: "failed", class: "transient", httpStatus: status });
    }
    expect(received).toHaveLength(5);
  });

  it("is terminal when nonRetryable says so", async () => {
    answer = (_request, response) => void response.writeHead(500).end();
    expect(await outcomeOf({}, { nonRetryable: ["HttpError"] })).toMatchObject({ kind: "failed", class: "terminal" });
  });

  const now = Date.now(); // one for all: times of two seconds would be a second further apart
  const until = (ms: number) => new Date(now + ms).toUTCString();
  it.each([
    { retryAfter: "0", expected: 0 },
    { retryAfter: "7", expected: 7000 },
    { retryAfter: "86401", expected: dayMs },
    { retryAfter: "9".repeat(400), expected: dayMs },
    { retryAfter: until(90_000), date: until(30_000), expected: 60_000 },
    { retryAfter: until(-90_000), expected: 0 },
    { retryAfter: until(3 * dayMs), expected: dayMs },
    { retryAfter: "Sunday, 06-Nov-94 08:49:37 GMT", date: "Sun, 06 Nov 1994 08:49:30 GMT", expected: 7000 },
    { retryAfter: "Sun Nov  6 08:49:37 1994", date: "Sun, 06 Nov 1994 08:49:30 GMT", expected: 7000 },
    { retryAfter: "-5", expected: null },
    { retryAfter: "1.5", expected: null },
    { retryAfter: "soon", expected: null },
    { retryAfter: "Sunday", expected: null },
    { retryAfter: "", expected: null },
  ])("may set the next attempt: Retry-After $retryAfter", async ({ retryAfter, date, expected }) => {
    for (const status of [429, 503]) {
      answer = (_request, response) => void response.writeHead(status, { "retry-after": retryAfter, ...(date !== undefined && { date }) }).end();
      const outcome = await outcomeOf();
      if (status === 503 && expected === null) expect(outcome).toMatchObject({ kind: "failed", class: "transient" });
      else expect(outcome).toMatchObject({ kind: "deferred", retryAfterMs: expected });
    }
  });

  it("counts from our clock where the receiver tells no date of its own", async () => {
    answer = (_request, response) => {
      response.sendDate = false;
      response.writeHead(429, { "retry-after": new Date(Math.floor(clock.now() / 1000) * 1000 + 60_000).toUTCString() }).end();
    };
    const outcome = await outcomeOf();
    if (outcome.kind !== "deferred") return expect.fail(outcome.kind);
    expect(outcome.retryAfterMs).toBeGreaterThan(59_000 - 1);
    expect(outcome.retryAfterMs).toBeLessThanOrEqual(60_000);
  });
});

describe("the body of an answer", () => {
  const headOf = async (body: Buffer | string) => {
    answer = (_request, response) => void response.writeHead(500).end(body);
    const outcome = await outcomeOf();
    return outcome.kind === "failed" ? outcome.responseHead : expect.fail(outcome.kind);
  };

  it("is kept as text, invalid UTF-8 replaced", async () => {
    expect(await headOf("out of stöck")).toBe("out of stöck");
    expect(await headOf(Buffer.from([0x61, 0xff, 0x62]))).toBe("a\uFFFDb");
  });

  it("is kept up to 4 KiB, in whole characters", async () => {
    expect(await headOf("x".repeat(5000))).toBe("x".repeat(4096));
    expect(await headOf(`x${"é".repeat(5000)}`)).toBe(`x${"é".repeat(2047)}`);
    expect(Buffer.byteLength((await headOf(Buffer.alloc(5000, 0xff))) ?? "")).toBeLessThanOrEqual(4096);
  });

  it("is dropped beyond 4 KiB, with its connection, when it has no end", async () => {
    answer = (_request, response) => {
      response.writeHead(200);
      const pour = () => {
        while (!response.destroyed && response.write("y".repeat(65_536)));
      };
      response.on("drain", pour);
      pour();
    };
    expect(await outcomeOf()).toEqual({ kind: "completed", httpStatus: 200, responseHead: "y".repeat(4096) });
    await allSocketsClosed();
  });
});

describe("connections", () => {
  it("are kept for the next call, at most as many as the handler's concurrency", async () => {
    const attempt = attemptOf({ concurrency: 2 });
    answer = (_request, response) => void response.end("thanks");
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all([1, 2, 3, 4].map(() => attempt(requestOf()).outcome));
      expect(outcomes.map(({ kind }) => kind)).toEqual(["completed", "completed", "completed", "completed"]);
    }
    expect([received.length, sockets.size]).toEqual([12, 2]);
  });
});

describe("a failing exchange", () => {
  it("is ECONNREFUSED where nobody listens", async () => {
    const server = createTcpServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await outcomeOf({ url: `http://127.0.0.1:${port}/` })).toEqual({
      kind: "failed",
      class: "transient",
      error: { type: "ECONNREFUSED", message: `ECONNREFUSED 127.0.0.1:${port}` },
    });
  });

  it("is ECONNREFUSED, too, when several addresses were tried", async () => {
    const error = new AggregateError([Object.assign(new Error("::1"), { code: "ECONNREFUSED" }), new Error("127.0.0.1")]);
    const agent = new Agent({ connect: (_options, callback) => callback(error, null) });
    expect(await attemptOf({ url: "http://localhost:9/" }, agent)(requestOf()).outcome).toMatchObject({
      error: { type: "ECONNREFUSED", message: "ECONNREFUSED localhost:9" },
    });
  });

  it("is ENOTFOUND for a name that nobody knows", async () => {
    const error = Object.assign(new Error("getaddrinfo ENOTFOUND nowhere.invalid"), { code: "ENOTFOUND" });
    const agent = new Agent({ connect: { lookup: (_name, _options, callback) => callback(error, []) } });
    ends.push(() => agent.destroy());
    expect(await attemptOf({ url: "https://user:se*cret@nowhere.invalid/hook?key=se*cret" }, agent)(requestOf()).outcome).toEqual({
      kind: "failed",
      class: "transient",
      error: { type: "ENOTFOUND", message: "ENOTFOUND nowhere.invalid" },
    });
  });

  it.each([
    { how: "reset", end: (socket: Socket) => void socket.resetAndDestroy() },
    { how: "closed", end: (socket: Socket) => void socket.destroy() },
  ])("is ECONNRESET when the connection is $how before an answer", async ({ end }) => {
    answer = (request) => end(request.socket);
    expect(await outcomeOf()).toEqual({
      kind: "failed",
      class: "transient",
      error: { type: "ECONNRESET", message: `ECONNRESET ${new URL(url).host}` },
    });
  });

  it("is ECONNRESET when the answer breaks off, with what came of it", async () => {
    answer = (request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half an ans", () => request.socket.destroy());
    };
    expect(await outcomeOf()).toEqual({
      kind: "failed",
      class: "transient",
      error: { type: "ECONNRESET", message: `ECONNRESET ${new URL(url).host}` },
      httpStatus: 200,
      responseHead: "half an ans",
    });
  });

  it("is named when the answer is no HTTP, and terminal when nonRetryable names it", async () => {
    answer = (request) => void request.socket.end("SSH-2.0-OpenSSH\r\n\r\n");
    expect(await outcomeOf()).toMatchObject({ kind: "failed", class: "transient", error: { type: "HTTPParserError" } });
    expect(await outcomeOf({}, { nonRetryable: ["HTTPParserError"] })).toMatchObject({ kind: "failed", class: "terminal" });
  });

  it("never throws, not even for data that is no JSON", async () => {
    expect(await outcomeOf({}, { event: { ...event, data: { total: 1n } } })).toMatchObject({ kind: "failed", error: { type: "TypeError" } });
    expect(received).toEqual([]);
  });
});

describe("when its time is up", () => {
  const error = { type: "TimeoutError", message: "no complete answer within 1000 ms" };

  it("fails and settles, with the socket destroyed, if no answer has begun", async () => {
    answer = () => {};
    const { outcome, settled } = attemptOf()(requestOf());
    await arrival();
    await clock.advance(1000);
    expect(await outcome).toEqual({ kind: "failed", class: "timeout", error });
    await settled;
    await allSocketsClosed();
  });

  it("fails also in the middle of a body", async () => {
    const written = Promise.withResolvers<void>();
    answer = (_request, response) => {
      response.writeHead(202);
      response.write("working", () => written.resolve());
    };
    const { outcome, settled } = attemptOf()(requestOf());
    await written.promise;
    await clock.advance(999);
    answer = (_request, response) => void response.end();
    await attemptOf()(requestOf()).outcome; // a whole other exchange later the head has long arrived
    await clock.advance(1);
    expect(await outcome).toEqual({ kind: "failed", class: "timeout", error, httpStatus: 202, responseHead: "working" });
    await settled;
    await expect.poll(() => [...sockets].some(({ destroyed }) => destroyed), { interval: 2 }).toBe(true);
  });

  it("fails and settles while it still connects, and sends nothing later", async () => {
    const route = Promise.withResolvers<void>();
    const agent = new Agent({
      connect: async ({ port, hostname }, callback) => {
        await route.promise;
        const socket = new Socket().connect(Number(port), hostname, () => callback(null, socket));
      },
    });
    ends.push(() => agent.destroy());
    const attempt = attemptOf({}, agent);
    const { outcome, settled } = attempt(requestOf());
    await clock.advance(1000);
    expect(await outcome).toEqual({ kind: "failed", class: "timeout", error });
    await settled;
    route.resolve();
    await attempt(requestOf({ attempt: 3 })).outcome;
    expect(received.map(({ body }) => JSON.parse(body).attempt)).toEqual([3]);
  });
});

describe("when the service stops", () => {
  it("abandons the call and destroys its socket", async () => {
    answer = () => {};
    const service = new AbortController();
    const { outcome, settled } = attemptOf()(requestOf({ signal: service.signal }));
    await arrival();
    service.abort();
    expect(await outcome).toEqual({ kind: "abandoned" });
    await settled;
    await allSocketsClosed();
  });

  it("abandons calls that close cuts off, and sends nothing afterwards", async () => {
    answer = () => {};
    const attempt = attemptOf();
    const { outcome } = attempt(requestOf());
    await arrival();
    await attempt.close();
    expect(await outcome).toEqual({ kind: "abandoned" });
    expect(await attempt(requestOf()).outcome).toEqual({ kind: "abandoned" });
    expect(await attemptOf()(requestOf({ signal: AbortSignal.abort() })).outcome).toEqual({ kind: "abandoned" });
    expect(received).toHaveLength(1);
  });
});
