import { partDeliveryId } from "../../event/ids.ts";
import type { Act } from "../../records/act.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { EscalationStatus } from "../model/escalation.ts";
import type { Projection } from "../projection.ts";
import type { At } from "./delivery-row.ts";

/** What lists are filtered by. Each set of them has an index of its own: there are few escalations, as each takes a person. */
export const escalationKeys = ["tenant", "handler", "status"] as const;
export const escalationIndex = (keys: readonly string[]): string => ["escalations_by", ...keys].join("_");

const sets = Array.from({ length: 2 ** escalationKeys.length - 1 }, (_, index) => escalationKeys.filter((_key, bit) => ((index + 1) >> bit) & 1));

/** Decisions that people were asked for, and what they decided. A delivery has several when its approved run is escalated again. */
export const escalations: Projection<"journal" | "handler"> = {
  takes: ["journal", "handler"],
  tables: `
    -- position: of the journal's entry that asks. happens: before or after the call. part: of a split event.
    create table escalations(
      position integer primary key, entity integer not null, revision integer not null, handler text not null, tenant text not null, event_id text not null,
      delivery_id text not null, part integer, why text not null, happens text not null, status text not null, created_at text not null, due_at text,
      decided_at text, decided_by text, reason text
    ) strict;
    create index escalations_open on escalations(entity, revision, handler) where status = 'open';
    create index escalations_by_event on escalations(entity, revision);
    create index escalations_due on escalations(due_at) where status = 'open' and due_at is not null;
    create index escalations_by_delivery on escalations(delivery_id, position);
    ${sets.map((keys) => `create index ${escalationIndex(keys)} on escalations(${[...keys, "position"].join(", ")});`).join("\n    ")}
    create table open_escalations(tenant text not null, handler text not null, open integer not null, primary key (tenant, handler)) strict, without rowid;
    create trigger escalation_opens after insert on escalations begin
      insert into open_escalations values (new.tenant, new.handler, 1) on conflict do update set open = open + 1;
    end;
    create trigger escalation_closes after update of status on escalations when old.status = 'open' and new.status <> 'open' begin
      update open_escalations set open = open - 1 where tenant = old.tenant and handler = old.handler;
      delete from open_escalations where tenant = old.tenant and handler = old.handler and open = 0;
    end;
  `,
  apply({ db }, input) {
    if (input.kind === "handler" && input.entry.type === "handler.retired") {
      const { actor, reason } = input.entry.data.act;
      close(db, { where: "handler = ? and status = 'open'", of: [input.handler], index: escalationIndex(["handler", "status"]) }, "rejected", {
        decidedAt: input.event.recordedAt,
        decidedBy: actor,
        reason,
      });
    }
    if (input.kind !== "journal") return;
    const { entry, handler, event } = input;
    applyJournal(db, { handler, journal: event.stream, position: Number(event.position), recordedAt: event.recordedAt }, entry);
  },
};

function applyJournal(db: ViewDatabase, at: At, entry: JournalEvent): void {
  switch (entry.type) {
    case "delivery.dead_lettered": {
      // Builds without decisions recorded none when somebody had it replayed.
      const { record, act } = entry.data;
      decided(db, at, entry.data, "approved", { actor: act?.actor ?? record?.actor ?? null, reason: null });
      if (entry.data.escalated) open(db, at, entry.data);
      return;
    }
    case "delivery.decided":
      decided(db, at, entry.data, entry.data.decision, entry.data.act);
      return;
    case "delivery.settled": {
      const { decision, outcome, act } = entry.data;
      const status = decision ?? (outcome === "discarded" ? "rejected" : "approved");
      decided(db, at, entry.data, status, status === "expired" ? { actor: null, reason: null } : act);
    }
  }
}

function open(db: ViewDatabase, { handler, position, recordedAt }: At, data: JournalData["delivery.dead_lettered"]): void {
  const { lane, revision, eventId, part, error, escalation } = data;
  const { id, tenant } = entityOf(db, lane);
  db.run(
    `insert or ignore into escalations(position, entity, revision, handler, tenant, event_id, delivery_id, part, why, happens, status, created_at, due_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)`,
    position,
    id,
    revision,
    handler,
    tenant,
    eventId,
    partDeliveryId(handler, lane, eventId, part),
    part ?? null,
    escalation?.why ?? `${error.type}: ${error.message}`,
    escalation?.when ?? "after",
    recordedAt,
    escalation?.dueAt ?? null,
  );
}

interface Closed {
  readonly decidedAt: string;
  readonly decidedBy: string | null;
  readonly reason: string | null;
}

function decided(
  db: ViewDatabase,
  { handler, recordedAt }: At,
  { lane, revision }: { readonly lane: string; readonly revision: number },
  status: EscalationStatus,
  { actor, reason }: Pick<Act, "reason"> & { readonly actor: string | null },
): void {
  if (db.get("select 1 from open_escalations limit 1") === undefined) return; // of most dead letters nobody was asked
  const of = [entityOf(db, lane).id, revision, handler];
  const which = { where: "entity = ? and revision = ? and handler = ? and status = 'open'", of, index: "escalations_open" };
  close(db, which, status, { decidedAt: recordedAt, decidedBy: actor, reason });
}

function close(
  db: ViewDatabase,
  { where, of, index }: { readonly where: string; readonly of: readonly (string | number)[]; readonly index: string },
  status: EscalationStatus,
  { decidedAt, decidedBy, reason }: Closed,
): void {
  db.run(
    `update escalations indexed by ${index} set status = ?, decided_at = ?, decided_by = ?, reason = ? where ${where}`,
    status,
    decidedAt,
    decidedBy,
    reason,
    ...of,
  );
}
