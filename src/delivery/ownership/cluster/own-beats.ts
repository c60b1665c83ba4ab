/** This instance's signs of life, and those of the others. */
import type { Clock } from "../../../event/clock.ts";
import { pause, within } from "../../../event/waits.ts";
import type { Beats } from "../../../log/event-log.ts";
import type { Look } from "../rules/suspicion.ts";

const beatMs = 3000;
const retryMs = 1000;
/** What is answered later than this counts as not answered. */
export const answerMs = 5000;

export interface OwnBeatsOptions {
  readonly beats: Beats;
  readonly clock: Clock;
  readonly life: string;
  readonly onAcknowledged: (sentMs: number) => void;
  readonly signal: AbortSignal;
}

export class OwnBeats {
  readonly #options: OwnBeatsOptions;
  #acknowledged = { number: Number.POSITIVE_INFINITY, sentMs: Number.NEGATIVE_INFINITY };

  constructor(options: OwnBeatsOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { beats, clock, life, onAcknowledged, signal } = this.#options;
    while (!signal.aborted) {
      const sentMs = clock.monotonicMs();
      const number = await within(
        beats.beat(life).catch(() => null),
        answerMs,
        clock,
        () => null,
        signal,
      );
      if (signal.aborted) return;
      if (number !== null) {
        this.#acknowledged = { number, sentMs };
        onAcknowledged(sentMs);
      }
      await pause(number === null ? retryMs : Math.max(0, sentMs + beatMs - clock.monotonicMs()), clock, signal);
    }
  }

  /** Reads all signs of life. @param others life by instance. @throws LOG_UNAVAILABLE */
  async look(others: ReadonlyMap<string, string>): Promise<Look> {
    const { beats, life } = this.#options;
    const { number, sentMs } = this.#acknowledged;
    const [own, ...all] = await Promise.all([life, ...others.values()].map((each) => beats.last(each)));
    return { ownSentMs: own! >= number ? sentMs : null, beats: new Map(Array.from(others.keys(), (instance, index) => [instance, all[index]!])) };
  }
}
