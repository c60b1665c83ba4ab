import { isRepriseError } from "../../../errors.ts";
import type { NewId } from "../../../event/ids.ts";
import { clusterStream } from "../../../event/names.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { ClusterEvent } from "../../../records/cluster.ts";
import { ownEvent } from "../../../records/own-event.ts";
import type { StoredClusterEvent } from "../rules/cluster-fold.ts";

/** The stream `reprise.cluster`, as an instance reads and writes it. */
export interface ClusterStream {
  /** The events beyond a generation, in order. @throws LOG_UNAVAILABLE */
  news(generation: number): Promise<readonly StoredClusterEvent[]>;
  /** @returns false when the stream is elsewhere than at `generation`. @throws LOG_UNAVAILABLE: it may be stored all the same. */
  append(event: ClusterEvent, generation: number): Promise<boolean>;
}

export function makeClusterStream(log: EventLog, newId: NewId): ClusterStream {
  return {
    async news(generation) {
      const events: StoredClusterEvent[] = [];
      for await (const batch of log.readStream(clusterStream, { from: generation + 1 }))
        for (const { type, data, revision, recordedAt } of batch) events.push({ type, data, revision, recordedAt } as unknown as StoredClusterEvent);
      return events;
    },
    async append({ type, data }, generation) {
      try {
        await log.append(clusterStream, [ownEvent(newId, type, data)], generation === -1 ? "none" : generation);
        return true;
      } catch (error) {
        if (isRepriseError(error, "REVISION_CONFLICT")) return false;
        throw error;
      }
    },
  };
}
