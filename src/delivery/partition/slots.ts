/**
 * The slots of one handler in this process, shared by its partitions here. A partition that finds none stands in line, so that none of them takes every slot
 * that is given back. Pure.
 */
import { FailingSlots } from "./failing-slots.ts";

const nothing = (): void => {};

export interface TenantCount {
  readonly name: string;
  /** Deliveries of the tenant that hold a slot, in all partitions. */
  running: number;
  /** Partitions in which the tenant has lanes that are ready or run. */
  partitions: number;
}

export class Slots {
  readonly total: number;
  readonly failing: FailingSlots;
  #taken = 0;
  readonly #tenants = new Map<string, TenantCount>();
  #members = 0;
  /** Members that found no slot, the first one first. */
  readonly #line: SlotShare[] = [];
  /** Members whose ready lanes may have no slot just now, although there are some. */
  readonly #watching = new Set<SlotShare>();

  constructor(total: number) {
    this.total = total;
    this.failing = new FailingSlots(total);
  }

  join(): SlotShare {
    this.#members++;
    return new SlotShare(this);
  }

  leave(member: SlotShare): void {
    this.#members--;
    this.#watching.delete(member);
    this.leaveLine(member);
  }

  /** To be called once a partition for each tenant that has lanes there, until `forgetTenant`. */
  tenant(name: string): TenantCount {
    let count = this.#tenants.get(name);
    if (count === undefined) this.#tenants.set(name, (count = { name, running: 0, partitions: 0 }));
    count.partitions++;
    return count;
  }

  forgetTenant(count: TenantCount): void {
    if (--count.partitions === 0) this.#tenants.delete(count.name);
  }

  get free(): number {
    return this.total - this.#taken;
  }

  /** Whether a member may take a slot; otherwise it stands in line. */
  admits(member: SlotShare): boolean {
    if (this.#members === 1) return this.#taken < this.total;
    const place = this.#line.indexOf(member);
    if (this.free > (place === -1 ? this.#line.length : place)) return true;
    if (place === -1) this.#line.push(member);
    return false;
  }

  take(member: SlotShare): void {
    this.#taken++;
    if (this.#line.length > 0) this.leaveLine(member, false);
  }

  give(): void {
    this.#taken--;
    this.#wake();
    if (this.#watching.size === 0) return;
    const watching = [...this.#watching];
    this.#watching.clear();
    for (const member of watching) member.wake();
  }

  /** The member is told when a slot was given back, whoever stands in line. */
  watch(member: SlotShare): void {
    if (this.#members > 1) this.#watching.add(member);
  }

  leaveLine(member: SlotShare, wakes = true): void {
    const place = this.#line.indexOf(member);
    if (place === -1) return;
    this.#line.splice(place, 1);
    if (wakes) this.#wake();
  }

  /** Those for whom there is a slot look again. */
  #wake(): void {
    for (let place = 0; place < Math.min(this.#line.length, this.free); place++) this.#line[place]!.wake();
  }
}

/** One partition's part in the slots. */
export class SlotShare {
  readonly slots: Slots;
  /** Has the partition look again, in another turn of the event loop. */
  wake: () => void = nothing;
  #taken = 0;
  #left = false;

  constructor(slots: Slots) {
    this.slots = slots;
  }

  /** Slots that this partition holds. */
  get taken(): number {
    return this.#taken;
  }

  mayTake(): boolean {
    return this.slots.admits(this);
  }

  take(): void {
    this.#taken++;
    this.slots.take(this);
  }

  give(): void {
    this.#taken--;
    this.slots.give();
  }

  /** The partition starts nothing now: whoever stands behind it in line comes first. @param waits it has ready lanes that may have no slot yet. */
  idle(waits: boolean): void {
    this.slots.leaveLine(this);
    if (waits) this.slots.watch(this);
  }

  /** The partition is gone from here. Slots that its calls still hold are given back as these end. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.wake = nothing;
    this.slots.leave(this);
  }
}
