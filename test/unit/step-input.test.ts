/** What a step gets is its own: writing to it, which the types refuse, has the same outcome for every event, and nothing else sees it. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { z as previousZ } from "zod-previous";
import { defineEvent, defineUpcasters, part, split } from "../../src/catalog/define.ts";
import { copiesWhatItParses, copyDeep } from "../../src/catalog/lift/private-copy.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import type { Json, StoredEvent } from "../../src/event/event.ts";
import { freezeDeep } from "../../src/event/freeze-deep.ts";
import { storedAs } from "../support/stored-as.ts";

const zods = [
  ["zod", z],
  ["zod-previous", previousZ as unknown as typeof z],
] as const;

/** Any step is allowed here: what the types refuse is what is tried. */
const untyped = defineUpcasters as unknown as (event: object, steps: object, options?: object) => ReturnType<typeof defineUpcasters>;

const data = { total: 1, lines: [{ sku: "a", tags: ["x"] }], more: { deep: [{ n: 1 }] } };

describe.each(zods)("a step's input, with %s", (_name, z) => {
  const line = z.object({ sku: z.string(), tags: z.array(z.string()) });
  const shapes: Readonly<Record<string, z.ZodType>> = {
    object: z.object({ total: z.number(), lines: z.array(line), more: z.object({ deep: z.array(z.object({ n: z.number() })) }) }),
    loose: z.looseObject({ total: z.number(), lines: z.array(line) }),
    unknown: z.object({ total: z.number(), lines: z.unknown(), more: z.any() }),
    whole: z.unknown(),
    record: z.record(z.string(), z.unknown()),
    json: z.json(),
    union: z.union([z.string(), z.object({ total: z.number(), lines: z.array(line), more: z.json() })]),
    "a default that holds more": z.object({
      total: z.number(),
      lines: z.array(line),
      more: z.object({ deep: z.array(z.object({ n: z.number() })) }),
      kept: z.object({ tags: z.array(z.string()) }).default({ tags: [] }),
    }),
    frozen: z.object({ total: z.number(), lines: z.array(line), more: z.json() }).readonly(),
  };
  // biome-ignore lint/suspicious/noExplicitAny: writes where the types refuse to
  const writes = (data: any): unknown => {
    data.lines[0].tags.push("written");
    data.more.deep[0].n++;
    data.kept?.tags.push("written");
    return data;
  };

  it.each(Object.keys(shapes))("gives the same outcome 600 times when the step writes: %s", (name) => {
    const event = defineEvent("a.b", { 1: shapes[name]!, 2: shapes[name]!, 3: z.unknown() });
    const catalog = makeCatalog({ events: [event], upcasters: [untyped(event, { 1: writes, 2: writes })] });
    const stored = freezeDeep(storedAs("a.b", 1, structuredClone(data)));
    const outcomes = new Set<string>();
    for (let time = 0; time < 600; time++) {
      const lifted = catalog.current(stored);
      outcomes.add(JSON.stringify(lifted.ok ? lifted.parts.map(({ data }) => data) : lifted.error));
      if (time % 100 === 0) outcomes.add(JSON.stringify([catalog.steps(stored).at(-1)!.data]));
    }
    expect([...outcomes]).toEqual([expect.stringContaining('"tags":["x","written","written"]')]);
    expect(stored.data).toEqual(data);
  });

  it("is separate for each part of a split, and each shown step has the data from before the next step wrote into it", () => {
    const event = defineEvent("a.b", { 1: z.unknown(), 2: z.unknown(), 3: z.unknown() });
    const held = { n: 0, in: { n: 0 } };
    const bump = (value: { n: number; in: { n: number } }) => ({ ...value, n: ++value.n, in: { n: ++value.in.n } });
    const target = defineEvent("c.d", { 1: z.unknown(), 2: z.unknown() });
    const catalog = makeCatalog({
      events: [event, target],
      upcasters: [
        untyped(event, { 1: () => held, 2: () => split(part(target, held, { version: 1 }), part(target, held, { version: 1 })) }, { into: [target] }),
        untyped(target, { 1: bump }),
      ],
    });
    for (let time = 0; time < 3; time++) {
      const lifted = catalog.current(storedAs("a.b", 1, {}));
      expect(lifted).toMatchObject({ ok: true, parts: [{ data: { n: 1, in: { n: 1 } } }, { data: { n: 1, in: { n: 1 } } }] });
    }
    expect(held).toEqual({ n: 0, in: { n: 0 } });
    const chain = defineEvent("e.f", { 1: z.unknown(), 2: z.unknown(), 3: z.unknown() });
    const shown = makeCatalog({ events: [chain], upcasters: [untyped(chain, { 1: bump, 2: bump })] }).steps(storedAs("e.f", 1, { n: 0, in: { n: 0 } }));
    expect(shown.map(({ data }) => data)).toEqual([
      { n: 1, in: { n: 1 } },
      { n: 2, in: { n: 2 } },
    ]);
  });

  it("is not copied where zod copies it anyway, and is copied everywhere else", () => {
    for (const [name, schema] of Object.entries(shapes)) {
      const given = { ...data, kept: { tags: [] } } as const;
      const shared = (part: unknown, parts: Set<unknown>): boolean =>
        typeof part === "object" && part !== null && (parts.has(part) || Object.values(part).some((inner) => shared(inner, parts)));
      const parts = new Set<unknown>();
      const collect = (part: unknown): void => {
        if (typeof part !== "object" || part === null) return;
        parts.add(part);
        Object.values(part).forEach(collect);
      };
      collect(given);
      if (shared(schema.parse(given), parts)) expect(copiesWhatItParses(schema), name).toBe(false);
    }
    expect(copiesWhatItParses(shapes.object!)).toBe(true);
    expect(copiesWhatItParses(shapes["a default that holds more"]!)).toBe(false);
    const tree: z.ZodType = z.object({ name: z.string(), children: z.array(z.lazy(() => tree)) });
    expect(copiesWhatItParses(tree)).toBe(true);
  });
});

describe("the event beside the data", () => {
  const event = defineEvent("a.b", { 1: z.object({ n: z.number() }), 2: z.object({ n: z.number() }) });
  const bySteps: Readonly<Record<string, unknown>> = {
    "a second parameter": (data: object, stored: StoredEvent) => ((stored.metadata as { priority: string }).priority = "low") && data,
    "one with a default": (data: object, stored: StoredEvent = null as never) => ((stored.metadata as { priority: string }).priority = "low") && data,
    rest: (...[data, stored]: [object, StoredEvent]) => ((stored.metadata as { priority: string }).priority = "low") && data,
    arguments: function (data: object) {
      // biome-ignore lint/complexity/noArguments: that is what is tried
      (arguments[1] as { metadata: { priority: string } }).metadata.priority = "low";
      return data;
    },
  };

  it.each(Object.keys(bySteps))("is frozen for a step that reaches it by %s", (name) => {
    const catalog = makeCatalog({ events: [event], upcasters: [untyped(event, { 1: bySteps[name] })] });
    for (let time = 0; time < 300; time++) {
      const stored = storedAs("a.b", 1, { n: 1 });
      expect(catalog.current(stored)).toMatchObject({ ok: false, error: { type: "TypeError" } });
      expect(stored.metadata.priority).not.toBe("low");
    }
  });
});

describe("a copy", () => {
  it("takes data as deep as JSON nests, rings, and names that are special", () => {
    let deep: Json = "end";
    for (let level = 0; level < 100_000; level++) deep = [deep];
    const copy = copyDeep(deep, false);
    expect(copy === deep).toBe(false); // not `toBe`: what it says of a failure is recursive
    freezeDeep(copy);
    const ring: Record<string, unknown> = { n: 1 };
    ring.self = [ring, ring];
    const turned = copyDeep(ring, true) as { n: number; self: unknown[] };
    expect(turned).not.toBe(ring);
    expect(turned.self).toEqual([turned, turned]);
    const named = JSON.parse('{"__proto__":{"a":1},"constructor":2}') as object;
    expect(JSON.stringify(copyDeep(named, false))).toBe(JSON.stringify(named));
  });
});
