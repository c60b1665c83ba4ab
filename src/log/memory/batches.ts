/** Batches of events that are in memory anyway: as small as those of other logs, so that readers meet the same. */
import type { StoredEvent } from "../../event/event.ts";

/** Characters of data in one batch, about; one event is a batch whatever its size. */
const batchChars = 2 * 1024 * 1024;

/** Takes from `next` until it has no more, or the batch is full. */
export function collect(most: number, next: () => StoredEvent | undefined): readonly StoredEvent[] {
  const batch: StoredEvent[] = [];
  let chars = 0;
  while (batch.length < most && chars < batchChars) {
    const event = next();
    if (event === undefined) break;
    batch.push(event);
    chars += JSON.stringify(event.data).length;
  }
  return batch;
}
