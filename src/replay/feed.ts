/** Which item of a replay starts next: the oldest first, those of a lane one after another, lanes side by side. */
import type { ReplayItem } from "../delivery/journal-events.ts";
import { laneOf } from "./items.ts";

interface FeedLane {
  /** Places of its items that have not started, in order. */
  readonly waiting: number[];
  busy: boolean;
}

export class Feed {
  readonly #items: readonly ReplayItem[];
  readonly #lanes = new Map<string, FeedLane>();
  /** Lanes that were not begun yet, the canary's first. */
  readonly #fresh: FeedLane[] = [];
  #begun = 0;
  /** Lanes that go on: before any fresh one, since what they have left is older work. */
  readonly #again: FeedLane[] = [];
  /** Fresh lanes that may be begun. */
  #fence = Number.POSITIVE_INFINITY;
  readonly #canary: ReadonlySet<string>;

  /**
   * @param items in the order of their places.
   * @param isDone items that are over already.
   * @param canaryEntities so many entities first, and no other before `lift`; null: all at once.
   */
  constructor(items: readonly ReplayItem[], isDone: (item: number) => boolean, canaryEntities: number | null) {
    this.#items = items;
    this.#canary = firstStreams(items, canaryEntities ?? 0);
    const canaryLanes = new Set<FeedLane>();
    items.forEach((item, place) => {
      if (isDone(place)) return;
      const key = laneOf(item);
      let lane = this.#lanes.get(key);
      if (lane === undefined) {
        this.#lanes.set(key, (lane = { waiting: [], busy: false }));
        if (this.#canary.has(item.lane)) canaryLanes.add(lane);
        else this.#fresh.push(lane);
      }
      lane.waiting.push(place);
    });
    if (canaryEntities !== null) this.#fence = canaryLanes.size;
    this.#fresh.unshift(...canaryLanes);
  }

  /** Streams of the canary. */
  get canary(): ReadonlySet<string> {
    return this.#canary;
  }

  /** The canary went well: all may start. */
  lift(): void {
    this.#fence = Number.POSITIVE_INFINITY;
  }

  /** Takes the next item whose lane is free; undefined when there is none now. */
  next(): number | undefined {
    const lane = this.#again.pop() ?? (this.#begun < this.#fence ? this.#fresh[this.#begun++] : undefined);
    if (lane === undefined) return undefined;
    lane.busy = true;
    return lane.waiting.shift();
  }

  /** The item is over: its lane may go on. */
  ended(place: number): void {
    const lane = this.#laneAt(place);
    lane.busy = false;
    if (lane.waiting.length > 0) this.#again.push(lane);
  }

  /** It did not start after all. */
  putBack(place: number): void {
    this.#laneAt(place).waiting.unshift(place);
    this.ended(place);
  }

  /** Nothing more of the item's lane. @returns what was left of it. */
  dropLane(place: number): readonly number[] {
    return this.#laneAt(place).waiting.splice(0);
  }

  /** Whether the item's lane has more of them. */
  hasMore(place: number): boolean {
    return this.#laneAt(place).waiting.length > 0;
  }

  #laneAt(place: number): FeedLane {
    return this.#lanes.get(laneOf(this.#items[place]!))!;
  }
}

function firstStreams(items: readonly ReplayItem[], count: number): ReadonlySet<string> {
  const streams = new Set<string>();
  for (const { lane } of items) {
    if (streams.size >= count) break;
    streams.add(lane);
  }
  return streams;
}
