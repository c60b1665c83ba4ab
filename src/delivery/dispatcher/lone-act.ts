import { RepriseError } from "../../errors.ts";
import type { JournalStream } from "../journal/journal-stream.ts";
import type { LaneAct } from "../partition/lane-act.ts";
import type { Partition } from "../partition/partition.ts";
import type { TakenActs } from "./act-queue.ts";
import type { Appends } from "./appends.ts";
import type { Lifetime } from "./lifetime.ts";

/** An act that takes an append of its own. It is tried once; when that comes to an unclear end, the next append tells whether it was stored. */
export class LoneAct {
  readonly #journal: JournalStream;
  readonly #partition: Partition;
  readonly #appends: Appends;
  readonly #life: Lifetime;
  #unclear: LaneAct | null = null;

  constructor({
    journal,
    partition,
    appends,
    life,
  }: {
    readonly journal: JournalStream;
    readonly partition: Partition;
    readonly appends: Appends;
    readonly life: Lifetime;
  }) {
    this.#journal = journal;
    this.#partition = partition;
    this.#appends = appends;
    this.#life = life;
  }

  /** Whether nobody knows yet what became of the last one. */
  get isUnclear(): boolean {
    return this.#unclear !== null;
  }

  async store(acts: TakenActs): Promise<void> {
    const [act] = acts.acts as readonly [LaneAct];
    const batch = this.#journal.prepare(acts.events);
    this.#partition.lanes.begin(act);
    try {
      const last = await this.#journal.send(batch);
      if (last === null) throw new RepriseError("LOG_UNAVAILABLE", "The journal was elsewhere.", { retryAfterMs: 1000 });
      this.#appends.works();
      this.#partition.lanes.end(act, last.revision);
      acts.stored(last);
    } catch (error) {
      const mayRepeat = this.#appends.mayRepeat(error, 0);
      if (mayRepeat) {
        this.#unclear = act;
        this.#journal.abandon(batch, ({ revision }) => this.end(revision));
      } else this.#partition.lanes.end(act, null);
      acts.refused(mayRepeat ? error : this.#life.fault);
    }
  }

  /** What became of the unclear act is known now. @param at revision of its record; null when another append took its place. */
  end(at: number | null): void {
    const act = this.#unclear;
    this.#unclear = null;
    if (act !== null) this.#partition.lanes.end(act, at);
  }
}
