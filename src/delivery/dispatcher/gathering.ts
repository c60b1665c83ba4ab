import type { Partition } from "../partition/partition.ts";
import type { Pump } from "./pump.ts";

/** Turns of the event loop that a flush waits at most. */
const mostTurns = 8;

export interface GatheringNeeds {
  readonly partition: Pick<Partition, "flushes" | "schedule">;
  readonly pump: Pick<Pump, "nextTurn" | "isBehind">;
}

/**
 * Whether a flush waits for more outcomes. Calls that began in one moment end in one moment, more or less: a flush of the first one alone would let all others
 * wait for its disk. So while calls run, it waits for as long as each turn of the event loop brings another outcome. It takes no time of the clock.
 */
export class Gathering {
  readonly #partition: GatheringNeeds["partition"];
  readonly #pump: GatheringNeeds["pump"];
  #turns = 0;
  #outcomes = 0;

  constructor({ partition, pump }: GatheringNeeds) {
    this.#partition = partition;
    this.#pump = pump;
  }

  /** Asked at each look; when it goes on, the next turn looks again. */
  goesOn(): boolean {
    const { flushes, schedule } = this.#partition;
    if (this.#pump.isBehind) return true;
    if (schedule.running().length === 0 || flushes.outcomes === this.#outcomes || this.#turns === mostTurns) return false;
    this.#turns++;
    this.#outcomes = flushes.outcomes;
    this.#pump.nextTurn();
    return true;
  }

  /** A flush begins. */
  end(): void {
    this.#turns = 0;
    this.#outcomes = this.#partition.flushes.outcomes;
  }
}
