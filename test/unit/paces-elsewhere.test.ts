/** What a replay's letters have released keeps the replay's rate, wherever its partition moves: by the real rules of one instance, with partitions, views and others that are made up. */
import { expect, it, onTestFinished } from "vitest";
import type { Pace } from "../../src/delivery/partition/pace.ts";
import { RepriseError } from "../../src/errors.ts";
import { newId } from "../../src/event/ids.ts";
import { replayStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import type { ReplayReport, ReplayStreamData } from "../../src/records/replay.ts";
import { makeReplays, type Replays } from "../../src/replay/replays.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

const replayId = "01890000-0000-7000-8000-000000000000";
const act = { actor: "ann", reason: null };
const item = { handler: "desk", lane: "thing-e1", revision: 0, at: "1", eventId: "1", attempts: 1, through: 5 };

/** The partitions of one handler here, as replays see them. */
class Handler {
  /** Lanes that wait for a turn of the replay; each is let go once it is on no pace any more. */
  waiting = 0;
  pace: Pace | null = null;
  /** How many were let go at once, because nothing told their pace any more. */
  letGo = 0;
  #passed = Promise.withResolvers<void>();
  /** What comes of the next letter. */
  letter: () => Promise<unknown> = () => new Promise(() => {});
  readonly spec = { name: "desk" };

  readonly replays = {
    pace: (_replayId: string, pace: Pace | null) => {
      this.pace = pace;
      if (pace === null) this.#free();
    },
    unknownPaces: () => (this.waiting > 0 && this.pace === null ? [replayId] : []),
    withdraw: async (_replayId: string, how: string) => void (how === "stop" && this.#free()),
    withdrawHere: async () => this.#free(),
    passed: async () => (this.waiting > 0 ? this.#passed.promise : undefined),
    followers: () => this.waiting,
    releasesLeft: () => this.waiting,
  };
  readonly letters = { replay: () => this.letter() };
  isElsewhere = () => false;
  lettersOf = () => [];
  followers = () => this.waiting;
  releasesLeft = () => this.waiting;

  /** A partition with such lanes begins to work here. */
  comes(lanes: number): void {
    this.waiting += lanes;
  }

  /** All that waits has gone at its turns. */
  pass(): void {
    this.waiting = 0;
    this.#passed.resolve();
    this.#passed = Promise.withResolvers();
  }

  #free(): void {
    this.letGo += this.waiting;
    this.waiting = 0;
  }
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};

class Scene {
  readonly clock = makeFakeClock();
  readonly handler = new Handler();
  readonly others = new Set(["two"]);
  readonly inner = openMemoryLog();
  /** Awaited before each read of a stream. */
  beforeRead: () => Promise<unknown> = async () => {};
  /** Awaited after each read of a stream. */
  afterRead: () => Promise<unknown> = async () => {};
  /** Whether views show the replay as open. */
  isOpen = true;
  readonly replays: Replays;

  constructor({ alone = false } = {}) {
    const { inner, handler, others } = this;
    const scene = this;
    const log = Object.create(inner, {
      readStream: {
        async *value(...asked: Parameters<EventLog["readStream"]>) {
          await scene.beforeRead();
          yield* inner.readStream(...asked);
          await scene.afterRead();
        },
      },
    }) as EventLog;
    const membership = {
      ...{ life: "me", takesUp: true, isHeard: true },
      mine: () => ({ instance: "me.1", life: "me" }),
      has: (life: string) => life === "me" || others.has(life),
      look: async () => {},
    };
    const views = {
      waitFor: async () => {},
      openReplays: async () => (this.isOpen ? [{ tenant: "default", replayId, planId: null }] : []),
      replayOutcomes: async () => new Map(),
      replayOutcome: async () => undefined,
    };
    const delivery = { cluster: alone ? null : { membership }, working: () => [handler], find: () => handler, must: () => handler };
    const ends = { life: "me", told: () => true };
    this.replays = makeReplays({ ...{ log, views, delivery, clock: this.clock, newId, ends }, onCutOff: () => {} } as never);
    onTestFinished(async () => {
      this.replays.stop();
      await inner.close();
    });
  }

  /** Puts it into the replay's stream; the instance hears of it, as of all that is stored. */
  async record<Type extends keyof ReplayStreamData>(type: Type, data: ReplayStreamData[Type]): Promise<void> {
    const { revision } = (await this.inner.append(replayStream(replayId), [ownEvent(newId, type, data)], "any"))[0]!;
    this.replays.heard({ stream: replayStream(replayId), type, data, revision, position: 0n, id: "" } as never);
    await settled();
  }

  /** Another instance begins the replay, or this one. */
  async begin(life: string): Promise<void> {
    const about = { replayId, kind: "dead_letters", ...act, filter: null, tenant: "default" } as const;
    await this.record("replay.requested", { ...about, ratePerSecond: 8, total: 1, runner: { instance: `${life}.1`, life } });
    await this.record("replay.items", { items: [item] });
  }

  async end(status: ReplayReport["status"]): Promise<void> {
    this.isOpen = false;
    await this.record("replay.ended", { status, succeeded: 1, failed: 0, skipped: 0, skips: [], why: null });
  }

  /** A partition comes with lanes that follow the replay, and the instance is told. */
  async comes(lanes: number): Promise<void> {
    this.handler.comes(lanes);
    await this.replays.resume();
    await settled();
  }
}

it("a partition that moves when the replay has ended keeps the rate for what the replay released there", async () => {
  const scene = new Scene();
  const { handler } = scene;
  await scene.begin("two");
  await scene.record("replay.rate_changed", { ratePerSecond: 5, act });
  await scene.end("completed");
  await scene.comes(3);
  expect(handler).toMatchObject({ waiting: 3, letGo: 0, pace: { perSecond: 5, held: false } });
  // A second one joins the same pace, so that both together keep the rate.
  const { pace } = handler;
  handler.pace = null;
  await scene.comes(2);
  expect(handler.pace).toBe(pace);
  expect(handler).toMatchObject({ waiting: 5, letGo: 0 });
  handler.pass();
  await settled();
  expect(handler).toMatchObject({ waiting: 0, letGo: 0, pace: null });
});

it("one that has come before goes on at the rate after the end, with those that come then", async () => {
  const scene = new Scene();
  const { handler } = scene;
  await scene.begin("two");
  await scene.comes(3);
  const { pace } = handler;
  expect(pace).toMatchObject({ perSecond: 8, held: false });
  await scene.end("completed");
  handler.pace = null;
  await scene.comes(2);
  expect(handler.pace).toBe(pace);
  expect(handler).toMatchObject({ waiting: 5, letGo: 0 });
});

it.each(["cancelled", "stopped"] as const)(
  "what a replay released is like anything else once it is %s, whether its partition has come before or comes then",
  async (status) => {
    const scene = new Scene();
    const { handler } = scene;
    await scene.begin("two");
    await scene.comes(3);
    await scene.record("replay.pausing", { act });
    expect(handler.pace).toMatchObject({ held: true });
    await scene.end(status);
    expect(handler).toMatchObject({ waiting: 0, letGo: 3 });
    await scene.comes(2);
    expect(handler).toMatchObject({ waiting: 0, letGo: 5 });
  },
);

it.each([
  ["replay.pausing", { act }, { perSecond: 8, held: true }],
  ["replay.rate_changed", { act, ratePerSecond: 3 }, { perSecond: 3, held: false }],
] as const)("%s counts that comes while the record is read for a partition that has moved", async (type, data, pace) => {
  const scene = new Scene();
  const { handler } = scene;
  await scene.begin("two");
  const [read, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let reads = 0;
  scene.afterRead = async () => {
    if (++reads < 2) return; // the first one looks for its runner
    read.resolve();
    await goOn.promise;
  };
  const coming = scene.comes(3);
  await read.promise;
  await scene.record(type, data);
  goOn.resolve();
  await coming;
  expect(handler.pace).toMatchObject(pace);
  await scene.record("replay.resumed", { act });
  expect(handler.pace).toMatchObject({ ...pace, held: false });
});

it("a replay whose record is damaged holds nothing up, and no other", async () => {
  const scene = new Scene();
  await scene.begin("two");
  scene.beforeRead = async () => {
    throw new RepriseError("LOG_DAMAGED", "planted");
  };
  await scene.comes(3);
  expect(scene.handler).toMatchObject({ waiting: 0, letGo: 3 });
});

it("a letter of a partition that has come to the replay's runner finds its pace at once, before anything is read", async () => {
  const scene = new Scene();
  const { handler } = scene;
  await scene.begin("me");
  await scene.comes(0);
  const { pace } = handler;
  expect(pace).toMatchObject({ perSecond: 8 });
  handler.pace = null; // a partition that has just come
  scene.inner.head = () => new Promise(() => {});
  void scene.replays.resume();
  expect(handler.pace).toBe(pace);
});

it.each(["me", "two"])("a job that is cut off leaves what it has released at its pace, which goes on with the next runner: %s", async (next) => {
  const scene = new Scene();
  const { handler } = scene;
  const letter = Promise.withResolvers<unknown>();
  handler.letter = () => letter.promise;
  await scene.begin("me");
  await scene.comes(0);
  handler.comes(3);
  const { pace } = handler;
  if (next === "me") letter.reject(new RepriseError("INTERNAL", "planted"));
  else await scene.record("replay.claimed", { instance: "two.1", life: "two", from: "me.1" });
  await settled();
  expect(handler.pace).toBe(pace);
  expect(handler).toMatchObject({ waiting: 3, letGo: 0 });
  handler.letter = () => new Promise(() => {});
  await scene.clock.advance(2000);
  await settled();
  expect(handler.pace === pace).toBe(next === "two");
  await scene.record("replay.rate_changed", { act, ratePerSecond: 4 });
  await scene.record("replay.pausing", { act });
  expect(handler).toMatchObject({ waiting: 3, letGo: 0, pace: { perSecond: 4, held: true } });
  if (next === "me") return;
  await scene.record("replay.resumed", { act });
  await scene.end("completed");
  expect(handler).toMatchObject({ waiting: 3, letGo: 0, pace: { perSecond: 4, held: false } });
});

it("a partition that comes back to the runner while the end is being recorded keeps the rate", async () => {
  const scene = new Scene();
  const { handler } = scene;
  handler.letter = async () => ({ end: { outcome: "replayed" }, position: 1n });
  await scene.begin("me");
  const append = scene.inner.append.bind(scene.inner);
  scene.inner.append = async (stream, events, ...more) => {
    if (events.some(({ type }) => type === "replay.ended")) handler.comes(3);
    return append(stream, events, ...more);
  };
  await scene.comes(0);
  await settled();
  expect(handler).toMatchObject({ waiting: 3, letGo: 0, pace: { perSecond: 8, held: false } });
  handler.pass();
  await settled();
  expect(handler).toMatchObject({ waiting: 0, letGo: 0, pace: null });
});

it("an instance alone keeps the rate of what a completed replay released elsewhere, and lets go of what nobody runs", async () => {
  const scene = new Scene({ alone: true });
  scene.isOpen = false;
  await scene.begin("two");
  await scene.comes(3);
  expect(scene.handler).toMatchObject({ waiting: 0, letGo: 3 });
  const other = new Scene({ alone: true });
  await other.begin("two");
  await other.end("completed");
  await other.comes(3);
  expect(other.handler).toMatchObject({ waiting: 3, letGo: 0, pace: { perSecond: 8 } });
  // It stands still just when all has passed: that ends no process.
  other.handler.replays.pace = () => {
    throw new RepriseError("NOT_OWNER", "planted");
  };
  other.handler.pass();
  await settled();
  expect(other.handler).toMatchObject({ waiting: 0, letGo: 0 });
});
