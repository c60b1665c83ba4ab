import { toIso } from "../../../event/clock.ts";
import { parseStreamName } from "../../../event/names.ts";
import type { Turns } from "../../../event/turns.ts";
import type { EntityView, LaneView } from "../../model/entity.ts";
import { lastOfTypeSql } from "../../projections/entities.ts";
import type { Sources } from "../context.ts";
import type { DeliveryReader } from "../deliveries/delivery-reader.ts";
import type { HandlerRow } from "../deliveries/handler-rows.ts";
import type { EntityRow } from "./entity-row.ts";
import { laneView } from "./lane-view.ts";

export function wantingHandlers({ db }: Sources, { handlers, wants }: DeliveryReader, entity: number): readonly HandlerRow[] {
  const types = db().all<{ type: string; position: number }>(
    `select t.type, ${lastOfTypeSql} as position from entities n cross join entity_types t on t.entity = n.id where n.id = ?`,
    entity,
  );
  return handlers.filter(({ name }) => types.some(({ type, position }) => wants(name, type, position)));
}

export async function entityView(sources: Sources, reader: DeliveryReader, row: EntityRow, turns: Turns): Promise<EntityView> {
  const { tenant, entity } = parseStreamName(row.stream)!;
  const handlers: LaneView[] = [];
  for (const handler of wantingHandlers(sources, reader, row.id)) handlers.push(await laneView(sources, reader, row, handler, turns));
  return { entity, tenant, revision: row.revision, lastEventAt: toIso(row.recorded_ms), archived: archivedOf(sources, row.id), handlers };
}

function archivedOf({ db }: Sources, entity: number): EntityView["archived"] {
  const archived = db().get<NonNullable<EntityView["archived"]>>(
    "select a.events, a.before, s.name as segment from archived_entities a join archived_segments s on s.id = a.segment where a.entity = ?",
    entity,
  );
  return archived === undefined ? null : { ...archived };
}
