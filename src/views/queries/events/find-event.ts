import type { StoredEvent } from "../../../event/event.ts";
import type { EventLog } from "../../../log/event-log.ts";

export async function findEvent(log: EventLog, tenant: string, id: string): Promise<StoredEvent | undefined> {
  return (await log.findByIds(tenant, [id]))[0];
}
