import { toIso } from "../../../event/clock.ts";
import { policyActor } from "../../../event/names.ts";
import type { AttemptClass } from "../../../records/attempt.ts";
import type { ErrorGroupState } from "../../../records/error-groups.ts";
import type { ErrorGroupView } from "../../model/error-group.ts";
import type { Seen } from "../../projections/count-failure.ts";
import { currentType, type Sources } from "../context.ts";

export interface GroupRow {
  readonly id: number;
  readonly tenant: string;
  readonly handler: string;
  readonly fingerprint: string;
  readonly class: AttemptClass | null;
  readonly type: string;
  readonly message: string;
  readonly example: string;
  readonly count: number;
  readonly waiting: number;
  readonly entities: number;
  readonly seen: string;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly last_position: number;
  readonly state: ErrorGroupState;
  readonly state_by: string | null;
  readonly state_reason: string | null;
  readonly state_at: string | null;
  readonly until: string | null;
  readonly fixed_in: string | null;
}

export function groupView({ catalog, now }: Pick<Sources, "catalog" | "now">, row: GroupRow): ErrorGroupView {
  const { types, versions, builds, out } = JSON.parse(row.seen) as Seen;
  const isOver = row.state === "ignored" && row.until !== null && row.until <= toIso(now());
  const state = isOver
    ? { state: "open", stateBy: policyActor, stateReason: `it was ignored until ${row.until}`, stateAt: row.until }
    : { state: row.state, stateBy: row.state_by, stateReason: row.state_reason, stateAt: row.state_at };
  return {
    fingerprint: row.fingerprint,
    tenant: row.tenant,
    handler: row.handler,
    class: row.class,
    type: row.type,
    message: row.message,
    example: row.example,
    count: row.count,
    waiting: row.waiting,
    entities: row.entities,
    eventTypes: [...new Set(types.map((type) => currentType(catalog, type)))],
    schemaVersions: versions,
    builds,
    leftOut: { eventTypes: out[0], schemaVersions: out[1], builds: out[2] },
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    ...(state as Pick<ErrorGroupView, "state" | "stateBy" | "stateReason" | "stateAt">),
    ignoredUntil: isOver ? null : row.until,
    fixedIn: row.fixed_in,
  };
}
