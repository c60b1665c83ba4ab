/** Who decides which partitions this instance works on: it alone, or the members of a cluster. */
import type { Cluster } from "./cluster/cluster.ts";
import type { HandlerPlaceOptions } from "./handler-place.ts";

export type WhoOwns = Pick<HandlerPlaceOptions, "owner" | "mayStart" | "takesOver" | "newPartitions" | "isAtWork">;

/** How many partitions a new handler gets whose config says nothing: as many as many instances need to share it. */
const newPartitions = { one: 1, many: 16 };

export const alone = (instance: string, isHeard: () => boolean): WhoOwns => ({
  ...{ owner: () => instance, mayStart: isHeard, takesOver: true, newPartitions: newPartitions.one, isAtWork: () => false },
});

export const among = (cluster: Cluster): WhoOwns => ({
  ...{ owner: () => cluster.instance, mayStart: (...place) => cluster.mayStart(...place), takesOver: false, newPartitions: newPartitions.many },
  isAtWork: (life) => cluster.membership.has(life),
});
