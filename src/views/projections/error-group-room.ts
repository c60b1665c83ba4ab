/** How many error groups there are at most: messages, and handlers' own fingerprints, may be as many as events. */
import { toIso } from "../../event/clock.ts";
import type { ViewDatabase } from "../database.ts";
import type { Folding } from "../projection.ts";
import type { At } from "./delivery-row.ts";

/** Of one handler and tenant. */
export const maxGroups = 1000;
/** A group without dead letters that was not seen for so long makes room for a new one. */
const forgottenAfterMs = 30 * 86_400_000;

/** Takes room for one group more. @returns false when there is none: the failure is counted among the others. */
export function hasRoom({ db, latest }: Folding, tenant: string, { handler, recordedAt }: At): boolean {
  const room = db.get<{ groups: number; cleared_hour: number }>(
    "select groups, cleared_hour from error_group_rooms where tenant = ? and handler = ?",
    tenant,
    handler,
  );
  if (room === undefined) {
    db.run("insert into error_group_rooms(tenant, handler, groups) values (?, ?, 1)", tenant, handler);
    return true;
  }
  const nowMs = Date.parse(recordedAt);
  const hour = Math.floor(nowMs / 3_600_000);
  // Looked for once an hour: under a flood of new groups it would be at each failure.
  let made = 0;
  if (room.groups >= maxGroups && hour !== room.cleared_hour) {
    latest.letters.write(db); // which groups have dead letters is asked
    made = forget(db, { tenant, handler, before: toIso(nowMs - forgottenAfterMs) });
  }
  const groups = room.groups - made;
  const fits = groups < maxGroups;
  db.run(
    "update error_group_rooms set groups = ?, cleared_hour = ? where tenant = ? and handler = ?",
    fits ? groups + 1 : groups,
    room.groups >= maxGroups ? hour : room.cleared_hour,
    tenant,
    handler,
  );
  return fits;
}

function forget(db: ViewDatabase, { tenant, handler, before }: { readonly tenant: string; readonly handler: string; readonly before: string }): number {
  const old = db.all<{ id: number }>(
    "select id from error_groups indexed by error_groups_by_handler where handler = ? and tenant = ? and waiting = 0 and last_seen < ?",
    handler,
    tenant,
    before,
  );
  for (const { id } of old) {
    db.run("delete from error_group_entities where group_id = ?", id);
    db.run("delete from error_group_hours where group_id = ?", id);
    db.run("delete from error_groups where id = ?", id);
  }
  return old.length;
}
