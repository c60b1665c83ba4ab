import type { z } from "zod";
import type { ErrorPlace } from "../errors.ts";

/** A JSON pointer (RFC 6901) below `base`: `~` and `/` in a member's name are escaped. */
export function below(base: string, ...path: readonly PropertyKey[]): string {
  return path.reduce<string>((pointer, member) => `${pointer}/${String(member).replaceAll("~", "~0").replaceAll("/", "~1")}`, base);
}

/** Where and why zod refused: zod's own words, which name expected and received types but never a received value. */
export function placesOf(error: z.ZodError, base: string): readonly ErrorPlace[] {
  return error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ pointer: below(base, ...issue.path, key), detail: "Unknown member." }))
      : [{ pointer: below(base, ...issue.path), detail: issue.message }],
  );
}
