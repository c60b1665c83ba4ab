/** What is wrong now, what is recovering, and since when. */
import type { DeadLetterStatsReply, DeadLettersReply } from "../../../http/wire/dead-letters-replies.ts";
import type { ErrorGroupsReply } from "../../../http/wire/error-groups.ts";
import type { EscalationsReply } from "../../../http/wire/escalations.ts";
import type { IntegrationsReply } from "../../../http/wire/integrations.ts";
import type { ReplaysReply } from "../../../http/wire/replays-replies.ts";
import type { HandlersReply } from "../../../http/wire/service.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { place } from "../base/place.ts";
import { ProblemText } from "../parts/problem.tsx";
import { Deciding, Down, Errors, HandlerTable, LetterCounts, Recovering } from "./overview-parts.tsx";
import { Rates } from "./rates.tsx";
import { Verdict } from "./verdict.tsx";

const ended = new Set(["completed", "cancelled", "stopped"]);

export function Overview() {
  const { tenant } = place.value.query;
  // How many is told at once; what they hold takes longer where there are many.
  const count = useLive<DeadLettersReply>(`letters ${tenant}`, () => ask<DeadLettersReply>(["admin", "dlq"], { query: { limit: 1, data: "false" } }));
  const letters = useLive<DeadLetterStatsReply>(`stats ${tenant}`, () => ask<DeadLetterStatsReply>(["admin", "dlq", "stats"]));
  const handlers = useLive<HandlersReply>(`handlers ${tenant}`, () => ask<HandlersReply>(["handlers"]));
  const integrations = useLive<IntegrationsReply>(`integrations ${tenant}`, () => ask<IntegrationsReply>(["integrations"]));
  const errors = useLive<ErrorGroupsReply>(`errors ${tenant}`, () => ask<ErrorGroupsReply>(["admin", "errors"], { query: { state: "open", limit: 100 } }));
  const waiting = useLive<EscalationsReply>(`waiting ${tenant}`, () =>
    ask<EscalationsReply>(["admin", "escalations"], { query: { status: "open", limit: 100 } }),
  );
  const replays = useLive<ReplaysReply>(`running ${tenant}`, () => ask<ReplaysReply>(["replays"], { query: { limit: 20 } }));
  const running = replays.data.value?.replays.filter(({ status }) => !ended.has(status)) ?? null;
  const groups = errors.data.value?.groups ?? [];
  return (
    <>
      <h1 tabIndex={-1}>Overview</h1>
      <ProblemText of={count.problem.value ?? letters.problem.value ?? handlers.problem.value} />
      <Verdict
        {...{ total: count.data.value?.total ?? null, stats: letters.data.value, handlers: handlers.data.value?.handlers ?? null, waiting: waiting.data.value }}
        {...{ integrations: integrations.data.value?.integrations ?? null, running, groups }}
      />
      <Errors groups={groups} isWhole={errors.data.value?.next_cursor == null} />
      <div class="beside">
        <Deciding waiting={waiting.data.value} />
        <Recovering replays={running ?? []} />
        <Down integrations={integrations.data.value?.integrations ?? []} />
      </div>
      <Rates of={tenant ?? ""} />
      <HandlerTable handlers={handlers.data.value?.handlers ?? null} />
      <LetterCounts stats={letters.data.value} />
    </>
  );
}
