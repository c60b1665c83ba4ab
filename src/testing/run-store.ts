/** One life of a store in memory. A test store has several, one after another, on the same log. */
import { assemble, makePlan } from "../assemble.ts";
import type { Config } from "../config/config.ts";
import { makeWebhookAttempt } from "../delivery/attempt/webhook-attempt.ts";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import { nobodyTold } from "../delivery/partition/ends.ts";
import type { MemoryLog } from "../log/memory/open-memory-log.ts";
import type { Store } from "../store/store.ts";
import { CallsInFlight } from "./calls-in-flight.ts";
import type { ManualClock } from "./manual-clock.ts";
import type { PlannedFailures } from "./planned-failures.ts";
import { turn, untilQuiet } from "./quiet.ts";
import type { Webhooks } from "./webhooks.ts";

export interface RunOptions {
  readonly log: MemoryLog;
  readonly clock: ManualClock;
  readonly planned: PlannedFailures;
  readonly webhooks: Webhooks;
  readonly random: () => number;
  readonly patienceMs: number;
  readonly logger?: DeliveryLogger;
}

export interface StoreRun {
  readonly store: Store;
  readonly handlers: readonly string[];
  untilQuiet(): Promise<void>;
  /** Closes the store; its log goes on with the next run. */
  close(): Promise<void>;
}

/** The process goes on after each of these lives: none has an end that the next one has to judge. */
const noEnds = { ...nobodyTold, watch() {}, settled() {}, close() {} };

export async function runStore(config: Config, { log, clock, planned, webhooks, random, patienceMs, logger }: RunOptions): Promise<StoreRun> {
  const calls = new CallsInFlight(patienceMs);
  const store = await assemble(makePlan(planned.in(config), { clock, lock: false, ...(logger && { logger }) }), {
    openLog: async () => log,
    viewsFile: ":memory:",
    ends: () => noEnds,
    limits: { flushMs: 0 }, // an outcome is recorded at once, so that nobody has to move the clock for it
    calls: {
      webhook: (definition) => makeWebhookAttempt(definition, { clock, dispatcher: webhooks.senderOf(definition.name) }),
      around: (_, attempt) => calls.around(attempt),
    },
    random,
    alerts: false, // nothing leaves the process
  });
  await store.start();
  const needs = { clock, calls, head: () => log.head(), viewed: () => BigInt(store.views.position()), trouble: () => store.notReady() };
  let closed = false;
  return {
    store,
    handlers: (config.handlers ?? []).map(({ name }) => name),
    untilQuiet: async () => (closed ? undefined : untilQuiet(needs)),
    async close() {
      if (closed) return;
      await untilQuiet(needs).catch(() => {}); // what does not come to rest is closed all the same
      closed = true;
      let over = false;
      const closing = store.close().finally(() => {
        over = true;
      });
      // What it waits for is a call that does not end: the time that it is given passes at once.
      for (let turns = 0; !over; turns++) {
        await turn();
        const nextMs = clock.nextDueMs();
        if (turns > 20 && !over && nextMs !== null) clock.moveTo(nextMs);
      }
      await closing;
    },
  };
}
