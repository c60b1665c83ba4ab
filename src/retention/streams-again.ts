/** The streams that an earlier run has passed, and from which something may go by now. */
import { isEntityStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { FloorOf } from "./floors.ts";
import type { RetentionRule } from "./retention-rule.ts";

interface AgainNeeds {
  readonly log: Pick<EventLog, "readAll">;
  readonly rules: readonly RetentionRule[];
  readonly floorOf: FloorOf;
  readonly signal: AbortSignal;
}

/** With more of them the walk from the log's first event is no dearer, and remembers less. */
const mostStreams = 100_000;

/** @returns null for too many. */
export async function streamsAgain({ log, rules, floorOf, signal }: AgainNeeds): Promise<ReadonlySet<string> | null> {
  const again = new Set(rules.flatMap(({ entityType }) => floorOf(entityType).staying));
  const keeping = rules.filter(({ keepLast }) => keepLast > 0).map(({ entityType }) => ({ entityType, after: floorOf(entityType).head }));
  const types = new Set(keeping.filter(({ after }) => after !== null).map(({ entityType }) => entityType));
  if (types.size === 0) return again;
  // An event that was kept as one of the last may go since its stream has later ones.
  const after = keeping.find(({ after }) => after !== null)!.after!;
  for await (const batch of log.readAll({ after, signal }))
    for (const { entity, stream } of batch) {
      if (!types.has(entity.type) || !isEntityStream(stream)) continue;
      again.add(stream);
      if (again.size > mostStreams) return null;
    }
  return again;
}
