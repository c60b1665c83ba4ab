import { z } from "zod";
import { RepriseError } from "../errors.ts";
import { eventTypePattern } from "../event/names.ts";
import { type Downcast, type EventDefinition, maxVersions, type UpcasterChain } from "./define.ts";
import { type DescribedSchema, describeSchema } from "./json-schema.ts";

type Step = UpcasterChain["steps"][number];

/** One version of an event type, checked. */
export interface CheckedVersion extends DescribedSchema {
  readonly schema: z.ZodType;
  /** Lifts data of this version to the next; undefined for the current one. */
  readonly step: Step | undefined;
}

/** An event type with versions 1 to n at `versions[0]` to `versions[n − 1]`, and every step between them. */
export interface CheckedType {
  readonly type: string;
  readonly formerly: readonly string[];
  readonly versions: readonly CheckedVersion[];
  /** Types that its steps may split it into. */
  readonly into: readonly string[];
  readonly downcast: Downcast | null;
}

/** Checks at start what the types of `defineEvent` and `defineUpcasters` already check while compiling, and what types cannot check. */
export function checkDefinitions(events: readonly EventDefinition[], chains: readonly UpcasterChain[]): readonly CheckedType[] {
  checkNames(events);
  const chainOf = chainsByType(events, chains);
  return events.map((event) => {
    const count = checkVersions(event);
    const ownSteps = checkSteps(event, count, chainOf.get(event.type)?.steps ?? {});
    checkDowncast(event, count);
    const versions = Array.from({ length: count }, (_, index) => {
      const schema = event.schemas[index + 1]!;
      if (!(schema instanceof z.ZodType))
        throw invalid(`Version ${index + 1} of event type "${event.type}" is ${kindOfSchema(schema)}: use z.object({ … }) of zod 4, import { z } from "zod".`);
      return { schema, ...describeSchema(event.type, index + 1, schema), step: ownSteps[index + 1] };
    });
    const into = checkInto(event.type, chainOf.get(event.type)?.into ?? [], events);
    return { type: event.type, formerly: [...event.formerly], versions, into, downcast: event.downcast };
  });
}

/** Names a value that stands in place of a schema. Often it is a schema of another zod. */
function kindOfSchema(schema: unknown): string {
  if (typeof schema !== "object" || schema === null) return "not a zod schema";
  if ("_zod" in schema) return "a schema of zod/mini, which cannot be used here";
  return "_def" in schema ? "a zod 3 schema" : "not a zod schema";
}

function checkNames(events: readonly EventDefinition[]): void {
  const owners = new Map<string, string>();
  for (const { type, formerly } of events) {
    for (const name of [type, ...formerly]) {
      if (!eventTypePattern.test(name))
        throw invalid(`Event type ${quote(name)} is not a valid name: use 1 to 128 letters, digits, "_", "." and "-", beginning with a letter.`);
    }
    if (owners.has(type)) throw invalid(`Event type "${type}" is defined twice: list one definition with all its versions.`);
    owners.set(type, type);
  }
  for (const { type, formerly } of events) {
    for (const name of formerly) {
      const owner = owners.get(name);
      if (owner !== undefined)
        throw invalid(`Event type "${type}" says that it was formerly "${name}", which names "${owner}" already: a name belongs to one event type for ever.`);
      owners.set(name, type);
    }
  }
}

function chainsByType(events: readonly EventDefinition[], chains: readonly UpcasterChain[]): Map<string, UpcasterChain> {
  const types = new Set(events.map(({ type }) => type));
  const byType = new Map<string, UpcasterChain>();
  for (const chain of chains) {
    const type = chain.event.type;
    if (!types.has(type))
      throw new RepriseError(
        "UPCASTER_UNEXPECTED",
        `There are upcasters for event type ${quote(type)}, which is not in \`events\`: list it there, or remove them.`,
      );
    if (byType.has(type)) throw invalid(`Event type "${type}" has two lists of upcasters: put all its steps into one defineUpcasters.`);
    byType.set(type, chain);
  }
  return byType;
}

/** The types that a split may give have to be known before any step runs, because handlers that want them also read the type that is split. */
function checkInto(type: string, into: readonly EventDefinition[], events: readonly EventDefinition[]): readonly string[] {
  for (const { type: target } of into)
    if (!events.some((event) => event.type === target))
      throw invalid(`The upcasters of event type "${type}" split it into ${quote(target)}, which is not in \`events\`: list it there.`);
  return into.map((event) => event.type);
}

function checkDowncast({ type, formerly, downcast }: EventDefinition, count: number): void {
  if (downcast === null) return;
  if (!(Number.isInteger(downcast.version) && downcast.version >= 1 && downcast.version <= count))
    throw invalid(`Event type "${type}" has a downcast to version ${String(downcast.version)}: name one of its versions, 1 to ${count}.`);
  if (downcast.type !== undefined && !formerly.includes(downcast.type))
    throw invalid(`Event type "${type}" has a downcast to the name ${quote(downcast.type)}: name one that \`formerly\` lists.`);
  if (typeof downcast.data !== "function") throw invalid(`Event type "${type}" has a downcast without \`data\`: give it a function, (data) => ({ … }).`);
}

/** @returns how many versions there are: 1 to 32, without gaps. */
function checkVersions({ type, schemas }: EventDefinition): number {
  const versions = Object.keys(schemas);
  const odd = versions.find((version) => !/^[1-9]\d*$/.test(version));
  if (odd !== undefined) throw invalid(`Event type "${type}" has a version ${quote(odd)}: versions are the whole numbers 1, 2, 3 ….`);
  if (versions.length === 0) throw invalid(`Event type "${type}" has no version: give it a schema, { 1: z.object({ … }) }.`);
  for (const [index, version] of versions.entries()) {
    // Whole-number keys come in ascending order, whatever order they were written in.
    if (Number(version) !== index + 1)
      throw invalid(`Event type "${type}" has a version ${version} but no version ${index + 1}: add its schema; versions have no gaps.`);
  }
  if (versions.length > maxVersions)
    throw invalid(`Event type "${type}" has ${versions.length} versions, more than ${maxVersions}: begin a new event type and let the old one rest.`);
  return versions.length;
}

function checkSteps({ type }: EventDefinition, count: number, steps: UpcasterChain["steps"]): UpcasterChain["steps"] {
  const known = new Set(Array.from({ length: count - 1 }, (_, index) => String(index + 1)));
  const extra = Object.keys(steps).find((from) => !known.has(from));
  if (extra !== undefined) {
    throw new RepriseError(
      "UPCASTER_UNEXPECTED",
      `Event type "${type}" has an upcaster from version ${extra}, but its newest version is ${count}: remove the step, or add the schemas on both sides of it.`,
    );
  }
  for (let from = 1; from < count; from++) {
    if (typeof steps[from] !== "function") {
      throw new RepriseError(
        "UPCASTER_MISSING",
        `Event type "${type}" has no upcaster from version ${from} to ${from + 1}: add the step ${from} to its defineUpcasters, and the list to \`upcasters\`.`,
      );
    }
    if (steps[from]?.constructor.name === "AsyncFunction")
      throw invalid(
        `Event type "${type}" has an asynchronous upcaster from version ${from} to ${from + 1}: steps are pure and synchronous, without \`async\`.`,
      );
  }
  return steps;
}

function invalid(message: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", message);
}

function quote(name: unknown): string {
  return String(JSON.stringify(name)).slice(0, 150);
}
