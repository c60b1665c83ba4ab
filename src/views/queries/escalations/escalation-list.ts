import type { StoredEvent } from "../../../event/event.ts";
import { everyTenant, parseStreamName } from "../../../event/names.ts";
import { eachEvent } from "../../../log/each-event.ts";
import { makePageRoom, onePage } from "../../../log/page-bytes.ts";
import type { EscalationFilter, EscalationPointer, EscalationReads, EscalationStatus, EscalationView } from "../../model/escalation.ts";
import { escalationIndex, escalationKeys } from "../../projections/escalations.ts";
import { allOf, currentType, ofTenant, oneOf, type Sources } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { amendmentInForce } from "../dead-letters/amendments.ts";
import { asAmended } from "../dead-letters/letter-view.ts";
import { liftedView } from "../events/event-view.ts";

interface Row {
  readonly position: number;
  readonly entity: number;
  readonly stream: string;
  readonly revision: number;
  readonly handler: string;
  readonly tenant: string;
  readonly event_id: string;
  readonly delivery_id: string;
  readonly part: number | null;
  readonly why: string;
  readonly happens: EscalationPointer["when"];
  readonly status: EscalationStatus;
  readonly created_at: string;
  readonly due_at: string | null;
  readonly decided_at: string | null;
  readonly decided_by: string | null;
  readonly reason: string | null;
}

/** Tenants and handlers with open ones that are counted: a handler of many tenants has a row for each. */
const countedPairs = 100_000;

const selectRows = "select x.*, (select stream from entities where id = x.entity) as stream from escalations x";

export function makeEscalationReads(sources: Sources): EscalationReads {
  const { db, log } = sources;
  /** With their events, as far as a page holds them. */
  async function* views(rows: readonly Row[]): AsyncGenerator<{ readonly row: Row; readonly view: EscalationView }, void> {
    const events = eachEvent(
      log,
      ({ tenant }) => tenant,
      rows,
      ({ event_id }) => event_id,
    );
    for await (const { row, event } of events) yield { row, view: viewOf(sources, row, await asAmended(event, amendmentInForce(sources, row))) };
  }

  return {
    async escalations(filter, { limit, cursor }) {
      const before = fromCursor("escalations", filter.tenant, cursor, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
      const { from, where } = wayOf(filter);
      const { sql, parameters } = allOf([...where, { sql: "x.position < ?", parameters: [before] }]);
      const rows = db().all<Row>(`${selectRows} ${from} where ${sql} order by x.position desc limit ? + 0`, ...parameters, limit + 1);
      const shown = rows.slice(0, limit);
      return onePage(async () => {
        const room = makePageRoom();
        const escalations: EscalationView[] = [];
        for await (const { view } of views(shown)) {
          if (!room.takes(view)) return { escalations, nextCursor: toCursor("escalations", filter.tenant, shown[escalations.length - 1]!.position) };
          escalations.push(view);
        }
        return { escalations, nextCursor: rows.length > limit ? toCursor("escalations", filter.tenant, shown.at(-1)!.position) : null };
      });
    },

    async escalation(tenant, deliveryId) {
      const { sql, parameters } = allOf([oneOf("x.delivery_id", [deliveryId]), ...ofTenant("x.tenant", tenant)]);
      const rows = db().all<Row>(`${selectRows} indexed by escalations_by_delivery where ${sql} order by x.position desc limit 1`, ...parameters);
      for await (const { view } of views(rows)) return view;
      return undefined;
    },

    async openEscalations(tenant) {
      const { sql, parameters } = allOf(ofTenant("tenant", tenant));
      return db().all<{ tenant: string; handler: string; open: number }>(
        `select tenant, handler, open from open_escalations where ${sql} order by tenant, handler limit ${countedPairs}`,
        ...parameters,
      );
    },

    async dueEscalations(tenant, at, limit) {
      const { sql, parameters } = allOf([
        { sql: "x.status = 'open' and x.due_at is not null and x.due_at <= ?", parameters: [at] },
        ...ofTenant("x.tenant", tenant),
      ]);
      const rows = db().all<Row>(`${selectRows} indexed by escalations_due where ${sql} order by x.due_at limit ? + 0`, ...parameters, limit);
      return rows.map(pointerOf);
    },
  };
}

/** The index that has exactly the filter's members; of one delivery there are few. */
function wayOf(filter: EscalationFilter) {
  if (filter.deliveryId !== undefined) {
    const others = { handler: filter.handler, status: filter.status };
    const where = Object.entries(others).flatMap(([key, value]) => (value === undefined ? [] : [oneOf(`x.${key}`, [value])]));
    return {
      from: "indexed by escalations_by_delivery",
      where: [oneOf("x.delivery_id", [filter.deliveryId]), ...ofTenant("x.tenant", filter.tenant), ...where],
    };
  }
  const given = escalationKeys.filter((key) => filter[key] !== undefined && !(key === "tenant" && filter.tenant === everyTenant));
  return {
    from: given.length === 0 ? "" : `indexed by ${escalationIndex(given)}`,
    where: given.map((key) => oneOf(`x.${key}`, [filter[key]!])),
  };
}

function pointerOf(row: Row): EscalationPointer {
  const { delivery_id, event_id, handler, tenant, stream, revision, why, happens, status, created_at, due_at, decided_at, decided_by, reason } = row;
  return {
    ...{ deliveryId: delivery_id, eventId: event_id, handler, tenant, stream, revision, why, when: happens, status },
    entity: parseStreamName(stream)?.entity ?? { type: "", id: "" },
    ...{ createdAt: created_at, dueAt: due_at, decidedAt: decided_at, decidedBy: decided_by, reason },
  };
}

function viewOf({ catalog }: Sources, row: Row, event: StoredEvent | undefined): EscalationView {
  const lifted = event && liftedView(catalog, event);
  const part = row.part === null ? undefined : lifted?.parts?.[row.part];
  return {
    ...pointerOf(row),
    eventType: part?.type ?? (event === undefined ? "" : currentType(catalog, event.type)),
    part: row.part,
    data: part?.data ?? lifted?.data ?? null,
    dataError: lifted === undefined ? "event removed from the log" : lifted.dataError,
  };
}
