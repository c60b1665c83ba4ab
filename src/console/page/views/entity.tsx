/** One entity: its events by revision, and beside each what became of it for every handler. */
import type { EntityReply } from "../../../http/wire/entities.ts";
import type { EventReply } from "../../../http/wire/events.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf, place } from "../base/place.ts";
import { may } from "../base/session.ts";
import { plural } from "../base/shown-text.ts";
import { FoldedAct } from "../parts/act.tsx";
import { List } from "../parts/list.tsx";
import { ProblemText } from "../parts/problem.tsx";
import { State, Text, Time } from "../parts/text.tsx";

type Lane = EntityReply["handlers"][number];

export function EntityPage({ type, id }: { readonly type: string; readonly id: string }) {
  const live = useLive<EntityReply>(`entity ${type}/${id} ${place.value.query.tenant}`, () => ask<EntityReply>(["entities", type, id]));
  const entity = live.data.value;
  const lanes = entity?.handlers ?? [];
  const load = async (from: string | undefined) => {
    const query = { direction: "backward", limit: 100, from };
    const { events, next_from } = await ask<{ readonly events: readonly EventReply[]; readonly next_from: number | null }>(["entities", type, id, "events"], {
      query,
    });
    return { rows: events, next: next_from === null ? null : String(next_from) };
  };
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["entities"])}>Entities</a>
      </p>
      <h1 tabIndex={-1}>
        <Text of={`${type}/${id}`} max={200} />
      </h1>
      <ProblemText of={live.problem.value} />
      <h2>Lanes</h2>
      <div class="cards">
        {lanes.map((lane) => (
          <LaneCard key={lane.handler} lane={lane} path={["entities", type, id]} refresh={live.refresh} />
        ))}
      </div>
      <h2>Timeline</h2>
      {entity !== null && (
        <List<EventReply>
          of={`timeline ${type}/${id} ${lanes.map(({ handler }) => handler).join()}`}
          {...{ load, label: "Events by revision", idOf: (event) => event.id, orderOf: (event) => event.revision, empty: "It has no events." }}
          columns={[
            { ...{ name: "Revision", width: 8, isNumber: true }, cell: (event) => <a href={hrefOf(["events", event.id])}>{event.revision}</a> },
            { name: "Event", cell: (event) => <Text of={event.type} max={80} /> },
            ...lanes.map((lane) => ({ name: lane.handler, cell: (event: EventReply) => <Cell event={event} lane={lane} /> })),
            { ...{ name: "Recorded", width: 13, wide: true }, cell: (event) => <Time at={event.recorded_at} isShort /> },
          ]}
        />
      )}
    </>
  );
}

/** What became of an event for one handler, and behind what it waits. */
function Cell({ event, lane }: { readonly event: EventReply; readonly lane: Lane }) {
  const delivery = event.deliveries.find(({ handler }) => handler === lane.handler);
  if (delivery === undefined) return <span class="soft">not for it</span>;
  const isLetter = delivery.status === "dead_lettered" || delivery.status === "escalated";
  const state = <State of={delivery.status} />;
  return (
    <>
      {isLetter ? <a href={hrefOf(["dead-letters", delivery.delivery_id])}>{state}</a> : state}
      {delivery.status === "held" && lane.head !== null && <small> behind {lane.head.revision}</small>}
    </>
  );
}

function LaneCard({ lane, path, refresh }: { readonly lane: Lane; readonly path: readonly string[]; readonly refresh: () => Promise<void> }) {
  const { handler, lane_state: state, head } = lane;
  const verbs = state === "paused" ? (["resume"] as const) : state === "backing_off" ? (["retry", "pause"] as const) : (["pause"] as const);
  const says = {
    pause: "Nothing of this entity starts for this handler until it is resumed.",
    resume: "It goes on where it was.",
    retry: "Tries now what waits for its next attempt.",
  };
  const names = { pause: "Pause", resume: "Resume", retry: "Retry now" };
  return (
    <section class="card" aria-label={`Lane of ${handler}`}>
      <h3>
        <Text of={handler} /> <State of={state} />
      </h3>
      <p>
        {lane.waiting === 0 ? "Nothing waits." : `${plural(lane.waiting, "event")} not done.`}
        {lane.why !== null && (
          <>
            {" "}
            <Text of={lane.why} max={500} />
          </>
        )}
      </p>
      {head !== null && head.error !== null && lane.why === null && (
        <p>
          At revision {head.revision}: <Text of={`${head.error.type}: ${head.error.message}`} max={300} />
          {head.next_attempt_at !== null && (
            <>
              ; tried again <Time at={head.next_attempt_at} />
            </>
          )}
        </p>
      )}
      {may("operate") &&
        verbs.map((verb) => (
          <FoldedAct
            key={verb}
            {...{ name: names[verb], says: says[verb], about: handler, draft: `${verb} ${path.join("/")} ${handler}` }}
            command={(reason) => ["entities", verb, `${path[1]}/${path[2]}`, "--handler", handler, "--reason", reason]}
            run={async ({ reason, onceKey }) => {
              await ask([...path, verb], { method: "POST", body: { handler, ...(reason === undefined ? {} : { reason }) }, onceKey });
              await refresh();
              return "Done.";
            }}
          />
        ))}
    </section>
  );
}
