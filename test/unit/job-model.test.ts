/** A job against a runner, operators and ends of the process that do whatever they like: what must hold, whatever they do. */
import { describe, expect, it } from "vitest";
import { Pace } from "../../src/delivery/partition/pace.ts";
import { isRepriseError, RepriseError } from "../../src/errors.ts";
import type { ReplayEntry, ReplayRequested } from "../../src/records/replay.ts";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { Job } from "../../src/replay/job.ts";
import { emptyReplay, foldReplay } from "../../src/replay/job-progress.ts";
import type { ReplayRecord } from "../../src/replay/replay-stream.ts";
import type { ItemEnd, Runner } from "../../src/replay/runner.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";

const act = { actor: "ann", reason: null };
const seeds = Number(process.env.REPRISE_JOB_SEEDS ?? 150);

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

class World {
  readonly random: () => number;
  readonly clock: FakeClock = makeFakeClock();
  readonly entries: ReplayEntry[] = [];
  readonly items: readonly ReplayItem[];
  readonly request: ReplayRequested;
  readonly faults: string[] = [];
  /** Lanes under way, of this life. */
  lanes = new Set<string>();
  readonly done = new Set<number>();
  readonly open = new Map<number, (end: ItemEnd) => void>();
  withdrawn: "pause" | "stop" | null = null;
  job: Job;
  pace!: Pace;
  position = 1n;
  life = 0;

  constructor(seed: number) {
    this.random = randomOf(seed);
    const count = Math.floor(this.random() * 30);
    const lanes = 1 + Math.floor(this.random() * 8);
    this.items = Array.from({ length: count }, (_, at) => ({
      ...{ handler: "h", lane: `e${Math.floor(this.random() * lanes)}`, revision: at, at: String(at), eventId: `${at}`, attempts: 1 },
    }));
    this.request = {
      ...{ replayId: "r", kind: "history", actor: "ann", reason: null, ratePerSecond: null, total: count, filter: null, own: true },
      canary: this.random() < 0.5 ? { entities: 1 + Math.floor(this.random() * 3), holdSeconds: Math.floor(this.random() * 3) } : null,
      stopWhen: this.random() < 0.3 ? { failureRatio: null, failuresInARow: 1 + Math.floor(this.random() * 3) } : null,
    };
    this.entries.push({ type: "replay.requested", data: this.request });
    this.job = this.start();
  }

  chance = (of: number): boolean => this.random() < of;

  start(): Job {
    const stored = emptyReplay();
    for (const entry of this.entries) foldReplay(stored, entry);
    const life = ++this.life; // what an earlier one still has to store is lost
    this.withdrawn = null;
    this.lanes = new Set();
    this.open.clear();
    this.pace = new Pace(null, 0);
    const store = async (type: ReplayEntry["type"], data: unknown): Promise<bigint> => {
      for (let turns = Math.floor(this.random() * 4); turns > 0; turns--) await Promise.resolve();
      if (life !== this.life) throw new RepriseError("LOG_UNAVAILABLE", "the process ended");
      this.entries.push({ type, data } as ReplayEntry);
      return ++this.position;
    };
    const record: ReplayRecord = {
      append: async (type, data) => {
        if (this.chance(0.1)) throw new RepriseError("LOG_UNAVAILABLE", "planted");
        return store(type, data);
      },
      persist: store,
    };
    const job = new Job({
      ...{ request: this.request, items: this.items, progress: stored, pace: this.pace, clock: this.clock, record },
      runner: this.#runner(life),
      letters: () => [],
      ...{ newSince: async () => 0, onRecord: null },
      onCutOff: (error) => {
        if (!isRepriseError(error, "LOG_UNAVAILABLE")) this.faults.push(`cut off by ${String(error)}`);
      },
    });
    this.job = job;
    job.start();
    return job;
  }

  #runner(life: number): Runner {
    return {
      endsLane: this.chance(0.5) ? "an earlier one failed" : null,
      run: (place, { lane }) => {
        if (life !== this.life) this.faults.push(`item ${place} starts after the end of the process`);
        if (this.done.has(place)) this.faults.push(`item ${place} is run after its end`);
        if (this.lanes.has(lane)) this.faults.push(`two items of ${lane} at once`);
        if (this.ended()) this.faults.push(`item ${place} starts after the end`);
        if (this.withdrawn === "stop") this.faults.push(`item ${place} starts after the stop`);
        this.withdrawn = null;
        this.lanes.add(lane);
        const { promise, resolve } = Promise.withResolvers<ItemEnd>();
        this.open.set(place, resolve);
        return promise;
      },
      withdraw: async (how) => {
        if (life !== this.life) return;
        this.withdrawn = how;
        for (const place of [...this.open.keys()]) if (this.chance(0.7)) this.end(place, { outcome: "withdrawn" });
      },
      leaveLane: () => {},
      passed: async () => {
        while (this.chance(0.5)) await Promise.resolve();
      },
      followers: () => 0,
      releasesLeft: () => 0,
      flushed: async () => {},
    };
  }

  ended(): boolean {
    return this.entries.some(({ type }) => type === "replay.ended");
  }

  end(place: number, end: ItemEnd): void {
    const resolve = this.open.get(place)!;
    this.open.delete(place);
    this.lanes.delete(this.items[place]!.lane);
    if (end.outcome === "succeeded" || end.outcome === "failed") {
      this.done.add(place);
      this.entries.push({ type: "replay.outcomes", data: { outcomes: [{ item: place, outcome: end.outcome, attempts: 1, error: null }] } });
    }
    resolve(end);
  }

  endOne(): void {
    const [place] = this.open.keys();
    if (place === undefined) return;
    const chance = this.random();
    const error = { type: "Error", message: "planted" };
    if (chance < 0.7) this.end(place, { outcome: "succeeded", position: ++this.position });
    else if (chance < 0.8) this.end(place, { outcome: "skipped", reason: "planted" });
    else this.end(place, { outcome: "failed", position: ++this.position, error });
  }

  async step(): Promise<void> {
    const { job } = this;
    const chance = this.random();
    const refused = (error: unknown) => {
      if (!isRepriseError(error, "REPLAY_ENDED", "LOG_UNAVAILABLE")) this.faults.push(`an act failed by ${String(error)}`);
    };
    if (chance < 0.6) this.endOne();
    else if (chance < 0.68) job.acts.pause(act).catch(refused);
    else if (chance < 0.8) job.acts.resume(act, { over: false }).catch(refused);
    else if (chance < 0.81) job.acts.cancel(act).catch(refused);
    else if (chance < 0.84) job.acts.setRate(5, act).catch(refused);
    else if (chance < 0.88 && !this.ended()) {
      job.cutOff();
      this.start();
    } else await this.clock.advance(1000);
    if (this.chance(0.7)) await this.clock.advance(0);
    this.check();
  }

  check(): void {
    const { total, succeeded, failed, skipped } = this.job.figures();
    if (succeeded + failed + skipped > total) this.faults.push("more ends than items");
    if (this.entries.filter(({ type }) => type === "replay.ended").length > 1) this.faults.push("two ends");
  }

  /** Lets everything come to its end: nobody pauses it any more. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 500 && !this.ended(); turns++) {
      while (this.open.size > 0) this.endOne();
      await this.clock.advance(4000);
      if (this.job.figures().status === "paused") await this.job.acts.resume(act, { over: false }).catch(() => {});
    }
    await this.clock.advance(0);
  }
}

describe("a job, whatever its runner, operators and ends of the process do", () => {
  it(`runs each item once at most, lanes in turn, and comes to one end that adds up (${seeds} seeds)`, { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const world = new World(seed);
      for (let steps = 0; steps < 60; steps++) await world.step();
      await world.settle();
      const report = world.entries.findLast((entry): entry is Extract<ReplayEntry, { type: "replay.ended" }> => entry.type === "replay.ended")?.data;
      expect({ seed, faults: world.faults, isEnded: report !== undefined }).toEqual({ seed, faults: [], isEnded: true });
      const { status, succeeded, failed, skipped, skips } = report!;
      const outcomes = new Map(
        world.entries.flatMap((entry) => (entry.type === "replay.outcomes" ? entry.data.outcomes.map(({ item, outcome }) => [item, outcome] as const) : [])),
      );
      const counted = Object.values(Object.fromEntries(skips.map(({ reason, count }) => [reason, count]))).reduce((sum, count) => sum + count, 0);
      expect({ seed, sum: succeeded + failed + skipped, skipped }).toEqual({ seed, sum: world.items.length, skipped: counted });
      expect({ seed, succeeded, failed }).toEqual({
        seed,
        succeeded: [...outcomes.values()].filter((outcome) => outcome === "succeeded").length,
        failed: [...outcomes.values()].filter((outcome) => outcome === "failed").length,
      });
      const asked = world.entries.some(({ type }) => type === "replay.cancelling");
      const stops = world.entries.some(({ type }) => type === "replay.stopping");
      if (status === "cancelled") expect({ seed, asked }).toEqual({ seed, asked: true });
      if (status === "stopped") expect({ seed, stops }).toEqual({ seed, stops: true });
      expect(world.job.figures().status).toBe(status);
      expect({ seed, held: world.pace.held }).toEqual({ seed, held: false });
    }
  });
});
