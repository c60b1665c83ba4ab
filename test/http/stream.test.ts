/** GET /events/stream: what a reader is told, where it goes on, and that no reader holds another up. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createKey, revokeKey } from "../../src/access/edit-key-file.ts";
import type { Role } from "../../src/access/roles.ts";
import { expectProblem } from "../support/http.ts";
import { readStream } from "../support/stream-reader.ts";
import { append, order, seen, serveStream } from "../support/stream-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("GET /events/stream", () => {
  it("tells events as CloudEvents of today's version, and the troubles of deliveries, live and again from any place", async () => {
    const { store, url } = await serveStream();
    const live = await readStream(url);
    expect([live.status, live.headers["content-type"], live.headers["cache-control"]]).toEqual([200, "text/event-stream", "no-store"]);
    await store.append({ type: "order.placed", schemaVersion: 1, entity: { type: "order", id: "a" }, data: { n: 1 } });
    await append(store, order("a", -2), order("b", -1), order("c", -3));
    const messages = [...(await live.until(7))];
    expect(seen(messages).toSorted()).toEqual(["a 1 failed", "b 0 dead_lettered", "c 0 skipped", "order/a 0", "order/a 1", "order/b 0", "order/c 0"]);
    expect(messages[0]).toMatchObject({ event: "event", data: { specversion: "1.0", type: "order.placed", schemaversion: 2, data: { n: 1, note: "lifted" } } });
    const [told] = messages.filter(({ event }) => event === "delivery");
    expect(Object.keys(told!.data)).toEqual(["delivery_id", "handler", "entity", "revision", "status"]);

    // Every place is one to come back to: the rest follows, and nothing comes twice.
    for (const [index, { id }] of messages.entries()) {
      const again = await readStream(`${url}?after=0`, { "last-event-id": id });
      const rest = messages.slice(index + 1);
      expect((await again.until(rest.length)).map(({ id, event }) => [id, event])).toEqual(rest.map(({ id, event }) => [id, event]));
      again.leave();
    }
    const all = await readStream(`${url}?after=0&types=events,deliveries,completed`);
    await all.until(9);
    expect(seen(all.messages)).toEqual(expect.arrayContaining(["a 0 completed", "a 1 completed"]));
    live.leave();
    all.leave();
  });

  it("tells each part of a split event, and goes on between two parts", async () => {
    const { store, url } = await serveStream();
    await store.append({ type: "pair.made", schemaVersion: 1, entity: { type: "pair", id: "p" }, data: { n: 1 } });
    await append(store, order("a", 1));
    const all = await readStream(`${url}?after=0`);
    const [one, two, three] = await all.until(3);
    expect([one!.data.type, two!.data.type, three!.data.type]).toEqual(["pair.first", "pair.second", "order.placed"]);
    expect(one!.id).toBe(`${two!.id}.1`);
    const again = await readStream(url, { "last-event-id": one!.id });
    expect((await again.until(2)).map(({ id }) => id)).toEqual([two!.id, three!.id]);
    const seconds = await readStream(`${url}?after=0&event_type=pair.second`);
    expect((await seconds.until(1)).map(({ id, data }) => [id, data.type])).toEqual([[two!.id, "pair.second"]]);
    for (const reader of [all, again, seconds]) reader.leave();
  });

  it("takes filters for events and deliveries alike, and refuses what it does not know", async () => {
    const { store, url } = await serveStream();
    await append(store, order("a", -1), order("ab", 1), order("b", 1));
    await store.append({ type: "pair.made", entity: { type: "pair", id: "a" }, data: { n: 1 } });
    const told = async (query: string, count: number) => {
      const reader = await readStream(`${url}?after=0&${query}`);
      await reader.until(count);
      await append(store, order("a", 1)); // held: it tells no delivery
      await reader.until(count + (/entity_id=b|deliveries$/.test(query) ? 0 : 1));
      reader.leave();
      return seen(reader.messages.slice(0, count));
    };
    expect(await told("entity_type=order&entity_id=a", 2)).toEqual(["order/a 0", "a 0 dead_lettered"]);
    expect(await told("entity_id=b", 1)).toEqual(["order/b 0"]);
    expect(await told("types=deliveries", 1)).toEqual(["a 0 dead_lettered"]);
    expect((await told("event_type=order.placed", 4)).toSorted()).toContain("a 0 dead_lettered");
    const deliveries = await readStream(`${url}?after=0&event_type=order.placed&types=deliveries`);
    expect(seen(await deliveries.until(1))).toEqual(["a 0 dead_lettered"]);
    deliveries.leave();
    for (const query of ["after=x", "after=1.0", "types=all", "types=", "event_type=none.such", "limit=3", "after=99999999999999999999"]) {
      const response = await fetch(`${url}?${query}`);
      expect([query, response.status]).toEqual([query, 400]);
    }
    expect((await fetch(url, { headers: { "last-event-id": "soon" } })).status).toBe(400);
    expect((await fetch(url, { method: "HEAD" })).headers.get("content-type")).toBe("text/event-stream");
  });

  it("says that a position is gone which the log does not have", async () => {
    const { store, url } = await serveStream();
    await append(store, order("a", 1));
    const live = await readStream(url); // somebody is at the log's end
    for (const id of ["99999", "99999.1"]) {
      const reader = await readStream(url, { "last-event-id": id });
      await reader.ended;
      expect(reader.messages.map(({ event }) => event)).toEqual(["gone"]);
    }
    live.leave();
  });

  it("shows a tenant's key that tenant alone, ends with the key, and tells all tenants to who may ask for them", async () => {
    const path = join(temporaryFolder(), "keys.json");
    const editing = { path, nowMs: Date.now(), random: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
    const key = (name: string, role: Role, tenant: string) => {
      const { key, text } = createKey(editing, { name, role, tenant, expiresAtMs: null, limit: null, sources: null });
      return { id: key.id, headers: { authorization: `Bearer ${text}` } };
    };
    const [anna, zoe, root] = [key("anna", "append", "default"), key("zoe", "read", "other"), key("root", "read", "*")];
    const { store, url } = await serveStream({ keysPath: path });
    await append(store, order("a", -1), order("z", -1, "other"));
    const own = await readStream(`${url}?after=0`, zoe.headers);
    expect(seen(await own.until(2))).toEqual(["order/z 0", "z 0 dead_lettered"]);
    const all = await readStream(`${url}?after=0&tenant=*`, root.headers);
    const ofAll = (await all.until(4)).filter(({ event }) => event === "delivery");
    expect(ofAll.map(({ data }) => data.tenant).toSorted()).toEqual(["default", "other"]);
    const asked = async (query: string, { headers }: { headers: Record<string, string> }) => {
      const response = await fetch(`${url}?after=x&${query}`, { headers });
      return { statusCode: response.status, headers: Object.fromEntries(response.headers), json: await response.json().then((body) => () => body) };
    };
    expectProblem(await asked("tenant=other", anna), 404, "NOT_FOUND");
    expectProblem(await asked("tenant=*", anna), 403, "TENANT_REQUIRED");
    const annas = await readStream(url, anna.headers);
    revokeKey(editing, zoe.id);
    await append(store, order("a", 1));
    expect(seen(await annas.until(1))).toEqual(["order/a 1"]);
    const revokedMs = performance.now();
    await own.ended;
    expect(performance.now() - revokedMs).toBeLessThan(5000);
    expect(own.messages).toHaveLength(2);
    all.leave();
    annas.leave();
  });

  it("takes 100 readers and no more, and ends them in order when the service stops", async () => {
    const { url, close } = await serveStream();
    const readers = await Promise.all(Array.from({ length: 100 }, () => readStream(url)));
    const refused = await fetch(url);
    expectProblem(
      { statusCode: refused.status, headers: Object.fromEntries(refused.headers), json: await refused.json().then((body) => () => body) },
      429,
      "LIMIT_REACHED",
    );
    readers[0]!.leave();
    await expect
      .poll(async () => {
        const reader = await readStream(url);
        reader.leave();
        return reader.status;
      })
      .toBe(200);
    await close();
    await Promise.all(readers.map(({ ended }) => ended));
    expect(readers[1]!.comments().at(-1)).toBe("the stream ends here");
  });
});
