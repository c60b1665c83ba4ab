/** Segments of the archives. */

import { z } from "zod";
import { entity } from "../../store/append/members.ts";
import type { ArchivedSegment } from "../../store/archive-reads.ts";
import { afterQuery, cursor, limit, reason, text } from "./members.ts";
import { count, position } from "./reply-members.ts";

export const segmentsQuery = afterQuery.extend({ limit: limit(100, 1000), cursor });

export const segmentReply = z.strictObject({
  name: z.string(),
  sha256: z.string(),
  bytes: count,
  events: count,
  first_position: position,
  last_position: position,
  previous_sha256: z.string().nullable(),
  archive: z.string(),
});

export const segmentsReply = z.strictObject({ log_id: z.string(), segments: z.array(segmentReply), next_cursor: z.string().nullable() });

export type SegmentReply = z.input<typeof segmentReply>;
export type SegmentsReply = z.input<typeof segmentsReply>;

export function toSegmentReply(segment: ArchivedSegment): SegmentReply {
  return {
    name: segment.name,
    sha256: segment.sha256,
    bytes: segment.bytes,
    events: segment.events,
    first_position: segment.firstPosition,
    last_position: segment.lastPosition,
    previous_sha256: segment.previousSha256,
    archive: segment.archive,
  };
}

/** One of the two. */
export const restoreRequest = z.union(
  [z.strictObject({ entity, reason: reason.optional() }), z.strictObject({ segment: text(), reason: reason.optional() })],
  'must be { "entity": { "type", "id" } } or { "segment": "<name>" }',
);

export const restoreReply = z.strictObject({ how: z.enum(["in_place", "beside"]), streams: count, events: count, present: count, position });

export type RestoreReply = z.input<typeof restoreReply>;
