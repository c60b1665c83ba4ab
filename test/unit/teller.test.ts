/** What readers of the log did not ask for is not read for them. */
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { makeTeller } from "../../src/store/following/teller.ts";
import { troubledStatuses, type Wanted } from "../../src/store/following/wanted.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

it("asks for completions only where a reader wants them", async () => {
  const placed = defineEvent("order.placed", { 1: z.object({}) });
  const log = { readStream: vi.fn() };
  const teller = makeTeller({ log, catalog: makeCatalog({ events: [placed] }), view: vi.fn() });
  const completed = { stream: "default.order-1", revision: 0, position: 1n, id: "0198c0de-0000-7000-8000-000000000001", type: "order.placed" };
  const completions = { of: vi.fn().mockResolvedValue([completed]), forget: vi.fn() };
  const record = makeStoredEvent({ stream: "reprise.journal-desk-1-0", type: "progress", source: "reprise", data: { checkpoint: "1", ahead: [] } });
  const reader = (statuses: Wanted["statuses"]) => ({ wanted: { tenant: "default", events: true, statuses } });

  expect(teller.tell(record, [reader(new Set()), reader(new Set(troubledStatuses))], completions)).toEqual([]);
  expect(completions.of).not.toHaveBeenCalled();
  expect(completions.forget).toHaveBeenCalled(); // and what was kept for them goes
  expect(log.readStream).not.toHaveBeenCalled();
  const told = await teller.tell(record, [reader(new Set(["completed"]))], completions);
  expect(told).toMatchObject([{ kind: "delivery", handler: "desk", status: "completed", revision: 0, index: 0, storedType: "order.placed" }]);
});
