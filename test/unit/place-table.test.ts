import fc from "fast-check";
import { expect, it } from "vitest";
import { makePlaceTable } from "../../src/log/eventstoredb/place-table.ts";

/** Few ids, which share the digits at their end, those before them, or both with none. */
const ids = Array.from({ length: 12 }, (_, i) => `0195e0a0-0000-7000-8000-000${i % 3}0000000${i % 4}`);
const step = fc.record({ do: fc.constantFrom("add", "delete"), id: fc.constantFrom(...ids), tenant: fc.constantFrom("shop", "mill"), revision: fc.nat(99) });

it("keeps the newest places, like a list that is searched from its end (property)", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
      const table = makePlaceTable(max);
      /** Null: deleted, and its room is taken until it would be the oldest. */
      let model: ({ readonly id: string; readonly tenant: string; readonly stream: string; readonly revision: number } | null)[] = [];
      for (const { do: act, id, tenant, revision } of steps) {
        const stream = `${tenant}.order-${revision}`;
        if (act === "add") {
          table.add(id, stream, revision);
          model = [...model, { id, tenant, stream, revision }].slice(-max);
        } else {
          table.delete(tenant, id);
          model = model.map((each) => (each?.id === id && each.tenant === tenant ? null : each));
        }
        for (const one of ids)
          for (const of of ["shop", "mill", "sho"]) {
            const found = model.findLast((each) => each?.id === one && each.tenant === of);
            expect(table.get(of, one)).toEqual(found == null ? null : { stream: found.stream, revision: found.revision });
            expect(table.has(of, one)).toBe(found != null);
          }
      }
    }),
  );
});
