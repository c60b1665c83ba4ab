/** Whether an integration may be called at all: its breaker, and the break that it asked for. Pure: time is told. */
import type { BreakerRules } from "../integration-spec.ts";
import type { Permit } from "../partition/permits.ts";
import { Breaker, type BreakerChange, type BreakerState } from "./breaker.ts";
import type { TrialRight } from "./trial-right.ts";

export type IntegrationChange = BreakerChange | { readonly kind: "gated"; readonly waitMs: number };

export interface FuseState {
  readonly state: BreakerState;
  /** Monotonic times: of the next trial, and of the end of the break that it asked for. */
  readonly untilMs: number | null;
  readonly gatedUntilMs: number | null;
  readonly failures: number;
}

/** What was kept of it over a restart, or was told of it: how long each still lasts. */
export interface KeptFuse {
  readonly breaker: { readonly kind: "closed" | "isolated" } | { readonly kind: "open"; readonly waitMs: number; readonly coolDownMs: number };
  readonly gatedMs: number;
}

/** What the outcome of a call says about the integration. */
export type Sign = "answered" | "failed" | "nothing";

/** A break that is this much longer than the one on record is put on record: not each of a hundred answers of one moment. */
const recordedGateMs = 1000;
const never = Number.NEGATIVE_INFINITY;

export class Fuse {
  readonly #breaker: Breaker;
  readonly #changed: (change: IntegrationChange) => void;
  #gatedUntilMs = never;
  #recordedGateMs = never;

  get right(): TrialRight {
    return this.#breaker.right;
  }

  constructor(rules: BreakerRules | null, changed: (change: IntegrationChange) => void, isShared = false) {
    this.#breaker = new Breaker(rules, changed, isShared);
    this.#changed = changed;
  }

  /** @param tenant whose failures count; left out: all tenants'. */
  at(nowMs: number, tenant?: string): FuseState {
    const state = this.#breaker.state(nowMs);
    return {
      state,
      untilMs: state === "open" ? this.#breaker.untilMs() : null,
      gatedUntilMs: this.#gatedUntilMs > nowMs ? this.#gatedUntilMs : null,
      failures: this.#breaker.failures(nowMs, tenant),
    };
  }

  /** How many calls may begin now. */
  room(nowMs: number): number {
    return this.#gatedUntilMs > nowMs ? 0 : this.#breaker.room(nowMs);
  }

  /** Monotonic time at which there may be room; null: not before an operator acts, or the trial ends. */
  nextMs(nowMs: number): number | null {
    const { state } = this.at(nowMs);
    const untilMs = this.#breaker.untilMs();
    if (state === "isolated" || (state !== "closed" && untilMs === null)) return null;
    return Math.max(untilMs ?? never, this.#gatedUntilMs);
  }

  begin(nowMs: number): Permit {
    return this.#breaker.begin(nowMs);
  }

  end(permit: Permit): void {
    this.#breaker.end(permit);
  }

  /** Whether a call with this permit, which has not gone out yet, still may. */
  isGood(permit: Permit, nowMs: number): boolean {
    return this.#breaker.isGood(permit) && this.#gatedUntilMs <= nowMs;
  }

  /** What the outcome of a call for a tenant says. @returns whether it is a failure of the integration; otherwise it is none, or the delivery's own. */
  told(permit: Permit, sign: Sign, nowMs: number, tenant: string): boolean {
    if (sign === "answered") this.#breaker.answered(permit);
    return sign === "failed" && !this.#breaker.failed(permit, nowMs, tenant);
  }

  /** How long nothing may begin, as far as it is known: 0 also while it is isolated. */
  leftMs(nowMs: number): number {
    return Math.max(0, (this.#breaker.untilMs() ?? nowMs) - nowMs, this.#gatedUntilMs - nowMs);
  }

  /** It asked to be left alone: one answer binds all its handlers. */
  busy(permit: Permit, waitMs: number, nowMs: number): void {
    this.#breaker.busy(permit, waitMs, nowMs);
    const untilMs = nowMs + waitMs;
    if (untilMs <= this.#gatedUntilMs) return;
    this.#gatedUntilMs = untilMs;
    if (untilMs < this.#recordedGateMs + recordedGateMs) return;
    this.#recordedGateMs = untilMs;
    this.#changed({ kind: "gated", waitMs });
  }

  /** It asked another process, which has put that on record. */
  gate(waitMs: number, nowMs: number): void {
    this.#gatedUntilMs = Math.max(this.#gatedUntilMs, nowMs + waitMs);
    this.#recordedGateMs = Math.max(this.#recordedGateMs, nowMs + waitMs);
  }

  /** By an operator, or by what the log knows. Null: the break that it asked for stays as it is. */
  become(breaker: KeptFuse["breaker"], gatedMs: number | null, nowMs: number): void {
    this.#breaker.become(breaker, nowMs);
    if (gatedMs !== null) this.#gatedUntilMs = this.#recordedGateMs = gatedMs > 0 ? nowMs + gatedMs : never;
  }
}
