import { everyTenant, streamName } from "../../../event/names.ts";
import type { EntityFilterOptions } from "../../model/entity.ts";
import type { Condition, Sources } from "../context.ts";
import { listedAtOnce } from "../ways.ts";
import type { EntityRow } from "./entity-row.ts";

/** Some entities in a row, by the names of their streams. */
export interface NextEntities {
  /** Those that the filter may mean. */
  readonly rows: readonly EntityRow[];
  /** Up to this name all were looked at; null: to the end. */
  readonly reached: string | null;
  readonly looked: number;
}

/** A part of the names, in their order: a tenant's begin alike, and so do those of one of its types. */
interface Range {
  readonly from: string;
  /** The first name beyond; null: there is none. */
  readonly below: string | null;
}

/** The next ones of those that the filter names, whatever their lanes. @param withLane the handler of a lane that each has, if any lane is wanted of them. */
export function nextEntities(sources: Sources, filter: EntityFilterOptions, after: string, withLane?: { readonly handler: string | undefined }): NextEntities {
  const range = rangeOf(sources, filter, after);
  if (range === null) return { rows: [], reached: null, looked: 0 };
  const { from, below } = range;
  const within = below === null ? { sql: "stream > ?", parameters: [from] } : { sql: "stream > ? and stream < ?", parameters: [from, below] };
  const part: Condition = { ...within, sql: `select id, stream from entities where ${within.sql} order by stream limit ${listedAtOnce}` };
  const { looked, last } = sources
    .db()
    .get<{ looked: number; last: string | null }>(`select count(*) as looked, max(stream) as last from (${part.sql})`, ...part.parameters)!;
  const rows = sources.db().all<EntityRow>(
    `select n.id, n.stream, n.revision, n.recorded_ms from (${part.sql}) k cross join entities n not indexed on n.id = k.id
         where n.revision >= 0 ${withLane === undefined ? "" : hasLane(withLane.handler)} order by k.stream`,
    ...part.parameters,
    ...(withLane?.handler === undefined ? [] : [withLane.handler]),
  );
  return { rows, reached: looked < listedAtOnce ? below : last, looked };
}

const hasLane = (handler: string | undefined) => `and exists (select 1 from lanes l where l.entity = n.id ${handler === undefined ? "" : "and l.handler = ?"})`;

/** What is left of the first range in which something may be left; null: nothing is left. */
function rangeOf({ db }: Sources, { tenant, entityType }: EntityFilterOptions, after: string): Range | null {
  if (tenant === everyTenant && entityType === undefined) return { from: after, below: null };
  if (tenant !== everyTenant) {
    const { from, below } = namesOf(tenant, entityType);
    return after >= below ? null : { from: later(after, from), below };
  }
  // Tenant by tenant: a type's names are beside each other in each of them.
  for (let reached = after; ; ) {
    const next = db().get<{ tenant: string; stream: string }>("select tenant, stream from entities where stream > ? order by stream limit 1", reached);
    if (next === undefined) return null;
    const { from, below } = namesOf(next.tenant, entityType);
    if (reached < below) return { from: later(reached, from), below };
    reached = later(next.stream, namesOf(next.tenant).below);
  }
}

const later = (one: string, other: string): string => (one > other ? one : other);

/** Names of streams end each part with a `.` or a `-`, behind which nothing begins that another part has: `/` follows the one, and `.` the other. */
export function namesOf(tenant: string, type?: string): { readonly from: string; readonly below: string } {
  if (type === undefined) return { from: `${tenant}.`, below: `${tenant}/` };
  return { from: streamName(tenant, { type, id: "" }), below: `${tenant}.${type}.` };
}
