import type { Json } from "../../event/event.ts";
import { short } from "../canonical.ts";

export type Survival = "yes" | "no" | "unknown";

export interface Difference {
  /** `property-added-optional`, `enum-narrowed` …: docs/schema-evolution.md lists them. */
  readonly rule: DifferenceRule;
  /** JSON pointer into the second JSON Schema, or into the first one when the second does not have the place. */
  readonly at: string;
  /** The value at this place, or null when there is none. */
  readonly before: Json;
  readonly after: Json;
  /** Do payloads that are valid under the first pass here? */
  readonly survives: Survival;
}

export const differenceRules = [
  "alternative-added",
  "alternative-removed",
  "alternatives-exclusive",
  "annotation-changed",
  "bound-loosened",
  "bound-tightened",
  "default-changed",
  "enum-closed",
  "enum-narrowed",
  "enum-opened",
  "enum-widened",
  "format-added",
  "format-changed",
  "format-removed",
  "hidden-rule",
  "keyword-changed",
  "null-allowed",
  "null-refused",
  "pattern-added",
  "pattern-changed",
  "pattern-removed",
  "property-added-optional",
  "property-added-required",
  "property-removed",
  "required-added",
  "required-removed",
  "tuple-changed",
  "type-changed",
  "type-widened",
  "unlisted-members-allowed",
  "unlisted-members-dropped",
  "unlisted-members-kept",
  "unlisted-members-refused",
] as const;

export type DifferenceRule = (typeof differenceRules)[number];

/** The verdict on the whole: the worst verdict of all differences. */
export function survival(found: readonly Difference[]): Survival {
  if (found.some(({ survives }) => survives === "no")) return "no";
  return found.some(({ survives }) => survives === "unknown") ? "unknown" : "yes";
}

/** `/properties/total/maximum: 5 → 6 (bound-loosened)`. */
export function describeDifference({ rule, at, before, after }: Difference): string {
  return `${at === "" ? "(the whole)" : at}: ${before === null ? "–" : short(before)} → ${after === null ? "–" : short(after)} (${rule})`;
}

export function difference(rule: DifferenceRule, at: string, before: Json | undefined, after: Json | undefined, survives: Survival): Difference {
  return { rule, at, before: before ?? null, after: after ?? null, survives };
}
