/** Makes payloads that a schema just accepts or just refuses: a valid payload, changed at one place. */
import type { Json } from "../../event/event.ts";
import { below } from "../places.ts";
import type { LockedEdges } from "./lock.ts";
import { unlistedName } from "./payloads.ts";
import { resolveRef, type Shape } from "./shape.ts";

/** A change of a payload; without a value the member is removed. */
export interface Change {
  /** JSON pointer. */
  readonly at: string;
  readonly value?: Json;
}

/** The most edges of one version. The JSON Schema shows most changes; edges show changes of refinements, and the first edges show most of them. */
const maxEdges = 120;
const maxDepth = 6;
/** Longer texts stay out of the lock. */
const maxTextLength = 100;
const maxItems = 20;
/** One character, two UTF-16 units. */
const astral = "\u{1F600}";
/** Texts that different readings of a format judge differently. */
const formatEdges: Readonly<Record<string, readonly string[]>> = {
  email: ["a+b@example.org", ".a@example.org", "a..b@example.org", "a.@example.org", "é@example.org", "a@b", "a@-b.org"],
  "date-time": [
    "2026-01-31T12:30Z",
    "2026-01-31T12:30:45+02:00",
    "2026-01-31t12:30:45z",
    "2026-01-31T12:30:45",
    "2016-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
  ],
  time: ["12:30", "24:00:00", "12:30:60"],
  date: ["2026-02-30", "26-01-31"],
  uri: ["HTTP://EXAMPLE.ORG", "mailto:a@b.org", "//example.org", "http:a", "http://a b"],
  uuid: [
    "0198C0DE-0000-7000-8000-000000000001",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0198c0de-0000-0000-0000-000000000001",
  ],
  ipv6: ["::", "::ffff:192.0.2.1", "fe80::1%eth0"],
  ipv4: ["192.0.2.256", "192.0.2.01"],
  duration: ["P1M", "PT1.5S", "-P1D", "P"],
};

/** All places of `payload`, which was made for `root`, each with values near the limits of its schema. */
export function changesOf(root: Shape, payload: Json): readonly Change[] {
  const changes: Change[] = [];
  visit(root, root, payload, "", 0, changes);
  // Characters outside of the basic plane first: zod has counted them in two ways, and a large schema has more places than there is room for.
  const isFirst = ({ value }: Change): boolean => typeof value === "string" && value.startsWith(astral);
  return [...changes.filter(isFirst), ...changes.filter((change) => !isFirst(change))].slice(0, maxEdges);
}

function visit(root: Shape, at: Shape, payload: Json, pointer: string, depth: number, changes: Change[]): void {
  if (depth > maxDepth) return;
  const shape = resolveRef(root, at);
  const options = shape.anyOf ?? shape.oneOf;
  if (options !== undefined) {
    // The option that made the payload stands first. Of the other options, only values of their kinds are tried.
    changes.push(...options.flatMap((option) => samplesOfKind(resolveRef(root, option))).map((value) => ({ at: pointer, value })));
    if (options[0] !== undefined) visit(root, options[0], payload, pointer, depth + 1, changes);
    return;
  }
  if (isObject(payload)) {
    for (const name of Object.keys(payload)) changes.push({ at: below(pointer, name) });
    changes.push({ at: below(pointer, unlistedName), value: 1 });
    const names = shape.propertyNames === undefined ? undefined : resolveRef(root, shape.propertyNames);
    const [sample] = Object.values(payload);
    if (names?.type === "string" && sample !== undefined)
      for (const name of lengths((names.minLength ?? 0) - 1, names.minLength, names.maxLength, names.maxLength === undefined ? undefined : names.maxLength + 1))
        changes.push({ at: below(pointer, name), value: sample });
    for (const [name, member] of Object.entries(payload)) {
      const inner = shape.properties?.[name] ?? (typeof shape.additionalProperties === "object" ? shape.additionalProperties : undefined);
      if (inner !== undefined) visit(root, inner, member, below(pointer, name), depth + 1, changes);
    }
    return;
  }
  if (Array.isArray(payload)) {
    const [first] = payload as readonly Json[];
    changes.push({ at: pointer, value: [] });
    if (first !== undefined) changes.push({ at: pointer, value: [first] }, { at: pointer, value: [first, first] });
    if (shape.maxItems !== undefined && shape.maxItems < maxItems && first !== undefined)
      changes.push({ at: pointer, value: Array(shape.maxItems + 1).fill(first) });
    const inner = shape.prefixItems?.[0] ?? (typeof shape.items === "object" ? shape.items : undefined);
    if (first !== undefined && inner !== undefined) visit(root, inner, first, below(pointer, 0), depth + 1, changes);
    return;
  }
  changes.push(...[...nearby(shape, payload), null].map((value) => ({ at: pointer, value })));
}

function nearby(shape: Shape, payload: Json): readonly Json[] {
  const { minLength = 0, maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = shape;
  switch (shape.enum === undefined && shape.const === undefined ? shape.type : "choice") {
    case "choice":
      return [...(shape.enum ?? []), "not a choice"];
    case "string":
      return [
        ...astrals(minLength === 0 ? undefined : minLength - 1, minLength, maxLength, maxLength === undefined ? undefined : maxLength + 1),
        ...["", " ", "a", "A b", "é", 7],
        ...lengths(minLength - 1, maxLength, maxLength === undefined ? undefined : maxLength + 1),
        ...(formatEdges[shape.format ?? ""] ?? []),
        ...(typeof payload === "string" && payload.length <= maxTextLength ? variants(payload) : []),
      ];
    case "integer":
    case "number": {
      const limits = [minimum, maximum, exclusiveMinimum, exclusiveMaximum].filter(
        (limit) => limit !== undefined && Number.isSafeInteger(limit + 1) && Number.isSafeInteger(limit - 1),
      );
      return [...new Set([-1, 0, 0.5, 1, 1000, ...limits.flatMap((limit) => [limit! - 1, limit!, limit! + 1])]), "1"];
    }
    case "boolean":
      return [true, false, "true"];
    default:
      // JSON Schema sets no limit here.
      return shape.type === undefined ? [0, "", " ", true, [], {}] : [];
  }
}

/** Variants of a text that another rule might judge differently: in another case, with blanks about it, on a line of its own. */
function variants(text: string): readonly string[] {
  return [...new Set([text.toUpperCase(), text.toLowerCase(), ` ${text} `, `\n${text}`, `${text}\n`])].filter((each) => each !== text);
}

function astrals(...wanted: readonly (number | undefined)[]): readonly string[] {
  return wanted.filter((length) => length !== undefined && length > 0 && length <= maxTextLength / 2).map((length) => astral.repeat(length!));
}

function samplesOfKind(shape: Shape): readonly Json[] {
  if (shape.type === "null") return [null];
  if (shape.const !== undefined) return [shape.const];
  return shape.enum ?? [];
}

function lengths(...wanted: readonly (number | undefined)[]): readonly string[] {
  return wanted.filter((length) => length !== undefined && length > 1 && length <= maxTextLength).map((length) => "a".repeat(length!));
}

/** The payload with that change; null when it has no such place. */
export function changed(payload: Json, { at, value }: Change): { readonly data: Json } | null {
  if (at === "") return value === undefined ? null : { data: value };
  const path = at
    .slice(1)
    .split("/")
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const change = (inside: Json, [name, ...rest]: readonly string[]): Json | undefined => {
    if (typeof inside !== "object" || inside === null || name === undefined) return undefined;
    const members = Object.entries(inside);
    const before = members.find(([known]) => known === name)?.[1];
    const after = rest.length === 0 ? value : before === undefined ? undefined : change(before, rest);
    if (rest.length > 0 && after === undefined) return undefined;
    if (Array.isArray(inside)) return members.map(([index, item]) => (index === name ? (after ?? null) : item));
    const others = members.filter(([known]) => known !== name);
    return Object.fromEntries(after === undefined ? others : [...others, [name, after]]);
  };
  const data = change(payload, path);
  return data === undefined ? null : { data };
}

/** Groups the edges by place and by whether the schema accepts them, as the lock stores them. */
export function groupEdges(of: string, judged: readonly (readonly [change: Change, accepted: boolean])[]): LockedEdges {
  const without = (wanted: boolean) => judged.flatMap(([{ at, value }, accepted]) => (value === undefined && accepted === wanted ? [at] : []));
  const values = (wanted: boolean) => {
    const places = new Map<string, Json[]>();
    for (const [{ at, value }, accepted] of judged) if (value !== undefined && accepted === wanted) places.set(at, [...(places.get(at) ?? []), value]);
    return Object.fromEntries(places);
  };
  return { of, accepts: values(true), accepts_without: without(true), refuses: values(false), refuses_without: without(false) };
}

/** Undoes `groupEdges`. */
export function listEdges(edges: LockedEdges): readonly (readonly [change: Change, accepted: boolean])[] {
  const list = (values: LockedEdges["accepts"], without: readonly string[], accepted: boolean) => [
    ...without.map((at) => [{ at }, accepted] as const),
    ...Object.entries(values).flatMap(([at, each]) => each.map((value) => [{ at, value }, accepted] as const)),
  ];
  return [...list(edges.accepts, edges.accepts_without, true), ...list(edges.refuses, edges.refuses_without, false)];
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
