import { hash } from "node:crypto";
import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import { besideMs, makeTurns } from "../../event/turns.ts";
import type { Revisions, SegmentEntry, WriteOptions, WrittenSegment } from "./archive.ts";
import type { ArchivePlace } from "./archive-place.ts";
import { unpackBlock } from "./block.ts";
import { blocksOf } from "./checked-read.ts";
import { type DraftSegment, makeSegmentDraft } from "./draft-segment.ts";
import { areEqual, sha256Of } from "./large-bytes.ts";
import { makeIndex } from "./make-index.ts";
import { indexName, segmentName } from "./manifest.ts";
import { eventKey } from "./segment-index.ts";
import type { Shelf } from "./shelf.ts";

export interface WriteNeeds {
  readonly place: ArchivePlace;
  readonly logId: string;
  readonly shelf: Shelf;
  /** Bytes of lines in a segment. Default: those of every archive. */
  readonly limit?: number | undefined;
}

const tries = 3;
/** Streams of segments that were there before, noted until they are handed on. */
const notedStreams = 10_000;

/** @throws as `write` of an archive */
export async function* writeSegments(
  needs: WriteNeeds,
  events: AsyncIterable<readonly StoredEvent[]>,
  { among = (all) => all, signal }: WriteOptions = {},
): AsyncGenerator<WrittenSegment, void> {
  const { place, logId, shelf, limit } = needs;
  const release = await place.hold(logId);
  try {
    const before = among(await shelf.segments(true));
    const present = makePresent();
    const turns = makeTurns(besideMs);
    let draft = makeSegmentDraft(logId, limit);
    for await (const batch of events) {
      for (const event of batch) {
        if (signal?.aborted) return;
        if (turns.due()) await turns.next();
        const there = await segmentOf(shelf, before, event);
        if (there !== null) {
          present.note(there, event);
          if (present.streams() > notedStreams) yield* present.take();
        } else if (!(await draft.add(event))) {
          yield* present.take();
          yield await store(needs, await draft.finish());
          draft = makeSegmentDraft(logId, limit);
          await draft.add(event);
        }
      }
    }
    yield* present.take();
    if (draft.events > 0 && !signal?.aborted) yield await store(needs, await draft.finish());
  } finally {
    release();
  }
}

/** The segment that an earlier run has put the event into. */
async function segmentOf(shelf: Shelf, before: readonly SegmentEntry[], { tenant, id, stream, revision, position }: StoredEvent): Promise<SegmentEntry | null> {
  for (const entry of before) {
    if (position < entry.firstPosition || position > entry.lastPosition) continue;
    for (const block of (await shelf.index(entry)).blocksOf(eventKey(tenant, id)))
      if ((await shelf.block(entry, block)).some((one) => one.id === id && one.stream === stream && one.revision === revision)) return entry;
  }
  return null;
}

/** What is found in segments of earlier runs. */
function makePresent() {
  let noted = new Map<string, { readonly entry: SegmentEntry; readonly streams: Map<string, Revisions> }>();
  let size = 0;
  return {
    streams: () => size,
    note(entry: SegmentEntry, { stream, revision }: StoredEvent): void {
      let of = noted.get(entry.name);
      if (of === undefined) noted.set(entry.name, (of = { entry, streams: new Map() }));
      const first = of.streams.get(stream)?.first;
      if (first === undefined) size++;
      of.streams.set(stream, { first: first ?? revision, last: revision });
    },
    *take(): Generator<WrittenSegment, void> {
      const taken = noted;
      noted = new Map();
      size = 0;
      for (const { entry, streams } of taken.values()) yield { entry, streams, present: true };
    },
  };
}

/** Stores a segment, looks whether the place has it, and names it in the manifest. */
async function store({ place, logId, shelf }: WriteNeeds, draft: DraftSegment): Promise<WrittenSegment> {
  const { name, events, firstPosition, lastPosition, streams } = draft;
  const { body, sha256, index } = await storeBody(place, logId, draft);
  await storeExactly(place, indexName(logId, name), index);
  const entry = { name, sha256, bytes: body.length, events, firstPosition, lastPosition };
  return { entry: await shelf.add(entry), streams, present: false };
}

/**
 * Stores the file of a segment. A run that was killed may have left it, and another version of the packer makes other bytes of the same lines: then those that
 * are there are as good. Anything else under its name is no segment that a manifest may name, so it is replaced.
 */
async function storeBody(place: ArchivePlace, logId: string, draft: DraftSegment): Promise<Pick<DraftSegment, "body" | "sha256" | "index">> {
  const name = segmentName(logId, draft.name);
  const how = await place.create(name, draft.body);
  const back = (await place.read(name))?.body;
  if (back !== undefined && (await areEqual(draft.body, back))) return draft;
  if (how === "exists" && back !== undefined && (await linesHash(back, draft.name)) === (await linesHash(draft.body, draft.name))) {
    // What is named in the manifest must not come from a single wrong answer, whose lines are right by chance.
    const again = (await place.read(name))?.body;
    if (again !== undefined && (await areEqual(back, again)))
      return { body: back, sha256: await sha256Of(back), index: await makeIndex(back, logId, draft.name) };
  }
  await storeExactly(place, name, draft.body);
  return draft;
}

/** @throws ARCHIVE_UNAVAILABLE when the place does not give back what it was given. */
async function storeExactly(place: ArchivePlace, name: string, body: Uint8Array): Promise<void> {
  for (let left = tries; left > 0; left--) {
    await place.replace(name, body);
    const back = await place.read(name);
    if (back !== null && (await areEqual(body, back.body))) return;
  }
  throw new RepriseError("ARCHIVE_UNAVAILABLE", `${place.url}: ${name} does not come back as it was given.`);
}

async function linesHash(body: Uint8Array, segment: string): Promise<string | null> {
  try {
    let all = "";
    for (const { block } of blocksOf(body, segment)) all = hash("sha256", all + hash("sha256", await unpackBlock(block, segment), "hex"), "hex");
    return all;
  } catch {
    return null; // it is no segment
  }
}
