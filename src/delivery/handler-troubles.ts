/** What keeps handlers of this process from their work. */
import type { RepriseError } from "../errors.ts";
import type { Dispatcher } from "./dispatcher/dispatcher.ts";
import type { HandlerPlace } from "./ownership/handler-place.ts";

export interface HandlerTroubles {
  /** Handlers that stand still for good, with the reason. */
  faults(): readonly { readonly handler: string; readonly error: RepriseError }[];
  /** Handlers of which nothing is delivered or recorded just now, with the reasons; they go on by themselves. */
  troubles(): readonly { readonly handler: string; readonly trouble: string }[];
  /** Of each handler with entities that stand still at a damaged record of the log: how many (1,000: or more), and the place of the first. */
  damaged(): readonly { readonly handler: string; readonly lanes: number; readonly place: string }[];
}

interface TroubleNeeds {
  readonly dispatchers: () => readonly { readonly name: string; readonly dispatcher: Dispatcher }[];
  readonly isElsewhere: (fault: RepriseError) => boolean;
}

export function tellTroubles(places: ReadonlyMap<string, { readonly place: HandlerPlace }>, { dispatchers, isElsewhere }: TroubleNeeds): HandlerTroubles {
  return {
    faults: () => [...places].flatMap(([handler, { place }]) => place.faults.flatMap((error) => (isElsewhere(error) ? [] : [{ handler, error }]))),
    troubles: () => dispatchers().flatMap(({ name, dispatcher }) => dispatcher.troubles.map((trouble) => ({ handler: name, trouble }))),
    damaged: () =>
      dispatchers().flatMap(({ name, dispatcher: { damaged } }) =>
        damaged.size === 0 ? [] : [{ handler: name, lanes: damaged.size, place: [...damaged.values()][0]! }],
      ),
  };
}
