import type { ViewDatabase } from "../../database.ts";
import type { DeliveryAct } from "../../model/delivery-act.ts";

const shownActs = 50;

interface ActRow extends Omit<DeliveryAct, "replayId"> {
  readonly replay_id: string | null;
}

/** Newest first, at most 50. */
export function actsOf(
  db: ViewDatabase,
  { entity, revision, handler }: { readonly entity: number; readonly revision: number; readonly handler: string },
): readonly DeliveryAct[] {
  const rows = db.all<ActRow>(
    `select at, what, actor, reason, before, after, resolution, replay_id from delivery_acts where entity = ? and revision = ? and handler = ?
     order by position desc limit ?`,
    entity,
    revision,
    handler,
    shownActs,
  );
  return rows.map(({ replay_id: replayId, ...act }) => ({ ...act, replayId }));
}
