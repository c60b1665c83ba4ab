import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { SegmentEntry } from "./archive.ts";
import type { ArchivePlace } from "./archive-place.ts";
import { findManifest } from "./found-manifest.ts";
import { manifestCopyName, manifestCopyText, manifestName, manifestText } from "./manifest.ts";

/** The manifest of one log at its place. */
export interface KeptManifest {
  /** @param anew read it now, and twice, for what is written next. */
  segments(anew?: boolean): Promise<readonly SegmentEntry[]>;
  /** Names one more segment. @throws ARCHIVE_UNAVAILABLE */
  add(entry: Omit<SegmentEntry, "previousSha256">): Promise<SegmentEntry>;
}

/** How old what was read may be: another process may write it. */
const freshMs = 5000;
const tries = 3;

interface Known {
  readonly segments: readonly SegmentEntry[];
  readonly tag: string | null;
  readonly atMs: number;
}

/**
 * The manifest and its copy say the same, and the copy says it first. So one of them has all segments that are on record, whatever became of the other one:
 * a place may keep half of what it was given, and the process that would give it again may end.
 */
export function keepManifest(place: ArchivePlace, logId: string, clock: Pick<Clock, "monotonicMs">): KeptManifest {
  const [manifest, copy] = [manifestName(logId), manifestCopyName(logId)];
  let known: Known | null = null;
  /** What the manifest must say, while what is there could not be made to say it. */
  let owed: readonly SegmentEntry[] | null = null;

  /** Stores a text, and looks whether it is there: a place may keep other bytes than it was given. @returns its tag. */
  async function put(name: string, text: Buffer, seen: string | null | undefined): Promise<string> {
    for (let left = tries; left > 0; left--) {
      await place.replace(name, text, left === tries ? seen : undefined);
      const found = await place.read(name);
      if (found !== null && text.equals(found.body)) return found.tag;
    }
    throw new RepriseError("ARCHIVE_UNAVAILABLE", `${place.url}: ${name} does not come back as it was given.`);
  }

  async function write(segments: readonly SegmentEntry[], seen: string | null): Promise<void> {
    // Of two that write at once one must not leave a copy that lacks what the other one's manifest has.
    const seenCopy = (await place.read(copy))?.tag ?? null;
    await put(copy, Buffer.from(manifestCopyText(logId, segments)), seenCopy);
    owed = segments;
    await writeManifest(segments, seen);
  }

  /** Its copy says it, and is left alone until the manifest does. */
  async function writeManifest(segments: readonly SegmentEntry[], seen: string | null | undefined): Promise<void> {
    const tag = await put(manifest, Buffer.from(manifestText(logId, segments)), seen);
    known = { segments, tag, atMs: clock.monotonicMs() };
    owed = null;
  }

  async function refresh(toWrite: boolean): Promise<Known> {
    if (owed !== null) await writeManifest(owed, undefined);
    const { segments, tag, isCopy } = await findManifest(place, logId, toWrite);
    if (toWrite && isCopy) await writeManifest(segments, undefined);
    else known = { segments, tag, atMs: clock.monotonicMs() };
    return known!;
  }

  return {
    async segments(anew = false) {
      const isFresh = !anew && known !== null && owed === null && clock.monotonicMs() - known.atMs < freshMs;
      return (isFresh ? known! : await refresh(anew)).segments;
    },
    async add(entry) {
      const { segments, tag } = await refresh(true);
      const there = segments.find(({ name }) => name === entry.name);
      if (there !== undefined) {
        if (there.sha256 === entry.sha256) return there;
        throw new RepriseError("ARCHIVE_DAMAGED", `Segment ${entry.name} is not the one that the manifest names.`, { fields: { place: manifest } });
      }
      const named = { ...entry, previousSha256: segments.at(-1)?.sha256 ?? null };
      await write([...segments, named], tag);
      return named;
    },
  };
}
