/** `reprise/testing`: a store in memory, with a clock that the test moves. It is put together from the very parts of a real one. */
import type { Config } from "../config/config.ts";
import { openMemoryLog } from "../log/memory/open-memory-log.ts";
import { buildTestStore } from "./build-test-store.ts";
import { ManualClock } from "./manual-clock.ts";
import type { TestStore, TestStoreOptions } from "./test-store.ts";

export type { ExpectedLetter } from "./assertions.ts";
export type { LiftedEnvelope, LiftedEvent } from "./lift.ts";
export type { LaneFilter, LetterFilter, TestLane } from "./queries.ts";
export type { TestClock } from "./test-clock.ts";
export type { TestStore, TestStoreOptions } from "./test-store.ts";
export type { WebhookAnswer, WebhookPost, WebhookReceiver } from "./webhook-post.ts";

const standardStart = Date.UTC(2026, 0, 1);

/** Opens and starts a store in memory. @throws what `openStore` throws for a config that is wrong. */
export async function makeTestStore(config: Config, options: TestStoreOptions = {}): Promise<TestStore> {
  const clock = new ManualClock(startOf(options.now));
  return buildTestStore(config, options, { clock, log: openMemoryLog({ clock }) });
}

function startOf(now: TestStoreOptions["now"]): number {
  const ms = now === undefined ? standardStart : new Date(now).getTime();
  if (Number.isNaN(ms)) throw new TypeError(`now is ${String(now)}: it must be a Date, milliseconds since 1970, or a time as in 2026-01-01T00:00:00Z.`);
  return ms;
}
