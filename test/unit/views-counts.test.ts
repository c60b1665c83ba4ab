/** What the views count as they go, beside a count of the rows by force. */
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { handlerStream } from "../../src/event/names.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import type { ViewDatabase } from "../../src/views/database.ts";
import { openViewStore } from "../../src/views/store.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeDice, makeHistory, ordersCatalog } from "../support/views-history.ts";

const setups = [
  { name: "ledger", ordering: "strict", types: ["order.placed", "order.paid"], fromNow: false },
  { name: "mailer", ordering: "relaxed", types: ["order.placed"], fromNow: false, partitions: 3 },
] as const;

/** Each count as it is kept, and as the rows give it. */
const counts = {
  "dead letters by kind": [
    "select tenant, handler, entity_type, type, iif(has_source, source, null) as source, cause, error_type, error_message, error_group, letters as count from letter_counts",
    `select tenant, handler, entity_type, type, source, cause, error_type, error_message, error_group, count(*) as count from deliveries
       where letter = 1 and status <> 'failed' group by 1, 2, 3, 4, 5, 6, 7, 8, 9`,
  ],
  "dead letters of error groups": [
    "select tenant, handler, fingerprint, waiting as count from error_groups",
    `select tenant, handler, fingerprint, (select count(*) from deliveries d where d.letter = 1 and d.status <> 'failed' and d.tenant = g.tenant
       and d.handler = g.handler and d.error_group = g.fingerprint) as count from error_groups g`,
  ],
  "dead letters of lanes, retried ones among them": [
    "select entity, handler, letters as count from lanes where letters <> 0",
    "select entity, handler, count(*) as count from deliveries where letter = 1 group by entity, handler",
  ],
} as const;

function compare(db: ViewDatabase): number {
  const sorted = (sql: string) =>
    db
      .all<{ count: number }>(sql)
      .map((row) => JSON.stringify(row))
      .sort();
  for (const [what, [kept, byForce]] of Object.entries(counts)) expect(sorted(kept), what).toEqual(sorted(byForce));
  return sorted(counts["dead letters by kind"][0]).length;
}

it("dead letters are counted as the rows have them after each batch of a random history, and none is when their handler is retired (property)", async () => {
  const folder = temporaryFolder();
  let run = 0;
  let most = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const dice = makeDice(seed);
      const log = openMemoryLog();
      const history = makeHistory(log, dice, setups);
      for (let left = 200 + dice(200); left > 0; left--) await history.step();
      await history.flushAll();
      const retired = { act: { actor: "ann", reason: "gone" }, at: "0", waiting: 0 };
      for (const { name } of setups) await log.append(handlerStream(name), [ownEvent(newId, "handler.retired", retired)], "any");
      const store = openViewStore(join(folder, `${++run}.db`), log.logId, ordersCatalog);
      let events: StoredEvent[] = [];
      for await (const batch of log.readAll()) events.push(...batch);
      while (events.length > 0) {
        const size = 1 + dice(60);
        events = events.slice(store.fold(events, (folded) => folded >= size));
        most = Math.max(most, compare(store.db));
      }
      expect(compare(store.db)).toBe(0);
      store.close();
    }),
    { numRuns: size(15, 60) },
  );
  expect(most).toBeGreaterThan(0);
}, 60_000);
