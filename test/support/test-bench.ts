/** A place in memory for the suites of stores: one log and one clock, and store after store on them, as `reprise/testing` opens them. */
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../../src/config/config.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { buildTestStore } from "../../src/testing/build-test-store.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import type { TestStore } from "../../src/testing/test-store.ts";

export interface TestBench {
  /** Another handle on the log, for reading it. */
  readLog(): ReturnType<typeof openMemoryLog>;
  /** The suites were written for a clock that runs, so this one does while the store is open. */
  start(config: Config): Promise<TestStore>;
}

/** The same config, its handlers in so many partitions. */
export function divided(config: Config, partitions: number): Config {
  return { ...config, handlers: (config.handlers ?? []).map((handler) => ({ ...handler, partitions })) };
}

/** The clock is moved by so much at a time. */
const stepMs = 5;

/** @param partitions of the handlers; default: as the config says. */
export function makeTestBench(partitions?: number): { readonly bench: TestBench } {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const log = openMemoryLog({ clock });
  const bench: TestBench = {
    readLog: () => log.reopen(),
    async start(config) {
      const handle = log.reopen();
      const kit = await buildTestStore(partitions === undefined ? config : divided(config, partitions), {}, { clock, log: handle });
      void run(kit);
      return kit;
    },
  };
  return { bench };
}

/** Until the store is closed. */
async function run({ store, clock }: TestStore): Promise<void> {
  try {
    while (store.notReady() !== "the store is closed") {
      await clock.advance(stepMs);
      await pause(1);
    }
  } catch {
    // It was closed meanwhile.
  }
}
