/** Dead letters: filtered, chosen, and taken to a plan, or given up. */
import { useSignal } from "@preact/signals";
import type { DeadLettersReply } from "../../../http/wire/dead-letters-replies.ts";
import { ask } from "../base/api.ts";
import { useDraft } from "../base/drafts.ts";
import { hrefOf, place } from "../base/place.ts";
import { may } from "../base/session.ts";
import { plural, shownCount } from "../base/shown-text.ts";
import { Filters, filtersIn } from "../parts/filters.tsx";
import { List } from "../parts/list.tsx";
import type { Column } from "../parts/table.tsx";
import { State, Text, Time } from "../parts/text.tsx";
import { DiscardChosen, DiscardMatches } from "./discard-many.tsx";
import { letterFilters } from "./letter-filters.ts";
import { PlanButton } from "./plan-button.tsx";

type Letter = DeadLettersReply["events"][number];

/** A plan of ids has no more. */
const maxChosen = 10_000;

export function DeadLetters() {
  const { tenant = "" } = place.value.query;
  const [chosen, setChosen] = useDraft<readonly string[]>(`chosen letters ${tenant}`, none);
  const filter = filtersIn(letterFilters.map(({ name }) => name));
  const total = useSignal(0);
  const here = useSignal<readonly Letter[]>([]);
  const choose = (ids: readonly string[], isChosen: boolean): void => {
    const others = chosen.filter((id) => !ids.includes(id));
    setChosen(isChosen ? [...others, ...ids].slice(-maxChosen) : others);
  };
  const load = async (cursor: string | undefined) => {
    const { events, next_cursor, total: all } = await ask<DeadLettersReply>(["admin", "dlq"], { query: { ...filter, data: "false", limit: 100, cursor } });
    total.value = all;
    here.value = cursor === undefined ? events : [...here.value, ...events];
    return { rows: events, next: next_cursor, total: all };
  };
  return (
    <>
      <h1 tabIndex={-1}>Dead letters</h1>
      <Filters of={letterFilters} />
      {chosen.length > 0 ? (
        <section class="bar" aria-label="What is chosen">
          <PlanButton name={`Plan a replay of ${plural(chosen.length, "chosen one")}`} selection={{ ids: chosen }} isReady isMain />
          {may("operate") && <DiscardChosen ids={chosen} done={(left) => setChosen(left.length === 0 ? none : left)} />}
          <button type="button" class="quiet" onClick={() => setChosen(none)}>
            Choose none
          </button>
        </section>
      ) : (
        <section class="bar" aria-label="All that match">
          <PlanButton
            name={`Plan a replay of all ${plural(total.value, "match", "matches")}`}
            selection={{ dead_letters: filter }}
            isReady={Object.keys(filter).length > 0 && total.value > 0}
            isMain
          />
          {may("operate") && Object.keys(filter).length > 0 && total.value > 0 && <DiscardMatches filter={filter} total={total.value} />}
          {Object.keys(filter).length === 0 && <span class="soft">Filter or choose first: a plan is never of everything.</span>}
        </section>
      )}
      <List<Letter>
        of={JSON.stringify([filter, tenant])}
        {...{ load, label: "Dead letters", idOf: (letter) => letter.delivery_id, orderOf: (letter) => Date.parse(letter.created_at) }}
        empty={
          Object.keys(filter).length === 0
            ? "No dead letter: nothing waits for a person here."
            : "No dead letter is like this. Clear the filter to see the others."
        }
        columns={columnsOf(new Set(chosen), choose, here.value)}
      />
    </>
  );
}

const none: readonly string[] = [];

function columnsOf(
  chosen: ReadonlySet<string>,
  choose: (ids: readonly string[], isChosen: boolean) => void,
  here: readonly Letter[],
): readonly Column<Letter>[] {
  const ids = here.map(({ delivery_id }) => delivery_id);
  return [
    {
      ...{ name: "Choose", width: 2 },
      mark: (
        <input
          type="checkbox"
          aria-label={`Choose all ${shownCount(ids.length)} that are read`}
          checked={ids.length > 0 && ids.every((id) => chosen.has(id))}
          onChange={(event) => choose(ids, event.currentTarget.checked)}
        />
      ),
      cell: ({ delivery_id: id, entity }) => (
        <input
          type="checkbox"
          aria-label={`Choose ${entity.type}/${entity.id}`.slice(0, 200)}
          checked={chosen.has(id)}
          onChange={(event) => choose([id], event.currentTarget.checked)}
        />
      ),
    },
    {
      ...{ name: "Entity", width: 15 },
      cell: (letter) => (
        <a href={hrefOf(["dead-letters", letter.delivery_id])}>
          <Text of={`${letter.entity.type}/${letter.entity.id}`} max={80} />
        </a>
      ),
    },
    {
      name: "Error",
      cell: ({ error }) => (
        <span title={`${error.type}: ${error.message}`.slice(0, 400)}>
          <strong>
            <Text of={error.type} max={80} />
          </strong>{" "}
          <Text of={error.message} max={160} />
        </span>
      ),
    },
    { ...{ name: "Handler", width: 13, wide: true }, cell: ({ handler }) => <Text of={handler} max={80} /> },
    { ...{ name: "Event type", width: 13, wide: true }, cell: (letter) => <Text of={letter.event_type} max={80} /> },
    { ...{ name: "Cause", width: 10, wide: true }, cell: ({ cause, status }) => <State of={status === "escalated" ? "escalated" : cause} /> },
    { ...{ name: "Tries", width: 5, wide: true, isNumber: true }, cell: ({ attempts }) => attempts },
    { ...{ name: "Holds", width: 5, isNumber: true }, cell: ({ waiting }) => shownCount(waiting) },
    { ...{ name: "Since", width: 12, wide: true }, cell: (letter) => <Time at={letter.dead_lettered_at} isShort /> },
  ];
}
