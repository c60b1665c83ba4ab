/**
 * A random world around the real `Steward`: instances that start, stop, freeze, are killed, cut off, come back and are replaced, over one log with journals
 * and signs of life. It keeps its own account of who delivered what, and says what was broken. Nothing here waits: time is a number.
 */

import { stepOf } from "../../src/delivery/ownership/rules/balance.ts";
import { foldCluster, type StoredClusterEvent } from "../../src/delivery/ownership/rules/cluster-fold.ts";
import { noCluster, partitionKey } from "../../src/delivery/ownership/rules/cluster-state.ts";
import type { ClusterEvent } from "../../src/records/cluster.ts";
import { ModelInstance } from "./ownership-model-instance.ts";
import { type ClusterWorldOptions, type JournalRecord, type Someone, tickMs, type WorldOfInstances } from "./ownership-model-world.ts";
import { makeRandom } from "./partition-model.ts";

/** The accused may look once more before it knows. */
const verdictIsKnownMs = 4000;
/** A look is answered within, or counts for nothing. */
const lookAnswerMs = 5000;
/** After the last disturbance every partition has an owner again within: a verdict, a look, a hand-over that the owner does not answer, and one that fails. */
const ownedAgainMs = 45_000;
/** In quiet times a partition changes its owner within. */
const handedOverMs = 8000;
const evenAgainMs = 75_000;
/** A partition that its owner gives away and has to take back, because a call began meanwhile that takes long, comes to its heir later by so much. */
const takenBackMs = 20_000;
const maxTakenBack = 10;
const builds: readonly (readonly [string, number])[][] = [
  [
    ["desk", 4],
    ["hook", 1],
  ],
  [
    ["desk", 4],
    ["hook", 1],
    ["late", 2],
  ],
];

export class ClusterWorld implements WorldOfInstances {
  readonly random: () => number;
  readonly options: ClusterWorldOptions;
  readonly broken: string[] = [];
  readonly cluster: StoredClusterEvent[] = [];
  readonly beats = new Map<string, number>();
  /** When the signs of life of the last moments were taken. */
  readonly beatenMs = new Map<string, number[]>();
  readonly journals = new Map<string, JournalRecord[]>();
  readonly holders = new Map<string, string | null>();
  readonly #claims = new Map<string, { readonly epoch: number; readonly process: object; readonly atMs: number }>();
  nowMs = 0;
  /** Nothing goes wrong any more, and answers come at once. */
  isQuiet = false;
  readonly seen = { claims: 0, verdicts: 0, moves: 0, kept: 0, fenced: 0, rejoined: 0, deliveries: 0 };
  #state = noCluster;
  /** By partition and instance: until when it was its own. */
  readonly #ownedUntilMs = new Map<string, number>();
  #instances: ModelInstance[] = [];
  #calls: { dueMs: number; run: () => boolean }[] = [];
  #next = new Map<string, number[]>();
  #lastEndMs = new Map<string, number>();
  #started = 0;
  #build = 0;
  /** When a partition was seen with an owner last, once all is healed. */
  readonly #ownedMs = new Map<string, number>();

  constructor(options: ClusterWorldOptions) {
    this.options = options;
    this.random = makeRandom(options.seed);
    const first = 1 + Math.floor(this.random() * 3);
    for (let n = 0; n < first; n++) this.#start();
  }

  /** Things go wrong for a while; then all is healed, and all has to be well again in time. */
  run(): void {
    const wildMs = (this.options.wildSeconds ?? 60) * 1000;
    while (this.nowMs < wildMs && this.broken.length === 0) {
      if (this.random() < 0.14) this.#disturb();
      this.#tick();
    }
    this.#heal();
    const healedMs = this.nowMs;
    while (this.nowMs < healedMs + ownedAgainMs && this.broken.length === 0) this.#tick();
    for (const key of this.#keys()) this.#ownedMs.set(key, this.nowMs);
    const before = new Map(Array.from(this.#next, ([key, next]) => [key, next.reduce((sum, one) => sum + one, 0)]));
    const keptBefore = this.seen.kept;
    const evenByMs = () => healedMs + evenAgainMs + takenBackMs * Math.min(this.seen.kept - keptBefore, maxTakenBack);
    while (this.nowMs < evenByMs() && this.broken.length === 0) {
      this.#tick();
      this.#checkOwned();
    }
    this.#checkEven();
    for (const [key, next] of this.#next)
      if (this.#keys().includes(key) && next.reduce((sum, one) => sum + one, 0) === before.get(key)) this.break(`nothing of ${key} is delivered`);
  }

  break(what: string): void {
    if (this.broken.length < 5) this.broken.push(`${this.nowMs / 1000} s: ${what}`);
  }

  later(afterMs: number, run: () => boolean): void {
    this.#calls.push({ dueMs: this.nowMs + afterMs, run });
  }

  beaten(life: string): number {
    const times = this.beatenMs.get(life) ?? [];
    this.beatenMs.set(life, [...times.slice(-7), this.nowMs]);
    this.beats.set(life, (this.beats.get(life) ?? 0) + 1);
    return this.beats.get(life)!;
  }

  appendCluster(by: Someone, event: ClusterEvent, expected: number): boolean {
    if (this.cluster.length - 1 !== expected) return false;
    const recordedAt = new Date(Date.UTC(2026, 0, 1) + this.nowMs + by.wallOffsetMs).toISOString();
    const stored = { ...event, revision: this.cluster.length, recordedAt };
    this.cluster.push(stored);
    const before = this.#state.owners;
    this.#state = foldCluster(this.#state, stored);
    for (const [key, owner] of before) if (this.#state.owners.get(key) !== owner) this.#ownedUntilMs.set(`${key} ${owner}`, this.nowMs);
    if (event.type === "partitions.moved") {
      this.seen.moves++;
      const count = this.#keys().length;
      if (event.data.moves.length > stepOf(count)) this.break(`${event.data.moves.length} of ${count} partitions move at once`);
    }
    if (event.type === "member.left" && event.data.why === "silent") this.seen.verdicts++;
    if (event.type === "member.returned") for (const [key, holder] of this.holders) if (holder === event.data.instance) this.holders.set(key, null);
    return true;
  }

  accused(by: Someone, life: string): void {
    if (by.cutMs !== null && this.nowMs - by.cutMs > 6000) this.break(`${by.life} is cut off and accuses ${life}`);
    // What was taken after the look that the verdict rests on came too late.
    const heardMs = this.beatenMs.get(life)?.findLast((atMs) => this.nowMs - atMs > lookAnswerMs);
    if (heardMs !== undefined && this.nowMs - heardMs < 10_000)
      this.break(`${by.life} accuses ${life}, which gave a sign of life ${this.nowMs - heardMs} ms ago`);
  }

  appendJournal(key: string, record: JournalRecord, expected: number): boolean {
    const journal = this.journals.get(key) ?? [];
    this.journals.set(key, journal);
    if (journal.length > 0 && journal.at(-1) === record) return true; // the same ids
    if (journal.length - 1 !== expected && this.options.mutant !== "no_fence") return false;
    this.#judge(key, journal, record);
    journal.push(record);
    return true;
  }

  #judge(key: string, journal: readonly JournalRecord[], record: JournalRecord): void {
    if (record.kind === "claimed") {
      this.seen.claims++;
      this.#claims.set(key, { epoch: journal.length, process: record.process, atMs: this.nowMs });
      this.holders.set(key, record.instance);
      return;
    }
    if (record.epoch !== this.#claims.get(key)!.epoch) this.break(`${key} took a record of a lower epoch`);
    if (record.kind === "released") {
      this.holders.set(key, null);
      return;
    }
    const next = this.#next.get(key) ?? [0, 0];
    this.#next.set(key, next);
    for (const { lane, revision, startMs, endMs } of record.outcomes) {
      this.seen.deliveries++;
      if (revision !== next[lane]) this.break(`${key}, lane ${lane}: ${revision} is on record after ${next[lane]! - 1}`);
      next[lane] = revision + 1;
      const before = this.#lastEndMs.get(`${key} ${lane}`) ?? 0;
      if (startMs < before) this.break(`${key}, lane ${lane}: ${revision} began before the one before it ended`);
      this.#lastEndMs.set(`${key} ${lane}`, endMs);
    }
  }

  starts(by: Someone, key: string): void {
    const claim = this.#claims.get(key)!;
    const sinceMs = this.nowMs - claim.atMs;
    const isOwner = this.#state.owners.get(key) === by.name || this.nowMs - (this.#ownedUntilMs.get(`${key} ${by.name}`) ?? Number.NEGATIVE_INFINITY) <= 5000;
    // One that took a partition back whose heir had not heard of it and claims it learns of that with its next record.
    if (claim.process !== by && sinceMs > verdictIsKnownMs && !isOwner)
      this.break(`${by.life} starts a delivery of ${key}, which another one claimed ${sinceMs} ms ago`);
  }

  #start(): void {
    const at = this.#started++;
    this.#instances.push(new ModelInstance(this, `life-${at}`, new Map(builds[this.#build]!)));
  }

  #disturb(): void {
    const alive = this.#instances;
    const one = alive[Math.floor(this.random() * alive.length)];
    const dice = this.random();
    const lastingMs = tickMs * (2 + Math.floor(this.random() ** 2 * 60));
    if (one === undefined || (dice < 0.25 && alive.length < 4)) this.#start();
    else if (dice < 0.35) this.#remove(one);
    else if (dice < 0.5) one.stop();
    else if (dice < 0.65) one.freeze(lastingMs);
    else if (dice < 0.9) one.cut(lastingMs, this.random() < 0.5 ? "all" : "writes");
    else if (dice < 0.95) {
      this.#build = 1; // a rolling deploy: one of the old build stops, one of the new one starts
      one.stop();
      this.#start();
    } else for (const each of alive) each.wallOffsetMs += (this.random() - 0.5) * 7_200_000;
  }

  #heal(): void {
    this.isQuiet = true;
    for (const one of this.#instances) one.heal();
    while (this.#instances.filter((one) => !one.isStopping).length < 2) this.#start();
  }

  #remove(one: ModelInstance): void {
    one.kill();
    this.#instances = this.#instances.filter((other) => other !== one);
  }

  #tick(): void {
    this.nowMs += tickMs;
    const due = this.#calls.filter(({ dueMs }) => dueMs <= this.nowMs);
    if (due.length > 0) {
      this.#calls = this.#calls.filter(({ dueMs }) => dueMs > this.nowMs);
      for (const call of due) if (!call.run()) this.#calls.push({ ...call, dueMs: this.nowMs + tickMs });
    }
    const first = Math.floor(this.random() * this.#instances.length);
    for (let n = 0; n < this.#instances.length; n++) this.#instances[(first + n) % this.#instances.length]!.step();
    for (const one of this.#instances.filter(({ isDead }) => isDead)) this.#remove(one);
  }

  #keys(): readonly string[] {
    const handlers = new Map(this.#instances.filter((one) => !one.isStopping).flatMap(({ partitions }) => [...partitions]));
    return Array.from(handlers).flatMap(([handler, of]) => Array.from({ length: of }, (_, partition) => partitionKey(handler, of, partition)));
  }

  #checkOwned(): void {
    for (const [key, sinceMs] of this.#ownedMs) {
      if (this.#instances.some((one) => one.owns(key))) this.#ownedMs.set(key, this.nowMs);
      else if (this.nowMs - sinceMs > handedOverMs) this.break(`${key} has no owner for ${this.nowMs - sinceMs} ms, in quiet times`);
    }
  }

  #checkEven(): void {
    const able = this.#instances.filter((one) => !one.isStopping);
    for (const [handler, of] of builds[0]!) {
      const counts = able.map((one) => Array.from({ length: of }, (_, n) => one.owns(partitionKey(handler, of, n))).filter(Boolean).length);
      if (Math.max(...counts) - Math.min(...counts) > 1 && !able.some((one) => one.hasLongCall))
        this.break(`${handler} is shared out as ${counts.join(" and ")}`);
    }
  }
}
