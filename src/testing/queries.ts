/** What a test asks of lanes and dead letters. */
import type { Entity } from "../event/event.ts";
import { defaultTenant } from "../event/names.ts";
import type { Store } from "../store/store.ts";
import type { DeadLetterFilter, DeadLetterView } from "../views/model/dead-letter.ts";
import type { EntityFilterOptions, LaneView } from "../views/model/entity.ts";

/** A lane, with the entity that it is of. */
export interface TestLane extends LaneView {
  readonly entity: Entity;
  readonly tenant: string;
}

/** Default tenant: `default`. */
export type LetterFilter = Partial<DeadLetterFilter>;
export type LaneFilter = Partial<EntityFilterOptions>;

const pageLimit = 200;
/** What a test looks at, at most: of more it asks the store's views, page by page. */
const mostRows = 10_000;

/** In the order of the log. */
export async function lettersOf({ views }: Store, filter: LetterFilter = {}): Promise<readonly DeadLetterView[]> {
  const letters = await allOf(async (cursor) => {
    const { events, nextCursor } = await views.deadLetters({ tenant: defaultTenant, ...filter }, { limit: pageLimit, ...cursor });
    return { rows: events, nextCursor };
  });
  return letters.toReversed();
}

/** In the order in which the entities came. Every handler that wants any of an entity's events has a lane for it. */
export async function lanesOf({ views }: Store, filter: LaneFilter = {}): Promise<readonly TestLane[]> {
  const entities = await allOf(async (cursor) => {
    const page = await views.entities({ tenant: defaultTenant, ...filter }, { limit: pageLimit, ...cursor });
    return { rows: page.entities, nextCursor: page.nextCursor };
  });
  const { handler, laneState } = filter;
  return entities.flatMap(({ entity, tenant, handlers }) =>
    handlers
      .filter((lane) => (handler === undefined || lane.handler === handler) && (laneState === undefined || lane.laneState === laneState))
      .map((lane) => ({ ...lane, entity, tenant })),
  );
}

interface Page<Row> {
  readonly rows: readonly Row[];
  readonly nextCursor: string | null;
}

async function allOf<Row>(read: (cursor: { readonly cursor?: string }) => Promise<Page<Row>>): Promise<readonly Row[]> {
  const all: Row[] = [];
  for (let cursor: { readonly cursor?: string } = {}; ; ) {
    const { rows, nextCursor } = await read(cursor);
    for (const row of rows) all.push(row);
    if (nextCursor === null) return all;
    if (all.length >= mostRows) throw new Error(`There are more than ${mostRows} rows: ask store.views, page by page.`);
    cursor = { cursor: nextCursor };
  }
}
