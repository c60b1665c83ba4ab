/** Counts what a log holds, type by type and version by version. Told of each event once, in log order; keeps no event. */
import type { StoredEvent } from "../event/event.ts";
import { isEntityStream, ownTenant } from "../event/names.ts";
import type { Catalog, FailureText } from "./catalog.ts";
import { liftOutcome } from "./lift/lift-outcome.ts";

/** An event's place, for finding it again. */
interface Sighting {
  readonly position: bigint;
  readonly recordedAt: string;
}

/** Stored events of one type and version. */
export interface CensusRow {
  /** The name in the log, which may be a former name. */
  readonly storedType: string;
  /** The name today; null when the catalog has none. */
  readonly type: string | null;
  readonly version: number;
  readonly count: number;
  readonly first: Sighting;
  readonly last: Sighting;
  readonly tenants: {
    readonly count: number;
    /** There are more; they were not counted. */
    readonly atLeast: boolean;
    /** Some, in order of their first event. */
    readonly names: readonly string[];
  };
  /** The results of today's code; the four numbers add up to `count`. */
  readonly lifted: number;
  readonly dropped: number;
  readonly failed: number;
  /** Events of a type or version that this build does not know. */
  readonly newer: number;
  /** The first event that failed or is newer. */
  readonly firstError: (FailureText & Pick<Sighting, "position">) | null;
}

/** A step of the catalog, and how many stored events go through it. */
export interface StepNeed {
  readonly type: string;
  readonly from: number;
  readonly to: number;
  readonly events: number;
}

export interface CensusReport {
  /** Events of entities. */
  readonly events: number;
  /** Sorted by the type's current name, then by stored type and version. */
  readonly rows: readonly CensusRow[];
  /** Events of further types and versions that got no row of their own. */
  readonly beyondRows: number;
  readonly steps: readonly StepNeed[];
  /** Reprise's own: journals, replays, effects. */
  readonly own: number;
  /** Events of other programs, in streams that belong to no entity. */
  readonly foreign: number;
}

export interface Census {
  add(event: StoredEvent): void;
  report(): CensusReport;
}

interface Counting {
  readonly storedType: string;
  readonly version: number;
  readonly first: Sighting;
  readonly tenants: Set<string>;
  moreTenants: boolean;
  last: Sighting;
  count: number;
  lifted: number;
  dropped: number;
  failed: number;
  newer: number;
  /** Events that go through every step to the current version. */
  wholeChain: number;
  firstError: CensusRow["firstError"];
}

export interface CensusLimits {
  /** Pairs of type and version that get a row. */
  readonly rows: number;
  /** Tenants that are told apart, over all rows. */
  readonly tenants: number;
}

const defaultLimits: CensusLimits = { rows: 10_000, tenants: 200_000 };
const namedTenants = 3;

export function makeCensus(catalog: Catalog, limits: CensusLimits = defaultLimits): Census {
  const rows = new Map<string, Counting>();
  /** `<type> <from>` → events that go through that step on another way than their own whole chain: up to a drop, or as parts of a split. */
  const passed = new Map<string, number>();
  let [events, beyondRows, own, foreign, tenants] = [0, 0, 0, 0, 0];

  const rowOf = ({ type, schemaVersion, position, recordedAt }: StoredEvent): Counting | undefined => {
    const key = `${schemaVersion} ${type}`;
    let row = rows.get(key);
    if (row === undefined && rows.size < limits.rows) {
      const at = { position, recordedAt };
      const none = { moreTenants: false, count: 0, lifted: 0, dropped: 0, failed: 0, newer: 0, wholeChain: 0, firstError: null };
      row = { storedType: type, version: schemaVersion, first: at, last: at, tenants: new Set(), ...none };
      rows.set(key, row);
    }
    return row;
  };

  return {
    add(event) {
      if (event.tenant === ownTenant) {
        own++;
        return;
      }
      if (!isEntityStream(event.stream)) {
        foreign++;
        return;
      }
      events++;
      const row = rowOf(event);
      if (row === undefined) {
        beyondRows++;
        return;
      }
      const { position, recordedAt, tenant } = event;
      row.count++;
      row.last = { position, recordedAt };
      if (!row.tenants.has(tenant)) {
        if (tenants < limits.tenants) {
          row.tenants.add(tenant);
          tenants++;
        } else row.moreTenants = true;
      }
      const outcome = liftOutcome(catalog, event);
      if (outcome.is === "current" || outcome.is === "split") row.lifted++;
      else row[outcome.is]++;
      if (outcome.is === "current" || outcome.is === "failed") row.wholeChain++;
      else if (outcome.is !== "newer")
        for (const step of new Set(catalog.steps(event).map(({ type, from }) => stepKey(type, from)))) passed.set(step, (passed.get(step) ?? 0) + 1);
      if (outcome.error !== null) row.firstError ??= { ...outcome.error, position };
    },

    report() {
      const told = [...rows.values()].map(({ tenants: seen, moreTenants, wholeChain: _, ...row }): CensusRow => {
        const type = catalog.resolve(row.storedType) ?? null;
        return { ...row, type, tenants: { count: seen.size, atLeast: moreTenants, names: [...seen].slice(0, namedTenants) } };
      });
      const order = ({ type, storedType, version }: CensusRow): string => `${type ?? storedType} ${storedType} ${String(version).padStart(9, "0")}`;
      told.sort((a, b) => (order(a) < order(b) ? -1 : 1));
      return { events, rows: told, beyondRows, steps: stepsNeeded(catalog, [...rows.values()], passed), own, foreign };
    },
  };
}

const stepKey = (type: string, from: number): string => `${type} ${from}`;

function stepsNeeded(catalog: Catalog, rows: readonly Counting[], passed: ReadonlyMap<string, number>): readonly StepNeed[] {
  return catalog.types.flatMap((type) => {
    const ours = rows.filter(({ storedType }) => catalog.resolve(storedType) === type);
    const versions = catalog.describe(type)?.versions ?? [];
    return versions.slice(0, -1).map((from) => {
      const whole = ours.filter(({ version }) => version <= from).reduce((sum, { wholeChain }) => sum + wholeChain, 0);
      return { type, from, to: from + 1, events: whole + (passed.get(stepKey(type, from)) ?? 0) };
    });
  });
}
