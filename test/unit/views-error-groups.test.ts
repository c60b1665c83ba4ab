/** Error groups as rows: what earlier builds recorded, and how many groups there may be. */
import { describe, expect, it } from "vitest";
import { fingerprintOf } from "../../src/records/fingerprint/fingerprint.ts";
import { maxGroups } from "../../src/views/projections/error-group-room.ts";
import { about, attemptRecord, deadLettered, makeViewsFixture } from "../support/views-fixture.ts";

const tenant = "default";

describe("error groups", () => {
  it("take in what the first builds recorded, without fingerprints: they have one without a place", async () => {
    const { append, configure, journal, open } = makeViewsFixture();
    await configure("ledger");
    const [one, two, three] = await append("default.order-1", ...Array.from({ length: 3 }, () => ({ type: "order.paid", data: {} })));
    const error = { type: "Error", message: "order 17 is missing" };
    await journal("ledger", deadLettered(one!, { error, record: attemptRecord(1, { error }) }));
    await journal(
      "ledger",
      deadLettered(two!, {
        error: { ...error, message: "order 18 is missing" },
        record: attemptRecord(1, { error: { ...error, message: "order 18 is missing" } }),
      }),
    );
    await journal("ledger", deadLettered(three!, { error, record: null, cause: "given_up", act: { actor: "anna", reason: null } }));
    const { groups } = await (await open()).errorGroups({ tenant }, { limit: 10 });
    expect(groups.map(({ fingerprint, class: kind, count, entities, builds }) => ({ fingerprint, kind, count, entities, builds }))).toEqual([
      { fingerprint: fingerprintOf("ledger", { class: null, error }), kind: null, count: 1, entities: 1, builds: [] },
      { fingerprint: fingerprintOf("ledger", { class: "transient", error }), kind: "transient", count: 2, entities: 1, builds: [] },
    ]);
  });

  it(`are at most ${maxGroups} of a handler: other failures are counted together, until old groups make room`, async () => {
    const { append, configure, journal, open, clock } = makeViewsFixture();
    await configure("ledger");
    const events = await append("default.order-1", ...Array.from({ length: 1000 }, () => ({ type: "order.paid", data: {} })));
    const others = await append("default.order-2", ...Array.from({ length: 3 }, () => ({ type: "order.paid", data: {} })));
    const failed = (event: (typeof events)[number], fingerprint: string) => ({
      type: "delivery.failed" as const,
      data: { ...about(event), record: attemptRecord(1, { fingerprint }), retryAt: "2026-01-02T00:00:00.000Z" },
    });
    await journal("ledger", ...events.slice(0, 900).map((event, n) => failed(event, `f${n}`)));
    await journal("ledger", ...events.slice(900).map((event, n) => failed(event, `f${900 + n}`)));
    await journal(
      "ledger",
      deadLettered(others[0]!, { record: attemptRecord(1, { fingerprint: "new" }) }),
      failed(others[1]!, "newer"),
      failed(events[3]!, "f3"),
    );
    const views = await open();
    const all = { tenant, handler: "ledger" };
    const shown = async () => (await views.errorGroups(all, { limit: 2 })).groups.map(({ fingerprint, count, waiting }) => ({ fingerprint, count, waiting }));
    expect(await shown()).toEqual([
      { fingerprint: "f3", count: 2, waiting: 0 },
      { fingerprint: "v1:other:ledger", count: 2, waiting: 1 },
    ]);
    expect((await views.deadLetters({ tenant, errorGroup: "v1:other:ledger" }, { limit: 5 })).events.map(({ fingerprint }) => fingerprint)).toEqual([
      "v1:other:ledger",
    ]);
    const pages: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Awaited<ReturnType<typeof views.errorGroups>> = await views.errorGroups(all, { limit: 300, ...(cursor === "" ? {} : { cursor }) });
      pages.push(...page.groups.map(({ fingerprint }) => fingerprint));
      cursor = page.nextCursor;
    }
    expect([pages.length, new Set(pages).size]).toEqual([maxGroups + 1, maxGroups + 1]);

    await clock.advance(31 * 86_400_000);
    const [last] = await journal("ledger", failed(others[2]!, "newest"));
    await views.waitFor(last!.position);
    // Those with dead letters stay.
    expect((await views.errorGroups(all, { limit: 10 })).groups.map(({ fingerprint }) => fingerprint)).toEqual(["newest", "v1:other:ledger"]);
  });
});
