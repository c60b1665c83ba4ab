import type { z } from "zod";
import type { FailureText } from "../catalog.ts";
import { isTooMuch, maxPlaces, placesOf, tooMuch } from "../places.ts";
import { clip, describeThrown } from "./thrown.ts";

export type Parsed =
  | { readonly success: true; readonly data: unknown }
  | { readonly success: false; readonly error: z.ZodError }
  | { readonly success: false; readonly thrown: FailureText };

export type Refused = Exclude<Parsed, { readonly success: true }>;

export function parse(schema: z.ZodType, data: unknown): Parsed {
  try {
    // zod's own answer, not a copy: that saves three objects for each step. zod's inner `_zod.run` would save another 6 %, but zod does not promise it.
    return schema.safeParse(data);
  } catch (error) {
    // A refinement of the user's threw, or is asynchronous ($ZodAsyncError).
    if (isTooMuch(error)) return { success: false, thrown: { type: "SchemaInvalid", message: `The data ${tooMuch}` } };
    const { type, message } = describeThrown(error, data);
    return { success: false, thrown: { type, message: `The schema itself failed with ${type}: ${message}` } };
  }
}

export function describeRefusal(parsed: Refused, where: string): FailureText {
  if ("thrown" in parsed) return { type: parsed.thrown.type, message: clip(`${where}: ${parsed.thrown.message}`) };
  const places = placesOf(parsed.error, "");
  const shown = places.slice(0, 3).map(({ pointer, detail }) => `${pointer === "" ? "data" : pointer}: ${detail}`);
  const more = places.length - shown.length;
  const others = places.length === maxPlaces ? "; and many more" : more > 0 ? `; and ${more} more` : "";
  return { type: "SchemaInvalid", message: clip(`${where}: ${shown.join("; ")}${others}`) };
}
