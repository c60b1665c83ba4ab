/**
 * The fuse of an integration. Pure: time is told. Closed, it counts failures, and opens when there are too many. Open, it lets nothing through until its cool-down
 * is over; then one trial, which closes it, or opens it for twice as long. Isolated by an operator, it stays so until it is reset.
 *
 * Each change begins another epoch, and each call knows that of its beginning: the result of a call that began before the last change is nobody's but its own.
 */
import type { BreakerRules } from "../integration-spec.ts";
import type { Permit } from "../partition/permits.ts";
import { TrialRight } from "./trial-right.ts";

export type BreakerState = "closed" | "open" | "half_open" | "isolated";

/** What the breaker did by itself. */
export type BreakerChange =
  | { readonly kind: "opened"; readonly waitMs: number; readonly coolDownMs: number }
  | { readonly kind: "closed" }
  /** Only of a trial that was granted: it said nothing about the integration, and the next one may be another's. */
  | { readonly kind: "trial_ended" };

const maxCoolDownMs = 300_000;

export class Breaker {
  readonly #rules: BreakerRules | null;
  readonly #changed: (change: BreakerChange) => void;
  readonly right: TrialRight;
  #state: "closed" | "open" | "isolated" = "closed";
  #epoch = 0;
  /** The last failures, at most as many as open it: monotonic times, and whose events they were. */
  #failed: { readonly atMs: number; readonly tenant: string }[] = [];
  /** While it is open: the time of the next trial, and the wait before it. */
  #untilMs = 0;
  #coolDownMs = 0;
  #trial: Permit | null = null;

  /**
   * @param rules null: it counts nothing, and only an operator stops the calls.
   * @param isShared other processes call the integration, too.
   */
  constructor(rules: BreakerRules | null, changed: (change: BreakerChange) => void, isShared = false) {
    this.#rules = rules;
    this.#changed = changed;
    this.right = new TrialRight(isShared, () => changed({ kind: "trial_ended" }));
  }

  state(nowMs: number): BreakerState {
    return this.#state === "open" && nowMs >= this.#untilMs ? "half_open" : this.#state;
  }

  /** When it is open: monotonic time of the next trial. Null while the trial runs, too. */
  untilMs(): number | null {
    return this.#state === "open" && this.#trial === null && !this.right.isElsewhere ? this.#untilMs : null;
  }

  /** Failures that count now. @param of a tenant: those of its events; left out: all. */
  failures(nowMs: number, of?: string): number {
    const { withinMs = 0 } = this.#rules ?? {};
    return this.#failed.filter(({ atMs, tenant }) => nowMs - atMs <= withinMs && (of === undefined || of === tenant)).length;
  }

  /** How many calls may begin now. */
  room(nowMs: number): number {
    const state = this.state(nowMs);
    if (state === "closed") return Number.POSITIVE_INFINITY;
    return state === "half_open" && this.#trial === null && this.right.isHere ? 1 : 0;
  }

  begin(nowMs: number): Permit {
    const isTrial = this.state(nowMs) === "half_open";
    const permit = { epoch: this.#epoch, isTrial };
    if (isTrial) {
      this.#trial = permit;
      this.right.use();
    }
    return permit;
  }

  /** Whether a call with this permit, which has not gone out yet, still may. */
  isGood({ epoch }: Permit): boolean {
    return epoch === this.#epoch && this.#state !== "isolated";
  }

  /** The integration gave an answer, whatever it says. */
  answered(permit: Permit): void {
    if (permit !== this.#trial || permit.epoch !== this.#epoch) return;
    this.become({ kind: "closed" }, 0);
    this.#changed({ kind: "closed" });
  }

  /** The integration asked for a break. A trial that it answers so is repeated after that. */
  busy(permit: Permit, waitMs: number, nowMs: number): void {
    if (permit === this.#trial && permit.epoch === this.#epoch) this.#open(waitMs, this.#coolDownMs, nowMs);
  }

  /** @returns whether the failure is the delivery's own. Otherwise the integration is down, or was meanwhile, and the failure uses no attempt. */
  failed(permit: Permit, nowMs: number, tenant: string): boolean {
    const rules = this.#rules;
    if (permit.epoch !== this.#epoch) return false;
    if (permit.isTrial) {
      const coolDownMs = Math.min(this.#coolDownMs * 2, Math.max(maxCoolDownMs, rules?.coolDownMs ?? 0));
      this.#open(coolDownMs, coolDownMs, nowMs);
      return false;
    }
    if (rules === null) return true;
    this.#failed = [...this.#failed, { atMs: nowMs, tenant }].slice(-rules.failures);
    if (this.failures(nowMs) >= rules.failures) this.#open(rules.coolDownMs, rules.coolDownMs, nowMs);
    return true;
  }

  /** The call has ended. A trial without a word about the integration is no trial. */
  end(permit: Permit): void {
    if (permit !== this.#trial) return;
    this.#trial = null;
    this.right.end();
  }

  /** By an operator, by what was kept of it over a restart, or by itself. */
  become(
    state: { readonly kind: "closed" | "isolated" } | { readonly kind: "open"; readonly waitMs: number; readonly coolDownMs: number },
    nowMs: number,
  ): void {
    this.#state = state.kind;
    this.#epoch++;
    this.#trial = null;
    this.right.become(null);
    this.#failed = [];
    if (state.kind !== "open") return;
    this.#untilMs = nowMs + state.waitMs;
    this.#coolDownMs = state.coolDownMs;
  }

  #open(waitMs: number, coolDownMs: number, nowMs: number): void {
    this.become({ kind: "open", waitMs, coolDownMs }, nowMs);
    this.#changed({ kind: "opened", waitMs, coolDownMs });
  }
}
