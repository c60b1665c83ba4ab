/** Handlers and what they call: what stands still, and how far behind it is; pause, resume, isolate, reset. */
import type { IntegrationsReply } from "../../../http/wire/integrations.ts";
import type { HandlersReply } from "../../../http/wire/service.ts";
import { ask } from "../base/api.ts";
import { type Live, useLive } from "../base/live.ts";
import { hrefOf, place } from "../base/place.ts";
import { mayAll } from "../base/session.ts";
import { shownCount, words } from "../base/shown-text.ts";
import { FoldedAct } from "../parts/act.tsx";
import { ProblemText } from "../parts/problem.tsx";
import { durationText, Facts, State, Text, Time } from "../parts/text.tsx";
import { actOn, HandlerActs } from "./handler-acts.tsx";

type Handler = HandlersReply["handlers"][number];
type Integration = IntegrationsReply["integrations"][number];

export function Handlers() {
  const { tenant } = place.value.query;
  const handlers = useLive<HandlersReply>(`handlers ${tenant}`, () => ask<HandlersReply>(["handlers"]));
  const integrations = useLive<IntegrationsReply>(`integrations ${tenant}`, () => ask<IntegrationsReply>(["integrations"]));
  return (
    <>
      <h1 tabIndex={-1}>Handlers and integrations</h1>
      <h2>Handlers</h2>
      <ProblemText of={handlers.problem.value} />
      <div class="cards">
        {handlers.data.value?.handlers.map((handler) => (
          <HandlerCard key={handler.name} handler={handler} live={handlers} />
        ))}
      </div>
      <h2>Integrations</h2>
      <ProblemText of={integrations.problem.value} />
      {integrations.data.value?.integrations.length === 0 && <p class="soft">No handler names one.</p>}
      <div class="cards">
        {integrations.data.value?.integrations.map((each) => (
          <IntegrationCard key={each.name} integration={each} live={integrations} />
        ))}
      </div>
    </>
  );
}

function HandlerCard({ handler, live }: { readonly handler: Handler; readonly live: Live<HandlersReply> }) {
  const { name, state } = handler;
  const lanes = Object.entries(handler.lanes).filter(([lane, count]) => count > 0 && lane !== "flowing");
  return (
    <section class="card" aria-label={name}>
      <h3>
        <Text of={name} /> <State of={state} />
      </h3>
      {handler.why !== null && (
        <p>
          <Text of={handler.why} max={1000} />
        </p>
      )}
      <Facts
        of={[
          ["Done", `${shownCount(handler.done)} of ${shownCount(handler.wanted)}`],
          ["Waiting", shownCount(handler.waiting)],
          ["Behind", `${shownCount(handler.lag_events)} events, ${durationText(handler.lag_seconds)}`],
          [
            "Dead letters",
            <a href={hrefOf(["dead-letters"], { handler: name })}>{shownCount((handler.by_status.dead_lettered ?? 0) + (handler.by_status.escalated ?? 0))}</a>,
          ],
          ["Order", words(handler.ordering)],
          [
            "Entities in trouble",
            lanes.length === 0
              ? "none"
              : lanes.map(([lane, count], index) => (
                  <span key={lane}>
                    {index > 0 && ", "}
                    <a href={hrefOf(["entities"], { handler: name, lane_state: lane })}>
                      {shownCount(count)} {words(lane)}
                    </a>
                  </span>
                )),
          ],
        ]}
      />
      {mayAll() && <HandlerActs {...{ handler, live }} />}
    </section>
  );
}

function IntegrationCard({ integration, live }: { readonly integration: Integration; readonly live: Live<IntegrationsReply> }) {
  const { name, state } = integration;
  const verb = state === "closed" ? "isolate" : "reset";
  return (
    <section class="card" aria-label={name}>
      <h3>
        <Text of={name} /> <State of={state} />
      </h3>
      <Facts
        of={[
          ["Since", <Time at={integration.since} />],
          ["Tried again", <Time at={integration.until} />],
          ...(integration.gated_until === null ? [] : [["Asked for a break until", <Time at={integration.gated_until} />] as const]),
          ["Failures", shownCount(integration.failures)],
          ["Waiting", shownCount(integration.waiting)],
          ["Handlers", <Text of={integration.handlers.join(", ")} />],
        ]}
      />
      {mayAll() && (
        <FoldedAct
          {...{ name: verb === "isolate" ? "Isolate" : "Reset", about: name, draft: `${verb} ${name}` }}
          says={verb === "isolate" ? "Nothing calls it until it is reset; what runs ends." : "Its handlers go on, whatever stopped them."}
          command={(reason) => ["integrations", verb, name, "--reason", reason]}
          run={({ reason, onceKey }) => actOn(["integrations", name, verb], reason, onceKey, live)}
        />
      )}
    </section>
  );
}
