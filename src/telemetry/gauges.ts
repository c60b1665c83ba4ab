/** How a store stands at the moment: read of its views, its log and its integrations when a page is asked for. */
import type { ShownIntegration } from "../delivery/integrations/integrations.ts";
import type { Clock } from "../event/clock.ts";
import { everyTenant } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import { logTrouble } from "../log/log-trouble.ts";
import type { RetentionFigures } from "../retention/runs.ts";
import { handlerStates } from "../views/model/handler.ts";
import type { Views } from "../views/model/views.ts";
import { ofRetention } from "./of-retention.ts";
import { Reading } from "./reading.ts";
import type { Family, Sample } from "./series.ts";

/** What is looked at. */
export interface Watched {
  readonly views: Pick<Views, "handlers" | "deadLetterAges" | "openEscalations" | "position">;
  readonly integrations: () => readonly ShownIntegration[];
  readonly retention: () => RetentionFigures;
  readonly log: Pick<EventLog, "head" | "readAll" | "trouble" | "probe">;
}

/** More events are not counted for the page. */
export const mostBehind = 1000;
const probePatienceMs = 1000;
const breakerValues = { closed: 0, half_open: 1, open: 2, isolated: 3 } as const;

export class Gauges {
  readonly #clock: Clock;
  #watched: Watched | null = null;
  readonly #readings: readonly Reading<readonly Family[]>[];

  constructor(clock: Clock) {
    this.#clock = clock;
    const reading = (read: (watched: Watched, clock: Clock) => Promise<readonly Family[]>) =>
      new Reading(async () => (this.#watched === null ? [] : read(this.#watched, clock)), clock);
    this.#readings = [reading(ofHandlers), reading(ofLetters), reading(ofViews)];
    this.#up = new Reading(() => this.#isUp(), clock);
  }

  readonly #up: Reading<boolean>;

  /** The store is there. Before, its log is told as down. */
  watch(watched: Watched): void {
    this.#watched = watched;
  }

  async families(): Promise<readonly Family[]> {
    const [up, ...read] = await Promise.all([this.#up.value(), ...this.#readings.map((each) => each.value())]);
    return [
      gauge("reprise_log_up", "1 while the log takes appends and gives events.", [{ labels: {}, value: up === true ? 1 : 0 }]),
      ...(this.#watched === null ? [] : [ofIntegrations(this.#watched.integrations()), ...ofRetention(this.#watched.retention())]),
      ...read.flatMap((families) => families ?? []),
    ];
  }

  async #isUp(): Promise<boolean> {
    const log = this.#watched?.log;
    return log !== undefined && (await logTrouble(log, probePatienceMs, this.#clock)) === null;
  }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: "gauge", samples };
}

function ofIntegrations(integrations: readonly ShownIntegration[]): Family {
  const samples = integrations.map(({ name, state }) => ({ labels: { integration: name }, value: breakerValues[state] }));
  return gauge("reprise_breaker_state", "0 closed, 1 half open, 2 open, 3 isolated by an operator.", samples);
}

async function ofHandlers({ views }: Watched): Promise<readonly Family[]> {
  const handlers = await views.handlers();
  const each = (value: (handler: (typeof handlers)[number]) => number): readonly Sample[] =>
    handlers.map((handler) => ({ labels: { handler: handler.name }, value: value(handler) }));
  return [
    gauge(
      "reprise_waiting_events",
      "Wanted events without an outcome: pending, processing, waiting for a retry, held, and dead letters.",
      each(({ waiting }) => waiting),
    ),
    gauge(
      "reprise_lag_seconds",
      "Age of the oldest event that no attempt was begun for.",
      each(({ lagSeconds }) => lagSeconds),
    ),
    gauge(
      "reprise_lanes",
      "Entities of the handler, by the state of their lane.",
      handlers.flatMap(({ name, lanes }) => Object.entries(lanes).map(([state, value]) => ({ labels: { handler: name, state }, value }))),
    ),
    gauge(
      "reprise_handler_state",
      "1 for the state that the handler is in.",
      handlers.flatMap(({ name, state: is }) => handlerStates.map((state) => ({ labels: { handler: name, state }, value: Number(state === is) }))),
    ),
  ];
}

async function ofLetters({ views }: Watched, clock: Clock): Promise<readonly Family[]> {
  const ages = await views.deadLetterAges();
  const open = new Map(ages.map(({ handler }) => [handler, 0]));
  for (const { handler, open: count } of await views.openEscalations(everyTenant)) open.set(handler, (open.get(handler) ?? 0) + count);
  const seconds = (at: string | null): number => (at === null ? 0 : Math.max(0, (clock.now() - Date.parse(at)) / 1000));
  return [
    gauge(
      "reprise_dead_letters",
      "Dead letters, those that wait for a person's decision too.",
      ages.map(({ handler, letters }) => ({ labels: { handler }, value: letters })),
    ),
    gauge(
      "reprise_dead_letter_oldest_seconds",
      "Since when the oldest dead letter is one; 0 without any.",
      ages.map(({ handler, oldestAt }) => ({ labels: { handler }, value: seconds(oldestAt) })),
    ),
    gauge(
      "reprise_escalations",
      "Deliveries that wait for a person's decision.",
      [...open].map(([handler, value]) => ({ labels: { handler }, value })),
    ),
  ];
}

async function ofViews({ views, log }: Watched): Promise<readonly Family[]> {
  const after = BigInt(views.position());
  let behind = 0;
  if ((await log.head()) > after) for await (const batch of log.readAll({ after, limit: mostBehind })) behind += batch.length;
  return [
    gauge("reprise_views_behind_events", `Events of the log that the views do not contain yet; ${mostBehind}: or more.`, [{ labels: {}, value: behind }]),
  ];
}
