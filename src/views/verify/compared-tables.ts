/** What of the rows is held against those that the log gives anew, and how rows of two files find one another. */
import { laneKind } from "../projections/lane-counts.ts";
import { furtherSets } from "../projections/type-sets.ts";

export interface ComparedTable {
  readonly table: string;
  /** The columns that name a row for good, where the primary key is a number of this file alone. Default: the primary key. */
  readonly key?: readonly string[];
  /** The columns that a difference is told by. Default: the key. Texts of errors are never told, because they may quote what an event says. */
  readonly told?: readonly string[];
  /** Columns that say something of this file alone. */
  readonly left?: readonly string[];
  /** In place of the table itself: a select with its columns. @param file the schema of the file. */
  readonly rows?: (file: string) => string;
  /** Columns that are compared only where this holds of the two rows. */
  readonly comparable?: Readonly<Record<string, (one: string, other: string) => string>>;
  /** A column that is compared as something else. @param file the schema of the row's file, `row` the row. */
  readonly as?: Readonly<Record<string, (file: string, row: string) => string>>;
  /** Only these rows. Parameters as above. */
  readonly where?: (file: string, row: string) => string;
}

/** Where events have left the log, live rows may tell of times when these were there: a rebuild knows nothing of them. */
const whileAllIsThere = (file: string) => `not exists (select 1 from ${file}.archived_entities)`;

/**
 * A lane that stood still while its archived events were there was counted then. A rebuild, which meets the lane before any event, leaves what waits to a walk: the
 * answers are the same.
 */
const whereBothAreCounted = (one: string, other: string) => `(${one}.counted is not null and ${other}.counted is not null or ${whileAllIsThere("main")})`;

const lanesAlike = (file: string) => `(select handler, tenant, iif(${whileAllIsThere(file)}, kind, kind & ~${laneKind.counted}) as kind, sum(lanes) as lanes,
  iif(${whileAllIsThere(file)}, sum(waiting), 0) as waiting from ${file}.lane_counts group by 1, 2, 3)`;

/** Which sets of types a tenant with too many of them has, and which are taken together, depends on the order in which they came to be. */
const noFurtherSets = () =>
  ["main", "anew"].map((file) => `not exists (select 1 from ${file}.type_sets further where further.types = '${furtherSets}')`).join(" and ");

/** Of an event, the position of the one before it, as long as the log has that one. */
const before = (file: string, previous: string) => `coalesce((select earlier.position from ${file}.events earlier where earlier.position = ${previous}), 0)`;

const delivery = ["entity", "revision", "handler"];

export const comparedTables: readonly ComparedTable[] = [
  { table: "entities", key: ["stream"], left: ["id"], comparable: { type_set: noFurtherSets } },
  { table: "entity_types" },
  { table: "type_sets", where: noFurtherSets },
  { table: "events", told: ["id", "entity", "revision", "position"], as: { previous: (file, row) => before(file, `${row}.previous`) } },
  // A mark of the first event that is left is made by the one before it alone.
  {
    table: "event_marks",
    where: (file, row) => `(select ${before(file, "marked.previous")} from ${file}.events marked where marked.position = ${row}.position) <> 0`,
  },
  { table: "types" },
  { table: "tenant_types" },
  { table: "tenant_versions" },
  { table: "minutes", where: whileAllIsThere },
  { table: "days", where: whileAllIsThere },
  // Older ones go when a transaction ends, and those of a rebuild end elsewhere.
  // And where events live for less than two hours, the live rows have counted some that have left.
  {
    table: "minute_counts",
    where: (file, row) =>
      `${row}.minute > (select max(minute) from ${file}.minute_counts) - 120 and (${whileAllIsThere(file)} or ${row}.failures > 0 or ${row}.letters > 0)`,
    comparable: { events: () => whileAllIsThere("main") },
  },
  { table: "deliveries", told: [...delivery, "delivery_id"] },
  { table: "delivery_history", told: [...delivery, "position"] },
  { table: "amendments" },
  { table: "escalations", told: [...delivery, "delivery_id", "position"] },
  { table: "open_escalations" },
  { table: "delivery_counts" },
  { table: "letter_counts", told: ["tenant", "handler", "entity_type", "type", "cause", "error_group"] },
  { table: "error_groups", key: ["tenant", "fingerprint", "handler"], left: ["id"] },
  { table: "error_group_entities" },
  { table: "error_group_hours" },
  { table: "error_group_rooms" },
  { table: "builds" },
  { table: "journal_builds" },
  { table: "handlers" },
  { table: "handler_types" },
  { table: "checkpoints" },
  { table: "progress_marks" },
  { table: "lanes", comparable: { counted: whereBothAreCounted, waiting: whereBothAreCounted, first_ms: whereBothAreCounted } },
  { table: "lane_counts", rows: lanesAlike },
  { table: "lane_marks" },
  { table: "gaps" },
  { table: "replays" },
  { table: "replay_outcomes" },
  { table: "replay_own_outcomes" },
  { table: "archived_entities" },
  { table: "archived_segments", key: ["name"], left: ["id"] },
  { table: "archived_types" },
  { table: "archived_wanted" },
  { table: "archived_wants" },
];

/** Tables that nobody is shown, and that say how these very rows came about: which position, how much was forgotten, which journals were read as wholes. */
export const tablesOfOneFile: readonly string[] = ["meta", "forgotten", "journals_read", "journals_missed"];

interface Reference {
  readonly table: string;
  /** What names the row in every file. */
  readonly by: readonly string[];
  readonly told: string;
}

/** Columns that hold the number of a row of another table, which is another one in each file. */
export const references: Readonly<Record<string, Reference>> = {
  entity: { table: "entities", by: ["stream"], told: "stream" },
  group_id: { table: "error_groups", by: ["tenant", "fingerprint", "handler"], told: "fingerprint" },
  segment: { table: "archived_segments", by: ["name"], told: "name" },
};
