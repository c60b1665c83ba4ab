import type { Clock } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import { withPatience } from "../journal/patience.ts";
import type { Answer } from "../partition/flushes.ts";
import { unknownNext } from "../partition/lane.ts";
import type { Partition } from "../partition/partition.ts";
import type { JournalWriter } from "./journal-writer.ts";
import type { Lifetime } from "./lifetime.ts";

export interface LaneActsOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly partition: Partition;
  readonly writer: JournalWriter;
  readonly life: Lifetime;
}

/** Operators' acts on one lane as a whole. Each returns the position of its record. */
export class LaneActs {
  readonly #options: LaneActsOptions;

  constructor(options: LaneActsOptions) {
    this.#options = options;
  }

  /** Keeps everything of the lane from starting. What is under way ends. */
  async pause(stream: string, act: Act): Promise<Position> {
    const { clock, partition, writer, life } = this.#options;
    life.mustWork();
    return withPatience(clock, async (patience) => {
      const lane = partition.lanes.pin(stream);
      try {
        const doneThrough = lane.next === unknownNext ? await this.#lastUpTo(stream, partition.reading.position()) : -1;
        return (await writer.act(() => partition.lanes.pause(lane, act, doneThrough), { patience })).position;
      } finally {
        partition.lanes.unpin(lane);
      }
    });
  }

  /** Answers an act that another instance asked for. Resolves when the answer is on record. */
  async answer(answer: Answer): Promise<void> {
    const { partition, writer, life } = this.#options;
    life.mustWork();
    partition.flushes.answer(answer);
    await writer.recorded();
  }

  /** @throws NOT_PAUSED */
  async resume(stream: string, act: Act): Promise<Position> {
    const { partition, writer } = this.#options;
    return (await writer.act(() => partition.lanes.resume(stream, act))).position;
  }

  /** What waits for a retry is tried now. @throws NOT_BACKING_OFF, LANE_PAUSED */
  async retry(stream: string, act: Act): Promise<Position> {
    const { partition, writer } = this.#options;
    return (await writer.act(() => partition.lanes.retryNow(stream, act))).position;
  }

  /** Revision of the stream's last event at or below a position; −1: there is none. */
  async #lastUpTo(stream: string, position: Position): Promise<number> {
    const { log, life } = this.#options;
    for await (const batch of log.readStream(stream, { direction: "backward", signal: life.reading }))
      for (const event of batch) if (event.position <= position) return event.revision;
    return -1;
  }
}
