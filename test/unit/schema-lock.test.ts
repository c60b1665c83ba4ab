import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters, type EventDefinition, type UpcasterChain } from "../../src/catalog/define.ts";
import { checkDefinitionsOnly } from "../../src/catalog/lock/check-definitions-only.ts";
import { checkLock } from "../../src/catalog/lock/check-lock.ts";
import { type Finding, isAddition, rules } from "../../src/catalog/lock/finding.ts";
import { type Lock, readLock, writeLock } from "../../src/catalog/lock/lock.ts";
import { makeSubject, type RealSample } from "../../src/catalog/lock/subject.ts";
import { nextLock, type Rewrite } from "../../src/catalog/lock/write-lock.ts";
import type { Json } from "../../src/event/event.ts";

type Steps = Record<number, (data: never, event: never) => unknown>;
interface Definitions {
  readonly events: readonly EventDefinition[];
  readonly upcasters: readonly UpcasterChain[];
}

const v1 = z.object({ orderId: z.string().min(1), total: z.number().min(0).max(1000), note: z.string().default("none") });
const v2 = z.strictObject({ orderId: z.string(), totalCents: z.int(), currency: z.enum(["EUR", "CHF"]) });
const v3 = z.strictObject({ orderId: z.string(), totalCents: z.int(), currency: z.enum(["EUR", "CHF"]), lines: z.array(z.string()) });
const v1ToV2 = ({ orderId, total }: z.output<typeof v1>) => ({ orderId, totalCents: Math.round(total * 100), currency: "EUR" });
const v2ToV3 = (old: z.output<typeof v2>) => ({ ...old, lines: [old.currency] });
const noted = defineEvent("order.noted", { 1: z.looseObject({ text: z.string() }) }, { formerly: ["order.remarked"] });

/** The catalog as it was published, but for what a test changes. */
function definitions({
  schemas = { 1: v1, 2: v2, 3: v3 } as Record<number, z.ZodType>,
  steps = { 1: v1ToV2, 2: v2ToV3 } as Steps,
  others = [noted] as readonly EventDefinition[],
  type = "order.placed",
  formerly = [] as readonly string[],
} = {}): Definitions {
  const event = defineEvent(type, schemas as never, { formerly }) as EventDefinition;
  return { events: [event, ...others], upcasters: Object.keys(steps).length === 0 ? [] : [defineUpcasters(event, steps as never)] };
}

const empty: Lock = { format: 2, types: {} };

function locked(
  of: Definitions,
  { from = empty, real = [], rewrite = [] }: { from?: Lock; real?: readonly RealSample[]; rewrite?: readonly Rewrite[] } = {},
): Lock {
  const next = nextLock(from, makeSubject(of), real, rewrite);
  if (!next.ok) throw new Error(next.refused.map(({ rule, message }) => `${rule}: ${message}`).join("\n"));
  return next.lock;
}

const published = locked(definitions());
const check = (of: Definitions, real: readonly RealSample[] = [], lock = published): readonly Finding[] => checkLock(lock, makeSubject(of), real);
const found = (findings: readonly Finding[]) => findings.map(({ rule, type, version }) => `${rule} ${type}${version === null ? "" : `@${version}`}`);

describe("the lock", () => {
  it("finds nothing where nothing changed, and is the same text each time", () => {
    expect(check(definitions())).toEqual([]);
    expect(writeLock(locked(definitions()))).toBe(writeLock(published));
    expect(writeLock(locked(definitions(), { from: published }))).toBe(writeLock(published));
    expect(readLock(writeLock(published))).toEqual(JSON.parse(writeLock(published)));
  });

  it("keeps what each sample becomes at every step", () => {
    const { samples } = published.types["order.placed"]!.versions[1]!;
    expect(samples.full).toEqual({
      data: { note: "note", orderId: "orderId", total: 19.99 },
      becomes: {
        "2": { data: { currency: "EUR", orderId: "orderId", totalCents: 1999 } },
        "3": { data: { currency: "EUR", lines: ["EUR"], orderId: "orderId", totalCents: 1999 } },
      },
    });
    expect(samples.minimal?.reads).toEqual({ note: "none", orderId: "orderId", total: 19.99 });
    expect(published.types["order.noted"]?.formerly).toEqual(["order.remarked"]);
  });

  const strings = v1.shape;
  it.each<[string, Parameters<typeof definitions>[0], string[], RegExp]>([
    [
      "a bound",
      { schemas: { 1: z.object({ ...strings, total: z.number().min(0).max(1001) }), 2: v2, 3: v3 } },
      ["published-version-changed order.placed@1"],
      /maximum: 1000 → 1001 \(bound-loosened\)/,
    ],
    [
      "a choice",
      { schemas: { 1: v1, 2: v2, 3: v3.extend({ currency: z.enum(["EUR", "CHF", "USD"]) }) } },
      ["published-version-changed order.placed@3"],
      /enum-widened/,
    ],
    [
      "a default",
      { schemas: { 1: z.object({ ...strings, note: z.string().default("some") }), 2: v2, 3: v3 } },
      ["published-version-changed order.placed@1"],
      /sample minimal is read differently: \/note: "none" → "some"/,
    ],
    [
      "a check that JSON Schema does not show",
      { schemas: { 1: v1, 2: v2.refine(({ totalCents }) => totalCents !== 42), 3: v3 } },
      ["published-version-changed order.placed@2"],
      /\(the whole\): refine – added[\s\S]*sample full was accepted, is refused/,
    ],
    [
      "the case that a pattern ignores",
      { schemas: { 1: z.object({ ...strings, orderId: z.string().min(1).regex(/^./i) }), 2: v2, 3: v3 } },
      ["published-version-changed order.placed@1"],
      /regex flags i/,
    ],
    ["strictness", { schemas: { 1: v1, 2: v2.loose(), 3: v3 } }, ["published-version-changed order.placed@2"], /unlisted-members-allowed/],
    [
      "a step's result",
      { steps: { 1: ({ orderId, total }: z.output<typeof v1>) => ({ orderId, totalCents: Math.trunc(total * 100), currency: "EUR" }), 2: v2ToV3 } as never },
      ["step-result-changed order.placed@1"],
      /sample full of version 1: \/totalCents: 1999 → 1998/,
    ],
    [
      "a later step's result",
      { steps: { 1: v1ToV2, 2: (old: z.output<typeof v2>) => ({ ...old, lines: [] }) } as never },
      ["step-result-changed order.placed@2"],
      /of version 2: \/lines\/0: "EUR" → –/,
    ],
    [
      "a step that fails now",
      { steps: { 1: v1ToV2, 2: () => ({}) } as never },
      ["step-result-changed order.placed@2"],
      /\{"data":.* → \{"error":"SchemaInvalid"\}/,
    ],
    [
      "a step that was only rewritten",
      { steps: { 1: v1ToV2, 2: (old: z.output<typeof v2>) => ({ lines: [old.currency], ...old }) } as never },
      ["step-edited order.placed@2"],
      /every sample still becomes the same/,
    ],
    [
      "a version",
      { schemas: { 1: v1, 2: v2 }, steps: { 1: v1ToV2 } as never },
      ["version-disappeared order.placed@3"],
      /Put version 3 back into `defineEvent`.*\(where each has a file: schemas\/order\.placed\/v3\.ts/,
    ],
    ["a type", { others: [] }, ["type-disappeared order.noted"], /formerly: \["order\.noted"\]/],
    [
      "a former name",
      { others: [defineEvent("order.noted", { 1: z.looseObject({ text: z.string() }) })] },
      ["former-name-disappeared order.noted"],
      /formerly called order\.remarked/,
    ],
  ])("finds a change of %s, and says what to do", (_, change, expected, text) => {
    const findings = check(definitions(change));
    expect(found(findings)).toEqual(expected);
    expect(findings.map(({ message, details, remedy }) => [message, ...details, remedy].join("\n")).join("\n")).toMatch(text);
    for (const { rule, remedy } of findings) {
      expect(rules[rule]).toBeTruthy();
      expect(remedy.length).toBeGreaterThan(40);
    }
  });

  it("finds a check whose code was edited where no sample shows it", () => {
    const make = (limit: (data: { totalCents: number }) => boolean) => definitions({ schemas: { 1: v1, 2: v2.refine(limit), 3: v3 } });
    const lock = locked(make(({ totalCents }) => totalCents !== 5_000_001));
    expect(
      found(
        check(
          make(({ totalCents }) => totalCents !== 5_000_002),
          [],
          lock,
        ),
      ),
    ).toEqual(["check-edited order.placed@2"]);
  });

  it("finds a step that looks elsewhere than at its arguments", () => {
    let count = 0;
    const counting = definitions({
      steps: { 1: ({ orderId }: { orderId: string }) => ({ orderId, totalCents: count++, currency: "EUR" }), 2: v2ToV3 } as never,
    });
    expect(found(check(counting))).toEqual(["step-not-pure order.placed@1"]);
    expect(nextLock(published, makeSubject(counting), [], [{ type: "order.placed", version: null }])).toMatchObject({ ok: false });
  });

  it("names a changed version once, and not the versions that follow from it", () => {
    const narrower = z.strictObject({ orderId: z.string(), totalCents: z.int().max(100), currency: z.enum(["EUR", "CHF"]) });
    expect(found(check(definitions({ schemas: { 1: v1, 2: narrower, 3: v3 } })))).toEqual(["published-version-changed order.placed@2"]);
  });

  it("does not mind the order in which members and choices are written", () => {
    const turned = z.strictObject({ currency: z.enum(["CHF", "EUR"]), totalCents: z.int(), orderId: z.string() });
    expect(check(definitions({ schemas: { 1: v1, 2: turned, 3: v3 } }))).toEqual([]);
  });
});

describe("recording", () => {
  const v4 = z.strictObject({ id: z.string() });
  const grown = definitions({
    schemas: { 1: v1, 2: v2, 3: v3, 4: v4 },
    steps: { 1: v1ToV2, 2: v2ToV3, 3: ({ orderId }: { orderId: string }) => ({ id: orderId }) } as never,
  });

  it("adds a version with its step, and leaves all that was there as it was", () => {
    expect(found(check(grown))).toEqual(["not-locked order.placed"]);
    expect(check(grown)[0]?.details).toEqual(["step 3 → 4", "version 4"]);
    const lock = locked(grown, { from: published });
    expect(check(grown, [], lock)).toEqual([]);
    const before = published.types["order.placed"]!.versions;
    for (const [version, entry] of Object.entries(before)) {
      const after = lock.types["order.placed"]!.versions[version]!;
      expect({ ...after, step: null, samples: null }).toEqual({ ...entry, step: null, samples: null });
      for (const [name, sample] of Object.entries(entry.samples)) {
        const { "4": added, ...rest } = after.samples[name]!.becomes;
        expect(rest).toEqual(sample.becomes);
        expect(added).toMatchObject({ data: { id: expect.any(String) } });
      }
    }
  });

  it("follows a rename: the new name has what the old one had", () => {
    const renamed = definitions({ type: "order.received", formerly: ["order.placed"] });
    expect(found(check(renamed))).toEqual(["not-locked order.received"]);
    const lock = locked(renamed, { from: published });
    expect(Object.keys(lock.types)).toEqual(["order.received", "order.noted"]);
    expect(lock.types["order.received"]).toEqual({ ...published.types["order.placed"], formerly: ["order.placed"] });
    expect(check(renamed, [], lock)).toEqual([]);
  });

  const changed = definitions({ schemas: { 1: v1, 2: v2.extend({ currency: z.enum(["EUR"]) }), 3: v3 } });
  const other = definitions({ steps: { 1: v1ToV2, 2: (old: object) => ({ ...old, lines: [] }) } as never });

  it.each<[string, Definitions, Rewrite]>([
    ["a version", changed, { type: "order.placed", version: 2 }],
    ["a step", other, { type: "order.placed", version: 2 }],
    ["a version that is gone", definitions({ schemas: { 1: v1, 2: v2 }, steps: { 1: v1ToV2 } as never }), { type: "order.placed", version: 3 }],
    ["a type that is gone", definitions({ others: [] }), { type: "order.noted", version: null }],
    ["a former name that is gone", definitions({ others: [defineEvent("order.noted", noted.schemas as never)] }), { type: "order.noted", version: null }],
  ])("rewrites %s only where it is said to", (_, now, rewrite) => {
    const subject = makeSubject(now);
    expect(nextLock(published, subject, [], [])).toMatchObject({ ok: false, refused: [{ type: rewrite.type }] });
    expect(nextLock(published, subject, [], [{ type: rewrite.type, version: 1 }])).toMatchObject({ ok: false });
    const lock = locked(now, { from: published, rewrite: [rewrite] });
    expect(check(now, [], lock)).toEqual([]);
  });

  it("records code that was rewritten without a flag, since no sample becomes anything else", () => {
    const rewritten = definitions({ steps: { 1: v1ToV2, 2: (old: z.output<typeof v2>) => ({ lines: [old.currency], ...old }) } as never });
    expect(check(rewritten).every(isAddition)).toBe(true);
    expect(check(rewritten, [], locked(rewritten, { from: published }))).toEqual([]);
  });

  it("notes samples that a step refuses, and versions of which no sample could be made", () => {
    const picky = definitions({
      schemas: { 1: z.object({ at: z.string() }), 2: z.object({ at: z.iso.date() }).refine(() => false) },
      steps: { 1: ({ at }: { at: string }) => ({ at: new Date(at).toISOString() }) } as never,
    });
    const next = nextLock(empty, makeSubject(picky), [], []);
    expect(next).toMatchObject({
      ok: true,
      notes: expect.arrayContaining([
        "order.placed: the step 1 → 2 fails for the sample full of version 1 with RangeError.",
        expect.stringMatching(/order\.placed version 2: no sample could be made/),
      ]),
    });
  });
});

describe("samples from files", () => {
  const real = (name: string, data: Json, version = 1): RealSample => ({ type: "order.placed", version, name: `real/${name}`, data });
  const summer = real("summer", { orderId: "o-1", total: 129.9 });
  const withSummer = locked(definitions(), { from: published, real: [summer] });

  it("are new, then recorded, and may neither change nor go", () => {
    expect(found(check(definitions(), [summer]))).toEqual(["not-locked order.placed"]);
    expect(withSummer.types["order.placed"]?.versions[1]?.samples["real/summer"]?.becomes["2"]).toEqual({
      data: { orderId: "o-1", totalCents: 12_990, currency: "EUR" },
    });
    expect(check(definitions(), [summer], withSummer)).toEqual([]);
    expect(found(check(definitions(), [], withSummer))).toEqual(["sample-disappeared order.placed@1"]);
    expect(found(check(definitions(), [real("summer", { orderId: "o-2", total: 1 })], withSummer))).toEqual(["sample-changed order.placed@1"]);
    expect(check(definitions(), [], locked(definitions(), { from: withSummer, rewrite: [{ type: "order.placed", version: 1 }] }))).toEqual([]);
  });

  it("have to be of a version that there is, fit it, and go through every step", () => {
    const findings = check(definitions(), [real("late", {}, 9), real("wrong", { orderId: "", total: 1 }), real("good", { orderId: "x", total: 1 })]);
    expect(found(findings)).toEqual(["not-locked order.placed", "sample-refused order.placed@1", "sample-refused order.placed@9"]);
    const failing = definitions({ steps: { 1: v1ToV2, 2: () => ({}) } as never });
    expect(found(check(failing, [summer], locked(failing)))).toEqual(["sample-refused order.placed@1"]);
    expect(nextLock(published, makeSubject(definitions()), [real("late", {}, 9)], [])).toMatchObject({ ok: false });
  });

  it("show what the generated ones do not", () => {
    const odd = definitions({
      steps: {
        1: ({ orderId, total }: z.output<typeof v1>) => ({ orderId, totalCents: orderId === "o-1" ? 0 : Math.round(total * 100), currency: "EUR" }),
        2: v2ToV3,
      } as never,
    });
    expect(found(check(odd))).toEqual(["step-edited order.placed@1"]);
    expect(found(check(odd, [summer], withSummer))).toEqual(["step-result-changed order.placed@1"]);
  });
});

describe("a lock file that was touched", () => {
  it("is noticed where a schema was edited in it", () => {
    const text = writeLock(published).replace('"maximum": 1000', '"maximum": 1001');
    const lock = readLock(text) as Lock;
    expect(found(check(definitions(), [], lock))).toContain("lock-edited order.placed@1");
  });

  it.each<[string, string, RegExp]>([
    ["cut off", writeLock(published).slice(0, 300), /no JSON/],
    ["with a merge conflict", "<<<<<<< ours\n{}\n=======\n", /merge conflict/],
    ["of a newer build", '{"format":3,"types":{}}', /format 3; this build knows formats 1 and 2/],
    ["with a member that is none", '{"format":1,"types":{},"more":1}', /more/],
    ["an empty list", "[]", /not what `schema lock` writes/],
  ])("is refused %s", (_, text, why) => {
    expect(readLock(text)).toMatch(why);
  });
});

describe("definitions that make no catalog", () => {
  const event = (schemas: Record<number, z.ZodType>): EventDefinition => ({ ...(definitions().events[0] as EventDefinition), schemas });
  const chain = (steps: Steps): UpcasterChain => ({ ...(definitions().upcasters[0] as UpcasterChain), steps: steps as never });
  const full = { 1: v1, 2: v2, 3: v3 };

  it.each<[string, EventDefinition[], UpcasterChain[], string[]]>([
    ["a step that was deleted", [event(full), noted], [chain({ 1: v1ToV2 })], ["chain-gap order.placed@2"]],
    ["all steps that were deleted", [event(full), noted], [], ["chain-gap order.placed@1", "chain-gap order.placed@2"]],
    ["a version between others", [event({ 1: v1, 3: v3 }), noted], [chain({ 1: v1ToV2, 2: v2ToV3 })], ["version-disappeared order.placed@2"]],
    ["the newest version, with its step left", [event({ 1: v1, 2: v2 }), noted], [chain({ 1: v1ToV2, 2: v2ToV3 })], ["version-disappeared order.placed@3"]],
    ["a type, with its steps left", [noted], [chain({ 1: v1ToV2, 2: v2ToV3 })], ["type-disappeared order.placed"]],
    ["a new version without its step", [event({ ...full, 4: v3 }), noted], [chain({ 1: v1ToV2, 2: v2ToV3 })], ["chain-gap order.placed@3"]],
  ])("are told apart: %s", (_, events, upcasters, expected) => {
    const findings = checkDefinitionsOnly(published, events, upcasters);
    expect(found(findings)).toEqual(expected);
    expect(() => makeSubject({ events, upcasters })).toThrow();
  });

  it("say whether a missing step was there, or is still to be written", () => {
    const [gone] = checkDefinitionsOnly(published, [event(full)], [chain({ 1: v1ToV2 })]).filter(({ rule }) => rule === "chain-gap");
    expect(gone?.remedy).toMatch(/put it back/);
    const [unwritten] = checkDefinitionsOnly(null, [event(full)], [chain({ 1: v1ToV2 })]);
    expect(unwritten?.remedy).toMatch(/Write the step.*\(where each has a file: upcasters\/order\.placed\/v2-to-v3\.ts/);
  });
});
