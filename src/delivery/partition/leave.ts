/** The leave that a handler's calls need beside a slot: what its integration says, and whether the last look ended because of it. */
import type { Permit, Permits } from "./permits.ts";

export class Leave {
  readonly #permits: Permits | null;
  #refused = false;

  /** @param permits null: the handler calls nothing that has a say. */
  constructor(permits: Permits | null) {
    this.#permits = permits;
  }

  /** The last look ended because the integration let nothing more through. */
  get wasRefused(): boolean {
    return this.#refused;
  }

  mayBegin(nowMs: number): boolean {
    if (this.#permits === null) return true;
    this.#refused = !this.#permits.mayBegin(nowMs);
    return !this.#refused;
  }

  /** After `mayBegin` refused, although a call is ready. */
  want(): void {
    this.#permits?.want();
  }

  begin(nowMs: number): Permit | null {
    return this.#permits?.begin(nowMs) ?? null;
  }

  end(permit: Permit | null): void {
    if (permit !== null) this.#permits!.end(permit);
  }

  looking(): void {
    this.#refused = false;
  }

  /** What could begin has begun. */
  looked(): void {
    if (!this.#refused) this.#permits?.idle();
  }

  /** Monotonic time at which more may begin; null: it is told. */
  nextMs(): number | null {
    return this.#permits?.nextMs() ?? null;
  }
}
