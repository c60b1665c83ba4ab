/** Events, the newest first: searched, and followed as they come. */
import type { EventReply, EventsReply } from "../../../http/wire/events.ts";
import { ask } from "../base/api.ts";
import { changeQuery, hrefOf, place } from "../base/place.ts";
import { type Filter, Filters, filtersIn } from "../parts/filters.tsx";
import { List } from "../parts/list.tsx";
import { State, Text, Time } from "../parts/text.tsx";

const statuses = ["pending", "processing", "completed", "failed", "dead_lettered", "held", "escalated", "replayed", "discarded", "skipped"];

const filters: readonly Filter[] = [
  { name: "event_type", label: "Event type", named: "event types" },
  { name: "status", label: "Delivery", options: statuses },
  { name: "handler", label: "Handler", named: "handlers" },
  { name: "entity_type", label: "Entity type" },
  { name: "entity_id", label: "Entity id" },
  { name: "source", label: "Source" },
  { name: "correlation_id", label: "Correlation id" },
  { name: "since", label: "Since", isTime: true },
  { name: "until", label: "Until", isTime: true },
];

export function Events() {
  const filter = filtersIn(filters.map(({ name }) => name));
  const isFollowed = place.value.query.follow === "yes";
  const load = async (cursor: string | undefined) => {
    const { events, next_cursor } = await ask<EventsReply>(["events"], { query: { ...filter, limit: 100, cursor } });
    return { rows: events, next: next_cursor };
  };
  return (
    <>
      <h1 tabIndex={-1}>Events</h1>
      <Filters of={filters} />
      <label class="choice">
        <input type="checkbox" checked={isFollowed} onChange={(event) => changeQuery({ follow: event.currentTarget.checked ? "yes" : undefined })} /> Follow
        live: put in what is new while nobody points at the list
      </label>
      <List<EventReply>
        of={JSON.stringify(["events", filter, place.value.query.tenant])}
        {...{ isFollowed, orderOf: (event) => Date.parse(event.recorded_at) }}
        {...{ load, label: "Events", idOf: (event) => event.id, empty: "No event is like this." }}
        columns={[
          {
            name: "Event",
            cell: (event) => (
              <a href={hrefOf(["events", event.id])}>
                <Text of={event.type} max={80} />
              </a>
            ),
          },
          { name: "Entity", cell: ({ entity }) => <Text of={`${entity.type}/${entity.id}`} max={80} /> },
          {
            name: "Deliveries",
            cell: ({ deliveries }) =>
              deliveries.map((delivery) => (
                <span key={delivery.delivery_id} class="lane" title={delivery.handler}>
                  <State of={delivery.status} />
                </span>
              )),
          },
          { ...{ name: "Source", width: 14, wide: true }, cell: ({ source }) => <Text of={source ?? ""} max={60} /> },
          { ...{ name: "Recorded", width: 13, wide: true }, cell: (event) => <Time at={event.recorded_at} isShort /> },
        ]}
      />
    </>
  );
}
