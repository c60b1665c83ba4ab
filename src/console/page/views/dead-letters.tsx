/** Dead letters: filtered, chosen, and taken to a plan. */
import { useSignal } from "@preact/signals";
import type { DeadLettersReply } from "../../../http/wire/dead-letters-replies.ts";
import { ask } from "../base/api.ts";
import { hrefOf, place } from "../base/place.ts";
import { plural } from "../base/shown-text.ts";
import { type Filter, Filters, filtersIn } from "../parts/filters.tsx";
import { List } from "../parts/list.tsx";
import type { Column } from "../parts/table.tsx";
import { State, Text, Time } from "../parts/text.tsx";
import { PlanButton } from "./plan-button.tsx";

type Letter = DeadLettersReply["events"][number];

const causes = ["exhausted", "terminal", "schema", "crash", "unknown_outcome", "given_up"];

export const letterFilters: readonly Filter[] = [
  { name: "handler", label: "Handler" },
  { name: "event_type", label: "Event type" },
  { name: "error", label: "Error" },
  { name: "cause", label: "Cause", options: causes },
  { name: "entity_type", label: "Entity type" },
  { name: "entity_id", label: "Entity id" },
  { name: "source", label: "Source" },
];
/** Those that only a link sets. */
const others = ["error_group", "replay_id", "since", "until"];

export function DeadLetters() {
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const filter = filtersIn([...letterFilters.map(({ name }) => name), ...others]);
  const total = useSignal(0);
  const choose = (id: string, isChosen: boolean): void => {
    chosen.value = new Set(isChosen ? [...chosen.value, id] : [...chosen.value].filter((each) => each !== id));
  };
  const load = async (cursor: string | undefined) => {
    const { events, next_cursor, total: all } = await ask<DeadLettersReply>(["admin", "dlq"], { query: { ...filter, data: "false", limit: 100, cursor } });
    total.value = all;
    return { rows: events, next: next_cursor, total: all };
  };
  return (
    <>
      <h1 tabIndex={-1}>Dead letters</h1>
      <Filters of={letterFilters} />
      <div class="bar">
        <PlanButton
          name={`Plan a replay of ${plural(chosen.value.size, "chosen one")}`}
          selection={{ ids: [...chosen.value] }}
          isReady={chosen.value.size > 0}
        />
        <PlanButton
          name={`Plan a replay of all ${plural(total.value, "match", "matches")}`}
          selection={{ dead_letters: filter }}
          isReady={Object.keys(filter).length > 0 && total.value > 0}
        />
        {Object.keys(filter).length === 0 && <span class="soft">Filter first: a plan is never of everything.</span>}
      </div>
      <List<Letter>
        of={JSON.stringify([filter, place.value.query.tenant])}
        {...{ load, label: "Dead letters", idOf: (letter) => letter.delivery_id, empty: "No dead letter. Nothing waits for a person here." }}
        columns={columnsOf(chosen.value, choose)}
      />
    </>
  );
}

function columnsOf(chosen: ReadonlySet<string>, choose: (id: string, isChosen: boolean) => void): readonly Column<Letter>[] {
  return [
    {
      ...{ name: "Choose", isMark: true },
      cell: ({ delivery_id: id, entity }) => (
        <input
          type="checkbox"
          aria-label={`Choose ${entity.type}/${entity.id}`}
          checked={chosen.has(id)}
          onChange={(event) => choose(id, event.currentTarget.checked)}
        />
      ),
    },
    {
      name: "Entity",
      cell: (letter) => (
        <a href={hrefOf(["dead-letters", letter.delivery_id])}>
          <Text of={`${letter.entity.type}/${letter.entity.id}`} max={80} />
        </a>
      ),
    },
    {
      name: "Error",
      cell: ({ error }) => (
        <span>
          <strong>
            <Text of={error.type} max={80} />
          </strong>{" "}
          <Text of={error.message} max={160} />
        </span>
      ),
    },
    { name: "Handler", cell: ({ handler }) => <Text of={handler} />, wide: true },
    { name: "Event type", cell: (letter) => <Text of={letter.event_type} />, wide: true },
    { name: "Cause", cell: ({ cause, status }) => <State of={status === "escalated" ? "escalated" : cause} />, wide: true },
    { name: "Attempts", cell: ({ attempts }) => attempts, wide: true, isNumber: true },
    { name: "Holds", cell: ({ waiting }) => waiting, isNumber: true },
    { name: "Since", cell: (letter) => <Time at={letter.dead_lettered_at} />, wide: true },
  ];
}
