/** This instance's signs of life, and those of the others. */
import type { Clock } from "../../../event/clock.ts";
import { pause, within } from "../../../event/waits.ts";
import type { Beats } from "../../../log/beats.ts";
import type { Look } from "../rules/suspicion.ts";

const beatMs = 3000;
const retryMs = 1000;
/** What is to be said is looked at so often. */
const newsMs = 500;
/** Signs of life that wait for their answers at once. The log answers within ten seconds or fails, and in that time no more than these are sent. */
const maxUnderWay = 4;

export interface OwnBeatsOptions {
  readonly beats: Beats;
  readonly clock: Clock;
  readonly life: string;
  /** What the others learn with each. */
  readonly says: () => unknown;
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

  /**
   * One each three seconds, and one at once for what others should learn. The next one does not wait for the answer to one that takes longer, and that counts all
   * the same, for when it was sent.
   */
  async run(): Promise<void> {
    const { clock, says, signal } = this.#options;
    while (!signal.aborted) {
      const sentMs = clock.monotonicMs();
      const said = JSON.stringify(says());
      const isStored = this.#underWay < maxUnderWay ? await within(this.#beat(sentMs), beatMs, clock, () => true, signal) : true;
      await this.#rest(isStored ? sentMs + beatMs : clock.monotonicMs() + retryMs, said);
    }
  }

  async #rest(untilMs: number, said: string): Promise<void> {
    const { clock, says, signal } = this.#options;
    for (let leftMs = 0; (leftMs = untilMs - clock.monotonicMs()) > 0 && !signal.aborted && JSON.stringify(says()) === said; )
      await pause(Math.min(leftMs, newsMs), clock, signal);
  }

  async #beat(sentMs: number): Promise<boolean> {
    const { beats, life, says, onAcknowledged, signal } = this.#options;
    this.#underWay++;
    try {
      const number = await beats.beat(life, says());
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
  async look(others: ReadonlyMap<string, string>): Promise<Look & { readonly said: ReadonlyMap<string, unknown> }> {
    const { beats, life } = this.#options;
    const { number, sentMs } = this.#acknowledged;
    const [own, ...all] = await Promise.all([life, ...others.values()].map((each) => beats.heard(each)));
    const ofOthers = Array.from(others.keys(), (instance, index) => [instance, all[index]!] as const);
    return {
      ownSentMs: own!.number >= number ? sentMs : null,
      beats: new Map(ofOthers.map(([instance, sign]) => [instance, sign.number])),
      said: new Map(ofOthers.map(([instance, { says }]) => [instance, says])),
    };
  }
}
