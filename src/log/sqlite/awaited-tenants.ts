import { ownTenant } from "../../event/names.ts";
import type { Waiting } from "./group.ts";

/** A caller nearby that appends one event after another asks again within this time, although this thread works on others' requests meanwhile. */
const patienceMs = 3;
/** A tenant with so many events in the last two groups and in the queue floods the log. */
const floodEvents = 16;

/**
 * Whom the next group of appends waits for. A tenant that appends one event after another would find another one's flood on its way to the disk each time, and
 * wait for two syncs. So a flood waits a moment for those who were just answered, once for each answer, and they share a sync.
 */
export class AwaitedTenants {
  /** Events by tenant, of the last group and of the one before. */
  #last: ReadonlyMap<string, number> = new Map();
  #before: ReadonlyMap<string, number> = new Map();
  #answeredMs = 0;

  answered(group: readonly Waiting[], nowMs: number): void {
    const events = new Map<string, number>();
    for (const { append } of group) if (append.tenant !== ownTenant) events.set(append.tenant, (events.get(append.tenant) ?? 0) + append.events.length);
    this.#before = this.#last;
    this.#last = events;
    this.#answeredMs = nowMs;
  }

  /** @param tenant the only one that waits. @returns for how long it is to wait for others; 0: it is not. */
  patienceMs(tenant: string, queuedEvents: number, nowMs: number): number {
    const others = this.#last.size - (this.#last.has(tenant) ? 1 : 0);
    const events = queuedEvents + (this.#last.get(tenant) ?? 0) + (this.#before.get(tenant) ?? 0);
    return others > 0 && events >= floodEvents ? Math.max(0, patienceMs - (nowMs - this.#answeredMs)) : 0;
  }
}
