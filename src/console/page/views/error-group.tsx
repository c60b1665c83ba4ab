/** One error group: since when, how often, in which builds; its newest dead letters, and what is decided about it. */
import type { ErrorGroupActReply, ErrorGroupDetailReply } from "../../../http/wire/error-groups.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf, place } from "../base/place.ts";
import { may } from "../base/session.ts";
import { plural, shownCount, words } from "../base/shown-text.ts";
import { Act } from "../parts/act.tsx";
import { ProblemText } from "../parts/problem.tsx";
import { Facts, LongText, State, Text, Time } from "../parts/text.tsx";
import { PlanButton } from "./plan-button.tsx";

type Group = ErrorGroupDetailReply;

export function ErrorGroupPage({ fingerprint }: { readonly fingerprint: string }) {
  const { handler } = place.value.query;
  const live = useLive<Group>(`group ${fingerprint} ${handler}`, () => ask<Group>(["admin", "errors", fingerprint], { query: { handler } }));
  const group = live.data.value;
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["errors"], { state: "open" })}>Error groups</a>
      </p>
      <h1 tabIndex={-1}>{group === null ? "Error group" : <Text of={group.type} max={130} />}</h1>
      <ProblemText of={live.problem.value} />
      {group === null ? live.problem.value === null && <p class="soft">Reading …</p> : <Group {...{ group }} refresh={live.refresh} />}
    </>
  );
}

interface GroupProps {
  readonly group: Group;
  readonly refresh: () => Promise<void>;
}

function Group({ group, refresh }: GroupProps) {
  const filter = { error_group: group.fingerprint, handler: group.handler };
  return (
    <>
      <p class="error-line">
        <LongText of={group.message} max={1000} />
      </p>
      <p class="lead">
        <State of={group.state} /> <a href={hrefOf(["dead-letters"], filter)}>{plural(group.entities, "entity", "entities")} held up</a>,{" "}
        {plural(group.waiting, "event")} waiting, {plural(group.count, "failure")} ever
      </p>
      <PlanButton name="Plan a replay of its dead letters" selection={{ dead_letters: filter }} isReady={group.letters.length > 0} isMain />
      <Facts
        of={[
          ["Handler", <Text of={group.handler} />],
          ["Class", group.class === null ? "–" : words(group.class)],
          ["First seen", <Time at={group.first_seen} />],
          ["Last seen", <Time at={group.last_seen} />],
          ["Event types", <Text of={group.event_types.join(", ")} />],
          ["Stored versions", group.schema_versions.join(", ")],
          ["Builds", <Text of={group.builds.join(", ")} />],
          ["Decided", group.state_by === null ? "–" : <Decided group={group} />],
          ["Example", <a href={hrefOf(["events", group.example])}>the event</a>],
        ]}
      />
      <Histogram group={group} />
      <h2>Its newest dead letters</h2>
      {group.letters.length === 0 && <p class="soft">None is left.</p>}
      <ul class="plain">
        {group.letters.map((letter) => (
          <li key={letter.delivery_id}>
            <a href={hrefOf(["dead-letters", letter.delivery_id])}>
              <Text of={`${letter.entity.type}/${letter.entity.id}`} max={80} />
            </a>{" "}
            <Text of={letter.error.message} max={200} />, <Time at={letter.dead_lettered_at} />
          </li>
        ))}
      </ul>
      {may("operate") && <Decide {...{ group, refresh }} />}
    </>
  );
}

function Decided({ group }: { readonly group: Group }) {
  return (
    <>
      <Text of={group.state_by ?? ""} /> <Time at={group.state_at} />
      {group.state_reason !== null && (
        <>
          : <Text of={group.state_reason} />
        </>
      )}
      {group.fixed_in !== null && (
        <>
          {" "}
          (mended in <Text of={group.fixed_in} />)
        </>
      )}
    </>
  );
}

const [width, height] = [300, 48] as const;

function Histogram({ group: { histogram, before } }: { readonly group: Group }) {
  const top = Math.max(1, ...histogram.map(({ count }) => count));
  if (histogram.length === 0) return null;
  const bar = width / histogram.length;
  return (
    <figure>
      <figcaption>
        Failures since <Time at={histogram[0]!.at} />, at most {shownCount(top)} at a time{before > 0 && `; ${shownCount(before)} before`}
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={`Failures over time, at most ${top} at a time`}>
        {histogram.map(({ at, count }, index) => (
          <rect key={at} x={index * bar} width={bar * 0.9} y={height - (count / top) * height} height={(count / top) * height} />
        ))}
      </svg>
    </figure>
  );
}

const decisions = {
  resolve: { name: "Resolve", says: "Says that it is mended: a failure after that opens it again." },
  ignore: { name: "Ignore", says: "Leaves it out of the way for good, until somebody opens it again. Its dead letters stay." },
  reopen: { name: "Open again", says: "It counts as wrong again." },
} as const;

function Decide({ group, refresh }: GroupProps) {
  const verbs = group.state === "open" ? (["resolve", "ignore"] as const) : (["reopen"] as const);
  const { fingerprint, handler } = group;
  return (
    <div class="acts">
      {verbs.map((verb) => (
        <details key={verb}>
          <summary>{decisions[verb].name}</summary>
          <Act
            {...decisions[verb]}
            command={(reason) => ["errors", verb, fingerprint, "--handler", handler, "--reason", reason]}
            run={async ({ reason, onceKey }) => {
              const body = reason === undefined ? {} : { reason };
              const acted = await ask<ErrorGroupActReply>(["admin", "errors", fingerprint, verb], { method: "POST", query: { handler }, body, onceKey });
              await refresh();
              return `It is ${acted.state}.`;
            }}
          />
        </details>
      ))}
    </div>
  );
}
