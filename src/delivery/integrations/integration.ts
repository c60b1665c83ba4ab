/**
 * What several handlers call and share: a bank, a model's API. Its fuse, its slots and its rate bind all of them. Pure: time is told. Handlers that have to wait
 * stand in line, so that none of them takes each turn.
 */
import type { IntegrationSpec } from "../integration-spec.ts";
import { Pace } from "../partition/pace.ts";
import type { Permit, Permits } from "../partition/permits.ts";
import { Fuse, type IntegrationChange } from "./fuse.ts";

/** Whoever stands behind another looks again after this, should nobody tell it. */
const lineMs = 10;
const nothing = (): void => {};

export class Integration {
  readonly spec: IntegrationSpec;
  readonly fuse: Fuse;
  readonly #pace: Pace | null;
  readonly #members = new Set<Member>();
  /** Members that were refused, the first one first. */
  readonly #line: Member[] = [];
  readonly #onWanted: (() => void) | null;
  #begun = 0;

  /** @param onWanted told when a call waits that might be a trial; null: this process calls the integration alone, and makes trials as it likes. */
  constructor(spec: IntegrationSpec, changed: (change: IntegrationChange) => void = () => {}, onWanted: (() => void) | null = null) {
    this.spec = spec;
    this.#onWanted = onWanted;
    const tell = (change: IntegrationChange) => {
      changed(change);
      this.wake();
    };
    this.fuse = new Fuse(spec.breaker, tell, onWanted !== null);
    this.#pace = spec.perSecond === null ? null : new Pace(spec.perSecond, 0);
  }

  get isUsed(): boolean {
    return this.#members.size > 0;
  }

  /** One handler's part in it. */
  join(): Member {
    const member = new Member(this);
    this.#members.add(member);
    return member;
  }

  leave(member: Member): void {
    this.#members.delete(member);
    this.leaveLine(member);
  }

  /** Whether a member may begin a call; otherwise it stands in line. */
  admits(member: Member, nowMs: number): boolean {
    const place = this.#line.indexOf(member);
    if (this.#room(nowMs) > (place === -1 ? this.#line.length : place)) return true;
    if (place === -1) this.#line.push(member);
    return false;
  }

  /** A call waits that might be a trial. */
  want(): void {
    this.#onWanted?.();
  }

  begin(member: Member, nowMs: number): Permit {
    const place = this.#line.indexOf(member);
    if (place !== -1) this.#line.splice(place, 1);
    this.#pace?.take(nowMs);
    this.#begun++;
    return this.fuse.begin(nowMs);
  }

  end(permit: Permit): void {
    this.#begun--;
    this.fuse.end(permit);
    this.wake();
  }

  /** When a member that stands in line may be let in; null: it is told. */
  nextMs(lookedMs: number): number | null {
    const fuseMs = this.fuse.nextMs(lookedMs);
    if (fuseMs === null || this.#freeSlots() <= 0) return null;
    return Math.max(lookedMs + lineMs, fuseMs, this.#pace?.nextMs() ?? 0);
  }

  leaveLine(member: Member): void {
    const place = this.#line.indexOf(member);
    if (place === -1) return;
    this.#line.splice(place, 1);
    this.wake();
  }

  /** Those who stand in line look again. */
  wake(): void {
    for (const member of this.#line) member.wake();
  }

  #freeSlots(): number {
    return (this.spec.concurrency ?? Number.POSITIVE_INFINITY) - this.#begun;
  }

  #room(nowMs: number): number {
    const paced = this.#pace === null ? Number.POSITIVE_INFINITY : Number((this.#pace.nextMs() ?? 0) <= nowMs);
    return Math.min(this.fuse.room(nowMs), this.#freeSlots(), paced);
  }
}

/** One handler's part in an integration. */
export class Member implements Permits {
  readonly integration: Integration;
  /** Has the handler look again, in another turn of the event loop. */
  wake: () => void = nothing;
  /** As of the last look, so that all that one look does goes by the same answer. */
  #isShut = false;
  #lookedMs = 0;
  /** It stands in line since the last look. */
  #refused = false;

  constructor(integration: Integration) {
    this.integration = integration;
  }

  /** Nothing of the handler can start, for as long as its integration is down. */
  get isShut(): boolean {
    return this.#isShut;
  }

  look(nowMs: number): void {
    this.#isShut = this.integration.fuse.room(nowMs) === 0;
  }

  mayBegin(nowMs: number): boolean {
    this.#lookedMs = nowMs;
    const admitted = this.integration.admits(this, nowMs) && !this.#isShut;
    this.#refused = !admitted;
    return admitted;
  }

  begin(nowMs: number): Permit {
    return this.integration.begin(this, nowMs);
  }

  end(permit: Permit): void {
    this.integration.end(permit);
  }

  want(): void {
    this.integration.want();
  }

  idle(): void {
    this.#refused = false;
    this.integration.leaveLine(this);
  }

  nextMs(): number | null {
    return this.#refused ? this.integration.nextMs(this.#lookedMs) : null;
  }

  leave(): void {
    this.wake = nothing;
    this.integration.leave(this);
  }
}
