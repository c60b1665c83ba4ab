/** Events of one type and version whose steps' inputs are frozen before only those of some are, and then one of how many. */
const firstFrozen = 256;
const frozenOneOf = 1024;

/**
 * Says of which events to freeze what the steps get. A step that writes to its input throws for a frozen one, and is so found out when it is new. To
 * freeze all of them costs more than all else together (540 ns to parse and freeze an order of two lines, 154 to parse it), one in 64 still a tenth, as
 * what follows then meets two kinds of objects; and it is needless where the input is a copy of zod's that nobody else holds.
 */
export function makeSampling(): () => boolean {
  let events = 0;
  return () => events++ < firstFrozen || events % frozenOneOf === 0;
}

/** Whether a schema (as JSON Schema) lets parts of the data through as they are, without a copy: `z.unknown()`, `z.any()`, `z.looseObject()`. */
export function letsThrough(jsonSchema: unknown): boolean {
  if (typeof jsonSchema !== "object" || jsonSchema === null) return false;
  const members = Object.keys(jsonSchema).filter((name) => !annotations.has(name));
  if (members.length === 0) return !Array.isArray(jsonSchema);
  return members.some((name) => letsThrough((jsonSchema as Readonly<Record<string, unknown>>)[name]));
}

const annotations: ReadonlySet<string> = new Set(["title", "description", "default", "examples", "id", "deprecated", "readOnly", "$id", "$schema"]);
