/** One dead letter: why it failed, what it would be delivered as today, what it holds, and what can be done. */
import { useRef } from "preact/hooks";
import type { DeadLetterDetailReply } from "../../../http/wire/dead-letters-replies.ts";
import type { EventReply } from "../../../http/wire/events.ts";
import { ask, Problem } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf } from "../base/place.ts";
import { may } from "../base/session.ts";
import { plural, words } from "../base/shown-text.ts";
import { ProblemText } from "../parts/problem.tsx";
import { Facts, LongText, State, Text, Time } from "../parts/text.tsx";
import { AmendAct } from "./amend-act.tsx";
import { Attempts } from "./attempts.tsx";
import { ActTold, Decided, latestOf } from "./decided.tsx";
import { LetterActs } from "./letter-acts.tsx";
import { Lifted } from "./lifted.tsx";

type Letter = DeadLetterDetailReply;
interface Found {
  readonly letter: Letter | null;
  /** What became of it, when it is no dead letter any more. */
  readonly end: EventReply["deliveries"][number] | null;
}

export function DeadLetterPage({ id }: { readonly id: string }) {
  /** The last that was seen of it: it stays to be read when somebody else has ended it. */
  const last = useRef<Letter | null>(null);
  const live = useLive<Found>(`letter ${id}`, async () => {
    try {
      last.current = await ask<Letter>(["admin", "dlq", id]);
      return { letter: last.current, end: null };
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404 || last.current?.delivery_id !== id) throw error;
      const event = await ask<EventReply>(["events", last.current.id]);
      return { letter: last.current, end: event.deliveries.find((delivery) => delivery.delivery_id === id) ?? null };
    }
  });
  const { letter = null, end = null } = live.data.value ?? {};
  if (letter === null)
    return (
      <>
        <h1 tabIndex={-1}>Dead letter</h1>
        {live.problem.value === null ? <p class="soft">Reading …</p> : <ProblemText of={live.problem.value} />}
        {live.problem.value?.status === 404 && (
          <p>
            It may have been replayed or discarded: <a href={hrefOf(["events", id])}>look for the event</a>.
          </p>
        )}
      </>
    );
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["dead-letters"])}>Dead letters</a>
      </p>
      <h1 tabIndex={-1}>
        <Text of={`${letter.entity.type}/${letter.entity.id}`} max={120} /> <small>revision {letter.revision}</small>
      </h1>
      {end !== null && <Ended delivery={end} />}
      <ProblemText of={live.problem.value} />
      <div class="with-acts">
        <div>
          <Summary letter={letter} />
          <h2>Attempts</h2>
          <Attempts of={letter.history} />
        </div>
        {end === null && may("operate") && (
          <aside aria-label="What can be done">
            <LetterActs letter={letter} refresh={live.refresh} />
          </aside>
        )}
      </div>
      <h2>Payload</h2>
      <Lifted event={letter} />
      <Amendments of={letter.amendments} />
      <Decided of={letter.acts} />
      <Decisions of={letter.acts} />
      {end === null && may("operate") && letter.stored !== null && (
        <AmendAct key={letter.delivery_id} letter={letter} stored={letter.stored} refresh={live.refresh} />
      )}
      <h2>What it holds</h2>
      <Held letter={letter} />
    </>
  );
}

function Amendments({ of }: { readonly of: Letter["amendments"] }) {
  if (of.length === 0) return null;
  return (
    <ul class="plain">
      {of.map((act) => (
        <li key={act.at}>
          Amended <Time at={act.at} /> by <Text of={act.actor} />: <Text of={act.reason ?? "no reason given"} />
        </li>
      ))}
    </ul>
  );
}

function Decisions({ of }: { readonly of: Letter["acts"] }) {
  if (of.length === 0) return null;
  return (
    <ul class="plain">
      {of.map(({ at, what, actor, reason }) => (
        <li key={at}>
          {words(what)} <Time at={at} /> by <Text of={actor} />: <Text of={reason ?? "no reason given"} />
        </li>
      ))}
    </ul>
  );
}

function Summary({ letter }: { readonly letter: Letter }) {
  return (
    <>
      <p class="error-line">
        <strong>
          <Text of={letter.error.type} />
        </strong>{" "}
        <LongText of={letter.error.message} max={1000} />
      </p>
      <Facts
        of={[
          ["State", <State of={letter.status} />],
          ["Cause", words(letter.cause)],
          [
            "Handler",
            <a href={hrefOf(["dead-letters"], { handler: letter.handler })}>
              <Text of={letter.handler} />
            </a>,
          ],
          [
            "Event type",
            <a href={hrefOf(["schemas", letter.event_type])}>
              <Text of={letter.event_type} />
            </a>,
          ],
          ["Entity", <a href={hrefOf(["entities", letter.entity.type, letter.entity.id])}>Timeline</a>],
          ...(letter.fingerprint === ""
            ? []
            : [["Failures like it", <a href={hrefOf(["errors", letter.fingerprint], { handler: letter.handler })}>The error group</a>] as const]),
          [
            "Event",
            <a href={hrefOf(["events", letter.id])}>
              <code>{letter.id}</code>
            </a>,
          ],
          ["Attempts", `${letter.attempts} in all, ${letter.retry_count} failed in this round`],
          ["First failed", <Time at={letter.first_failed_at} />],
          ["Dead letter since", <Time at={letter.dead_lettered_at} />],
          ["Holds", plural(letter.waiting, "later event")],
        ]}
      />
    </>
  );
}

/** What somebody did with it meanwhile. */
function Ended({ delivery }: { readonly delivery: EventReply["deliveries"][number] }) {
  const act = latestOf(delivery.acts);
  return (
    <p class="notice" role="status">
      This is no dead letter any more: <State of={delivery.status} />
      {act === undefined ? (
        <>
          {" "}
          <Time at={delivery.processed_at} />. {delivery.replay_id !== null && <a href={hrefOf(["replays", delivery.replay_id])}>The replay</a>}
        </>
      ) : (
        <>
          {". "}
          <ActTold act={act} />.
        </>
      )}{" "}
      Below is what was known of it before.
    </p>
  );
}

function Held({ letter }: { readonly letter: Letter }) {
  if (letter.waiting === 0) return <p class="soft">Nothing waits behind it.</p>;
  return (
    <>
      <p>
        {plural(letter.waiting, "later event")} of this entity {letter.waiting === 1 ? "waits" : "wait"} behind it. The first:
      </p>
      <ol class="plain">
        {letter.waiting_events.map((event) => (
          <li key={event.id}>
            revision {event.revision}:{" "}
            <a href={hrefOf(["events", event.id])}>
              <Text of={event.type} />
            </a>
            , <Time at={event.recorded_at} />
          </li>
        ))}
      </ol>
    </>
  );
}
