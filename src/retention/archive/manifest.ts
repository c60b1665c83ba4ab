/** The manifest of one log's archive: which segments it has, each chained to the one before by its SHA-256. */
import { hash } from "node:crypto";
import { z } from "zod";
import { RepriseError } from "../../errors.ts";
import type { SegmentEntry } from "./archive.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const sumChars = 64;
const position = z.string().regex(/^\d{1,20}$/);
const segment = z.strictObject({
  name: z.string().regex(/^[0-9a-z-]{1,100}$/),
  sha256,
  bytes: z.int().min(1),
  events: z.int().min(1),
  first_position: position,
  last_position: position,
  previous_sha256: sha256.nullable(),
});
const shape = z.strictObject({ version: z.literal(1), log_id: z.string(), segments: z.array(segment) });

export const manifestName = (logId: string): string => `${logId}/manifest.json`;
/** What the manifest says, once more, with its SHA-256: where a place keeps other bytes of one of the two, the other one is whole. */
export const manifestCopyName = (logId: string): string => `${manifestName(logId)}.copy`;
export const segmentName = (logId: string, name: string): string => `${logId}/segments/${name}.ndjson.gz`;
export const indexName = (logId: string, name: string): string => `${logId}/segments/${name}.index`;

/** One text for one content, so that each changed byte is a change of what is said. */
export function manifestText(logId: string, segments: readonly SegmentEntry[]): string {
  return `${JSON.stringify({ version: 1, log_id: logId, segments: segments.map(wireSegment) }, null, 2)}\n`;
}

export function wireSegment(entry: SegmentEntry): z.input<typeof segment> {
  return {
    name: entry.name,
    sha256: entry.sha256,
    bytes: entry.bytes,
    events: entry.events,
    first_position: String(entry.firstPosition),
    last_position: String(entry.lastPosition),
    previous_sha256: entry.previousSha256,
  };
}

/**
 * The segments that a manifest names, in their order.
 *
 * @param where it stands: in messages.
 * @throws ARCHIVE_FOREIGN for the manifest of another log, ARCHIVE_DAMAGED for one that is not as it was written.
 */
export function readManifest(text: string, logId: string, where: string = manifestName(logId)): readonly SegmentEntry[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not JSON.`, { cause, fields: { place: where } });
  }
  const foreign = (json as { log_id?: unknown } | null)?.log_id;
  if (typeof foreign === "string" && foreign !== logId)
    throw new RepriseError("ARCHIVE_FOREIGN", `${where} is the manifest of the log ${foreign}, and this is the log ${logId}.`);
  const parsed = shape.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not as it was written: ${path.join(".") || "the whole"}: ${message}.`, { fields: { place: where } });
  }
  const segments = parsed.data.segments.map((entry) => ({
    ...{ name: entry.name, sha256: entry.sha256, bytes: entry.bytes, events: entry.events, previousSha256: entry.previous_sha256 },
    ...{ firstPosition: BigInt(entry.first_position), lastPosition: BigInt(entry.last_position) },
  }));
  for (const [index, { name, previousSha256 }] of segments.entries())
    if (previousSha256 !== (segments[index - 1]?.sha256 ?? null))
      throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not as it was written: the chain breaks at segment ${index + 1} (${name}).`, {
        fields: { place: where },
      });
  if (manifestText(logId, segments) !== text)
    throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not as it was written: it says the same in other characters.`, { fields: { place: where } });
  return segments;
}

export function manifestCopyText(logId: string, segments: readonly SegmentEntry[]): string {
  const text = manifestText(logId, segments);
  return `${text}${hash("sha256", text, "hex")}\n`;
}

/** @throws as `readManifest`; what it returns is what was written, to the last byte. */
export function readManifestCopy(text: string, logId: string): readonly SegmentEntry[] {
  const where = manifestCopyName(logId);
  const end = text.length - sumChars - 1;
  const segments = readManifest(text.slice(0, Math.max(0, end)), logId, where);
  if (manifestCopyText(logId, segments) === text) return segments;
  throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not as it was written: its SHA-256 is another one.`, { fields: { place: where } });
}

/** Whether one of two is the beginning of the other one: a run was ended between the copy and the manifest, or an earlier build wrote the manifest alone. */
export function isContinued(logId: string, one: readonly SegmentEntry[], other: readonly SegmentEntry[]): boolean {
  const length = Math.min(one.length, other.length);
  return manifestText(logId, one.slice(0, length)) === manifestText(logId, other.slice(0, length));
}
