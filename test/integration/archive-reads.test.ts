import { rmSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { makeCensus } from "../../src/catalog/census.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { archivesFor } from "../../src/cli/walk-archives.ts";
import { walkLog } from "../../src/cli/walk-log.ts";
import { newId } from "../../src/event/ids.ts";
import { retentionStream } from "../../src/event/names.ts";
import type { SegmentsReply } from "../../src/http/wire/archive.ts";
import type { EntityEventsReply } from "../../src/http/wire/entities.ts";
import type { EventReply } from "../../src/http/wire/events.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import type { SegmentEntry } from "../../src/retention/archive/archive.ts";
import { makeArchiveScene, placeOrders } from "../support/archive-scene.ts";
import { expectProblem, serverOver } from "../support/http.ts";

/** Order a has three of its five events left, order b none, order c all. */
async function archived(): Promise<{ app: FastifyInstance; ids: Map<string, string> }> {
  const scene = makeArchiveScene();
  const store = await scene.start();
  await placeOrders(store, ["a", "b", "c"], 5);
  const ids = new Map<string, string>();
  for (const id of ["a", "b", "c"]) for (const event of (await store.readEntity({ type: "order", id })).events) ids.set(`${id}${event.revision}`, event.id);
  await store.close();
  await scene.archive({ "default.order-a": 2, "default.order-b": 5 });
  return { app: serverOver(await scene.start()), ids };
}

async function get<T>(app: FastifyInstance, url: string): Promise<T> {
  const answer = await app.inject(url);
  expect({ url, status: answer.statusCode, body: answer.statusCode === 200 ? "" : answer.body }).toEqual({ url, status: 200, body: "" });
  return answer.json();
}

describe("an event that has left the log", () => {
  it("is 410 with its segment, and as=archived reads it through the chain", async () => {
    const { app, ids } = await archived();
    const { segments, log_id } = await get<SegmentsReply>(app, "/archive/segments");
    expect(segments).toHaveLength(1);
    expect(segments[0]).toMatchObject({ events: 7, previous_sha256: null, archive: expect.stringMatching(/^file:/) });
    expect(log_id).toMatch(/^[0-9a-f-]{36}$/);
    for (const [place, id] of ids) {
      const isArchived = place === "a0" || place === "a1" || place.startsWith("b");
      const answer = await app.inject(`/events/${id}?after=1`);
      if (isArchived) expect(expectProblem(answer, 410, "EVENT_ARCHIVED").segment).toBe(segments[0]!.name);
      const event = await get<EventReply>(app, `/events/${id}?as=archived`);
      expect(event).toMatchObject({ id, schema_version: 2, data: { totalCents: Number(place[1]) * 100 + 50 }, stored: { schema_version: 1 } });
    }
    expectProblem(await app.inject("/events/018f2b2e-7c4a-7d3b-8a1e-0123456789ab?as=archived"), 404, "NOT_FOUND");
    expectProblem(await app.inject(`/events/${ids.get("a0")}?as=other`), 400, "REQUEST_INVALID");
  });

  it("is told of by reads of its entity, which as=archived makes whole in either direction and by pages", async () => {
    const { app } = await archived();
    const revisionsOf = ({ events }: EntityEventsReply): number[] => events.map(({ revision }) => revision);
    const now = await get<EntityEventsReply>(app, "/entities/order/a/events");
    expect({ revisions: revisionsOf(now), archived: now.archived }).toEqual({ revisions: [2, 3, 4], archived: { before: 2, segments: [expect.any(String)] } });
    const gone = await get<EntityEventsReply>(app, "/entities/order/b/events");
    expect({ revisions: revisionsOf(gone), archived: gone.archived?.before }).toEqual({ revisions: [], archived: 5 });
    expect((await get<EntityEventsReply>(app, "/entities/order/c/events")).archived).toBeNull();
    for (const id of ["a", "b", "c"])
      for (const direction of ["forward", "backward"]) {
        const all: number[] = [];
        let from = "";
        do {
          const page = await get<EntityEventsReply>(app, `/entities/order/${id}/events?as=archived&limit=2&direction=${direction}${from}`);
          all.push(...revisionsOf(page));
          from = page.next_from === null ? "" : `&from=${page.next_from}`;
        } while (from !== "");
        expect({ id, direction, all }).toEqual({ id, direction, all: direction === "forward" ? [0, 1, 2, 3, 4] : [4, 3, 2, 1, 0] });
      }
  });

  it("stays unseen for other tenants", async () => {
    const scene = makeArchiveScene();
    const store = await scene.start();
    await placeOrders(store, ["a"], 1);
    const { events } = await store.readEntity({ type: "order", id: "a" });
    await store.close();
    await scene.archive({ "default.order-a": 1 });
    const again = await scene.start();
    expect(await again.archivedEvent("default", events[0]!.id)).toMatchObject({ event: { id: events[0]!.id } });
    expect(await again.archivedEvent("other", events[0]!.id)).toBeUndefined();
    expect((await again.readEntity({ type: "order", id: "a" }, { tenant: "other", archived: true })).events).toEqual([]);
  });

  it("is counted by the census, and keeps the steps that it needs", async () => {
    const scene = makeArchiveScene();
    const store = await scene.start();
    await placeOrders(store, ["a", "b"], 3);
    const { catalog } = store;
    await store.close();
    const terminal = { out() {}, err() {}, interactive: false, columns: undefined } as unknown as Terminal;
    const count = async () => {
      const census = makeCensus(catalog);
      const walk = await walkLog(scene.log, terminal, "Counting", (event) => census.add(event), archivesFor(scene.config()));
      const { rows, steps, events } = census.report();
      return { archived: walk.archived, events, steps, rows: rows.map(({ type, version, count, lifted }) => ({ type, version, count, lifted })) };
    };
    const before = await count();
    await scene.archive({ "default.order-a": 3, "default.order-b": 3 });
    expect(await count()).toEqual({ ...before, archived: 6 });
    expect(before).toMatchObject({ archived: 0, events: 6, steps: [{ type: "order.placed", from: 1, to: 2, events: 6 }] });
    // As a run has it on record.
    const log = await scene.openLog();
    const [{ name }] = (await (await scene.openArchive(log.logId)).segments()) as [SegmentEntry];
    const data = { runId: newId(), archive: `file:${scene.archiveFolder}`, segment: name, after: "0", through: "9", streams: [] };
    await log.append(retentionStream, [ownEvent(newId, "retention.archived", data)], "any");
    await log.close();
    expect(await count()).toMatchObject({ archived: 6 });
    rmSync(scene.archiveFolder, { recursive: true });
    await expect(count()).rejects.toThrow(/ARCHIVE_DAMAGED/);
  });
});
