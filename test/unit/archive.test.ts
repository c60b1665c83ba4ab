import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, StoredEvent } from "../../src/event/event.ts";
import type { Archive, WrittenSegment } from "../../src/retention/archive/archive.ts";
import { openFilePlace } from "../../src/retention/archive/file-place.ts";
import { eventOf, lineOf } from "../../src/retention/archive/line.ts";
import { archiveAt, openArchive } from "../../src/retention/archive/open-archive.ts";
import { allOf, eventsOfOrders, faultyPlace, inBatches, archivedLogId as logId, memoryPlace } from "../support/archived-events.ts";
import { makeStoredEvent } from "../support/stored-event.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Small segments, so that few events make several. */
const segmentBytes = 2000;

async function written(folder: string, events: readonly StoredEvent[]): Promise<WrittenSegment[]> {
  const archive = await openArchive(`file:${folder}`, logId, { segmentBytes });
  return allOf(archive.write(inBatches(events)));
}

async function readBack(folder: string): Promise<StoredEvent[]> {
  return eventsIn(await openArchive(`file:${folder}`, logId));
}

async function eventsIn(archive: Archive): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (const { name } of await archive.segments()) for await (const batch of archive.read(name)) events.push(...batch);
  return events;
}

describe("a line of a segment", () => {
  const text = fc.string({ unit: "grapheme" });
  const extensions = fc.dictionary(fc.constantFrom("myext", "priority", "logid", "storedform", "n1"), fc.oneof(text, fc.integer(), fc.boolean()));
  const metadata = fc.record(
    {
      priority: fc.constantFrom("low", "normal", "high", "critical"),
      correlationId: text,
      causationId: text,
      traceparent: text,
      callChain: fc.array(text, { minLength: 1, maxLength: 3 }),
      contextRefs: fc.array(fc.record({ kind: text, ref: text }), { maxLength: 3 }),
      extensions,
    },
    { requiredKeys: ["priority"] },
  );

  it("gives back exactly the event, whatever it holds", () => {
    const time = fc.constantFrom(null, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.123456Z", "");
    const event = fc.record({
      source: fc.option(fc.oneof(text, fc.constant("reprise"))),
      occurredAt: time,
      data: fc.jsonValue(),
      metadata,
      revision: fc.nat(),
    });
    fc.assert(
      fc.property(event, (more) => {
        const given = makeStoredEvent({ ...(more as object), stream: "default.order-a/b-c" });
        const back = eventOf(lineOf(given, logId), logId, "a line");
        expect(back).toEqual({ ...given, data: JSON.parse(JSON.stringify(given.data)) as Json, metadata: JSON.parse(JSON.stringify(given.metadata)) });
      }),
    );
  });

  it("is a CloudEvent for whoever knows nothing of Reprise", () => {
    const event = makeStoredEvent({ source: "shop", metadata: { priority: "high", callChain: ["a", "b"], extensions: { myext: 7 } } });
    expect(JSON.parse(lineOf(event, logId))).toEqual({
      ...{ specversion: "1.0", id: event.id, type: "order.placed", source: "shop", subject: "order/1", time: event.recordedAt },
      ...{ datacontenttype: "application/json", schemaversion: 1, revision: 0, position: "1", recordedtime: event.recordedAt, tenant: "default" },
      ...{ logid: logId, priority: "high", callchain: "a,b", myext: 7, data: {} },
    });
  });

  it.each([
    ["damaged", makeStoredEvent({ damage: { detail: "position 1: torn", typeDoubtful: false } })],
    ["with a number that JSON does not hold", makeStoredEvent({ data: { deep: [Number.POSITIVE_INFINITY] } })],
  ])("is refused for an event that is %s", (_, event) => {
    expect(() => lineOf(event, logId)).toThrow(expect.objectContaining({ code: "LOG_DAMAGED" }));
  });
});

describe("an archive in a folder", () => {
  it("has the manifest and the segments that are promised, and only this user may read them", async () => {
    const folder = temporaryFolder();
    const events = eventsOfOrders(20);
    const segments = await written(folder, events);
    expect(segments.length).toBeGreaterThan(2);
    const manifest = JSON.parse(readFileSync(join(folder, logId, "manifest.json"), "utf8")) as { segments: Record<string, unknown>[] };
    expect(manifest).toMatchObject({ version: 1, log_id: logId });
    let previous: unknown = null;
    let position = 10;
    for (const entry of manifest.segments) {
      expect(Object.keys(entry)).toEqual(["name", "sha256", "bytes", "events", "first_position", "last_position", "previous_sha256"]);
      const path = join(folder, logId, "segments", `${entry.name as string}.ndjson.gz`);
      const lines = gunzipSync(readFileSync(path)).toString("utf8").trimEnd().split("\n");
      expect({ bytes: statSync(path).size, mode: statSync(path).mode & 0o777 }).toEqual({ bytes: entry.bytes, mode: 0o600 });
      expect(lines).toHaveLength(entry.events as number);
      expect(entry).toMatchObject({ previous_sha256: previous, first_position: String(position) });
      position += 10 * lines.length;
      previous = entry.sha256;
    }
    expect(statSync(join(folder, logId)).mode & 0o777).toBe(0o700);
    expect(await readBack(folder)).toEqual(events);
  });

  it("gives each stream's revisions with the segment that has them", async () => {
    const segments = await written(temporaryFolder(), eventsOfOrders(20));
    const seen = new Map<string, number>();
    for (const { streams, entry } of segments) {
      expect([...streams.values()].reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(entry.events);
      for (const [stream, { first, last }] of streams) {
        expect(first).toBe((seen.get(stream) ?? -1) + 1);
        seen.set(stream, last);
      }
    }
    expect(Object.fromEntries(seen)).toEqual({ "default.order-0": 6, "default.order-1": 6, "default.order-2": 5 });
  });

  it("finds an event, and reads one stream forward and backward from anywhere, without the rest", async () => {
    const folder = temporaryFolder();
    const events = eventsOfOrders(60, 4);
    await written(folder, events);
    const archive = await openArchive(`file:${folder}`, logId);
    expect(await archive.find("default", events[33]!.id)).toMatchObject({ event: events[33], segment: expect.stringMatching(/^\d{20}-[0-9a-f]{24}$/) });
    expect(await archive.find("other", events[33]!.id)).toBeNull();
    const of = events.filter(({ stream }) => stream === "default.order-2");
    for (const from of [undefined, 0, 1, 7, 14, 99]) {
      const forward = (await allOf(archive.stream("default.order-2", from === undefined ? {} : { from }))).map(({ event }) => event);
      expect(forward).toEqual(of.filter(({ revision }) => revision >= (from ?? 0)));
      const backward = await allOf(archive.stream("default.order-2", { direction: "backward", ...(from === undefined ? {} : { from }) }));
      expect(backward.map(({ event }) => event)).toEqual(of.filter(({ revision }) => revision <= (from ?? 99)).toReversed());
    }
    expect(await allOf(archive.stream("default.order-9"))).toEqual([]);
  });

  it("stores nothing twice when it was ended at any step and called again, then with more events", async () => {
    const events = eventsOfOrders(30);
    const steps = await stepsOf(events.slice(0, 25));
    for (let ended = 0; ended < steps; ended++) {
      const kept = memoryPlace();
      const place = faultyPlace(kept, ({ number }) => {
        if (number >= ended) throw new Error("ended here");
        return undefined;
      });
      await expect(allOf(archiveAt(place, logId, { segmentBytes }).write(inBatches(events.slice(0, 25))))).rejects.toThrow("ended here");
      const archive = archiveAt(kept, logId, { segmentBytes });
      await allOf(archive.write(inBatches(events)));
      expect(await eventsIn(archive)).toEqual(events);
    }
  });

  it("says what an earlier call has stored", async () => {
    const folder = temporaryFolder();
    const events = eventsOfOrders(20);
    const first = await written(folder, events.slice(0, 13));
    const again = await written(folder, events);
    expect(again.filter(({ present }) => present).map(({ entry, streams }) => [entry, streams])).toEqual(first.map(({ entry, streams }) => [entry, streams]));
    expect(again.filter(({ present }) => !present).reduce((sum, { entry }) => sum + entry.events, 0)).toBe(7);
  });

  it("does not believe a place that keeps or gives other bytes", async () => {
    const events = eventsOfOrders(30);
    const steps = await stepsOf(events);
    for (let lie = 0; lie < steps; lie++) {
      const kept = memoryPlace();
      const place = faultyPlace(kept, ({ number }, body) => (number === lie && body.length > 0 ? body.slice(0, body.length >> 1) : undefined));
      await allOf(archiveAt(place, logId, { segmentBytes }).write(inBatches(events)));
      expect(await eventsIn(archiveAt(kept, logId))).toEqual(events);
    }
  });

  it("goes on by itself after a place that only lied", async () => {
    const kept = memoryPlace();
    const events = eventsOfOrders(30);
    let lies = true;
    const place = faultyPlace(kept, ({ act }, body) => (lies && act !== "read" ? Buffer.from("wrong") : body));
    const archive = archiveAt(place, logId, { segmentBytes });
    await expect(allOf(archive.write(inBatches(events)))).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
    lies = false;
    await allOf(archive.write(inBatches(events)));
    expect(await eventsIn(archiveAt(kept, logId))).toEqual(events);
  });

  it("is written by one process at a time", async () => {
    const folder = temporaryFolder();
    const first = openFilePlace(folder);
    const release = await first.hold(logId);
    await expect(written(folder, eventsOfOrders(3))).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
    release();
    await written(folder, eventsOfOrders(3));
    expect(readdirSync(join(folder, logId, "segments")).filter((name) => name.endsWith(".gz"))).toHaveLength(1);
  });

  it("makes an index again that is lost or damaged", async () => {
    const folder = temporaryFolder();
    const events = eventsOfOrders(20);
    await written(folder, events);
    const place = faultyPlace(openFilePlace(folder), ({ name }, body) => (name.endsWith(".index") ? body.slice(0, -1) : undefined));
    const archive = archiveAt(place, logId);
    for (const event of events) expect((await archive.find("default", event.id))?.event).toEqual(event);
  });

  it("is refused as the archive of another log", async () => {
    const folder = temporaryFolder();
    await written(folder, eventsOfOrders(3));
    const other = "0198c0de-bbbb-7000-8000-000000000000";
    const place = openFilePlace(folder);
    const moved = { ...place, read: (name: string, range?: { from: number; to: number }) => place.read(name.replace(other, logId), range) };
    await expect(archiveAt(moved, other).segments()).rejects.toMatchObject({ code: "ARCHIVE_FOREIGN" });
  });
});

/** How many steps a call of `write` asks of its place. */
async function stepsOf(events: readonly StoredEvent[]): Promise<number> {
  let steps = 0;
  const place = faultyPlace(memoryPlace(), () => {
    steps++;
    return undefined;
  });
  await allOf(archiveAt(place, logId, { segmentBytes }).write(inBatches(events)));
  return steps;
}
