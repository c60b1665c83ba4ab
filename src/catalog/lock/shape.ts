import type { Json } from "../../event/event.ts";

/** The part of JSON Schema that zod writes. */
export interface Shape {
  readonly type?: string | readonly string[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Shape>>;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape | boolean;
  readonly propertyNames?: Shape;
  readonly items?: Shape | false;
  readonly prefixItems?: readonly Shape[];
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly allOf?: readonly Shape[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** A recursive schema ends here. */
export const maxDepth = 12;

/** The schema that `$ref` names (zod writes `#` and `#/$defs/<name>` only), with several types as alternatives. */
export function resolveRef(root: Shape, shape: Shape): Shape {
  let found = shape;
  for (let hops = 0; found.$ref !== undefined && hops < maxDepth; hops++) {
    const name = /^#\/\$defs\/(.+)$/.exec(found.$ref)?.[1];
    found = name === undefined ? root : (root.$defs?.[name.replaceAll("~1", "/").replaceAll("~0", "~")] ?? {});
  }
  const { type } = found;
  return typeof type === "object" ? { anyOf: type.map((each) => ({ type: each })) } : found;
}
