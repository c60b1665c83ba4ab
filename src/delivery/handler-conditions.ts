/** What has become of the handlers: in this process, and for whoever asks any of the instances that share them. */
import type { HandlerSpec } from "./handler-spec.ts";
import type { Cluster } from "./ownership/cluster/cluster.ts";
import { type Condition, conditionAmong } from "./ownership/condition.ts";
import type { HandlerPlace } from "./ownership/handler-place.ts";
import type { RunningHandler } from "./running-handler.ts";

export interface HandlerConditions {
  /** What has become of a handler in this process, also of one that is not in the config. */
  condition(handler: string): Condition;
  /** The same for whoever asks any of the instances that share it: what another one works on runs, and what stands still at another one has stopped. */
  shownCondition(handler: string): Condition;
  /** Another instance that has it in its config, as of now. Null: none has, as far as this one knows. */
  instanceWith(handler: string): string | null;
  /** Whether it is known of each of its partitions that somebody works on it, or that it stands still. False while one is handed over, too. */
  isAllKnown(handler: string): boolean;
}

interface Place {
  readonly place: HandlerPlace;
  readonly handler: RunningHandler;
}

export function tellConditions(handlers: readonly HandlerSpec[], places: ReadonlyMap<string, Place>, cluster: Cluster | null): HandlerConditions {
  const condition = (name: string): Condition => {
    const handler = places.get(name)?.handler;
    if (handler !== undefined) return handler.condition();
    if (!handlers.some((spec) => spec.name === name)) return { state: "absent", fault: null };
    return { state: "stopped", fault: "the service has not started it" };
  };
  return {
    condition,
    shownCondition(name) {
      const here = condition(name);
      // One that only others have in their config, while a new one is rolled out.
      const of = places.get(name)?.place.seats.partitions[0]?.of ?? cluster?.membership.partitionsOf(name);
      if (cluster === null || of === undefined) return here;
      return conditionAmong(here, {
        isWorkedOn: () => cluster.membership.othersWorkOn({ handler: name, of }),
        standstills: () => cluster.membership.standstills.elsewhere(name, of),
      });
    },
    instanceWith: (name) => cluster?.membership.otherWith(name) ?? null,
    isAllKnown(name) {
      if (cluster === null) return true;
      if (!cluster.membership.standstills.isHeard || !cluster.membership.isHeard) return false;
      return cluster.shown().partitions.every(({ handler, state }) => handler !== name || state === "owned" || state === "stopped");
    },
  };
}
