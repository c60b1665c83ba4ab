/** Which item of a replay starts next: the oldest first, those of a lane one after another, lanes side by side. */
import type { ReplayItem } from "../records/replay-item.ts";
import { laneOf } from "./items.ts";

interface FeedLane {
  readonly stream: string;
  /** Places of its items that have not started, in order. */
  readonly waiting: number[];
  begun: boolean;
}

export class Feed {
  /** By place of their items. */
  readonly #lanes: FeedLane[] = [];
  /** In the order in which they are begun, the canary's apart. */
  readonly #fresh: FeedLane[] = [];
  /** Lanes before this one were begun. */
  #cursor = 0;
  /** Lanes that go on. They come before any fresh lane, because their remaining items are older work. */
  readonly #again: FeedLane[] = [];
  /** Streams that go first, and no other before `lift`; null: all may start. */
  #canary: Set<string> | null;
  /** Lanes of the canary that were not begun, in order. */
  #first: FeedLane[] = [];
  /** Streams of the items, in order, and the next one that is not in the canary. */
  readonly #streams: readonly string[];
  #nextStream = 0;
  readonly #lanesOf: ReadonlyMap<string, readonly FeedLane[]>;

  /**
   * @param items in the order of their places.
   * @param isDone items that are over already.
   * @param canaryEntities so many entities first, and no other before `lift`; null: all at once.
   */
  constructor(items: readonly ReplayItem[], isDone: (item: number) => boolean, canaryEntities: number | null) {
    const lanes = new Map<string, FeedLane>();
    items.forEach((item, place) => {
      if (isDone(place)) return;
      const key = laneOf(item);
      let lane = lanes.get(key);
      if (lane === undefined) {
        lanes.set(key, (lane = { stream: item.lane, waiting: [], begun: false }));
        this.#fresh.push(lane);
      }
      lane.waiting.push(place);
      this.#lanes[place] = lane;
    });
    this.#streams = canaryEntities === null ? [] : [...new Set(items.map(({ lane }) => lane))];
    this.#lanesOf = canaryEntities === null ? new Map() : Map.groupBy(this.#fresh, ({ stream }) => stream);
    this.#canary = canaryEntities === null ? null : new Set();
    if (canaryEntities !== null) this.widen(canaryEntities);
  }

  /** Streams of the canary; none without one. */
  get canary(): ReadonlySet<string> {
    return this.#canary ?? new Set();
  }

  /** Takes so many entities more into the canary, the next ones in line. @returns their streams; none when there are no others. */
  widen(entities: number): ReadonlySet<string> {
    const more = this.#streams.slice(this.#nextStream, this.#nextStream + entities);
    this.#nextStream += more.length;
    for (const stream of more) {
      this.#canary?.add(stream);
      for (const lane of this.#lanesOf.get(stream) ?? []) this.#first.push(lane);
    }
    return new Set(more);
  }

  /** The canary went well: all may start. */
  lift(): void {
    this.#canary = null;
  }

  /** Takes the next item whose lane is free; undefined when there is none now. */
  next(): number | undefined {
    const lane = this.#again.pop() ?? this.#first.shift() ?? (this.#canary === null ? this.#nextFresh() : undefined);
    if (lane === undefined) return undefined;
    lane.begun = true;
    return lane.waiting.shift();
  }

  #nextFresh(): FeedLane | undefined {
    while (this.#fresh[this.#cursor]?.begun) this.#cursor++;
    return this.#fresh[this.#cursor];
  }

  /** The item is over: its lane may go on. */
  ended(place: number): void {
    const lane = this.#lanes[place]!;
    if (lane.waiting.length > 0) this.#again.push(lane);
  }

  /** The item did not start after all. */
  putBack(place: number): void {
    this.#lanes[place]!.waiting.unshift(place);
    this.ended(place);
  }

  /** Takes the rest of the item's lane out. @returns their places. */
  dropLane(place: number): readonly number[] {
    return this.#lanes[place]!.waiting.splice(0);
  }

  /** Places of the last items of all lanes. */
  lasts(): readonly number[] {
    return this.#fresh.map(({ waiting }) => waiting.at(-1)!);
  }

  /** Whether the item's lane has more of them. */
  hasMore(place: number): boolean {
    return this.#lanes[place]!.waiting.length > 0;
  }
}
