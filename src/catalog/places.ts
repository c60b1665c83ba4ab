import type { z } from "zod";
import type { ErrorPlace } from "../errors.ts";
import { isA, textAt } from "../event/thrown.ts";

/** A JSON pointer (RFC 6901) below `base`: `~` and `/` in a member's name are escaped. */
export function below(base: string, ...path: readonly PropertyKey[]): string {
  return path.reduce<string>((pointer, member) => `${pointer}/${String(member).replaceAll("~", "~0").replaceAll("/", "~1")}`, base);
}

/** The most faults that are named for one value; a body of 4 MiB has room for a million. */
export const maxPlaces = 100;

/** Where and why zod refused, the first `maxPlaces`: zod's own words, which name expected and received types but never a received value. */
export function placesOf(error: z.ZodError, base: string): readonly ErrorPlace[] {
  const places: ErrorPlace[] = [];
  for (const issue of error.issues) {
    if (issue.code !== "unrecognized_keys") places.push({ pointer: below(base, ...issue.path), detail: issue.message });
    else for (const key of issue.keys.slice(0, maxPlaces)) places.push({ pointer: below(base, ...issue.path, key), detail: "Unknown member." });
    if (places.length >= maxPlaces) break;
  }
  return places.slice(0, maxPlaces);
}

/** The output of the schema, or the places where the value does not fit. */
export function check<S extends z.ZodType>(
  schema: S,
  value: unknown,
  base: string,
): { readonly data: z.output<S> } | { readonly places: readonly ErrorPlace[] } {
  try {
    const result = schema.safeParse(value);
    return result.success ? { data: result.data } : { places: placesOf(result.error, base) };
  } catch (error) {
    if (isTooMuch(error)) return { places: [{ pointer: base, detail: tooMuch }] };
    throw error;
  }
}

/** zod hands faults on from object to object as the arguments of a call, so some hundred thousand of them overflow the stack. */
export function isTooMuch(error: unknown): boolean {
  return isA(RangeError, error) && textAt(error, "message") === "Maximum call stack size exceeded";
}

export const tooMuch = "has more faults than can be named, or nests too deep";
