import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ReadinessSource } from "./readiness.ts";

interface Watched {
  /** Why the schema lock is broken, where the store was opened all the same. */
  readonly unlocked: readonly string[];
  readonly delivery: Pick<RunningHandlers, "faults" | "troubles" | "damaged" | "cluster">;
  readonly views: { trouble(): string | null; probe(): Promise<void> };
  readonly log: EventLog;
  readonly alerts: { warnings(): readonly string[] };
}

/** The troubles that keep a store from its work, in the order in which an operator sees them. */
export function whatCanFail({ unlocked, delivery, views, log, alerts }: Watched): readonly ReadinessSource[] {
  return [
    { name: "the schemas", warnings: () => unlocked },
    {
      name: "",
      reasons: () => [
        ...(delivery.cluster?.isDraining ? ["this instance is draining: other instances work on its partitions"] : []),
        ...delivery.faults().map(({ handler, error }) => `handler ${handler} stands still: ${error.code}`),
        ...delivery.troubles().map(({ handler, trouble }) => `handler ${handler}: ${trouble}`),
      ],
      warnings: () =>
        delivery
          .damaged()
          .map(
            ({ handler, lanes, place }) =>
              `handler ${handler}: ${lanes} entities stand still at damaged records of the log (LOG_DAMAGED), the first at ${place}.`,
          ),
    },
    { name: "the alerts", warnings: () => alerts.warnings() },
    { name: "the views", reasons: () => [views.trouble() ?? []].flat(), probe: () => views.probe() },
    { name: "the log", reasons: () => [log.trouble?.() ?? []].flat(), warnings: () => log.warnings?.() ?? [], probe: async () => log.probe?.() },
  ];
}
