/** The door: every route by every role, tenants that see nothing of each other, keys that change while the service runs. */
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createKey, revokeKey } from "../../src/access/edit-key-file.ts";
import { type Keys, openKeys } from "../../src/access/keys.ts";
import { type Access, mayDo, type Role, roles } from "../../src/access/roles.ts";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { defineIntegration } from "../../src/delivery/integration-definition.ts";
import { systemClock } from "../../src/event/clock.ts";
import type { StoreCore } from "../../src/store/store.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, makeDescribedServer, silent } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logRows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ orderId: z.string() }) });
const config = {
  events: [placed],
  integrations: [defineIntegration({ name: "bank", breaker: { failures: 1000 } })],
  handlers: [
    defineHandler({
      name: "ledger",
      integration: "bank",
      events: [placed],
      retry: { maxAttempts: 1 },
      on: {
        "order.placed": () => {
          throw new Error("no");
        },
      },
    }),
  ],
};

interface Route {
  readonly method: string;
  readonly url: string;
  readonly access: Access;
  readonly ofAllTenants: boolean;
  readonly acrossTenants: boolean;
}

let folder: string;
let path: string;
let clock: FakeClock;
let keys: Keys;
let store: StoreCore;
let app: FastifyInstance;
let routes: Route[];

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
const editing = () => ({ path, nowMs: clock.now(), random });

function key(name: string, role: Role, tenant = "default", more: Partial<Parameters<typeof createKey>[1]> = {}) {
  return createKey(editing(), { name, role, tenant, expiresAtMs: null, limit: { per_second: 100_000, burst: 1_000_000 }, sources: null, ...more });
}

/** A request with a key; bodies as JSON. */
async function ask(text: string | null, method: string, url: string, body?: unknown) {
  const headers = text === null ? {} : { authorization: `Bearer ${text}` };
  return app.inject({ method: method as "GET", url, headers, ...(body === undefined ? {} : { payload: body as object }) });
}

async function open(): Promise<void> {
  keys = openKeys({ path, clock });
  app = makeDescribedServer({ store, logger: silent, clock: systemClock, keys });
  routes = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const { access = "admin", ofAllTenants = false, acrossTenants = false } = config ?? {};
    for (const each of [method].flat()) if (each !== "HEAD") routes.push({ method: each, url, access, ofAllTenants, acrossTenants });
  });
  await app.ready();
}

beforeEach(async () => {
  folder = temporaryFolder();
  path = join(folder, "keys.json");
  clock = makeFakeClock();
  store = await startStore(config, join(folder, "data"));
});

/** What is asked for here is no file of the console, and logs nobody in. */
const statusOfPublic: Readonly<Record<string, number>> = {
  ...{ "GET /console/scripts/:file": 404, "GET /console/styles/:file": 404, "GET /console/images/:file": 404, "POST /console/session": 400 },
};

describe("every route by every role", () => {
  it("answers who may, and refuses who may not with the role that it takes; without a key 401 but for what is public", async () => {
    const texts = Object.fromEntries(roles.map((role) => [role, key(role, role, "*").text])) as Record<Role, string>;
    await open();
    expect(routes.length).toBeGreaterThanOrEqual(31);
    for (const { method, url, access } of routes) {
      // The stream would go on for ever; who may follow it is told that this is no place in it.
      const at = url === "/events/stream" ? `${url}?after=x` : url.replace(/:\w+/g, "none-such-1");
      const without = await ask(null, method, at);
      if (access === "public") expect([url, without.statusCode]).toEqual([url, statusOfPublic[`${method} ${url}`] ?? 200]);
      else {
        expectProblem(without, 401, "KEY_MISSING");
        expect(without.headers["www-authenticate"]).toBe('Bearer realm="reprise"');
      }
      for (const role of roles) {
        const answer = await ask(texts[role], method, at);
        const isJson = String(answer.headers["content-type"]).includes("json");
        const { code, required } = (isJson ? answer.json() : {}) as { code?: string; required?: Role };
        const may = mayDo(role, access);
        expect([method, url, role, code === "ROLE_REQUIRED"]).toEqual([method, url, role, !may]);
        if (!may) expect(mayDo(required!, access)).toBe(true);
      }
    }
  });

  it("names an access for each route: nothing is open, or for administrators, by an oversight", async () => {
    key("anna", "read");
    await open();
    const table = Object.fromEntries(routes.map(({ method, url, access, ofAllTenants }) => [`${method} ${url}`, ofAllTenants ? `${access} of all` : access]));
    expect(table).toMatchInlineSnapshot(`
      {
        "DELETE /console/session": "public",
        "GET /admin/dlq": "read",
        "GET /admin/dlq/:id": "read",
        "GET /admin/dlq/stats": "read",
        "GET /admin/errors": "read",
        "GET /admin/errors/:fingerprint": "read",
        "GET /admin/escalations": "read",
        "GET /archive/runs/:id": "admin of all",
        "GET /archive/segments": "read of all",
        "GET /cluster": "read",
        "GET /console": "public",
        "GET /console/images/:file": "public",
        "GET /console/scripts/:file": "public",
        "GET /console/session": "look",
        "GET /console/styles/:file": "public",
        "GET /docs": "public",
        "GET /docs/page.css": "public",
        "GET /docs/page.js": "public",
        "GET /entities": "look",
        "GET /entities/:type/:id": "look",
        "GET /entities/:type/:id/events": "look",
        "GET /events": "look",
        "GET /events/:id": "look",
        "GET /events/stream": "look",
        "GET /handlers": "read",
        "GET /healthz": "public",
        "GET /integrations": "read",
        "GET /metrics": "read of all",
        "GET /openapi.json": "look",
        "GET /rates": "read",
        "GET /readyz": "read",
        "GET /replays": "read",
        "GET /replays/:id": "read",
        "GET /replays/:id/report": "read",
        "GET /replays/plans/:id": "read",
        "GET /schemas": "look",
        "GET /schemas/:type": "look",
        "GET /schemas/:type/:version": "look",
        "PATCH /replays/:id": "operate",
        "POST /admin/dlq/:id/amend": "operate",
        "POST /admin/dlq/:id/discard": "operate",
        "POST /admin/dlq/:id/replay": "operate",
        "POST /admin/dlq/discard-batch": "operate",
        "POST /admin/dlq/replay-batch": "operate",
        "POST /admin/errors/:fingerprint/ignore": "operate",
        "POST /admin/errors/:fingerprint/reopen": "operate",
        "POST /admin/errors/:fingerprint/resolve": "operate",
        "POST /admin/escalations/:id/approve": "operate",
        "POST /admin/escalations/:id/reject": "operate",
        "POST /archive/restores": "admin of all",
        "POST /archive/runs": "admin of all",
        "POST /cluster/:instance/drain": "admin of all",
        "POST /console/session": "public",
        "POST /deliveries/:id/give-up": "operate",
        "POST /entities/:type/:id/pause": "operate",
        "POST /entities/:type/:id/resume": "operate",
        "POST /entities/:type/:id/retry": "operate",
        "POST /events": "append",
        "POST /handlers/:name/pause": "admin of all",
        "POST /handlers/:name/repair": "admin of all",
        "POST /handlers/:name/repartition": "admin of all",
        "POST /handlers/:name/resume": "admin of all",
        "POST /handlers/:name/retire": "admin of all",
        "POST /integrations/:name/isolate": "admin of all",
        "POST /integrations/:name/reset": "admin of all",
        "POST /replays": "operate",
        "POST /replays/:id/cancel": "operate",
        "POST /replays/:id/pause": "operate",
        "POST /replays/:id/resume": "operate",
        "POST /replays/plan": "read",
        "POST /views/rebuild": "admin of all",
      }
    `);
  });

  it("keeps what touches all tenants for keys of all", async () => {
    const { text } = key("boss", "admin", "acme");
    await open();
    for (const { method, url } of routes.filter(({ ofAllTenants }) => ofAllTenants))
      expectProblem(await ask(text, method, url.replace(/:\w+/g, "ledger"), { reason: "test" }), 403, "TENANT_REQUIRED");
  });
});

describe("keys while the service runs", () => {
  it("refuses a revoked one within 5 s, and counts against each key's own limit", async () => {
    const slow = key("slow", "read", "default", { limit: { per_second: 1, burst: 2 } });
    await open();
    const statuses = [];
    for (let count = 0; count < 4; count++) statuses.push((await ask(slow.text, "GET", "/handlers")).statusCode);
    expect(statuses).toEqual([200, 200, 429, 429]);
    const refused = await ask(slow.text, "GET", "/handlers");
    expectProblem(refused, 429, "RATE_LIMITED");
    expect(refused.headers).toMatchObject({ "ratelimit-policy": '"key";q=2;w=2', ratelimit: '"key";r=0;t=1' });
    revokeKey(editing(), slow.key.id);
    await clock.advance(5000);
    expectProblem(await ask(slow.text, "GET", "/handlers"), 401, "KEY_INVALID");
  });

  it("appends as the sources of the key only, in each way of appending", async () => {
    const { text } = key("triage", "append", "default", { sources: ["triage-agent"] });
    await open();
    const event = (source?: string) => ({
      type: "order.placed",
      entity: { type: "order", id: "o-1" },
      data: { orderId: "o-1" },
      ...(source ? { source } : {}),
    });
    expect((await ask(text, "POST", "/events", event("triage-agent"))).statusCode).toBe(201);
    for (const body of [event(), event("other"), { events: [event("triage-agent"), event("other")] }])
      expect(expectProblem(await ask(text, "POST", "/events", body), 403, "SOURCE_REFUSED")).toMatchObject({ sources: ["triage-agent"] });
  });

  it("names the key as the actor of what it does, and the key's text nowhere", async () => {
    const anna = key("anna", "admin");
    await open();
    await ask(anna.text, "POST", "/events", {
      id: "018f2b2e-7c4a-7d3b-8a1e-0123456789ab",
      type: "order.placed",
      entity: { type: "order", id: "o-1" },
      data: { orderId: "o-1" },
    });
    await expect.poll(async () => (await ask(anna.text, "GET", "/admin/dlq")).json<{ total: number }>().total, { timeout: 20_000 }).toBe(1);
    expect((await ask(anna.text, "POST", "/admin/dlq/018f2b2e-7c4a-7d3b-8a1e-0123456789ab/discard", { reason: "test" })).statusCode).toBe(200);
    const settled = (await logRows(join(folder, "data"))).find(({ type }) => type === "delivery.settled");
    expect(settled?.data).toMatchObject({ act: { actor: "anna", reason: "test" } });
  });
});

describe("two tenants", () => {
  /** A tenant's event, dead-lettered, with a plan and a replay that ran. @returns every id of its things. */
  async function fill(text: string, id: string): Promise<{ event: string; delivery: string; plan: string; replay: string }> {
    await ask(text, "POST", "/events", {
      id,
      type: "order.placed",
      entity: { type: "order", id: "secret-order" },
      source: "secret-source",
      data: { orderId: "secret-data" },
    });
    const letters = async () => (await ask(text, "GET", "/admin/dlq")).json<{ total: number; events: { delivery_id: string }[] }>();
    await expect.poll(async () => (await letters()).total, { timeout: 20_000 }).toBe(1);
    const plan = (await ask(text, "POST", "/replays/plan", { selection: { dead_letters: { handler: "ledger" } } })).json<{ plan_id: string }>().plan_id;
    const replay = (await ask(text, "POST", "/admin/dlq/replay-batch?handler=ledger", { reason: "test" })).json<{ replay_id: string }>().replay_id;
    const state = async () => (await ask(text, "GET", `/replays/${replay}`)).json<{ status: string }>().status;
    await expect.poll(state, { timeout: 20_000 }).toBe("completed");
    return { event: id, delivery: (await letters()).events[0]!.delivery_id, plan, replay };
  }

  it("see nothing of each other on any route, by any id: 404, an empty list, or the same as if nothing were there", { timeout: 60_000 }, async () => {
    const acme = key("acme", "admin", "acme").text;
    const globex = key("globex", "admin", "globex").text;
    await open();
    const theirs = await fill(globex, "018f2b2e-7c4a-7d3b-8a1e-0123456789ab");
    const secrets = [...Object.values(theirs), "secret-", "globex"];
    let walked = 0;
    for (const { method, url, access, ofAllTenants } of routes) {
      if (access === "public" || ofAllTenants) continue;
      const about = url.includes("/plans/") ? [theirs.plan] : url.startsWith("/replays") ? [theirs.replay] : [theirs.event, theirs.delivery];
      for (const id of url.includes(":id") && !url.includes(":type") ? about : ["secret-order"]) {
        const at = url
          .replace(":type", url.startsWith("/schemas") ? "order.placed" : "order")
          .replace(":version", "1")
          .replace("/stream", "/stream?after=999999") // it tells that the place is gone, and ends
          .replace(":id", id);
        for (const body of method === "GET"
          ? [undefined]
          : [
              { reason: "theirs" },
              { reason: "theirs", plan_id: theirs.plan },
              { rate_per_second: 5 },
              { selection: { ids: [theirs.event, theirs.delivery] } },
            ]) {
          const answer = await ask(acme, method, at, body);
          walked++;
          // A problem names the path and the id that were asked.
          const shown = answer.statusCode < 400 ? answer.body : answer.body.replaceAll(at, "").replaceAll(id, "");
          expect([method, at, secrets.filter((secret) => shown.includes(secret))]).toEqual([method, at, []]);
          expect([method, at, answer.statusCode >= 500]).toEqual([method, at, false]);
          if (method !== "GET" && url.includes(":id") && body?.reason && !("plan_id" in body))
            expect([method, at, answer.statusCode]).toEqual([method, at, expect.toBeOneOf([404, 400])]);
          if (method === "GET" && url.includes(":id") && !url.startsWith("/schemas")) expect([at, answer.statusCode]).toEqual([at, 404]);
        }
      }
    }
    expect(walked).toBeGreaterThanOrEqual(60);
    const { total } = (await ask(globex, "GET", "/admin/dlq")).json<{ total: number }>();
    expect(total).toBe(1);
    for (const list of ["/events", "/entities", "/admin/dlq", "/replays", "/handlers"])
      expect([list, (await ask(acme, "GET", list)).body]).toEqual([list, expect.not.stringContaining("secret")]);
    expectProblem(await ask(acme, "GET", "/events?tenant=globex"), 404, "NOT_FOUND");
    expect((await ask(acme, "GET", "/events?tenant=acme")).statusCode).toBe(200);
  });

  it("make no figure or list of the other one's another, whatever they do", { timeout: 60_000 }, async () => {
    const acme = key("acme", "admin", "acme").text;
    const globex = key("globex", "admin", "globex").text;
    const boss = key("boss", "read", "*").text;
    await open();
    const shown = async () => {
      const answers: string[] = [];
      for (const { method, url, access, ofAllTenants } of routes) {
        if (method !== "GET" || url.includes(":") || access === "public" || ofAllTenants || url === "/events/stream") continue;
        const { statusCode, body } = await ask(acme, "GET", url);
        if (statusCode === 200) answers.push(`${url} ${body.replaceAll(/"minute":"[^"]*"/g, "")}`);
      }
      return answers;
    };
    const before = await shown();
    expect(before.length).toBeGreaterThanOrEqual(14);
    await fill(globex, "018f2b2e-7c4a-7d3b-8a1e-0123456789ab");
    expect((await shown()).filter((answer, index) => answer !== before[index])).toEqual([]);
    const failures = async (text: string) =>
      (await ask(text, "GET", "/integrations")).json<{ integrations: { failures: number }[] }>().integrations[0]!.failures;
    // Its calls were two: the first one, and the replay's. Who sees all tenants sees what opens the breaker.
    expect([await failures(globex), await failures(acme), await failures(boss)]).toEqual([2, 0, 2]);
  });

  it("are told apart by a key of all: one by its name, `default` without one", async () => {
    const { text } = key("boss", "admin", "*");
    await open();
    await ask(text, "POST", "/events?tenant=acme", { type: "order.placed", entity: { type: "order", id: "o-1" }, data: { orderId: "o-1" } });
    const count = async (query: string) => (await ask(text, "GET", `/events${query}`)).json<{ events: unknown[] }>().events.length;
    await expect.poll(() => count("?tenant=acme"), { timeout: 20_000 }).toBe(1);
    expect([await count(""), await count("?tenant=default")]).toEqual([0, 0]);
    for (const query of ["reprise", "*", "", "Acme", "acme&tenant=acme"])
      for (const path of [...(query === "*" ? [] : ["/events"]), "/entities/journal/ledger-1-0/events", "/readyz"]) {
        const { errors } = expectProblem(await ask(text, "GET", `${path}?tenant=${query}`), 400, "REQUEST_INVALID");
        expect(errors).toMatchObject([{ pointer: "?tenant" }]);
      }
    expectProblem(
      await ask(text, "POST", "/events?tenant=*", { type: "order.placed", entity: { type: "order", id: "o-1" }, data: { orderId: "o-1" } }),
      400,
      "REQUEST_INVALID",
    );
  });

  it("count and list apart, and together only for a key of all: in counts, pages and cursors", { timeout: 60_000 }, async () => {
    const acme = key("acme", "admin", "acme").text;
    const globex = key("globex", "admin", "globex").text;
    const boss = key("boss", "read", "*").text;
    await open();
    const id = "018f2b2e-7c4a-7d3b-8a1e-0123456789ab";
    await fill(globex, id);
    const counts = async (text: string, query = "") =>
      (await ask(text, "GET", `/handlers${query}`))
        .json<{ handlers: Record<string, unknown>[] }>()
        .handlers.map((each) => [each.wanted, each.waiting, each.lag_seconds])[0];
    expect(await counts(globex)).toEqual([1, 1, 0]);
    expect(await counts(acme)).toEqual([0, 0, 0]);
    const lanes = (await ask(acme, "GET", "/handlers")).json<{ handlers: { lanes: object; by_status: object }[] }>().handlers[0]!;
    expect([...Object.values(lanes.lanes), ...Object.values(lanes.by_status)].every((count) => count === 0)).toBe(true);
    // The same event id and the same entity are another tenant's own.
    await fill(acme, id);
    expect(await counts(boss)).toEqual([0, 0, 0]); // of `default`
    expect(await counts(boss, "?tenant=acme")).toEqual([1, 1, 0]);
    expect(await counts(boss, "?tenant=*")).toEqual([2, 2, 0]);
    expect((await ask(boss, "GET", "/admin/dlq/stats?tenant=*")).json()).toMatchObject({ total: 2, by_handler: [{ handler: "ledger", count: 2 }] });
    for (const [list, rows] of [
      ["/events", "events"],
      ["/entities", "entities"],
      ["/admin/dlq", "events"],
      ["/replays", "replays"],
    ] as const) {
      type Page = { next_cursor: string | null } & Record<string, { tenant: string }[]>;
      const first = (await ask(boss, "GET", `${list}?tenant=*&limit=1`)).json<Page>();
      const second = (await ask(boss, "GET", `${list}?tenant=*&limit=1&cursor=${first.next_cursor}`)).json<Page>();
      expect([list, new Set([...first[rows]!, ...second[rows]!].map(({ tenant }) => tenant))]).toEqual([list, new Set(["acme", "globex"])]);
      expect([list, second.next_cursor]).toEqual([list, null]);
      for (const of of [acme, globex]) {
        const other = await ask(of, "GET", `${list}?cursor=${first.next_cursor}`);
        expect([list, expectProblem(other, 400, "REQUEST_INVALID").code]).toEqual([list, "REQUEST_INVALID"]);
        expectProblem(await ask(of, "GET", `${list}?tenant=*`), 403, "TENANT_REQUIRED");
        expect((await ask(of, "GET", list)).json<Page>()[rows]).toHaveLength(1);
      }
    }
    for (const { method, url, access, acrossTenants, ofAllTenants } of routes)
      if (!acrossTenants && access !== "public" && mayDo("read", access) && !ofAllTenants)
        expectProblem(await ask(boss, method, `${url.replace(/:\w+/g, "none-such-1")}?tenant=*`, method === "GET" ? undefined : {}), 400, "REQUEST_INVALID");
  });

  it("are named in the query where the service works without keys", async () => {
    app = makeDescribedServer({ store, logger: silent, clock: systemClock });
    const event = { type: "order.placed", entity: { type: "order", id: "o-1" }, data: { orderId: "o-1" } };
    for (const query of ["", "?tenant=acme"]) await ask(null, "POST", `/events${query}`, event);
    const tenants = async (query: string) =>
      (await ask(null, "GET", `/events${query}`)).json<{ events: { tenant: string }[] }>().events.map(({ tenant }) => tenant);
    await expect.poll(() => tenants("?tenant=*"), { timeout: 20_000 }).toEqual(["acme", "default"]);
    expect([await tenants(""), await tenants("?tenant=acme"), await tenants("?tenant=globex")]).toEqual([["default"], ["acme"], []]);
  });

  it("are told of a fault, and of what the service waits for, in no words that may name another's things", async () => {
    const acme = key("acme", "read", "acme").text;
    const boss = key("boss", "read", "*").text;
    const fault = "LOG_DAMAGED: globex.order-secret cannot be read: position 7";
    const [view] = await makeFakeStore().views.handlers();
    store = makeFakeStore({
      views: { handlers: async () => [{ ...view!, state: "stopped", why: fault, fault }] },
      store: { notReady: () => "the log: globex.order-secret is damaged", warnings: () => ["globex.order-secret stands still"] },
    });
    await open();
    for (const path of ["/handlers", "/readyz"]) {
      expect([path, (await ask(boss, "GET", path)).body]).toEqual([path, expect.stringContaining("secret")]);
      expect([path, (await ask(acme, "GET", path)).body]).toEqual([path, expect.not.stringMatching(/secret|globex|position/)]);
    }
    expect((await ask(acme, "GET", "/handlers")).json()).toMatchObject({ handlers: [{ state: "stopped", why: "LOG_DAMAGED", fault: "LOG_DAMAGED" }] });
    expect((await ask(acme, "GET", "/readyz")).statusCode).toBe(503);
  });
});
