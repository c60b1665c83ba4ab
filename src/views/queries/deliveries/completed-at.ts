import { streamHash } from "../../../event/partition-of.ts";
import type { Sources } from "../context.ts";
import type { EventKey } from "./event-key.ts";

/**
 * When an event without a row of its own was done: the record that passed it, exact to a second. In a detached lane that is the lane's,
 * else the handler's checkpoint.
 */
export function completedAt({ db }: Sources, handler: string, entity: number | undefined, { stream, revision, position }: EventKey): string | null {
  if (entity !== undefined) {
    const before = db().get<{ second: number; detached: 0 | 1 }>(
      "select second, detached from lane_marks where entity = ? and handler = ? and next <= ? order by second desc limit 1",
      entity,
      handler,
      revision,
    );
    const after =
      before?.detached === 1
        ? db().get<{ recorded_at: string }>(
            "select recorded_at from lane_marks where entity = ? and handler = ? and second > ? and next > ? order by second limit 1",
            entity,
            handler,
            before.second,
            revision,
          )
        : undefined;
    if (after !== undefined) return after.recorded_at;
  }
  const hash = streamHash(stream);
  const mark = (rest: string, ...parameters: readonly (string | number)[]) =>
    db().get<{ recorded_at: string }>(
      `select recorded_at from progress_marks where handler = ? and ? % partitions = partition ${rest} limit 1`,
      handler,
      hash,
      ...parameters,
    );
  const passed = mark("and checkpoint >= ? order by checkpoint, second", position);
  return (passed ?? mark("order by second desc"))?.recorded_at ?? null; // ahead of the checkpoint: by the last record at the latest
}
