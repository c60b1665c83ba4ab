/** What the lock says of a published version or step that was touched: no change is missed, and equal meaning is quiet. On two versions of zod. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { z as previousZ } from "zod-previous";
import { defineEvent, type EventDefinition, type UpcasterChain } from "../../src/catalog/define.ts";
import { isAddition } from "../../src/catalog/lock/finding.ts";
import type { Lock } from "../../src/catalog/lock/lock.ts";
import { makeSubject } from "../../src/catalog/lock/subject.ts";
import { checkAll, nextLock } from "../../src/catalog/lock/write-lock.ts";
import { someOf } from "../support/sizes.ts";

type Zod = typeof z;
type Verdict = "changed" | "same" | "cannot tell" | "moves";
interface Definitions {
  readonly events: readonly EventDefinition[];
  readonly upcasters: readonly UpcasterChain[];
}

const empty: Lock = { format: 2, types: {} };

function lockOf(definitions: Definitions): Lock {
  const next = nextLock(empty, makeSubject(definitions), [], []);
  if (!next.ok) throw new Error(JSON.stringify(next.refused));
  return next.lock;
}

function verdict(lock: Lock, after: Definitions): { readonly verdict: Verdict; readonly findings: readonly object[] } {
  const findings = checkAll(lock, makeSubject(after), []);
  const rules = findings.map(({ rule }) => rule);
  if (rules.some((rule) => rule.endsWith("-not-pure"))) return { verdict: "moves", findings };
  if (findings.some((finding) => !isAddition(finding))) return { verdict: "changed", findings };
  return { verdict: findings.length === 0 ? "same" : "cannot tell", findings };
}

const oneVersion = (schema: z.ZodType, options: object = {}): Definitions => ({ events: [defineEvent("a.b", { 1: schema }, options)], upcasters: [] });
const oneStep = (schema: z.ZodType, step: unknown, next: z.ZodType): Definitions => {
  const event = defineEvent("a.b", { 1: schema, 2: next });
  return { events: [event], upcasters: [{ event, steps: { 1: step as never }, into: [] }] };
};

/** Name, verdict, before, after: each as a member `a` of an object, so that places and required members are met, too. */
const schemas: readonly (readonly [string, Verdict, (z: Zod) => z.ZodType, (z: Zod) => z.ZodType])[] = [
  // Equal meaning.
  ["a description", "same", (z) => z.string(), (z) => z.string().describe("the name")],
  ["another description", "same", (z) => z.string().describe("a"), (z) => z.string().describe("b")],
  ["meta", "same", (z) => z.string(), (z) => z.string().meta({ title: "Name", examples: ["Ada"], unit: "cm" })],
  ["meta with an id", "same", (z) => z.object({ b: z.string() }), (z) => z.object({ b: z.string() }).meta({ id: "Part" })],
  ["readonly", "same", (z) => z.object({ b: z.array(z.string()) }), (z) => z.object({ b: z.array(z.string()).readonly() }).readonly()],
  ["the order of members", "same", (z) => z.object({ b: z.string(), c: z.int() }), (z) => z.object({ c: z.int(), b: z.string() })],
  ["the order of an enum", "same", (z) => z.enum(["x", "y"]), (z) => z.enum(["y", "x"])],
  ["the order of kinds", "same", (z) => z.union([z.string(), z.number()]), (z) => z.union([z.number(), z.string()])],
  [
    "the order of objects that name themselves",
    "same",
    (z) => z.union([z.object({ t: z.literal("x"), n: z.int() }), z.object({ t: z.literal("y"), s: z.string() })]),
    (z) => z.union([z.object({ t: z.literal("y"), s: z.string() }), z.object({ t: z.literal("x"), n: z.int() })]),
  ],
  [
    "a union that became discriminated",
    "same",
    (z) => z.union([z.object({ t: z.literal("x"), n: z.int() }), z.object({ t: z.literal("y"), s: z.string() })]),
    (z) => z.discriminatedUnion("t", [z.object({ t: z.literal("x"), n: z.int() }), z.object({ t: z.literal("y"), s: z.string() })]),
  ],
  ["a literal as an enum of one", "same", (z) => z.literal("x"), (z) => z.enum(["x"])],
  ["literals as an enum", "same", (z) => z.union([z.literal("x"), z.literal("y")]), (z) => z.enum(["x", "y"])],
  ["a list of literals as an enum", "same", (z) => z.literal(["x", "y"]), (z) => z.enum(["x", "y"])],
  ["nullable as a union with null", "same", (z) => z.string().min(2).nullable(), (z) => z.union([z.string().min(2), z.null()])],
  ["nullish, the other way round", "same", (z) => z.string().nullable().optional(), (z) => z.string().nullish()],
  ["a union in a union", "same", (z) => z.union([z.string(), z.union([z.int(), z.null()])]), (z) => z.union([z.string(), z.int(), z.null()])],
  ["int in two ways", "same", (z) => z.number().int(), (z) => z.int()],
  ["positive in two ways", "same", (z) => z.number().positive(), (z) => z.number().gt(0)],
  ["nonempty in two ways", "same", (z) => z.array(z.string()).nonempty(), (z) => z.array(z.string()).min(1)],
  ["a format in two ways", "same", (z) => z.string().email(), (z) => z.email()],
  ["strict in two ways", "same", (z) => z.object({ b: z.string() }).strict(), (z) => z.strictObject({ b: z.string() })],
  ["unknown as any", "same", (z) => z.unknown(), (z) => z.any()],
  ["lazy", "same", (z) => z.object({ b: z.string() }), (z) => z.lazy(() => z.object({ b: z.string() }))],
  ["the order of limits", "same", (z) => z.string().min(2).max(5), (z) => z.string().max(5).min(2)],
  ["limits behind a trim in another order", "same", (z) => z.string().trim().min(2).max(5), (z) => z.string().trim().max(5).min(2)],
  ["a message", "same", (z) => z.string().min(2), (z) => z.string().min(2, "too short")],
  ["layout and a comment in a refinement", "same", (z) => z.string().refine((s) => s !== "no x"), (z) => z.string().refine((s) => /* but */ s !== "no x")],
  ["true or false as literals", "same", (z) => z.boolean(), (z) => z.union([z.literal(true), z.literal(false)])],
  ["more than 5 as at least 6", "same", (z) => z.int().gt(5).lt(9), (z) => z.int().gte(6).lte(8)],
  [
    "picked, partial, extended",
    "same",
    (z) => z.object({ b: z.string(), c: z.int() }).pick({ b: true }).partial(),
    (z) => z.object({}).extend({ b: z.string().optional() }),
  ],
  [
    "a shared part",
    "same",
    (z) => {
      const part = z.object({ b: z.string() });
      return z.object({ c: part, d: part });
    },
    (z) => z.object({ c: z.object({ b: z.string() }), d: z.object({ b: z.string() }) }),
  ],
  ["a brand", "same", (z) => z.string(), (z) => z.string().brand<"Name">()],
  ["optional twice", "same", (z) => z.string().optional(), (z) => z.string().optional().optional()],
  // Changes.
  ["a limit", "changed", (z) => z.string().max(5), (z) => z.string().max(6)],
  ["a member", "changed", (z) => z.object({ b: z.string() }), (z) => z.object({ b: z.string(), c: z.string().optional() })],
  ["optional", "changed", (z) => z.object({ b: z.string() }), (z) => z.object({ b: z.string().optional() })],
  ["nullable", "changed", (z) => z.string(), (z) => z.string().nullable()],
  ["a value", "changed", (z) => z.enum(["x", "y"]), (z) => z.enum(["x", "y", "z"])],
  ["a literal of another kind", "changed", (z) => z.literal(1), (z) => z.literal("1")],
  ["a default", "changed", (z) => z.string().default("x"), (z) => z.string().default("y")],
  ["strictness", "changed", (z) => z.object({ b: z.string() }), (z) => z.strictObject({ b: z.string() })],
  ["a trim", "changed", (z) => z.string(), (z) => z.string().trim()],
  ["the order of trim and min", "changed", (z) => z.string().trim().min(3), (z) => z.string().min(3).trim()],
  ["the order of trim and a pattern", "changed", (z) => z.string().trim().regex(/^a/), (z) => z.string().regex(/^a/).trim()],
  ["lower case for trim", "changed", (z) => z.string().trim(), (z) => z.string().toLowerCase()],
  ["another normal form", "changed", (z) => z.string().normalize("NFC"), (z) => z.string().normalize("NFKC")],
  ["more than 5 as at least 5", "changed", (z) => z.int().gt(5), (z) => z.int().gte(5)],
  ["a pattern", "changed", (z) => z.string().regex(/^a+$/), (z) => z.string().regex(/^b+$/)],
  ["a flag of a pattern: i", "changed", (z) => z.string().regex(/^x\d$/), (z) => z.string().regex(/^x\d$/i)],
  ["a flag of a pattern: u", "changed", (z) => z.string().regex(/^.$/), (z) => z.string().regex(/^.$/u)],
  ["a flag of a pattern: m", "changed", (z) => z.string().regex(/^x$/), (z) => z.string().regex(/^x$/m)],
  ["a flag of a pattern: s", "changed", (z) => z.string().regex(/^x.y$/), (z) => z.string().regex(/^x.y$/s)],
  ["limits of texts as names", "changed", (z) => z.record(z.string().min(1), z.int()), (z) => z.record(z.string().min(2), z.int())],
  ["limits of numbers as names", "changed", (z) => z.record(z.number().min(1), z.int()), (z) => z.record(z.number().min(2), z.int())],
  ["a pipe", "changed", (z) => z.string(), (z) => z.string().pipe(z.string().min(3))],
  ["the far side of a pipe", "changed", (z) => z.string().pipe(z.string().min(3)), (z) => z.string().pipe(z.string().min(4))],
  ["a pattern on the far side of a pipe", "changed", (z) => z.string().pipe(z.string().regex(/^a/)), (z) => z.string().pipe(z.string().regex(/^b/))],
  ["coercion", "changed", (z) => z.number(), (z) => z.coerce.number() as unknown as z.ZodType],
  ["catch", "changed", (z) => z.string(), (z) => z.string().catch("x")],
  ["prefault for default", "changed", (z) => z.string().min(2).default("x"), (z) => z.string().min(2).prefault("x")],
  ["a place to look from", "changed", (z) => z.string().includes("x"), (z) => z.string().includes("x", { position: 3 })],
  ["a protocol", "changed", (z) => z.url(), (z) => z.url({ protocol: /^https$/ })],
  [
    "the order of alternatives that both fit",
    "changed",
    (z) => z.union([z.object({ n: z.int() }), z.object({ n: z.int(), s: z.string() })]),
    (z) => z.union([z.object({ n: z.int(), s: z.string() }), z.object({ n: z.int() })]),
  ],
  ["a refinement added", "changed", (z) => z.string(), (z) => z.string().refine((s) => s !== "never sent")],
  ["a refinement that a sample shows", "changed", (z) => z.array(z.string()), (z) => z.array(z.string()).refine((list) => new Set(list).size === list.length)],
  ["a limit of a recursive part", "changed", recursive(5), recursive(6)],
  // What looking and samples do not show.
  [
    "a check's value",
    "cannot tell",
    (z) => z.string().check(longerThan(70)),
    (z) =>
      z.string().check((payload) => {
        if (payload.value.length > 71) payload.issues.push({ code: "custom", message: "too long", input: payload.value });
      }),
  ],
  ["a refinement's value", "cannot tell", (z) => z.string().refine((s) => s !== "never sent"), (z) => z.string().refine((s) => s !== "never sent 2")],
  ["a blank in a refinement's text", "cannot tell", (z) => z.string().refine((s) => s !== "never sent"), (z) => z.string().refine((s) => s !== "neversent")],
  // What is not the same on every machine, or day.
  ["a default by chance", "moves", (z) => z.string().default("x"), (z) => z.string().default(() => String(Math.random()))],
  ["a default that is a new id", "moves", (z) => z.string().default("x"), (z) => z.string().default(() => crypto.randomUUID())],
  ["a refinement that reads the clock", "moves", (z) => z.int(), (z) => z.int().refine((year) => year <= new Date().getFullYear())],
  ["a refinement that asks for the clock in vain", "moves", (z) => z.string(), (z) => z.string().refine(() => Date.now() > 0)],
  ["a refinement by the environment", "moves", (z) => z.string(), (z) => z.string().refine(() => process.env.REPRISE_TEST_REGION === undefined)],
  ["a refinement by the locale", "moves", (z) => z.number(), (z) => z.number().refine((n) => n.toLocaleString().includes(",") || n < 1000)],
];

function longerThan(_max: 70): (payload: { value: string; issues: object[] }) => void {
  return (payload) => {
    if (payload.value.length > 70) payload.issues.push({ code: "custom", message: "too long", input: payload.value });
  };
}

function recursive(max: number): (z: Zod) => z.ZodType {
  return (z) => {
    const node: z.ZodType = z.object({ name: z.string().max(max), next: z.lazy(() => node).optional() });
    return node;
  };
}

const steps: readonly (readonly [string, Verdict, unknown, unknown])[] = [
  ["a comment", "same", (d: { n: number }) => ({ n: d.n, t: "a b" }), (d: { n: number }) => /* as it was */ ({ n: d.n, t: "a b" })],
  // biome-ignore format: that is what is tried
  ["a comma and layout", "same", (d: { n: number }) => ({ n: d.n, t: "a b" }), (d: { n: number }) => ({
    n: d.n,
    t: "a b",
  })],
  ["a blank in a text", "changed", (d: { n: number }) => ({ n: d.n, t: "a b" }), (d: { n: number }) => ({ n: d.n, t: "ab" })],
  [
    "a blank in a text that no sample reaches",
    "cannot tell",
    (d: { n: number }) => ({ n: d.n, t: d.n === 77_777 ? "a b" : "c" }),
    (d: { n: number }) => ({ n: d.n, t: d.n === 77_777 ? "ab" : "c" }),
  ],
  ["rounding", "changed", (d: { n: number }) => ({ n: Math.round(d.n), t: "" }), (d: { n: number }) => ({ n: Math.trunc(d.n), t: "" })],
  ["another name for a parameter", "cannot tell", (d: { n: number }) => ({ n: d.n, t: "" }), (old: { n: number }) => ({ n: old.n, t: "" })],
  ["the year", "moves", () => ({ n: 2020, t: "" }), () => ({ n: new Date().getFullYear(), t: "" })],
  ["the zone", "moves", () => ({ n: 1, t: "" }), () => ({ n: new Date(978_309_000_000).getFullYear(), t: "" })],
  ["the locale", "moves", () => ({ n: 1, t: "" }), (d: { n: number }) => ({ n: d.n, t: (1234.5).toLocaleString() })],
  ["the locale of a date", "moves", () => ({ n: 1, t: "" }), () => ({ n: 1, t: new Intl.DateTimeFormat(undefined, { timeZone: "UTC" }).format(0) })],
  ["the environment", "moves", () => ({ n: 1, t: "" }), () => ({ n: 1, t: process.env.REPRISE_TEST_REGION ?? "eu" })],
  ["chance", "moves", () => ({ n: 1, t: "" }), () => ({ n: Math.random() < 0.5 ? 1 : 2, t: "" })],
  ["a new id", "moves", () => ({ n: 1, t: "" }), () => ({ n: 1, t: crypto.randomUUID() })],
  ["a named locale, zone and time", "same", ...twice(() => ({ n: new Date("2026-01-31T12:00:00Z").getUTCFullYear(), t: (1234.5).toLocaleString("de-DE") }))],
];

function twice<T>(value: T): readonly [T, T] {
  return [value, value];
}

const downcasts: readonly (readonly [string, Verdict, object | undefined, object | undefined])[] = [
  ["layout", "same", { version: 1, data: (d: { n: number }) => ({ n: d.n }) }, { version: 1, data: (d: { n: number }) => ({ n: /* so */ d.n }) }],
  ["its result", "changed", { version: 1, data: (d: { n: number }) => ({ n: d.n }) }, { version: 1, data: (d: { n: number }) => ({ n: d.n + 1 }) }],
  [
    "its code alone",
    "cannot tell",
    { version: 1, data: (d: { n: number }) => ({ n: d.n === 77_777 ? 1 : d.n }) },
    { version: 1, data: (d: { n: number }) => ({ n: d.n === 77_778 ? 1 : d.n }) },
  ],
];

/** On the version before, what is the same for most of them: every fourth first. */
const fourth = schemas.filter((_, index) => index % 4 === 0);
const onPrevious = someOf(fourth.length, [...fourth, ...schemas.filter((each) => !fourth.includes(each))]);

describe.each([
  ["zod", z, schemas],
  ["zod-previous", previousZ as unknown as Zod, onPrevious],
] as const)("with %s, the lock says of", (_name, z, schemas) => {
  const around = (schema: z.ZodType) => oneVersion(z.object({ a: schema, other: z.string() }));

  it.each(schemas)("%s: %s", (_what, expected, was, is) => {
    const found = verdict(lockOf(around(was(z))), around(is(z)));
    expect(found, JSON.stringify(found.findings)).toMatchObject({ verdict: expected });
    // And the other way round; what moves cannot be locked.
    if (expected === "moves") expect(() => lockOf(around(is(z)))).toThrow("-not-pure");
    else expect(verdict(lockOf(around(is(z))), around(was(z))).verdict).toBe(expected);
    expect(verdict(lockOf(around(was(z))), around(was(z)))).toEqual({ verdict: "same", findings: [] });
  });

  it.each(steps)("a step and %s: %s", (_what, expected, was, is) => {
    const make = (step: unknown) => oneStep(z.object({ n: z.number() }), step, z.object({ n: z.number(), t: z.string() }));
    const found = verdict(lockOf(make(was)), make(is));
    expect(found, JSON.stringify(found.findings)).toMatchObject({ verdict: expected });
    if (expected === "moves") expect(() => lockOf(make(is))).toThrow("step-not-pure");
  });

  it.each(downcasts)("a downcast and %s: %s", (_what, expected, was, is) => {
    const make = (downcast: object | undefined): Definitions => {
      const event = defineEvent("a.b", { 1: z.object({ n: z.number() }), 2: z.object({ n: z.number() }) }, { downcast } as object);
      return { events: [event], upcasters: [{ event, steps: { 1: ((d: object) => d) as never }, into: [] }] };
    };
    const found = verdict(lockOf(make(was)), make(is));
    expect(found, JSON.stringify(found.findings)).toMatchObject({ verdict: expected });
  });

  it.each([
    [
      "a transform in a pipe",
      z
        .string()
        .transform((s) => s.length)
        .pipe(z.number()),
    ],
    ["a preprocess", z.preprocess((value) => value, z.string())],
    ["a codec", z.codec(z.string(), z.number(), { decode: Number, encode: String })],
    ["a transform deep in a pipe of a list", z.array(z.object({ n: z.string().transform(Number).pipe(z.int()) })).optional()],
  ])("%s: it does not start", (_what, schema) => {
    expect(() => makeSubject(around(schema as z.ZodType))).toThrow(/SCHEMA_NOT_JSON|does not survive JSON/);
  });
});

describe("with another zod than the lock was written with", () => {
  const both = (make: (z: Zod) => z.ZodType) => [lockOf(oneVersion(make(previousZ as unknown as Zod))), oneVersion(make(z))] as const;

  it.each<readonly [string, Verdict, (z: Zod) => z.ZodType]>([
    ["what both word alike", "same", (z) => z.object({ a: z.string(), b: z.int().min(1).optional(), c: z.array(z.enum(["x", "y"])) })],
    ["an intersection", "same", (z) => z.object({ a: z.int() }).and(z.object({ b: z.string() }))],
    ["a tuple", "same", (z) => z.tuple([z.string(), z.number()])],
    ["the length of texts, counted in units before and in characters now", "changed", (z) => z.object({ a: z.string().max(5) })],
    ["a length that no sample reaches", "changed", (z) => z.object({ a: z.string().max(500) })],
    ["a time without seconds, which it refuses now", "changed", (z) => z.object({ a: z.iso.datetime() })],
  ])("it says of %s: %s", (_what, expected, make) => {
    const found = verdict(...both(make));
    expect(found, JSON.stringify(found.findings)).toMatchObject({ verdict: expected });
  });

  it("asks for a check of a log where only the words differ", () => {
    const [lock, after] = both((z) => z.object({ a: z.string().regex(/^a+$/) }));
    const version = lock.types["a.b"]!.versions[1]!;
    const reworded = { ...version, schema: { ...version.schema, additionalProperties: {} } };
    const findings = checkAll({ ...lock, types: { "a.b": { ...lock.types["a.b"]!, versions: { 1: reworded } } } }, makeSubject(after), []);
    const found = findings.filter(({ rule }) => rule !== "lock-edited");
    expect(found).toMatchObject([
      { rule: "zod-reworded", message: expect.stringMatching(/zod 4\.6\.7 .* zod 4\.4\.3 /), remedy: expect.stringContaining("check --log") },
    ]);
  });
});
