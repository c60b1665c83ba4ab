import type { StoredEvent } from "../event/event.ts";
import { makeTurns } from "../event/turns.ts";
import type { EventLog } from "./event-log.ts";

/** The most bytes that one read of a page takes. */
const readBytes = 256 * 1024;
const idsAtOnce = 100;

/**
 * Each row with its event, by the event's id and tenant, in their order, read as they are taken; undefined when the log has it no more.
 *
 * @param waited told after each wait between two rows: what was read elsewhere before it may have changed.
 */
export async function* eachEvent<T>(
  log: Pick<EventLog, "findByIds">,
  tenant: string | ((row: T) => string),
  rows: readonly T[],
  idOf: (row: T) => string,
  waited: () => void = () => {},
): AsyncGenerator<{ readonly row: T; readonly event: StoredEvent | undefined }, void> {
  const turns = makeTurns();
  const tenantOf = typeof tenant === "string" ? () => tenant : tenant;
  for (let from = 0; from < rows.length; ) {
    const owner = tenantOf(rows[from]!);
    const others = rows.findIndex((row, index) => index > from && tenantOf(row) !== owner);
    const part = rows.slice(from, Math.min(from + idsAtOnce, others === -1 ? rows.length : others));
    const ids = [...new Set(part.map(idOf))];
    const events = new Map((await log.findByIds(owner, ids, readBytes)).map((event) => [event.id, event]));
    waited();
    // Events beyond the last one that came may be missing only because of their size.
    const last = part.findLastIndex((row) => events.has(idOf(row)));
    const through = last === -1 ? part.length - 1 : last;
    for (const row of part.slice(0, through + 1)) {
      if (turns.due()) {
        await turns.next();
        waited();
      }
      yield { row, event: events.get(idOf(row)) };
    }
    from += through + 1;
  }
}
