import type { AttemptRecord } from "../../../records/attempt.ts";
import type { ViewDatabase } from "../../database.ts";

/** The calls of one delivery, newest first. */
export function attemptsOf(
  db: ViewDatabase,
  { entity, revision, handler }: { readonly entity: number; readonly revision: number; readonly handler: string },
): readonly AttemptRecord[] {
  return db
    .all<{ record: string }>(
      "select record from delivery_history where entity = ? and revision = ? and handler = ? and record is not null order by position desc",
      entity,
      revision,
      handler,
    )
    .map(({ record }) => JSON.parse(record) as AttemptRecord);
}
