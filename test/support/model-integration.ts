/** What the handler of the random model calls: a real `Integration` around which a receiver is up, down, or asks for breaks. It keeps its own account of what went out. */
import type { IntegrationChange } from "../../src/delivery/integrations/fuse.ts";
import { Integration, type Member } from "../../src/delivery/integrations/integration.ts";
import type { Delivery } from "../../src/delivery/partition/delivery.ts";

const spec = { name: "bank", concurrency: 2, breaker: { failures: 2, withinMs: 5000, coolDownMs: 3000 }, perSecond: 50 };

interface Kept {
  readonly change: IntegrationChange;
  readonly atMs: number;
}

export class ModelIntegration {
  readonly broken: string[] = [];
  /** The receiver fails each call. */
  isDown = false;
  opened = 0;
  gated = 0;
  #integration!: Integration;
  member!: Member;
  /** What is on record: the last change of the breaker, and the last break, each with its time. */
  #breaker: Kept | null = null;
  #break: Kept | null = null;
  #trials = new Set<Delivery>();
  /** Monotonic times before which nothing may go out, by our own account. */
  #openUntilMs = 0;
  #gatedUntilMs = 0;
  #nowMs = 0;

  /** The process begins, with what is on record. */
  open(nowMs: number): void {
    this.#trials.clear();
    this.#integration = new Integration(spec, (change) => this.#changed(change));
    const left = ({ change, atMs }: Kept) => (!("waitMs" in change) ? 0 : Math.max(0, atMs + change.waitMs - nowMs));
    const breaker = this.#breaker;
    const open = breaker?.change.kind === "opened" ? { kind: "open" as const, waitMs: left(breaker), coolDownMs: breaker.change.coolDownMs } : null;
    const gatedMs = this.#break === null ? 0 : left(this.#break);
    this.#integration.fuse.become(open ?? { kind: "closed" }, gatedMs, nowMs);
    this.#gatedUntilMs = nowMs + gatedMs; // a break that was a moment longer than the one on record is not recorded
    this.member = this.#integration.join();
  }

  look(nowMs: number): void {
    this.#nowMs = nowMs;
    this.member.look(nowMs);
  }

  /** Before a call goes out. @returns whether it may. */
  goesOut(delivery: Delivery, nowMs: number): boolean {
    this.#nowMs = nowMs;
    const permit = delivery.permit!;
    if (!this.#integration.fuse.isGood(permit, nowMs)) return false;
    if (nowMs < this.#gatedUntilMs) this.broken.push(`a call went out at ${nowMs}, in a break until ${this.#gatedUntilMs}`);
    if (nowMs < this.#openUntilMs) this.broken.push(`a call went out at ${nowMs}, and the breaker is open until ${this.#openUntilMs}`);
    if (permit.isTrial) {
      this.#trials = new Set([...this.#trials].filter((trial) => trial.lane.running === trial && !trial.concluded));
      this.#trials.add(delivery);
      if (this.#trials.size > 1) this.broken.push("two trials at once");
    }
    return true;
  }

  answered({ permit }: Delivery, nowMs: number): void {
    this.#nowMs = nowMs;
    const before = this.#integration.fuse.at(nowMs).state;
    this.#integration.fuse.told(permit!, "answered", nowMs, "default");
    const after = this.#integration.fuse.at(nowMs).state;
    if (before !== after && !permit!.isTrial) this.broken.push(`a call that is no trial took it from ${before} to ${after}`);
    if (before !== after) this.#openUntilMs = 0;
  }

  /** @returns milliseconds to wait when the failure is the integration's; null: it is the delivery's own. */
  failed({ permit }: Delivery, nowMs: number): number | null {
    this.#nowMs = nowMs;
    const { state } = this.#integration.fuse.at(nowMs);
    const isIts = this.#integration.fuse.told(permit!, "failed", nowMs, "default");
    if (!isIts && state !== "closed") this.broken.push(`a failure while it was ${state} uses an attempt`);
    return isIts ? this.#integration.fuse.leftMs(nowMs) + 100 : null;
  }

  busy({ permit }: Delivery, waitMs: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#gatedUntilMs = Math.max(this.#gatedUntilMs, nowMs + waitMs);
    this.gated++;
    this.#integration.fuse.busy(permit!, waitMs, nowMs);
  }

  #changed(change: IntegrationChange): void {
    if (change.kind === "gated") this.#break = { change, atMs: this.#nowMs };
    else this.#breaker = { change, atMs: this.#nowMs };
    if (change.kind !== "opened") return;
    this.opened++;
    this.#openUntilMs = this.#nowMs + change.waitMs;
  }
}
