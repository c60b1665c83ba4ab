/** The manifest of an archive and its copy, as the check of an archive finds them. */
import { isRepriseError } from "../../errors.ts";
import type { SegmentEntry } from "./archive.ts";
import type { ArchivePlace } from "./archive-place.ts";
import { isContinued, manifestCopyName, manifestName, readManifest, readManifestCopy } from "./manifest.ts";

interface Finding {
  readonly file: string;
  readonly detail: string;
  readonly isDamage: boolean;
}

export interface CheckedManifest {
  /** Null: it cannot be said which segments there must be. */
  readonly entries: readonly SegmentEntry[] | null;
  readonly findings: readonly Finding[];
  /** The manifest can be read, and is not what its copy says, which is whole: told when no entry is found to be wrong. */
  readonly differs: Finding | null;
}

/** @throws ARCHIVE_UNAVAILABLE */
export async function checkManifest(place: ArchivePlace, logId: string): Promise<CheckedManifest> {
  const [file, copyFile] = [manifestName(logId), manifestCopyName(logId)];
  const manifest = await readOne(place, file, (text) => readManifest(text, logId));
  const copy = await readOne(place, copyFile, (text) => readManifestCopy(text, logId));
  const ofManifest = (detail: string): Finding => ({ file, detail, isDamage: true });
  if (manifest.wrong !== null) return { entries: copy.entries, findings: [ofManifest(manifest.wrong)], differs: null };
  if (manifest.entries === null) return { entries: copy.entries ?? [], findings: [ofManifest("The manifest is missing.")], differs: null };
  const { entries } = manifest;
  const again = "The next run that stores a segment writes it again.";
  if (copy.wrong !== null) return { entries, findings: [{ file: copyFile, detail: `${copy.wrong} ${again}`, isDamage: true }], differs: null };
  const isBare = copy.entries === null && entries.length > 0;
  if (isBare)
    return { entries, findings: [{ file: copyFile, detail: `The manifest has no copy: an earlier build wrote it. ${again}`, isDamage: false }], differs: null };
  const isRight = isContinued(logId, entries, copy.entries ?? []);
  return { entries, findings: [], differs: isRight ? null : ofManifest(`The manifest is not as it was written: its copy says otherwise. ${again}`) };
}

interface One {
  readonly entries: readonly SegmentEntry[] | null;
  readonly wrong: string | null;
}

async function readOne(place: ArchivePlace, name: string, read: (text: string) => readonly SegmentEntry[]): Promise<One> {
  const found = await place.read(name);
  if (found === null) return { entries: null, wrong: null };
  try {
    return { entries: read(Buffer.from(found.body).toString("utf8")), wrong: null };
  } catch (error) {
    if (!isRepriseError(error)) throw error;
    return { entries: null, wrong: error.message };
  }
}
