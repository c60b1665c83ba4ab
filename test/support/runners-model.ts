/** Instances that run one replay in turn, with its real rules: they stop, freeze, wake, are taken for gone, come back; the log is slow, forgets to answer, and refuses. */
import { Pace } from "../../src/delivery/partition/pace.ts";
import { RepriseError } from "../../src/errors.ts";
import type { NewEvent, StoredEvent } from "../../src/event/event.ts";
import type { EventLog, ExpectedRevision } from "../../src/log/event-log.ts";
import type { ReplayEntry, ReplayRequested } from "../../src/records/replay.ts";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { makeActsOnRecord } from "../../src/replay/acts-on-record.ts";
import { amongInstances } from "../../src/replay/among-instances.ts";
import { Job } from "../../src/replay/job.ts";
import { makeReplayStream } from "../../src/replay/replay-stream.ts";
import type { ItemEnd, Runner } from "../../src/replay/runner.ts";
import { RunnerRecord } from "../../src/replay/runner-record.ts";
import { takeUp } from "../../src/replay/take-up.ts";
import { type FakeClock, makeFakeClock } from "./fake-clock.ts";
import { makeRandom } from "./partition-model.ts";

/** `no_fence`: a runner appends wherever the stream is. `no_members`: it takes a runner for gone that is not. `no_look_up`: what was left alone counts as skipped. */
export type RunnersMutant = "no_fence" | "no_members" | "no_look_up" | "no_join";

export const replayId = "01890000-0000-7000-8000-000000000000";
const act = { tenant: "default", actor: "ann", reason: null };

interface Stored extends Pick<StoredEvent, "id" | "type" | "data" | "revision" | "position" | "recordedAt"> {
  readonly by: string;
}

interface Letter {
  outcome: "replayed" | "dead_lettered" | null;
  running: boolean;
  starts: number;
  /** Those who are told the end. */
  readonly asked: ((end: ItemEnd) => void)[];
}

class Instance {
  readonly life: string;
  isFrozen = false;
  isGone = false;
  isMember = true;
  job: Job | null = null;
  record: RunnerRecord | null = null;
  /** What it does once it wakes. */
  readonly later: (() => void)[] = [];
  isTaking = false;

  constructor(life: string) {
    this.life = life;
  }
}

export class RunnersWorld {
  readonly random: () => number;
  readonly clock: FakeClock = makeFakeClock();
  readonly stream: Stored[] = [];
  readonly broken: string[] = [];
  readonly seen = { claims: 0, fenced: 0, woken: 0, lookedUp: 0, joined: 0, cancelled: 0 };
  readonly #items: readonly ReplayItem[];
  readonly #letters: readonly Letter[];
  readonly #instances: Instance[] = [];
  readonly #mutant: RunnersMutant | undefined;
  /** Lives that were taken for gone since they became the runner. */
  readonly #left = new Set<string>();
  #runner = "";
  #ids = 0;
  #isStopped = false;

  constructor(seed: number, mutant?: RunnersMutant) {
    this.random = makeRandom(seed);
    this.#mutant = mutant;
    const count = 1 + Math.floor(this.random() * 25);
    this.#items = Array.from({ length: count }, (_, at) => ({
      ...{ handler: "h", lane: `e${Math.floor(this.random() * 10)}`, revision: at, at: String(at), eventId: `${at}`, attempts: 1 },
    }));
    this.#letters = this.#items.map(() => ({ outcome: null, running: false, starts: 0, asked: [] }));
    for (let n = 0; n < 3; n++) this.#join();
    const first = this.#instances[0]!;
    this.#runner = first.life;
    const request: ReplayRequested = {
      ...{ replayId, kind: "dead_letters", actor: "ann", reason: null, ratePerSecond: null, total: count, filter: null, tenant: "default" },
      runner: { instance: first.life, life: first.life },
    };
    this.#store(first.life, "replay.requested", request);
    this.#store(first.life, "replay.items", { items: this.#items });
    this.#begin(first, request, { outcomes: new Map(), paused: false, cancelling: false, stopping: null, canaryPassed: false }, 1);
  }

  get items(): number {
    return this.#items.length;
  }

  get starts(): readonly number[] {
    return this.#letters.map(({ starts }) => starts);
  }

  get succeeded(): number {
    return this.#letters.filter(({ outcome }) => outcome === "replayed").length;
  }

  get failed(): number {
    return this.#letters.filter(({ outcome }) => outcome === "dead_lettered").length;
  }

  get ends(): readonly Extract<ReplayEntry, { type: "replay.ended" }>["data"][] {
    return this.stream.flatMap(({ type, data }) => (type === "replay.ended" ? [data as never] : []));
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.#step();
      await this.clock.advance(this.random() < 0.3 ? 500 : 0);
    }
    for (const each of this.#instances) this.#wake(each);
    for (let turns = 0; turns < 300 && this.ends.length === 0; turns++) {
      if (!this.#instances.some((each) => each.isMember && !each.isGone)) this.#join();
      for (const each of this.#instances) this.#look(each);
      for (const letter of this.#letters) this.#endCall(letter, 1);
      this.#act("resume");
      await this.clock.advance(1000);
    }
    await this.clock.advance(5000);
  }

  #step(): void {
    const chance = this.random();
    const instance = this.#instances[Math.floor(this.random() * this.#instances.length)]!;
    if (chance < 0.45) this.#endCall(this.#letters[Math.floor(this.random() * this.#letters.length)]!, 0.8);
    else if (chance < 0.55) instance.isFrozen = true;
    else if (chance < 0.65) this.#wake(instance);
    else if (chance < 0.69) this.#silence(instance);
    else if (chance < 0.72) this.#die(instance);
    else if (chance < 0.75 && this.#instances.filter(({ isGone }) => !isGone).length < 4) this.#join();
    else if (chance < 0.78) this.#act("pause");
    else if (chance < 0.82) this.#act("resume");
    else if (chance < 0.825) this.#act("cancel");
    else this.#look(instance);
  }

  #join(): void {
    this.#instances.push(new Instance(`i${this.#instances.length}`));
  }

  /** Others take it for gone; if it is not, it joins again later. */
  #silence(instance: Instance): void {
    instance.isMember = false;
    this.#left.add(instance.life);
  }

  #die(instance: Instance): void {
    instance.isGone = true;
    instance.later.length = 0;
    this.#silence(instance);
  }

  #wake(instance: Instance): void {
    if (instance.isGone) return;
    if (instance.isFrozen) this.seen.woken++;
    instance.isFrozen = false;
    for (const todo of instance.later.splice(0)) todo();
    instance.isMember = true;
  }

  /** Runs now, or once the instance is awake. Never, when it has ended. */
  #on(instance: Instance, todo: () => void): void {
    if (instance.isGone) return;
    if (instance.isFrozen) instance.later.push(todo);
    else todo();
  }

  #answer<T>(instance: Instance, promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#on(instance, () => resolve(value)),
        (error: unknown) => this.#on(instance, () => reject(error)),
      );
    });
  }

  /** Takes the replay up when its runner has left. */
  #look(instance: Instance): void {
    if (instance.isGone || instance.isFrozen || !instance.isMember || instance.isTaking || instance.job !== null) return;
    instance.isTaking = true;
    const has = (life: string) => this.#mutant !== "no_members" && this.#instances.some((each) => each.life === life && each.isMember);
    const members = { life: instance.life, takesUp: true, isHeard: true, has, mine: () => ({ instance: instance.life, life: instance.life }) };
    const stream = makeReplayStream({ log: this.#logOf(instance), ...this.#common() });
    takeUp({ stream, plans: { read: async () => null }, members }, replayId, null)
      .then((taken) => {
        instance.isTaking = false;
        if (taken === null) return;
        this.#begin(instance, taken.request, { ...taken.stored, outcomes: this.#outcomes() }, taken.last);
      })
      .catch(() => {
        instance.isTaking = false;
      });
  }

  #begin(instance: Instance, request: ReplayRequested, progress: ConstructorParameters<typeof Job>[0]["progress"], last: number): void {
    const isOver = () => {
      instance.job = instance.record = null;
    };
    const record = new RunnerRecord({
      ...{ ...this.#common(), log: this.#logOf(instance, "runner"), replayId, last },
      onEntry: (entry) => instance.job?.acts.heard(entry),
      onReplaced: (error) => {
        this.seen.fenced++;
        instance.job?.cutOff(error);
      },
    });
    const job = new Job({
      ...{ request, items: this.#items, progress, record, clock: this.clock, pace: new Pace(null, 0), runner: this.#runnerOf(instance, request) },
      ...{ letters: () => [], newSince: async () => 0, onRecord: async () => this.#outcomes(), onCutOff: isOver },
    });
    [instance.job, instance.record] = [job, record];
    job.end.ofJob.then(isOver, () => {});
    job.start();
    void record.catchUp();
  }

  /** Asks the owner of all letters, which answers in its time; what it tells a runner that has ended is lost. */
  #runnerOf(instance: Instance, request: ReplayRequested): Runner {
    const ask = (place: number): Promise<ItemEnd> =>
      new Promise((resolve) => {
        const told = (end: ItemEnd) => this.#on(instance, () => resolve(end));
        this.#send(instance, () => this.#asked(place, told));
      });
    const runner: Runner = {
      ...{ endsLane: null, leaveLane() {}, followers: () => 0, releasesLeft: () => 0, passed: async () => {}, flushed: async () => {} },
      run: ask,
      withdraw: (how) => new Promise((resolve) => this.#send(instance, () => this.#withdrawn(how, () => this.#on(instance, resolve)))),
    };
    if (this.#mutant === "no_look_up") return runner;
    const views = {
      waitFor: async () => {},
      replayOutcome: async (_tenant: string, _replay: string, { revision }: { readonly revision: number }) => {
        const { outcome } = this.#letters[revision]!;
        if (outcome !== null) this.seen.lookedUp++;
        return outcome ?? undefined;
      },
    };
    const about = { request, pace: new Pace(null, 0), isElsewhere: () => true, signal: new AbortController().signal };
    return amongInstances(runner, { log: { head: async () => 0n }, views, clock: this.clock, ...about });
  }

  /** Told once nothing of it runs. */
  #withdrawn(how: "pause" | "stop", tell: () => void): void {
    if (how === "stop") this.#isStopped = true;
    const running = this.#letters.filter((letter) => letter.running);
    let left = running.length;
    if (left === 0) tell();
    for (const { asked } of running)
      asked.push(() => {
        if (--left === 0) tell();
      });
  }

  #asked(place: number, tell: (end: ItemEnd) => void): void {
    const letter = this.#letters[place]!;
    const refusal = this.#refusal(letter);
    if (refusal !== null) tell(refusal);
    else letter.asked.push(tell);
    if (refusal !== null) return;
    if (letter.running) this.seen.joined++;
    else {
      letter.running = true;
      if (++letter.starts > 1) this.broken.push(`item ${place} starts twice`);
      if (this.ends.length > 0) this.broken.push(`item ${place} starts after the end`);
    }
  }

  #refusal({ outcome, running }: Letter): ItemEnd | null {
    if (outcome !== null) return { outcome: "skipped", reason: "not dead-lettered any more" };
    if (running && this.#mutant === "no_join") return { outcome: "skipped", reason: "another replay of it is under way" };
    return !running && this.#isStopped ? { outcome: "withdrawn" } : null;
  }

  #outcomes(): ReadonlyMap<number, "succeeded" | "failed"> {
    return new Map(
      this.#letters.flatMap(({ outcome }, place) => (outcome === null ? [] : [[place, outcome === "replayed" ? "succeeded" : "failed"] as const])),
    );
  }

  /** The call of a letter, if one runs, ends and is on record. */
  #endCall(letter: Letter, well: number): void {
    if (!letter.running) return;
    letter.running = false;
    letter.outcome = this.random() < well ? "replayed" : "dead_lettered";
    const end: ItemEnd =
      letter.outcome === "replayed"
        ? { outcome: "succeeded", position: 1n }
        : { outcome: "failed", position: 1n, error: { type: "Error", message: "planted" } };
    for (const tell of letter.asked.splice(0)) tell(end);
  }

  #act(verb: "pause" | "resume" | "cancel"): void {
    const stream = makeReplayStream({ log: this.#logOf(this.#instances[0]!, "operator"), ...this.#common() });
    const acts = makeActsOnRecord({ stream, views: { replay: async () => undefined }, clock: this.clock });
    acts.act(replayId, verb, { ...act, patienceMs: 1000 }).then(
      ({ status }) => {
        if (status === "cancelled") this.seen.cancelled++;
      },
      () => {},
    );
  }

  #common() {
    return { clock: this.clock, newId: () => `id-${this.#ids++}`, signal: new AbortController().signal };
  }

  /** A request is on its way for a while, even when who sent it has ended or is frozen. */
  #send(instance: Instance, arrive: () => void): void {
    if (instance.isGone) return;
    if (this.random() < 0.7) arrive();
    else this.clock.after(Math.floor(this.random() * 3000), arrive);
  }

  #logOf(instance: Instance, as: "runner" | "other" | "operator" = "other"): EventLog {
    const isOperator = as === "operator";
    const reach = <T>(what: () => T): Promise<T> => {
      const reached = new Promise<T>((resolve, reject) => {
        const arrive = () => {
          try {
            resolve(what());
          } catch (error) {
            reject(error);
          }
        };
        if (isOperator) arrive();
        else this.#send(instance, arrive);
      });
      return isOperator ? reached : this.#answer(instance, reached);
    };
    return {
      append: (_stream: string, events: readonly NewEvent[], expected: ExpectedRevision) =>
        reach(() => {
          const trouble = this.random();
          if (trouble < 0.05) throw new RepriseError("LOG_UNAVAILABLE", "planted");
          const isFree = as === "runner" && this.#mutant === "no_fence";
          if (!isFree && expected !== this.stream.length - 1) throw new RepriseError("REVISION_CONFLICT", "planted");
          const stored = events.map(({ id, type, data }) => this.#store(isOperator ? "operator" : instance.life, type, data as object, id));
          if (trouble < 0.1) throw new RepriseError("LOG_UNAVAILABLE", "planted");
          return stored.map((each) => ({ ...each, duplicate: false }));
        }),
      readStream: (_stream: string, { from = 0 }: { readonly from?: number } = {}) => {
        const read = reach(() => this.stream.slice(from));
        return (async function* () {
          yield await read;
        })();
      },
    } as unknown as EventLog;
  }

  #store(by: string, type: string, data: object, id = `id-${this.#ids++}`): Stored {
    const revision = this.stream.length;
    const stored: Stored = { id, type, data: data as never, revision, position: BigInt(revision), recordedAt: "", by };
    if (type === "replay.claimed") this.#claimed(by);
    else if (by !== "operator" && by !== this.#runner) this.broken.push(`${by} writes ${type} although ${this.#runner} is the runner`);
    this.stream.push(stored);
    for (const instance of this.#instances) this.#on(instance, () => instance.record?.heard(stored as unknown as StoredEvent));
    return stored;
  }

  #claimed(by: string): void {
    this.seen.claims++;
    if (this.ends.length > 0) this.broken.push("it is claimed after its end");
    if (by !== this.#runner && !this.#left.has(this.#runner)) this.broken.push(`${by} claims it from ${this.#runner}, which takes part`);
    this.#runner = by;
    if (this.#instances.some(({ life, isMember }) => life === by && isMember)) this.#left.delete(by); // otherwise its claim was on its way when it left
  }
}
