import fc from "fast-check";
import { expect, it } from "vitest";
import { Lately } from "../../src/log/sqlite/lately.ts";

it("knows the last half of what was used, forgets before it has more than all, and never tells an old value", () => {
  const act = fc.tuple(fc.constantFrom("get", "set"), fc.nat(12).map(String));
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const lately = new Lately<number>(8);
      const last = new Map<string, number>();
      let used: string[] = [];
      for (const [at, [what, key]] of acts.entries()) {
        const found = lately.get(key);
        if (found !== undefined || used.slice(-4).includes(key)) expect(found).toBe(last.get(key));
        if (what === "set") {
          lately.set(key, at);
          last.set(key, at);
        }
        if (what === "set" || found !== undefined) used = [...used.filter((one) => one !== key), key];
        expect([...last.keys()].filter((one) => lately.has(one)).length).toBeLessThanOrEqual(8);
      }
    }),
  );
});
