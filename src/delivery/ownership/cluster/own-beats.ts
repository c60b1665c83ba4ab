/** This instance's signs of life, and those of the others. */
import type { Clock } from "../../../event/clock.ts";
import { pause, within } from "../../../event/waits.ts";
import type { Beats } from "../../../log/event-log.ts";
import type { Look } from "../rules/suspicion.ts";

const beatMs = 3000;
const retryMs = 1000;
/** Signs of life that wait for their answers at once. The log answers within ten seconds or fails, and in that time no more than these are sent. */
const maxUnderWay = 4;

export interface OwnBeatsOptions {
  readonly beats: Beats;
  readonly clock: Clock;
  readonly life: string;
  readonly onAcknowledged: (sentMs: number) => void;
  readonly signal: AbortSignal;
}

export class OwnBeats {
  readonly #options: OwnBeatsOptions;
  #underWay = 0;
  #acknowledged = { number: Number.POSITIVE_INFINITY, sentMs: Number.NEGATIVE_INFINITY };

  constructor(options: OwnBeatsOptions) {
    this.#options = options;
  }

  /** One each three seconds. The next one does not wait for the answer to one that takes longer, and that counts all the same, for when it was sent. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      const sentMs = clock.monotonicMs();
      const isStored = this.#underWay < maxUnderWay ? await within(this.#beat(sentMs), beatMs, clock, () => true, signal) : true;
      await pause(isStored ? Math.max(0, sentMs + beatMs - clock.monotonicMs()) : retryMs, clock, signal);
    }
  }

  async #beat(sentMs: number): Promise<boolean> {
    const { beats, life, onAcknowledged, signal } = this.#options;
    this.#underWay++;
    try {
      const number = await beats.beat(life);
      if (signal.aborted) return true;
      if (sentMs > this.#acknowledged.sentMs) this.#acknowledged = { number, sentMs };
      onAcknowledged(sentMs);
      return true;
    } catch {
      return false; // the log tells what is wrong with it
    } finally {
      this.#underWay--;
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
