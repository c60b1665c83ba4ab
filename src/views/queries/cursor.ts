import { RepriseError } from "../../errors.ts";

/** The lists that have cursors: one of another list is refused, however alike it looks. */
type List = "events" | "entities" | "dead_letters" | "error_groups" | "escalations" | "replays" | "report" | "segments";

/** Where a page ended, as opaque text. @param scope whose list it is: a tenant, all of them, or one replay. A cursor goes on in no other list than its own. */
export function toCursor(list: List, scope: string, ...place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, scope, ...place])).toString("base64url");
}

type Place<S extends readonly ("number" | "string")[]> = { readonly [K in keyof S]: S[K] extends "number" ? number : string };

/**
 * @param shape of what `toCursor` was given.
 * @returns null without a cursor: from the beginning.
 * @throws REQUEST_INVALID for one that this list did not make, or made of something else in an earlier release.
 */
export function fromCursor<const S extends readonly ("number" | "string")[]>(list: List, scope: string, cursor: string | undefined, shape: S): Place<S> | null {
  if (cursor === undefined) return null;
  const [made, of, ...place] = parse(cursor);
  const fits =
    made === list &&
    of === scope &&
    place.length === shape.length &&
    shape.every((type, index) => typeof place[index] === type && (type === "string" || Number.isSafeInteger(place[index])));
  if (!fits)
    throw new RepriseError(
      "REQUEST_INVALID",
      "The cursor is none of this list, or was made by another release: take next_cursor of the page before, or begin without one.",
    );
  return place as unknown as Place<S>;
}

function parse(cursor: string): readonly unknown[] {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(place) ? place : [];
  } catch {
    return [];
  }
}
