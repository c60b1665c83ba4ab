/** Asks the service, within a handful of requests, for all that is not as it should be. */
import type { DeadLetterStatsReply } from "../../http/wire/dead-letters-replies.ts";
import type { ErrorGroupsReply } from "../../http/wire/error-groups.ts";
import type { EscalationsReply } from "../../http/wire/escalations.ts";
import type { IntegrationsReply } from "../../http/wire/integrations.ts";
import type { ReplayReply, ReplaysReply } from "../../http/wire/replays-replies.ts";
import type { HandlersReply, ReadyReply } from "../../http/wire/service.ts";
import type { Client } from "../client.ts";
import { exit, Failure } from "../exit.ts";
import { countText } from "../print.ts";
import { letterMatters } from "./dead-letters.ts";
import { errorGroupMatters } from "./error-groups.ts";
import { escalationMatters } from "./escalations.ts";
import { handlerMatters } from "./handlers.ts";
import { integrationMatters } from "./integrations.ts";
import type { Matter } from "./matter.ts";

/** Handlers whose dead letters are asked for by error; those of the others stand together in one line. */
const shownHandlers = 8;

export interface Look {
  readonly ready: boolean;
  readonly handlers: number;
  /** What is wrong first. */
  readonly matters: readonly Matter[];
}

export async function look(client: Client): Promise<Look> {
  const { waits_for: waitsFor, warnings } = await client.ready<ReadyReply>();
  /** A service that is not ready may still know this and that. */
  const asFarAs = async <T>(answer: Promise<T>, none: T): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (waitsFor !== null && error instanceof Failure && error.exitCode === exit.unreachable) return none;
      throw error;
    }
  };
  const [{ handlers }, stats, { replays }, open, { integrations }, groups] = await Promise.all([
    asFarAs(client.get<HandlersReply>("/handlers"), { handlers: [] }),
    asFarAs(client.get<DeadLetterStatsReply>("/admin/dlq/stats"), null),
    asFarAs(client.get<ReplaysReply>("/replays", { limit: "1000" }), { replays: [], next_cursor: null }),
    asFarAs(client.get<EscalationsReply>("/admin/escalations", { status: "open", limit: "1000" }), { escalations: [], next_cursor: null }),
    asFarAs(client.get<IntegrationsReply>("/integrations"), { integrations: [] }),
    asFarAs(client.get<ErrorGroupsReply>("/admin/errors", { state: "open", limit: "200" }), { groups: [], next_cursor: null }),
  ]);
  const absent = new Set(handlers.filter(({ state }) => state === "absent").map(({ name }) => name));
  const matters: readonly Matter[] = [
    ...(waitsFor === null ? [] : [whole("not_ready", `The service is not ready: ${waitsFor}`)]),
    ...integrations.flatMap(integrationMatters),
    ...escalationMatters(open),
    ...(stats === null ? [] : await asFarAs(lettersOf(client, withoutDecisions(stats, open), absent), [])),
    ...handlers.flatMap(handlerMatters),
    ...replays.filter(({ ended_at: ended }) => ended === null).map(replayMatter),
    ...errorGroupMatters(groups),
    ...warnings.map((warning) => whole("warning", warning)),
  ];
  return { ready: waitsFor === null, handlers: handlers.length, matters: matters.toSorted((a, b) => Number(b.wrong) - Number(a.wrong)) };
}

/** Of a handler whose dead letters all wait for a decision, that is all there is to say: a batch leaves them alone. */
function withoutDecisions(stats: DeadLetterStatsReply, { escalations }: EscalationsReply): DeadLetterStatsReply {
  const asked = new Map(
    Array.from(
      Map.groupBy(escalations, ({ handler }) => handler),
      ([handler, open]) => [handler, open.length],
    ),
  );
  return { ...stats, by_handler: stats.by_handler.filter(({ handler, count }) => asked.get(handler) !== count) };
}

function whole(kind: "not_ready" | "warning", found: string): Matter {
  return { kind, wrong: true, handler: null, count: null, found, next: "reprise doctor" };
}

async function lettersOf(client: Client, stats: DeadLetterStatsReply, absent: ReadonlySet<string>): Promise<readonly Matter[]> {
  const shown = stats.by_handler.slice(0, shownHandlers);
  const each = await Promise.all(
    shown.map(async ({ handler }) => letterMatters(handler, await client.get<DeadLetterStatsReply>("/admin/dlq/stats", { handler }), absent.has(handler))),
  );
  const others = stats.by_handler.slice(shownHandlers);
  if (others.length === 0) return each.flat();
  const count = others.reduce((sum, other) => sum + other.count, 0);
  const found = `${countText(count, "dead letter")} of ${countText(others.length, "other handler")}`;
  return [...each.flat(), { kind: "dead_letters", wrong: true, handler: null, count, found, next: "reprise dlq stats" }];
}

/** One under way is told, but is not wrong; one that a person paused waits for a person. */
function replayMatter({ replay_id: id, status, reason, total, remaining, failed }: ReplayReply): Matter {
  const paused = status === "paused";
  return {
    kind: "replay",
    wrong: paused,
    handler: null,
    count: remaining,
    found: `Replay ${id} is ${status}: ${total - remaining} of ${total} done, ${failed} failed${reason === null ? "" : ` (${reason})`}`,
    next: paused ? `reprise replay resume ${id}` : `reprise replay watch ${id}`,
  };
}
