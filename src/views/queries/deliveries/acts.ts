import type { ViewDatabase } from "../../database.ts";
import type { DeliveryAct } from "../../model/delivery-act.ts";

const shownActs = 50;

/** Newest first, at most 50. */
export function actsOf(
  db: ViewDatabase,
  { entity, revision, handler }: { readonly entity: number; readonly revision: number; readonly handler: string },
): readonly DeliveryAct[] {
  return db
    .all<{ act: string }>(
      "select act from delivery_history where entity = ? and revision = ? and handler = ? and act is not null order by position desc limit ? + 0",
      entity,
      revision,
      handler,
      shownActs,
    )
    .map(({ act }) => JSON.parse(act) as DeliveryAct);
}
