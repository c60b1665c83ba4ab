import type { EventDefinition } from "../catalog/define.ts";
import type { Config } from "../config/config.ts";
import { defaultTenant } from "../event/names.ts";
import type { MemoryLog } from "../log/memory/open-memory-log.ts";
import type { Store } from "../store/store.ts";
import { mustBe, mustBeDone, theLetter } from "./assertions.ts";
import { type LiftedEnvelope, liftData, liftEvent } from "./lift.ts";
import { type Lives, openLives } from "./lives.ts";
import type { ManualClock } from "./manual-clock.ts";
import { PlannedFailures } from "./planned-failures.ts";
import { lanesOf, lettersOf } from "./queries.ts";
import { testClock } from "./test-clock.ts";
import type { TestStore, TestStoreOptions } from "./test-store.ts";
import { Webhooks } from "./webhooks.ts";

const standardPatienceMs = 100;

/** @param world the time and the log, which may hold events already. */
export async function buildTestStore(
  config: Config,
  options: TestStoreOptions,
  { clock, log }: { readonly clock: ManualClock; readonly log: MemoryLog },
): Promise<TestStore> {
  const { random = () => 0, patienceMs = standardPatienceMs, logger, webhooks: receivers = {} } = options;
  const planned = new PlannedFailures();
  const webhooks = new Webhooks(receivers, planned);
  const lives = await openLives(config, { log, clock, planned, webhooks, random, patienceMs, ...(logger && { logger }) });
  const { settled, close, restart } = lives;
  return {
    get store() {
      return lives.run.store;
    },
    clock: testClock(clock, settled),
    ...makeDeliveries(lives),
    ...makeLifts(lives),
    ...makeQuestions(lives),
    failNext(handler, error = new Error("made to fail by the test"), times = 1) {
      planned.plan(lives.nameOf(handler), error, times);
    },
    posts: (handler) => webhooks.posts.filter((post) => handler === undefined || post.handler === handler),
    settled,
    restart,
    close,
  };
}

function makeDeliveries(lives: Lives): Pick<TestStore, "append" | "deliver"> {
  return {
    append: (async (...given: Parameters<Store["append"]>) => {
      const appended = await lives.run.store.append(...given);
      await lives.settled();
      return appended;
    }) as Store["append"],
    async deliver(handler, event, options = {}) {
      const name = lives.nameOf(handler);
      const { store } = lives.run;
      const [appended] = await store.append([event], options);
      await lives.settled();
      const shown = await store.views.event(options.tenant ?? defaultTenant, appended!.id);
      const delivery = shown?.deliveries.find((one) => one.handler === name);
      if (delivery === undefined) throw new Error(`${name} does not want ${event.type}: nothing is delivered to it.`);
      return delivery;
    },
  };
}

function makeLifts(lives: Lives): Pick<TestStore, "lift" | "liftEvent"> {
  const typeOf = (type: string | EventDefinition): string => (typeof type === "string" ? type : type.type);
  return {
    lift: ((type: string | EventDefinition, ...asked: [number, unknown, LiftedEnvelope?]) =>
      liftData(lives.run.store.catalog, typeOf(type), ...asked)) as TestStore["lift"],
    liftEvent: (type, ...asked) => liftEvent(lives.run.store.catalog, typeOf(type), ...asked),
  };
}

function makeQuestions(lives: Lives): Pick<TestStore, "letters" | "lanes" | "assertLetter" | "assertLane" | "assertDone"> {
  const letters: TestStore["letters"] = async (filter) => {
    await lives.settled();
    return lettersOf(lives.run.store, filter);
  };
  const lanes: TestStore["lanes"] = async (filter) => {
    await lives.settled();
    return lanesOf(lives.run.store, filter);
  };
  return {
    letters,
    lanes,
    assertLetter: async (expected = {}) => theLetter(await letters(), expected),
    assertLane: async (handler, entity, state) => mustBe(await lanes(), lives.nameOf(handler), entity, state),
    assertDone: async (filter) => mustBeDone(await lanes(filter)),
  };
}
