/** Finds what a place says of the segments of a log: in the manifest, or in its copy. */
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { SegmentEntry } from "./archive.ts";
import type { ArchivePlace, Found } from "./archive-place.ts";
import { isContinued, manifestCopyName, manifestName, readManifest, readManifestCopy } from "./manifest.ts";

export interface FoundManifest {
  readonly segments: readonly SegmentEntry[];
  /** Of the manifest; null: there is none. */
  readonly tag: string | null;
  /** The manifest itself does not say it. */
  readonly isCopy: boolean;
}

type Read = (name: string) => Promise<Omit<FoundManifest, "isCopy"> | null>;

const tries = 3;

/** @param twice for what will be written again: that must not come from a single wrong answer. @throws ARCHIVE_DAMAGED, ARCHIVE_UNAVAILABLE */
export async function findManifest(place: ArchivePlace, logId: string, twice: boolean): Promise<FoundManifest> {
  const [manifest, copy] = [manifestName(logId), manifestCopyName(logId)];

  const asKnown = (name: string, { body, tag }: Found) => {
    const text = Buffer.from(body).toString("utf8");
    return { segments: name === copy ? readManifestCopy(text, logId) : readManifest(text, logId), tag };
  };

  const readOnce: Read = async (name) => {
    for (let left = tries; ; left--) {
      const found = await place.read(name);
      try {
        return found && asKnown(name, found);
      } catch (error) {
        if (left === 1) throw error;
      }
    }
  };

  /** Two answers that are alike are needed. */
  const readTwice: Read = async (name) => {
    for (let left = tries; left > 0; left--) {
      const [one, other] = [await place.read(name), await place.read(name)];
      if (one === null && other === null) return null;
      if (one !== null && other !== null && Buffer.from(one.body).equals(other.body)) return asKnown(name, other);
    }
    throw new RepriseError("ARCHIVE_UNAVAILABLE", `${place.url}: ${name} comes otherwise each time that it is read.`);
  };

  const read = twice ? readTwice : readOnce;
  const damages: unknown[] = [];
  const unlessDamaged = (error: unknown): null => {
    if (!isRepriseError(error, "ARCHIVE_DAMAGED")) throw error;
    damages.push(error);
    return null;
  };
  const found = await read(manifest).catch(unlessDamaged);
  const isDamaged = damages.length > 0;
  const kept = await read(copy).catch(unlessDamaged);
  // Each manifest comes after its copy: one that cannot have come after the copy that is there was never written so.
  if (found !== null && (kept === null || isContinued(logId, found.segments, kept.segments))) return { ...found, isCopy: false };
  if (kept !== null) return { ...kept, isCopy: true };
  if (isDamaged) throw damages[0];
  return { segments: [], tag: null, isCopy: false }; // a copy that is damaged is the first one ever, which was cut off
}
