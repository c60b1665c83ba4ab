/** Finds the rules of a schema that its JSON Schema does not show, and the parts that no event's schema may have. */
import type { z } from "zod";
import { codeFingerprint } from "./code-text.ts";
import { below } from "./places.ts";

/** A rule of a schema that its JSON Schema does not show. */
export interface HiddenRule {
  /** JSON pointer into the JSON Schema. Alternatives share the pointer of the place where they stand, because their order has no meaning. */
  readonly at: string;
  /** `refine`, `overwrite`, `regex flags i`, `coerce`, `catch` …, with the values that it compares with. */
  readonly what: string;
  /** Fingerprint of its code; null when it has none, or none that can be read. */
  readonly code: string | null;
}

export interface Hidden {
  readonly rules: readonly HiddenRule[];
  /** A part of the schema that changes the data, though its JSON Schema does not show it: "a transform" and its place; null when there is none. */
  readonly refused: string | null;
  /** A function with `async`, or a promise. */
  readonly asynchronous: boolean;
}

/** The members of zod's checks and types that this file reads. */
interface Definition {
  readonly type?: string;
  readonly check?: string;
  readonly checks?: readonly z.core.$ZodCheck[];
  readonly format?: string;
  readonly pattern?: RegExp;
  readonly fn?: unknown;
  readonly tx?: unknown;
  readonly when?: unknown;
  readonly transform?: unknown;
  readonly coerce?: boolean;
  readonly mode?: string;
  readonly catchValue?: unknown;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly options?: readonly z.core.$ZodType[];
  readonly items?: readonly z.core.$ZodType[];
  readonly [member: string]: unknown;
}

/** Checks that JSON Schema says in full; `string_format` is looked at more closely. */
const shownChecks = new Set(["less_than", "greater_than", "multiple_of", "number_format", "min_length", "max_length", "length_equals", "string_format"]);
/** Members that say nothing about data. */
const silentChecks = new Set(["describe", "meta"]);
/** Types that accept other data than their JSON Schema says. */
const hidingTypes = new Set(["catch", "custom", "success", "prefault"]);
const textKinds = new Set(["string", "enum", "literal", "template_literal"]);
/** Formats that zod judges by code beside, or in place of, their pattern. */
const judgedByCode = new Set(["jwt", "json_string"]);
/** Members of a definition that are no values of a rule, or are told apart from them. */
const noValues = new Set(["type", "check", "format", "pattern", "abort", "error", "message", "when", "fn", "tx", "version", "coerce", "inst", "checks"]);

export function hiddenRulesOf(schema: z.core.$ZodType): Hidden {
  const rules = new Map<string, HiddenRule>();
  const met = new Set<z.core.$ZodType>();
  let [refused, asynchronous]: [string | null, boolean] = [null, false];

  const visit = (at: z.core.$ZodType, place: string): void => {
    if (met.has(at)) return;
    met.add(at);
    const def = at._zod.def as unknown as Definition;
    const where = place === "" ? "" : ` at ${place}`;
    if (def.type === "transform") refused ??= `a transform or preprocess${where}`;
    if (typeof def.transform === "function" && def.type === "pipe") refused ??= `a codec${where}`;
    asynchronous ||= def.type === "promise" || (def.checks ?? []).some((check) => isAsync((check._zod.def as unknown as Definition).fn));
    for (const { what, code } of [...rulesOfNode(def), ...rulesOfChecks(def)]) {
      const rule: HiddenRule = { at: place, what, code };
      rules.set(JSON.stringify(rule), rule);
    }
    for (const [name, inner] of childrenOf(def)) visit(inner, name === null ? place : below(place, ...name));
  };
  visit(schema, "");
  return { rules: [...rules.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)), refused, asynchronous };
}

function isAsync(fn: unknown): boolean {
  return typeof fn === "function" && fn.constructor.name === "AsyncFunction";
}

type Rule = Omit<HiddenRule, "at">;

function rulesOfNode(def: Definition): Rule[] {
  const rules: Rule[] = [];
  if (hidingTypes.has(def.type ?? "")) rules.push({ what: def.type!, code: def.type === "catch" ? codeFingerprint(def.catchValue) : null });
  // Both sides of a pipe are recorded: the JSON Schema shows its input side, and this rule its output side.
  if (def.type === "pipe") rules.push({ what: `pipe into ${textOf(def.out as z.core.$ZodType)}`, code: null });
  // Names in JSON are texts, so the JSON Schema does not show limits on names that are numbers.
  const key = def.keyType as z.core.$ZodType | undefined;
  if (key !== undefined && !textKinds.has((key._zod.def as unknown as Definition).type ?? "")) rules.push({ what: `names of ${textOf(key)}`, code: null });
  if (def.coerce === true) rules.push({ what: "coerce", code: null });
  if (def.mode === "loose") rules.push({ what: "names that do not fit are taken", code: null });
  if (def.format !== undefined && def.check !== undefined) for (const rule of rulesOfFormat(def)) rules.push(rule);
  return rules;
}

function rulesOfChecks(def: Definition): Rule[] {
  const rules: Rule[] = [];
  const checks = (def.checks ?? []).filter((check) => !silentChecks.has((check._zod.def as unknown as Definition).check ?? ""));
  for (const check of checks) {
    const each = check._zod.def as unknown as Definition;
    const { check: kind = "" } = each;
    if (kind === "custom")
      rules.push({ what: `refine${each.fn === undefined ? " (by a check of several)" : ""}`, code: codeFingerprint(each.fn ?? ownCheck(check)) });
    else if (kind === "string_format") for (const rule of rulesOfFormat(each)) rules.push(rule);
    else if (!shownChecks.has(kind)) rules.push({ what: `${wordsOf(each)}${normalForm(each.tx)}`, code: codeFingerprint(each.tx) });
    if (kind === "custom" && typeof each.when === "function") rules.push({ what: "refine when", code: codeFingerprint(each.when) });
    if (countsUnits(check)) rules.push({ what: "lengths in UTF-16 units", code: null });
  }
  // A check judges the text as the checks before it have changed it, so the order around such changes counts. The order of other checks does not.
  const isChange = (check: z.core.$ZodCheck): boolean => check._zod.def.check === "overwrite";
  if (checks.some(isChange) && checks.length > 1) {
    const groups: string[][] = [[]];
    for (const check of checks) {
      const each = check._zod.def as unknown as Definition;
      if (isChange(check)) groups.push([`overwrite ${codeFingerprint(each.tx) ?? ""}`], []);
      else groups.at(-1)!.push(wordsOf(each));
    }
    const order = groups.flatMap((group) => (group.length === 0 ? [] : [group.toSorted((a, b) => (a < b ? -1 : 1)).join(" and ")]));
    rules.push({ what: `in this order: ${order.join(", ")}`, code: null });
  }
  return rules;
}

/** The function of `.check(fn)`; that of `superRefine` is within one of zod's, which looks the same for all. */
function ownCheck(check: z.core.$ZodCheck): unknown {
  return String(check._zod.check).includes(".addIssue = ") ? undefined : check._zod.check;
}

const forms = ["NFC", "NFD", "NFKC", "NFKD"] as const;
/** A text that differs in each of the forms. */
const inNoForm = "\u00e9 e\u0301 \ufb01";

/** The code of `normalize(form)` is the same text for all forms, so its result tells the forms apart. */
function normalForm(tx: unknown): string {
  if (typeof tx !== "function") return "";
  try {
    const made = (tx as (text: string) => unknown)(inNoForm);
    const form = forms.find((each) => inNoForm.normalize(each) === made);
    return form === undefined ? "" : ` to ${form}`;
  } catch {
    return ""; // code of a user's, for something else than a text
  }
}

function rulesOfFormat(def: Definition): Rule[] {
  const rules: Rule[] = [];
  const flags = def.pattern instanceof RegExp ? def.pattern.flags : "";
  if (flags !== "") rules.push({ what: `regex flags ${flags}`, code: null });
  const values = valuesOf(def);
  // The pattern shows a prefix and the like. It does not always show the position at which the search begins.
  if (["hostname", "protocol", "normalize", "position", "alg", "delimiter"].some((name) => def[name] !== undefined))
    rules.push({ what: `${def.format ?? ""} ${values}`, code: null });
  if (judgedByCode.has(def.format ?? "") || typeof def.fn === "function") rules.push({ what: `format ${def.format ?? ""}`, code: codeFingerprint(def.fn) });
  return rules;
}

/** Whether a limit counts a character outside of the basic plane twice, as zod did before 4.5. */
function countsUnits(check: z.core.$ZodCheck): boolean {
  const { check: kind, maximum, minimum, length } = check._zod.def as unknown as Definition;
  const passes = (value: string): boolean => {
    const payload = { value, issues: [] };
    void (check._zod.check as (payload: unknown) => unknown)(payload);
    return payload.issues.length === 0;
  };
  const limit = Number({ max_length: maximum, min_length: minimum, length_equals: length }[kind as string] ?? Number.NaN);
  // A limit of 0 is the same in both ways of counting, and so is at least one.
  if (!(limit >= 1 && limit <= 1_000_000) || (kind === "min_length" && limit === 1)) return false;
  const points = "\u{1F600}".repeat(kind === "min_length" ? limit - 1 : limit);
  return passes(points) === (kind === "min_length");
}

/** A check in words: `min_length minimum=3`. */
function wordsOf(def: Definition): string {
  const code = typeof def.fn === "function" ? ` ${codeFingerprint(def.fn)}` : "";
  const pattern = def.pattern instanceof RegExp ? ` ${String(def.pattern)}` : "";
  return `${def.check ?? def.type ?? ""}${def.format === undefined ? "" : ` ${def.format}`}${pattern}${valuesOf(def)}${code}`;
}

function valuesOf(def: Definition): string {
  const values = Object.keys(def)
    .filter((name) => !noValues.has(name) && (["string", "number", "boolean", "bigint"].includes(typeof def[name]) || def[name] instanceof RegExp))
    .map((name) => ` ${name}=${String(def[name])}`);
  // `property` and the like hold a schema.
  const inner = Object.entries(def).flatMap(([name, value]) => (isSchema(value) ? [` ${name}=${textOf(value)}`] : []));
  return [...values.toSorted((a, b) => (a < b ? -1 : 1)), ...inner].join("");
}

function isSchema(value: unknown): value is z.core.$ZodType {
  return typeof value === "object" && value !== null && "_zod" in value;
}

/** A schema in one line, for the sides of a pipe and names of a record, which are small. */
function textOf(schema: z.core.$ZodType, depth = 0): string {
  const def = schema._zod.def as unknown as Definition;
  if (depth > 6) return "…";
  const own = def.check === undefined ? "" : ` ${wordsOf(def)}`;
  const checks = (def.checks ?? []).map((check) => wordsOf(check._zod.def as unknown as Definition)).toSorted((a, b) => (a < b ? -1 : 1));
  const values = def.type === "literal" || def.type === "enum" ? ` ${JSON.stringify(def.values ?? def.entries)}` : "";
  const inner = childrenOf(def).map(([name, child]) => `${(name ?? []).join("/")} ${textOf(child, depth + 1)}`.trim());
  return `${def.type ?? ""}${values}${own}${checks.length === 0 ? "" : ` [${checks.join(", ")}]`}${inner.length === 0 ? "" : ` {${inner.toSorted((a, b) => (a < b ? -1 : 1)).join("; ")}}`}`;
}

/** The schemas inside a schema, with their places in its JSON Schema; null where that is the same place. */
function childrenOf(def: Definition): readonly (readonly [readonly string[] | null, z.core.$ZodType])[] {
  const children: [readonly string[] | null, z.core.$ZodType][] = [];
  if (def.type === "object") for (const name of Object.keys(def.shape ?? {})) children.push([["properties", name], def.shape![name]!]);
  for (const option of def.options ?? []) children.push([null, option]);
  for (const [index, item] of (def.items ?? []).entries()) children.push([["prefixItems", String(index)], item]);
  const places: Readonly<Record<string, readonly string[] | null>> = {
    catchall: ["additionalProperties"],
    valueType: ["additionalProperties"],
    keyType: ["propertyNames"],
    element: ["items"],
    rest: ["items"],
    left: ["allOf"],
    right: ["allOf"],
    innerType: null,
    in: null,
    out: null,
  };
  for (const [member, place] of Object.entries(places)) if (isSchema(def[member])) children.push([place, def[member]]);
  if (def.type === "lazy" && typeof def.getter === "function") children.push([null, (def.getter as () => z.core.$ZodType)()]);
  return children;
}
