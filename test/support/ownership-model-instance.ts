/** One instance of the random world: it runs the real `Steward`, with a network that holds and loses, and delivers what its seats have. */

import { partitionKey } from "../../src/delivery/ownership/rules/cluster-state.ts";
import type { Holder } from "../../src/delivery/ownership/rules/hand-over.ts";
import { drainMs } from "../../src/delivery/ownership/rules/hand-over.ts";
import { type SeatView, Steward, type Todo } from "../../src/delivery/ownership/rules/steward.ts";
import { freshMs } from "../../src/delivery/ownership/rules/suspicion.ts";
import type { ClusterEvent } from "../../src/records/cluster.ts";
import { type JournalRecord, type LogView, lanesPerPartition, type Outcome, type Someone, tickMs, type WorldOfInstances } from "./ownership-model-world.ts";

const beatMs = 3000;
/** What is not answered by then counts as failed, and may arrive later all the same. */
const patienceMs = 5000;
const maxUnflushed = 64;

interface Call {
  readonly lane: number;
  readonly revision: number;
  readonly startMs: number;
  readonly endMs: number;
}

interface Seat {
  readonly key: string;
  state: SeatView["state"];
  epoch: number;
  /** Of the journal's last record that it knows. */
  revision: number;
  /** The next revision of each lane: to be called, and to be on record. */
  next: number[];
  calls: Call[];
  done: Outcome[];
  flush: JournalRecord | null;
  asking: boolean;
  drainUntilMs: number;
  keepIfBusy: boolean;
  holder: Holder;
}

export class ModelInstance implements Someone {
  readonly life: string;
  readonly partitions: ReadonlyMap<string, number>;
  wallOffsetMs = 0;
  isStopping = false;
  isDead = false;
  /** Since when it is cut off. */
  cutMs: number | null = null;
  readonly #world: WorldOfInstances;
  readonly #offsetMs: number;
  readonly #steward: Steward;
  readonly #seats: Seat[];
  #frozenUntilMs = 0;
  #cutUntilMs = 0;
  /** What a node that is cut off from the others still shows; null: the instance reaches none. */
  #stale: LogView | null = null;
  #nextBeatMs = 0;
  #own = { count: 0, sentMs: Number.NEGATIVE_INFINITY };
  #looking = false;
  #appending = false;
  #names = 0;
  #stopByMs = Number.POSITIVE_INFINITY;

  constructor(world: WorldOfInstances, life: string, partitions: ReadonlyMap<string, number>) {
    this.#world = world;
    this.life = life;
    this.partitions = partitions;
    this.#offsetMs = Math.floor(world.random() * 1e6);
    this.wallOffsetMs = (world.random() - 0.5) * 7_200_000;
    this.#steward = new Steward(this.#mono);
    const keys = Array.from(partitions).flatMap(([handler, of]) => Array.from({ length: of }, (_, n) => partitionKey(handler, of, n)));
    this.#seats = keys.map((key) => ({
      ...{ key, state: "unowned" as const, epoch: -1, revision: -1, next: [], calls: [], done: [], flush: null, asking: false },
      ...{ drainUntilMs: 0, keepIfBusy: false, holder: { instance: null, sinceMs: this.#mono } },
    }));
  }

  get #mono(): number {
    return this.#world.nowMs + this.#offsetMs;
  }

  /** Its id as a member; null: it has none yet. */
  get name(): string | null {
    return this.#steward.me;
  }

  get #isFrozen(): boolean {
    return this.#world.nowMs < this.#frozenUntilMs;
  }

  get hasLongCall(): boolean {
    return this.#seats.some(({ calls }) => calls.some(({ startMs, endMs }) => endMs - startMs > 5000));
  }

  owns(key: string): boolean {
    return this.#seats.some((seat) => seat.key === key && (seat.state === "owned" || seat.state === "draining"));
  }

  kill(): void {
    this.isDead = true;
  }

  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.#stopByMs = this.#world.nowMs + 10_000;
  }

  freeze(ms: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#world.nowMs + ms);
  }

  cut(ms: number, what: "all" | "writes"): void {
    if (this.cutMs !== null) return;
    this.cutMs = this.#world.nowMs;
    this.#cutUntilMs = this.#world.nowMs + ms;
    const { cluster, beats, journals, holders } = this.#world;
    this.#stale =
      what === "all"
        ? null
        : {
            ...{ cluster: [...cluster], beats: new Map(beats), holders: new Map(holders) },
            journals: new Map(Array.from(journals, ([key, journal]) => [key, [...journal]])),
          };
  }

  heal(): void {
    this.#frozenUntilMs = 0;
    this.cutMs = null;
    this.#stale = null;
  }

  step(): void {
    if (this.isDead || this.#isFrozen) return;
    if (this.cutMs !== null && this.#world.nowMs >= this.#cutUntilMs) this.heal();
    if (this.isStopping && this.#world.nowMs > this.#stopByMs) {
      this.isDead = true;
      return;
    }
    this.#beat();
    this.#look();
    const views = this.#seats.map(({ key, state, calls, holder }): SeatView => {
      const oldestCallMs = calls.reduce((most, { startMs }) => Math.max(most, this.#world.nowMs - startMs), 0);
      return { key, state, oldestCallMs, holder };
    });
    if (this.isStopping) this.#leave();
    for (const todo of this.#steward.next(this.#mono, views)) this.#do(todo);
    for (const seat of this.#seats) if (seat.state === "owned" || seat.state === "draining") this.#deliver(seat);
  }

  /** Asks the log. The answer is lost when the process is gone; null: none came in time. */
  #ask<T>(kind: "read" | "write", ask: (view: LogView) => T, done: (answer: T | null) => void, patience = patienceMs): void {
    let waits = true;
    const answer = (value: T | null) => {
      if (this.isDead) return true;
      if (this.#isFrozen) return false;
      if (waits) done(value);
      waits = false;
      return true;
    };
    const arrive = () => {
      if (this.cutMs !== null && (kind === "write" || this.#stale === null)) return this.#world.random() < 0.05; // lost on the way, or held for longer
      const value = ask(kind === "read" && this.#stale !== null ? this.#stale : this.#world);
      if (this.#world.isQuiet || this.#world.random() < 0.85) answer(value);
      else this.#world.later(tickMs * Math.ceil(this.#world.random() * 3), () => (this.cutMs === null ? answer(value) : answer(null)));
      return true;
    };
    if (this.cutMs === null && (this.#world.isQuiet || this.#world.random() < 0.8)) arrive();
    else {
      this.#world.later(tickMs * Math.ceil(this.#world.random() * 2), arrive);
      this.#world.later(patience, () => answer(null));
    }
    if (waits && this.cutMs === null) this.#world.later(patience, () => answer(null));
  }

  #beat(): void {
    if (this.#mono < this.#nextBeatMs) return;
    const sentMs = this.#mono;
    this.#nextBeatMs = sentMs + beatMs;
    this.#ask(
      "write",
      () => this.#world.beaten(this.life),
      (count) => {
        if (count === null) return;
        if (sentMs > this.#own.sentMs) this.#own = { count, sentMs };
        this.#steward.acknowledged(sentMs, this.#mono);
      },
      10_000,
    );
    if (this.#world.options.mutant === "no_self_fence") this.#steward.acknowledged(this.#mono, sentMs);
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    const begunMs = this.#mono;
    const from = this.#steward.state.generation + 1;
    this.#ask(
      "read",
      ({ cluster, beats, holders }) => {
        const seen = this.#seats.map(({ key }) => holders.get(key) ?? null);
        return { news: cluster.slice(from), beats: new Map(beats), own: beats.get(this.life) ?? 0, holders: seen };
      },
      (seen) => {
        this.#looking = false;
        if (seen === null) return;
        const isFresh = this.#mono - begunMs <= freshMs;
        for (const event of seen.news) this.#steward.seen(event, this.#mono);
        const others = [...this.#steward.state.members.values()].filter(({ life }) => life !== this.life);
        const beats = new Map(others.map(({ instance, life }) => [instance, seen.beats.get(life) ?? 0]));
        const isBack = seen.own >= this.#own.count;
        const ownSentMs = this.#world.options.mutant === "no_own_beat" ? this.#mono : isBack ? this.#own.sentMs : null;
        if (isFresh) this.#steward.looked(this.#mono, { ownSentMs, beats });
        for (const [index, holder] of seen.holders.entries()) {
          const seat = this.#seats[index]!;
          if (seat.holder.instance !== holder) seat.holder = { instance: holder, sinceMs: this.#mono };
        }
      },
    );
  }

  #leave(): void {
    const { me, state } = this.#steward;
    const member = me === null ? undefined : state.members.get(me);
    if (member === undefined) this.isDead = this.#seats.every((seat) => seat.state === "unowned");
    else if (member.state === "active") this.#append({ type: "member.draining", data: { instance: me!, by: me! } });
    else if (this.#seats.every((seat) => seat.state === "unowned"))
      this.#append({ type: "member.left", data: { instance: me!, by: me!, why: "clean" } }, (stored) => {
        this.isDead ||= stored;
      });
  }

  #append(event: ClusterEvent, done: (stored: boolean) => void = () => {}): void {
    if (this.#appending) return;
    this.#appending = true;
    const expected = this.#steward.state.generation;
    this.#ask(
      "write",
      () => this.#world.appendCluster(this, event, expected),
      (stored) => {
        this.#appending = false;
        done(stored === true);
      },
    );
  }

  #do(todo: Todo): void {
    if (todo.kind === "join") this.#join(todo.anew);
    else if (todo.kind === "return") this.#return();
    else if (todo.kind === "accuse" || todo.kind === "move") this.#tell(todo);
    else {
      const seat = this.#seats.find(({ key }) => key === todo.key)!;
      if (todo.kind === "open") this.#open(seat);
      else if (todo.kind === "abort") this.#abort(seat, "fenced");
      else if (todo.kind === "release") Object.assign(seat, { state: "draining", drainUntilMs: this.#mono + drainMs, keepIfBusy: todo.keepIfBusy });
    }
  }

  #tell(todo: Extract<Todo, { kind: "accuse" | "move" }>): void {
    const { me, state } = this.#steward;
    if (todo.kind === "move") this.#append({ type: "partitions.moved", data: { by: me!, moves: todo.moves } });
    else {
      if (!this.#appending) this.#world.accused(this, state.members.get(todo.instance)!.life);
      this.#append({ type: "member.left", data: { instance: todo.instance, by: me!, why: "silent" } });
    }
  }

  #return(): void {
    const sentMs = this.#mono;
    this.#append({ type: "member.returned", data: { instance: this.#steward.me! } }, (stored) => {
      if (stored) this.#steward.returned(sentMs, this.#mono);
    });
  }

  #join(anew: boolean): void {
    if (this.#appending || this.isStopping) return;
    if (anew && this.#names > 0) this.#world.seen.rejoined++;
    if (anew) this.#steward.named(`${this.life}.${this.#names++}`);
    const instance = this.#steward.me!;
    const partitions = Object.fromEntries(this.partitions);
    this.#append({ type: "member.joined", data: { instance, build: "1", catalog: "c", weight: 1, life: this.life, partitions } });
  }

  #open(seat: Seat): void {
    if (seat.asking) return;
    seat.state = "claiming";
    seat.asking = true;
    const end = (state: Seat["state"]) => {
      seat.asking = false;
      if (seat.state === "claiming") seat.state = state;
    };
    this.#ask(
      "read",
      ({ journals }) => [...(journals.get(seat.key) ?? [])],
      (journal) => {
        if (journal === null || seat.state !== "claiming") return end("unowned");
        const claim: JournalRecord = { kind: "claimed", instance: this.#steward.me!, process: this };
        this.#ask(
          "write",
          () => this.#world.appendJournal(seat.key, claim, journal.length - 1),
          (stored) => {
            if (stored === true && seat.state === "claiming") {
              const isFolded = this.#world.options.mutant !== "no_fold" || seat.next.length === 0;
              if (isFolded) seat.next = foldOf(journal);
              Object.assign(seat, { epoch: journal.length, revision: journal.length, calls: [], done: [], flush: null });
              seat.holder = { instance: this.#steward.me, sinceMs: this.#mono };
            }
            end(stored === true ? "owned" : "unowned");
          },
        );
      },
    );
  }

  #abort(seat: Seat, why: "fenced" | "stopping"): void {
    if (why === "fenced") this.#world.seen.fenced++;
    if (why === "stopping") seat.next = seat.next.map((next, lane) => seat.calls.find((call) => call.lane === lane)?.revision ?? next);
    seat.calls = [];
    if (why === "fenced") Object.assign(seat, { state: "unowned", flush: null, done: [] });
  }

  #deliver(seat: Seat): void {
    const ended = seat.calls.filter(({ endMs }) => endMs <= this.#world.nowMs);
    seat.calls = seat.calls.filter(({ endMs }) => endMs > this.#world.nowMs);
    seat.done.push(...ended);
    this.#flush(seat);
    if (seat.state === "draining") this.#drain(seat);
    else this.#start(seat);
  }

  #start(seat: Seat): void {
    const { random, nowMs } = this.#world;
    for (let lane = 0; lane < lanesPerPartition; lane++) {
      if (seat.state !== "owned" || !this.#steward.mayStart(this.#mono, seat.key) || seat.done.length >= maxUnflushed) return;
      if (seat.calls.some((call) => call.lane === lane) || random() < 0.3) continue;
      this.#world.starts(this, seat.key);
      const longMs = random() < 0.03 ? 20_000 : 0;
      seat.calls.push({ lane, revision: seat.next[lane]!, startMs: nowMs, endMs: nowMs + tickMs * Math.floor(random() * 3) + longMs });
      seat.next[lane]!++;
    }
  }

  #drain(seat: Seat): void {
    if (seat.calls.length > 0) {
      if (this.#mono < seat.drainUntilMs) return;
      if (seat.keepIfBusy) {
        seat.state = "owned";
        this.#world.seen.kept++;
        this.#steward.kept(seat.key);
        return;
      }
      this.#abort(seat, "stopping");
    }
    if (seat.done.length > 0 || seat.flush !== null) return;
    seat.flush = { kind: "released", epoch: seat.epoch };
    this.#flush(seat);
  }

  #flush(seat: Seat): void {
    if (seat.asking) return;
    if (seat.flush === null && seat.done.length > 0) {
      seat.flush = { kind: "progress", epoch: seat.epoch, outcomes: seat.done };
      seat.done = [];
    }
    const { flush, revision } = seat;
    if (flush === null) return;
    seat.asking = true;
    this.#ask(
      "write",
      () => this.#world.appendJournal(seat.key, flush, revision),
      (stored) => {
        seat.asking = false;
        if (seat.flush !== flush || stored === null) return; // tried again
        seat.flush = null;
        seat.revision++;
        if (flush.kind === "released") Object.assign(seat, { state: "unowned", holder: { instance: null, sinceMs: this.#mono } });
        else if (!stored) this.#abort(seat, "fenced");
      },
    );
  }
}

function foldOf(journal: readonly JournalRecord[]): number[] {
  const next = Array.from({ length: lanesPerPartition }, () => 0);
  for (const record of journal) if (record.kind === "progress") for (const { lane, revision } of record.outcomes) next[lane] = revision + 1;
  return next;
}
