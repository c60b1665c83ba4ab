import type { NewEvent } from "../../src/event/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { size } from "./sizes.ts";

export const largeStream = "default.order-large";
/** More than the heap of any process that reads them. */
const large = size(100, 130);
const largeBytes = 900_000;
export const smallEvents = 400;
export const largeIds = Array.from({ length: large }, (_, number) => `0199c0de-0000-7000-8000-${String(number).padStart(12, "0")}`);

export function smallEvent(id: string, data: NewEvent["data"] = { total: 1 }): NewEvent {
  return { id, type: "order.placed", schemaVersion: 1, source: null, occurredAt: null, data, metadata: { priority: "normal" } };
}

/** Many small events, so that reads take whole pages, and behind them 90 MB or more in large ones of one stream. */
export async function fillLarge(log: EventLog, newId: () => string): Promise<void> {
  await log.append(
    "default.order-small",
    Array.from({ length: smallEvents }, () => smallEvent(newId())),
    "any",
  );
  await log.append(
    largeStream,
    Array.from({ length: smallEvents }, () => smallEvent(newId())),
    "any",
  );
  for (const id of largeIds) await log.append(largeStream, [smallEvent(id, { text: "x".repeat(largeBytes) })], "any");
  await log.close();
}
