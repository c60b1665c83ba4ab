/** Reads what has happened in the cluster, and tells the steward. */
import type { Clock } from "../../../event/clock.ts";
import type { StoredEvent } from "../../../event/event.ts";
import { within } from "../../../event/waits.ts";
import type { StoredClusterEvent } from "../rules/cluster-fold.ts";
import type { Steward } from "../rules/steward.ts";
import { freshMs } from "../rules/suspicion.ts";
import type { ClusterStream } from "./cluster-stream.ts";
import type { OwnBeats } from "./own-beats.ts";

export interface LooksOptions {
  readonly steward: Steward;
  readonly stream: ClusterStream;
  readonly beats: OwnBeats;
  readonly clock: Clock;
  readonly life: string;
  readonly signal: AbortSignal;
  /** Told what the other members said last, by instance. */
  readonly onSaid: (said: ReadonlyMap<string, unknown>) => void;
  /** Told after each look, and when something has come by itself. @param changed the owners, or the members, may be others than before. */
  readonly onLooked: (changed: boolean) => void;
}

export class Looks {
  readonly #options: LooksOptions;
  #looking: Promise<void> | null = null;
  #again = false;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** One look at a time; for what comes meanwhile there is another look. */
  look(): Promise<void> {
    if (this.#looking !== null) {
      this.#again = true;
      return this.#looking;
    }
    const { steward, clock, signal, onLooked } = this.#options;
    const { generation } = steward.state;
    const looked = this.#read().catch(() => {}); // the log tells what is wrong with it
    this.#looking = within(looked, freshMs, clock, () => {}).then(() => {
      this.#looking = null;
      onLooked(steward.state.generation !== generation);
      if (!this.#again || signal.aborted) return;
      this.#again = false;
      return this.look();
    });
    return this.#looking;
  }

  /** A subscription has brought news. @param events of the cluster's stream; an empty list when it was a claim or a release. It looks only if some are missing. */
  came(events: readonly StoredEvent[]): void {
    const { steward, clock, onLooked } = this.#options;
    const { generation } = steward.state;
    for (const event of events) {
      if (event.revision > steward.state.generation + 1) return void this.look();
      steward.seen(event as unknown as StoredClusterEvent, clock.monotonicMs());
    }
    onLooked(steward.state.generation !== generation);
  }

  async #read(): Promise<void> {
    const { steward, stream, beats, clock, life, onSaid } = this.#options;
    const begunMs = clock.monotonicMs();
    for (const event of await stream.news(steward.state.generation)) steward.seen(event, clock.monotonicMs());
    const others = [...steward.state.members.values()].filter((member) => member.life !== life);
    const look = await beats.look(new Map(others.map((member) => [member.instance, member.life])));
    onSaid(look.said);
    if (clock.monotonicMs() - begunMs <= freshMs) steward.looked(clock.monotonicMs(), look); // an answer that was frozen on its way says nothing
  }
}
