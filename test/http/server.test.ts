import { once } from "node:events";
import { connect } from "node:net";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { RepriseError } from "../../src/errors.ts";
import { systemClock } from "../../src/event/clock.ts";
import { serve } from "../../src/http/server.ts";
import type { Store } from "../../src/store/store.ts";
import { eventId, type FakeStore, makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, serverOver, silent } from "../support/http.ts";

const later = ["GET /", "GET /events/", "POST /nowhere"];

describe("routing", () => {
  it.each(later)("%s is not there", async (line) => {
    const [method, url] = line.split(" ") as ["GET" | "POST" | "PATCH", string];
    expectProblem(await serverOver(makeFakeStore()).inject({ method, url, headers: { "content-type": "text/plain" }, payload: "{" }), 404, "NOT_FOUND");
  });

  it.each([
    ["DELETE", "/events", "GET, HEAD, POST"],
    ["POST", `/events/${eventId}`, "GET, HEAD"],
    ["PUT", "/entities/order/o-1", "GET, HEAD"],
    ["DELETE", "/replays/x", "GET, HEAD, PATCH"],
    ["GET", "/admin/dlq/x/replay", "POST"],
    ["OPTIONS", "/handlers", "GET, HEAD"],
  ] as const)("%s %s is METHOD_NOT_ALLOWED", async (method, url, allow) => {
    const answer = await serverOver(makeFakeStore()).inject({ method, url });
    expectProblem(answer, 405, "METHOD_NOT_ALLOWED");
    expect(answer.headers.allow).toBe(allow);
  });

  it("GET /events/stream is not read as the event with the id `stream`", async () => {
    expectProblem(await serverOver(makeFakeStore()).inject("/events/stream"), 429, "LIMIT_REACHED");
  });
});

describe("without keys", () => {
  const ask = (headers: Record<string, string>) => serverOver(makeFakeStore()).inject({ url: "/healthz", headers });

  it.each([
    { host: "127.0.0.1:4680" },
    { host: "localhost" },
    { host: "LOCALHOST:1" },
    { host: "[::1]:4680" },
    { host: "127.0.0.1:4680", origin: "http://localhost:3000" },
    { host: "127.0.0.1:4680", origin: "http://[::1]" },
  ])("answers %o", async (headers) => {
    expect((await ask(headers)).statusCode).toBe(200);
  });

  it.each([
    { host: "reprise.example" },
    { host: "127.0.0.1.evil.example:4680" },
    { host: "localhost.evil.example" },
    { host: "192.168.1.5:4680" },
    { host: "127.0.0.1:4680", origin: "https://evil.example" },
    { host: "127.0.0.1:4680", origin: "null" },
    { host: "127.0.0.1:4680", origin: "http://localhost.evil.example" },
    { host: "127.0.0.1:4680", origin: "file://localhost" },
  ])("refuses %o", async (headers) => {
    expectProblem(await ask(headers), 403, "ORIGIN_REFUSED");
  });

  it.each([
    ["http://127.0.0.1:4680", "127.0.0.1:4680"],
    ["http://localhost:4680", "LOCALHOST:4680"],
    ["https://localhost", "localhost:443"],
    ["http://[::1]:4680", "[::1]:4680"],
    [undefined, "127.0.0.1:4680"],
  ])("lets a page of the service's own act: %s at %s", async (origin, host) => {
    const store = makeFakeStore();
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    expect((await serverOver(store).inject({ method: "POST", url: "/views/rebuild", headers })).statusCode).toBe(202);
  });

  it.each([
    ["http://localhost:3000", "localhost:4680"],
    ["http://localhost:4680", "127.0.0.1:4680"],
    ["http://127.0.0.1", "127.0.0.1:4680"],
    ["http://127.0.0.1:4680", "127.0.0.1"],
    ["http://127.0.0.2:4680", "127.0.0.1:4680"],
    ["http://127.0.0.1:4680/console", "127.0.0.1:4680"],
    ["http://user@127.0.0.1:4680", "127.0.0.1:4680"],
    ["null", "127.0.0.1:4680"],
    ["", "127.0.0.1:4680"],
  ])("lets no other page act: %s at %s", async (origin, host) => {
    const store = makeFakeStore();
    for (const [method, url] of [
      ["POST", "/events"],
      ["POST", `/admin/dlq/${eventId}/discard`],
      ["PATCH", `/replays/${eventId}`],
      ["DELETE", "/nowhere"],
    ] as const)
      expectProblem(await serverOver(store).inject({ method, url, headers: { host, origin } }), 403, "ORIGIN_REFUSED");
    expect(store.calls).toEqual([]);
  });

  it("refuses a foreign origin before it looks at anything else of the request", async () => {
    const store = makeFakeStore();
    const headers = { host: "evil.example", "content-type": "text/plain" };
    expectProblem(await serverOver(store).inject({ method: "POST", url: "/nowhere", headers, payload: "{" }), 403, "ORIGIN_REFUSED");
    expect(store.calls).toEqual([]);
  });
});

describe("the log of requests", () => {
  it("has one line each, without queries, payloads or headers", async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const app = serverOver(makeFakeStore(), logger);
    await app.inject({ url: "/entities/order/secret-id?after=1", headers: { "x-secret": "secret" } });
    await app.inject({ method: "POST", url: "/events?q=secret", payload: { secret: 1 } });
    const answer = await app.inject("/secret");
    expect(lines).toMatchObject([
      { method: "GET", route: "/entities/:type/:id", status: 404, code: "NOT_FOUND", msg: "request" },
      { method: "POST", route: "/events", status: 400, code: "REQUEST_INVALID" },
      { method: "GET", route: null, status: 404, request_id: answer.json().request_id },
    ]);
    expect(lines[0]).toHaveProperty("duration_ms");
    expect(JSON.stringify(lines)).not.toContain("secret");
    expect(answer.headers["x-request-id"]).toBe(answer.json().request_id);
  });

  it("has the cause of a 500, under the request's id", async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const app = serverOver(makeFakeStore({ views: { handlers: () => Promise.reject(new TypeError("boom")) } }), logger);
    const { request_id } = (await app.inject("/handlers")).json();
    expect(lines).toMatchObject([
      { level: 50, err: { type: "TypeError", message: "boom" }, request_id },
      { status: 500, request_id },
    ]);
  });

  it("has no stack for what is refused because the log takes nothing: thousands are while its disk is full", async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const refuse = () => Promise.reject(new RepriseError("LOG_FULL", "Storing an append failed.", { cause: new Error("SQLITE_FULL") }));
    const app = serverOver(makeFakeStore({ store: { append: refuse } }), logger);
    const payload = { type: "order.placed", entity: { type: "order", id: "o-1" }, data: {} };
    const { request_id } = (await app.inject({ method: "POST", url: "/events", payload })).json();
    expect(lines).toEqual([
      { level: 40, code: "LOG_FULL", detail: "Storing an append failed.", request_id, msg: "request failed" },
      expect.objectContaining({ status: 503, code: "LOG_FULL", request_id }),
    ]);
  });
});

describe("on a real socket", () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  async function listen(replace: Partial<Store> = {}): Promise<{ store: FakeStore; url: string; port: number; close: () => Promise<void> }> {
    const store = makeFakeStore({ store: replace });
    const { url, close } = await serve({ store, logger: silent, clock: systemClock, host: "127.0.0.1", port: 0 });
    stops.push(close);
    return { store, url, port: Number(new URL(url).port), close };
  }

  /** Sends raw bytes and reads until the server ends the connection. */
  async function exchange(port: number, send: (write: (bytes: string) => Promise<void>, end: () => void) => Promise<void>): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("error", () => {});
    const closed = once(socket, "close");
    await once(socket, "connect");
    await send(
      (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
      () => socket.destroy(),
    );
    await closed;
    return answer;
  }

  const head = "POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nconnection: close\r\n";
  const event = JSON.stringify({ type: "order.placed", entity: { type: "order", id: "o-1" }, data: 1 });

  it("answers, logs its url, and closes", async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) });
    const { url, close } = await serve({ store: makeFakeStore(), logger, clock: systemClock, host: "127.0.0.1", port: 0 });
    expect(lines[0]).toMatchObject({ msg: "listening", url });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await close();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
  });

  it("finishes what is under way when it closes", async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const store = {
      async replay() {
        entered.resolve();
        await release.promise;
        return { status: "replayed", replayId: "r", deliveryId: "d", originalEventId: "e", error: null, position: "1" } as const;
      },
    };
    const { url, close } = await listen(store);
    const answer = fetch(`${url}/admin/dlq/x/replay`, { method: "POST" });
    await entered.promise;
    const closing = close();
    release.resolve();
    expect((await answer).status).toBe(200);
    await closing;
  });

  it("answers 413 to a chunked body that is too large, after reading it", async () => {
    const { store, port } = await listen();
    const chunk = "x".repeat(64 * 1024);
    const answer = await exchange(port, async (write) => {
      await write(`${head}transfer-encoding: chunked\r\n\r\n`);
      for (let sent = 0; sent < 5 * 1024 * 1024; sent += chunk.length) await write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      await write("0\r\n\r\n");
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"BODY_TOO_LARGE"');
    expect(store.calls).toEqual([]);
  });

  it("answers 413 to a declared body of 5 MB", async () => {
    const { store, url } = await listen();
    const response = await fetch(`${url}/events`, { method: "POST", headers: { "content-type": "application/json" }, body: "x".repeat(5_000_000) });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "BODY_TOO_LARGE" });
    expect(store.calls).toEqual([]);
  });

  it("stores nothing when the client goes away within the body, even a complete document", async () => {
    const { store, port, url } = await listen();
    await exchange(port, async (write, end) => {
      await write(`${head}content-length: ${event.length + 5}\r\n\r\n${event}`);
      end();
    });
    await exchange(port, async (write, end) => {
      await write(`${head}transfer-encoding: chunked\r\n\r\n${event.length.toString(16)}\r\n${event}\r\n`);
      end();
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(store.calls).toEqual([]);
  });

  it("stores nothing when content-length is shorter than the document", async () => {
    const { store, port } = await listen();
    const answer = await exchange(port, (write) => write(`${head}content-length: ${event.length - 3}\r\n\r\n${event}`));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(store.calls).toEqual([]);
  });

  it("answers bytes that are no HTTP with a problem", async () => {
    const { port } = await listen();
    const answer = await exchange(port, (write) => write("HELLO\r\n\r\n"));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"REQUEST_UNREADABLE"');
  });

  it("refuses a foreign Host whose name resolves to this machine", async () => {
    const { port } = await listen();
    expect(await exchange(port, (write) => write("GET /healthz HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"))).toMatch(/^HTTP\/1\.1 403 /);
  });
});
