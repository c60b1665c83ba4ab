import type { HandlerPlace } from "../ownership/handler-place.ts";
import { Instances, type InstancesNeeds } from "./instances.ts";

/** @param places of the handlers, which are opened later. */
export function makeInstances(
  needs: Pick<InstancesNeeds, "log" | "clock" | "newId" | "logger" | "onIntegration" | "onReplay" | "mayAsk" | "life">,
  places: ReadonlyMap<string, { readonly place: HandlerPlace }>,
): Instances {
  return new Instances({
    ...needs,
    find(journal) {
      for (const { place } of places.values()) for (const seat of place.seats) if (seat.place.journal === journal) return seat.working ?? undefined;
      return undefined;
    },
    onHandler(handler, { type }) {
      const pauses = places.get(handler)?.place.pauses;
      if (type === "handler.paused") pauses?.become(true);
      else if (type === "handler.resumed") pauses?.become(false);
    },
  });
}
