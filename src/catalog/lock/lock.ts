/** schemas/lock.json: a record of the published schemas and steps, so that a change of them does not pass unseen. */
import { z } from "zod";
import type { Json } from "../../event/event.ts";
import { canonical } from "../canonical.ts";

/** A sample at one version: its data, or how it ended. Only the type of an error is kept, because a library may change the words of its errors. */
export type Outcome =
  | { readonly data: Json }
  | { readonly error: string }
  | { readonly dropped: string }
  | { readonly split: readonly { readonly type: string; readonly schema_version: number; readonly data: Json }[] };

export interface LockedSample {
  readonly data: Json;
  /** The output of its own version's schema, when it differs from `data` by defaults or by members that are left out. */
  readonly reads?: Json;
  /** Version → the sample after the step to that version, up to the current version or to the sample's end. */
  readonly becomes: Readonly<Record<string, Outcome>>;
}

/** One sample, changed at one place at a time, to values that the schema just accepts or just refuses. */
export interface LockedEdges {
  /** Name of the sample. */
  readonly of: string;
  /** JSON pointer → values that the schema accepts there. */
  readonly accepts: Readonly<Record<string, readonly Json[]>>;
  /** JSON pointers of members that may be missing. */
  readonly accepts_without: readonly string[];
  readonly refuses: Readonly<Record<string, readonly Json[]>>;
  readonly refuses_without: readonly string[];
}

export interface LockedVersion {
  /** Fingerprint of `schema`. */
  readonly fingerprint: string;
  /** The zod that the schema was made with; null in a lock of format 1, which did not name it. */
  readonly zod: string | null;
  /** JSON Schema of the data that an append accepts. */
  readonly schema: Readonly<Record<string, Json>>;
  /** Rules that the JSON Schema does not show. */
  readonly hidden: readonly { readonly at: string; readonly what: string; readonly code: string | null }[];
  /** Fingerprint of the code of the step to the next version; null for the current one. */
  readonly step: string | null;
  /** By name; samples from files are named `real/<file name>`. */
  readonly samples: Readonly<Record<string, LockedSample>>;
  /** Null when there is no generated sample. */
  readonly edges: LockedEdges | null;
}

/** The data that a `downcast` stores for samples of the current version. */
export interface LockedDowncast {
  /** The current version that it is from. */
  readonly from: number;
  readonly version: number;
  /** The former name under which it stores; null for the type's own name. */
  readonly type: string | null;
  readonly code: string | null;
  /** Sample → the stored data, or the type of the error. */
  readonly stores: Readonly<Record<string, Outcome>>;
}

export interface LockedType {
  readonly downcast: LockedDowncast | null;
  readonly formerly: readonly string[];
  readonly versions: Readonly<Record<string, LockedVersion>>;
}

export interface Lock {
  /** A lock of format 1 is read with null for everything that it did not record. */
  readonly format: 2;
  readonly types: Readonly<Record<string, LockedType>>;
}

const json = z.json() as z.ZodType<Json>;
const outcome = z.union([
  z.strictObject({ data: json }),
  z.strictObject({ error: z.string() }),
  z.strictObject({ dropped: z.string() }),
  z.strictObject({ split: z.array(z.strictObject({ type: z.string(), schema_version: z.int(), data: json })) }),
]);
const values = z.record(z.string(), z.array(json));
const pointers = z.array(z.string());
const edges = z.strictObject({ of: z.string(), accepts: values, accepts_without: pointers, refuses: values, refuses_without: pointers });
const version = z.strictObject({
  fingerprint: z.string(),
  zod: z.string().nullable().default(null),
  schema: z.record(z.string(), json),
  hidden: z.array(z.strictObject({ at: z.string(), what: z.string(), code: z.string().nullable() })),
  step: z.string().nullable(),
  samples: z.record(z.string(), z.strictObject({ data: json, reads: json.optional(), becomes: z.record(z.string().regex(/^\d+$/), outcome) })),
  edges: edges.nullable(),
});
const downcast = z.strictObject({
  from: z.int(),
  version: z.int(),
  type: z.string().nullable(),
  code: z.string().nullable(),
  stores: z.record(z.string(), outcome),
});
const lockShape = z.strictObject({
  format: z.literal([1, 2]).transform(() => 2 as const),
  types: z.record(
    z.string(),
    z.strictObject({ downcast: downcast.nullable().default(null), formerly: z.array(z.string()), versions: z.record(z.string().regex(/^[1-9]\d*$/), version) }),
  ),
});

/** @returns what is wrong with the file, as a text, when it is no lock. */
export function readLock(text: string): Lock | string {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return /^(<<<<<<<|>>>>>>>)/m.test(text) ? "it holds a merge conflict" : `it is no JSON: ${(error as Error).message.split("\n")[0]}`;
  }
  const format = (content as { readonly format?: unknown } | null)?.format;
  if (typeof format === "number" && format > 2) return `it has format ${format}; this build knows formats 1 and 2`;
  const read = lockShape.safeParse(content);
  if (read.success) return read.data as Lock;
  const [issue] = read.error.issues;
  return `it is not what \`schema lock\` writes, at /${(issue?.path ?? []).join("/")}: ${issue?.message ?? "unknown"}`;
}

/** Lines up to this length hold a whole value. */
const lineLength = 140;

/** Writes members sorted by name, and each small value on one line, so that a change is a line or two in a review. */
export function writeLock(lock: Lock): string {
  return `${layOut(canonical(lock), "")}\n`;
}

function layOut(value: Json, indent: string): string {
  const flat = spaced(value);
  if (typeof value !== "object" || value === null || flat.length + indent.length <= lineLength) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[\n${(value as readonly Json[]).map((item) => inner + layOut(item, inner)).join(",\n")}\n${indent}]`;
  const members = Object.entries(value).sort(byNumberOrName);
  return `{\n${members.map(([name, member]) => `${inner}${JSON.stringify(name)}: ${layOut(member, inner)}`).join(",\n")}\n${indent}}`;
}

/** Sorts version 10 behind version 9. */
function byNumberOrName([a]: readonly [string, Json], [b]: readonly [string, Json]): number {
  return /^\d+$/.test(a) && /^\d+$/.test(b) ? Number(a) - Number(b) : a < b ? -1 : 1;
}

function spaced(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(spaced).join(", ")}]`;
  const members = Object.entries(value).sort(byNumberOrName);
  return members.length === 0 ? "{}" : `{ ${members.map(([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`).join(", ")} }`;
}
