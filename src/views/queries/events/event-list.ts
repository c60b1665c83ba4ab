import { makeTurns } from "../../../event/turns.ts";
import { eachEvent } from "../../../log/each-event.ts";
import { makePageRoom, onePage } from "../../../log/page-bytes.ts";
import type { DeliveryStatus } from "../../model/delivery.ts";
import type { EventFilterOptions, EventReads, EventView } from "../../model/event.ts";
import type { PageOptions } from "../../model/page.ts";
import type { Sources } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { makeDeliveryReader } from "../deliveries/delivery-reader.ts";
import { type EventKey, tenantOfKey, toKey } from "../deliveries/event-key.ts";
import { rowsAtOnce, rowsPerPage } from "../ways.ts";
import { withEffects } from "./effects.ts";
import { makeSearch } from "./event-search.ts";
import { eventView } from "./event-view.ts";
import { findEvent } from "./find-event.ts";

/** Events of which one page judges the status, at most, 10 µs each: a page may be shorter than its limit, and `nextCursor` then goes on behind them. */
const judgedPerPage = 50_000;

export function makeEventReads(sources: Sources): EventReads {
  const { log, catalog } = sources;
  return {
    async event(tenant, id) {
      const stored = await findEvent(log, tenant, id);
      return stored && eventView(catalog, stored, await withEffects(sources, stored, makeDeliveryReader(sources).deliveries(toKey(stored), true)));
    },

    locate(tenant, ids) {
      return sources.db().all<{ id: string; stream: string; revision: number }>(
        `select e.id, n.stream, e.revision from json_each(?) wanted cross join events e indexed by events_by_id on e.id = wanted.value
             cross join entities n on n.id = e.entity where e.tenant = ?`,
        JSON.stringify(ids),
        tenant,
      );
    },

    present(events) {
      const reader = makeDeliveryReader(sources);
      return events.map((event) => eventView(catalog, event, reader.deliveries(toKey(event), false)));
    },

    async events<T extends object = EventView>(filter: EventFilterOptions, page: PageOptions, show = (view: EventView) => view as object as T) {
      const { keys, nextCursor } = await walk(sources, filter, page);
      return onePage(async () => {
        const room = makePageRoom();
        const shown: T[] = [];
        let last: EventKey | undefined;
        let reader = makeDeliveryReader(sources);
        const renew = () => void (reader = makeDeliveryReader(sources));
        for await (const { row, event } of eachEvent(log, tenantOfKey, keys, ({ id }) => id, renew)) {
          if (event !== undefined) {
            // Removed from the log: not in this list.
            const view = show(eventView(catalog, event, reader.deliveries(row, false)));
            if (!room.takes(view)) return { events: shown, nextCursor: toCursor("events", filter.tenant, last!.position) };
            shown.push(view);
          }
          last = row;
        }
        return { events: shown, nextCursor };
      });
    },
  };
}

/** Newest first, from the cursor down, until the page is full or enough was looked at. */
async function walk(
  sources: Sources,
  filter: EventFilterOptions,
  { limit, cursor }: PageOptions,
): Promise<{ readonly keys: readonly EventKey[]; readonly nextCursor: string | null }> {
  let before = fromCursor("events", filter.tenant, cursor, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
  const keys: EventKey[] = [];
  const search = makeSearch(sources, filter, before);
  if (search === null) return { keys, nextCursor: null };
  const { status, handler } = filter;
  const turns = makeTurns();
  let left = status === undefined ? rowsPerPage : judgedPerPage;
  for await (const { keys: found, rows, reached } of search.steps) {
    const matching = sources.db().all<EventKey>(
      `${columns} from (select distinct position from (${found.sql})) k cross join events e not indexed on e.position = k.position
         where ${search.where.sql} order by e.position desc limit ? + 0`,
      ...found.parameters,
      ...search.where.parameters,
      status === undefined ? limit - keys.length + 1 : rowsAtOnce * 2,
    );
    let reader = makeDeliveryReader(sources);
    for (const row of matching) {
      if (turns.due()) {
        await turns.next();
        reader = makeDeliveryReader(sources);
      }
      if (status !== undefined && !hasStatus(reader.statuses(row), status, handler)) continue;
      if (keys.length === limit) return { keys, nextCursor: toCursor("events", filter.tenant, before) };
      keys.push(row);
      before = row.position;
    }
    if (reached === null) return { keys, nextCursor: null };
    before = reached;
    left -= rows;
    if (left <= 0) return { keys, nextCursor: toCursor("events", filter.tenant, before) };
  }
  return { keys, nextCursor: null };
}

function hasStatus(statuses: ReadonlyMap<string, DeliveryStatus>, status: DeliveryStatus, handler: string | undefined): boolean {
  return handler === undefined ? [...statuses.values()].includes(status) : statuses.get(handler) === status;
}

const columns = "select e.id, (select stream from entities where id = e.entity) as stream, e.type, e.revision, e.position";
