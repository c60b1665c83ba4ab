import type { Act } from "../../records/act.ts";
import type { ViewDatabase } from "../database.ts";
import type { DeliveryAct } from "../model/delivery-act.ts";
import type { At } from "./delivery-row.ts";

/** Who decided what about a delivery: people, the retry policy, a due date. Amendments stand in a table of their own. */
export const deliveryActsTable = `
    -- position: that of the journal's entry, or of the handler's.
    create table delivery_acts(
      entity integer not null, revision integer not null, handler text not null, position integer not null, at text not null, what text not null,
      actor text not null, reason text, before text, after text not null, resolution text, replay_id text,
      primary key (entity, revision, handler, position)
    ) strict, without rowid;
`;

export function addAct(
  db: ViewDatabase,
  { handler, position, recordedAt }: Omit<At, "journal">,
  { entity, revision }: { readonly entity: number; readonly revision: number },
  { actor, reason, resolution, replayId }: Act,
  { what, before, after }: Pick<DeliveryAct, "what" | "before" | "after">,
): void {
  db.run(
    `insert or replace into delivery_acts(entity, revision, handler, position, at, what, actor, reason, before, after, resolution, replay_id)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[entity, revision, handler, position, recordedAt, what, actor, reason, before, after],
    ...[resolution ?? null, replayId ?? null],
  );
}

/** The same for all that waits for a handler which is gone for good. Runs before their rows are closed. */
export function addRetirement(db: ViewDatabase, { handler, position, recordedAt }: Omit<At, "journal">, { actor, reason }: Act): void {
  db.run(
    `insert or replace into delivery_acts(entity, revision, handler, position, at, what, actor, reason, before, after, resolution, replay_id)
     select entity, revision, handler, ?, ?, 'discarded', ?, ?, status, 'discarded', null, null from deliveries
     where handler = ? and status in ('failed', 'dead_lettered', 'escalated')`,
    position,
    recordedAt,
    actor,
    reason,
    handler,
  );
}
