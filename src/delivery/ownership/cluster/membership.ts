/** Who takes part in a cluster, for what one instance alone does at a time and another goes on with: the run of a replay. */
import { RepriseError } from "../../../errors.ts";
import type { Clock } from "../../../event/clock.ts";
import { journalStream } from "../../../event/names.ts";
import type { Steward } from "../rules/steward.ts";
import type { Holders } from "./holders.ts";
import type { Standstills } from "./standstills.ts";

export interface MembershipOptions {
  readonly steward: Steward;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Id of this process. */
  readonly life: string;
  readonly holders: Pick<Holders, "of">;
  readonly standstills: Standstills;
  /** Reads what has happened in the cluster. */
  readonly look: () => Promise<void>;
}

export class Membership {
  readonly #options: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get life(): string {
    return this.#options.life;
  }

  get standstills(): Standstills {
    return this.#options.standstills;
  }

  /** This instance, as it takes part. @throws LOG_UNAVAILABLE while it does not: it has just started, or others have taken it for gone */
  mine(): { readonly instance: string; readonly life: string } {
    const { steward, life } = this.#options;
    const { me, state } = steward;
    if (me !== null && this.isHeard && state.members.has(me)) return { instance: me, life };
    throw new RepriseError("LOG_UNAVAILABLE", "This instance does not take part in the cluster just now: it has just started, or was not heard for a while.", {
      retryAfterMs: 1000,
    });
  }

  /** Whether this instance may take something up that another has left: not while it gives everything away. */
  get takesUp(): boolean {
    const { steward } = this.#options;
    return this.isHeard && steward.me !== null && steward.state.members.get(steward.me)?.state === "active";
  }

  /** False once others may take this instance for gone. */
  get isHeard(): boolean {
    return this.#options.steward.isHeard(this.#options.clock.monotonicMs());
  }

  /** Whether the process takes part still, under whatever id, as far as the last look has shown. */
  has(life: string): boolean {
    for (const member of this.#options.steward.state.members.values()) if (member.life === life) return true;
    return false;
  }

  /** How many partitions a handler has; undefined: no member has it in its config. */
  partitionsOf(handler: string): number | undefined {
    return this.#options.steward.state.partitions.get(handler);
  }

  /** Another member that has the handler in its config. */
  otherWith(handler: string): string | null {
    const { steward, life } = this.#options;
    for (const member of steward.state.members.values()) if (member.life !== life && member.partitions.has(handler)) return member.instance;
    return null;
  }

  /** Whether another member works on a partition of the handler. False also while this instance cannot know that: it is cut off. */
  othersWorkOn({ handler, of }: { readonly handler: string; readonly of: number }): boolean {
    const { steward, holders } = this.#options;
    for (let partition = 0; partition < of && this.isHeard; partition++) {
      const { instance } = holders.of(journalStream(handler, of, partition));
      if (instance !== null && instance !== steward.me && steward.state.members.has(instance)) return true;
    }
    return false;
  }

  look(): Promise<void> {
    return this.#options.look();
  }
}
