import { createHash } from "node:crypto";
import { z } from "zod";
import { RepriseError } from "../errors.ts";
import { below } from "./places.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A rule of a schema that its JSON Schema does not show. */
export interface HiddenRule {
  /** JSON pointer into the JSON Schema. */
  readonly at: string;
  /** `refine`, `overwrite`, `regex flags i`, `coerce`, `catch` …. */
  readonly what: string;
  /** Fingerprint of its code (hex, 16 characters), white space apart; null when it has none. */
  readonly code: string | null;
}

/** A version's schema as others see it, and what they do not see. */
export interface DescribedSchema {
  /** JSON Schema 2020-12 of what an append accepts. */
  readonly jsonSchema: JsonSchema;
  readonly hidden: readonly HiddenRule[];
}

/**
 * Describes a version's schema by what goes in: producers judge by it before they append. What comes out is looked at too, as the proof that
 * it survives JSON: zod throws for a Date, bigint, transform, Map ….
 *
 * @throws SCHEMA_NOT_JSON, also for an asynchronous check.
 */
export function describeSchema(type: string, version: number, schema: z.ZodType): DescribedSchema {
  let asynchronous = false;
  const hidden = new Map<string, HiddenRule>();
  let jsonSchema: JsonSchema;
  try {
    z.toJSONSchema(schema, {
      io: "output",
      override: ({ zodSchema }) => {
        asynchronous ||= isAsync(zodSchema);
      },
    });
    jsonSchema = z.toJSONSchema(schema, {
      io: "input",
      override: ({ zodSchema, path }) => {
        asynchronous ||= isAsync(zodSchema);
        for (const rule of hiddenRules(zodSchema, below("", ...path))) hidden.set(JSON.stringify(rule), rule);
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : "it cannot be represented";
    throw new RepriseError("SCHEMA_NOT_JSON", `Version ${version} of event type "${type}" does not survive JSON: ${reason}.`, { cause: error });
  }
  if (asynchronous)
    throw new RepriseError(
      "SCHEMA_NOT_JSON",
      `Version ${version} of event type "${type}" has an asynchronous check or a promise: schemas judge at once, from the data alone.`,
    );
  return { jsonSchema, hidden: [...hidden.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}

/** With an address and a title of its own, so that validators in any language can keep many: a title that the schema has stays. */
export function publishedSchema(type: string, version: number, jsonSchema: JsonSchema): JsonSchema {
  const { $schema, ...rest } = jsonSchema;
  return { $schema, $id: `urn:reprise:schemas/${type}/${version}`, title: `${type} version ${version}`, ...rest };
}

/** True for a promise and for a check with an async function. What hides deeper (an async superRefine) shows when data is checked. */
function isAsync(schema: z.core.$ZodTypes): boolean {
  const { type, checks = [] } = schema._zod.def;
  return type === "promise" || checks.some((check) => (check._zod.def as { fn?: object }).fn?.constructor.name === "AsyncFunction");
}

/** What zod's checks and types say of themselves, as far as it is looked at here. */
interface Definition {
  readonly type?: string;
  readonly check?: string;
  readonly coerce?: boolean;
  readonly keyType?: z.core.$ZodType;
  readonly format?: string;
  readonly pattern?: RegExp;
  readonly hostname?: RegExp;
  readonly protocol?: RegExp;
  readonly fn?: unknown;
  readonly tx?: unknown;
}

/** Checks that JSON Schema says in full; `string_format` is looked at more closely. */
const shownChecks = new Set([
  "less_than",
  "greater_than",
  "multiple_of",
  "number_format",
  "min_length",
  "max_length",
  "length_equals",
  "describe",
  "meta",
  "string_format",
]);
/** Types that accept other data than their JSON Schema says, or judge by code. */
const hidingTypes = new Set(["catch", "pipe", "transform", "custom", "success", "prefault"]);
const textKinds = new Set(["string", "enum", "literal", "template_literal"]);
/** Formats that zod judges by code beside, or in place of, their pattern. */
const judgedByCode = new Set(["jwt", "json_string"]);

function hiddenRules(schema: z.core.$ZodTypes, at: string): readonly HiddenRule[] {
  const def = schema._zod.def as Definition & { readonly checks?: readonly z.core.$ZodCheck[] };
  const rules = (def.checks ?? []).flatMap((check) => hiddenCheck(check._zod.def as Definition, at));
  if (hidingTypes.has(def.type ?? "")) rules.push({ at, what: def.type!, code: null });
  // JSON's names are texts: limits of numbers as names are not shown.
  if (def.keyType !== undefined && !textKinds.has(def.keyType._zod.def.type)) rules.push({ at, what: `names of ${def.keyType._zod.def.type}`, code: null });
  if (def.coerce === true) rules.push({ at, what: "coerce", code: null });
  if (def.format !== undefined) rules.push(...hiddenCheck({ ...def, check: "string_format" }, at));
  return rules;
}

function hiddenCheck({ check = "", format = "", pattern, hostname, protocol, fn, tx }: Definition, at: string): HiddenRule[] {
  const rules: HiddenRule[] = [];
  if (check === "custom") rules.push({ at, what: "refine", code: codeFingerprint(fn) });
  else if (!shownChecks.has(check)) rules.push({ at, what: check, code: typeof tx === "function" ? codeFingerprint(tx) : null });
  else if (check === "string_format") {
    const flags = pattern instanceof RegExp ? pattern.flags.replace(/[uv]/, "") : "";
    if (flags !== "") rules.push({ at, what: `regex flags ${flags}`, code: null });
    if (hostname !== undefined || protocol !== undefined) rules.push({ at, what: `url ${hostname ?? ""} ${protocol ?? ""}`.trim(), code: null });
    if (judgedByCode.has(format) || typeof fn === "function") rules.push({ at, what: `format ${format}`, code: codeFingerprint(fn) });
  }
  return rules;
}

/** Of a function's text, white space apart: types that were stripped leave blanks. Null when it is no function. */
export function codeFingerprint(fn: unknown): string | null {
  return typeof fn === "function" ? createHash("sha256").update(String(fn).replace(/\s+/g, "")).digest("hex").slice(0, 16) : null;
}
