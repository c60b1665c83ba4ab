/** Which ready lane gets the next slot: tenants in turn, within a tenant lanes in turn, priority first (docs/rules.md, Lanes). Pure. */
import { type Priority, priorities } from "../../event/event.ts";
import { Fifo } from "./fifo.ts";
import { Slots, type TenantCount } from "./slots.ts";

/** What the scheduler has to know of a lane. It keeps `queued` and the counts itself. */
export interface Schedulable {
  readonly tenant: string;
  /** Its last attempt failed. */
  failing: boolean;
  /** Waits here. */
  queued: boolean;
}

interface Tenant<L> {
  readonly name: string;
  /** By priority, the highest first. */
  readonly healthy: readonly Fifo<L>[];
  readonly failing: readonly Fifo<L>[];
  /** Whose turn it is, so that neither kind waits for the other. */
  failingNext: boolean;
  ready: number;
  /** Here, and in all partitions. */
  running: number;
  readonly count: TenantCount;
}

const highestFirst = [...priorities].reverse();
const levels = <L>(): readonly Fifo<L>[] => highestFirst.map(() => new Fifo<L>());

export class ReadyLanes<L extends Schedulable> {
  readonly #slots: Slots;
  /** Of the event that the lane starts next. */
  readonly #priorityOf: (lane: L) => Priority;
  /** Those with lanes that are ready or run. */
  readonly #tenants = new Map<string, Tenant<L>>();
  /** The one that was asked for last: mostly it is asked for again. */
  #last: Tenant<L> | null = null;
  /** Those with lanes that are ready, in the order of their turns. */
  readonly #turns = new Set<Tenant<L>>();
  readonly #tenantSlots: number;
  #size = 0;
  /** Lanes that are ready and whose last attempt did not fail. */
  #healthy = 0;

  /** @param slots or their number, where nobody shares them. */
  constructor(slots: Slots | number, priorityOf: (lane: L) => Priority) {
    this.#slots = typeof slots === "number" ? new Slots(slots) : slots;
    this.#priorityOf = priorityOf;
    this.#tenantSlots = Math.max(1, Math.floor(this.#slots.total / 2));
  }

  add(lane: L): void {
    if (lane.queued) return;
    lane.queued = true;
    const tenant = this.#tenantOf(lane.tenant);
    (lane.failing ? tenant.failing : tenant.healthy)[highestFirst.indexOf(this.#priorityOf(lane))]!.push(lane);
    if (!lane.failing) this.#healthy++;
    this.#size++;
    if (tenant.ready++ === 0) this.#turns.add(tenant);
  }

  get size(): number {
    return this.#size;
  }

  /** Takes the lane whose turn it is out, or nothing when none is ready or may have a slot. `started` says that it took one. */
  pick(): L | undefined {
    // A tenant gets more than half of the slots only while no other tenant's lane waits.
    return this.#pickOf(this.#tenantSlots) ?? this.#pickOf(Number.POSITIVE_INFINITY);
  }

  /** Lanes that come next, about in the order of their turns, whether they may have a slot now or not: at most so many of each tenant's part. They stay. */
  *upcoming(lanes: number): Iterable<L> {
    const ofEach = Math.ceil(lanes / Math.max(1, this.#turns.size));
    for (const { failing, healthy } of this.#turns)
      for (const level of [...failing, ...healthy]) for (let place = 0; place < Math.min(ofEach, level.length); place++) yield level.at(place)!;
  }

  started(lane: L): void {
    const tenant = this.#tenantOf(lane.tenant);
    tenant.running++;
    tenant.count.running++;
    if (lane.failing) this.#slots.failing.take();
  }

  /** @param wasFailing as it was when it started. */
  ended(lane: L, wasFailing: boolean): void {
    const tenant = this.#tenantOf(lane.tenant);
    tenant.running--;
    tenant.count.running--;
    if (tenant.running === 0 && tenant.ready === 0) {
      this.#tenants.delete(tenant.name);
      this.#slots.forgetTenant(tenant.count);
      this.#last = null;
    }
    this.#slots.failing.ended(wasFailing, lane.failing);
  }

  #tenantOf(name: string): Tenant<L> {
    if (this.#last?.name === name) return this.#last;
    let tenant = this.#tenants.get(name);
    if (tenant === undefined) {
      tenant = { name, healthy: levels(), failing: levels(), failingNext: false, ready: 0, running: 0, count: this.#slots.tenant(name) };
      this.#tenants.set(name, tenant);
    }
    this.#last = tenant;
    return tenant;
  }

  /** @param running lanes that a tenant has at work already and gets none more. */
  #pickOf(running: number): L | undefined {
    const failingMay = this.#slots.failing.admits(this.#healthy > 0);
    for (const tenant of this.#turns) {
      if (tenant.count.running >= running) continue;
      const failing = failingMay ? firstOf(tenant.failing) : undefined;
      const healthy = firstOf(tenant.healthy);
      const level = tenant.failingNext ? (failing ?? healthy) : (healthy ?? failing);
      if (level === undefined) continue;
      const lane = level.shift()!;
      lane.queued = false;
      if (level === healthy) this.#healthy--;
      this.#size--;
      tenant.failingNext = level !== failing;
      if (--tenant.ready === 0) this.#turns.delete(tenant);
      else if (this.#turns.size > 1) {
        this.#turns.delete(tenant); // its turn is over: to the end of the line
        this.#turns.add(tenant);
      }
      return lane;
    }
    return undefined;
  }
}

function firstOf<L>(levels: readonly Fifo<L>[]): Fifo<L> | undefined {
  for (const level of levels) if (level.length > 0) return level;
  return undefined;
}
