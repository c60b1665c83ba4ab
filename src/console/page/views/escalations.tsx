/** What waits for a person's decision, and what people decided. */
import type { EscalationReply, EscalationsReply } from "../../../http/wire/escalations.ts";
import { ask } from "../base/api.ts";
import { hrefOf, place } from "../base/place.ts";
import { type Filter, Filters, filtersIn } from "../parts/filters.tsx";
import { List } from "../parts/list.tsx";
import { State, Text, Time } from "../parts/text.tsx";

const filters: readonly Filter[] = [
  { name: "status", label: "Status", options: ["open", "approved", "rejected", "expired"] },
  { name: "handler", label: "Handler" },
];

export function Escalations() {
  const filter = filtersIn(filters.map(({ name }) => name));
  const load = async (cursor: string | undefined) => {
    const { escalations, next_cursor } = await ask<EscalationsReply>(["admin", "escalations"], { query: { ...filter, limit: 100, cursor } });
    return { rows: escalations, next: next_cursor };
  };
  return (
    <>
      <h1 tabIndex={-1}>Escalations</h1>
      <Filters of={filters} />
      <List<EscalationReply>
        of={JSON.stringify(["escalations", filter, place.value.query.tenant])}
        {...{ load, label: "Escalations", idOf: (each) => `${each.delivery_id} ${each.created_at}`, empty: "Nothing waits for a decision." }}
        columns={[
          {
            name: "Entity",
            cell: ({ delivery_id: id, entity }) => (
              <a href={hrefOf(["escalations", id])}>
                <Text of={`${entity.type}/${entity.id}`} max={80} />
              </a>
            ),
          },
          { name: "Why", cell: ({ why }) => <Text of={why} max={160} /> },
          { name: "Status", cell: ({ status }) => <State of={status} /> },
          { name: "Handler", cell: ({ handler }) => <Text of={handler} />, wide: true },
          { name: "Since", cell: (each) => <Time at={each.created_at} />, wide: true },
          { name: "Due", cell: (each) => <Time at={each.due_at} />, wide: true },
          { name: "Decided by", cell: (each) => <Text of={each.decided_by ?? ""} max={60} />, wide: true },
        ]}
      />
    </>
  );
}
