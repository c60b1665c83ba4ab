/** A project whose handlers fail in several ways, so that their journals grow, and whose retention shortens them: for tests that kill a run. */
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.number() }) });
export const journalsCatalog = makeCatalog({ events: [placed], upcasters: [] });

/** In the messages of failures that a replay mends, and of those that nothing mends. */
export const [mendedMark, openMark] = ["MENDED-4711-", "OPEN-4712-"];

export const isNeverMended = (n: number): boolean => n % 9 === 7;

interface Call {
  readonly data: { readonly n: number };
}
interface Context {
  readonly attempt: number;
  readonly replay: object | null;
}

function mail({ data: { n } }: Call, { attempt, replay }: Context): void {
  if (isNeverMended(n)) throw new Error(`no stamp for ${openMark}${n}`);
  if (n % 9 === 4 && replay === null) throw new Error(`no stamp for ${mendedMark}${n}`);
  if (n % 9 === 5 && attempt === 1) throw new Error(`no envelope for ${mendedMark}${n}`);
}

function book({ data: { n } }: Call, { replay }: Context): void {
  if (n % 13 === 6 && !isNeverMended(n) && replay === null) throw new TypeError(`no page for ${mendedMark}${n}`);
}

/** No other wait is as long, so that a test can tell it from the others. */
export const runEveryMs = 61_007;

/** Journals are shortened to the last twenty hours. A run is slow, so that a kill meets it. */
export function journalsConfig(archive: string): Config {
  const mailer = { name: "mailer", events: [placed], ordering: "relaxed", partitions: 3, retry: { maxAttempts: 2, initialDelayMs: 10 } } as const;
  return defineConfig({
    events: [placed],
    handlers: [
      defineHandler({ ...mailer, on: { "order.placed": mail } }),
      defineHandler({ name: "ledger", events: [placed], retry: { maxAttempts: 1 }, on: { "order.placed": book } }),
    ],
    retention: { other: { after: "20h", archive: `file:${archive}` } },
    retentionPace: { everyMs: runEveryMs, eventsPerSecond: 100 },
  } as Config);
}
