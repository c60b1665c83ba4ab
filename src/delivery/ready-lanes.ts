/** Which ready lane gets the next slot: tenants in turn, within a tenant lanes in turn, priority first (DELIVERY §2). Pure. */
import { type Priority, priorities } from "../event/event.ts";
import { Fifo } from "./fifo.ts";

/** What the scheduler has to know of a lane. It keeps `queued` and the counts itself. */
export interface Schedulable {
  readonly tenant: string;
  /** Its last attempt failed. */
  failing: boolean;
  /** Waits here. */
  queued: boolean;
  /** Priority of the event that is next. */
  priority(): Priority;
}

interface Tenant<L> {
  readonly healthy: readonly Fifo<L>[];
  readonly failing: readonly Fifo<L>[];
  /** Whose turn it is, so that neither kind waits for the other. */
  failingNext: boolean;
  ready: number;
}

const highestFirst = [...priorities].reverse();
const levels = <L>(): readonly Fifo<L>[] => highestFirst.map(() => new Fifo<L>());

export class ReadyLanes<L extends Schedulable> {
  readonly #slots: number;
  /** In the order of their turns. */
  readonly #tenants = new Map<string, Tenant<L>>();
  readonly #runningOf = new Map<string, number>();
  #runningFailing = 0;
  /** Slots that failing lanes may hold: half, so that time-outs never keep healthy lanes waiting, but one at least. */
  readonly #failingSlots: number;
  readonly #tenantSlots: number;

  constructor(slots: number) {
    this.#slots = slots;
    this.#failingSlots = Math.max(1, Math.floor(slots / 2));
    this.#tenantSlots = Math.max(1, Math.floor(slots / 2));
  }

  add(lane: L): void {
    if (lane.queued) return;
    lane.queued = true;
    let tenant = this.#tenants.get(lane.tenant);
    if (tenant === undefined) this.#tenants.set(lane.tenant, (tenant = { healthy: levels(), failing: levels(), failingNext: false, ready: 0 }));
    (lane.failing ? tenant.failing : tenant.healthy)[highestFirst.indexOf(lane.priority())]!.push(lane);
    tenant.ready++;
  }

  /** Takes the lane whose turn it is out, or nothing when none is ready or may have a slot. `started` says that it took one. */
  pick(): L | undefined {
    // A tenant gets more than half of the slots only while no other tenant's lane waits.
    return this.#pickFrom((name) => (this.#runningOf.get(name) ?? 0) < this.#tenantSlots) ?? this.#pickFrom(() => true);
  }

  started(lane: L): void {
    this.#runningOf.set(lane.tenant, (this.#runningOf.get(lane.tenant) ?? 0) + 1);
    if (lane.failing) this.#runningFailing++;
  }

  /** @param wasFailing as it was when it started. */
  ended(lane: L, wasFailing: boolean): void {
    const left = (this.#runningOf.get(lane.tenant) ?? 1) - 1;
    if (left > 0) this.#runningOf.set(lane.tenant, left);
    else this.#runningOf.delete(lane.tenant);
    if (wasFailing) this.#runningFailing--;
  }

  #pickFrom(allowed: (tenant: string) => boolean): L | undefined {
    const failingMay = this.#slots === 1 || this.#runningFailing < this.#failingSlots;
    for (const [name, tenant] of this.#tenants) {
      if (!allowed(name)) continue;
      const failing = failingMay ? tenant.failing.find((level) => level.length > 0) : undefined;
      const healthy = tenant.healthy.find((level) => level.length > 0);
      const level = tenant.failingNext ? (failing ?? healthy) : (healthy ?? failing);
      if (level === undefined) continue;
      const lane = level.shift()!;
      lane.queued = false;
      tenant.ready--;
      tenant.failingNext = level !== failing;
      this.#tenants.delete(name); // its turn is over: to the end of the line
      if (tenant.ready > 0) this.#tenants.set(name, tenant);
      return lane;
    }
    return undefined;
  }
}
