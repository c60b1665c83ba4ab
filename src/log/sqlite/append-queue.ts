import type { Clock } from "../../event/clock.ts";
import { FairLine } from "../../event/fair-line.ts";
import { ownTenant } from "../../event/names.ts";
import { SharedRoom } from "../../event/shared-room.ts";
import { severalAsk } from "../../event/turns.ts";
import { tooManyWait } from "../too-many-wait.ts";
import { AwaitedTenants } from "./awaited-tenants.ts";
import type { Waiting } from "./group.ts";
import type { SqliteLogLimits } from "./limits.ts";

/** Appends that wait for a commit, and which of them share the next one. */
export class AppendQueue {
  readonly #limits: SqliteLogLimits;
  readonly #clock: Clock;
  readonly #line = new FairLine<Waiting>();
  readonly #room: SharedRoom;
  readonly #awaited = new AwaitedTenants();
  #events = 0;
  /** Appends with times of their own: a copy, which counts on the order in which they were made. */
  #copied = 0;

  constructor(limits: SqliteLogLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#room = new SharedRoom({ count: limits.queuedAppends, bytes: limits.queuedBytes });
  }

  get size(): number {
    return this.#line.size;
  }

  /** Makes room for an append that is to be pushed. @throws LOG_UNAVAILABLE */
  admit({ tenant, bytes }: Waiting["append"]): void {
    const full = this.#room.take(tenant, bytes);
    if (full !== null) throw tooManyWait(full);
  }

  push(waiting: Waiting): void {
    const { tenant, events, recordedAt } = waiting.append;
    this.#events += events.length;
    if (recordedAt !== null) this.#copied++;
    this.#line.push(tenant, waiting);
  }

  /** For how long the next group is to wait for others. Reprise itself writes for all tenants, and waits with whoever is there. */
  patienceMs(): number {
    const tenant = severalAsk() && this.#copied === 0 ? this.#line.onlyOwner(ownTenant) : undefined;
    return tenant === undefined ? 0 : this.#awaited.patienceMs(tenant, this.#events, this.#clock.monotonicMs());
  }

  /** Takes the next group, in the order of the calls. */
  take(): readonly Waiting[] {
    const most = this.#mostEvents();
    const group: Waiting[] = [];
    let events = 0;
    let bytes = 0;
    for (let next = this.#line.first(); next !== undefined; next = this.#line.first()) {
      const { append } = next;
      events += append.events.length;
      bytes += append.bytes;
      if (group.length > 0 && (events > most || bytes > this.#limits.groupBytes)) break;
      group.push(this.#line.shift(append.events.length)!);
      this.#room.give(append.tenant, append.bytes);
      this.#events -= append.events.length;
      if (append.recordedAt !== null) this.#copied--;
    }
    return group.sort((one, other) => one.place - other.place);
  }

  answered(group: readonly Waiting[]): void {
    this.#awaited.answered(group, this.#clock.monotonicMs());
  }

  /** What one tenant stores holds up the others that wait, and those that ask while it is synced. Reprise itself is none: it writes for all of them. */
  #mostEvents(): number {
    const tenants = this.#line.owners - Math.min(1, this.#line.waitingOf(ownTenant));
    const { sharedGroupEvents, groupEvents } = this.#limits;
    return (tenants > 1 || severalAsk()) && this.#copied === 0 ? sharedGroupEvents : groupEvents;
  }
}
