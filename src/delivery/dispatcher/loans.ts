import type { Clock } from "../../event/clock.ts";
import type { BorrowedLane } from "../partition/borrowed-lane.ts";
import type { LaneLoan, LoanedCall } from "../partition/lane-loan.ts";
import type { Partition } from "../partition/partition.ts";
import type { Verdict } from "../partition/verdict.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Pump } from "./pump.ts";
import type { Waiting } from "./replies.ts";

/** Slots of lanes that are lent to replays' own deliveries, with the call that each loan waits for. */
export class Loans {
  readonly #partition: Partition;
  readonly #life: Lifetime;
  readonly #pump: Pump;
  readonly #clock: Clock;
  readonly #asked = new Map<LaneLoan, Waiting<Verdict>>();

  constructor({ partition, life, pump, clock }: { readonly partition: Partition; readonly life: Lifetime; readonly pump: Pump; readonly clock: Clock }) {
    this.#partition = partition;
    this.#life = life;
    this.#pump = pump;
    this.#clock = clock;
  }

  /** Lends a lane's slot to a replay's own deliveries, until `end`. Its calls record nothing: the replay is told the verdict on each call. */
  lend(stream: string, replayId: string): BorrowedLane {
    this.#life.mustWork();
    const loan = this.#partition.loans.lend(stream, replayId, this.#clock.monotonicMs());
    return {
      call: async (call) => this.#ask(loan, call),
      takeBack: () => this.#takeBack(loan),
      end: () => {
        this.#partition.loans.end(loan);
        this.#pump.now();
      },
    };
  }

  #ask(loan: LaneLoan, call: LoanedCall): Promise<Verdict> {
    this.#life.mustWork();
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    this.#asked.set(loan, { resolve, reject });
    this.#partition.loans.askFor(loan, call);
    this.#pump.now();
    return promise;
  }

  #takeBack(loan: LaneLoan): void {
    const asked = this.#asked.get(loan);
    if (asked === undefined || !this.#partition.loans.takeBack(loan)) return;
    this.#asked.delete(loan);
    asked.resolve({ kind: "put_back" });
  }

  /** Whether somebody still waits for the call that the loan asked for. */
  isAsked(loan: LaneLoan): boolean {
    return this.#asked.has(loan);
  }

  /** The loan's call is over. @returns a function that tells the verdict to whoever asked for the call. */
  conclude(loan: LaneLoan): ((verdict: Verdict) => void) | undefined {
    const asked = this.#asked.get(loan);
    this.#asked.delete(loan);
    return asked?.resolve;
  }

  /** Refuses all calls that still wait. */
  refuse(error: unknown): void {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) reject(error);
  }
}
