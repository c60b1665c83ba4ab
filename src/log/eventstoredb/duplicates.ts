import { RepriseError } from "../../errors.ts";
import { type EncodedAppend, sameContent } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import { appended } from "./appended.ts";
import type { RecentIds } from "./recent-ids.ts";

/** Null when none of the ids is known. Stored events are compared one by one as they come, because a thousand ids may name a gigabyte. */
export async function findDuplicates(ids: RecentIds, { stream, tenant, events, ids: wanted }: EncodedAppend): Promise<readonly AppendedEvent[] | null> {
  const known = new Map<string, AppendedEvent>();
  const byId = new Map(events.map((event) => [event.event.id, event]));
  let same = true;
  for await (const before of ids.find(tenant, wanted)) {
    same &&= before.stream === stream && sameContent({ ...before, data: JSON.stringify(before.data) }, byId.get(before.id)!);
    known.set(before.id, appended(before, true));
  }
  if (known.size === 0) return null;
  if (same && known.size === byId.size) return events.map(({ event }) => known.get(event.id)!);
  throw new RepriseError(
    "EVENT_ID_REUSED",
    `${known.size} of ${events.length} event ids for ${stream} are stored already, and this append is no exact repeat.`,
    {
      fields: { eventIds: [...known.keys()] },
    },
  );
}
