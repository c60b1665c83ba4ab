/**
 * A schema that does more with what another hands on as it is: members that a loose object does not list, and members of type unknown. zod makes all else
 * anew, so only these parts have to be copied before a step gets them, and only they can hold what JSON cannot. The whole data has ten times as much to walk.
 */
import { z } from "zod";
import { givesOnlyJson, givesUndefined, makePartCheck } from "../whole-json.ts";
import { copiesWhatItParses, copyDeep, type Definition } from "./private-copy.ts";

export type Parser = Pick<z.ZodType, "parse">;

/** @returns a parser that copies what the schema hands on; null where the whole has to be copied. @param mayRing of the data that it parses. */
export function copyingParser(schema: z.ZodType, mayRing: boolean): Parser | null {
  return rewrite(schema, copiesWhatItParses, mayRing ? ringCopies : treeCopies)?.schema ?? null;
}

/** @returns a parser that throws where the result is not the same as JSON; null where the whole has to be looked through. */
export function lookingParser(schema: z.ZodType): Parser | null {
  if (givesUndefined(schema)) return null;
  const made = rewrite(schema, givesOnlyJson, looks);
  if (made === null) return null;
  return {
    parse(data) {
      check.begin(made.levels);
      return made.schema.parse(data);
    },
  };
}

/** What is done with a part, and a schema that does it. */
interface Taker {
  readonly take: (part: unknown) => unknown;
  /** Stands for `unknown` among the members that an object does not list. */
  readonly schema: z.core.$ZodType;
}

const check = makePartCheck();
// One schema for all, and of few lines, because zod asks it for each member: a schema of its own for each parser costs a tenth of a lift.
const treeCopies = makeTaker(copyTree, parseByCopy);
const ringCopies = makeTaker(copyRing, parseByCopyOfRing);
const looks = makeTaker(look, parseByLook);

function copyTree(part: unknown): unknown {
  return copyDeep(part, false);
}

function copyRing(part: unknown): unknown {
  return copyDeep(part, true);
}

function look(part: unknown): unknown {
  if (!check.accepts(part)) throw new TypeError("a part is not the same as JSON");
  return part;
}

function parseByCopy(payload: z.core.ParsePayload): z.core.ParsePayload {
  const { value } = payload;
  if (typeof value === "object" && value !== null) payload.value = copyDeep(value, false);
  return payload;
}

function parseByCopyOfRing(payload: z.core.ParsePayload): z.core.ParsePayload {
  const { value } = payload;
  if (typeof value === "object" && value !== null) payload.value = copyDeep(value, true);
  return payload;
}

function parseByLook(payload: z.core.ParsePayload): z.core.ParsePayload {
  if (typeof payload.value !== "string") look(payload.value);
  return payload;
}

function makeTaker(take: Taker["take"], parse: (payload: z.core.ParsePayload) => z.core.ParsePayload): Taker {
  const Taking = z.core.$constructor<z.core.$ZodType, z.core.$ZodTypeDef>("Taking", (inst, def) => {
    z.core.$ZodType.init(inst, def);
    inst._zod.parse = parse;
  });
  return { take, schema: new Taking({ type: "custom" }) };
}

interface Work extends Taker {
  /** Whether a part of the schema needs nothing done. */
  readonly isDone: (schema: z.core.$ZodType) => boolean;
  /** The parts that hold this one: a schema may contain itself. */
  readonly holders: Set<z.core.$ZodType>;
  levels: number;
}

/** @returns with the levels of its own parts, below which parts are taken; null where the schema has a part of a kind that is not listed here. */
function rewrite(schema: z.ZodType, isDone: Work["isDone"], taker: Taker): { readonly schema: z.ZodType; readonly levels: number } | null {
  const work: Work = { ...taker, isDone, holders: new Set(), levels: 0 };
  const made = part(schema, work);
  return made === null ? null : { schema: made as z.ZodType, levels: work.levels };
}

function part(schema: z.core.$ZodType, work: Work): z.core.$ZodType | null {
  if (work.isDone(schema)) return schema;
  const def = schema._zod.def as unknown as Definition;
  if (hasChecks(def) || work.holders.has(schema)) return null;
  work.holders.add(schema);
  work.levels = Math.max(work.levels, work.holders.size);
  const changes = changesOf(def, work);
  work.holders.delete(schema);
  return changes === null ? null : cloneOf(schema, changes);
}

/** The members of the definition that become others, as values or as getters. */
function changesOf(def: Definition, work: Work): PropertyDescriptorMap | null {
  switch (def.type) {
    case "unknown":
    case "any":
      return { checks: { value: [new z.core.$ZodCheckOverwrite({ check: "overwrite", tx: work.take })] } };
    case "object":
      return objectChanges(def, work);
    case "array":
      return givesUndefined(def.element!) ? null : innerChange(def, "element", work);
    case "record":
      return def.mode === "loose" || !isPlainText(def.keyType!) ? null : innerChange(def, "valueType", work);
    case "nullable":
    case "optional":
      return innerChange(def, "innerType", work);
    case "default": {
      const change = innerChange(def, "innerType", work);
      // A getter, because zod asks the user's function for each value anew.
      return change === null ? null : { ...change, defaultValue: { get: () => work.take(def.defaultValue) } };
    }
    default:
      return null;
  }
}

function objectChanges({ shape = {}, catchall }: Definition, work: Work): PropertyDescriptorMap | null {
  if (Object.getOwnPropertySymbols(shape).length > 0) return null;
  const made = Object.entries(shape).map(([name, member]) => [name, part(member, work)] as const);
  if (made.some(([, member]) => member === null)) return null;
  const members = Object.fromEntries(made);
  if (catchall === undefined) return { shape: { value: members } };
  const others = isAnything(catchall) ? work.schema : part(catchall, work);
  return others === null ? null : { shape: { value: members }, catchall: { value: others } };
}

function innerChange(def: Definition, name: "element" | "valueType" | "innerType", work: Work): PropertyDescriptorMap | null {
  const made = part(def[name]!, work);
  return made === null ? null : { [name]: { value: made } };
}

/** The definition is copied without calling its getters: a default's is the user's function. */
function cloneOf(schema: z.core.$ZodType, changes: PropertyDescriptorMap): z.core.$ZodType {
  const def: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(schema._zod.def);
  for (const name of Object.keys(changes)) def[name] = { enumerable: true, configurable: true, ...changes[name] };
  return z.core.clone(schema, Object.defineProperties({}, def) as typeof schema._zod.def);
}

function isAnything(schema: z.core.$ZodType): boolean {
  const def = schema._zod.def as unknown as Definition;
  return (def.type === "unknown" || def.type === "any") && !hasChecks(def);
}

function isPlainText(schema: z.core.$ZodType): boolean {
  const def = schema._zod.def as unknown as Definition;
  return def.type === "string" && !hasChecks(def);
}

function hasChecks({ checks }: Definition): boolean {
  return checks !== undefined && checks.length > 0;
}
