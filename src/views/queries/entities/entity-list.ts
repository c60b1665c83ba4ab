import { streamName } from "../../../event/names.ts";
import { makeTurns } from "../../../event/turns.ts";
import { makePageRoom } from "../../../log/page-bytes.ts";
import type { EntityFilterOptions, EntityReads, EntityView } from "../../model/entity.ts";
import type { PageOptions } from "../../model/page.ts";
import type { Sources } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { type DeliveryReader, makeDeliveryReader } from "../deliveries/delivery-reader.ts";
import type { EntityRow } from "./entity-row.ts";
import { entityView, wantingHandlers } from "./entity-view.ts";
import { makeWalk } from "./entity-walk.ts";

/** Entities that one page looks at, at most: a page may be shorter than its limit, and `nextCursor` then goes on behind them. */
const rowsPerPage = 50_000;

export function makeEntityReads(sources: Sources): EntityReads {
  return {
    async entity(tenant, entity) {
      const row = sources
        .db()
        .get<EntityRow>("select id, stream, revision, recorded_ms from entities where stream = ? and revision >= 0", streamName(tenant, entity));
      return row && entityView(sources, makeDeliveryReader(sources), row, makeTurns());
    },

    async entities<T extends object = EntityView>(
      filter: EntityFilterOptions,
      { limit, cursor }: PageOptions,
      show = (view: EntityView) => view as object as T,
    ) {
      // By names, which are the same wherever rows were made, and after what was archived. Builds that numbered rows gave out numbers.
      let after = fromCursor("entities", filter.tenant, cursor, ["string"])?.[0] ?? "";
      const walk = await makeWalk(sources, filter, { after, limit });
      const entities: T[] = [];
      const room = makePageRoom();
      const turns = makeTurns();
      for (let looked = 0; looked < rowsPerPage; ) {
        const { rows, reached, looked: more } = walk(after);
        looked += more;
        let reader = makeDeliveryReader(sources);
        for (const row of rows) {
          if (turns.due()) {
            await turns.next();
            reader = makeDeliveryReader(sources);
          }
          const matches = matchesLane(sources, reader, row, filter);
          if (matches && entities.length === limit) return { entities, nextCursor: toCursor("entities", filter.tenant, after) };
          if (matches) {
            const view = show(await entityView(sources, reader, row, turns));
            if (!room.takes(view)) return { entities, nextCursor: toCursor("entities", filter.tenant, after) };
            entities.push(view);
          }
          after = row.stream;
        }
        if (reached === null) return { entities, nextCursor: null };
        after = reached;
      }
      return { entities, nextCursor: toCursor("entities", filter.tenant, after) };
    },
  };
}

function matchesLane(sources: Sources, reader: DeliveryReader, { id, stream }: EntityRow, filter: EntityFilterOptions): boolean {
  if (filter.laneState === undefined && filter.handler === undefined) return true;
  return wantingHandlers(sources, reader, id).some(
    (handler) =>
      (filter.handler === undefined || handler.name === filter.handler) &&
      (filter.laneState === undefined || reader.state(handler, id, stream) === filter.laneState),
  );
}
