/** Entries of Reprise's own streams that it did not write: another program on the same log may. */
import { expect, it } from "vitest";
import type { JournalEvent } from "../../src/records/journal.ts";
import { about, attemptRecord, deadLettered, makeViewsFixture, progress } from "../support/views-fixture.ts";

it.each([{}, { actor: 5, reason: null }, { actor: "anna", reason: {} }, { actor: "anna" }, { actor: "anna", reason: null, replayId: 7 }])(
  "passes over a dead letter's end whose act is %j, and shows what comes after it",
  async (act) => {
    const { clock, configure, paid, journal, log, open } = makeViewsFixture();
    await configure("ledger");
    const [first, second] = await paid("default.order-1", 2);
    await journal("ledger", deadLettered(first!));
    const settled = {
      ...about(first!),
      outcome: "replayed",
      before: "dead_lettered",
      attempts: 4,
      retryCount: 4,
      cause: null,
      record: attemptRecord(4, { outcome: "completed" }),
      act,
    };
    await journal("ledger", { type: "delivery.settled", data: settled } as unknown as JournalEvent);
    await journal("ledger", progress(0n, [[second!]]), deadLettered(second!));
    const views = await open({ start: false });
    views.start();
    const shown = views.waitFor(await log.head(), 60_000);
    await clock.advance(50_000);
    await shown;
    const [delivery] = (await views.event("default", first!.id))!.deliveries;
    expect(delivery).toMatchObject({ status: "dead_lettered", acts: [] });
    expect(await views.deadLetterStats({ tenant: "default" })).toMatchObject({ total: 2 });
  },
);
