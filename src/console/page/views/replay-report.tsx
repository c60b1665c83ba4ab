/** What a replay delivers, with each outcome. */
import type { ReplayReportReply } from "../../../http/wire/replays-replies.ts";
import { ask } from "../base/api.ts";
import { hrefOf } from "../base/place.ts";
import { List } from "../parts/list.tsx";
import { State, Text } from "../parts/text.tsx";

type Item = ReplayReportReply["items"][number];

export function ReplayReport({ id }: { readonly id: string }) {
  const load = async (cursor: string | undefined) => {
    const { items, next_cursor } = await ask<ReplayReportReply>(["replays", id, "report"], { query: { limit: 100, cursor } });
    return { rows: items, next: next_cursor };
  };
  return (
    <>
      <h2>Report</h2>
      <List<Item>
        {...{ of: `report ${id}`, load, label: "What it delivers", idOf: (item) => `${item.handler} ${item.event_id}`, empty: "Nothing yet." }}
        isRunning={({ outcome }) => outcome === null}
        columns={[
          {
            name: "Entity",
            cell: ({ entity, event_id: event }) => (
              <a href={hrefOf(["events", event])}>
                <Text of={`${entity.type}/${entity.id}`} max={80} />
              </a>
            ),
          },
          { ...{ name: "Revision", width: 8, isNumber: true, wide: true }, cell: ({ revision }) => revision },
          { name: "Handler", cell: ({ handler }) => <Text of={handler} />, wide: true },
          { ...{ name: "Outcome", width: 10 }, cell: ({ outcome }) => (outcome === null ? <span class="soft">not yet</span> : <State of={outcome} />) },
          { name: "Error", cell: ({ error }) => (error === null ? "" : <Text of={`${error.type}: ${error.message}`} max={160} />) },
          { ...{ name: "Differences", width: 10, isNumber: true, wide: true }, cell: ({ differences }) => differences?.length ?? "" },
        ]}
      />
    </>
  );
}
