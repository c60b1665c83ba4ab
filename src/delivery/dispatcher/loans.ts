import type { Clock } from "../../event/clock.ts";
import type { BorrowedLane } from "../partition/borrowed-lane.ts";
import type { LaneLoan, LoanEnd, LoanedCall } from "../partition/lane-loan.ts";
import type { Withdrawal } from "../partition/letter.ts";
import type { Partition } from "../partition/partition.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Pump } from "./pump.ts";
import type { Waiting } from "./replies.ts";

/** Slots of lanes that are lent to replays' own deliveries, with the call that each loan waits for. */
export class Loans {
  readonly #partition: Partition;
  readonly #life: Lifetime;
  readonly #pump: Pump;
  readonly #clock: Clock;
  readonly #asked = new Map<LaneLoan, Waiting<LoanEnd>>();

  constructor({ partition, life, pump, clock }: { readonly partition: Partition; readonly life: Lifetime; readonly pump: Pump; readonly clock: Clock }) {
    this.#partition = partition;
    this.#life = life;
    this.#pump = pump;
    this.#clock = clock;
  }

  /** Lends a lane's slot to a replay's own deliveries, until `end`. The journal has nothing of them: their ends are told, and the replay records them. */
  lend(stream: string, replayId: string): BorrowedLane {
    this.#life.mustWork();
    const loan = this.#partition.loans.lend(stream, replayId, this.#clock.monotonicMs());
    return {
      deliver: async (call) => this.#ask(loan, call),
      takeBack: (how) => this.#takeBack(loan, how),
      end: () => {
        this.#partition.loans.end(loan);
        this.#pump.now();
      },
    };
  }

  #ask(loan: LaneLoan, call: LoanedCall): LoanEnd | Promise<LoanEnd> {
    this.#life.mustWork();
    const end = this.#partition.loans.ask(loan, call);
    if (end !== null) return end;
    const { promise, resolve, reject } = Promise.withResolvers<LoanEnd>();
    this.#asked.set(loan, { resolve, reject });
    this.#pump.now();
    return promise;
  }

  #takeBack(loan: LaneLoan, how: Withdrawal): void {
    const end = this.#partition.loans.takeBack(loan, how);
    if (end !== null) this.tell(loan, end);
  }

  /** Has the replay record the loan's call before it is made. When it cannot, the call fails. */
  async record(loan: LaneLoan): Promise<void> {
    const alone = loan.toRecord === "alone";
    loan.toRecord = null;
    try {
      await loan.call?.record?.(alone);
    } catch (error) {
      this.fail(loan, error);
    }
  }

  /** Whoever asked for the call is told, and it is not made. */
  fail(loan: LaneLoan, error: unknown): void {
    this.#asked.get(loan)?.reject(error);
    this.#asked.delete(loan);
    this.#partition.loans.takeBack(loan, "pause");
  }

  /** Whether somebody still waits for the call that the loan asked for. */
  isAsked(loan: LaneLoan): boolean {
    return this.#asked.has(loan);
  }

  /** What became of the loan's delivery, for whoever asked for it. */
  tell(loan: LaneLoan, end: LoanEnd): void {
    const asked = this.#asked.get(loan);
    this.#asked.delete(loan);
    asked?.resolve(end);
  }

  /** Refuses all calls that still wait. */
  refuse(error: unknown): void {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) reject(error);
  }
}
