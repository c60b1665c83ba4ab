import { createHash } from "node:crypto";
import type { Json } from "../event/event.ts";

/** The JSON text of a value, with its members sorted by name, so that equal values have equal texts. `undefined` (a refused result) becomes null. */
export function canonical(value: unknown): Json {
  const text = JSON.stringify(value);
  return text === undefined ? null : sorted(JSON.parse(text) as Json);
}

export function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

/** SHA-256, the first 16 hexadecimal characters. */
export function fingerprint(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(canonical(value)))
    .digest("hex")
    .slice(0, 16);
}

/** Own members only, `__proto__` among them: `fromEntries` defines, it does not assign. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, inner]) => [name, sorted(inner)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names where two values differ, one line each: `/lines/0/quantity: 2 → 3`; a member that one side lacks is `–`. At most `limit` lines and a count. */
export function differences(before: unknown, after: unknown, limit = 8): readonly string[] {
  const lines: string[] = [];
  walk(canonical(before), canonical(after), "", lines);
  return lines.length <= limit ? lines : [...lines.slice(0, limit), `and ${lines.length - limit} more`];
}

function walk(before: Json | undefined, after: Json | undefined, at: string, lines: string[]): void {
  if (before === after || (before !== undefined && after !== undefined && equal(before, after))) return;
  if (isMembers(before) && isMembers(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])])
      walk(own(before, name), own(after, name), `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, lines);
  } else lines.push(`${at === "" ? "(the whole)" : at}: ${short(before)} → ${short(after)}`);
}

function isMembers(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null;
}

function own(value: { readonly [name: string]: Json }, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A value for a message. */
export function short(value: unknown, limit = 100): string {
  const text = value === undefined ? "–" : JSON.stringify(value);
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
