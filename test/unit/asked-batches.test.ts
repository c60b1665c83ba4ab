import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { AskedBatches } from "../../src/views/apart/asked-batches.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

async function scene() {
  const clock = makeFakeClock();
  const log = openMemoryLog({ clock });
  const append = async (...totals: readonly number[]) => {
    const fresh = totals.map(
      (total): NewEvent => ({
        ...{ id: newId(), type: "order.paid", schemaVersion: 1, source: null, occurredAt: null, metadata: { priority: "normal" } },
        data: { total },
      }),
    );
    await log.append("default.order-1", fresh, "any");
    return log.head();
  };
  const begun = await log.head();
  const first = await append(1, 2);
  return { asked: new AskedBatches(log, clock), append, begun, first };
}

const revisionsOf = (batch: Awaited<ReturnType<AskedBatches["next"]>>) => batch?.events.map(({ revision }) => revision) ?? null;

describe("batches that the views' thread asks for", () => {
  it("go on where the last one ended", async () => {
    const { asked, append, begun, first } = await scene();
    expect(revisionsOf(await asked.next(begun))).toEqual([0, 1]);
    await append(3);
    expect(revisionsOf(await asked.next(first))).toEqual([2]);
    asked.end();
  });

  it("begin anew where the thread could not write the last one", async () => {
    const { asked, append, begun } = await scene();
    expect(revisionsOf(await asked.next(begun))).toEqual([0, 1]);
    await append(3);
    expect(revisionsOf(await asked.next(begun))).toEqual([0, 1, 2]);
    asked.end();
  });

  it("do not come, nor is anything read for them, when nobody waits for them any more", async () => {
    const { asked, append, begun, first } = await scene();
    const unwanted = asked.next(begun);
    asked.end();
    expect(await unwanted).toBeNull();
    expect(revisionsOf(await asked.next(begun))).toEqual([0, 1]);
    const waits = asked.next(first);
    await Promise.resolve();
    asked.end();
    await append(3);
    expect(await waits).toBeNull();
  });
});
