/** One event: its marks, its payload, and each of its deliveries. */
import type { EventReply } from "../../../http/wire/events.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf } from "../base/place.ts";
import { may } from "../base/session.ts";
import { FoldedAct } from "../parts/act.tsx";
import { ProblemText } from "../parts/problem.tsx";
import { Facts, State, Text, Time } from "../parts/text.tsx";
import { Attempts } from "./attempts.tsx";
import { Decided } from "./decided.tsx";
import { Lifted } from "./lifted.tsx";

export function EventPage({ id }: { readonly id: string }) {
  const live = useLive<EventReply>(`event ${id}`, () => ask<EventReply>(["events", id]));
  const event = live.data.value;
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["events"])}>Events</a>
      </p>
      <h1 tabIndex={-1}>{event === null ? "Event" : <Text of={event.type} max={130} />}</h1>
      <ProblemText of={live.problem.value} />
      {event === null ? live.problem.value === null && <p class="soft">Reading …</p> : <Event event={event} refresh={live.refresh} />}
    </>
  );
}

function Event({ event, refresh }: { readonly event: EventReply; readonly refresh: () => Promise<void> }) {
  const { entity } = event;
  return (
    <>
      <Facts
        of={[
          [
            "Entity",
            <a href={hrefOf(["entities", entity.type, entity.id])}>
              <Text of={`${entity.type}/${entity.id}`} />
            </a>,
          ],
          ["Revision", event.revision],
          ["Id", <code>{event.id}</code>],
          ["Recorded", <Time at={event.recorded_at} />],
          ["Occurred", <Time at={event.occurred_at} />],
          ["Source", <Text of={event.source ?? "–"} />],
          ["Agents", <Text of={event.call_chain?.join(" → ") ?? "–"} />],
          [
            "Correlation",
            event.correlation_id === null ? (
              "–"
            ) : (
              <a href={hrefOf(["events"], { correlation_id: event.correlation_id })}>
                <Text of={event.correlation_id} max={80} />
              </a>
            ),
          ],
          ["Priority", event.priority],
          ["Schema", <a href={hrefOf(["schemas", event.type])}>version {event.stored.schema_version} stored</a>],
        ]}
      />
      <h2>Deliveries</h2>
      {event.deliveries.length === 0 && <p class="soft">No handler wants it.</p>}
      {event.deliveries.map((delivery) => (
        <details key={delivery.delivery_id} open={delivery.status !== "completed"}>
          <summary>
            <Text of={delivery.handler} /> <State of={delivery.status} />
            {delivery.error !== null && (
              <>
                {" "}
                <Text of={`${delivery.error.type}: ${delivery.error.message}`} max={200} />
              </>
            )}
          </summary>
          {(delivery.status === "dead_lettered" || delivery.status === "escalated") && (
            <p>
              <a href={hrefOf(["dead-letters", delivery.delivery_id])}>The dead letter</a>
            </p>
          )}
          {delivery.next_attempt_at !== null && (
            <p>
              Tried again <Time at={delivery.next_attempt_at} />.
            </p>
          )}
          {delivery.next_attempt_at !== null && may("operate") && <GiveUp delivery={delivery} refresh={refresh} />}
          <Decided of={delivery.acts} />
          <Attempts of={delivery.history} />
        </details>
      ))}
      <h2>Payload</h2>
      <Lifted event={event} />
    </>
  );
}

/** What waits for its next attempt need not wait. */
function GiveUp({ delivery, refresh }: { readonly delivery: EventReply["deliveries"][number]; readonly refresh: () => Promise<void> }) {
  const { delivery_id: id, handler } = delivery;
  return (
    <FoldedAct
      {...{ name: "Make it a dead letter now", about: handler, draft: `give-up ${id}`, mustSayWhy: true }}
      says="It is not tried again by itself: it waits for a person, as a dead letter."
      command={(reason) => ["dlq", "give-up", id, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        await ask(["deliveries", id, "give-up"], { method: "POST", body: { reason }, onceKey });
        await refresh();
        return <a href={hrefOf(["dead-letters", id])}>The dead letter</a>;
      }}
    />
  );
}
