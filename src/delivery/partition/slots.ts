/**
 * The slots of one handler in this process, shared by its partitions here. A partition that finds none stands in line, so that none of them takes every slot
 * that is given back. Pure.
 */
export interface TenantCount {
  readonly name: string;
  /** Deliveries of the tenant that hold a slot, in all partitions. */
  running: number;
  /** Partitions in which the tenant has lanes that are ready or run. */
  partitions: number;
}

export class Slots {
  readonly total: number;
  /** Those that lanes hold whose last attempt failed. */
  #failing = 0;
  /** Attempts of such lanes that went well since any lane's last attempt that did not. */
  #wellInARow = 0;
  #taken = 0;
  readonly #tenants = new Map<string, TenantCount>();
  #members = 0;
  /** Members that found no slot, the first one first. */
  readonly #line: SlotShare[] = [];
  /** Members whose ready lanes may have no slot just now, although there are some. */
  readonly #watching = new Set<SlotShare>();

  constructor(total: number) {
    this.total = total;
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

  /**
   * Whether one more lane whose last attempt failed may have a slot. Such lanes hold half of the slots, one at least, so that time-outs never keep healthy lanes
   * waiting. Once as many of their attempts in a row have gone well, as in a replay after the mend, only an eighth is kept for healthy ones while none waits.
   */
  admitsFailing(healthyWaits: boolean): boolean {
    const half = Math.max(1, Math.floor(this.total / 2));
    if (this.#failing < half) return true;
    return !healthyWaits && this.#wellInARow >= half && this.#failing < this.total - Math.max(1, Math.floor(this.total / 8));
  }

  failingStarted(): void {
    this.#failing++;
  }

  /** @param wasFailing whether the lane's attempt before failed; @param isFailing whether this one did. */
  ended(wasFailing: boolean, isFailing: boolean): void {
    if (wasFailing) this.#failing--;
    if (isFailing) this.#wellInARow = 0;
    else if (wasFailing) this.#wellInARow++;
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
  wake: () => void = () => {};
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
    this.wake = () => {};
    this.slots.leave(this);
  }
}
