/** A schema that takes what another takes and makes less of it: for an append, which only asks whether data fits, and stores what was sent. */
import type { z } from "zod";

/** The members of zod's definitions that this file reads. */
interface Definition {
  readonly type: string;
  readonly checks?: readonly unknown[];
  /** Of an object. */
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: z.ZodType;
  /** Of a list. */
  readonly element?: z.ZodType;
  /** Of what may be missing, or null. */
  readonly innerType?: z.ZodType;
}

const acceptances = new WeakMap<z.ZodType, z.ZodType>();

/**
 * A loose object hands on the members that its shape does not list, and reads and copies each of them. Here it leaves them alone, which takes a third of the
 * time for a webhook of GitHub's (25 and 8 µs). A part of a schema with a check of its own stays as it is, because the check may look at any of its members.
 *
 * @returns the schema itself where nothing is loose. What it refuses is to be judged by the schema, which says why.
 */
export function acceptanceOf(schema: z.ZodType): z.ZodType {
  let acceptance = acceptances.get(schema);
  if (acceptance === undefined) acceptances.set(schema, (acceptance = leaner(schema, new Map())));
  return acceptance;
}

/** @param met parts of the schema. One that contains itself stays as it is in there. */
function leaner(schema: z.ZodType, met: Map<z.ZodType, z.ZodType>): z.ZodType {
  const known = met.get(schema);
  if (known !== undefined) return known;
  met.set(schema, schema);
  const definition = leanDefinition(definitionOf(schema), met);
  const made = definition === null ? schema : schema.clone(definition as typeof schema._zod.def);
  met.set(schema, made);
  return made;
}

/** Null where it would be the same. */
function leanDefinition(def: Definition, met: Map<z.ZodType, z.ZodType>): Definition | null {
  if (hasChecks(def)) return null;
  if (def.type === "object") return leanObject(def, met);
  if (def.type === "array") return leanMember(def, "element", met);
  return def.type === "optional" || def.type === "nullable" ? leanMember(def, "innerType", met) : null;
}

function leanObject({ shape = {}, catchall, ...others }: Definition, met: Map<z.ZodType, z.ZodType>): Definition | null {
  const members = Object.entries(shape).map(([name, member]) => [name, leaner(member, met)] as const);
  const isLoose = catchall !== undefined && isAnything(definitionOf(catchall));
  if (!isLoose && members.every(([name, member]) => member === shape[name])) return null;
  return { ...others, shape: Object.fromEntries(members), ...(catchall === undefined || isLoose ? {} : { catchall }) };
}

function leanMember<M extends "element" | "innerType">(def: Definition, name: M, met: Map<z.ZodType, z.ZodType>): Definition | null {
  const member = leaner(def[name]!, met);
  return member === def[name] ? null : { ...def, [name]: member };
}

function isAnything(def: Definition): boolean {
  return def.type === "unknown" && !hasChecks(def);
}

function hasChecks({ checks }: Definition): boolean {
  return checks !== undefined && checks.length > 0;
}

function definitionOf(schema: z.ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}
