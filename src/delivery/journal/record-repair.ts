import type { NewId } from "../../event/ids.ts";
import type { Act } from "../../records/act.ts";
import { repairOf } from "./handler-stream.ts";
import { type RecordActNeeds, recordAct } from "./record-act.ts";

export interface Repaired {
  readonly position: bigint;
  /** Events of the journal that are passed over from now on. */
  readonly skipped: number;
}

/**
 * Has the events of a partition's journal that are not its own skipped, on record. Whoever has the partition goes by it the next time that it claims it.
 *
 * @throws NOTHING_TO_REPAIR, LOG_UNAVAILABLE
 */
export async function recordRepair(
  needs: RecordActNeeds & { readonly newId: NewId },
  place: { readonly handler: string; readonly partition: number },
  act: Act,
): Promise<Repaired> {
  const { record, skipped } = await repairOf(needs.log, needs.newId, place, act);
  const { position } = await recordAct(needs, record);
  return { position, skipped };
}
