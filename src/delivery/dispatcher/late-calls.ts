import type { Clock } from "../../event/clock.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { Delivery } from "../partition/delivery.ts";
import type { Partition } from "../partition/partition.ts";
import type { Pump } from "./pump.ts";
import { tellLate } from "./tell-late.ts";

export interface LateCallsNeeds {
  readonly spec: HandlerSpec;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  readonly partition: Partition;
  readonly pump: Pump;
}

/** After its time-out a call that goes on gives its slot back after this. */
const stuckMs = 5000;

/** Calls that go on although their time-out is over. */
export class LateCalls {
  readonly #needs: LateCallsNeeds;
  readonly #late = new Map<Delivery, { cancel(): void }>();

  constructor(needs: LateCallsNeeds) {
    this.#needs = needs;
  }

  has(delivery: Delivery): boolean {
    return this.#late.has(delivery);
  }

  add(delivery: Delivery): void {
    const { clock, pump } = this.#needs;
    this.#late.set(
      delivery,
      clock.after(stuckMs, () => this.#giveBack(delivery)),
    );
    pump.soon();
  }

  /** It has ended. */
  remove(delivery: Delivery): void {
    if (this.#late.size === 0) return;
    this.#late.get(delivery)?.cancel();
    this.#late.delete(delivery);
  }

  #giveBack(delivery: Delivery): void {
    const { spec, logger, partition, pump } = this.#needs;
    tellLate(logger, spec.name, delivery);
    partition.schedule.giveBackSlot(delivery);
    pump.now();
  }
}
