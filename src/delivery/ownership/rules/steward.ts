/**
 * What one instance should do now to share the work of a cluster: join, claim, let go, give away, accuse. It knows no log and no clock: whoever runs it tells
 * what happened, at which monotonic time, and does what it asks for, in any order, as often as it asks. Safety never rests on it: who may write is decided by
 * the journals' expected revisions alone.
 */
import type { Move } from "../../../records/cluster.ts";
import { movesOf } from "./balance.ts";
import { foldCluster, type StoredClusterEvent } from "./cluster-fold.ts";
import { type ClusterState, noCluster } from "./cluster-state.ts";
import { Gifts } from "./gifts.ts";
import { drainMs, type Holder, mayClaim } from "./hand-over.ts";
import { SelfFence } from "./self-fence.ts";
import { type Look, ownBackMs, Suspicion } from "./suspicion.ts";

/** One of this instance's seats, as it is now. */
export interface SeatView {
  readonly key: string;
  readonly state: "unowned" | "claiming" | "owned" | "draining";
  /** How long its longest running call runs; 0: nothing runs. */
  readonly oldestCallMs: number;
  readonly holder: Holder;
}

export type Todo =
  /** Under the id of before, whose join may still come to be stored, or, once that was lost, under a new one. */
  | { readonly kind: "join"; readonly anew: boolean }
  /** Tells the others that it is back, after it gave no sign of life for too long. */
  | { readonly kind: "return" }
  | { readonly kind: "accuse"; readonly instance: string }
  | { readonly kind: "move"; readonly moves: readonly Move[] }
  | { readonly kind: "open" | "abort"; readonly key: string }
  /** `keepIfBusy`: it is kept, and nothing is aborted, when a call does not end in time. */
  | { readonly kind: "release"; readonly key: string; readonly keepIfBusy: boolean };

/** Joins within this time count together. */
const dampingMs = 5000;

export class Steward {
  #state: ClusterState = noCluster;
  #me: string | null = null;
  /** It took part under this id. */
  #wasMember = false;
  readonly #fence: SelfFence;
  /** Since when this instance knows that a partition is its own. */
  readonly #assigned = new Map<string, number>();
  readonly #gifts = new Gifts();
  readonly #suspicion = new Suspicion();
  #silent: readonly string[] = [];
  #unevenMs: number | null = null;
  /** A state that leaves this instance nothing to give away. */
  #even: ClusterState | null = null;

  constructor(nowMs: number) {
    this.#fence = new SelfFence(nowMs);
  }

  get state(): ClusterState {
    return this.#state;
  }

  /** The id under which it takes part, or is about to; null before the first one. */
  get me(): string | null {
    return this.#me;
  }

  /** False once others may have taken over, until all was aborted and what happened meanwhile is known. */
  isHeard(nowMs: number): boolean {
    return !this.#fence.isClosed(nowMs);
  }

  /** Whether a delivery of the partition may start now. What cannot be let go of starts nothing either, until it is taken back. */
  mayStart(nowMs: number, key: string): boolean {
    return this.isHeard(nowMs) && this.#me !== null && this.#state.owners.get(key) === this.#me;
  }

  /** It is about to join under this id. */
  named(instance: string): void {
    this.#me = instance;
    this.#wasMember = false;
  }

  /** @param sentMs when an append was sent that the log has acknowledged. */
  acknowledged(sentMs: number, nowMs: number): void {
    this.#fence.acknowledged(sentMs, nowMs);
  }

  /** Events come in order, each once or more often. */
  seen(event: StoredClusterEvent, nowMs: number): void {
    if (event.revision <= this.#state.generation) return;
    this.#state = foldCluster(this.#state, event);
    const { owners } = this.#state;
    this.#wasMember ||= this.#member !== undefined;
    for (const key of this.#assigned.keys()) if (owners.get(key) !== this.#me) this.#assigned.delete(key);
    if (this.#me !== null) for (const [key, owner] of owners) if (owner === this.#me && !this.#assigned.has(key)) this.#assigned.set(key, nowMs);
    if (event.type !== "partitions.moved") return;
    this.#unevenMs = null;
    for (const move of event.data.moves) if (move.from === this.#me) this.#gifts.gave(move, this.#state);
  }

  /** `member.returned` is stored. @param sentMs when it was sent. */
  returned(sentMs: number, nowMs: number): void {
    this.#fence.returned(sentMs, nowMs);
  }

  looked(nowMs: number, look: Look): void {
    if (look.ownSentMs !== null && nowMs - look.ownSentMs <= ownBackMs) this.#fence.looked();
    this.#silent = this.#suspicion.look(nowMs, look);
  }

  /** A partition that was to move could not be let go of, because a call did not end in time. */
  kept(key: string): void {
    this.#gifts.keep(key);
  }

  /** To be asked when all that has come until now was read. */
  next(nowMs: number, seats: readonly SeatView[]): readonly Todo[] {
    const silent = this.#silent;
    this.#silent = []; // a verdict follows its look at once, or another look has to come to it
    this.#fence.judge(nowMs);
    const isHeard = this.isHeard(nowMs);
    if (!isHeard || this.#member === undefined) {
      const aborts = seats.filter(({ state }) => state !== "unowned").map(({ key }): Todo => ({ kind: "abort", key }));
      if (aborts.length === 0) this.#fence.aborted(nowMs);
      if (this.#member !== undefined) return this.#fence.isIdle ? [{ kind: "return" }] : aborts;
      this.#fence.returned(nowMs, nowMs); // there is nothing that a verdict could take from it
      return isHeard ? [...aborts, { kind: "join", anew: this.#wasMember || this.#me === null }] : aborts;
    }
    const todos: Todo[] = seats.flatMap((seat) => this.#seatTodo(nowMs, seat) ?? []);
    for (const instance of silent) if (this.#state.members.has(instance)) todos.push({ kind: "accuse", instance });
    const takenBack = this.#isActive ? this.#gifts.takenBack(this.#state, this.#me!) : [];
    const moves = takenBack.length > 0 ? takenBack : this.#step(nowMs, seats);
    if (moves.length > 0) todos.push({ kind: "move", moves });
    return todos;
  }

  get #member() {
    return this.#me === null ? undefined : this.#state.members.get(this.#me);
  }

  get #isActive(): boolean {
    return this.#member?.state === "active";
  }

  #seatTodo(nowMs: number, { key, state, holder }: SeatView): Todo | null {
    const isMine = this.#state.owners.get(key) === this.#me;
    if (isMine || state === "unowned") this.#gifts.done(key);
    if (isMine && state === "unowned" && mayClaim(nowMs, this.#assigned.get(key) ?? nowMs, holder, this.#me!, this.#state)) return { kind: "open", key };
    if (isMine || state !== "owned") return null;
    if (!this.#isActive) return { kind: "release", key, keepIfBusy: false };
    return this.#gifts.isKept(key) ? null : { kind: "release", key, keepIfBusy: this.#gifts.isGiven(key) };
  }

  /** The next step towards an even share, once it has been uneven for a while and the step before is done. */
  #step(nowMs: number, seats: readonly SeatView[]): readonly Move[] {
    if (!this.#isActive || this.#even === this.#state) return [];
    const oldest = new Map(seats.map(({ key, oldestCallMs }) => [key, oldestCallMs]));
    const moves = movesOf(this.#state, this.#me!, (key) => oldest.get(key) ?? 0);
    if (moves.length === 0) {
      if (seats.every(({ oldestCallMs }) => oldestCallMs < drainMs)) this.#even = this.#state;
      this.#unevenMs = null;
      return [];
    }
    this.#unevenMs ??= nowMs;
    return nowMs - this.#unevenMs < dampingMs || seats.some(({ state }) => state === "draining") ? [] : moves;
  }
}
