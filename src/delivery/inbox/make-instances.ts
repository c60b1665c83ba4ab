import type { HandlerPlace } from "../ownership/handler-place.ts";
import { takesActs } from "../ownership/seat.ts";
import { Instances, type InstancesNeeds } from "./instances.ts";

/** @param places of the handlers, which are opened later. */
export function makeInstances(
  needs: Pick<InstancesNeeds, "log" | "clock" | "newId" | "logger" | "onIntegration" | "onReplay" | "mayAsk" | "life">,
  places: ReadonlyMap<string, { readonly place: HandlerPlace }>,
): Instances {
  return new Instances({
    ...needs,
    find(journal) {
      for (const { place } of places.values()) for (const seat of place.seats.all) if (seat.place.journal === journal) return takesActs(seat) ?? undefined;
      return undefined;
    },
    working: () => Array.from(places.values(), ({ place }) => place.seats.working()).flat(),
    onHandler(handler, { type }) {
      const place = places.get(handler)?.place;
      if (type === "handler.paused") place?.pauses.become(true);
      else if (type === "handler.resumed") place?.pauses.become(false);
      else void place?.follow();
    },
  });
}
