/** `Idempotency-Key` at the edge: every acting route takes it; what a key is; whose it is; which answers are kept. */
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { createKey } from "../../src/access/edit-key-file.ts";
import { openKeys } from "../../src/access/keys.ts";
import { RepriseError } from "../../src/errors.ts";
import { systemClock } from "../../src/event/clock.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { Store } from "../../src/store/store.ts";
import { tableOf } from "../support/described.ts";
import { deliveryId, eventId, type FakeStore, makeFakeRequests, makeFakeStore, planId, replayId } from "../support/fake-store.ts";
import { type Answer, expectProblem, makeDescribedServer, serverOver, silent } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const event = (data: object = { orderId: "o-1" }) => ({ type: "order.placed", entity: { type: "order", id: "o-1" }, data });
const reason = "a test";

/** Of each acting route, the body that it needs at least. */
const bodies: Readonly<Record<string, object>> = {
  "POST /events": event(),
  "POST /admin/dlq/:id/replay": {},
  "POST /admin/dlq/:id/amend": { reason, data: {} },
  "POST /admin/dlq/:id/discard": { reason },
  "POST /admin/dlq/replay-batch": {},
  "POST /admin/dlq/discard-batch": { reason },
  "POST /admin/escalations/:id/approve": { reason },
  "POST /admin/escalations/:id/reject": { reason },
  "POST /deliveries/:id/give-up": { reason },
  "POST /replays/plan": { selection: { dead_letters: { handler: "mail" } } },
  "POST /replays": { plan_id: planId, reason, mode: "run" },
  "POST /replays/:id/pause": {},
  "POST /replays/:id/resume": {},
  "POST /replays/:id/cancel": {},
  "PATCH /replays/:id": { rate_per_second: 1 },
  "POST /handlers/:name/pause": {},
  "POST /handlers/:name/resume": {},
  "POST /handlers/:name/retire": { reason },
  "POST /handlers/:name/repair": { reason },
  "POST /handlers/:name/repartition": { partitions: 4 },
  "POST /admin/errors/:fingerprint/resolve": {},
  "POST /admin/errors/:fingerprint/ignore": {},
  "POST /admin/errors/:fingerprint/reopen": {},
  "POST /integrations/:name/isolate": {},
  "POST /integrations/:name/reset": {},
  "POST /entities/:type/:id/pause": {},
  "POST /entities/:type/:id/resume": {},
  "POST /entities/:type/:id/retry": {},
  "POST /views/rebuild": {},
  "POST /archive/restores": { entity: { type: "order", id: "o-1" } },
  "POST /cluster/:instance/drain": {},
};

/** Ids of the fake store, which answers to them. */
function placeOf(url: string): string {
  const id = url.startsWith("/deliveries") ? deliveryId : url.startsWith("/replays") ? replayId : url.startsWith("/entities") ? "o-1" : eventId;
  return url.replace(":id", id).replace(":name", "mail").replace(":type", "order");
}

/** The fake store, whose methods wait for `gate`. */
function slowStore(gate: Promise<void>): FakeStore {
  const fake = makeFakeStore();
  const slow = Object.entries(fake).map(([name, member]) => [
    name,
    typeof member !== "function" || name === "last"
      ? member
      : async (...args: unknown[]) => gate.then(() => (member as (...of: unknown[]) => unknown)(...args)),
  ]);
  return Object.assign(Object.fromEntries(slow) as unknown as FakeStore, { views: fake.views, requests: fake.requests });
}

async function actingRoutes() {
  const app = serverOver(makeFakeStore());
  const table = tableOf(app);
  await app.ready();
  return table
    .filter(({ contract }) => contract.bodies !== null && !contract.offRecord)
    .map(({ method, url }) => ({ method: method as "POST", url, name: `${method} ${url}` }));
}

/** Sent at once: an `inject` that nobody awaits is not. */
const send = async (app: FastifyInstance, url: string, payload: object, key: string | string[], method: "POST" | "PATCH" = "POST", more: object = {}) =>
  app.inject({ method, url, payload, headers: { "idempotency-key": key as string, ...more } });

const replayed = ({ headers }: Answer) => headers["idempotent-replayed"];

describe("every acting route", async () => {
  const routes = await actingRoutes();
  it("is one of those below", () => expect(new Set(routes.map(({ name }) => name))).toEqual(new Set(Object.keys(bodies))));

  it.each(routes)(
    "$name: a repeat gets the answer of the first, another body is refused, and so is a repeat while the first runs",
    async ({ method, url, name }) => {
      const at = placeOf(url);
      const { promise: gate, resolve: go } = Promise.withResolvers<void>();
      const store = slowStore(gate);
      const app = serverOver(store);
      const first = send(app, at, bodies[name]!, "k", method);
      await expect.poll(async () => (await send(app, at, bodies[name]!, "k", method)).json().code).toBe("IDEMPOTENCY_IN_PROGRESS");
      const meanwhile = await send(app, at, bodies[name]!, "k", method);
      expectProblem(meanwhile, 409, "IDEMPOTENCY_IN_PROGRESS");
      expect(meanwhile.headers["retry-after"]).toBe("1");
      const other =
        name === "POST /events"
          ? event({ orderId: "o-2" })
          : { ...bodies[name], ...(name === "POST /replays/plan" ? { rate_per_second: 7 } : { reason: "another" }) };
      expectProblem(await send(app, at, other, "k", method), 422, "IDEMPOTENCY_KEY_REUSED");
      go();
      const { statusCode, body, headers } = await first;
      expect(statusCode).toBeLessThan(300);
      const calls = store.calls.length;
      const again = await send(app, at, bodies[name]!, "k", method);
      expect([again.statusCode, again.body, replayed(again)]).toEqual([statusCode, body, "true"]);
      expect([again.headers["content-type"], again.headers.location]).toEqual([headers["content-type"], headers.location]);
      expect(replayed({ statusCode, headers } as Answer)).toBeUndefined();
      expectProblem(await send(app, at, other, "k", method), 422, "IDEMPOTENCY_KEY_REUSED");
      expect(store.calls.length).toBe(calls);
      expect((await send(app, at, bodies[name]!, "another", method)).statusCode).toBe(statusCode);
      expect(store.calls.length).toBeGreaterThan(calls);
    },
  );
});

describe("a key", () => {
  it.each(["k".repeat(255), " ~!@#$%^&*()_+{}|:<>?[];',./` ", '"quoted"', "\\", "-", "constructor", "__proto__", "../../x", "%00"])(
    "may be %j",
    async (key) => {
      const app = serverOver(makeFakeStore());
      const first = await send(app, "/events", event(), key);
      const again = await send(app, "/events", event(), key);
      expect([first.statusCode, again.statusCode, again.body, replayed(again)]).toEqual([201, 201, first.body, "true"]);
    },
  );

  it.each([["k".repeat(256)], [""], ["  "], ["k\u00e9"], ["k\u0007"], ["a\tb"], ["\u007f"]])("is no key: %j", async (key) => {
    const store = makeFakeStore();
    const problem = expectProblem(await send(serverOver(store), "/events", event(), key), 400, "REQUEST_INVALID");
    expect(problem.errors).toMatchObject([{ pointer: "Idempotency-Key" }]);
    expect(store.calls).toEqual([]);
  });

  it("stands in a request once", async () => {
    expectProblem(await send(serverOver(makeFakeStore()), "/events", event(), ["a", "a"]), 400, "REQUEST_INVALID");
  });

  it("is passed over where nothing is done", async () => {
    const app = serverOver(makeFakeStore());
    const answer = await app.inject({ url: "/healthz", headers: { "idempotency-key": "k".repeat(300) } });
    expect(answer.statusCode).toBe(200);
    expectProblem(await send(app, "/none/such", {}, "k"), 404, "NOT_FOUND");
  });
});

describe("the same request", () => {
  const ask = (app: FastifyInstance, url: string, payload: string, type = "application/json") =>
    app.inject({ method: "POST", url, payload, headers: { "idempotency-key": "k", "content-type": type } });

  it("is known by what its JSON says, not by blanks and the order of members", async () => {
    const app = serverOver(makeFakeStore());
    await ask(app, "/events", '{"type":"order.placed","entity":{"type":"order","id":"1"},"data":{"a":1.0,"b":[1,2]}}');
    const again = await ask(app, "/events", '{ "data": {"b":[1, 2],"a":1}, "entity":{"id":"1","type":"order"},\n"type":"order.\\u0070laced"}');
    expect([again.statusCode, replayed(again)]).toEqual([201, "true"]);
    for (const other of ['{"a":1,"b":[2,1]}', '{"a":1,"b":[1,2],"c":null}', '{"a":"1","b":[1,2]}', '{"b":[1,2]}', "[1]", '{"a":1,"b":[[1],2]}'])
      expectProblem(await ask(app, "/events", `{"type":"order.placed","entity":{"type":"order","id":"1"},"data":${other}}`), 422, "IDEMPOTENCY_KEY_REUSED");
  });

  it("may leave out an empty body; its query is compared, and so is what kind of event it is", async () => {
    const app = serverOver(makeFakeStore());
    const none = await app.inject({ method: "POST", url: "/handlers/mail/pause", headers: { "idempotency-key": "k" } });
    expect([none.statusCode, replayed(await ask(app, "/handlers/mail/pause", "{}"))]).toEqual([200, "true"]);
    await ask(app, "/admin/dlq/replay-batch?handler=mail", "{}");
    expectProblem(await ask(app, "/admin/dlq/replay-batch?handler=ledger", "{}"), 422, "IDEMPOTENCY_KEY_REUSED");
    const cloudEvent = JSON.stringify({ specversion: "1.0", id: eventId, source: "x", type: "order.placed", subject: "order/1", data: {} });
    expect((await ask(app, "/events", cloudEvent, "application/cloudevents+json")).statusCode).toBe(201);
    expect(replayed(await ask(app, "/events", cloudEvent, "application/cloudevents+json; charset=utf-8"))).toBe("true");
  });

  it("is of one route and its ids, however they are written", async () => {
    const store = makeFakeStore();
    const app = serverOver(store);
    const url = (id: string) => `/admin/dlq/${id}/replay`;
    expect(replayed(await send(app, url(eventId), {}, "k"))).toBeUndefined();
    expect(replayed(await send(app, url(eventId.toUpperCase()), {}, "k"))).toBe("true");
    expect(replayed(await send(app, url(`%30${eventId.slice(1)}`), {}, "k"))).toBe("true");
    expect(replayed(await send(app, url(deliveryId), {}, "k"))).toBeUndefined();
    expect(replayed(await send(app, `/admin/dlq/${eventId}/discard`, { reason }, "k"))).toBeUndefined();
    expect(store.calls.map(({ method }) => method)).toEqual(["replay", "replay", "discard"]);
  });

  it("uses no key when it is malformed", async () => {
    const app = serverOver(makeFakeStore());
    expectProblem(await send(app, `/admin/dlq/${eventId}/discard`, {}, "k"), 400, "REQUEST_INVALID");
    expectProblem(await send(app, "/events", { ...event(), more: 1 }, "k"), 400, "REQUEST_INVALID");
    expect((await send(app, `/admin/dlq/${eventId}/discard`, { reason }, "k")).statusCode).toBe(200);
    expect((await send(app, "/events", event(), "k")).statusCode).toBe(201);
  });

  it("with a body of 4 MiB is compared to its last byte", async () => {
    const app = serverOver(makeFakeStore());
    const large = (last: string) => event({ text: "x".repeat(4_100_000) + last });
    const first = await send(app, "/events", large("1"), "k");
    expect([first.statusCode, replayed(await send(app, "/events", large("1"), "k"))]).toEqual([201, "true"]);
    expectProblem(await send(app, "/events", large("2"), "k"), 422, "IDEMPOTENCY_KEY_REUSED");
  });
});

describe("an answer", () => {
  const failing = (code: ConstructorParameters<typeof RepriseError>[0]) => {
    let calls = 0;
    const discard: Store["discard"] = async () => {
      calls++;
      throw new RepriseError(code, "No.", { retryAfterMs: 1000 });
    };
    return { app: serverOver(makeFakeStore({ store: { discard } })), calls: () => calls };
  };

  it.each(["NOT_FOUND", "NOT_DEAD_LETTERED", "HANDLER_AMBIGUOUS", "LETTER_NOT_FIRST"] as const)("that refuses is kept: %s", async (code) => {
    const { app, calls } = failing(code);
    const first = await send(app, `/admin/dlq/${eventId}/discard`, { reason }, "k");
    const again = await send(app, `/admin/dlq/${eventId}/discard`, { reason }, "k");
    expect([again.statusCode, again.body, again.headers["content-type"], replayed(again)]).toEqual([
      ...[first.statusCode, first.body, "application/problem+json", "true"],
    ]);
    expect(calls()).toBe(1);
  });

  it.each(["DELIVERY_RUNNING", "LOG_UNAVAILABLE", "LOG_FULL", "NOT_OWNER", "RATE_LIMITED", "INTERNAL"] as const)(
    "that says only 'not now' is not kept, and the key is still this request's: %s",
    async (code) => {
      const { app, calls } = failing(code);
      for (const n of [1, 2]) {
        const answer = await send(app, `/admin/dlq/${eventId}/discard`, { reason }, "k");
        expect([answer.json().code, replayed(answer), calls()]).toEqual([code, undefined, n]);
      }
      expectProblem(await send(app, `/admin/dlq/${eventId}/discard`, { reason: "another" }, "k"), 422, "IDEMPOTENCY_KEY_REUSED");
    },
  );

  it("is another process's where that was first, and else a repeat in a moment gets it", async () => {
    const log = openMemoryLog();
    const { promise: gate, resolve: go } = Promise.withResolvers<void>();
    const slow = makeFakeStore({ store: { requests: makeFakeRequests(log), discardBatch: async () => gate.then(() => ({ total: 9, discarded: 9, skipped: 0, remaining: 0, position: "1" })) } }); // biome-ignore format: one line
    const other = makeFakeStore({ store: { requests: makeFakeRequests(log) } });
    const late = send(serverOver(slow), "/admin/dlq/discard-batch", { reason }, "k");
    await expect.poll(() => slow.calls.length).toBeGreaterThan(0);
    const first = await send(serverOver(other), "/admin/dlq/discard-batch", { reason }, "k");
    go();
    expect([first.statusCode, (await late).statusCode, (await late).body]).toEqual([200, 200, first.body]);
  });

  it("is refused to the slow one while another process that took over is at it", async () => {
    const log = openMemoryLog();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const [one, two] = gates.map(({ promise }) =>
      makeFakeStore({ store: { requests: makeFakeRequests(log), pauseHandler: async () => promise.then(() => "5" as const) } }),
    );
    const late = send(serverOver(one!), "/handlers/mail/pause", {}, "k");
    await expect.poll(() => one!.calls.length).toBe(1);
    const taken = send(serverOver(two!), "/handlers/mail/pause", {}, "k");
    await expect.poll(() => two!.calls.length).toBe(1);
    gates[0]!.resolve();
    expectProblem(await late, 409, "IDEMPOTENCY_IN_PROGRESS");
    gates[1]!.resolve();
    expect((await taken).statusCode).toBe(200);
    expect(replayed(await send(serverOver(one!), "/handlers/mail/pause", {}, "k"))).toBe("true");
  });
});

describe("with API keys", () => {
  it("a key of one tenant, or of another caller, never sees another's answer", async () => {
    const path = join(temporaryFolder(), "keys.json");
    const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const make = (name: string, tenant: string) =>
      createKey({ path, nowMs: Date.now(), random }, { name, role: "admin", tenant, expiresAtMs: null, limit: null, sources: null }).text;
    const texts = { a: make("a", "acme"), a2: make("a2", "acme"), b: make("b", "bold"), all: make("all", "*") };
    const store = makeFakeStore();
    const app = makeDescribedServer({ store, logger: silent, clock: systemClock, keys: openKeys({ path, clock: systemClock }) });
    const ask = (text: string, body: object, query = "") => send(app, `/events${query}`, body, "k", "POST", { authorization: `Bearer ${text}` });
    const askers = [[texts.a], [texts.a2], [texts.b], [texts.all], [texts.all, "?tenant=acme"], [texts.all, "?tenant=bold"]] as const;
    for (const [n, [text, query]] of askers.entries()) {
      const first = await ask(text, event({ n }), query);
      expect([first.statusCode, replayed(first), store.calls.length]).toEqual([201, undefined, n + 1]);
    }
    for (const [n, [text, query]] of askers.entries()) expect(replayed(await ask(text, event({ n }), query))).toBe("true");
    expect(store.calls.length).toBe(askers.length);
    await app.close();
  });
});
