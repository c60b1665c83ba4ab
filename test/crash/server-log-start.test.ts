import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import type { EntityReply } from "../../src/http/wire/entities.ts";
import type { ReadyReply } from "../../src/http/wire/service.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { getAll, makeSite, type Service, type Site, startListening, startService, until, untilQuiet } from "../support/crash-service.ts";
import { type Fault, startStandIn } from "../support/eventstore-stand-in/server.ts";
import { makeLogServer, startLogServer } from "../support/log-server.ts";
import { someOf } from "../support/sizes.ts";

const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({ name: "hook", url: "${receiver}/hook", events: ["*"] })],
});
`;

/** docs/operating.md: a service that is told to stop ends within 10 s. */
const stopsWithinMs = 10_000;

async function append(url: string, entity = "a", id = v7()) {
  const event = { id, type: "thing.happened", entity: { type: "thing", id: entity }, data: {} };
  const response = await fetch(`${url}/events`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(event) });
  return { status: response.status, retryAfter: response.headers.get("retry-after"), body: (await response.json()) as object };
}

async function ready(url: string): Promise<ReadyReply & { readonly code: number }> {
  const response = await fetch(`${url}/readyz`);
  return { code: response.status, ...((await response.json()) as ReadyReply) };
}

/** Starts the service and waits until its log has answered. */
async function startReady(site: Site) {
  const service = await startListening(site);
  await until("the log", async () => (await ready(service.url)).code === 200);
  return service;
}

async function terminate(service: Service): Promise<number> {
  const startedMs = performance.now();
  service.send("SIGTERM");
  expect(await service.ended, service.stderr()).toMatchObject({ code: 0 });
  return Math.round(performance.now() - startedMs);
}

describe("a service whose log server is not there at start", { timeout: 60_000 }, () => {
  it("answers, says what it waits for, refuses appends for now, and comes up by itself", async () => {
    const server = await makeLogServer();
    const receiver = await startReceiver(() => 204);
    const service = await startListening(makeSite(config(receiver.url), server.url));
    expect(await ready(service.url)).toMatchObject({ code: 503, status: "not_ready", waits_for: expect.stringMatching(/^the log: .*cannot be reached/) });
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    const id = v7();
    expect(await append(service.url, "a", id)).toMatchObject({ status: 503, retryAfter: "1", body: { code: "LOG_UNAVAILABLE" } });
    expect((await fetch(`${service.url}/admin/dlq`)).status).toBe(503);
    await server.start();
    const startedMs = performance.now();
    await until("the service to be ready", async () => (await ready(service.url)).code === 200);
    console.log(`log server at last: ready after ${Math.round(performance.now() - startedMs)} ms`);
    expect(await append(service.url, "a", id)).toMatchObject({ status: 201 });
    await until("the call", () => receiver.calls().length === 1);
    await terminate(service);
  });

  it.each(someOf(1, ["frozen", "absent"]))("stops on SIGTERM while it waits: the server %s", async (how) => {
    const server = await makeLogServer();
    if (how === "frozen") {
      await server.start();
      await server.send("SIGSTOP");
    }
    const service = await startListening(makeSite(config("http://127.0.0.1:9"), server.url));
    expect(await ready(service.url)).toMatchObject({ code: 503 });
    const tookMs = await terminate(service);
    console.log(`SIGTERM while it waits for a server that is ${how}: ${tookMs} ms`);
    expect(tookMs).toBeLessThan(stopsWithinMs);
  });

  it.each<Fault>(someOf(1, ["unauthenticated", "denied"]))("does not wait when the server refuses it: %s", async (fault) => {
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    server.failNext("read", fault, 1000);
    const service = startService(makeSite(config("http://127.0.0.1:9"), server.connectionString));
    expect(await service.listening).toBeNull();
    expect(await service.ended).toMatchObject({ code: 2 });
    expect(service.stderr()).toMatch(/^Reprise cannot start\.\n.*the server does not accept these credentials, or does not allow it\.\n$/);
  });
});

describe("SIGTERM while the log server is away", { timeout: 90_000 }, () => {
  const ways = [
    ["frozen", "SIGSTOP"],
    ["killed", "SIGKILL"],
  ] as const;
  it.each(someOf(1, ways))("%s: the service stops in time, and what was acknowledged is delivered by the next one", async (how, signal) => {
    const server = await startLogServer();
    const receiver = await startReceiver(() => 204);
    const site = makeSite(config(receiver.url), server.url);
    const service = await startReady(site);
    expect((await append(service.url)).status).toBe(201);
    await server.send(signal);
    const unclear = append(service.url, "b").catch(() => null);
    const tookMs = await terminate(service);
    await unclear;
    console.log(`SIGTERM while the server is ${how}: ${tookMs} ms`);
    expect(tookMs).toBeLessThan(stopsWithinMs);
    if (how === "frozen") await server.send("SIGCONT");
    else await server.start();
    const next = await startReady(site);
    expect((await append(next.url)).status).toBe(201);
    await until(
      "the calls",
      () =>
        new Set(
          receiver
            .calls()
            .filter(({ lane }) => lane === "thing/a")
            .map(({ id }) => id),
        ).size === 2,
    );
    await terminate(next);
  });
});

describe("a log that the views do not know", { timeout: 60_000 }, () => {
  it("another log: they are built anew", async () => {
    const receiver = await startReceiver(() => 204);
    const site = makeSite(config(receiver.url), (await startLogServer()).url);
    const service = await startReady(site);
    await append(service.url, "one");
    await untilQuiet(service.url);
    await terminate(service);
    const other = await startReady({ ...site, log: (await startLogServer()).url });
    await append(other.url, "two");
    await until("the views", async () => (await getAll<EntityReply>(other.url, "/entities")).length > 0);
    expect((await getAll<EntityReply>(other.url, "/entities")).map(({ entity }) => entity.id)).toEqual(["two"]);
    await terminate(other);
  });

  it("the same one, but older: the service that runs says so, and none starts", async () => {
    const server = await startLogServer();
    const receiver = await startReceiver(() => 204);
    const site = makeSite(config(receiver.url), server.url);
    const service = await startReady(site);
    for (let count = 0; count < 5; count++) expect((await append(service.url)).status).toBe(201);
    await until("the calls", () => receiver.calls().length === 5);
    await terminate(service);
    const running = await startReady(site);
    await untilQuiet(running.url);
    await server.restore(4);
    const notReady = await until("the running service to notice", async () => {
      const answer = await ready(running.url);
      return answer.waits_for?.includes("was read up to") && answer;
    });
    expect(notReady).toMatchObject({ code: 503, waits_for: expect.stringMatching(/(^|; )the log: The log ends at position \d+, but was read up to \d+(;|$)/) });
    await terminate(running);
    await server.restore(4);
    const next = startService(site);
    expect(await next.listening).toBeNull();
    expect(await next.ended).toMatchObject({ code: 2 });
    expect(next.stderr()).toMatch(/^Reprise cannot start\.\nThe views in .* contain the log up to \d+, but it ends at \d+\.\n/);
  });
});
