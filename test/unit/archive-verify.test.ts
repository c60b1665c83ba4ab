import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { unpackBlock } from "../../src/retention/archive/block.ts";
import { blocksOf } from "../../src/retention/archive/checked-read.ts";
import { manifestCopyText, readManifest } from "../../src/retention/archive/manifest.ts";
import { archiveAt } from "../../src/retention/archive/open-archive.ts";
import { type ArchiveFinding, verifyArchive } from "../../src/retention/archive/verify.ts";
import { allOf, eventsOfOrders, inBatches, archivedLogId as logId, memoryPlace } from "../support/archived-events.ts";
import { size } from "../support/sizes.ts";

interface Kept {
  readonly things: Map<string, Uint8Array>;
  readonly events: readonly StoredEvent[];
  readonly findings: () => Promise<readonly ArchiveFinding[]>;
}

async function makeKept(events = eventsOfOrders(24, 3, 200), segmentBytes = 4500): Promise<Kept> {
  const things = new Map<string, Uint8Array>();
  await allOf(archiveAt(memoryPlace(things), logId, { segmentBytes }).write(inBatches(events)));
  const findings = async (): Promise<readonly ArchiveFinding[]> => {
    const found: ArchiveFinding[] = [];
    await verifyArchive(memoryPlace(things), logId, (finding) => found.push(finding));
    return found;
  };
  return { things, events, findings };
}

/** Every byte of the small files, or as many of them, spread over the whole. */
const flips = size(150, 5000);

describe("the check of an archive", { timeout: 120_000 }, () => {
  it("finds nothing in one that is whole, and reads all of it", async () => {
    const { things } = await makeKept();
    expect(await verifyArchive(memoryPlace(things), logId, (finding) => expect.fail(finding.detail))).toMatchObject({ logId, events: 24, segments: 4 });
  });

  it("finds a flipped bit at any place of any file, and says which segment, line and event", async () => {
    const { things, findings } = await makeKept();
    for (const [file, whole] of [...things]) {
      const segment = /([0-9a-f]{20}-[0-9a-f]{24})/.exec(file)?.[1] ?? null;
      const step = Math.max(1, Math.floor(whole.length / flips));
      for (let at = 0; at < whole.length; at += step) {
        const other = Buffer.from(whole);
        other[at]! ^= 1 << (at % 8);
        things.set(file, other);
        const found = (await findings()).filter(({ isDamage }) => isDamage);
        expect({ file, at, found: found.length }).toMatchObject({ file, at, found: 1 });
        const [{ file: told, segment: of, line, detail }] = found as [ArchiveFinding];
        if (segment === null) expect(`${told} ${detail}`).toMatch(/manifest\.json/);
        else expect({ at, told, of }).toEqual({ at, told: file, of: segment });
        if (file.endsWith(".gz")) expect({ at, line }).toEqual({ at, line: expect.any(Number) });
      }
      things.set(file, whole);
    }
  });

  it("finds any byte that is another one, wherever it lies, with its file and the block of lines that it is in (property)", async () => {
    // Segments of several blocks.
    const { things, findings } = await makeKept(eventsOfOrders(12, 3, 100_000), 700_000);
    const files = [...things.keys()];
    const drawn = fc.record({
      file: fc.constantFrom(...files),
      place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      flip: fc.integer({ min: 1, max: 255 }),
    });
    const run = async ({ file, place, flip }: { readonly file: string; readonly place: number; readonly flip: number }) => {
      const whole = things.get(file)!;
      const at = Math.floor(place * whole.length);
      const other = Buffer.from(whole);
      other[at]! ^= flip;
      things.set(file, other);
      const damage = (await findings()).filter(({ isDamage }) => isDamage);
      things.set(file, whole);
      expect(damage).toHaveLength(1);
      if (file.endsWith(".gz")) expect(damage[0]).toMatchObject({ file, line: expect.any(Number) });
      if (!file.endsWith(".gz")) return;
      let line = 1;
      for (const { block, offset } of blocksOf(whole, file)) {
        const lines = (await unpackBlock(block, file)).toString().split("\n").length - 1;
        if (at >= offset && at < offset + block.length) {
          expect(damage[0]!.line).toBeGreaterThanOrEqual(line);
          expect(damage[0]!.line).toBeLessThan(line + lines);
        }
        line += lines;
      }
    };
    await fc.assert(fc.asyncProperty(drawn, run), { numRuns: size(150, 5000) });
  });

  it("names the event whose line was changed and packed again", async () => {
    const { things, findings, events } = await makeKept();
    const [file, whole] = [...things].find(([name]) => name.endsWith(".gz"))!;
    // A byte near the end of the block: most lines before it unpack as they were.
    const other = Buffer.from(whole);
    other[other.length - 12]! ^= 255;
    things.set(file, other);
    const [finding] = await findings();
    expect(finding!.line).toBeGreaterThan(1);
    if (finding!.eventId !== null) expect(finding!.eventId).toBe(events[finding!.line! - 1]!.id);
  });

  it.each(["manifest.json", "manifest.json.copy", ".ndjson.gz", ".index"])("finds that %s is missing, cut or longer", async (ending) => {
    const { things, findings } = await makeKept();
    const [file, whole] = [...things].find(([name]) => name.endsWith(ending))!;
    for (const body of [
      whole.subarray(0, whole.length - 1),
      whole.subarray(0, whole.length >> 1),
      Buffer.concat([whole, Buffer.from("x")]),
      new Uint8Array(),
    ]) {
      things.set(file, body);
      expect((await findings()).length).toBeGreaterThan(0);
    }
    things.delete(file);
    expect((await findings()).length).toBeGreaterThan(0);
  });

  it("finds a segment that is dropped from the manifest, one of another log, and what a run has left", async () => {
    const { things, findings } = await makeKept();
    const manifest = `${logId}/manifest.json`;
    const json = JSON.parse(Buffer.from(things.get(manifest)!).toString()) as { segments: unknown[] };
    const whole = things.get(manifest)!;
    things.set(manifest, Buffer.from(`${JSON.stringify({ ...json, segments: json.segments.toSpliced(1, 1) }, null, 2)}\n`));
    expect((await findings())[0]).toMatchObject({ detail: expect.stringContaining("the chain breaks at segment 2") });
    things.set(manifest, Buffer.from(`${JSON.stringify({ ...json, segments: json.segments.slice(0, -1) }, null, 2)}\n`));
    expect(await findings()).toEqual([expect.objectContaining({ isDamage: false }), expect.objectContaining({ isDamage: false })]);
    things.set(manifest, whole);
    const other = "0198c0de-bbbb-7000-8000-000000000000";
    const moved = new Map([...things].map(([name, body]) => [name.replace(logId, other), body]));
    const foreign = Buffer.from(whole).toString().replace(logId, other);
    moved.set(`${other}/manifest.json`, Buffer.from(foreign));
    moved.set(`${other}/manifest.json.copy`, Buffer.from(manifestCopyText(other, readManifest(foreign, other))));
    const found: ArchiveFinding[] = [];
    await verifyArchive(memoryPlace(moved), other, (finding) => found.push(finding));
    expect(found).toHaveLength(4);
    expect(found[0]!.detail).toContain(`is an event of the log ${logId}, and this is the log ${other}`);
  });

  it.each(["cut", "missing"])("finds a manifest that is %s, reads by its copy, and the next run writes it again", async (how) => {
    const { things, events, findings } = await makeKept();
    const manifest = `${logId}/manifest.json`;
    const whole = things.get(manifest)!;
    if (how === "cut") things.set(manifest, whole.subarray(0, whole.length >> 1));
    else things.delete(manifest);
    expect(await findings()).toEqual([expect.objectContaining({ file: manifest, isDamage: true })]);
    const back: StoredEvent[] = [];
    const archive = archiveAt(memoryPlace(things), logId, { segmentBytes: 4500 });
    for (const { name } of await archive.segments()) for await (const batch of archive.read(name)) back.push(...batch);
    expect(back).toEqual(events);
    await allOf(archive.write(inBatches(events)));
    expect(things.get(manifest)).toEqual(whole);
    expect(await findings()).toEqual([]);
  });
});
