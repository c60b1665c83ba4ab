/** A frozen plan: what would happen, what fails to lift, what a lift changes; and on which terms it runs. */
import type { PlanReply } from "../../../http/wire/plans.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf } from "../base/place.ts";
import { may } from "../base/session.ts";
import { plural, shownCount } from "../base/shown-text.ts";
import { ProblemText } from "../parts/problem.tsx";
import { durationText, Facts, Text, Time } from "../parts/text.tsx";
import { Lifted } from "./lifted.tsx";
import { RunTerms } from "./run-terms.tsx";
import { Stations } from "./stations.tsx";

export function ReplayPlan({ id }: { readonly id: string }) {
  const live = useLive<PlanReply>(`plan ${id}`, () => ask<PlanReply>(["replays", "plans", id]));
  const plan = live.data.value;
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["replays"])}>Replays</a>
      </p>
      <h1 tabIndex={-1}>The plan</h1>
      <Stations at={1} />
      <ProblemText of={live.problem.value} />
      {plan === null ? live.problem.value === null && <p class="soft">Reading …</p> : <Plan plan={plan} />}
    </>
  );
}

function Plan({ plan }: { readonly plan: PlanReply }) {
  const isOver = Date.parse(plan.expires_at) < Date.now();
  const runs = may("operate") && plan.used === null && plan.deliveries > 0 && !isOver;
  return (
    <>
      {plan.used !== null && (
        <p class="notice">
          It was run by <Text of={plan.used.actor} />: <a href={hrefOf(["replays", plan.used.replay_id])}>the replay</a>.
        </p>
      )}
      {isOver && plan.used === null && (
        <p class="notice">
          Its time is over: <a href={hrefOf(["replays", "new"])}>choose again</a>.
        </p>
      )}
      <div class="with-acts">
        <div>
          <WhatWouldHappen plan={plan} />
        </div>
        {runs && (
          <aside aria-label="What can be done">
            <RunTerms plan={plan} />
          </aside>
        )}
      </div>
      <Samples plan={plan} />
    </>
  );
}

function WhatWouldHappen({ plan }: { readonly plan: PlanReply }) {
  return (
    <>
      <p class="lead">
        {plural(plan.deliveries, "delivery", "deliveries")} of {plural(plan.entities, "entity", "entities")}
        {plan.releases > 0 && <>, which release {plural(plan.releases, "event")} that wait behind them</>}.
        {plan.deliveries === 0 && " There is nothing to run."}
        {plan.invalid_total > 0 && <strong class="bad"> {shownCount(plan.invalid_total)} cannot be lifted and will fail.</strong>}
      </p>
      <Facts
        of={[
          [
            "Made",
            <>
              <Time at={plan.created_at} /> by <Text of={plan.actor} max={60} />
            </>,
          ],
          ["Good until", <Time at={plan.expires_at} />],
          ["To", plan.target_handler === null ? "the handlers that dead-lettered them" : <Text of={plan.target_handler} />],
          ["Takes about", plan.estimated_seconds === null ? "not known yet" : durationText(plan.estimated_seconds)],
        ]}
      />
      <Counts name="By handler" rows={plan.by_handler.map(({ handler, deliveries }) => [handler, deliveries])} />
      <Counts name="By error" rows={plan.by_error.map(({ error, count }) => [error, count])} />
      <Counts name="Left alone" rows={plan.ineligible.map(({ reason, count }) => [reason, count])} />
      {plan.invalid.length > 0 && (
        <>
          <h2>What fails to lift</h2>
          <ul class="rows">
            {plan.invalid.map((each) => (
              <li key={`${each.event_id} ${each.step}`}>
                <span class="what">
                  <a href={hrefOf(["events", each.event_id])}>
                    <code>{each.event_id}</code>
                  </a>
                  <small>
                    <Text of={each.step} />: <Text of={`${each.error.type}: ${each.error.message}`} />
                  </small>
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Samples({ plan }: { readonly plan: PlanReply }) {
  if (plan.samples.length === 0) return null;
  return (
    <>
      <h2>What is delivered: {plural(plan.samples.length, "sample")}</h2>
      {plan.samples.map((sample) => (
        <details key={sample.event_id} class="fold">
          <summary>
            <Text of={sample.stored.type} /> <code>{sample.event_id}</code>
          </summary>
          <Lifted
            name={sample.event_id}
            event={{
              ...sample,
              schema_version: sample.current?.schema_version ?? sample.stored.schema_version,
              data: sample.current?.data,
              data_error: sample.current === null && sample.dropped === null && sample.parts === null ? "It cannot be lifted: see the steps." : null,
            }}
          />
        </details>
      ))}
    </>
  );
}

function Counts({ name, rows }: { readonly name: string; readonly rows: readonly (readonly [what: string, count: number])[] }) {
  if (rows.length === 0) return null;
  return (
    <section>
      <h2>{name}</h2>
      <ul class="rows">
        {rows.map(([what, count]) => (
          <li key={what}>
            <span class="what">
              <Text of={what} max={160} />
            </span>
            <strong class="much">{shownCount(count)}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}
