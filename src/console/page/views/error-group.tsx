/** One error group: since when, how often, in which builds; its newest dead letters, and what is decided about it. */
import type { DeadLetterStatsReply } from "../../../http/wire/dead-letters-replies.ts";
import type { ErrorGroupDetailReply } from "../../../http/wire/error-groups.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf, place } from "../base/place.ts";
import { may } from "../base/session.ts";
import { plural, shownCount, words } from "../base/shown-text.ts";
import { ProblemText } from "../parts/problem.tsx";
import { Facts, LongText, State, Text, Time } from "../parts/text.tsx";
import { GroupActs } from "./group-acts.tsx";
import { PlanButton } from "./plan-button.tsx";

/** Of so many dead letters it is counted what they hold. */
const maxHolding = 10_000;

export function ErrorGroupPage({ fingerprint }: { readonly fingerprint: string }) {
  const { handler } = place.value.query;
  const live = useLive<ErrorGroupDetailReply>(`group ${fingerprint} ${handler}`, () => ask(["admin", "errors", fingerprint], { query: { handler } }));
  const group = live.data.value;
  // To count what they hold takes a while where there are many: then a plan tells it.
  const held = useLive<number | null>(`held by ${fingerprint} ${group?.handler}`, async () => {
    if (group === null || group.waiting > maxHolding) return null;
    const query = { error_group: fingerprint, handler: group.handler };
    return (await ask<DeadLetterStatsReply>(["admin", "dlq", "stats"], { query })).waiting;
  });
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["errors"], { state: "open" })}>Error groups</a>
      </p>
      <h1 tabIndex={-1}>{group === null ? "Error group" : <Text of={group.type} max={130} />}</h1>
      <ProblemText of={live.problem.value} />
      {group === null ? live.problem.value === null && <p class="soft">Reading …</p> : <Group {...{ group }} held={held.data.value} refresh={live.refresh} />}
    </>
  );
}

interface GroupProps {
  readonly group: ErrorGroupDetailReply;
  /** Later events behind its dead letters. */
  readonly held: number | null;
  readonly refresh: () => Promise<void>;
}

function Group({ group, held, refresh }: GroupProps) {
  const filter = { error_group: group.fingerprint, handler: group.handler };
  return (
    <div class="with-acts">
      <div>
        <p class="error-line">
          <LongText of={group.message} max={1000} />
        </p>
        <p class="lead">
          <State of={group.state} /> <a href={hrefOf(["dead-letters"], filter)}>{plural(group.waiting, "dead letter")}</a>
          {held !== null && held > 0 && <>, which hold {plural(held, "later event")}</>}
        </p>
        <Facts
          of={[
            ["Handler", <Text of={group.handler} />],
            ["Class", group.class === null ? "–" : words(group.class)],
            ["Failed so", `${plural(group.entities, "entity", "entities")}, ${plural(group.count, "time")}`],
            ["First seen", <Time at={group.first_seen} />],
            ["Last seen", <Time at={group.last_seen} />],
            ["Event types", <Text of={withMore(group.event_types, group.left_out.event_types)} />],
            ["Stored versions", withMore(group.schema_versions.map(String), group.left_out.schema_versions)],
            ["Builds", <Text of={withMore(group.builds, group.left_out.builds)} />],
            ["Example", <a href={hrefOf(["events", group.example])}>the event that failed last</a>],
            ["Decided", group.state_by === null ? "–" : <Decided group={group} />],
          ]}
        />
        <Histogram group={group} />
        <h2>Its newest dead letters</h2>
        {group.letters.length === 0 && <p class="soft">None is left.</p>}
        <ul class="rows">
          {group.letters.map((letter) => (
            <li key={letter.delivery_id}>
              <span class="what">
                <a href={hrefOf(["dead-letters", letter.delivery_id])}>
                  <Text of={`${letter.entity.type}/${letter.entity.id}`} max={80} />
                </a>
                <small>
                  <Text of={letter.error.message} max={160} />
                </small>
              </span>
              <small class="much">
                <Time at={letter.dead_lettered_at} />
              </small>
            </li>
          ))}
        </ul>
      </div>
      <aside aria-label="What can be done">
        <section class="card">
          <h2>When it is mended</h2>
          <PlanButton name="Plan a replay of its dead letters" selection={{ dead_letters: filter }} isReady={group.waiting > 0} isMain />
          <p class="soft">A plan changes nothing yet: it says what would happen.</p>
        </section>
        {may("operate") && <GroupActs {...{ group, refresh }} />}
      </aside>
    </div>
  );
}

function withMore(named: readonly string[], more: number): string {
  return [...named, ...(more > 0 ? [`${shownCount(more)} more`] : [])].join(", ") || "–";
}

function Decided({ group }: { readonly group: ErrorGroupDetailReply }) {
  return (
    <>
      <Text of={group.state_by ?? ""} />, <Time at={group.state_at} />
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
      {group.ignored_until !== null && (
        <>
          {" "}
          until <Time at={group.ignored_until} />
        </>
      )}
    </>
  );
}

const [width, height] = [300, 48] as const;

function Histogram({ group: { histogram, before } }: { readonly group: ErrorGroupDetailReply }) {
  const top = Math.max(1, ...histogram.map(({ count }) => count));
  if (histogram.length === 0) return null;
  const bar = width / Math.max(24, histogram.length);
  return (
    <figure>
      <figcaption>
        Failures by the hour since <Time at={histogram[0]!.at} />, {shownCount(top)} in the worst{before > 0 && `; ${shownCount(before)} before`}
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={`Failures by the hour, at most ${top}`}>
        {histogram.map(({ at, count }, index) => (
          <rect key={at} x={index * bar} width={bar * 0.85} y={height - (count / top) * height} height={(count / top) * height} />
        ))}
      </svg>
    </figure>
  );
}
