import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { drop, split } from "../../src/catalog/define.ts";
import { makeLoopedLift, makeStraightLift, notStraight, type Step } from "../../src/catalog/lift/straight-lift.ts";
import type { StoredEvent } from "../../src/event/event.ts";

const schema = z.object({ path: z.array(z.string()), kept: z.unknown() });
type Data = z.output<typeof schema>;

/** What a step may do, and whether its input is copied first. */
const kinds = ["adds", "writes", "drops", "splits", "promises", "promises failure", "throws", "does not fit"] as const;
const chains = fc.array(fc.record({ kind: fc.oneof({ weight: 4, arbitrary: fc.constant("adds") }, fc.constantFrom(...kinds)), copies: fc.boolean() }), {
  maxLength: 6,
});

function stepsOf(chain: readonly { readonly kind: (typeof kinds)[number] | string; readonly copies: boolean }[], calls: string[]): readonly Step[] {
  return chain.map(({ kind, copies }, index) => {
    const step = (data: Data, event: StoredEvent): unknown => {
      calls.push(`${index} ${event.id} ${data.kept === (event.data as Data).kept}`);
      if (kind === "writes") data.path.push("written");
      if (kind === "drops") return drop("no more");
      if (kind === "splits") return split();
      if (kind === "promises") return Promise.resolve(data);
      if (kind === "promises failure") return Promise.reject(new Error("never met"));
      if (kind === "throws") throw new Error(`step ${index}`);
      if (kind === "does not fit") return { path: index };
      return { path: [...data.path, String(index)], kept: (event.data as Data).kept };
    };
    return { step: step as unknown as Step["step"], next: schema, copies };
  });
}

function outcomeOf(make: typeof makeStraightLift, chain: Parameters<typeof stepsOf>[0], stored: StoredEvent): object {
  const calls: string[] = [];
  const lift = make(schema, stepsOf(chain, calls));
  try {
    const data = lift(stored);
    return { calls, data: data === notStraight ? "not straight" : data };
  } catch (error) {
    return { calls, error: (error as Error).message };
  }
}

describe("a straight lift", () => {
  const stored = (data: unknown) => ({ id: "an-id", data }) as StoredEvent;

  it("does what a loop over its steps does", () => {
    const datas = fc.oneof(
      { weight: 9, arbitrary: fc.record({ path: fc.array(fc.string(), { maxLength: 2 }), kept: fc.constant({}) }) },
      fc.constant({ path: null }),
    );
    fc.assert(
      fc.property(chains, datas, (chain, data) => {
        expect(outcomeOf(makeStraightLift, chain, stored(structuredClone(data)))).toEqual(outcomeOf(makeLoopedLift, chain, stored(structuredClone(data))));
      }),
    );
  });

  it("calls the steps in order, and copies what they get where it must", () => {
    const adds = { kind: "adds", copies: false };
    const lift = (chain: Parameters<typeof stepsOf>[0]) => outcomeOf(makeStraightLift, chain, stored({ path: ["from"], kept: {} }));
    expect(lift([adds, { kind: "adds", copies: true }, adds])).toEqual({
      calls: ["0 an-id true", "1 an-id false", "2 an-id true"],
      data: { path: ["from", "0", "1", "2"], kept: {} },
    });
    expect(lift([adds, { kind: "drops", copies: false }, adds])).toEqual({ calls: ["0 an-id true", "1 an-id true"], data: "not straight" });
    expect(lift([])).toEqual({ calls: [], data: { path: ["from"], kept: {} } });
  });

  it("lifts where code from strings is not allowed", { timeout: 60_000 }, async () => {
    const program = `
      import { z } from "zod";
      import { makeStraightLift } from ${JSON.stringify(new URL("../../src/catalog/lift/straight-lift.ts", import.meta.url).href)};
      const next = z.object({ cents: z.int() });
      const lift = makeStraightLift(z.object({ euros: z.number() }), [{ step: ({ euros }) => ({ cents: euros * 100 }), next, copies: false }]);
      console.log(JSON.stringify(lift({ data: { euros: 3 } })));
      try { new Function(""); } catch (error) { console.log(error.name); }`;
    const flags = ["--disallow-code-generation-from-strings", "--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: fileURLToPath(new URL("../..", import.meta.url)) });
    expect(stdout).toBe('{"cents":300}\nEvalError\n');
  });
});
