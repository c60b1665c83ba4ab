import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import type { Json } from "../../src/event/event.ts";
import { defineEvent, defineUpcasters, drop, type EventDefinition, part, split, type UpcasterChain } from "../../src/index.ts";
import { storedAs } from "../support/stored-as.ts";

const page = readFileSync(new URL("../../docs/schema-evolution.md", import.meta.url), "utf8");
/** Each example with the heading above it. */
const examples = page
  .split(/^(?=##)/m)
  .flatMap((section) => [...section.matchAll(/^```ts\n([^`]+)```$/gm)].map(([, code]) => ({ title: section.split("\n")[0]!, code: code! })))
  .filter(({ code }) => code.includes("→"));
const words = { defineEvent, defineUpcasters, drop, part, split, z };

describe("docs/schema-evolution.md", () => {
  it("has an example for each kind of change", () => {
    expect(examples).toHaveLength(6);
  });

  it.each(examples)("$title: gives what it says", ({ code }) => {
    const names = [...code.matchAll(/^const (\w+) =/gm)].map(([, name]) => name);
    const script = `${code.replaceAll(" as const", "")}\nreturn [${names.join(", ")}];`;
    const defined = new Function(...Object.keys(words), script)(...Object.values(words)) as readonly (EventDefinition | UpcasterChain)[];
    const catalog = makeCatalog({ events: defined.filter((each) => "schemas" in each), upcasters: defined.filter((each) => "steps" in each) });
    const claims = [...code.matchAll(/^\/\/ (\S+) (\d+) (\{.*?\}) → (.+)$/gm)];
    expect(claims).not.toHaveLength(0);
    for (const [, type, version, stored, today] of claims) {
      const lifted = catalog.current(storedAs(type!, Number(version), JSON.parse(stored!) as Json));
      if (!lifted.ok) throw new Error(lifted.error.message);
      const parts = lifted.parts.map((each) => `${each.type} ${JSON.stringify(each.data)}`).join(" + ");
      expect(lifted.dropped === null ? parts : `dropped: ${lifted.dropped}`).toBe(today);
    }
  });
});
