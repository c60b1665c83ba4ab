/** What keeps one tenant's bodies and pages from being in memory all at once, while others ask. */
import { connect } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { LightMyRequestResponse as Response } from "fastify";
import { beforeEach, describe, expect, it } from "vitest";
import type { RepriseError } from "../../src/errors.ts";
import { SharedRoom } from "../../src/event/shared-room.ts";
import { beginInTurn } from "../../src/event/turns.ts";
import { maxBodyBytes } from "../../src/http/body.ts";
import { UnderWay } from "../../src/http/under-way.ts";
import type { StoreCore } from "../../src/store/store.ts";
import type { Views } from "../../src/views/model/views.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { serverOver } from "../support/http.ts";

const room = 32 * 1024;

/** Two tenants have asked within the last second. */
const keepAsking = () => {
  for (const tenant of ["quiet", "flood"]) void beginInTurn(tenant);
};
beforeEach(keepAsking);

describe("bodies of one tenant", () => {
  it("wait in their order while there is no room, and those of another tenant do not", async () => {
    const underWay = new UnderWay(room, null);
    expect([underWay.enter("flood", room / 2), underWay.enter("flood", room / 2)]).toEqual([null, null]);
    const begun: number[] = [];
    const waiting = [1, 2, 3].map((number) => underWay.enter("flood", room / 2)!.then(() => begun.push(number)));
    expect([underWay.enter("quiet", room), underWay.waitingOf("flood"), underWay.waitingOf("quiet")]).toEqual([null, 3, 0]);
    underWay.leave("flood", room / 2);
    await waiting[0];
    expect(begun).toEqual([1]);
    for (let number = 0; number < 2; number++) underWay.leave("flood", room / 2);
    await Promise.all(waiting);
    expect([begun, underWay.waitingOf("flood")]).toEqual([[1, 2, 3], 0]);
  });

  it("are begun whatever their size, one at a time, and a small one does not overtake", async () => {
    const underWay = new UnderWay(room, null);
    expect(underWay.enter("flood", 100 * room)).toBeNull();
    const [large, small] = [underWay.enter("flood", 100 * room), underWay.enter("flood", 1)];
    underWay.leave("flood", 100 * room);
    await large;
    expect(underWay.waitingOf("flood")).toBe(1);
    underWay.leave("flood", 100 * room);
    await small;
  });

  it("are refused when too many bytes wait, of one tenant or of all, and another tenant's may wait all the same", async () => {
    const bytes = 8 * room;
    const underWay = new UnderWay(room, new SharedRoom({ count: Number.POSITIVE_INFINITY, bytes }));
    for (const tenant of ["flood", "quiet", "third"]) expect(underWay.enter(tenant, room)).toBeNull();
    const waiting = Array.from({ length: 8 }, () => underWay.enter("flood", room));
    const refused = (tenant: string, size: number) => {
      try {
        void underWay.enter(tenant, size);
      } catch (error) {
        const { code, retryAfterMs, fields } = error as RepriseError;
        return { code, retryAfterMs, ...fields };
      }
      return null;
    };
    expect(refused("flood", 1)).toEqual({ code: "RATE_LIMITED", retryAfterMs: 1000, limitOf: "tenant" });
    expect([refused("quiet", bytes / 16), underWay.waitingOf("quiet"), underWay.waitingOf("flood")]).toEqual([null, 1, 8]);
    expect(refused("third", room)).toEqual({ code: "RATE_LIMITED", retryAfterMs: 1000, limitOf: "service" });
    for (let left = 0; left < 2; left++) underWay.leave("flood", room);
    await waiting[1];
    expect(refused("flood", room)).toBeNull(); // what is under way does not wait
  });
});

describe("while several tenants ask, the service", () => {
  const batch = JSON.stringify({
    events: Array.from({ length: 100 }, () => ({ type: "order.placed", entity: { type: "order", id: "o-1" }, data: { note: "x".repeat(150) } })),
  });
  const one = '{"type":"order.placed","entity":{"type":"order","id":"o-1"},"data":{}}';

  /** A store whose appends end when they are told to. */
  function slowStore() {
    const store = makeFakeStore();
    const underWay: { readonly tenant: string; readonly end: () => void }[] = [];
    const append = async (...[events, options]: Parameters<StoreCore["append"]>) => {
      await new Promise<void>((end) => underWay.push({ tenant: (options as { readonly tenant: string }).tenant, end }));
      return store.append(events as never, options as never);
    };
    return { store: Object.assign(Object.create(store), { append }) as StoreCore, underWay };
  }

  it("has one of a tenant's large batches under way, takes another tenant's event at once, and answers all in the end", async () => {
    const { store, underWay } = slowStore();
    const app = serverOver(store);
    const post = (tenant: string, payload: string) =>
      app.inject({ method: "POST", url: `/events?tenant=${tenant}`, headers: { "content-type": "application/json" }, payload });
    const flood = Array.from({ length: 6 }, () => post("flood", batch));
    const quiet = post("quiet", one);
    while (underWay.length < 2 || app.underWay.bodies.waitingOf("flood") < 5) await nextTurn(); // the flood may rest first
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(new Set(underWay.map(({ tenant }) => tenant))).toEqual(new Set(["flood", "quiet"]));
    expect(underWay).toHaveLength(2);
    const answered = Promise.all([...flood, quiet]);
    for (let ended = 0; ended < 7; await nextTurn()) if (underWay.length > ended) underWay[ended++]!.end();
    expect((await answered).map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 7 }, () => 201));
    expect(app.underWay.bodies.waitingOf("flood")).toBe(0);
  });

  it("is not held up by clients that went away while theirs were under way or waited", async () => {
    const { store, underWay } = slowStore();
    const app = serverOver(store);
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as { readonly port: number };
    const request = `POST /events?tenant=flood HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${batch.length}\r\n\r\n${batch}`;
    const sockets = Array.from({ length: 4 }, () =>
      connect(port, "127.0.0.1", function (this: { write(text: string): void }) {
        this.write(request);
      }),
    );
    while (underWay.length < 1 || app.underWay.bodies.waitingOf("flood") < 3) await nextTurn();
    for (const socket of sockets) socket.destroy();
    const later = app.inject({ method: "POST", url: "/events?tenant=flood", headers: { "content-type": "application/json" }, payload: batch });
    for (let ended = 0; ended < 5; await nextTurn()) if (underWay.length > ended) underWay[ended++]!.end();
    expect((await later).statusCode).toBe(201);
    expect(app.underWay.bodies.waitingOf("flood")).toBe(0);
    await app.close();
  });

  it("refuses a body when 64 MiB of the tenant's wait, says when to come again, and goes on with those", async () => {
    const { store, underWay } = slowStore();
    const app = serverOver(store);
    const large = JSON.stringify({ events: [{ type: "order.placed", entity: { type: "order", id: "o-1" }, data: { note: "x".repeat(maxBodyBytes - 200) } }] });
    const post = (tenant: string, payload: string) =>
      app.inject({ method: "POST", url: `/events?tenant=${tenant}`, headers: { "content-type": "application/json" }, payload });
    const answers: Response[] = [];
    const flood = Array.from({ length: 19 }, () => post("flood", large).then((answer) => answers.push(answer)));
    while (answers.length < 2) {
      keepAsking();
      await nextTurn();
    }
    expect(answers.map(({ statusCode, headers }) => [statusCode, headers["retry-after"]])).toEqual([
      [429, "1"],
      [429, "1"],
    ]);
    expect(answers[0]!.json()).toMatchObject({ code: "RATE_LIMITED", limit_of: "tenant" });
    for (let ended = 0; answers.length < 19; await nextTurn()) if (underWay.length > ended) underWay[ended++]!.end();
    await Promise.all(flood);
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(17); // one under way, and sixteen that waited
  });

  it("makes two of a tenant's pages at a time, and another tenant's at once", async () => {
    const reading: { readonly tenant: string; readonly end: () => void }[] = [];
    const events = (({ tenant }: { readonly tenant: string }) =>
      new Promise((end) => reading.push({ tenant, end: () => end({ events: [], nextCursor: null }) }))) as unknown as Views["events"];
    const app = serverOver(makeFakeStore({ views: { events } }));
    const get = (tenant: string) => app.inject({ url: `/events?tenant=${tenant}` });
    const flood = Array.from({ length: 6 }, () => get("flood"));
    while (app.underWay.reads.waitingOf("flood") < 4) await nextTurn();
    const quiet = get("quiet");
    while (!reading.some(({ tenant }) => tenant === "quiet")) await nextTurn();
    expect(reading.map(({ tenant }) => tenant)).toEqual(["flood", "flood", "quiet"]);
    for (let ended = 0; ended < 7; await nextTurn()) if (reading.length > ended) reading[ended++]!.end();
    expect((await Promise.all([...flood, quiet])).map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 7 }, () => 200));
    expect([app.underWay.reads.waitingOf("flood"), app.underWay.reads.enter("flood", 1), app.underWay.reads.enter("flood", 1)]).toEqual([0, null, null]);
  });

  it("makes two of a tenant's plans and pages at a time, and takes the tenant's appends beside them", async () => {
    const planning: (() => void)[] = [];
    const fake = makeFakeStore();
    const planReplay = async (...asked: Parameters<StoreCore["planReplay"]>) => {
      await new Promise<void>((end) => planning.push(end));
      return fake.planReplay(...asked);
    };
    const app = serverOver(Object.assign(Object.create(fake), { planReplay }) as StoreCore);
    const post = (url: string, payload: string) =>
      app.inject({ method: "POST", url: `${url}?tenant=flood`, headers: { "content-type": "application/json" }, payload });
    const plans = Array.from({ length: 20 }, () => post("/replays/plan", '{"selection":{"dead_letters":{"handler":"mail"}}}'));
    while (app.underWay.reads.waitingOf("flood") < 18) await nextTurn();
    expect(planning).toHaveLength(2);
    expect((await post("/events", one)).statusCode).toBe(201);
    for (let ended = 0; ended < 20; await nextTurn()) if (planning.length > ended) planning[ended++]!();
    expect((await Promise.all(plans)).map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 20 }, () => 200));
    expect([app.underWay.reads.waitingOf("flood"), app.underWay.bodies.waitingOf("flood")]).toEqual([0, 0]);
  });

  it("answers probes while many of the same tenant's pages wait", async () => {
    const { promise, resolve } = Promise.withResolvers<{ readonly events: readonly []; readonly nextCursor: null }>();
    const app = serverOver(makeFakeStore({ views: { events: (() => promise) as unknown as Views["events"] } }));
    const pages = Array.from({ length: 6 }, () => app.inject({ url: "/events" }));
    while (app.underWay.reads.waitingOf("default") < 4) await nextTurn();
    expect((await Promise.all([app.inject({ url: "/healthz" }), app.inject({ url: "/readyz" })])).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    resolve({ events: [], nextCursor: null });
    await Promise.all(pages);
  });

  it("lets a refused body give its room back", async () => {
    const { store } = slowStore();
    const app = serverOver(store);
    const bad = Array.from({ length: 4 }, () =>
      app.inject({ method: "POST", url: "/events?tenant=flood", headers: { "content-type": "application/json" }, payload: `${batch}]` }),
    );
    expect((await Promise.all(bad)).map(({ statusCode }) => statusCode)).toEqual([400, 400, 400, 400]);
    expect(app.underWay.bodies.enter("flood", 100 * room)).toBeNull();
  });
});
