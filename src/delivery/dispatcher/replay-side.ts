import type { BorrowedLane } from "../partition/borrowed-lane.ts";
import type { Withdrawal } from "../partition/letter.ts";
import type { Pace } from "../partition/pace.ts";
import type { Partition } from "../partition/partition.ts";
import type { JournalWriter } from "./journal-writer.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Loans } from "./loans.ts";
import type { Pump } from "./pump.ts";

export interface ReplaySideOptions {
  readonly partition: Partition;
  readonly writer: JournalWriter;
  readonly loans: Loans;
  readonly life: Lifetime;
  readonly pump: Pump;
}

/** What one handler does for replays: their pace, their followers, taking back what they ordered, lending slots. */
export class ReplaySide {
  readonly #options: ReplaySideOptions;
  /** By replay: ends the listening to its pace. */
  readonly #unlisten = new Map<string, () => void>();

  constructor(options: ReplaySideOptions) {
    this.#options = options;
  }

  /** Says at which pace a replay goes here; null: it is over. */
  pace(replayId: string, pace: Pace | null): void {
    const { partition, pump } = this.#options;
    this.#unlisten.get(replayId)?.();
    this.#unlisten.delete(replayId);
    if (pace !== null)
      this.#unlisten.set(
        replayId,
        pace.onChange(() => pump.now()),
      );
    partition.replays.pace(replayId, pace);
    pump.now();
  }

  /** Replays on whose pace lanes have been waiting since the start, and whose pace nobody has told yet. */
  unknownPaces(): readonly string[] {
    return this.#options.partition.replays.unknownPaces();
  }

  /** Takes back what a replay ordered and what does not run. Resolves when all of it has ended; `stop`: when it is on record, too, that nothing of it starts here any more. */
  async withdraw(replayId: string, how: Withdrawal): Promise<void> {
    const { partition, writer, life, pump } = this.#options;
    life.mustWork();
    const left = partition.replays.withdraw(replayId, how).map((replay) => writer.replies.of(replay));
    const stored = how === "stop" ? writer.recorded() : undefined;
    pump.now();
    await Promise.all([stored, ...left]);
  }

  /** Resolves when it is on record that no lane is on the replay's pace any more. */
  async passed(replayId: string): Promise<void> {
    const { partition, writer, life } = this.#options;
    life.mustWork();
    if (partition.replays.followers(replayId) > 0) await writer.replies.passed(replayId);
  }

  /** Lanes that are still on the replay's pace. */
  followers(replayId: string): number {
    return this.#options.partition.replays.followers(replayId);
  }

  /** Events that they have still to pass. */
  releasesLeft(replayId: string): number {
    return this.#options.partition.replays.releasesLeft(replayId);
  }

  /** Lends a lane's slot to a replay's own deliveries, until `end`. */
  lend(stream: string, replayId: string): BorrowedLane {
    return this.#options.loans.lend(stream, replayId);
  }
}
