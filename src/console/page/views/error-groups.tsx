/** Failures that are alike: how many entities each holds up, and what was decided about it. */
import type { ErrorGroupReply, ErrorGroupsReply } from "../../../http/wire/error-groups.ts";
import { ask } from "../base/api.ts";
import { hrefOf, place } from "../base/place.ts";
import { shownCount } from "../base/shown-text.ts";
import { type Filter, Filters, filtersIn } from "../parts/filters.tsx";
import { List } from "../parts/list.tsx";
import { State, Text, Time } from "../parts/text.tsx";

const filters: readonly Filter[] = [
  { name: "state", label: "State", options: ["open", "resolved", "ignored"] },
  { name: "handler", label: "Handler", named: "handlers" },
  { name: "event_type", label: "Event type", named: "event types" },
  { name: "error_like", label: "Error says" },
];

export function ErrorGroups() {
  const filter = filtersIn(filters.map(({ name }) => name));
  const load = async (cursor: string | undefined) => {
    const { groups, next_cursor } = await ask<ErrorGroupsReply>(["admin", "errors"], { query: { ...filter, limit: 100, cursor } });
    return { rows: groups, next: next_cursor };
  };
  return (
    <>
      <h1 tabIndex={-1}>Error groups</h1>
      <Filters of={filters} />
      <List<ErrorGroupReply>
        of={JSON.stringify(["errors", filter, place.value.query.tenant])}
        {...{ load, label: "Error groups", idOf: (group) => `${group.tenant} ${group.handler} ${group.fingerprint}`, empty: "Nothing failed like this." }}
        columns={[
          {
            name: "Error",
            cell: (group) => (
              <a href={hrefOf(["errors", group.fingerprint], { handler: group.handler })}>
                <strong>
                  <Text of={group.type} max={60} />
                </strong>{" "}
                <Text of={group.message} max={160} />
              </a>
            ),
          },
          { ...{ name: "Letters", width: 8, isNumber: true }, cell: ({ waiting }) => shownCount(waiting) },
          { ...{ name: "State", width: 9 }, cell: ({ state }) => <State of={state} /> },
          { ...{ name: "Entities", width: 8, isNumber: true, wide: true }, cell: ({ entities }) => shownCount(entities) },
          { ...{ name: "Failures", width: 8, isNumber: true, wide: true }, cell: ({ count }) => shownCount(count) },
          { ...{ name: "Handler", width: 18, wide: true }, cell: ({ handler }) => <Text of={handler} max={80} /> },
          { ...{ name: "First seen", width: 13, wide: true }, cell: (group) => <Time at={group.first_seen} isShort /> },
          { ...{ name: "Last seen", width: 13, wide: true }, cell: (group) => <Time at={group.last_seen} isShort /> },
        ]}
      />
    </>
  );
}
