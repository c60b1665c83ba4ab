/** What keeps one tenant's bodies from being in memory all at once, while others ask. */
import { connect } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { beginInTurn } from "../../src/event/turns.ts";
import { UnderWay } from "../../src/http/under-way.ts";
import type { StoreCore } from "../../src/store/store.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { serverOver } from "../support/http.ts";

const room = 32 * 1024;

/** Two tenants have asked within the last second. */
beforeEach(() => {
  for (const tenant of ["quiet", "flood"]) void beginInTurn(tenant);
});

describe("bodies of one tenant", () => {
  it("wait in their order while there is no room, and those of another tenant do not", async () => {
    const underWay = new UnderWay();
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
    const underWay = new UnderWay();
    expect(underWay.enter("flood", 100 * room)).toBeNull();
    const [large, small] = [underWay.enter("flood", 100 * room), underWay.enter("flood", 1)];
    underWay.leave("flood", 100 * room);
    await large;
    expect(underWay.waitingOf("flood")).toBe(1);
    underWay.leave("flood", 100 * room);
    await small;
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
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(new Set(underWay.map(({ tenant }) => tenant))).toEqual(new Set(["flood", "quiet"]));
    expect(underWay).toHaveLength(2);
    const answered = Promise.all([...flood, quiet]);
    for (let ended = 0; ended < 7; await nextTurn()) if (underWay.length > ended) underWay[ended++]!.end();
    expect((await answered).map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 7 }, () => 201));
    expect(app.underWay.waitingOf("flood")).toBe(0);
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
    while (underWay.length < 1 || app.underWay.waitingOf("flood") < 3) await nextTurn();
    for (const socket of sockets) socket.destroy();
    const later = app.inject({ method: "POST", url: "/events?tenant=flood", headers: { "content-type": "application/json" }, payload: batch });
    for (let ended = 0; ended < 5; await nextTurn()) if (underWay.length > ended) underWay[ended++]!.end();
    expect((await later).statusCode).toBe(201);
    expect(app.underWay.waitingOf("flood")).toBe(0);
    await app.close();
  });

  it("lets a refused body give its room back", async () => {
    const { store } = slowStore();
    const app = serverOver(store);
    const bad = Array.from({ length: 4 }, () =>
      app.inject({ method: "POST", url: "/events?tenant=flood", headers: { "content-type": "application/json" }, payload: `${batch}]` }),
    );
    expect((await Promise.all(bad)).map(({ statusCode }) => statusCode)).toEqual([400, 400, 400, 400]);
    expect(app.underWay.enter("flood", 100 * room)).toBeNull();
  });
});
