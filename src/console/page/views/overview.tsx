/** What is wrong now, what is recovering, and since when. */
import type { DeadLetterStatsReply } from "../../../http/wire/dead-letters-replies.ts";
import type { ErrorGroupsReply } from "../../../http/wire/error-groups.ts";
import type { EscalationsReply } from "../../../http/wire/escalations.ts";
import type { IntegrationsReply } from "../../../http/wire/integrations.ts";
import type { ReplaysReply } from "../../../http/wire/replays-replies.ts";
import type { HandlersReply, ReadyReply } from "../../../http/wire/service.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf, place } from "../base/place.ts";
import { plural, shownCount, words } from "../base/shown-text.ts";
import { ProblemText } from "../parts/problem.tsx";
import { durationText, State, Text, Time } from "../parts/text.tsx";
import { Rates } from "./rates.tsx";

const ended = new Set(["completed", "cancelled", "stopped"]);

export function Overview() {
  const { tenant } = place.value.query;
  const ready = useLive<ReadyReply>(`ready ${tenant}`, () => ask<ReadyReply>(["readyz"]));
  const letters = useLive<DeadLetterStatsReply>(`stats ${tenant}`, () => ask<DeadLetterStatsReply>(["admin", "dlq", "stats"]));
  const handlers = useLive<HandlersReply>(`handlers ${tenant}`, () => ask<HandlersReply>(["handlers"]));
  const integrations = useLive<IntegrationsReply>(`integrations ${tenant}`, () => ask<IntegrationsReply>(["integrations"]));
  const errors = useLive<ErrorGroupsReply>(`errors ${tenant}`, () => ask<ErrorGroupsReply>(["admin", "errors"], { query: { state: "open", limit: 100 } }));
  const waiting = useLive<EscalationsReply>(`waiting ${tenant}`, () =>
    ask<EscalationsReply>(["admin", "escalations"], { query: { status: "open", limit: 20 } }),
  );
  const replays = useLive<ReplaysReply>(`running ${tenant}`, () => ask<ReplaysReply>(["replays"], { query: { limit: 20 } }));
  return (
    <>
      <h1 tabIndex={-1}>Overview</h1>
      <ProblemText of={letters.problem.value ?? handlers.problem.value} />
      <Readiness ready={ready.data.value} />
      <DeadLetterSummary stats={letters.data.value} />
      <Errors groups={errors.data.value?.groups ?? []} />
      <Deciding waiting={waiting.data.value} />
      <Recovering replays={replays.data.value?.replays.filter(({ status }) => !ended.has(status)) ?? []} />
      <Down integrations={integrations.data.value?.integrations.filter(({ state }) => state !== "closed") ?? []} />
      <HandlerSummary handlers={handlers.data.value?.handlers ?? null} />
      <Rates
        done={handlers.data.value?.handlers.reduce((sum, { done }) => sum + done, 0) ?? null}
        letters={letters.data.value?.total ?? null}
        of={tenant ?? ""}
      />
    </>
  );
}

/** Open error groups that hold something up, by what they hold. */
function Errors({ groups }: { readonly groups: ErrorGroupsReply["groups"] }) {
  const holding = groups.filter(({ entities, waiting }) => entities + waiting > 0).sort((a, b) => b.entities - a.entities || b.waiting - a.waiting);
  if (holding.length === 0) return null;
  return (
    <section>
      <h2>Errors, by what they hold up</h2>
      <ul class="counts">
        {holding.slice(0, 10).map((group) => (
          <li key={`${group.tenant} ${group.handler} ${group.fingerprint}`}>
            <span>
              <a href={hrefOf(["errors", group.fingerprint], { handler: group.handler })}>
                <Text of={`${group.type}: ${group.message}`} max={200} />
              </a>{" "}
              <small>
                <Text of={group.handler} />, since <Time at={group.first_seen} />
              </small>
            </span>
            <strong>
              {plural(group.entities, "entity", "entities")}, {plural(group.waiting, "event")} waiting
            </strong>
          </li>
        ))}
      </ul>
      {(holding.length > 10 || groups.length === 100) && <a href={hrefOf(["errors"], { state: "open" })}>All of them</a>}
    </section>
  );
}

/** What waits for a decision, the next that is due first. */
function Deciding({ waiting }: { readonly waiting: EscalationsReply | null }) {
  if (waiting === null || waiting.escalations.length === 0) return null;
  const more = waiting.next_cursor !== null;
  const byDue = [...waiting.escalations].sort((a, b) => Date.parse(a.due_at ?? "9999-12-31T00:00:00Z") - Date.parse(b.due_at ?? "9999-12-31T00:00:00Z"));
  return (
    <section>
      <h2>Waiting for a decision</h2>
      <ul class="plain">
        {byDue.slice(0, 10).map((each) => (
          <li key={each.delivery_id}>
            <a href={hrefOf(["escalations", each.delivery_id])}>
              <Text of={`${each.entity.type}/${each.entity.id}`} max={80} />
            </a>{" "}
            <Text of={each.why} max={200} />, due <Time at={each.due_at} />
          </li>
        ))}
      </ul>
      {(more || byDue.length > 10) && <a href={hrefOf(["escalations"], { status: "open" })}>All of them</a>}
    </section>
  );
}

function Recovering({ replays }: { readonly replays: ReplaysReply["replays"] }) {
  if (replays.length === 0) return null;
  return (
    <section>
      <h2>Recovering</h2>
      <ul class="plain">
        {replays.map((replay) => (
          <li key={replay.replay_id}>
            <a href={hrefOf(["replays", replay.replay_id])}>Replay</a> <State of={replay.status} /> {shownCount(replay.total - replay.remaining)} of{" "}
            {shownCount(replay.total)}, since <Time at={replay.started_at} />
            {replay.seconds_left !== null && <>, {durationText(replay.seconds_left)} left</>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Down({ integrations }: { readonly integrations: IntegrationsReply["integrations"] }) {
  if (integrations.length === 0) return null;
  return (
    <section>
      <h2>Integrations that are down</h2>
      <ul class="plain">
        {integrations.map((each) => (
          <li key={each.name}>
            <a href={hrefOf(["handlers"])}>
              <Text of={each.name} />
            </a>{" "}
            <State of={each.state} /> since <Time at={each.since} />, {plural(each.waiting, "event")} waiting
          </li>
        ))}
      </ul>
    </section>
  );
}

function HandlerSummary({ handlers }: { readonly handlers: HandlersReply["handlers"] | null }) {
  if (handlers === null) return null;
  const troubled = handlers.filter((handler) => handler.state !== "running" || handler.waiting > 0);
  return (
    <section>
      <h2>Handlers</h2>
      {troubled.length === 0 && (
        <p class="good-news">{handlers.length === 0 ? "There is no handler." : `All ${plural(handlers.length, "handler")} are up to date.`}</p>
      )}
      <ul class="plain">
        {troubled.map((handler) => (
          <li key={handler.name}>
            <a href={hrefOf(["handlers"])}>
              <Text of={handler.name} />
            </a>{" "}
            <State of={handler.state} /> {plural(handler.waiting, "event")} waiting
            {handler.lag_events > 0 && <>, {durationText(handler.lag_seconds)} behind</>}
            {handler.why !== null && (
              <>
                : <Text of={handler.why} max={300} />
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Readiness({ ready }: { readonly ready: ReadyReply | null }) {
  if (ready === null) return null;
  return (
    <>
      {ready.status !== "ready" && (
        <p class="notice bad">
          Not ready: <Text of={ready.waits_for ?? ""} max={1000} />
        </p>
      )}
      {ready.warnings.map((warning) => (
        <p key={warning} class="notice">
          <Text of={warning} max={1000} />
        </p>
      ))}
    </>
  );
}

function DeadLetterSummary({ stats }: { readonly stats: DeadLetterStatsReply | null }) {
  if (stats === null) return null;
  if (stats.total === 0) return <p class="good-news">No dead letter: nothing waits for a person.</p>;
  return (
    <section>
      <h2>Dead letters</h2>
      <p class="lead">
        <a href={hrefOf(["dead-letters"])}>{plural(stats.total, "dead letter")}</a>, {plural(stats.waiting, "event")} held behind{" "}
        {stats.total === 1 ? "it" : "them"}, the oldest since <Time at={stats.oldest_at} />
      </p>
      <div class="beside">
        <Counts name="By handler" rows={stats.by_handler.map(({ handler, count }) => ({ text: handler, count, query: { handler } }))} />
        <Counts name="By event type" rows={stats.by_event_type.map(({ event_type, count }) => ({ text: event_type, count, query: { event_type } }))} />
      </div>
    </section>
  );
}

interface Row {
  readonly text: string;
  readonly count: number;
  readonly query: Readonly<Record<string, string>>;
}

function Counts({ name, rows }: { readonly name: string; readonly rows: readonly Row[] }) {
  return (
    <section>
      <h3>{words(name)}</h3>
      <ul class="counts">
        {rows.slice(0, 10).map((row) => (
          <li key={row.text}>
            <a href={hrefOf(["dead-letters"], row.query)}>
              <Text of={row.text} max={120} />
            </a>{" "}
            <strong>{shownCount(row.count)}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}
