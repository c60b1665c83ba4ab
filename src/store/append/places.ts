import type { AppendOptions } from "./event-input.ts";

/** Names places of an append in errors. */
export interface Places {
  /** @param path a JSON pointer from event `index` on, with the members' names of `EventInput`. */
  readonly event: (index: number, path: string) => string;
  /** @param path a JSON pointer to one of `AppendOptions`. */
  readonly option: (path: string) => string;
}

/** An edge hands in how its own places are named. Without that the places are those of the call's arguments. */
export function makePlaces({ pointer, place = (path) => path }: AppendOptions, isSingle: boolean): Places {
  const start = pointer ?? ((index: number) => (isSingle ? "#" : `#/events/${index}`));
  return { event: (index, path) => start(index) + place(path), option: (path) => `#${place(path)}` };
}
