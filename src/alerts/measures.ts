/** What each kind of alert looks at. */
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { type Clock, toIso } from "../event/clock.ts";
import { everyTenant } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import { logTrouble } from "../log/log-trouble.ts";
import type { DeadLetterFigures, DeadLetterList } from "../views/model/dead-letter.ts";
import type { EscalationReads } from "../views/model/escalation.ts";
import type { HandlerReads } from "../views/model/handler.ts";
import type { AlertKind } from "./alert-definition.ts";
import type { AlertSpec } from "./alert-spec.ts";

/** How one subject is. */
export interface Reading {
  /** A handler or an integration; empty: all together. */
  readonly subject: string;
  /** Null: this process cannot know. */
  readonly isBad: boolean | null;
  /** Undefined: how long it has been bad, in seconds. */
  readonly value?: number;
}

export type Measure = (spec: AlertSpec) => Promise<readonly Reading[]>;

export interface MeasureNeeds {
  readonly views: DeadLetterList & DeadLetterFigures & HandlerReads & Pick<EscalationReads, "dueEscalations">;
  readonly delivery: Pick<RunningHandlers, "condition" | "shownCondition" | "isAllKnown" | "instanceWith" | "integrations">;
  readonly log: Pick<EventLog, "trouble" | "probe">;
  /** Of the config. */
  readonly handlers: readonly string[];
  readonly clock: Clock;
}

/** A disk that is busy may take some seconds. */
const probePatienceMs = 10_000;

/** Beyond it nobody counts. */
const mostDue = 1000;

/** Each kind's, by its name. */
export function makeMeasures(needs: MeasureNeeds): Readonly<Record<AlertKind, Measure>> {
  const { views, delivery, handlers, clock } = needs;
  const letters = ({ handler, tenant }: AlertSpec) => ({ tenant: tenant ?? everyTenant, ...(handler !== null && { handler }) });
  const count = async (filter: ReturnType<typeof letters> & { readonly sinceMs?: number }) =>
    (await views.deadLetters(filter, { limit: 1, data: false })).total;
  const above = ({ over }: AlertSpec, value: number, subject = ""): Reading => ({ subject, isBad: value > over, value });
  const wanted = ({ handler }: AlertSpec) => handlers.filter((name) => handler === null || name === handler);

  return {
    dead_letters: async (spec) => [above(spec, await count(letters(spec)))],
    dead_letter_rate: async (spec) => [above(spec, await count({ ...letters(spec), sinceMs: clock.now() - spec.withinMs }))],
    async oldest_dead_letter(spec) {
      const oldestAt = await views.oldestLetterAt(letters(spec));
      return [above(spec, oldestAt === null ? 0 : Math.max(0, Math.floor((clock.now() - Date.parse(oldestAt)) / 1000)))];
    },
    async escalation_due(spec) {
      const due = await views.dueEscalations(spec.tenant ?? everyTenant, toIso(clock.now() - spec.over * 1000), mostDue);
      const value = due.filter(({ handler }) => spec.handler === null || handler === spec.handler).length;
      return [{ subject: "", isBad: value > 0, value }];
    },
    async lag(spec) {
      const shown = new Map((await views.handlers()).map((handler) => [handler.name, handler.lagSeconds]));
      return wanted(spec).map((name) => above(spec, shown.get(name) ?? 0, name));
    },
    handler_stopped: async (spec) =>
      wanted(spec).map((name) => {
        const { state } = delivery.shownCondition(name);
        return { subject: name, isBad: state === "stopped" ? true : state === "running" && delivery.isAllKnown(name) ? false : null };
      }),
    breaker_open: async (spec) =>
      delivery.integrations
        .all()
        .filter(({ name }) => spec.integration === null || name === spec.integration)
        .map(({ name, state, handlers: callers }) => {
          const isOurs = callers.some((caller) => delivery.condition(caller).state === "running");
          // What an operator isolated is no news to anybody, and says nothing of the integration.
          return { subject: name, isBad: isOurs && state !== "isolated" ? state !== "closed" : null };
        }),
    log_down: async () => [{ subject: "", isBad: (await logTrouble(needs.log, probePatienceMs, clock)) !== null }],
  };
}
