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
import { Stations } from "./replay-choose.tsx";
import { RunTerms } from "./run-terms.tsx";

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
  const runs = may("operate") && plan.used === null && plan.deliveries > 0;
  return (
    <>
      {plan.used !== null && (
        <p class="notice">
          It was run by <Text of={plan.used.actor} />: <a href={hrefOf(["replays", plan.used.replay_id])}>the replay</a>.
        </p>
      )}
      <p class="lead">
        {plural(plan.deliveries, "delivery", "deliveries")} of {plural(plan.entities, "entity", "entities")}
        {plan.releases > 0 && <>, which release {plural(plan.releases, "event")} that wait behind them</>}.
        {plan.invalid_total > 0 && <strong> {shownCount(plan.invalid_total)} cannot be lifted and will fail.</strong>}
      </p>
      <Facts
        of={[
          [
            "Made",
            <>
              <Time at={plan.created_at} /> by <Text of={plan.actor} />
            </>,
          ],
          ["Good until", <Time at={plan.expires_at} />],
          ["To", plan.target_handler === null ? "the handlers that dead-lettered them" : <Text of={plan.target_handler} />],
          ["Takes about", plan.estimated_seconds === null ? "unknown" : durationText(plan.estimated_seconds)],
        ]}
      />
      <div class="beside">
        <Counts name="By handler" rows={plan.by_handler.map(({ handler, deliveries }) => [handler, deliveries])} />
        <Counts name="By error" rows={plan.by_error.map(({ error, count }) => [error, count])} />
        <Counts name="Left alone" rows={plan.ineligible.map(({ reason, count }) => [reason, count])} />
      </div>
      {plan.invalid.length > 0 && (
        <>
          <h2>What fails to lift</h2>
          <ul>
            {plan.invalid.map((each) => (
              <li key={`${each.event_id} ${each.step}`}>
                <a href={hrefOf(["events", each.event_id])}>
                  <code>{each.event_id}</code>
                </a>{" "}
                <Text of={each.step} />: <Text of={`${each.error.type}: ${each.error.message}`} />
              </li>
            ))}
          </ul>
        </>
      )}
      {runs && <RunTerms plan={plan} />}
      {plan.samples.length > 0 && <h2>What is delivered: {plural(plan.samples.length, "sample")}</h2>}
      {plan.samples.map((sample) => (
        <details key={sample.event_id}>
          <summary>
            <Text of={sample.stored.type} /> <code>{sample.event_id}</code>
          </summary>
          <Lifted
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
      <ul class="counts">
        {rows.map(([what, count]) => (
          <li key={what}>
            <Text of={what} /> <strong>{shownCount(count)}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}
