/** The HTTP side in somebody else's server: as a Fastify plugin, as a listener, under a path of its own. */
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import fastify from "fastify";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, Terminal } from "../../src/delivery/handler.ts";
import type { Store } from "../../src/store/store.ts";
import { answerTo } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });

async function desk(logged: object[] = []): Promise<Store> {
  const strict = defineHandler({
    ...{ name: "strict", events: [placed], startFrom: "beginning" },
    on: {
      "order.placed": (event) => {
        if (event.data.n < 0) throw new Terminal("negative");
      },
    },
  });
  const keep = (fields: object) => void logged.push(fields);
  const logger = { info: keep, warn: keep, error: keep };
  return startStore(defineConfig({ events: [placed], handlers: [strict] }), temporaryFolder(), { logger });
}

async function listening(listener: RequestListener, host = "127.0.0.1"): Promise<string> {
  const server = createServer(listener).listen(0, host);
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const order = (id: string, n: number) => ({ type: "order.placed", entity: { type: "order", id }, data: { n } });

async function ask(url: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(url, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : {}) as Readonly<Record<string, unknown>> };
}

/** All that a client meets under a path: the same in every kind of server. */
async function meets(base: string): Promise<void> {
  const at = new URL(base).pathname.replace(/\/$/, "");
  const longId = "x".repeat(256);
  for (const [index, id] of ["a", "b", longId].entries()) expect((await ask(`${base}/events`, order(id, index))).status).toBe(201);
  const appended = await ask(`${base}/events`, order("c", -1));
  const { position } = (appended.body.events as { position: string }[])[0]!;

  const first = await ask(`${base}/events?limit=3&after=${position}`);
  expect((first.body.events as unknown[]).length).toBe(3);
  const rest = await ask(`${base}/events?limit=3&cursor=${encodeURIComponent(String(first.body.next_cursor))}`);
  expect((rest.body.events as unknown[]).length).toBe(1);
  expect((await ask(`${base}/entities/order/${longId}/events`)).status).toBe(200);
  const batch = await ask(`${base}/events?limit=1`, undefined, { accept: "application/cloudevents-batch+json" });
  const [, link = ""] = /<([^>]+)>; rel="next"/.exec(batch.headers.get("link") ?? "") ?? [];
  expect(link.startsWith(`${at}/events?`)).toBe(true);
  expect((await ask(new URL(link, base).href)).status).toBe(200);

  const plan = await ask(`${base}/replays/plan`, { selection: { history: { handler: "strict" } } });
  const started = await ask(`${base}/replays`, { plan_id: plan.body.plan_id, reason: "to see", mode: "dry_run" });
  expect(started.status).toBe(202);
  const location = started.headers.get("location")!;
  expect(location.startsWith(`${at}/replays/`)).toBe(true);
  expect((await ask(new URL(location, base).href)).status).toBe(200);

  const page = await ask(`${base}/docs`);
  expect(page.headers.get("content-type")).toContain("text/html");
  for (const [, reference = ""] of page.text.matchAll(/(?:href|src)="([^"#]+)"/g))
    expect((await ask(new URL(reference, `${base}/docs`).href)).status).toBe(200);
  expect((await ask(`${base}/openapi.json`)).body.servers).toEqual([{ url: at === "" ? "/" : at }]);

  expect(await ask(`${base}/nothing?x=1`)).toMatchObject({ status: 404, body: { code: "NOT_FOUND", instance: `${at}/nothing` } });
  const wrong = await ask(`${base}/admin/dlq/x/replay`);
  expect(wrong).toMatchObject({ status: 405, body: { code: "METHOD_NOT_ALLOWED", instance: `${at}/admin/dlq/x/replay` } });
  expect(wrong.headers.get("allow")).toBe("POST");
  expect(await ask(`${base}/events`, order("d", 1.5))).toMatchObject({ status: 422, body: { code: "DATA_INVALID", instance: `${at}/events` } });
  expect(await ask(`${base}/events`, "x".repeat(4 * 1024 * 1024))).toMatchObject({ status: 413, body: { code: "BODY_TOO_LARGE" } });
  expect((await fetch(`${base}/events`, { method: "POST", headers: { "content-type": "application/json" }, body: "{" })).status).toBe(400);
  expect(await ask(`${base}/readyz`)).toMatchObject({ status: 200 });

  const { code, stdout, stderr } = await answerTo(["dlq", "ls", "-o", "json"], { url: `${base}/` });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`"negative"`);
}

it("is a Fastify plugin, under a prefix, behind the hooks of its host and beside the host's own routes", { timeout: 60_000 }, async () => {
  const logged: object[] = [];
  const store = await desk(logged);
  const host = fastify();
  const seen: string[] = [];
  host.addHook("onRequest", async (request, reply) => {
    seen.push(request.url);
    reply.header("x-host", "yes");
    if (request.headers["x-refused"] !== undefined) return reply.code(418).send({ host: "refuses" });
  });
  host.get("/mine", async () => ({ mine: true }));
  host.register(store.http(), { prefix: "/api/reprise" });
  onTestFinished(() => host.close());
  const url = await host.listen({ port: 0, host: "127.0.0.1" });
  await meets(`${url}/api/reprise`);

  expect(await ask(`${url}/mine`)).toMatchObject({ status: 200, body: { mine: true } });
  expect(await ask(`${url}/other`)).toMatchObject({ status: 404, body: { message: expect.stringContaining("/other") } });
  expect(await ask(`${url}/events`)).toMatchObject({ status: 404, body: { statusCode: 404 } });
  const posted = await ask(`${url}/api/reprise/events`, order("e", 1));
  expect(posted.headers.get("x-host")).toBe("yes");
  expect(posted.headers.get("x-request-id")).toEqual(expect.any(String));
  expect(await ask(`${url}/api/reprise/events`, order("f", 1), { "x-refused": "1" })).toMatchObject({ status: 418 });
  expect(await store.readEntity({ type: "order", id: "f" })).toMatchObject({ events: [] });
  expect(seen).toContain("/api/reprise/events");
  expect(logged).toContainEqual(expect.objectContaining({ method: "POST", route: "/events", status: 201 }));
  // It stands at any other place as well, also twice.
  const two = fastify();
  two.register(store.http(), { prefix: "/one" });
  two.register(async (inner) => void inner.register(store.http(), { prefix: "/deep" }), { prefix: "/two" });
  onTestFinished(() => two.close());
  for (const path of ["/one/events", "/two/deep/events"]) expect((await two.inject(path)).statusCode).toBe(200);
  expect((await two.inject("/two/deep/nothing")).json()).toMatchObject({ code: "NOT_FOUND", instance: "/two/deep/nothing" });
});

it("is a Fastify plugin without a prefix, for all that its host does not know", async () => {
  const store = await desk();
  const host = fastify();
  host.get("/mine", async () => ({ mine: true }));
  await host.register(store.http(), {});
  onTestFinished(() => host.close());
  expect((await host.inject("/mine")).json()).toEqual({ mine: true });
  expect((await host.inject("/events")).json()).toEqual({ events: [], next_cursor: null });
  expect((await host.inject({ method: "POST", url: "/events", payload: order("a", 1) })).statusCode).toBe(201);
});

it("is a listener for a server of one's own, under a prefix and without one", { timeout: 60_000 }, async () => {
  await meets(await listening((await desk()).http().listener));
  const store = await desk();
  const { listener } = store.http({ prefix: "/reprise/" });
  const url = await listening((request, response) => (request.url === "/mine" ? response.end("mine") : listener(request, response)));
  await meets(`${url}/reprise`);
  expect((await ask(`${url}/mine`)).text).toBe("mine");
  for (const path of ["/events", "/reprised/events", "/"])
    expect(await ask(`${url}${path}`)).toMatchObject({ status: 404, body: { code: "NOT_FOUND", instance: path } });
  expect((await ask(`${url}/reprise`)).status).toBe(404);
  await store.close();
  expect(await ask(`${url}/reprise/events`)).toMatchObject({ status: 503, body: { code: "CLOSED" } });
});

it.each([[undefined], ["/reprise"]])("finds the path that a framework has taken off, as Express does (prefix: %s)", async (prefix) => {
  const { listener } = (await desk()).http({ ...(prefix && { prefix }) });
  const url = await listening((request, response) => {
    const { url: whole = "/" } = request;
    Object.assign(request, { originalUrl: whole, url: whole.slice("/reprise".length) || "/" });
    listener(request, response);
  });
  await meets(`${url}/reprise`);
});

it.each([["reprise"], ["/a b"], ["/a?b"], ["//"], ["/a//b"]])("refuses the prefix %j", async (prefix) => {
  const store = await desk();
  if (prefix === "//") expect(store.http({ prefix }).listener).toBeTypeOf("function");
  else expect(() => store.http({ prefix })).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});

it("asks for keys where it is given a file of them, and refuses a file that cannot be used at once", async () => {
  const store = await desk();
  expect(() => store.http({ keys: join(temporaryFolder(), "none.json") })).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  const keys = join(temporaryFolder(), "keys.json");
  const made = await answerTo(["keys", "create", "--name", "shop", "--tenant", "*", "--role", "admin", "--file", keys]);
  const [key = ""] = /rpr_\w+/.exec(made.stdout) ?? [];
  const url = await listening(store.http({ keys }).listener);
  expect(await ask(`${url}/events`)).toMatchObject({ status: 401, body: { code: "KEY_MISSING" } });
  expect(await ask(`${url}/events`, undefined, { authorization: `Bearer ${key}` })).toMatchObject({ status: 200 });
  expect((await answerTo(["events", "ls", "--key", key], { url })).code).toBe(0);
});

it("answers this machine only without keys, wherever its server listens and whatever the Host header says", async () => {
  const store = await desk();
  const url = await listening(store.http().listener, "0.0.0.0");
  expect((await ask(`${url}/events`)).status).toBe(200);
  const [address] = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).filter(({ family, internal }) => family === "IPv4" && !internal));
  if (address === undefined) return; // a machine without a network
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port: Number(new URL(url).port), host: address.address, localAddress: address.address });
    let text = "";
    socket.setEncoding("utf8").on("data", (more: string) => (text += more));
    socket.on("close", () => resolve(text)).on("error", reject);
    socket.write("GET /events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  });
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer).toContain("ORIGIN_REFUSED");
});
