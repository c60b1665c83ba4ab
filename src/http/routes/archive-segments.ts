import type { FastifyInstance } from "fastify";
import { makeRoutes } from "../route.ts";
import { restoreReply, restoreRequest, segmentsQuery, segmentsReply, toSegmentReply } from "../wire/archive.ts";
import { defined } from "../wire/defined.ts";
import { adminOfAll, callerOf, type RouteOptions } from "./options.ts";

/** What has left the log. A segment has events of every tenant, and its counts would tell of them: so it is for callers of all tenants. */
export async function archiveSegmentRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const { get, act } = makeRoutes(app, store);
  get(
    "/archive/segments",
    {
      ...{ access: "read", ofAllTenants: true, summary: "Lists the segments of the archives, the oldest first.", query: segmentsQuery, reply: segmentsReply },
      codes: ["ARCHIVE_UNAVAILABLE", "ARCHIVE_DAMAGED", "ARCHIVE_FOREIGN"],
    },
    async ({ query }) => {
      const { segments, nextCursor } = await store.archivedSegments(defined({ limit: query.limit, cursor: query.cursor }));
      return { log_id: store.logId, segments: segments.map(toSegmentReply), next_cursor: nextCursor };
    },
  );

  act(
    "POST",
    "/archive/restores",
    {
      ...{ ...adminOfAll, summary: "Brings an entity or a segment back into the log; nothing is delivered.", body: restoreRequest, reply: restoreReply },
      codes: ["ARCHIVE_UNAVAILABLE", "ARCHIVE_DAMAGED", "ARCHIVE_FOREIGN", "REVISION_CONFLICT"],
    },
    async ({ request, body }) => store.restoreArchived(body, { ...callerOf(request), ...defined({ reason: body.reason }) }),
  );
}
