/** Entities by the state of their lanes. */
import type { EntitiesReply, EntityReply } from "../../../http/wire/entities.ts";
import { ask } from "../base/api.ts";
import { hrefOf, place } from "../base/place.ts";
import { shownCount } from "../base/shown-text.ts";
import { type Filter, Filters, filtersIn } from "../parts/filters.tsx";
import { List } from "../parts/list.tsx";
import { State, Text, Time } from "../parts/text.tsx";

const filters: readonly Filter[] = [
  { name: "lane_state", label: "Lane", options: ["flowing", "backing_off", "blocked", "paused", "behind", "stuck"] },
  { name: "handler", label: "Handler", named: "handlers" },
  { name: "entity_type", label: "Entity type" },
];

export function Entities() {
  const filter = filtersIn(filters.map(({ name }) => name));
  const load = async (cursor: string | undefined) => {
    const { entities, next_cursor } = await ask<EntitiesReply>(["entities"], { query: { ...filter, limit: 100, cursor } });
    return { rows: entities, next: next_cursor };
  };
  const troubled = (entity: EntityReply) => entity.handlers.filter((lane) => lane.lane_state !== "flowing");
  return (
    <>
      <h1 tabIndex={-1}>Entities</h1>
      <Filters of={filters} />
      <List<EntityReply>
        of={JSON.stringify(["entities", filter, place.value.query.tenant])}
        {...{ load, label: "Entities", idOf: ({ tenant, entity }) => `${tenant} ${entity.type}/${entity.id}`, empty: "No entity is like this." }}
        columns={[
          {
            name: "Entity",
            cell: ({ entity }) => (
              <a href={hrefOf(["entities", entity.type, entity.id])}>
                <Text of={`${entity.type}/${entity.id}`} max={80} />
              </a>
            ),
          },
          {
            name: "Lanes",
            cell: (entity) =>
              troubled(entity).map((lane) => (
                <span key={lane.handler} class="lane">
                  <Text of={lane.handler} /> <State of={lane.lane_state} />
                </span>
              )),
          },
          { name: "Waiting", cell: (entity) => shownCount(entity.handlers.reduce((sum, lane) => sum + lane.waiting, 0)), ...{ width: 7, isNumber: true } },
          { ...{ name: "Revision", width: 8, isNumber: true, wide: true }, cell: ({ revision }) => revision },
          { ...{ name: "Last event", width: 13, wide: true }, cell: (entity) => <Time at={entity.last_event_at} isShort /> },
        ]}
      />
    </>
  );
}
