import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { SegmentEntry } from "./archive.ts";
import type { ArchivePlace, Found } from "./archive-place.ts";
import { manifestName, manifestText, readManifest } from "./manifest.ts";

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

export function keepManifest(place: ArchivePlace, logId: string, clock: Pick<Clock, "monotonicMs">): KeptManifest {
  const manifest = manifestName(logId);
  let known: Known | null = null;
  /** What the manifest must say, while what is there could not be made to say it. */
  let owed: readonly SegmentEntry[] | null = null;

  async function read(): Promise<Known> {
    for (let left = tries; ; left--) {
      const found = await place.read(manifest);
      try {
        return asKnown(found);
      } catch (error) {
        if (left === 1) throw error;
      }
    }
  }

  /** What will be written again must not come from a single wrong answer: two that are alike are needed. */
  async function readTwice(): Promise<Known> {
    for (let left = tries; left > 0; left--) {
      const [one, other] = [await place.read(manifest), await place.read(manifest)];
      if (one === null ? other === null : other !== null && Buffer.from(one.body).equals(other.body)) return asKnown(other);
    }
    throw new RepriseError("ARCHIVE_UNAVAILABLE", `${place.url}: ${manifest} comes otherwise each time that it is read.`);
  }

  function asKnown(found: Found | null): Known {
    const segments = found === null ? [] : readManifest(Buffer.from(found.body).toString("utf8"), logId);
    return { segments, tag: found?.tag ?? null, atMs: clock.monotonicMs() };
  }

  /** Makes the manifest say this, and looks whether it does: a place may keep other bytes than it was given. */
  async function write(segments: readonly SegmentEntry[], seen: string | null | undefined): Promise<void> {
    const text = Buffer.from(manifestText(logId, segments));
    owed = segments;
    for (let left = tries; left > 0; left--) {
      await place.replace(manifest, text, left === tries ? seen : undefined);
      const found = await place.read(manifest);
      if (found !== null && text.equals(found.body)) {
        known = { segments, tag: found.tag, atMs: clock.monotonicMs() };
        owed = null;
        return;
      }
    }
    throw new RepriseError("ARCHIVE_UNAVAILABLE", `${place.url}: ${manifest} does not come back as it was given.`);
  }

  async function refresh(toWrite: boolean): Promise<Known> {
    if (owed !== null) await write(owed, undefined);
    return (known = await (toWrite ? readTwice() : read()));
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
