/** What waits for a person's decision, and what people decided. */
import type { EscalationReply, EscalationsReply } from "../../../http/wire/escalations.ts";
import { ask } from "../base/api.ts";
import { hrefOf, place } from "../base/place.ts";
import { type Filter, Filters, filtersIn } from "../parts/filters.tsx";
import { List } from "../parts/list.tsx";
import { State, Text, Time } from "../parts/text.tsx";

const filters: readonly Filter[] = [
  { name: "status", label: "Status", options: ["open", "approved", "rejected", "expired"] },
  { name: "handler", label: "Handler", named: "handlers" },
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
        {...{ load, label: "Escalations", idOf: (each) => `${each.delivery_id} ${each.created_at}`, orderOf: (each) => Date.parse(each.created_at) }}
        empty={filter.status === "open" ? "Nothing waits for a decision." : "Nothing is like this."}
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
          { ...{ name: "Status", width: 9 }, cell: ({ status }) => <State of={status} /> },
          { name: "Handler", cell: ({ handler }) => <Text of={handler} />, wide: true },
          { ...{ name: "Since", width: 13, wide: true }, cell: (each) => <Time at={each.created_at} isShort /> },
          { ...{ name: "Due", width: 13, wide: true }, cell: (each) => <Time at={each.due_at} isShort /> },
          { ...{ name: "Decided by", width: 12, wide: true }, cell: (each) => <Text of={each.decided_by ?? ""} max={60} /> },
        ]}
      />
    </>
  );
}
