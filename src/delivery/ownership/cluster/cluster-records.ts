/** What this instance writes into `reprise.cluster`. */
import type { Clock } from "../../../event/clock.ts";
import { backOff, within } from "../../../event/waits.ts";
import type { ClusterEvent } from "../../../records/cluster.ts";
import type { DeliveryLogger } from "../../delivery-logger.ts";
import type { Steward } from "../rules/steward.ts";
import type { ClusterStream } from "./cluster-stream.ts";

export interface ClusterRecordsOptions {
  readonly steward: Steward;
  readonly stream: ClusterStream;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  /** Told when something may be stored. */
  readonly onStored: () => void;
}

const waits = { firstMs: 50, lastMs: 1000 };
/** What is answered later than this counts as not answered. */
const answerMs = 5000;

export class ClusterRecords {
  readonly #options: ClusterRecordsOptions;
  #isAppending = false;

  constructor(options: ClusterRecordsOptions) {
    this.#options = options;
  }

  get isAppending(): boolean {
    return this.#isAppending;
  }

  /** Appends what was decided on what is known now, if it is still so; it shows in the stream, too. One at a time: others are left out. */
  try(event: ClusterEvent, whenStored: () => void = () => {}): void {
    if (this.#isAppending) return;
    this.#isAppending = true;
    const { steward, stream, clock, logger, onStored } = this.#options;
    const stored = stream.append(event, steward.state.generation).catch(() => false);
    void within(stored, answerMs, clock, () => false).then((isStored) => {
      this.#isAppending = false;
      if (isStored) {
        logger.info({ instance: steward.me, ...event.data }, event.type.replace(".", " "));
        whenStored();
      }
      onStored();
    });
  }

  /** Tells the others that it is back. */
  return(instance: string): void {
    const { steward, clock } = this.#options;
    const sentMs = clock.monotonicMs();
    this.try({ type: "member.returned", data: { instance } }, () => steward.returned(sentMs, clock.monotonicMs()));
  }

  /** Stores it, wherever the stream is. Gives up after `ms`: others find out by themselves. */
  async must(event: ClusterEvent, ms: number): Promise<void> {
    const { steward, stream, clock, logger } = this.#options;
    const over = new AbortController();
    const tried = async () => {
      for (let failures = 0; !over.signal.aborted; failures++) {
        if (await stream.append(event, steward.state.generation)) return;
        for (const each of await stream.news(steward.state.generation)) steward.seen(each, clock.monotonicMs());
        if (failures > 0) await backOff(failures - 1, waits, clock, over.signal); // the first time it had not seen its own last record
      }
    };
    const done = tried().catch((err: unknown) => logger.warn({ err }, "what the other instances should know could not be recorded"));
    await within(done, ms, clock, () => over.abort());
  }
}
